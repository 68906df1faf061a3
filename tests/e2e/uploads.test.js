import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { toBase64 } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { attribute, clientOf, contractCode, FAST, sha256Hex, succeeded, upload, UPLOAD_GAS } from "./support/client.js";
import { startNetwork } from "./support/network.js";
import { buildTx, deliver, storeCode } from "./support/raw.js";

let network;
let client;
before(async () => {
  network = await startNetwork();
  client = clientOf(network, "a");
});
after(() => network?.stop());

test("code arrives raw or gzipped, and its hash is that of the unzipped bytes", async () => {
  const wasm = contractCode("counter");
  const sender = ACCOUNTS.a.address;
  const ids = [];
  // Of a gzip stream the first member counts; what follows it is not looked at.
  const more = new Uint8Array(Buffer.concat([gzipSync(wasm), gzipSync(Buffer.from("more")), Buffer.from("and more")]));
  for (const bytes of [wasm, new Uint8Array(gzipSync(wasm)), more]) {
    const tx = await buildTx(network, "a", [storeCode(sender, bytes)], { gas: UPLOAD_GAS });
    const delivered = await deliver(network, tx);
    assert.equal(delivered.code, 0, delivered.raw_log);
    const events = delivered.events.filter((event) => event.type === "message");
    ids.push(events.flatMap((e) => e.attributes).find((a) => a.key === "code_id").value);
  }
  assert.equal(Number(ids[1]), Number(ids[0]) + 1, "the same code twice gets two ids");
  assert.equal(Number(ids[2]), Number(ids[0]) + 2);
  for (const id of ids) {
    const { code_hash } = await network.get(`/compute/v1beta1/code_hash/by_code_id/${id}`);
    assert.equal(code_hash, sha256Hex(wasm));
    const { code_info, wasm: stored } = await network.get(`/compute/v1beta1/code/${id}`);
    assert.deepEqual(code_info, { code_id: id, creator: sender, code_hash, source: "", builder: "" });
    assert.equal(stored, toBase64(wasm));
  }
});

test("secret.js uploads, and the log tells the code id", async () => {
  const tx = await client.tx.compute.storeCode(
    { sender: client.address, wasm_byte_code: contractCode("counter"), source: "", builder: "" },
    { ...FAST, gasLimit: UPLOAD_GAS },
  );
  succeeded(tx);
  assert.equal(tx.rawLog, "");
  assert.equal(attribute(tx, "message", "action"), "/secret.compute.v1beta1.MsgStoreCode");
  assert.equal(attribute(tx, "message", "module"), "compute");
  assert.equal(attribute(tx, "message", "sender"), client.address);
  assert.equal(attribute(tx, "message", "signer"), client.address);
  assert.ok(Number(attribute(tx, "message", "code_id")) > 0);
});

test("two uploads fit into one transaction with ten million gas", async () => {
  const wasm = new Uint8Array(gzipSync(contractCode("counter")));
  const message = storeCode(ACCOUNTS.a.address, wasm);
  const tx = await buildTx(network, "a", [message, message], { gas: UPLOAD_GAS });
  const delivered = await deliver(network, tx);
  assert.equal(delivered.code, 0, delivered.raw_log);
});

test("codes lists every code with its hash", async () => {
  const { code_id, code_hash } = await upload(client, "probe");
  const { code_infos } = await client.query.compute.codes({});
  const listed = code_infos.find((info) => info.code_id === code_id);
  assert.equal(listed.code_hash, code_hash);
  assert.equal(listed.creator, client.address);
  const ids = code_infos.map((info) => Number(info.code_id));
  assert.deepEqual(ids, ids.map((_, index) => index + 1));
});

test("an unknown code is an error, not an empty answer", async () => {
  const { status, body } = await network.request("/compute/v1beta1/code_hash/by_code_id/999");
  assert.equal(status, 500);
  assert.deepEqual(body, { code: 2, message: "failed to get code info for code id 999", details: [] });
});
