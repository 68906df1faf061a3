// secret.js's MetaMaskWallet, unmodified, over a provider that signs as MetaMask does: what Ethereum's wallets sign is
// verified as it stands (EIP-191), and other sign modes are refused by name.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { stringToPath } from "@cosmjs/crypto";
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";
import { SigningStargateClient } from "@cosmjs/stargate";
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { AuthInfo, TxBody, TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx.js";
import { MsgSend } from "cosmjs-types/cosmos/bank/v1beta1/tx.js";
import { MetaMaskWallet, SecretNetworkClient } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import {
  ask, attribute, balance, clientOf, contractCode, execute, FAST, instantiate, logOf, succeeded, tryExecute, UPLOAD_GAS,
} from "./support/client.js";
import { CHAIN_ID, startNetwork, until } from "./support/network.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];
const { b } = ACCOUNTS;

/** A key behind the interface of browsers' wallets (EIP-1193). */
class Provider {
  #key = secp256k1.utils.randomPrivateKey();
  address = `0x${Buffer.from(keccak_256(secp256k1.getPublicKey(this.#key, false).slice(1)).slice(-20)).toString("hex")}`;
  /** What was signed last, as the wallet shows it. */
  shown = "";

  async request({ method, params }) {
    if (method === "eth_requestAccounts") return [this.address];
    assert.equal(method, "personal_sign");
    const [message, address] = params;
    assert.equal(address, this.address);
    const bytes = Buffer.from(message.slice(2), "hex");
    this.shown = bytes.toString();
    const prefix = `\x19Ethereum Signed Message:\n${bytes.length}`;
    const signature = secp256k1.sign(keccak_256(Buffer.concat([Buffer.from(prefix), bytes])), this.#key);
    return `0x${signature.toCompactHex()}${(27 + signature.recovery).toString(16)}`;
  }
}

let network;
let provider;
let wallet;
let client;
const connect = (chainId = CHAIN_ID) =>
  new SecretNetworkClient({ url: network.rest, chainId, wallet, walletAddress: wallet.address });
before(async () => {
  network = await startNetwork();
  const items = new Map();
  globalThis.localStorage = {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => items.set(name, value),
    removeItem: (name) => items.delete(name),
  };
  provider = new Provider();
  const [address] = await provider.request({ method: "eth_requestAccounts" });
  wallet = await MetaMaskWallet.create(provider, address);
  client = connect();
  const paid = await fetch(`${network.faucet}/faucet?address=${wallet.address}`);
  assert.equal(paid.status, 200);
  await until(async () => (await balance(network, wallet.address)) > 0n, { what: "coins of the faucet" });
});
after(() => network?.stop());

const send = (by, options) =>
  by.tx.bank.send({ from_address: wallet.address, to_address: b.address, amount: coins(1) }, { ...FAST, ...options });

test("MetaMask's wallet sends coins, whatever the memo", async () => {
  for (const memo of ["", `<a href="x">&amp;</a> \\ / ü 漢 🙂`]) {
    const before = await balance(network, b.address);
    const tx = await send(client, { memo });
    succeeded(tx);
    assert.equal(await balance(network, b.address), before + 1n);
    assert.equal(tx.tx.body.memo, memo);
    assert.equal(tx.tx.auth_info.signer_infos[0].mode_info.single.mode, "SIGN_MODE_EIP_191");
    // The wallet shows its user what is signed, line by line.
    assert.ok(provider.shown.includes(`\n    "memo": ${JSON.stringify(memo)},\n`), provider.shown);
  }
});

test("MetaMask's wallet makes a contract, calls it with coins and opens what it answers", async () => {
  const wasm_byte_code = new Uint8Array(gzipSync(contractCode("counter")));
  const uploaded = await client.tx.compute.storeCode(
    { sender: wallet.address, wasm_byte_code, source: "https://example.com/source", builder: "example/builder:1.0" },
    { ...FAST, gasLimit: UPLOAD_GAS },
  );
  succeeded(uploaded);
  const code_id = attribute(uploaded, "message", "code_id");
  const { code_hash } = await client.query.compute.codeHashByCodeId({ code_id });
  const contract = await instantiate(client, { code_id, code_hash }, { count: 1 });
  await execute(client, contract, { increment: {} });
  await execute(client, contract, { increment: {} }, { sent_funds: coins(3), memo: "a & b" });
  assert.deepEqual(await ask(client, contract, { get_count: {} }), { count: 3 });
  const failed = await tryExecute(clientOf(network, "b"), contract, { reset: { count: 9 } });
  assert.match(logOf(failed), /only the owner may reset the counter/);
  await execute(client, contract, { reset: { count: 9 } });
  assert.deepEqual(await ask(client, contract, { get_count: {} }), { count: 9 });
});

test("a simulation for MetaMask's wallet says what the transaction uses", async () => {
  const message = { from_address: wallet.address, to_address: b.address, amount: coins(1) };
  const simulated = await client.tx.bank.send.simulate(message);
  const tx = await send(client);
  succeeded(tx);
  const estimate = Number(simulated.gas_info.gas_used);
  assert.ok(Math.abs(estimate - tx.gasUsed) <= 100, `${estimate} and ${tx.gasUsed}`);
});

test("a signature for another chain is refused in the words of its mode", async () => {
  await assert.rejects(
    send(connect("secretdev-2")),
    /code 4 \(codespace: sdk\)\. Log: signature verification failed; please verify account number \(\d+\) and chain-id \(secretdev-1\): \(unable to verify single signer eip191 signature [0-9a-f]{128} for signBytes 19457468657265756d[0-9a-f]+\): unauthorized/,
  );
});

test("textual and every other sign mode is refused by name, in the check and in simulation", async () => {
  const path = { prefix: "secret", hdPaths: [stringToPath("m/44'/529'/0'/0/0")] };
  const signer = await DirectSecp256k1HdWallet.fromMnemonic(b.mnemonic, path);
  const cosm = await SigningStargateClient.connectWithSigner(network.rpc, signer, { broadcastPollIntervalMs: 50 });
  const value = MsgSend.fromPartial({ fromAddress: b.address, toAddress: wallet.address, amount: coins(1) });
  const fee = { amount: coins(5000), gas: "50000" };
  const good = await cosm.sign(b.address, [{ typeUrl: "/cosmos.bank.v1beta1.MsgSend", value }], fee, "");
  assert.equal(TxBody.decode(good.bodyBytes).messages.length, 1);
  for (const [mode, name] of [[2, "SIGN_MODE_TEXTUAL"], [3, "SIGN_MODE_DIRECT_AUX"], [77, "77"]]) {
    const info = AuthInfo.decode(good.authInfoBytes);
    info.signerInfos[0].modeInfo.single.mode = mode;
    const bytes = TxRaw.encode({ ...good, authInfoBytes: AuthInfo.encode(info).finish() }).finish();
    const text = `(unsupported sign mode ${name}): unauthorized`;
    await assert.rejects(cosm.broadcastTx(bytes), (error) => {
      assert.deepEqual([error.code, error.codespace], [4, "sdk"]);
      assert.ok(error.log.endsWith(text), error.log);
      return true;
    });
    const tx_bytes = Buffer.from(bytes).toString("base64");
    const simulated = await network.request("/cosmos/tx/v1beta1/simulate", { method: "POST", body: JSON.stringify({ tx_bytes }) });
    assert.equal(simulated.status, 500);
    assert.ok(JSON.stringify(simulated).includes(`unsupported sign mode ${name}`), JSON.stringify(simulated));
  }
  cosm.disconnect();
});
