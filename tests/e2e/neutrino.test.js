// Neutrino, unmodified: uploads, instantiates, executes and queries a token over REST, and hears of its transactions over the websocket.
// (package.json puts a small package in the place of its build's linter, which its own dependency names by mistake: nothing of it runs here.)

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { after, before, test } from "node:test";

import { fromBech32 } from "@cosmjs/encoding";
import { Bip39, EnglishMnemonic, Slip10, Slip10Curve, stringToPath } from "@cosmjs/crypto";
import * as neutrino from "@solar-republic/neutrino";
import WebSocket from "ws";

import { ACCOUNTS } from "./support/accounts.js";
import { CHAIN_ID, root, startNetwork, until } from "./support/network.js";

const {
  CosmosSigner, SecretApp, SecretContract, TendermintEventFilter,
  secret_contract_instantiate, secret_contract_upload_code, snip52_seed_update_sign, subscribe_snip52_channels,
} = neutrino;
const INIT = (address) => ({ name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: "ZGljZQ==", initial_balances: [{ address, amount: "1000" }] });

let network;
let wallet;
let app;

async function walletOf(name) {
  const seed = await Bip39.mnemonicToSeed(new EnglishMnemonic(ACCOUNTS[name].mnemonic));
  const { privkey } = Slip10.derivePath(Slip10Curve.Secp256k1, seed, stringToPath("m/44'/529'/0'/0/0"));
  return CosmosSigner(privkey, CHAIN_ID, network.rest, network.rpc, [0.1, "uscrt"], "secret");
}

before(async () => {
  globalThis.WebSocket ??= WebSocket;
  network = await startNetwork();
  wallet = await walletOf("a");
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

/** What Neutrino hears of a token, for an account with the viewing key "k". */
async function hearing(who, contract) {
  const filter = await TendermintEventFilter(network.rpc);
  const heard = { recvd: [], multirecvd: [], multispent: [] };
  const channels = Object.fromEntries(Object.entries(heard).map(([name, list]) => [name, (data) => list.push(data)]));
  await subscribe_snip52_channels(filter, contract, ["k", who.addr], channels);
  const hears = (name) => until(() => heard[name].shift(), { what: `a notification of ${name}` });
  return { hears, heard, close: () => filter.ws().close() };
}

const end = ({ address }) => fromBech32(address).data.slice(-8);

test("Neutrino hears of tokens by the channels of SNIP-52, those for one account and those for many, before and after a new seed", async () => {
  const { a, b, c } = ACCOUNTS;
  const theirs = await SecretApp(await walletOf("b"), await SecretContract(wallet.lcd, app.contract.addr));
  const did = async (by, message, fields, gas = 300_000n) => {
    const [, answers, [code, text]] = await by.exec(message, fields, gas);
    assert.equal(code, 0, text);
    return answers[0];
  };
  await did(theirs, "set_viewing_key", { key: "k" });
  await did(theirs, "increase_allowance", { spender: a.address, amount: "50" });

  const listen = async () => {
    const { hears, heard, close } = await hearing(theirs.wallet, theirs.contract);
    await did(app, "transfer", { recipient: b.address, amount: "7", memo: "tea" });
    const [amount, sender, memo] = await hears("recvd");
    assert.deepEqual([BigInt(amount), Uint8Array.from(sender), Number(memo)], [7n, fromBech32(a.address).data, 3]);

    const actions = [{ recipient: b.address, amount: "3", memo: "batch" }, { recipient: c.address, amount: "1" }, { recipient: b.address, amount: "2" }];
    await did(app, "batch_transfer", { actions });
    const many = await hears("multirecvd");
    assert.deepEqual([many[0], Uint8Array.from(many[1]), many[2]], [5n, end(a), 5n]);

    const spent = [{ owner: b.address, recipient: c.address, amount: "4" }, { owner: b.address, recipient: a.address, amount: "1" }];
    await did(app, "batch_transfer_from", { actions: spent });
    const [went, to] = await hears("multispent");
    assert.deepEqual([went, Uint8Array.from(to)], [5n, end(c)]);

    // A batch for others is found to be so.
    await did(app, "batch_transfer", { actions: [{ recipient: c.address, amount: "1" }] });
    await did(app, "transfer", { recipient: b.address, amount: "1" });
    await hears("recvd");
    assert.deepEqual(heard, { recvd: [], multirecvd: [], multispent: [] });
    close();
  };
  await listen();

  const seed = async () => (await theirs.query("channel_info", { channels: ["recvd"] }, ["k", b.address]))[0].seed;
  const before = await seed();
  const sign = (previous) => snip52_seed_update_sign(theirs.wallet, theirs.contract.addr, previous);
  const [, , [code, text]] = await theirs.exec("update_seed", { signed_doc: await sign("AAAA") }, 200_000n);
  assert.equal(code, 3);
  assert.match(text, /Failed to verify signatures/);
  const signed = await sign(before);
  // Another's signature is nobody's else.
  const [, , [others]] = await app.exec("update_seed", { signed_doc: signed }, 200_000n);
  assert.equal(others, 3);
  const { update_seed: { seed: updated } } = await did(theirs, "update_seed", { signed_doc: signed });
  assert.equal(updated, createHash("sha256").update(Buffer.from(signed.signature.signature, "base64")).digest("base64"));
  assert.notEqual(updated, before);
  assert.equal(await seed(), updated);
  await listen();
});
