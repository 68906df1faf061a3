// Wallets that sign amino JSON: hardware wallets, Keplr's amino-only signer, and secret.js's AminoWallet.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { gzipSync } from "node:zlib";

import { ask, attribute, clientOf, contractCode, execute, FAST, instantiate, logOf, succeeded, tryExecute, UPLOAD_GAS } from "./support/client.js";
import { startNetwork } from "./support/network.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];

let network;
let a;
let b;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a", { amino: true });
  b = clientOf(network, "b");
});
after(() => network?.stop());

test("amino JSON signs a send, also with a memo full of signs that JSON may escape", async () => {
  for (const memo of ["", `<a href="x">&amp;</a> \\ / ü 漢 🙂`]) {
    const tx = await a.tx.bank.send(
      { from_address: a.address, to_address: b.address, amount: coins(1) },
      { ...FAST, memo },
    );
    succeeded(tx);
    assert.equal(tx.tx.body.memo, memo);
    assert.equal(tx.tx.auth_info.signer_infos[0].mode_info.single.mode, "SIGN_MODE_LEGACY_AMINO_JSON");
  }
});

test("amino JSON signs a multi-send", async () => {
  const tx = await a.tx.bank.multiSend(
    {
      inputs: [{ address: a.address, coins: coins(2) }],
      outputs: [{ address: b.address, coins: coins(2) }],
    },
    { ...FAST, gasLimit: 100_000 },
  );
  succeeded(tx);
});

test("amino JSON signs upload, instantiation and execution, with and without coins", async () => {
  const wasm_byte_code = new Uint8Array(gzipSync(contractCode("counter")));
  const uploaded = await a.tx.compute.storeCode(
    { sender: a.address, wasm_byte_code, source: "https://example.com/source", builder: "example/builder:1.0" },
    { ...FAST, gasLimit: UPLOAD_GAS },
  );
  succeeded(uploaded);
  const code_id = attribute(uploaded, "message", "code_id");
  const { code_hash } = await a.query.compute.codeHashByCodeId({ code_id });
  const { code_info } = await a.query.compute.code({ code_id });
  assert.deepEqual([code_info.source, code_info.builder], ["https://example.com/source", "example/builder:1.0"]);

  for (const init_funds of [undefined, coins(5)]) {
    const contract = await instantiate(a, { code_id, code_hash }, { count: 1 }, { init_funds });
    for (const sent_funds of [[], coins(3)]) {
      await execute(a, contract, { increment: {} }, { sent_funds });
    }
    assert.deepEqual(await ask(a, contract, { get_count: {} }), { count: 3 });
  }
  const withAdmin = await instantiate(a, { code_id, code_hash }, { count: 1 }, { admin: b.address });
  const failed = await tryExecute(b, withAdmin, { reset: { count: 9 } });
  assert.equal(
    logOf(failed),
    "failed to execute message; message index: 0: Generic error: only the owner may reset the counter: execute contract failed",
  );
});

test("a bad amino signature is refused with the sequence in the text", async () => {
  const other = clientOf(network, "a", { amino: true, chainId: "secretdev-2" });
  await assert.rejects(
    other.tx.bank.send({ from_address: a.address, to_address: b.address, amount: coins(1) }, FAST),
    /code 4 \(codespace: sdk\)\. Log: signature verification failed; please verify account number \(\d+\), sequence \(\d+\) and chain-id \(secretdev-1\): unable to verify single signer signature [0-9a-fA-F]+ for signBytes [0-9a-fA-F]+: unauthorized/,
  );
});
