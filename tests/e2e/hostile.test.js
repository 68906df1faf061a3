// Contracts that want more than there is, by a real client on a real node: a clear error, nothing changed, and the node serves on. What each
// limit does to the letter: crates/chain/src/modules/compute/tests/hostile.rs and limits.rs, crates/vm/tests/it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ask, balance, clientOf, execute, instantiate, logOf, tryExecute, upload } from "./support/client.js";
import { startNetwork } from "./support/network.js";

const GAS = { gasLimit: 25_000_000 };
const FEE = 2_500_000n;

let network;
let a;
let b;
let probe;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  b = clientOf(network, "b");
  probe = await instantiate(a, await upload(a, "probe"), {});
  await execute(a, probe, { write: { key: "kept", value: "before" } });
});
after(() => network?.stop());

/** Another client is served, and what was there still is. */
async function servesOn() {
  await execute(b, probe, { nothing: {} });
  assert.deepEqual(await ask(b, probe, { read: { key: "kept" } }), { value: "before" });
  assert.deepEqual(await ask(b, probe, { read: { key: "long" } }), { value: null });
}

for (const [what, message, code, text] of [
  ["writes a value of a megabyte", { write_long: { bytes: 1_000_000 } }, ["compute", 3], /Execution error: Enclave: failed to read memory: execute contract failed$/],
  ["emits ten thousand events", { emit_many: { events: 10_000 } }, ["compute", 12], /attributes cannot be more than 4096: exceeds limit$/],
  ["answers more than a megabyte", { say_much: { bytes: 900_000 } }, ["compute", 3], /Execution error: Enclave: failed to read memory: execute contract failed$/],
  ["answers ten megabytes, and has no memory for it", { say_much: { bytes: 10_000_000 } }, ["compute", 3], /the contract panicked: execute contract failed$/],
  ["calls itself beyond the limit", { call_self: { levels: 150 } }, ["compute", 30], /max call depth exceeded$/],
]) {
  test(`a contract that ${what} is told so, leaves nothing and pays`, async () => {
    const before = await balance(network, a.address);
    const tx = await tryExecute(a, probe, message, GAS);
    assert.deepEqual([tx.codespace, tx.code], code, tx.rawLog);
    assert.match(logOf(tx), text);
    assert.equal(await balance(network, a.address), before - FEE);
    await servesOn();
  });
}

test("a query that answers ten megabytes, or asks itself beyond the limit, is refused", async () => {
  for (const [bytes, why] of [[900_000, /failed to read memory: query contract failed/], [10_000_000, /the contract panicked: query contract failed/]]) {
    await assert.rejects(ask(a, probe, { say_much: { bytes } }), (error) => why.test(error.message));
  }
  assert.match(String(await ask(a, probe, { ask_self: { levels: 1_000_000 } })), /exceeded_recursion_limit/);
  await servesOn();
});

test("what just fits is kept", async () => {
  await execute(a, probe, { emit_many: { events: 4_000 } }, GAS);
  await execute(a, probe, { write_long: { bytes: 524_288 } }, GAS);
});
