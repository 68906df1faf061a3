// Accounts of several keys with unmodified CosmJS: keys, signatures and transactions are put together by it; contracts are called
// with what secret.js seals.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createMultisigThresholdPubkey, pubkeyToAddress, Secp256k1HdWallet } from "@cosmjs/amino";
import { stringToPath } from "@cosmjs/crypto";
import { fromBase64, fromBech32, toBase64 } from "@cosmjs/encoding";
import { encodePubkey, Registry } from "@cosmjs/proto-signing";
import {
  AminoTypes, createDefaultAminoConverters, defaultRegistryTypes, makeMultisignedTx, makeMultisignedTxBytes, QueryClient,
  setupTxExtension, SigningStargateClient, StargateClient,
} from "@cosmjs/stargate";
import { Comet38Client } from "@cosmjs/tendermint-rpc";
import { AuthInfo, TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx.js";
import { MsgExecuteContract, MsgInstantiateContract } from "secretjs/dist/protobuf/secret/compute/v1beta1/msg.js";

import { ACCOUNTS } from "./support/accounts.js";
import { ask, attribute, balance, clientOf, succeeded, tryExecute, upload } from "./support/client.js";
import { CHAIN_ID, startNetwork, until } from "./support/network.js";

const SEND = "/cosmos.bank.v1beta1.MsgSend";
const EXECUTE = "/secret.compute.v1beta1.MsgExecuteContract";
const INSTANTIATE = "/secret.compute.v1beta1.MsgInstantiateContract";
const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];
const fee = { amount: coins(30_000), gas: "300000" };
const path = { prefix: "secret", hdPaths: [stringToPath("m/44'/529'/0'/0/0")] };

/** How CosmJS shall write the messages of the compute module, which it does not know. */
const registry = new Registry([...defaultRegistryTypes, [EXECUTE, MsgExecuteContract], [INSTANTIATE, MsgInstantiateContract]]);
const aminoTypes = new AminoTypes({
  ...createDefaultAminoConverters(),
  [EXECUTE]: {
    aminoType: "wasm/MsgExecuteContract",
    toAmino: ({ sender, contract, msg, sent_funds }) =>
      ({ sender: toBase64(sender), contract: toBase64(contract), msg: toBase64(msg), sent_funds }),
    fromAmino: ({ sender, contract, msg, sent_funds }) => MsgExecuteContract.fromPartial(
      { sender: fromBase64(sender), contract: fromBase64(contract), msg: fromBase64(msg), sent_funds }),
  },
  [INSTANTIATE]: {
    aminoType: "wasm/MsgInstantiateContract",
    toAmino: ({ sender, code_id, label, init_msg, init_funds }) =>
      ({ sender: toBase64(sender), code_id: `${code_id}`, label, init_msg: toBase64(init_msg), init_funds }),
    fromAmino: ({ sender, code_id, label, init_msg, init_funds }) => MsgInstantiateContract.fromPartial(
      { sender: fromBase64(sender), code_id, label, init_msg: fromBase64(init_msg), init_funds }),
  },
});

let network;
let stargate;
let comet;
let members;
before(async () => {
  network = await startNetwork();
  comet = await Comet38Client.connect(network.rpc);
  stargate = await StargateClient.create(comet, { broadcastPollIntervalMs: 50 });
  members = await Promise.all(["a", "b", "c", "d"].map(async (name) => {
    const wallet = await Secp256k1HdWallet.fromMnemonic(ACCOUNTS[name].mnemonic, path);
    const [{ address, pubkey }] = await wallet.getAccounts();
    const signer = await SigningStargateClient.offline(wallet, { registry, aminoTypes });
    return { address, signer, pubkey: { type: "tendermint/PubKeySecp256k1", value: toBase64(pubkey) } };
  }));
});
after(async () => {
  stargate?.disconnect();
  await network?.stop();
});

/** An account of these keys with coins of the faucet. */
async function account(threshold, keys) {
  const pubkey = createMultisigThresholdPubkey(keys, threshold, true);
  const address = pubkeyToAddress(pubkey, "secret");
  const paid = await fetch(`${network.faucet}/faucet?address=${address}`);
  assert.equal(paid.status, 200);
  await until(async () => (await balance(network, address)) > 0n, { what: "coins of the faucet" });
  return { pubkey, address };
}

const twoOfThree = () => account(2, members.slice(0, 3).map(({ pubkey }) => pubkey));

/** What these members sign for an account: body and signatures by address. */
async function signed({ address }, by, messages, { memo = "", chainId = CHAIN_ID, sequence: given } = {}) {
  const { accountNumber, sequence } = await stargate.getSequence(address);
  const data = { accountNumber, sequence: given ?? sequence, chainId };
  const raws = await Promise.all(by.map((at) => members[at].signer.sign(members[at].address, messages, fee, memo, data)));
  const signatures = new Map(by.map((at, n) => [members[at].address, raws[n].signatures[0]]));
  return { body: raws[0].bodyBytes, signatures, sequence: data.sequence };
}

const broadcast = (bytes) => stargate.broadcastTx(bytes, 20_000, 50);

async function sent(from, by, messages, options) {
  const { body, signatures, sequence } = await signed(from, by, messages, options);
  return broadcast(makeMultisignedTxBytes(from.pubkey, sequence, fee, body, signatures));
}

const transfer = ({ address }, amount = 5) =>
  [{ typeUrl: SEND, value: { fromAddress: address, toAddress: ACCOUNTS.d.address, amount: coins(amount) } }];

test("two of three send coins, and the account shows its key to every client", async () => {
  const group = await twoOfThree();
  const before = await balance(network, ACCOUNTS.d.address);
  const result = await sent(group, [0, 2], transfer(group), { memo: "<&>" });
  assert.deepEqual([result.code, result.rawLog], [0, ""]);
  assert.equal(await balance(network, ACCOUNTS.d.address), before + 5n);
  assert.equal((await sent(group, [1, 2], transfer(group))).code, 0);
  assert.equal((await sent(group, [0, 1, 2], transfer(group))).code, 0);

  const known = await stargate.getAccount(group.address);
  assert.deepEqual([known.pubkey, known.sequence], [group.pubkey, 3]);
  const { account: shown } = await network.get(`/cosmos/auth/v1beta1/accounts/${group.address}`);
  assert.equal(shown["@type"], "/cosmos.auth.v1beta1.BaseAccount");
  const key = (value) => ({ "@type": "/cosmos.crypto.secp256k1.PubKey", key: value });
  const pub_key = { "@type": "/cosmos.crypto.multisig.LegacyAminoPubKey", threshold: 2,
    public_keys: members.slice(0, 3).map(({ pubkey }) => key(pubkey.value)) };
  assert.deepEqual(shown.pub_key, pub_key);
  const { tx } = await network.get(`/cosmos/tx/v1beta1/txs/${result.transactionHash}`);
  const single = { single: { mode: "SIGN_MODE_LEGACY_AMINO_JSON" } };
  const multi = { bitarray: { extra_bits_stored: 3, elems: "oA==" }, mode_infos: [single, single] };
  assert.deepEqual(tx.auth_info.signer_infos, [{ public_key: pub_key, mode_info: { multi }, sequence: "0" }]);
});

test("a multisig makes a contract, which knows it as its owner, and calls it", async () => {
  const group = await twoOfThree();
  const client = clientOf(network, "a");
  const { code_id, code_hash } = await upload(client, "counter");
  const sender = fromBech32(group.address).data;
  const seal = (message) => client.encryptionUtils.encrypt(code_hash, message);
  const init = { sender, code_id, label: "of several", init_msg: await seal({ count: 7 }), init_funds: [] };
  const made = await sent(group, [0, 1], [{ typeUrl: INSTANTIATE, value: MsgInstantiateContract.fromPartial(init) }]);
  assert.deepEqual([made.code, made.rawLog], [0, ""]);
  const read = await client.query.getTx(made.transactionHash);
  succeeded(read);
  const contract = { address: attribute(read, "message", "contract_address"), code_hash };
  const call = async (message, by, sent_funds = []) => {
    const value = { sender, contract: fromBech32(contract.address).data, msg: await seal(message), sent_funds };
    return sent(group, by, [{ typeUrl: EXECUTE, value: MsgExecuteContract.fromPartial(value) }]);
  };
  assert.equal((await call({ increment: {} }, [1, 2], coins(3))).code, 0);
  assert.deepEqual(await ask(client, contract, { get_count: {} }), { count: 8 });
  assert.equal(await balance(network, contract.address), 3n);
  // Only the owner may: the account of several, no member of it.
  assert.equal((await tryExecute(client, contract, { reset: { count: 1 } })).code, 3);
  assert.equal((await call({ reset: { count: 100 } }, [0, 2])).code, 0);
  assert.deepEqual(await ask(client, contract, { get_count: {} }), { count: 100 });
});

test("what does not hold is refused with codes and texts", async () => {
  const group = await twoOfThree();
  const refused = async (promise, code, text, codespace = "sdk") =>
    assert.rejects(promise, (error) => {
      assert.deepEqual([error.code, error.codespace], [code, codespace], error.log ?? error);
      assert.ok(error.log.includes(text), error.log);
      return true;
    });
  const good = await signed(group, [0, 1], transfer(group));
  await refused(sent(group, [0], transfer(group)), 4, "chain-id (secretdev-1): signature size is incorrect 1: unauthorized");
  await refused(sent(group, [0, 1], transfer(group), { chainId: "secretdev-2" }), 4, "unable to verify signature at index 0");
  await refused(sent(group, [0, 1], transfer(group), { sequence: 99 }), 32, `expected ${good.sequence}, got 99: incorrect account sequence`);

  const [first, second] = good.signatures.values();
  const put = (signatures, key = group.pubkey) =>
    makeMultisignedTx(key, good.sequence, fee, good.body, new Map(signatures));
  const again = (raw) => broadcast(TxRaw.encode(raw).finish());
  const [a, b, c] = members.map(({ address }) => address);
  await refused(again(put([[a, second], [b, first]])), 4, "unable to verify signature at index 0");
  await refused(again(put([[a, first], [c, second]])), 4, "unable to verify signature at index 2");
  await refused(again(put([[a, first], [b, second.slice(1)]])), 4, "unable to verify signature at index 1");

  const changed = (change) => {
    const raw = put([[a, first], [b, second]]);
    const info = AuthInfo.decode(raw.authInfoBytes);
    change(info.signerInfos[0]);
    return again({ ...raw, authInfoBytes: AuthInfo.encode(info).finish() });
  };
  await refused(changed(({ modeInfo: { multi } }) => { multi.bitarray.elems = Uint8Array.of(0x80); }), 4,
    "not enough signatures set, have 1, expected 2");
  await refused(changed(({ modeInfo: { multi } }) => { multi.bitarray.extraBitsStored = 4; }), 4,
    "bit array size is incorrect, expecting: 3");
  await refused(changed(({ modeInfo: { multi } }) => { multi.modeInfos[0].single.mode = 1; }), 4,
    "(unsupported sign mode SIGN_MODE_DIRECT in a multisig)");
  await refused(changed(({ modeInfo: { multi } }) => { multi.modeInfos.pop(); }), 1, "2 signatures with 1 modes", "undefined");
  await refused(changed((info) => { info.modeInfo = { single: { mode: 127 } }; }), 1, "expected *signing.MultiSignatureData", "undefined");
  const keys = members.map(({ pubkey }) => pubkey);
  await refused(changed((info) => { info.publicKey = encodePubkey(createMultisigThresholdPubkey(keys.slice(0, 3), 1, true)); }), 8,
    `pubKey does not match signer address ${group.address}`);

  const eight = await account(1, [...keys, ...keys]);
  await refused(sent(eight, [3], transfer(eight)), 14, "signatures: 8, limit: 7: maximum number of signatures exceeded");

  // The one that all this was made of is good.
  assert.equal((await again(put([[a, first], [b, second]]))).code, 0);
});

test("a simulation with the key of a multisig counts its signatures", async () => {
  const group = await twoOfThree();
  const messages = transfer(group);
  const query = QueryClient.withExtensions(comet, setupTxExtension);
  const anys = messages.map((message) => registry.encodeAsAny(message));
  const { sequence } = await stargate.getSequence(group.address);
  const { gasInfo } = await query.tx.simulate(anys, "", group.pubkey, sequence);
  const result = await sent(group, [0, 1], messages);
  assert.equal(result.code, 0);
  // CosmJS simulates without a fee. Without the second signature and the bytes of both it would be 2,400 less.
  const difference = Number(result.gasUsed - gasInfo.gasUsed);
  assert.ok(Math.abs(difference) <= 1_000, `${gasInfo.gasUsed} and ${result.gasUsed}`);
});

test("a multisig within a multisig signs, and its address is CosmJS's", async () => {
  const inner = createMultisigThresholdPubkey(members.slice(0, 2).map(({ pubkey }) => pubkey), 1, true);
  const group = await account(1, [inner, members[3].pubkey]);
  assert.equal((await sent(group, [3], transfer(group))).code, 0);
  // CosmJS reads no such key from an account.
  const { account: shown } = await network.get(`/cosmos/auth/v1beta1/accounts/${group.address}`);
  assert.deepEqual(shown.pub_key.public_keys.map((key) => key["@type"]),
    ["/cosmos.crypto.multisig.LegacyAminoPubKey", "/cosmos.crypto.secp256k1.PubKey"]);
});
