// What a caller is told when a call fails: the contract's own words only to the sender, the chain's words to everyone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { toBase64, toUtf8 } from "secretjs";

import { account, ask, balance, clientOf, execute, instantiate, logOf, tryExecute, tryInstantiate, upload } from "./support/client.js";
import { startNetwork } from "./support/network.js";
import { findTx } from "./support/raw.js";

const PREFIX = "failed to execute message; message index: 0: ";

let network;
let a;
let b;
let code;
let probe;
before(async () => {
  // As networks are that keep secrets: there estimates of calls fail.
  network = await startNetwork({ more: ["--simulation", "off"] });
  a = clientOf(network, "a");
  b = clientOf(network, "b");
  code = await upload(a, "probe");
  probe = await instantiate(a, code, {});
});
after(() => network?.stop());

function assertFailed(tx, codespace, number, rawLog) {
  assert.deepEqual([tx.codespace, tx.code], [codespace, number], tx.rawLog);
  if (rawLog instanceof RegExp) assert.match(logOf(tx), rawLog);
  else assert.equal(logOf(tx), rawLog);
}

test("the error of an execution is decrypted for its sender and for nobody else", async () => {
  const message = "the reason is private";
  const tx = await tryExecute(a, probe, { fail: { message } });
  assertFailed(tx, "compute", 3, `${PREFIX}Generic error: ${message}: execute contract failed`);

  const seenByB = await b.query.getTx(tx.transactionHash);
  assertFailed(seenByB, "compute", 3, /^failed to execute message; message index: 0: encrypted: [A-Za-z0-9+/=]+: execute contract failed$/);
  const raw = JSON.stringify(await findTx(network, tx.transactionHash));
  assert.ok(!raw.includes(message));
  assert.deepEqual(tx.data, []);
});

test("the error of an instantiation is decrypted for its sender", async () => {
  const tx = await tryInstantiate(a, code, { fail: "not now" });
  assertFailed(tx, "compute", 2, `${PREFIX}Generic error: not now: instantiate contract failed`);
});

test("the error of a query is decrypted for its sender", async () => {
  assert.equal(await ask(a, probe, { fail: { message: "no answer" } }), "Generic error: no answer");
});

test("the error text of a query has no quotes outside of the ciphertext", async () => {
  const seen = [];
  const realFetch = globalThis.fetch;
  globalThis.fetch = async (...args) => {
    const response = await realFetch(...args);
    if (String(args[0]).includes("/query/")) seen.push([response.status, await response.clone().json()]);
    return response;
  };
  try {
    await ask(a, probe, { fail: { message: "quotes: ' and \" inside" } });
  } finally {
    globalThis.fetch = realFetch;
  }
  const [[status, body]] = seen;
  assert.equal(status, 500);
  assert.equal(body.code, 2);
  assert.match(body.message, /^encrypted: [A-Za-z0-9+/=]+: query contract failed$/);
});

test("a message that the contract does not know is the contract's own error", async () => {
  const tx = await tryExecute(a, probe, { no_such_thing: {} });
  assertFailed(tx, "compute", 3, /^failed to execute message; message index: 0: Error parsing into type .*unknown variant `no_such_thing`.*: execute contract failed$/s);
  assert.match(String(await ask(a, probe, { no_such_thing: {} })), /Error parsing into type .*no_such_thing/);
});

test("the error of a called contract is decrypted by the caller", async () => {
  const other = await instantiate(a, code, {});
  const msg = toBase64(toUtf8(JSON.stringify({ fail: { message: "deep inside" } })));
  const tx = await tryExecute(a, probe, { call: { callee: other, msg, funds: [] } });
  assertFailed(tx, "compute", 3, `${PREFIX}dispatch: submessages: Generic error: deep inside: execute contract failed`);
});

test("a failed call leaves no state, but takes the fee and the sequence", async () => {
  const before = { ...(await account(network, b.address)), uscrt: await balance(network, b.address) };
  const tx = await tryExecute(b, probe, { write_and_fail: { key: "ghost", value: "boo" } });
  assertFailed(tx, "compute", 3, `${PREFIX}Generic error: written, then failed: execute contract failed`);
  assert.deepEqual(await ask(a, probe, { read: { key: "ghost" } }), { value: null });
  assert.equal((await account(network, b.address)).sequence, before.sequence + 1n);
  assert.equal(await balance(network, b.address), before.uscrt - 25_000n);
});

test("a wrong code hash is refused for instantiate, execute and query", async () => {
  const code_hash = "00".repeat(32);
  const wrong = "Execution error: Enclave: failed to validate transaction";
  const created = await tryInstantiate(a, { ...code, code_hash }, {});
  assertFailed(created, "compute", 2, `${PREFIX}${wrong}: instantiate contract failed`);
  const called = await tryExecute(a, { ...probe, code_hash }, { nothing: {} });
  assertFailed(called, "compute", 3, `${PREFIX}${wrong}: execute contract failed`);
  await assert.rejects(ask(a, { ...probe, code_hash }, { look: {} }), (error) => {
    assert.equal(error.message, `${wrong}: query contract failed`);
    return true;
  });
});

test("a wrong code hash in a contract's call and query is refused too", async () => {
  const callee = { address: probe.address, code_hash: "11".repeat(32) };
  const msg = toBase64(toUtf8(JSON.stringify({ nothing: {} })));
  const tx = await tryExecute(a, probe, { call: { callee, msg, funds: [] } });
  assertFailed(tx, "compute", 3, `${PREFIX}dispatch: submessages: Execution error: Enclave: failed to validate transaction: execute contract failed`);
});

test("a panic is told to its sender only", async () => {
  const message = "panicking over a secret";
  const tx = await tryExecute(a, probe, { panic: { message } });
  assert.deepEqual([tx.codespace, tx.code], ["compute", 3]);
  assert.match(tx.rawLog, /^failed to execute message; message index: 0: .*the contract panicked: .*panicking over a secret.*: execute contract failed$/s);
  const seenByB = await b.query.getTx(tx.transactionHash);
  assert.ok(!seenByB.rawLog.includes("secret"));
  assert.match(String(await ask(a, probe, { panic: { message } })), /the contract panicked.*panicking over a secret/s);
});

test("a contract that loops runs out of gas, and pays for it", async () => {
  const before = await balance(network, b.address);
  const tx = await tryExecute(b, probe, { spin: { rounds: 1_000_000_000 } }, { gasLimit: 300_000 });
  assertFailed(tx, "sdk", 11, /^out of gas in location: wasm contract; gasWanted: 300000, gasUsed: \d+: out of gas$/);
  assert.equal(await balance(network, b.address), before - 30_000n);
  assert.equal(tx.gasWanted, 300_000);
  assert.ok(tx.gasUsed >= 300_000);
});

test("a query that loops is stopped by its own limit", async () => {
  await assert.rejects(ask(a, probe, { spin: { rounds: 10_000_000_000 } }), (error) => {
    assert.match(error.message, /wasm contract/);
    return true;
  });
});

test("a contract that recurses without end is stopped, and the node goes on", async () => {
  const tx = await tryExecute(a, probe, { recurse: { depth: 100_000_000 } }, { gasLimit: 5_000_000 });
  assert.notEqual(tx.code, 0);
  assert.match(tx.rawLog, /out of gas|the contract has run out of space on the stack|the contract panicked|out of bounds/);
  await execute(a, probe, { recurse: { depth: 100 } });
});

test("a contract gets twelve mebibytes of memory and not more", async () => {
  await execute(a, probe, { grow: { kib: 4_000 } }, { gasLimit: 5_000_000 });
  const tx = await tryExecute(a, probe, { grow: { kib: 64_000 } }, { gasLimit: 25_000_000 });
  assert.notEqual(tx.code, 0);
});

test("more work costs more gas, and evaporated gas is charged", async () => {
  const idle = await execute(a, probe, { nothing: {} });
  const busy = await execute(a, probe, { spin: { rounds: 100_000 } });
  assert.ok(busy.gasUsed > idle.gasUsed);
  const evaporated = await execute(a, probe, { evaporate: { gas: 50_000 } });
  assert.ok(evaporated.gasUsed > idle.gasUsed + 49_000);
  assert.ok(evaporated.gasUsed < idle.gasUsed + 60_000);
});

test("the same call costs the same gas every time", async () => {
  await execute(a, probe, { write: { key: "warm", value: "1" } });
  const first = await execute(a, probe, { write: { key: "warm", value: "2" } });
  const second = await execute(a, probe, { write: { key: "warm", value: "3" } });
  assert.equal(first.gasUsed, second.gasUsed);
});

test("too little gas for the fixed part is out of gas before the contract runs", async () => {
  const tx = await tryExecute(a, probe, { nothing: {} }, { gasLimit: 15_000 });
  assertFailed(tx, "sdk", 11, /^out of gas in location: .+; gasWanted: 15000, gasUsed: \d+: out of gas$/);
});

test("a query that writes is refused", async () => {
  const expected = /Enclave: contract tried to write to storage during a query: query contract failed$/;
  await assert.rejects(ask(a, probe, { write: { key: "k", value: "v" } }), (error) => {
    assert.match(error.message, expected);
    return true;
  });
  assert.deepEqual(await ask(a, probe, { read: { key: "k" } }), { value: null });
});

test("simulating a contract call fails as clients expect", async () => {
  const params = { sender: a.address, contract_address: probe.address, code_hash: probe.code_hash, msg: { nothing: {} } };
  await assert.rejects(a.tx.compute.executeContract.simulate(params), (error) => {
    assert.match(error.message, /^failed to execute message; message index: 0: Execution error: Enclave: failed to verify transaction signature: execute contract failed with gas used: '\d+'$/);
    return true;
  });
});
