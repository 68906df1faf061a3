import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { MsgMultiSend, MsgSend, Wallet } from "secretjs";

import { ACCOUNTS, GENESIS_BALANCE } from "./support/accounts.js";
import { account, balance, clientOf, FAST, succeeded } from "./support/client.js";
import { startNetwork, until } from "./support/network.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];

let network;
let a;
let b;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  b = clientOf(network, "b");
});
after(() => network?.stop());

test("every account of the genesis has its balance, the validator what it did not bond", async () => {
  for (const [name, { address }] of Object.entries(ACCOUNTS)) {
    const bonded = name === "validator" ? 10n ** 17n : 0n;
    assert.equal(await balance(network, address), GENESIS_BALANCE - bonded, name);
  }
  const { supply } = await a.query.bank.totalSupply({});
  assert.deepEqual(supply, [{ denom: "uscrt", amount: "5000000000000000000" }]);
  const { amount } = await a.query.bank.supplyOf({ denom: "uscrt" });
  assert.equal(amount.amount, "5000000000000000000");
});

test("a send needs no options: 25,000 gas are enough", async () => {
  const before = { a: await balance(network, a.address), c: await balance(network, ACCOUNTS.c.address) };
  const tx = await a.tx.bank.send(
    { from_address: a.address, to_address: ACCOUNTS.c.address, amount: coins(7) },
    { broadcastCheckIntervalMs: 40 },
  );
  succeeded(tx);
  assert.equal(tx.gasWanted, 25_000);
  assert.ok(tx.gasUsed <= 25_000);
  assert.equal(await balance(network, ACCOUNTS.c.address), before.c + 7n);
  assert.equal(await balance(network, a.address), before.a - 7n - 2_500n);
});

test("a send is found with its message, its memo and its events", async () => {
  const message = { from_address: a.address, to_address: b.address, amount: coins(1) };
  const tx = await a.tx.bank.send(message, { ...FAST, memo: "thanks" });
  const { tx: body, tx_response } = await network.get(`/cosmos/tx/v1beta1/txs/${tx.transactionHash}`);
  assert.deepEqual(tx_response.tx, { "@type": "/cosmos.tx.v1beta1.Tx", ...body });
  assert.deepEqual(body.body, {
    messages: [{ "@type": "/cosmos.bank.v1beta1.MsgSend", ...message }],
    memo: "thanks", timeout_height: "0", extension_options: [], non_critical_extension_options: [],
  });
  assert.deepEqual(body.auth_info.fee, { amount: coins(2500), gas_limit: "25000", payer: "", granter: "" });
  assert.equal(body.auth_info.tip, null);
  assert.match(tx_response.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual([tx_response.raw_log, tx_response.logs, tx_response.info], ["", [], ""]);

  const events = tx_response.events.map(({ type, attributes }) => [
    type, ...attributes.map(({ key, value }) => `${key}=${value}`),
  ]);
  const collector = events[1][1].slice("receiver=".length);
  const { sequence } = await account(network, a.address);
  assert.deepEqual(events, [
    ["coin_spent", `spender=${a.address}`, "amount=2500uscrt"],
    ["coin_received", `receiver=${collector}`, "amount=2500uscrt"],
    ["transfer", `recipient=${collector}`, `sender=${a.address}`, "amount=2500uscrt"],
    ["message", `sender=${a.address}`],
    ["tx", "fee=2500uscrt", `fee_payer=${a.address}`],
    ["tx", `acc_seq=${a.address}/${sequence - 1n}`],
    ["tx", `signature=${body.signatures[0]}`],
    ["message", "action=/cosmos.bank.v1beta1.MsgSend", `sender=${a.address}`, "module=bank", "msg_index=0"],
    ["coin_spent", `spender=${a.address}`, "amount=1uscrt", "msg_index=0"],
    ["coin_received", `receiver=${b.address}`, "amount=1uscrt", "msg_index=0"],
    ["transfer", `recipient=${b.address}`, `sender=${a.address}`, "amount=1uscrt", "msg_index=0"],
    ["message", `sender=${a.address}`, "msg_index=0"],
  ]);
});

test("a send to a new account creates it", async () => {
  const { address } = new Wallet();
  const missing = await network.request(`/cosmos/auth/v1beta1/accounts/${address}`);
  assert.deepEqual([missing.status, missing.body.code], [404, 5]);
  assert.match(missing.body.message, new RegExp(`account ${address} not found`));
  assert.equal(await balance(network, address), 0n);

  succeeded(await a.tx.bank.send({ from_address: a.address, to_address: address, amount: coins(10) }, FAST));
  const { account: created } = await network.get(`/cosmos/auth/v1beta1/accounts/${address}`);
  assert.deepEqual(created, {
    "@type": "/cosmos.auth.v1beta1.BaseAccount",
    address, pub_key: null, account_number: created.account_number, sequence: "0",
  });
});

test("an account shows its key and sequence after its first transaction", async () => {
  const { address, mnemonic } = ACCOUNTS.d;
  const d = clientOf(network, "d");
  const before = await network.get(`/cosmos/auth/v1beta1/accounts/${address}`);
  assert.equal(before.account.pub_key, null);
  succeeded(await d.tx.bank.send({ from_address: address, to_address: a.address, amount: coins(1) }, FAST));
  const { account: after } = await network.get(`/cosmos/auth/v1beta1/accounts/${address}`);
  assert.equal(after.sequence, "1");
  assert.deepEqual(after.pub_key, {
    "@type": "/cosmos.crypto.secp256k1.PubKey",
    key: Buffer.from(new Wallet(mnemonic).publicKey).toString("base64"),
  });
});

test("thirty outputs of a multi-send fit into 200,000 gas", async () => {
  const addresses = Array.from({ length: 30 }, () => new Wallet().address);
  const before = await balance(network, a.address);
  const tx = await a.tx.bank.multiSend(
    {
      inputs: [{ address: a.address, coins: coins(465) }],
      outputs: addresses.map((address, index) => ({ address, coins: coins(index + 1) })),
    },
    { ...FAST, gasLimit: 200_000 },
  );
  succeeded(tx);
  assert.equal(await balance(network, addresses[0]), 1n);
  assert.equal(await balance(network, addresses[29]), 30n);
  assert.equal(await balance(network, a.address), before - 465n - 20_000n);
});

test("more than one has cannot be sent", async () => {
  const { address } = ACCOUNTS.c;
  const c = clientOf(network, "c");
  const held = await balance(network, address);
  const tx = await c.tx.bank.send(
    { from_address: address, to_address: a.address, amount: coins(held) },
    FAST,
  );
  assert.deepEqual([tx.codespace, tx.code], ["sdk", 5]);
  assert.equal(
    tx.rawLog,
    `failed to execute message; message index: 0: spendable balance ${held - 2500n}uscrt is smaller than ${held}uscrt: insufficient funds`,
  );
  assert.deepEqual(tx.data, []);
  assert.equal(await balance(network, address), held - 2500n);
});

test("several messages travel in one transaction", async () => {
  const before = await balance(network, ACCOUNTS.c.address);
  const send = (amount) =>
    new MsgSend({ from_address: a.address, to_address: ACCOUNTS.c.address, amount: coins(amount) });
  const multi = new MsgMultiSend({
    inputs: [{ address: a.address, coins: coins(3) }],
    outputs: [{ address: ACCOUNTS.c.address, coins: coins(3) }],
  });
  succeeded(await a.tx.broadcast([send(1), send(2), multi], { ...FAST, gasLimit: 100_000 }));
  assert.equal(await balance(network, ACCOUNTS.c.address), before + 6n);
});

test("a send can be simulated, and then needs about that much gas", async () => {
  const params = { from_address: a.address, to_address: b.address, amount: coins(1) };
  const { sequence } = await account(network, a.address);
  const { gas_info, result } = await a.tx.bank.send.simulate(params);
  assert.ok(result.events.length > 0);
  assert.equal((await account(network, a.address)).sequence, sequence, "nothing was executed");
  const tx = await a.tx.bank.send(params, FAST);
  const simulated = Number(gas_info.gas_used);
  assert.ok(Math.abs(simulated - tx.gasUsed) < 2_500, `${simulated} simulated, ${tx.gasUsed} used`);
});

test("transactions that one account sent without waiting are all executed, in order", async () => {
  const { number, sequence } = await account(network, b.address);
  const hashes = [];
  for (let index = 0; index < 10; index += 1) {
    const explicitSignerData = {
      accountNumber: Number(number), sequence: Number(sequence) + index, chainId: "secretdev-1",
    };
    const tx = await b.tx.bank.send(
      { from_address: b.address, to_address: a.address, amount: coins(1) },
      { explicitSignerData, waitForCommit: false },
    );
    hashes.push(tx.transactionHash);
  }
  await until(async () => (await account(network, b.address)).sequence === sequence + 10n);
  const heights = [];
  for (const hash of hashes) {
    const { tx_response } = await network.get(`/cosmos/tx/v1beta1/txs/${hash}`);
    assert.equal(tx_response.code, 0);
    heights.push(Number(tx_response.height));
  }
  assert.deepEqual(heights, heights.toSorted((x, y) => x - y));
});

test("the faucet tells who it is, and gives to who asks", async () => {
  const status = await (await fetch(`${network.faucet}/status`)).json();
  assert.deepEqual(status, { faucet_address: ACCOUNTS.a.address, amount: "1000000000" });
  assert.deepEqual(await (await fetch(`${network.faucet}/`)).json(), status);
  const { address } = new Wallet();
  const { txhash } = await (await fetch(`${network.faucet}/faucet?address=${address}`)).json();
  assert.match(txhash, /^[0-9A-F]{64}$/);
  await until(async () => (await balance(network, address)) === 1_000_000_000n, { what: "the faucet's coins" });
  await until(async () => (await network.request(`/cosmos/tx/v1beta1/txs/${txhash}`)).status === 200);

  const without = await fetch(`${network.faucet}/faucet`);
  assert.equal(without.status, 400);
  assert.deepEqual(await without.json(), { error: "address is required" });
  const bad = await fetch(`${network.faucet}/faucet?address=nonsense`);
  assert.equal(bad.status, 500);
  assert.equal(typeof (await bad.json()).error, "string");
  const other = await fetch(`${network.faucet}/elsewhere`);
  assert.deepEqual([other.status, await other.text()], [200, "Invalid Request!"]);
});
