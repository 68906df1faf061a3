// Pages that use Keplr: its own code, unmodified, between secret.js or CosmJS and a key. Direct and Amino signatures, with what the user changes before signing;
// messages to contracts that are sealed in the wallet; permits; documents of ADR-36; `sendTx`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { serializeSignDoc } from "@cosmjs/amino";
import { SigningStargateClient } from "@cosmjs/stargate";
import { AuthInfo, TxBody, TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx.js";
import { EncryptionUtilsImpl, MsgExecuteContract, SecretNetworkClient, toBase64, toUtf8 } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { account, ask, balance, clientOf, dataText, deploy, execute, FAST, succeeded } from "./support/client.js";
import { Extension, makeADR36AminoSignDoc } from "./support/keplr.js";
import { BINARY, CHAIN_ID, startNetwork, until } from "./support/network.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];
const { b, c } = ACCOUNTS;

let network;
let token;
before(async () => {
  network = await startNetwork();
  token = await deploy(
    clientOf(network, "a"),
    "token",
    { name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: toBase64(toUtf8("dice")), initial_balances: [{ address: b.address, amount: "31" }] },
    { gasLimit: 500_000 },
  );
});
after(() => network?.stop());

/** A page that has connected to the extension, and its secret.js. */
async function page(extension, signer = "getOfflineSigner") {
  const keplr = extension.open();
  await keplr.enable(CHAIN_ID);
  const wallet = await keplr[signer](CHAIN_ID);
  const [{ address }] = await wallet.getAccounts();
  const encryptionUtils = keplr.getEnigmaUtils(CHAIN_ID);
  const secretjs = new SecretNetworkClient({ url: network.rest, chainId: CHAIN_ID, wallet, walletAddress: address, encryptionUtils });
  return { keplr, wallet, address, secretjs };
}

const send = (client, options) =>
  client.tx.bank.send({ from_address: client.address, to_address: c.address, amount: coins(1) }, { ...FAST, ...options });
const modeOf = (tx) => tx.tx.auth_info.signer_infos[0].mode_info.single.mode;

test("a page that is not let in gets nothing signed", async () => {
  const keplr = new Extension(network, b).open();
  await assert.rejects(keplr.getKey(CHAIN_ID), /There is no access to secretdev-1/);
  await keplr.enable(CHAIN_ID);
  const key = await keplr.getKey(CHAIN_ID);
  assert.equal(key.bech32Address, b.address);
  await assert.rejects(keplr.signArbitrary(CHAIN_ID, c.address, "x"), /Signer mismatched/);
});

test("Keplr's direct, amino and automatic signers send coins, whatever the memo", async () => {
  const [key, ledger] = [new Extension(network, b), new Extension(network, b, { ledger: true })];
  const signers = [
    [key, "getOfflineSigner", "SIGN_MODE_DIRECT", "request-cosmos-sign-direct"],
    [key, "getOfflineSignerOnlyAmino", "SIGN_MODE_LEGACY_AMINO_JSON", "request-cosmos-sign-amino"],
    [key, "getOfflineSignerAuto", "SIGN_MODE_DIRECT", "request-cosmos-sign-direct"],
    [ledger, "getOfflineSignerAuto", "SIGN_MODE_LEGACY_AMINO_JSON", "request-cosmos-sign-amino"],
  ];
  for (const [extension, signer, mode, asked] of signers) {
    const { secretjs } = await page(extension, signer);
    for (const memo of ["", `<a href="x">&amp;</a> \\ / ü 漢 🙂`]) {
      const before = await balance(network, c.address);
      const tx = await send(secretjs, { memo });
      succeeded(tx);
      assert.deepEqual([modeOf(tx), tx.tx.body.memo, extension.asked.at(-1)], [mode, memo, asked]);
      assert.equal(await balance(network, c.address), before + 1n);
    }
  }
});

test("what the user changes before signing is what is paid and kept", async () => {
  const amino = (document) => ({ ...document, memo: "by hand", fee: { amount: coins(7_654), gas: "54321" } });
  const direct = (document) => {
    const body = TxBody.decode(document.bodyBytes);
    const info = AuthInfo.decode(document.authInfoBytes);
    body.memo = "by hand";
    Object.assign(info.fee, { amount: coins(7_654), gasLimit: 54_321n });
    return { ...document, bodyBytes: TxBody.encode(body).finish(), authInfoBytes: AuthInfo.encode(info).finish() };
  };
  for (const [signer, change] of [["getOfflineSignerOnlyAmino", amino], ["getOfflineSigner", direct]]) {
    const { secretjs, address } = await page(new Extension(network, b, { change }), signer);
    const before = await balance(network, address);
    const tx = await send(secretjs, { memo: "of the page" });
    succeeded(tx);
    assert.equal(tx.tx.body.memo, "by hand");
    assert.equal(tx.gasWanted, 54_321);
    assert.equal(await balance(network, address), before - 7_655n);
  }
});

test("a signature for another chain, account number or sequence is refused", async () => {
  const change = (more) => (document) => ({ ...document, ...more });
  const { number, sequence } = await account(network, b.address);
  const cases = [
    ["getOfflineSigner", { chainId: "secretdev-2" }],
    ["getOfflineSigner", { accountNumber: String(number + 1n) }],
    ["getOfflineSignerOnlyAmino", { chain_id: "secretdev-2" }],
    ["getOfflineSignerOnlyAmino", { account_number: String(number + 1n) }],
    ["getOfflineSignerOnlyAmino", { sequence: String(sequence + 1n) }],
  ];
  for (const [signer, wrong] of cases) {
    // The page sends what it made itself, under the signature of the other document.
    const extension = new Extension(network, b, { change: change(wrong) });
    const { wallet, secretjs } = await page(extension, signer);
    const name = signer === "getOfflineSigner" ? "signDirect" : "signAmino";
    const sign = wallet[name];
    wallet[name] = async (signer, document) => ({ ...(await sign.call(wallet, signer, document)), signed: document });
    await assert.rejects(send(secretjs), /code 4 \(codespace: sdk\).*signature verification failed/, JSON.stringify(wrong));
  }
  assert.equal((await account(network, b.address)).sequence, sequence);
});

test("CosmJS signs directly by Keplr, and Keplr broadcasts what CosmJS has signed", async () => {
  const { keplr, wallet, address } = await page(new Extension(network, b));
  const cosm = await SigningStargateClient.connectWithSigner(network.rpc, wallet, { broadcastPollIntervalMs: 50 });
  try {
    const before = await balance(network, c.address);
    const fee = { amount: coins(5_000), gas: "50000" };
    const sent = await cosm.sendTokens(address, c.address, coins(2), fee, "from CosmJS");
    assert.equal(sent.code, 0, sent.rawLog);
    const message = { typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: address, toAddress: c.address, amount: coins(3) } };
    const raw = TxRaw.encode(await cosm.sign(address, [message], fee, "by Keplr")).finish();
    const hash = Buffer.from(await keplr.sendTx(CHAIN_ID, raw, "sync")).toString("hex").toUpperCase();
    const found = await until(() => cosm.getTx(hash), { what: "the transaction" });
    assert.equal(found.code, 0, found.rawLog);
    assert.equal(await balance(network, c.address), before + 5n);
    // Once is once.
    await assert.rejects(keplr.sendTx(CHAIN_ID, raw, "sync"), /./);
  } finally {
    cosm.disconnect();
  }
});

test("messages are sealed in the wallet, and any session of it opens what came back", async () => {
  const extension = new Extension(network, b, { seed: new Uint8Array(32).fill(7) });
  const { secretjs: first } = await page(extension);
  const counter = await deploy(first, "counter", { count: 40 });
  const call = await execute(first, counter, { increment: {} });
  const keyed = await execute(first, token, { create_viewing_key: { entropy: "e" } });
  const { key } = JSON.parse(dataText(keyed)).create_viewing_key;
  assert.deepEqual(await ask(first, counter, { get_count: {} }), { count: 41 });
  const holding = await first.query.snip20.getBalance({ contract: token, address: b.address, auth: { key } });
  assert.equal(holding.balance.amount, "31");

  // Another page, another day.
  const { secretjs: later } = await page(extension);
  const again = await later.query.getTx(keyed.transactionHash);
  assert.deepEqual(JSON.parse(dataText(again)), { create_viewing_key: { key } });
  assert.deepEqual((await later.query.getTx(call.transactionHash)).tx.body.messages[0].msg, { increment: {} });
  // A client that has the seed itself.
  const seeded = clientOf(network, "b", { encryptionSeed: new Uint8Array(32).fill(7) });
  assert.deepEqual(JSON.parse(dataText(await seeded.query.getTx(keyed.transactionHash))), { create_viewing_key: { key } });
  // The same key of the account in another wallet has another seed.
  const { secretjs: stranger } = await page(new Extension(network, b));
  const closed = await stranger.query.getTx(keyed.transactionHash);
  assert.notDeepEqual(closed.tx.body.messages[0].msg, { create_viewing_key: { entropy: "e" } });
  assert.ok(!JSON.stringify(closed).includes(key));

  for (const what of ["request-encrypt-msg", "request-decrypt-msg"]) assert.ok(extension.asked.includes(what), what);
});

test("a page that seals by Keplr's own calls is understood by the enclave", async () => {
  const seed = new Uint8Array(32).fill(9);
  const { keplr, secretjs } = await page(new Extension(network, b, { seed }));
  const counter = await deploy(secretjs, "counter", { count: 5 });
  const query = await keplr.enigmaEncrypt(CHAIN_ID, counter.code_hash, { get_count: {} });
  const nonce = query.slice(0, 32);
  const own = await keplr.getEnigmaPubKey(CHAIN_ID);
  assert.deepEqual(query.slice(32, 64), own);
  const path = `/compute/v1beta1/query/${counter.address}?query=${encodeURIComponent(toBase64(query))}`;
  const { data } = await network.get(path);
  const opened = await keplr.enigmaDecrypt(CHAIN_ID, new Uint8Array(Buffer.from(data, "base64")), nonce);
  assert.equal(Buffer.from(Buffer.from(opened).toString(), "base64").toString().trimEnd(), '{"count":5}');

  // Whoever has the seed has the keys; a transaction of such bytes is the same call.
  const other = new EncryptionUtilsImpl(network.rest, seed);
  assert.deepEqual(await keplr.getEnigmaTxEncryptionKey(CHAIN_ID, nonce), await other.getTxEncryptionKey(nonce));
  assert.deepEqual(own, await other.getPubkey());
  const sealed = await keplr.enigmaEncrypt(CHAIN_ID, counter.code_hash, { increment: {} });
  const message = new MsgExecuteContract({ sender: b.address, contract_address: counter.address, code_hash: counter.code_hash, msg: {} });
  const tx = await secretjs.tx.broadcast([withSealed(message, sealed)], { ...FAST, gasLimit: 250_000 });
  succeeded(tx);
  assert.deepEqual(await ask(secretjs, counter, { get_count: {} }), { count: 6 });
});

/** The message with bytes that were sealed before. */
function withSealed(message, sealed) {
  const given = { encrypt: async () => sealed };
  return { toProto: () => message.toProto(given), toAmino: () => message.toAmino(given) };
}

test("a permit that Keplr signs opens a balance, and a document of ADR-36 does not", async () => {
  const { keplr, secretjs } = await page(new Extension(network, b), "getOfflineSignerOnlyAmino");
  // secret.js asks the wallet of the page.
  globalThis.window.keplr = keplr;
  const { permit: permits } = secretjs.utils.accessControl;
  const permit = await permits.sign(b.address, CHAIN_ID, "of Keplr", [token.address], ["balance"]);
  delete globalThis.window.keplr;
  assert.ok(permits.verify(permit, b.address, token.address, ["balance"]));
  const held = (permit) => ask(secretjs, token, { with_permit: { permit, query: { balance: {} } } });
  assert.deepEqual(await held(permit), { balance: { amount: "31" } });

  // The very text of the permit's document, signed as text of somebody's choice.
  const fee = { amount: [{ amount: "0", denom: "uscrt" }], gas: "1" };
  const { params } = permit;
  const value = { allowed_tokens: params.allowed_tokens, permissions: params.permissions, permit_name: params.permit_name };
  const msgs = [{ type: "query_permit", value }];
  const document = serializeSignDoc({ chain_id: CHAIN_ID, account_number: "0", sequence: "0", fee, memo: "", msgs });
  const signature = await keplr.signArbitrary(CHAIN_ID, b.address, document);
  assert.match(await held({ params, signature }), /Failed to verify signatures for the given permit/);
});

test("a document of ADR-36 is signed, checked, and is no transaction", async () => {
  const { keplr } = await page(new Extension(network, b));
  const { keplr: other } = await page(new Extension(network, c));
  // Keplr signs a document of nothing, and takes none.
  const empty = await keplr.signArbitrary(CHAIN_ID, b.address, "");
  await assert.rejects(keplr.verifyArbitrary(CHAIN_ID, b.address, "", empty), /Empty data/);
  for (const data of ["log me in: 4711", `<&> " \\ ü 漢 🙂`, new Uint8Array([0, 255, 128, 10])]) {
    const signature = await keplr.signArbitrary(CHAIN_ID, b.address, data);
    assert.equal(signature.pub_key.type, "tendermint/PubKeySecp256k1");
    const isSigned = (by, signer, text, of = signature) => by.verifyArbitrary(CHAIN_ID, signer, text, of);
    assert.equal(await isSigned(other, b.address, data), true);
    assert.equal(await isSigned(other, b.address, `${data}.`), false);
    const theirs = await other.signArbitrary(CHAIN_ID, c.address, data);
    assert.equal(await isSigned(keplr, b.address, data, { ...signature, signature: theirs.signature }), false);
    await assert.rejects(isSigned(keplr, c.address, data));
  }

  // Whoever has a signature over a text of theirs has no transaction: the chain has no such message, under either spelling.
  const before = await account(network, b.address);
  const data = "pay me";
  const signature = await keplr.signArbitrary(CHAIN_ID, b.address, data);
  const { msgs } = makeADR36AminoSignDoc(b.address, data);
  assert.equal(msgs[0].type, "sign/MsgSignData");
  const publicKey = Buffer.from(signature.pub_key.value, "base64");
  for (const typeUrl of ["/sign.MsgSignData", "/cosmos.offchain.v1alpha1.MsgSignData", "/sign/MsgSignData"]) {
    const value = Buffer.concat([lengthed(0x0a, b.address), lengthed(0x12, data)]);
    const bodyBytes = TxBody.encode(TxBody.fromPartial({ messages: [{ typeUrl, value }] })).finish();
    const info = {
      signerInfos: [{ publicKey: { typeUrl: "/cosmos.crypto.secp256k1.PubKey", value: lengthed(0x0a, publicKey) }, modeInfo: { single: { mode: 127 } }, sequence: 0n }],
      fee: { amount: [], gasLimit: 0n },
    };
    const authInfoBytes = AuthInfo.encode(AuthInfo.fromPartial(info)).finish();
    const raw = TxRaw.encode({ bodyBytes, authInfoBytes, signatures: [Buffer.from(signature.signature, "base64")] }).finish();
    await assert.rejects(keplr.sendTx(CHAIN_ID, raw, "sync"), /unable to resolve type URL|tx parse error/);
  }
  assert.deepEqual(await account(network, b.address), before);
});

test("the command line takes statements that Keplr signs, and Keplr those of the command line", async () => {
  const directory = mkdtempSync(join(tmpdir(), "strongroom-keplr-"));
  const run = (input, ...args) => spawnSync(BINARY, ["keys", ...args, "--keyring", "test", "--keyring-dir", directory], { input, encoding: "utf8" });
  try {
    assert.equal(run(b.mnemonic, "recover", "b", "--words", "-").status, 0);
    const { keplr } = await page(new Extension(network, b));
    const file = join(directory, "signature");
    for (const data of ["log me in: 4711\n", `<&> " \\ ü 漢 🙂`, Buffer.from([0, 255, 128, 10])]) {
      const own = run(data, "sign", "b", "-");
      assert.equal(own.status, 0, own.stderr);
      const signature = JSON.parse(own.stdout);
      const given = typeof data === "string" ? data : new Uint8Array(data);
      assert.equal(await keplr.verifyArbitrary(CHAIN_ID, b.address, given, signature), true);
      assert.deepEqual(signature, await keplr.signArbitrary(CHAIN_ID, b.address, given));
      writeFileSync(file, JSON.stringify(await keplr.signArbitrary(CHAIN_ID, b.address, given)));
      const taken = run(data, "verify", b.address, "-", file);
      assert.deepEqual([taken.status, taken.stdout], [0, `signed by ${b.address}\n`], taken.stderr);
      for (const [signer, text] of [[c.address, data], [b.address, "another"]]) {
        const refused = run(text, "verify", signer, "-", file);
        assert.deepEqual([refused.status, refused.stdout], [1, ""]);
        assert.match(refused.stderr, /^strongroom: statement\.not_signed: /);
      }
    }
    writeFileSync(file, "{}");
    assert.match(run("x", "verify", b.address, "-", file).stderr, /^strongroom: statement\.signature: /);
    assert.match(run("", "sign", "b", "-").stderr, /^strongroom: statement\.empty: /);
    assert.match(run("x".repeat(65_537), "sign", "b", "-").stderr, /^strongroom: statement\.too_long: /);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** A field of protobuf. */
const lengthed = (tag, bytes) => Buffer.concat([Buffer.from([tag, Buffer.byteLength(bytes)]), Buffer.from(bytes)]);
