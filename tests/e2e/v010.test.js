// Contracts of CosmWasm v0.10, as real clients see them, and their calls of v1 contracts and back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { fromBase64, fromUtf8, toBase64, toUtf8 } from "secretjs";

import {
  ask, balance, CALL_GAS, clientOf, dataBytes, dataText, deploy, execute, FAST, instantiate, logOf, tryExecute, tryInstantiate, upload,
} from "./support/client.js";
import { CHAIN_ID, startNetwork } from "./support/network.js";

let network;
let a;
let b;
let code;
let old;
let probe;
before(async () => {
  network = await startNetwork();
  [a, b] = ["a", "b"].map((name) => clientOf(network, name));
  code = await upload(a, "everything_v010");
  old = await instantiate(a, code, { log: [], messages: [] });
  probe = await deploy(a, "probe", {});
});
after(() => network?.stop());

const json = (value) => toBase64(toUtf8(JSON.stringify(value)));
const callOf = (contract, msg, send = []) => ({
  wasm: { execute: { contract_addr: contract.address, callback_code_hash: contract.code_hash, msg: json(msg), send } },
});
const respond = ({ messages = [], log = [], data = null }) => ({ respond: { messages, log, data } });
const smart = (contract, msg) => ({
  request: { wasm: { smart: { contract_addr: contract.address, callback_code_hash: contract.code_hash, msg: json(msg) } } },
});
const query = ({ address, code_hash }) => ({ contract_address: address, code_hash });
const read = async (contract, key) => (await ask(a, contract, { read: { key } })).value;
const failedWith = (tx, text) => assert.equal(logOf(tx), `failed to execute message; message index: 0: ${text}`);

test("a v0.10 contract's log and data are read by the sender, and only what it leaves open by others", async () => {
  const log = [
    { key: "secret key", value: "secret value", encrypted: true },
    { key: "open key", value: "open value", encrypted: false },
  ];
  const tx = await execute(a, old, respond({ log, data: toBase64(toUtf8("the data")) }));
  assert.equal(dataText(tx), "the data");
  const told = tx.arrayLog.filter((entry) => entry.type === "wasm").map(({ key, value }) => [key, value]);
  assert.deepEqual(told, [
    ["contract_address", old.address],
    ["secret key", "secret value"],
    ["open key", "open value"],
  ]);
  assert.ok(!tx.arrayLog.some((entry) => entry.type === "execute"), "only v1 has that event");
  const theirs = await b.query.getTx(tx.transactionHash);
  const seen = JSON.stringify([theirs.arrayLog, theirs.data.map((data) => toBase64(data))]);
  assert.ok(seen.includes("open value") && !seen.includes("secret value"));
});

test("instantiation by secret.js tells the address and emits the log of init", async () => {
  const log = [{ key: "made", value: "yes", encrypted: true }];
  const tx = await tryInstantiate(a, code, { log, messages: [] });
  assert.equal(tx.code, 0, tx.rawLog);
  const of = (type) => tx.arrayLog.filter((entry) => entry.type === type);
  assert.deepEqual(of("instantiate"), []);
  assert.ok(of("wasm").some((entry) => entry.key === "made" && entry.value === "yes"));
  const address = of("message").find((entry) => entry.key === "contract_address").value;
  assert.equal(await read({ ...old, address }, "creator"), a.address);
});

test("the env of v0.10 has the sender, seconds, and no random", async () => {
  const sent_funds = [{ denom: "uscrt", amount: "7" }];
  const tx = await execute(b, old, { look: {} }, { sent_funds });
  const env = JSON.parse(dataText(tx));
  const { block } = await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${tx.height}`);
  assert.deepEqual(env, {
    block: {
      height: tx.height,
      time: Math.floor(Date.parse(block.header.time) / 1000),
      chain_id: CHAIN_ID,
    },
    message: { sender: b.address, sent_funds },
    contract: { address: old.address },
    contract_key: null,
    contract_code_hash: old.code_hash,
  });
});

test("an error of a v0.10 contract is an object for whoever caused it", async () => {
  for (const error of [
    { generic_err: { msg: 'it says "no"' } },
    { unauthorized: {} },
    { not_found: { kind: "user" } },
    { parse_err: { target: "u8", msg: "too large" } },
    { serialize_err: { source: "x", msg: "y" } },
    { invalid_base64: { msg: "x" } },
    { invalid_utf8: { msg: "x" } },
    { underflow: { minuend: "1", subtrahend: "2" } },
  ]) {
    const tx = await tryExecute(a, old, { fail: { error } });
    assert.deepEqual([tx.codespace, tx.code], ["compute", 3]);
    assert.deepEqual(tx.jsonLog, error);
    failedWith(tx, `${JSON.stringify(error)}: execute contract failed`);
    const asked = await ask(a, old, { fail: { error } });
    assert.deepEqual(typeof asked === "string" ? JSON.parse(asked) : asked, error);
  }
  const theirs = await b.query.getTx((await tryExecute(a, old, { fail: { error: { unauthorized: {} } } })).transactionHash);
  assert.ok(!theirs.rawLog.includes("unauthorized"));
});

test("a message that the contract does not know, a panic and a write in a query are told as in v1", async () => {
  const unknown = await tryExecute(a, old, { nonsense: {} });
  assert.match(unknown.jsonLog.parse_err.target, /HandleMsg/);
  const panic = await tryExecute(a, old, { panic: { message: "hidden" } });
  failedWith(panic, "Execution error: Enclave: the contract panicked: execute contract failed");
  const wrote = a.query.compute.queryContract({ ...query(old), query: { write: { key: "k" } } });
  await assert.rejects(wrote, ({ message }) => /contract tried to write to storage during a query/.test(message));
});


test("what a v0.10 contract writes stays, unless it fails", async () => {
  await execute(a, old, { write: { key: "k", value: "v" } });
  assert.equal(await read(old, "k"), "v");
  await tryExecute(a, old, { write_and_fail: { key: "k", value: "never" } });
  assert.equal(await read(old, "k"), "v");
  await execute(a, old, { remove: { key: "k" } });
  assert.equal(await read(old, "k"), null);
});

test("addresses are converted under the names of v0.10", async () => {
  const canonical = await ask(a, old, { canonicalize: { human: `  ${a.address} ` } });
  assert.equal(fromBase64(canonical).length, 20);
  assert.equal(await ask(a, old, { humanize: { canonical } }), a.address);
  const bad = await ask(a, old, { canonicalize: { human: "" } });
  assert.match(JSON.stringify(bad), /canonicalize_address errored: input is empty/);
});

test("v0.10 calls v1 and v1 calls v0.10, errors keep their form", async () => {
  const write = { write: { key: "from old", value: "1" } };
  await execute(a, old, respond({ messages: [callOf(probe, write)] }));
  assert.equal(await read(probe, "from old"), "1");

  const callee = old;
  const call = (msg) => ({ call: { callee, msg: json(msg), funds: [] } });
  await execute(a, probe, call({ write: { key: "from new", value: "2" } }));
  assert.equal(await read(old, "from new"), "2");

  const ofNew = await tryExecute(a, old, respond({ messages: [callOf(probe, { fail: { message: "no" } })] }));
  failedWith(ofNew, "dispatch: submessages: Generic error: no: execute contract failed");
  const error = { not_found: { kind: "x" } };
  const ofOld = await tryExecute(a, probe, call({ fail: { error } }));
  failedWith(ofOld, `dispatch: submessages: ${JSON.stringify(error)}: execute contract failed`);
});

test("queries go both ways, and each side decodes the errors of the other", async () => {
  await execute(a, probe, { write: { key: "q", value: "of probe" } });
  await execute(a, old, { write: { key: "q", value: "of old" } });
  const asked = await ask(a, old, { ask: smart(probe, { read: { key: "q" } }) });
  assert.deepEqual(JSON.parse(fromUtf8(fromBase64(asked.answer))), { value: "of probe" });
  const callee = old;
  assert.deepEqual(await ask(a, probe, { ask: { callee, msg: json({ read: { key: "q" } }) } }), { value: "of old" });

  const fail = (error) => ({ fail: { error } });
  const ofNew = await ask(a, old, { ask: smart(probe, { fail: { message: "no" } }) });
  assert.deepEqual(ofNew, { error: { generic_err: { msg: "Generic error: no" } } });
  const ofOld = await ask(a, old, { ask: smart(old, fail({ unauthorized: {} })) });
  assert.deepEqual(ofOld, { error: { unauthorized: {} } });
  const text = await ask(a, probe, { ask: { callee, msg: json(fail({ unauthorized: {} })) } });
  assert.match(text, /the asked contract refused: .*unauthorized/);

  const nobody = await ask(a, old, { ask: smart({ ...old, address: a.address }, {}) });
  assert.deepEqual(nobody, { error: { generic_err: { msg: "contract: not found" } } });
  // In a transaction, too; and of the bank.
  const bank = { request: { bank: { balance: { address: old.address, denom: "uscrt" } } } };
  const answer = JSON.parse(dataText(await execute(a, old, { ask: bank }))).answer;
  const amount = (await balance(network, old.address)).toString();
  assert.deepEqual(JSON.parse(fromUtf8(fromBase64(answer))), { amount: { denom: "uscrt", amount } });
  const mint = await ask(a, old, { ask: { request: { mint: { inflation: {} } } } });
  assert.deepEqual(mint, { system: "Unsupported query type: mint" });
});

test("a v0.10 contract pays out its own coins, makes contracts, and may not do the rest", async () => {
  await execute(a, old, { nothing: {} }, { sent_funds: [{ denom: "uscrt", amount: "50" }] });
  const before = await balance(network, b.address);
  const amount = [{ denom: "uscrt", amount: "20" }];
  const send = (from_address) => ({ bank: { send: { from_address, to_address: b.address, amount } } });
  await execute(a, old, respond({ messages: [send(old.address)] }));
  assert.equal(await balance(network, b.address), before + 20n);
  const notOurs = await tryExecute(a, old, respond({ messages: [send(a.address)] }));
  assert.deepEqual([notOurs.codespace, notOurs.code], ["undefined", 1]);
  failedWith(
    notOurs,
    "couldn't convert v0.10 messages to v1 messages: contract doesn't have permission to send funds from another account (using BankMsg)",
  );

  const make = {
    wasm: {
      instantiate: {
        code_id: Number(code.code_id), callback_code_hash: code.code_hash, msg: json({ log: [], messages: [] }), send: [],
        label: `made by v0.10 ${process.pid}`,
      },
    },
  };
  const made = await execute(a, old, respond({ messages: [make] }));
  const addresses = made.arrayLog.filter((e) => e.type === "wasm" && e.key === "contract_address").map((e) => e.value);
  assert.equal(addresses.length, 2);
  assert.equal(await read({ ...old, address: addresses[1] }, "creator"), old.address);

  const vote = { gov: { vote: { proposal: 1, vote_option: "No" } } };
  const refused = await tryExecute(a, old, respond({ messages: [vote] }));
  assert.deepEqual([refused.codespace, refused.code], ["compute", 18]);
  failedWith(refused, "dispatch: submessages: Unknown variant of Gov: not built yet: unknown message from the contract");
});

test("a v0.10 contract becomes a v1 contract, with its address and state, and back", async () => {
  const mine = await instantiate(a, code, { log: [], messages: [] }, { admin: a.address });
  await execute(a, mine, { write: { key: "k", value: "kept" } });
  const migrate = (code_id, code_hash, msg) =>
    a.tx.compute.migrateContract(
      { sender: a.address, contract_address: mine.address, code_id, code_hash, msg },
      { ...FAST, gasLimit: CALL_GAS },
    );
  const v1 = await upload(a, "probe");
  const there = await migrate(v1.code_id, v1.code_hash, { note: "here" });
  assert.equal(there.code, 0, there.rawLog);
  const asV1 = { ...mine, code_hash: v1.code_hash };
  assert.deepEqual([await read(asV1, "k"), await read(asV1, "migrated")], ["kept", "here"]);
  const back = await migrate(code.code_id, code.code_hash, {});
  assert.equal(back.code, 0, back.rawLog);
  assert.equal(await read(mine, "migrated_by"), a.address);
});

// A token of that generation, through secret.js's own methods for SNIP-20.

const config = {
  name: "Elder", symbol: "ELD", decimals: 6, prng_seed: toBase64(toUtf8("dice")), deposit_denom: "uscrt",
};

test("a v0.10 token is transferred, seen by its owners, deposited and redeemed", async () => {
  const initial_balances = [{ address: a.address, amount: "1000" }];
  const token = await deploy(a, "token_v010", { ...config, initial_balances });
  assert.deepEqual(await b.query.snip20.getSnip20Params({ contract: token }), {
    token_info: { name: "Elder", symbol: "ELD", decimals: 6, total_supply: "1000" },
  });
  const keyOf = async (user) => {
    const tx = await execute(user, token, { create_viewing_key: { entropy: "e" } });
    assert.equal(dataBytes(tx).length, 256, "the answer's length tells nothing");
    return JSON.parse(dataText(tx)).create_viewing_key.key;
  };
  const keys = { a: await keyOf(a), b: await keyOf(b) };
  const held = async (user, key) => {
    const { balance } = await user.query.snip20.getBalance({ contract: token, address: user.address, auth: { key } });
    return balance.amount;
  };
  const tx = await a.tx.snip20.transfer(
    {
      sender: a.address, contract_address: token.address, code_hash: token.code_hash,
      msg: { transfer: { recipient: b.address, amount: "250", padding: "      " } },
    },
    { gasLimit: 250_000, broadcastCheckIntervalMs: 40 },
  );
  assert.equal(tx.code, 0, tx.rawLog);
  assert.deepEqual(JSON.parse(dataText(tx)), { transfer: { status: "success" } });
  assert.deepEqual([await held(a, keys.a), await held(b, keys.b)], ["750", "250"]);
  const wrong = await ask(a, token, { balance: { address: b.address, key: keys.a } });
  assert.deepEqual(wrong, { viewing_key_error: { msg: "Wrong viewing key for this address or viewing key not set" } });

  const overdraft = await tryExecute(b, token, { transfer: { recipient: a.address, amount: "251" } });
  assert.deepEqual(overdraft.jsonLog, { generic_err: { msg: "insufficient funds: required=251" } });

  await execute(b, token, { deposit: {} }, { sent_funds: [{ denom: "uscrt", amount: "30" }] });
  assert.deepEqual([await held(b, keys.b), await balance(network, token.address)], ["280", 30n]);
  await execute(b, token, { redeem: { amount: "10" } });
  assert.deepEqual([await held(b, keys.b), await balance(network, token.address)], ["270", 20n]);

  // A contract that wants to be told of tokens, of each generation's token.
  const register = { register_receive: { code_hash: old.code_hash } };
  await execute(a, old, respond({ messages: [callOf(token, register)] }));
  await execute(a, token, { send: { recipient: old.address, amount: "7", msg: json("hello") } });
  assert.equal(await read(old, "received"), "7");
});

test("a v1 token tells a v0.10 contract what it was sent", async () => {
  const { deposit_denom, ...rest } = config;
  const initial_balances = [{ address: a.address, amount: "1000" }];
  const token = await deploy(a, "token", { ...rest, initial_balances, supported_denoms: [deposit_denom] }, { gasLimit: 500_000 });
  await execute(a, token, { send: { recipient: old.address, recipient_code_hash: old.code_hash, amount: "9" } });
  assert.equal(await read(old, "received"), "9");
});
