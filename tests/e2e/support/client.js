// secret.js, unmodified, with the few calls that most tests make.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { fromUtf8, MsgExecuteContractResponse, SecretNetworkClient, Wallet } from "secretjs";
import { AminoWallet } from "secretjs/dist/wallet_amino.js";

import { ACCOUNTS } from "./accounts.js";
import { CHAIN_ID, root } from "./network.js";

// Clients that do not pass a code hash are warned on the console; tests do that on purpose.
console.warn = () => {};

const CONTRACTS =
  process.env.STRONGROOM_CONTRACTS ??
  join(root, "contracts", "target", "wasm32-unknown-unknown", "release");

/** Looks for the transaction often: blocks come at once. */
export const FAST = { broadcastCheckIntervalMs: 40, broadcastTimeoutMs: 20_000 };
/** What callers give an ordinary contract call. */
export const CALL_GAS = 250_000;
export const UPLOAD_GAS = 10_000_000;

/** A secret.js client for one of the well-known accounts. `amino` signs amino JSON instead of protobuf. */
export function clientOf(network, name, { amino = false, encryptionSeed, chainId = CHAIN_ID } = {}) {
  const { mnemonic, address } = ACCOUNTS[name];
  const wallet = amino ? new AminoWallet(mnemonic) : new Wallet(mnemonic);
  const url = network.rest;
  return new SecretNetworkClient({ url, chainId, wallet, walletAddress: address, encryptionSeed });
}

/** The compiled contract, as `cargo build` left it. */
export function contractCode(name) {
  return new Uint8Array(readFileSync(join(CONTRACTS, `${name}.wasm`)));
}

export const sha256Hex = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Uploads code and gives `{ code_id, code_hash }`. */
export async function upload(client, code, { gasLimit = UPLOAD_GAS } = {}) {
  const wasm_byte_code = typeof code === "string" ? contractCode(code) : code;
  const tx = await client.tx.compute.storeCode(
    { sender: client.address, wasm_byte_code, source: "", builder: "" },
    { ...FAST, gasLimit },
  );
  succeeded(tx);
  const code_id = attribute(tx, "message", "code_id");
  const { code_hash } = await client.query.compute.codeHashByCodeId({ code_id });
  return { code_id, code_hash };
}

let labels = 0;

/** Sends an instantiation and gives the transaction, failed or not. */
export function tryInstantiate(client, code, init_msg, more = {}) {
  const { gasLimit = CALL_GAS, ...params } = more;
  const label = `label ${process.pid} ${(labels += 1)}`;
  return client.tx.compute.instantiateContract(
    { sender: client.address, ...code, label, init_msg, ...params },
    { ...FAST, gasLimit },
  );
}

/** Instantiates and gives `{ address, code_hash }`. */
export async function instantiate(client, code, init_msg, more) {
  const tx = await tryInstantiate(client, code, init_msg, more);
  succeeded(tx);
  return { address: attribute(tx, "message", "contract_address"), code_hash: code.code_hash };
}

/** Uploads and instantiates. */
export async function deploy(client, name, init_msg, more) {
  return instantiate(client, await upload(client, name), init_msg, more);
}

/** Sends a call and gives the transaction, failed or not. */
export function tryExecute(client, contract, msg, more = {}) {
  const { gasLimit = CALL_GAS, sent_funds = [], memo, ...params } = more;
  const { address: contract_address, code_hash } = contract;
  return client.tx.compute.executeContract(
    { sender: client.address, contract_address, code_hash, msg, sent_funds, ...params },
    { ...FAST, gasLimit, ...(memo && { memo }) },
  );
}

/** Calls a contract; the call must succeed. */
export async function execute(client, contract, msg, more) {
  const tx = await tryExecute(client, contract, msg, more);
  succeeded(tx);
  return tx;
}

/** Asks a contract. secret.js gives the decrypted error text as a string, with the spaces that pad it; they go here. */
export async function ask(client, contract, query) {
  const { address: contract_address, code_hash } = contract;
  const answer = await client.query.compute.queryContract({ contract_address, code_hash, query });
  return typeof answer === "string" ? answer.trimEnd() : answer;
}

/** A transaction's log without the spaces that pad a contract's own words. */
export function logOf(tx) {
  return tx.rawLog.replace(/ +(?=: [a-z ]+ contract failed$)/, "");
}

/** A contract's error text as clients see it: the chain keeps its JSON escapes, and cuts quotes at both ends. */
export function shown(text) {
  return JSON.stringify(text).replace(/^"+|"+$/g, "");
}

/** The decrypted data of an executed message, as text. */
export function dataText(tx, index = 0) {
  return fromUtf8(dataBytes(tx, index));
}

export function dataBytes(tx, index = 0) {
  return MsgExecuteContractResponse.decode(tx.data[index]).data;
}

/** The first value of an attribute in the decrypted log. */
export function attribute(tx, type, key) {
  const found = tx.arrayLog?.find((entry) => entry.type === type && entry.key === key);
  if (!found) throw new Error(`no attribute ${type}.${key} in ${JSON.stringify(tx.arrayLog)}`);
  return found.value;
}

export function succeeded(tx) {
  if (tx.code !== 0) throw new Error(`transaction failed: ${tx.codespace} ${tx.code}: ${tx.rawLog}`);
}

/** A balance in uscrt. */
export async function balance(network, address) {
  const path = `/cosmos/bank/v1beta1/balances/${address}/by_denom?denom=uscrt`;
  return BigInt((await network.get(path)).balance.amount);
}

/** Account number and sequence. */
export async function account(network, address) {
  const { account } = await network.get(`/cosmos/auth/v1beta1/accounts/${address}`);
  return { number: BigInt(account.account_number), sequence: BigInt(account.sequence) };
}
