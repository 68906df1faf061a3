import assert from "node:assert/strict";
import { createDecipheriv, createHash, createHmac } from "node:crypto";
import { after, before, test } from "node:test";

import { fromBech32 } from "@cosmjs/encoding";
import { toBase64, toUtf8 } from "secretjs";
import { AminoWallet } from "secretjs/dist/wallet_amino.js";
import WebSocket from "ws";

import { ask, balance, clientOf, dataBytes, dataText, deploy, execute, logOf, shown, tryExecute } from "./support/client.js";
import { ACCOUNTS } from "./support/accounts.js";
import { CHAIN_ID, startNetwork, until } from "./support/network.js";

const WRONG_KEY = { viewing_key_error: { msg: "Wrong viewing key for this address or viewing key not set" } };

let network;
let token;
const users = {};
const permitSigners = {};
before(async () => {
  network = await startNetwork();
  for (const name of ["a", "b", "c"]) {
    users[name] = clientOf(network, name);
    permitSigners[name] = clientOf(network, name, { amino: true });
  }
  token = await deploy(
    users.a,
    "token",
    {
      name: "Secret Example",
      symbol: "SEXM",
      decimals: 6,
      prng_seed: toBase64(toUtf8("dice")),
      initial_balances: [{ address: users.a.address, amount: "1000000" }],
      config: { public_total_supply: true, enable_deposit: true, enable_redeem: true, enable_mint: true, enable_burn: true },
      supported_denoms: ["uscrt"],
    },
    { gasLimit: 500_000 },
  );
});
after(() => network?.stop());

const answer = (tx) => JSON.parse(dataText(tx));

async function viewingKey(user) {
  const tx = await execute(user, token, { create_viewing_key: { entropy: "e" } });
  return answer(tx).create_viewing_key.key;
}

async function tokens(user, auth) {
  const { address } = user;
  const { balance } = await user.query.snip20.getBalance({ contract: token, address, auth });
  return BigInt(balance.amount);
}

function permitOf(name, permissions, { contracts = [token.address], permitName = "e2e", chainId = CHAIN_ID } = {}) {
  const { utils, address } = permitSigners[name];
  return utils.accessControl.permit.sign(address, chainId, permitName, contracts, permissions, false);
}

test("the token tells its name to everyone", async () => {
  assert.deepEqual(await users.b.query.snip20.getSnip20Params({ contract: token }), {
    token_info: { name: "Secret Example", symbol: "SEXM", decimals: 6, total_supply: "1000000" },
  });
});

test("a transfer by secret.js moves tokens that only their owners can see", async () => {
  const { a, b } = users;
  const keys = { a: await viewingKey(a), b: await viewingKey(b) };
  const before = { a: await tokens(a, { key: keys.a }), b: await tokens(b, { key: keys.b }) };
  const tx = await a.tx.snip20.transfer(
    {
      sender: a.address, contract_address: token.address, code_hash: token.code_hash,
      msg: { transfer: { recipient: b.address, amount: "1234", padding: "      " } },
    },
    { gasLimit: 250_000, broadcastCheckIntervalMs: 40 },
  );
  assert.equal(tx.code, 0, tx.rawLog);
  assert.deepEqual(answer(tx), { transfer: { status: "success" } });
  assert.equal(dataBytes(tx).length, 256, "the answer's length tells nothing");
  assert.equal(await tokens(a, { key: keys.a }), before.a - 1234n);
  assert.equal(await tokens(b, { key: keys.b }), before.b + 1234n);
});

test("two users cannot read each other's balance, call, answer or log", async () => {
  const { a, b } = users;
  const keyOfB = await viewingKey(b);
  const of = (address, key) => users.a.query.snip20.getBalance({ contract: token, address, auth: { key } });
  assert.deepEqual(await of(a.address, keyOfB), WRONG_KEY);
  assert.deepEqual(await of(b.address, "api_key_guess"), WRONG_KEY);
  const tx = await execute(b, token, { set_viewing_key: { key: "only b knows this" } });

  const mine = await b.query.getTx(tx.transactionHash);
  assert.deepEqual(mine.tx.body.messages[0].msg, { set_viewing_key: { key: "only b knows this" } });
  const theirs = await a.query.getTx(tx.transactionHash);
  assert.ok(!JSON.stringify(theirs.tx).includes("only b knows this"));
  assert.notDeepEqual(dataBytes(theirs), dataBytes(mine));
});

test("a wrong key, a key of nobody and a missing key get the same answer of the same length", async () => {
  const { a, c } = users;
  for (const address of [a.address, c.address]) {
    assert.deepEqual(await ask(c, token, { balance: { address, key: "wrong" } }), WRONG_KEY);
  }
});

test("an overdraft is an error that only its sender reads", async () => {
  const { b, c } = users;
  const tx = await tryExecute(c, token, { transfer: { recipient: b.address, amount: "1" } });
  assert.deepEqual([tx.codespace, tx.code], ["compute", 3]);
  assert.equal(
    logOf(tx),
    "failed to execute message; message index: 0: Generic error: insufficient funds: required=1: execute contract failed",
  );
});

test("a permit opens what it names, without any transaction", async () => {
  const { a } = users;
  const permit = await permitOf("a", ["balance"]);
  assert.ok(a.utils.accessControl.permit.verify(permit, a.address, token.address, ["balance"]));
  const key = await viewingKey(a);
  assert.equal(await tokens(a, { permit }), await tokens(a, { key }));

  const history = await a.query.snip20.getTransferHistory({
    contract: token, address: a.address, auth: { permit }, page: 0, page_size: 5, should_filter_decoys: false,
  });
  assert.equal(history.trimEnd(), shown(`Generic error: No permission to query history, got permissions ["balance"]`));
});

test("an owner's permit opens everything", async () => {
  const { a, b } = users;
  const permit = await permitOf("a", ["owner"]);
  await execute(a, token, { transfer: { recipient: b.address, amount: "5", memo: "for tea" } });
  const contract = token;
  const page = { contract, address: a.address, auth: { permit }, page: 0, page_size: 2 };
  const { transfer_history } = await a.query.snip20.getTransferHistory(page);
  const [newest] = transfer_history.txs;
  assert.deepEqual(
    [newest.from, newest.sender, newest.receiver, newest.coins, newest.memo],
    [a.address, a.address, b.address, { denom: "SEXM", amount: "5" }, "for tea"],
  );
  const { transaction_history } = await a.query.snip20.getTransactionHistory(page);
  assert.deepEqual(transaction_history.txs[0].action, {
    transfer: { from: a.address, sender: a.address, recipient: b.address },
  });
  assert.equal(typeof transaction_history.txs[0].block_time, "number");
  const { allowance } = await a.query.snip20.GetAllowance({
    contract, owner: a.address, spender: b.address, auth: { permit },
  });
  assert.equal(allowance.allowance, "0");
});

test("a permit for another contract, another signer's, or a changed one opens nothing", async () => {
  const { a, b } = users;
  const elsewhere = await permitOf("a", ["balance"], { contracts: [a.address] });
  const query = (permit) => ask(a, token, { with_permit: { permit, query: { balance: {} } } });
  assert.equal(
    await query(elsewhere),
    shown(`Generic error: Permit doesn't apply to token "${token.address}", allowed tokens: ["${a.address}"]`),
  );
  const changed = await permitOf("a", ["balance"]);
  changed.params.permit_name = "another";
  const failed = "Generic error: Failed to verify signatures for the given permit";
  assert.equal(await query(changed), failed);
  const borrowed = await permitOf("b", ["balance"]);
  borrowed.signature.pub_key = (await permitOf("a", ["balance"])).signature.pub_key;
  assert.equal(await query(borrowed), failed);
  const ofB = await query(await permitOf("b", ["balance"]));
  assert.equal(BigInt(ofB.balance.amount), await tokens(b, { permit: await permitOf("b", ["owner"]) }));
});

test("a revoked permit stays revoked, and others stay valid", async () => {
  const { a } = users;
  const permit = await permitOf("a", ["balance"], { permitName: "short lived" });
  await tokens(a, { permit });
  await execute(a, token, { revoke_permit: { permit_name: "short lived" } });
  const refused = await ask(a, token, { with_permit: { permit, query: { balance: {} } } });
  assert.equal(refused, shown(`Generic error: Permit "short lived" was revoked by account "${a.address}"`));
  await tokens(a, { permit: await permitOf("a", ["balance"]) });
});

test("all permits can be withdrawn at once, and that can be taken back", async () => {
  const { a } = users;
  const permit = await permitOf("a", ["balance"]);
  const key = await viewingKey(a);
  const { revoke_all_permits } = answer(await execute(a, token, { revoke_all_permits: { interval: {} } }));
  assert.equal(revoke_all_permits.status, "success");
  for (const permitName of ["e2e", "another"]) {
    const withdrawn = { with_permit: { permit: await permitOf("a", ["owner"], { permitName }), query: { balance: {} } } };
    assert.equal(await ask(a, token, withdrawn), shown(`Generic error: Permit "${permitName}" was revoked by account "${a.address}"`));
  }
  const viewer = { address: a.address, viewing_key: key };
  const listed = await ask(a, token, { list_permit_revocations: { viewer } });
  const { revocation_id } = revoke_all_permits;
  assert.deepEqual(listed.list_permit_revocations.revocations.map((r) => r.revocation_id), [revocation_id]);
  await execute(a, token, { delete_permit_revocation: { revocation_id } });
  assert.equal(await tokens(a, { permit }), await tokens(a, { key }));
});

/** A permit that says when it was made or ends (SNIP-24.1), signed by the wallet: secret.js has no words for it. */
async function timedPermit(name, times, tokens = [token.address]) {
  const { address } = permitSigners[name];
  const value = { allowed_tokens: tokens, permissions: ["balance"], permit_name: "timed", ...times };
  const { signature } = await new AminoWallet(ACCOUNTS[name].mnemonic).signAmino(address, {
    account_number: "0", chain_id: CHAIN_ID, fee: { amount: [{ amount: "0", denom: "uscrt" }], gas: "1" },
    memo: "", msgs: [{ type: "query_permit", value }], sequence: "0",
  });
  return { params: { chain_id: CHAIN_ID, ...value }, signature };
}

test("a permit ends when it says so, and one for any token opens this one too, until those of its time are withdrawn", async () => {
  const { a } = users;
  const query = (permit) => ask(a, token, { with_permit: { permit, query: { balance: {} } } });
  const [made, past, ahead, future] = [0, -60_000, 120_000, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString());
  const held = { balance: { amount: String(await tokens(a, { permit: await permitOf("a", ["balance"]) })) } };
  assert.deepEqual(await query(await timedPermit("a", { created: made, expires: future })), held);
  assert.equal(await query(await timedPermit("a", { expires: past })), shown(`Generic error: Permit "timed" expired at ${past}`));
  const prolonged = await timedPermit("a", { expires: past });
  prolonged.params.expires = future;
  assert.equal(await query(prolonged), "Generic error: Failed to verify signatures for the given permit");

  const any = await timedPermit("a", { created: made }, ["ANY_TOKEN"]);
  assert.deepEqual(await query(any), held);
  assert.equal(await query(await timedPermit("a", {}, ["ANY_TOKEN"])), "Generic error: A permit for any token must say when it was created");
  const seconds = Math.floor(Date.parse(made) / 1000);
  const interval = { created_before: String(seconds + 1) };
  const { revoke_all_permits } = answer(await execute(a, token, { revoke_all_permits: { interval } }));
  assert.equal(await query(any), shown(`Generic error: Permit "timed" was revoked by account "${a.address}"`));
  assert.deepEqual(await query(await timedPermit("a", { created: ahead }, ["ANY_TOKEN"])), held);
  assert.equal(await query(await timedPermit("a", { created: future }, ["ANY_TOKEN"])), shown('Generic error: Permit "timed" says it was made in the future'));
  const millis = await tryExecute(a, token, { revoke_all_permits: { interval: { created_before: String(Date.now()) } } });
  assert.notEqual(millis.code, 0);
  assert.match(logOf(millis), /Not a time in seconds or nanoseconds/);
  const { revocation_id } = revoke_all_permits;
  await execute(a, token, { delete_permit_revocation: { revocation_id } });
  assert.deepEqual(await query(any), held);
});

test("allowances by secret.js are given, spent and seen by both sides", async () => {
  const { a, b, c } = users;
  const contract_address = token.address;
  const options = { gasLimit: 250_000, broadcastCheckIntervalMs: 40 };
  const given = await a.tx.snip20.increaseAllowance(
    {
      sender: a.address, contract_address, code_hash: token.code_hash,
      msg: { increase_allowance: { spender: b.address, amount: "100" } },
    },
    options,
  );
  assert.deepEqual(answer(given), {
    increase_allowance: { spender: b.address, owner: a.address, allowance: "100" },
  });
  await execute(b, token, { transfer_from: { owner: a.address, recipient: c.address, amount: "30" } });
  for (const name of ["a", "b"]) {
    const { allowance } = await users[name].query.snip20.GetAllowance({
      contract: token, owner: a.address, spender: b.address, auth: { permit: await permitOf(name, ["allowance"]) },
    });
    assert.equal(allowance.allowance, "70");
  }
  const strangers = await users.c.query.snip20.GetAllowance({
    contract: token, owner: a.address, spender: b.address, auth: { permit: await permitOf("c", ["allowance"]) },
  });
  assert.match(String(strangers), /^Generic error: Cannot query allowance/);
});

test("coins become tokens and tokens become coins", async () => {
  const { c } = users;
  const permit = await permitOf("c", ["balance"]);
  const before = { tokens: await tokens(c, { permit }), held: await balance(network, token.address) };
  await execute(c, token, { deposit: {} }, { sent_funds: [{ denom: "uscrt", amount: "500" }] });
  assert.equal(await tokens(c, { permit }), before.tokens + 500n);
  assert.equal(await balance(network, token.address), before.held + 500n);
  await execute(c, token, { redeem: { amount: "200" } });
  assert.equal(await tokens(c, { permit }), before.tokens + 300n);
  assert.equal(await balance(network, token.address), before.held + 300n);
});

test("tokens sent to a contract that refuses them stay where they are", async () => {
  const { a } = users;
  const probe = await deploy(a, "probe", {});
  const permit = await permitOf("a", ["balance"]);
  const before = await tokens(a, { permit });
  const tx = await tryExecute(a, token, {
    send: { recipient: probe.address, recipient_code_hash: probe.code_hash, amount: "5" },
  });
  assert.deepEqual([tx.codespace, tx.code], ["compute", 3]);
  assert.match(tx.rawLog, /^failed to execute message; message index: 0: dispatch: submessages: Error parsing into type .*unknown variant `receive`/s);
  assert.equal(await tokens(a, { permit }), before);
});

test("a transfer fits into the gas that callers usually give, and costs the same each time", async () => {
  const { a, b } = users;
  const send = () => execute(a, token, { transfer: { recipient: b.address, amount: "1" } }, { gasLimit: 150_000 });
  const gas = [await send(), await send(), await send()].map((tx) => tx.gasUsed);
  assert.ok(Math.max(...gas) - Math.min(...gas) <= 2_000, `gas of equal transfers: ${gas}`);
});

test("batches move everything or nothing, and a minter mints to several at once", async () => {
  const { a, b, c } = users;
  const permits = { b: await permitOf("b", ["balance"]), c: await permitOf("c", ["balance"]) };
  const held = async () => [await tokens(b, { permit: permits.b }), await tokens(c, { permit: permits.c })];
  const [ofB, ofC] = await held();
  const to = ({ address: recipient }, amount, more) => ({ recipient, amount, ...more });
  await execute(a, token, { batch_transfer: { actions: [to(b, "3"), to(c, "5", { memo: "for tea" })] } });
  assert.deepEqual(await held(), [ofB + 3n, ofC + 5n]);
  const tooMuch = { batch_transfer: { actions: [to(b, "3"), to(c, "999999999999")] } };
  assert.match((await tryExecute(a, token, tooMuch)).rawLog, /insufficient funds/);
  assert.deepEqual(await held(), [ofB + 3n, ofC + 5n]);
  await execute(a, token, { batch_mint: { actions: [to(b, "10"), to(c, "20")] } });
  assert.deepEqual(await held(), [ofB + 13n, ofC + 25n]);
  await execute(a, token, { increase_allowance: { spender: c.address, amount: "100" } });
  const owner = a.address;
  await execute(c, token, { batch_transfer_from: { actions: [to(b, "1", { owner }), to(b, "2", { owner })] } });
  await execute(c, token, { batch_burn_from: { actions: [{ owner, amount: "4" }] } });
  assert.deepEqual(await held(), [ofB + 16n, ofC + 25n]);
  const received = await ask(c, token, { with_permit: {
    permit: await permitOf("c", ["allowance"]), query: { allowances_received: { page: 0, page_size: 5 } },
  } });
  const { allowances, count } = received.allowances_received;
  assert.deepEqual([allowances[0].owner, allowances[0].allowance, count], [owner, "93", 1]);
});

test("minters, the admin and the status are the admin's to change", async () => {
  const { a, b } = users;
  const mint = { mint: { recipient: b.address, amount: "1" } };
  assert.match((await tryExecute(b, token, mint)).rawLog, /Minting is allowed to minter accounts only/);
  await execute(a, token, { add_minters: { minters: [b.address] } });
  await execute(b, token, mint);
  await execute(a, token, { set_minters: { minters: [a.address] } });
  assert.deepEqual(await ask(b, token, { minters: {} }), { minters: { minters: [a.address] } });
  assert.match((await tryExecute(b, token, mint)).rawLog, /minter accounts only/);
  await execute(a, token, { set_contract_status: { level: "stop_all_but_redeems" } });
  assert.match((await tryExecute(a, token, mint)).rawLog, /This contract is stopped/);
  await execute(a, token, { set_contract_status: { level: "normal_run" } });
  assert.deepEqual(await ask(b, token, { contract_status: {} }), { contract_status: { status: "normal_run" } });
});

test("with a gas target different messages use the same gas", async () => {
  const { a, b } = users;
  const used = async (msg, gas_target) => {
    const [[variant, fields]] = Object.entries(msg);
    const bare = { [variant]: { ...fields, gas_target, padding: "" } };
    const padding = " ".repeat(300 - JSON.stringify(bare).length);
    const tx = await execute(a, token, { [variant]: { ...fields, gas_target, padding } });
    return tx.gasUsed;
  };
  const messages = [
    { transfer: { recipient: b.address, amount: "1" } },
    { transfer: { recipient: a.address, amount: "1000" } },
    { set_viewing_key: { key: "k" } },
    { evaporate: {} },
  ];
  const open = [];
  const level = [];
  for (const msg of messages) {
    open.push(await used(msg));
    level.push(await used(msg, "150000"));
  }
  assert.ok(new Set(open).size > 1, `without a target: ${open}`);
  assert.equal(new Set(level).size, 1, `with a target: ${level}`);
});

/** Opens a notification as a wallet does (SNIP-52). */
function opened(seed, channel, { height, transactionHash }, value) {
  const nonce = createHash("sha256").update(channel).digest().subarray(0, 12);
  const hash = Buffer.from(transactionHash, "hex");
  for (let at = 0; at < nonce.length; at += 1) nonce[at] ^= hash[at];
  const bytes = Buffer.from(value, "base64");
  const decipher = createDecipheriv("chacha20-poly1305", seed, nonce, { authTagLength: 16 });
  decipher.setAAD(Buffer.from(`${height}:${transactionHash}`));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
}

test("who receives tokens is notified over a WebSocket, in a way that only they can read", async () => {
  const { a, b } = users;
  const query = { channel_info: { channels: ["recvd"] } };
  const info = async (name) => {
    const permit = await permitOf(name, ["owner"]);
    return (await ask(users[name], token, { with_permit: { permit, query } })).channel_info;
  };
  const mine = await info("b");
  assert.deepEqual([mine.channels[0].channel, mine.channels[0].mode], ["recvd", "txhash"]);
  const seed = Buffer.from(mine.seed, "base64");

  const frames = [];
  const socket = new WebSocket(network.ws);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.on("message", (data) => frames.push(JSON.parse(data)));
  const params = { query: `tm.event='Tx' AND wasm.contract_address='${token.address}'` };
  socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscribe", params }));
  await until(() => frames.length === 1, { what: "the subscription" });
  const tx = await execute(a, token, { transfer: { recipient: b.address, amount: "777", memo: "for tea" } });
  const events = await until(() => frames.find((frame) => frame.result?.events)?.result.events, { what: "the transaction" });
  socket.close();

  const id = (channel, key) => createHmac("sha256", key).update(`${channel}:${tx.transactionHash}`).digest("base64");
  const [value] = events[`wasm.snip52:${id("recvd", seed)}`];
  const notification = opened(seed, "recvd", tx, value);
  const sender = Buffer.from(fromBech32(ACCOUNTS.a.address).data);
  const amount = Buffer.alloc(8);
  amount.writeBigUInt64BE(777n);
  const expected = Buffer.concat([Buffer.from([0x83, 0xc2, 0x48]), amount, Buffer.from([0x54]), sender, Buffer.from([7])]);
  assert.deepEqual(notification.subarray(0, expected.length), expected);
  assert.ok(notification.subarray(expected.length).every((byte) => byte === 0), "zeros fill it");

  const theirs = Buffer.from((await info("c")).seed, "base64");
  assert.equal(events[`wasm.snip52:${id("recvd", theirs)}`], undefined);
  assert.throws(() => opened(theirs, "recvd", tx, value));
  const answer = await ask(b, token, { with_permit: { permit: await permitOf("b", ["owner"]), query: {
    channel_info: { channels: ["recvd"], txhash: tx.transactionHash },
  } } });
  assert.equal(answer.channel_info.channels[0].answer_id, id("recvd", seed));
  const found = await b.query.txsQuery(`wasm.contract_address='${token.address}' AND tx.height=${tx.height}`);
  assert.deepEqual(found.map((f) => f.transactionHash), [tx.transactionHash]);
});
