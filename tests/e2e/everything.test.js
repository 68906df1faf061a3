// Every import of both generations, called through secret.js, and its answers held against Node's own cryptography. The contracts are
// `contracts/everything` and `contracts/everything-v010`; what each import answers to bad input is tested in crates/testkit.

import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { after, before, test } from "node:test";

import { ask, clientOf, dataText, execute, instantiate, logOf, tryExecute, upload } from "./support/client.js";
import { startNetwork } from "./support/network.js";

const MORE = { gasLimit: 2_000_000 };
const SECRET = "07".repeat(32);
const MESSAGE = Buffer.from("message").toString("hex");
const hex = (text) => Buffer.from(text).toString("hex");

let network;
let a;
const generations = [
  { name: "v1", wasm: "everything", begin: {}, message: (calls) => ({ calls }), to: "addr_canonicalize", from: "addr_humanize" },
  {
    name: "v0.10",
    wasm: "everything_v010",
    begin: { log: [], messages: [] },
    message: (calls) => ({ call: { calls } }),
    to: "canonicalize_address",
    from: "humanize_address",
  },
];
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  for (const generation of generations) {
    generation.contract = await instantiate(a, await upload(a, generation.wasm), generation.begin);
  }
});
after(() => network?.stop());

const called = async ({ contract, message }, calls) => JSON.parse(dataText(await execute(a, contract, message(calls), MORE)));
const asked = ({ contract }, calls) => ask(a, contract, { call: { calls } });
const bytes = (answer) => Buffer.from(answer.bytes, "hex");
const number = (value) => ({ value, error: 0, bytes: null });
const failed = (error) => ({ value: 0, error, bytes: null });

/** Node's key of this secret. */
const ed25519 = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from(SECRET, "hex")]),
  format: "der",
  type: "pkcs8",
});
const ed25519Key = Buffer.from(createPublicKey(ed25519).export({ format: "jwk" }).x, "base64url").toString("hex");
/** Node's form of a compressed secp256k1 key. */
const secp256k1 = (compressed) => createPublicKey({
  key: Buffer.concat([Buffer.from("3036301006072a8648ce3d020106052b8104000a032200", "hex"), compressed]),
  format: "der",
  type: "spki",
});

for (const generation of generations) {
  test(`${generation.name}: what is written is read, in order, and not by who may not`, async () => {
    const write = (key, value) => ({ db_write: { key: hex(key), value: hex(value) } });
    await called(generation, [write("k2", "two"), write("k1", "one"), write("k3", "three"), { db_remove: { key: hex("k3") } }]);
    const scan = { db_scan: { start: hex("k"), end: hex("l"), order: 1 } };
    const next = { db_next: { iterator: 0 } };
    const [read, absent, opened, first, second, end] = await asked(generation, [
      { db_read: { key: hex("k1") } }, { db_read: { key: hex("k3") } }, scan, next, next, next,
    ]);
    assert.equal(bytes(read).toString(), "one");
    assert.deepEqual([absent, opened], [number(0), number(0)]);
    for (const [step, key, value] of [[first, "k1", "one"], [second, "k2", "two"]]) {
      assert.ok(bytes(step).includes(key) && bytes(step).includes(value));
    }
    assert.ok(bytes(end).every((byte) => byte === 0));
    const wrote = asked(generation, [write("k4", "")]);
    await assert.rejects(wrote, ({ message }) => /contract tried to write to storage during a query/.test(message));
    const tx = await tryExecute(a, generation.contract, generation.message([write("k4", "x"), { db_next: { iterator: 7 } }]), MORE);
    assert.match(logOf(tx), /there is no iterator of this number/);
    assert.deepEqual(await asked(generation, [{ db_read: { key: hex("k4") } }]), [number(0)]);
  });

  test(`${generation.name}: signatures are those of Node, and wrong ones are told by their code`, async () => {
    const hash = createHash("sha256").update("message").digest("hex");
    const [k, e, noKey] = await asked(generation, [
      { secp256k1_sign: { message: MESSAGE, key: SECRET } },
      { ed25519_sign: { message: MESSAGE, seed: SECRET } },
      { secp256k1_sign: { message: MESSAGE, key: "00" } },
    ]);
    assert.deepEqual(noKey, failed(1000));
    assert.equal(e.bytes, sign(null, Buffer.from("message"), ed25519).toString("hex"));
    const recover = (parity) => ({ secp256k1_recover_pubkey: { hash, signature: k.bytes, parity } });
    const keys = (await asked(generation, [recover(0), recover(1)])).map(bytes);
    const both = keys.map((key) => verify("sha256", Buffer.from("message"), { key: secp256k1(key), dsaEncoding: "ieee-p1363" }, bytes(k)));
    assert.deepEqual(both, [true, true]);
    const key = keys[0].toString("hex");
    const answers = await asked(generation, [
      { secp256k1_verify: { hash, signature: k.bytes, key } },
      { secp256k1_verify: { hash: "00".repeat(32), signature: k.bytes, key } },
      { secp256k1_verify: { hash: "00", signature: k.bytes, key } },
      { ed25519_verify: { message: MESSAGE, signature: e.bytes, key: ed25519Key } },
      { ed25519_verify: { message: "", signature: e.bytes, key: ed25519Key } },
      { ed25519_batch_verify: { messages: [MESSAGE], signatures: [e.bytes, e.bytes], keys: [ed25519Key, ed25519Key] } },
      { ed25519_batch_verify: { messages: [MESSAGE, "", ""], signatures: [e.bytes], keys: [ed25519Key] } },
    ]);
    assert.deepEqual(answers.map(({ value }) => value), [0, 1, 3, 0, 1, 0, 7]);
  });

  test(`${generation.name}: addresses, questions, and words to nobody`, async () => {
    const { to, from } = generation;
    const [canonical, empty] = await asked(generation, [
      { [to]: { human: hex(a.address), room: 90 } }, { [to]: { human: "", room: 90 } },
    ]);
    assert.equal(bytes(canonical).length, 20);
    assert.match(bytes(empty).toString(), /nput is empty/);
    const request = JSON.stringify({ bank: { balance: { address: a.address, denom: "uscrt" } } });
    const [human, answer, garbage, nothing] = await asked(generation, [
      { [from]: { canonical: canonical.bytes, room: 90 } },
      { query_chain: { request: hex(request) } },
      { query_chain: { request: "7b" } },
      { [generation.name === "v1" ? "debug" : "debug_print"]: { message: hex("hush") } },
    ]);
    assert.equal(bytes(human).toString(), a.address);
    const { amount } = JSON.parse(Buffer.from(JSON.parse(bytes(answer).toString()).Ok.Ok, "base64").toString());
    assert.equal(amount.denom, "uscrt");
    assert.ok(JSON.parse(bytes(garbage).toString()).Err);
    assert.deepEqual(nothing, number(0));
  });
}

test("v1: gas, quotes, bound messages, aborts", async () => {
  const [v1] = generations;
  const [valid, before, burnt, later, quote, bound] = await called(v1, [
    { addr_validate: { human: hex(a.address) } }, { check_gas: {} }, { gas_evaporate: { gas: 3_000 } }, { check_gas: {} },
    { dcap_quote_verify: { quote: "00", collateral: "" } }, { message_bound: {} },
  ]);
  assert.deepEqual([valid, burnt, bound], [number(0), number(0), number(0)]);
  assert.ok(later.value - before.value >= 3_000);
  assert.deepEqual(quote, failed(10));
  const tx = await tryExecute(a, v1.contract, v1.message([{ abort: { message: hex("my words") } }]), MORE);
  assert.match(logOf(tx), /the contract panicked: my words/);
});
