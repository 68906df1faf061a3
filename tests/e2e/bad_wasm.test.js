// Code that is no contract, or one that could harm the node: refused at upload, with the reason; nothing is stored.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { ACCOUNTS } from "./support/accounts.js";
import { clientOf, contractCode, instantiate, upload } from "./support/client.js";
import { startNetwork } from "./support/network.js";
import { broadcast, buildTx, deliver, storeCode } from "./support/raw.js";
import { concat, exportIndex, leb, renamed, SECTION, withFunction, withSection } from "./support/wasm.js";

const { address: A } = ACCOUNTS.a;
const CODE_BYTES_MAX = 2_097_152;
const PAGES_MAX = 192;
const GAS = 25_000_000n;

let network;
let client;
let counter;
let codes;
before(async () => {
  network = await startNetwork();
  client = clientOf(network, "a");
  counter = contractCode("counter");
  await upload(client, counter);
  codes = 1;
});
after(() => network?.stop());
afterEach(async () => {
  const { code_infos } = await client.query.compute.codes({});
  assert.equal(code_infos.length, codes, "nothing was stored");
});

const uploadTx = async (bytes, more) => buildTx(network, "a", [storeCode(A, bytes, more)], { gas: GAS });

async function refusedAtUpload(bytes, reason, code = 15) {
  for (const form of [bytes, new Uint8Array(gzipSync(bytes))]) {
    const tx = await deliver(network, await uploadTx(form));
    assert.deepEqual([tx.codespace, tx.code], ["compute", code], tx.raw_log);
    assert.match(tx.raw_log, /^failed to execute message; message index: 0: /);
    assert.match(tx.raw_log, reason);
    if (code === 15) assert.match(tx.raw_log, /: create contract failed$/);
    assert.ok(tx.raw_log.length < 2_000, "the reason is short");
  }
}

test("bytes that are no wasm are refused", async () => {
  await refusedAtUpload(new Uint8Array(1000).fill(7), /./);
  await refusedAtUpload(new TextEncoder().encode("#!/bin/sh\necho no\n"), /./);
});

test("a truncated module is refused, wherever it is cut", async () => {
  for (const part of [8, 100, counter.length >> 1, counter.length - 1]) {
    await refusedAtUpload(counter.slice(0, part), /./);
  }
});

test("an unknown import is refused by name", async () => {
  await refusedAtUpload(renamed(counter, "db_read", "db_rob_"), /db_rob_/);
});

test("an import with another signature than ours is refused by name", async () => {
  await refusedAtUpload(renamed(counter, "db_read", "db_scan"), /db_scan/);
});

test("a module without the marker of a contract is refused", async () => {
  await refusedAtUpload(renamed(counter, "interface_version_8", "interface_version_9"), /interface_version_8/);
});

test("a module without an entry point that it needs is refused", async () => {
  await refusedAtUpload(renamed(counter, "instantiate", "instantiaxx"), /instantiate/);
});

test("a feature that the chain does not have is refused by name", async () => {
  await refusedAtUpload(renamed(contractCode("probe"), "requires_random", "requires_wizard"), /wizard/);
});

test("a start function is refused", async () => {
  const index = exportIndex(counter, "interface_version_8");
  await refusedAtUpload(withSection(counter, SECTION.start, () => leb(index)), /start/i);
});

test("two memories, or more than the contract may have, are refused", async () => {
  await refusedAtUpload(withSection(counter, SECTION.memory, () => [2, 0, 17, 0, 1]), /memor/i);
  await refusedAtUpload(withSection(counter, SECTION.memory, () => [1, 0, ...leb(PAGES_MAX + 1)]), /memory/i);
});

test("a declared maximum of memory is accepted and lowered", async () => {
  const declared = withSection(counter, SECTION.memory, (body) => [1, 1, ...body.slice(2), ...leb(65_536)]);
  const code = await upload(client, declared);
  codes += 1;
  await instantiate(client, code, { count: 1 });
});

test("a huge table is refused", async () => {
  await refusedAtUpload(withSection(counter, SECTION.table, () => [1, 0x70, 0, ...leb(100_000_000)]), /table/i);
});

test("a function with too many locals is refused", async () => {
  const body = [1, ...leb(4_000_000), 0x7f, 0x00, 0x0b];
  await refusedAtUpload(withFunction(counter, body), /local/i);
});

test("a function nested too deeply is refused", async () => {
  const depth = 100_000;
  const opened = new Uint8Array(2 * depth).map((_, at) => (at % 2 ? 0x40 : 0x02));
  const body = concat([[0], opened, [0x00], new Uint8Array(depth).fill(0x0b), [0x0b]]);
  await refusedAtUpload(withFunction(counter, body), /nest|depth|deep/i);
});

test("more than two mebibytes are refused by the mempool", async () => {
  const answer = await broadcast(network, await uploadTx(new Uint8Array(CODE_BYTES_MAX + 1)));
  assert.deepEqual(
    [answer.codespace, answer.code, answer.raw_log],
    ["sdk", 18, "code bytes cannot be longer than 2097152 bytes: exceeds limit: invalid request"],
  );
  const none = await broadcast(network, await uploadTx(new Uint8Array()));
  assert.deepEqual([none.codespace, none.code], ["sdk", 18]);
  assert.match(none.raw_log, /code bytes is required: empty: invalid request$/);
});

test("a gzip stream that unzips to more than two mebibytes is refused, a bomb too", async () => {
  for (const size of [CODE_BYTES_MAX + 1, 200_000_000]) {
    const tx = await deliver(network, await uploadTx(new Uint8Array(gzipSync(Buffer.alloc(size)))));
    assert.deepEqual([tx.codespace, tx.code], ["compute", 31], tx.raw_log);
    assert.equal(tx.raw_log, "failed to execute message; message index: 0: max contract size exceeded");
  }
});

test("a broken gzip stream is refused", async () => {
  const whole = new Uint8Array(gzipSync(counter));
  for (const broken of [whole.slice(0, -10), whole.slice(0, 12), whole.map((byte, at) => (at === 5_000 ? byte ^ 255 : byte))]) {
    const tx = await deliver(network, await uploadTx(broken));
    assert.deepEqual([tx.codespace, tx.code], ["compute", 15], tx.raw_log);
    assert.match(tx.raw_log, /: create contract failed$/);
  }
});

test("a source that is no https address and a builder that is no image are refused", async () => {
  const tiny = counter.slice(0, 100);
  for (const [more, text] of [
    [{ source: "not an url" }, /source .*invalid.*: invalid request$/],
    [{ source: "http://example.com/x" }, /source must use https: invalid: invalid request$/],
    [{ builder: "no tag" }, /builder invalid: invalid request$/],
    [{ builder: `a/b:${"x".repeat(130)}` }, /builder longer than 128 characters: exceeds limit: invalid request$/],
  ]) {
    const answer = await broadcast(network, await uploadTx(tiny, more));
    assert.deepEqual([answer.codespace, answer.code], ["sdk", 18], answer.raw_log);
    assert.match(answer.raw_log, text);
  }
});
