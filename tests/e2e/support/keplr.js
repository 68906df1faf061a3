// Keplr as a page meets it. Its own code, unmodified, is what the page gets (`InjectedKeplr`), what carries a call to the extension as messages, and what
// makes and checks documents of ADR-36. Behind that there is no browser here: `Extension` stands for the extension's background and its user, with a key,
// the seed of messages to contracts, and a hand that may change a fee before it signs.

import { EventEmitter, setMaxListeners } from "node:events";

import { fromBech32 } from "@cosmjs/encoding";
import { makeSignBytes } from "@cosmjs/proto-signing";
import adr36 from "@keplr-wallet/cosmos/build/adr-36/amino.js";
import encode from "@keplr-wallet/cosmos/build/signing/encode.js";
import provider from "@keplr-wallet/provider";
import router from "@keplr-wallet/router";
import { secp256k1 } from "@noble/curves/secp256k1";
import { sha256 } from "@noble/hashes/sha256";
import { EncryptionUtilsImpl } from "secretjs";
import { AminoWallet } from "secretjs/dist/wallet_amino.js";

const VERSION = "0.12.130";
const PREFIX = "secret";
const { makeADR36AminoSignDoc, verifyADR36Amino } = adr36;
const { JSONUint8Array } = router;

export { makeADR36AminoSignDoc };

/** Messages between a page and the extension's script in it. */
class Channel {
  #events = new EventEmitter();
  addMessageListener = (heard) => this.#events.on("message", heard);
  removeMessageListener = (heard) => this.#events.off("message", heard);
  /** As a browser does it: later, and a copy. */
  postMessage = (data) => queueMicrotask(() => this.#events.emit("message", { data: structuredClone(data) }));
}

export class Extension {
  #key;
  #messages;
  #seed;
  #enabled = new Set();
  /** What the extension was asked, by name. */
  asked = [];

  /**
   * `seed` is what messages to contracts are sealed with; `ledger`: the key is in a device; `change` is what the user does to a document before it is
   * signed.
   */
  constructor(network, { mnemonic }, { seed = EncryptionUtilsImpl.GenerateNewSeed(), ledger = false, change = (document) => document } = {}) {
    this.network = network;
    this.#key = new AminoWallet(mnemonic);
    this.#seed = seed;
    this.#messages = new EncryptionUtilsImpl(network.rest, seed);
    this.ledger = ledger;
    this.change = change;
  }

  /** `window.keplr` of a page that was just opened. */
  open() {
    // Keplr's provider for Ethereum, which nobody here asks, listens at the window.
    globalThis.window ??= silent(new EventTarget());
    const channel = new Channel();
    const requester = { sendMessage: (_port, message) => this.#heard(message) };
    provider.InjectedKeplr.startProxy(new provider.Keplr(VERSION, "core", requester), channel);
    return new provider.InjectedKeplr(VERSION, "extension", channel);
  }

  /** A message as it comes out of the page: JSON, with bytes in Keplr's form. */
  async #heard(message) {
    const what = message.type();
    this.asked.push(what);
    const given = JSONUint8Array.unwrap(JSON.parse(JSON.stringify(JSONUint8Array.wrap({ ...message }))));
    const handler = this.#handlers[what];
    if (!handler) throw new Error(`the extension was asked ${what}`);
    const isFree = ["enable-access", "request-json-rpc-to-evm"].includes(what);
    if (!isFree && !this.#enabled.has(given.chainId)) throw new Error(`There is no access to ${given.chainId}`);
    return JSONUint8Array.unwrap(JSON.parse(JSON.stringify(JSONUint8Array.wrap({ answer: await handler(given) })))).answer;
  }

  #handlers = {
    "request-json-rpc-to-evm": () => ({ currentChainId: null, selectedAddress: null }),
    "enable-access": ({ chainIds }) => chainIds.forEach((id) => this.#enabled.add(id)),
    "get-cosmos-key": () => ({
      name: "of a test",
      algo: "secp256k1",
      pubKey: this.#key.publicKey,
      address: fromBech32(this.#key.address).data,
      bech32Address: this.#key.address,
      ethereumHexAddress: "",
      isNanoLedger: this.ledger,
      isKeystone: false,
    }),
    "request-cosmos-sign-amino": ({ signer, signDoc }) => {
      this.#own(signer);
      const signed = this.change(structuredClone(signDoc));
      return { signed, signature: this.#sign(encode.serializeSignDoc(signed)) };
    },
    "request-cosmos-sign-direct": async ({ signer, signDoc }) => {
      this.#own(signer);
      if (this.ledger) throw new Error("Ledger signs amino only");
      const signed = this.change({ ...signDoc });
      const bytes = makeSignBytes({ ...signed, accountNumber: BigInt(signed.accountNumber) });
      return { signed, signature: this.#sign(bytes) };
    },
    "request-cosmos-sign-amino-adr-36": ({ signer, data }) => {
      this.#own(signer);
      return this.#sign(encode.serializeSignDoc(makeADR36AminoSignDoc(signer, bytesOf(data))));
    },
    "verify-cosmos-sign-amino-adr-36": ({ signer, data, signature }) => {
      const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
      return verifyADR36Amino(PREFIX, signer, bytesOf(data), bytes(signature.pub_key.value), bytes(signature.signature));
    },
    "get-pubkey-msg": () => this.#messages.getPubkey(),
    "get-tx-encryption-key-msg": ({ nonce }) => this.#messages.getTxEncryptionKey(nonce),
    "request-encrypt-msg": ({ contractCodeHash, msg }) => this.#messages.encrypt(contractCodeHash, msg),
    "request-decrypt-msg": ({ cipherText, nonce }) => this.#messages.decrypt(cipherText, nonce),
    "send-tx-to-background": async ({ tx, mode }) => {
      const body = JSON.stringify({ tx_bytes: Buffer.from(tx).toString("base64"), mode: `BROADCAST_MODE_${mode.toUpperCase()}` });
      const answer = await this.network.request("/cosmos/tx/v1beta1/txs", { method: "POST", body });
      const { code, raw_log, txhash } = answer.body.tx_response;
      if (code !== 0) throw new Error(raw_log);
      return new Uint8Array(Buffer.from(txhash, "hex"));
    },
  };

  #own(signer) {
    if (signer !== this.#key.address) throw new Error("Signer mismatched");
  }

  #sign(bytes) {
    const signature = secp256k1.sign(sha256(bytes), this.#key.privateKey).toCompactRawBytes();
    return encode.encodeSecp256k1Signature(this.#key.publicKey, signature);
  }
}

/** A window that many pages were opened in. */
function silent(window) {
  setMaxListeners(0, window);
  return window;
}

const bytesOf = (data) => new Uint8Array(data.type === "Buffer" ? data.data : data);
