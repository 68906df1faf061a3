// Transactions built by hand, so that any part can be wrong on purpose.

import { Secp256k1, sha256 } from "@cosmjs/crypto";
import { fromBech32, toBase64 } from "@cosmjs/encoding";
import { MsgSend } from "cosmjs-types/cosmos/bank/v1beta1/tx.js";
import { PubKey } from "cosmjs-types/cosmos/crypto/secp256k1/keys.js";
import { SignMode } from "cosmjs-types/cosmos/tx/signing/v1beta1/signing.js";
import { AuthInfo, SignDoc, TxBody, TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx.js";
import { EncryptionUtilsImpl, Wallet } from "secretjs";
import {
  MsgExecuteContract,
  MsgInstantiateContract,
  MsgStoreCode,
} from "secretjs/dist/protobuf/secret/compute/v1beta1/msg.js";

import { ACCOUNTS } from "./accounts.js";
import { account } from "./client.js";
import { CHAIN_ID, until } from "./network.js";

export const uscrt = (amount) => ({ denom: "uscrt", amount: String(amount) });
export const addressBytes = (address) => fromBech32(address).data;

export const bankSend = (from, to, amount) => ({
  typeUrl: "/cosmos.bank.v1beta1.MsgSend",
  value: MsgSend.encode({
    fromAddress: from,
    toAddress: to,
    amount: Array.isArray(amount) ? amount : [uscrt(amount)],
  }).finish(),
});

export const storeCode = (sender, wasmByteCode, more = {}) => ({
  typeUrl: "/secret.compute.v1beta1.MsgStoreCode",
  value: MsgStoreCode.encode({
    sender: addressBytes(sender),
    wasm_byte_code: wasmByteCode,
    source: "",
    builder: "",
    ...more,
  }).finish(),
});

export const instantiateContract = (sender, codeId, label, initMsg, more = {}) => ({
  typeUrl: "/secret.compute.v1beta1.MsgInstantiateContract",
  value: MsgInstantiateContract.encode(
    MsgInstantiateContract.fromPartial({
      sender: addressBytes(sender),
      code_id: String(codeId),
      label,
      init_msg: initMsg,
      ...more,
    }),
  ).finish(),
});

export const executeContract = (sender, contract, msg, more = {}) => ({
  typeUrl: "/secret.compute.v1beta1.MsgExecuteContract",
  value: MsgExecuteContract.encode(
    MsgExecuteContract.fromPartial({
      sender: addressBytes(sender),
      contract: addressBytes(contract),
      msg,
      ...more,
    }),
  ).finish(),
});

/** Encrypts a contract message as secret.js does: nonce, public key, ciphertext. */
export function encrypt(network, codeHash, msg) {
  return new EncryptionUtilsImpl(network.rest).encrypt(codeHash, msg);
}

/**
 * Signs messages in DIRECT mode. Everything can be chosen: `chainId`, `accountNumber`, `sequence`, `gas`, `fee`,
 * `memo`, `timeoutHeight`, `signWith` (whose key signs), `publicKeyOf` (whose key is named), `signature` (a function of
 * the right signature) and `body` (a function that may change the fields of the body).
 */
export async function buildTx(network, signer, messages, change = {}) {
  const { address } = ACCOUNTS[signer];
  const known = await account(network, address);
  const gas = change.gas ?? 200_000n;
  const fee = change.fee ?? [uscrt((BigInt(gas) + 9n) / 10n)];
  const bodyFields = {
    messages,
    memo: change.memo ?? "",
    timeoutHeight: BigInt(change.timeoutHeight ?? 0),
  };
  const bodyBytes = TxBody.encode(TxBody.fromPartial(change.body?.(bodyFields) ?? bodyFields)).finish();
  const authInfoBytes = AuthInfo.encode(
    AuthInfo.fromPartial({
      signerInfos: [
        {
          publicKey: {
            typeUrl: "/cosmos.crypto.secp256k1.PubKey",
            value: PubKey.encode({ key: walletOf(change.publicKeyOf ?? signer).publicKey }).finish(),
          },
          modeInfo: { single: { mode: SignMode.SIGN_MODE_DIRECT } },
          sequence: BigInt(change.sequence ?? known.sequence),
        },
      ],
      fee: { amount: fee, gasLimit: BigInt(gas) },
    }),
  ).finish();
  const signDoc = SignDoc.encode({
    bodyBytes,
    authInfoBytes,
    chainId: change.chainId ?? CHAIN_ID,
    accountNumber: BigInt(change.accountNumber ?? known.number),
  }).finish();
  const { privateKey } = walletOf(change.signWith ?? signer);
  const full = await Secp256k1.createSignature(sha256(signDoc), privateKey);
  const right = new Uint8Array([...full.r(32), ...full.s(32)]);
  const signatures = change.signatures ?? [change.signature?.(right) ?? right];
  return TxRaw.encode({ bodyBytes, authInfoBytes, signatures }).finish();
}

const walletOf = (name) => new Wallet(ACCOUNTS[name].mnemonic);

/** Broadcasts bytes and gives the answer of the mempool: `tx_response`. */
export async function broadcast(network, bytes) {
  const { status, body } = await postTx(network, { txBytes: toBase64(bytes), mode: "BROADCAST_MODE_SYNC" });
  if (status !== 200) throw new Error(`broadcast answered HTTP ${status}: ${body.message}`);
  return body.tx_response;
}

/** The code of a mempool without room (docs/spec/serving.md). */
const NO_ROOM = 20;

/** The same, and it comes again while there is no room, as a client does that sends much. */
export async function broadcastAgain(network, bytes) {
  let answer;
  const taken = async () => {
    answer = await broadcast(network, bytes);
    return answer.code !== NO_ROOM;
  };
  await until(taken, { ms: 30_000, what: "room in the mempool" });
  return answer;
}

export function postTx(network, body) {
  return network.request("/cosmos/tx/v1beta1/txs", { method: "POST", body: JSON.stringify(body) });
}

/** Broadcasts bytes that the mempool must accept, and gives the executed transaction: `tx_response`. */
export async function deliver(network, bytes) {
  const accepted = await broadcast(network, bytes);
  if (accepted.code !== 0) {
    throw new Error(`refused by the mempool: ${accepted.codespace} ${accepted.code}: ${accepted.raw_log}`);
  }
  return until(() => findTx(network, accepted.txhash), { what: `transaction ${accepted.txhash}` });
}

/** The executed transaction, or undefined. */
export async function findTx(network, hash) {
  const { status, body } = await network.request(`/cosmos/tx/v1beta1/txs/${hash}`);
  return status === 200 ? body.tx_response : undefined;
}
