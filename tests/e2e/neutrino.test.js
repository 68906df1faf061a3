// Neutrino, unmodified: uploads, instantiates, executes and queries a token over REST, and hears of its transactions over the websocket.
// (package.json puts a small package in the place of its build's linter, which its own dependency names by mistake: nothing of it runs here.)

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { after, before, test } from "node:test";

import { Bip39, EnglishMnemonic, Slip10, Slip10Curve, stringToPath } from "@cosmjs/crypto";
import * as neutrino from "@solar-republic/neutrino";
import WebSocket from "ws";

import { ACCOUNTS } from "./support/accounts.js";
import { CHAIN_ID, root, startNetwork } from "./support/network.js";

const { CosmosSigner, SecretApp, SecretContract, secret_contract_instantiate, secret_contract_upload_code } = neutrino;
const INIT = (address) => ({ name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: "ZGljZQ==", initial_balances: [{ address, amount: "1000" }] });

let network;
let wallet;
let app;
before(async () => {
  globalThis.WebSocket ??= WebSocket;
  network = await startNetwork();
  const seed = await Bip39.mnemonicToSeed(new EnglishMnemonic(ACCOUNTS.a.mnemonic));
  const { privkey } = Slip10.derivePath(Slip10Curve.Secp256k1, seed, stringToPath("m/44'/529'/0'/0/0"));
  wallet = await CosmosSigner(privkey, CHAIN_ID, network.rest, network.rpc, [0.1, "uscrt"], "secret");
});
after(() => network?.stop());

test("Neutrino derives the address, uploads a code and makes a contract of it", async () => {
  assert.equal(wallet.addr, ACCOUNTS.a.address);
  // Not by the helpers of other tests: with them comes secret.js, whose `fetch` takes the place of the one that Neutrino knows.
  const contracts = process.env.STRONGROOM_CONTRACTS ?? join(root, "contracts", "target", "wasm32-unknown-unknown", "release");
  const wasm = readFileSync(join(contracts, "token.wasm"));
  const code = new Uint8Array(gzipSync(wasm));
  const [codeId, hash, sent] = await secret_contract_upload_code(wallet, code, 10_000_000n);
  assert.equal(codeId, "1", JSON.stringify(sent?.slice(0, 2)));
  assert.equal(hash, createHash("sha256").update(wasm).digest("hex"));
  // What is there already is not uploaded again.
  const again = await secret_contract_upload_code(wallet, code, 10_000_000n);
  assert.deepEqual(again.slice(0, 2), ["1", hash]);
  const [made, broadcast] = await secret_contract_instantiate(wallet, codeId, INIT(wallet.addr), 500_000n, ["", "token of Neutrino"]);
  assert.ok(made, JSON.stringify(broadcast.slice(0, 2)));
  const [address] = made;
  assert.match(address, /^secret1/);
  app = await SecretApp(wallet, await SecretContract(wallet.lcd, address));
});

test("Neutrino executes, reads what the contract answers, and queries with a viewing key", async () => {
  const [, [answer], [code, text]] = await app.exec("create_viewing_key", { entropy: "e" }, 200_000n);
  assert.equal(code, 0, text);
  const { key } = answer.create_viewing_key;
  assert.ok(key);
  const [balance, wrong, why] = await app.query("balance", { address: wallet.addr }, key);
  assert.equal(wrong, 0, why);
  assert.deepEqual(balance, { amount: "1000" });
  const [, , [moved, said]] = await app.exec("transfer", { recipient: ACCOUNTS.b.address, amount: "400" }, 200_000n);
  assert.equal(moved, 0, said);
  const [after] = await app.query("balance", { address: wallet.addr }, key);
  assert.deepEqual(after, { amount: "600" });
});

test("Neutrino opens a contract's errors, of calls and of queries", async () => {
  const [, , [code, text]] = await app.exec("transfer", { recipient: ACCOUNTS.b.address, amount: "999999" }, 200_000n);
  assert.equal(code, 3);
  assert.match(text, /insufficient funds: required=999999/);
  const [, wrong, why] = await app.query("no_such_query", {});
  assert.notEqual(wrong, 0);
  assert.match(why, /no_such_query/);
});
