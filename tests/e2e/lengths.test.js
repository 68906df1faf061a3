// What leaves sealed tells its length: errors and JSON answers tell a size class only, and unmodified clients read them
// as before.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { toBase64, toUtf8 } from "secretjs";

import { ask, clientOf, dataText, deploy, execute, logOf, tryExecute } from "./support/client.js";
import { startNetwork } from "./support/network.js";
import { findTx } from "./support/raw.js";

let network;
let a;
let token;
let probe;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  token = await deploy(
    a,
    "token",
    { name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: toBase64(toUtf8("seed")), initial_balances: [] },
    { gasLimit: 500_000 },
  );
  probe = await deploy(a, "probe", {});
});
after(() => network?.stop());

/** What the network sees of an answer: its status and the length of what is sealed. */
async function seen(contract, query) {
  const lengths = [];
  const realFetch = globalThis.fetch;
  globalThis.fetch = async (...args) => {
    const response = await realFetch(...args);
    if (String(args[0]).includes("/query/")) {
      const body = await response.clone().json();
      lengths.push([response.status, (body.data ?? body.message).length]);
    }
    return response;
  };
  try {
    await a.query.compute.queryContract({ contract_address: contract.address, code_hash: contract.code_hash, query });
  } finally {
    globalThis.fetch = realFetch;
  }
  assert.equal(lengths.length, 1);
  return lengths[0];
}

test("messages of other kinds, asked as queries, are refused with one length", async () => {
  const transfer = await seen(token, { transfer: { recipient: a.address, amount: "1" } });
  assert.equal(transfer[0], 500);
  for (const message of [
    { set_viewing_key: { key: "a key of some length" } },
    { burn: { amount: "1" } },
    { revoke_permit: { permit_name: "x" } },
  ]) {
    assert.deepEqual(await seen(token, message), transfer);
  }
});

test("answers that differ in length are of one length", async () => {
  await execute(a, probe, { write: { key: "short", value: "1" } });
  await execute(a, probe, { write: { key: "long", value: "x".repeat(150) } });
  const short = await seen(probe, { read: { key: "short" } });
  assert.deepEqual(await seen(probe, { read: { key: "long" } }), short);
  assert.deepEqual(await seen(probe, { read: { key: "absent" } }), short);
  assert.deepEqual(await ask(a, probe, { read: { key: "long" } }), { value: "x".repeat(150) });
});

test("errors that differ in length are of one length, and secret.js shows the contract's words", async () => {
  const logs = [];
  for (const message of ["no", "no, and for a reason that is longer"]) {
    const tx = await tryExecute(a, probe, { fail: { message } });
    assert.equal(logOf(tx), `failed to execute message; message index: 0: Generic error: ${message}: execute contract failed`);
    logs.push((await findTx(network, tx.transactionHash)).raw_log.length);
  }
  assert.equal(logs[0], logs[1]);
});

test("data that is JSON is padded and parses, other data is left as it is", async () => {
  const json = { data: toBase64(toUtf8('{"a":1}')) };
  const text = dataText(await execute(a, probe, { set_data: json }));
  assert.equal(text.length, 256);
  assert.deepEqual(JSON.parse(text), { a: 1 });
  assert.equal(dataText(await execute(a, probe, { set_data: { data: toBase64(toUtf8("plain words")) } })), "plain words");
});
