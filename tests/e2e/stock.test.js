// Contracts of other chains, as they were published, by secret.js against the node: stored, made, called, asked and listed like any other.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  ask, attribute, balance, clientOf, contractCode, execute, FAST, instantiate, logOf, sha256Hex, succeeded, tryExecute, upload,
} from "./support/client.js";
import { startNetwork } from "./support/network.js";

let network;
let a;
let b;
let token;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  b = clientOf(network, "b");
  const code = await upload(a, "cw20_base");
  assert.equal(code.code_hash, sha256Hex(contractCode("cw20_base")), "the published code, unmodified");
  token = await instantiate(a, code, {
    name: "Stock token", symbol: "STOCK", decimals: 6,
    initial_balances: [{ address: a.address, amount: "1000" }],
  });
});
after(() => network?.stop());

const tokens = async (client, { address }) => (await ask(client, token, { balance: { address } })).balance;

test("a cw20 token is transferred, and its holders and allowances are listed in order", async () => {
  assert.deepEqual(await ask(b, token, { token_info: {} }), {
    name: "Stock token", symbol: "STOCK", decimals: 6, total_supply: "1000",
  });
  const tx = await execute(a, token, { transfer: { recipient: b.address, amount: "300" } });
  assert.equal(attribute(tx, "wasm", "action"), "transfer");
  assert.equal(attribute(tx, "wasm", "amount"), "300");
  assert.deepEqual([await tokens(a, a), await tokens(a, b)], ["700", "300"]);

  const holders = [a.address, b.address].sort();
  assert.deepEqual(await ask(a, token, { all_accounts: {} }), { accounts: holders });
  assert.deepEqual(await ask(a, token, { all_accounts: { limit: 1 } }), { accounts: holders.slice(0, 1) });
  assert.deepEqual(await ask(a, token, { all_accounts: { start_after: holders[0] } }), { accounts: holders.slice(1) });
  await execute(a, token, { increase_allowance: { spender: b.address, amount: "5" } });
  const { allowances } = await ask(b, token, { all_allowances: { owner: a.address } });
  assert.deepEqual(allowances, [{ spender: b.address, allowance: "5", expires: { never: {} } }]);
  await execute(b, token, { transfer_from: { owner: a.address, recipient: b.address, amount: "5" } });
  assert.deepEqual([await tokens(a, a), await tokens(a, b)], ["695", "305"]);
});

test("what a cw20 token refuses is told to its sender alone", async () => {
  const tx = await tryExecute(a, token, { transfer: { recipient: b.address, amount: "100000" } });
  assert.deepEqual([tx.codespace, tx.code], ["compute", 3]);
  assert.match(logOf(tx), /Cannot Sub with given operands/);
  const { tx_response: raw } = await network.get(`/cosmos/tx/v1beta1/txs/${tx.transactionHash}`);
  assert.doesNotMatch(raw.raw_log, /Cannot Sub/);
  assert.match(raw.raw_log, /encrypted: /);
});

test("nobody else reads what a stock contract logged", async () => {
  const tx = await execute(a, token, { transfer: { recipient: b.address, amount: "1" } });
  const { tx_response: raw } = await network.get(`/cosmos/tx/v1beta1/txs/${tx.transactionHash}`);
  const attributes = raw.events.filter(({ type }) => type === "wasm").flatMap(({ attributes }) => attributes);
  const keys = attributes.map(({ key }) => key);
  assert.deepEqual(keys.filter((key) => ["contract_address", "msg_index"].includes(key)).sort(), ["contract_address", "msg_index"]);
  for (const [key, value] of [["action", "transfer"], ["from", a.address], ["to", b.address], ["amount", "1"]]) {
    assert.equal(attribute(tx, "wasm", key), value);
    assert.ok(!keys.includes(key), `${key} is shown`);
    assert.ok(!attributes.some((attribute) => attribute.value === value), `${value} is shown`);
  }
});

test("a cw721 collection mints and lists its tokens", async () => {
  const code = await upload(a, "cw721_base");
  const stamps = await instantiate(a, code, { name: "Stamps", symbol: "STAMP", minter: a.address });
  for (const token_id of ["c", "a", "b"]) {
    await execute(a, stamps, { mint: { token_id, owner: a.address, token_uri: null, extension: {} } });
  }
  await execute(a, stamps, { transfer_nft: { recipient: b.address, token_id: "b" } });
  assert.deepEqual(await ask(b, stamps, { all_tokens: { limit: 2 } }), { tokens: ["a", "b"] });
  assert.deepEqual(await ask(b, stamps, { all_tokens: { start_after: "b" } }), { tokens: ["c"] });
  assert.deepEqual(await ask(b, stamps, { tokens: { owner: b.address } }), { tokens: ["b"] });
  const { access } = await ask(b, stamps, { all_nft_info: { token_id: "b" } });
  assert.equal(access.owner, b.address);
});

test("a cw4 group lists its members", async () => {
  const code = await upload(a, "cw4_group");
  const group = await instantiate(a, code, { admin: a.address, members: [{ addr: a.address, weight: 2 }] });
  await execute(a, group, { update_members: { remove: [], add: [{ addr: b.address, weight: 5 }] } });
  const { members } = await ask(b, group, { list_members: {} });
  const expected = [{ addr: a.address, weight: 2 }, { addr: b.address, weight: 5 }];
  assert.deepEqual(members, expected.sort((x, y) => (x.addr < y.addr ? -1 : 1)));
});

test("a cw1 whitelist sends for its admins, and a cw3 multisig when enough have voted", async () => {
  const whitelist = await instantiate(a, await upload(a, "cw1_whitelist"), { admins: [a.address], mutable: false });
  const amount = { denom: "uscrt", amount: "20" };
  succeeded(await a.tx.bank.send({ from_address: a.address, to_address: whitelist.address, amount: [amount] }, { ...FAST, gasLimit: 50_000 }));
  const send = { execute: { msgs: [{ bank: { send: { to_address: token.address, amount: [amount] } } }] } };
  const refused = await tryExecute(b, whitelist, send);
  assert.match(logOf(refused), /Unauthorized/);
  await execute(a, whitelist, send);
  assert.deepEqual([await balance(network, whitelist.address), await balance(network, token.address)], [0n, 20n]);

  const multisig = await instantiate(a, await upload(a, "cw3_fixed_multisig"), {
    voters: [{ addr: a.address, weight: 1 }, { addr: b.address, weight: 1 }],
    threshold: { absolute_count: { weight: 2 } }, max_voting_period: { height: 1_000 },
  });
  await execute(a, token, { transfer: { recipient: multisig.address, amount: "9" } });
  const pay = Buffer.from(JSON.stringify({ transfer: { recipient: b.address, amount: "9" } })).toString("base64");
  const msgs = [{ wasm: { execute: { contract_addr: token.address, msg: pay, funds: [] } } }];
  await execute(a, multisig, { propose: { title: "pay", description: "b", msgs } });
  assert.match(logOf(await tryExecute(a, multisig, { execute: { proposal_id: 1 } })), /Proposal must have passed/);
  const before = BigInt(await tokens(b, b));
  await execute(b, multisig, { vote: { proposal_id: 1, vote: "yes" } });
  await execute(a, multisig, { execute: { proposal_id: 1 } });
  assert.equal(BigInt(await tokens(b, b)) - before, 9n);
  const { votes } = await ask(b, multisig, { list_votes: { proposal_id: 1 } });
  assert.deepEqual(votes.map(({ voter }) => voter), [a.address, b.address].sort());
});

test("a published factory reads in the reply where its collection is, and sells out of it for cw20 tokens", async () => {
  const { code_id } = await upload(a, "cw721_metadata_onchain");
  const shop = await instantiate(a, await upload(a, "cw721_fixed_price"), {
    owner: a.address, max_tokens: 1, unit_price: "5", name: "Stamps", symbol: "STAMP", collection_info_extension: null,
    token_code_id: Number(code_id), cw20_address: token.address, token_uri: "", extension: null, withdraw_address: null,
  }, { gasLimit: 500_000 });
  const { cw721_address } = await ask(b, shop, { get_config: {} });
  const { code_hash } = await a.query.compute.codeHashByContractAddress({ contract_address: cw721_address });
  await execute(a, token, { send: { contract: shop.address, amount: "5", msg: "" } }, { gasLimit: 500_000 });
  const owner = await ask(b, { address: cw721_address, code_hash }, { owner_of: { token_id: "0", include_expired: null } });
  assert.equal(owner.owner, a.address);
  assert.match(logOf(await tryExecute(a, token, { send: { contract: shop.address, amount: "5", msg: "" } }, { gasLimit: 500_000 })), /SoldOut/);
});

test("a contract with the newest library makes another at an address that is known before, and is told who migrates it", async () => {
  const code = await upload(a, "stock");
  const list = await instantiate(a, code, {}, { admin: a.address });
  const salt = Buffer.from("salt").toString("base64");
  const ahead = await ask(b, list, { predict: { code_id: Number(code.code_id), salt } });
  const amount = { denom: "uscrt", amount: "7" };
  // Coins are sent there first: they wait for the contract.
  succeeded(await b.tx.bank.send({ from_address: b.address, to_address: ahead, amount: [amount] }, { ...FAST, gasLimit: 50_000 }));
  const tx = await execute(b, list, { make: { code_id: Number(code.code_id), salt } }, { sent_funds: [amount], gasLimit: 500_000 });
  assert.equal(attribute(tx, "instantiate", "contract_address"), ahead);
  assert.equal(attribute(tx, "wasm", "made"), ahead);
  assert.equal(await balance(network, ahead), 14n);
  const made = { address: ahead, code_hash: code.code_hash };
  await execute(b, made, { fill: { from: 0, to: 2, text: "by secret.js" } });
  assert.deepEqual(await ask(a, made, { numbers: { after: null, limit: 9, descending: true } }), [7, 1, 0]);
  const { contract_info } = await network.get(`/compute/v1beta1/info/${ahead}`);
  assert.equal(contract_info.creator, list.address);

  const migrated = await a.tx.compute.migrateContract(
    { sender: a.address, contract_address: list.address, ...code, msg: {} },
    { ...FAST, gasLimit: 250_000 },
  );
  succeeded(migrated);
  assert.equal(attribute(migrated, "wasm", "migrated_by"), a.address);
  assert.equal(attribute(migrated, "wasm", "from_version"), "2");
});
