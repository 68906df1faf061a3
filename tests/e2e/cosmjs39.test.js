// CosmJS 0.39, unmodified, beside the 0.32 of the other tests: what changed between them still works with the same node.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Secp256k1HdWallet } from "cosmjs39-amino";
import { stringToPath } from "cosmjs39-crypto";
import { DirectSecp256k1HdWallet } from "cosmjs39-proto-signing";
import { assertIsDeliverTxSuccess, GasPrice, SigningStargateClient, StargateClient } from "cosmjs39-stargate";

import { ACCOUNTS } from "./support/accounts.js";
import { CHAIN_ID, startNetwork } from "./support/network.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];
const fee = { amount: coins(5000), gas: "50000" };
const walletOptions = { prefix: "secret", hdPaths: [stringToPath("m/44'/529'/0'/0/0")] };
const clientOptions = { gasPrice: GasPrice.fromString("0.1uscrt"), broadcastPollIntervalMs: 50 };
const { address: to } = ACCOUNTS.b;

let network;
before(async () => {
  network = await startNetwork();
});
after(() => network?.stop());

/** A client that signs for an account, in protobuf or in amino JSON. */
async function signing(Wallet, name) {
  const wallet = await Wallet.fromMnemonic(ACCOUNTS[name].mnemonic, walletOptions);
  const [{ address }] = await wallet.getAccounts();
  assert.equal(address, ACCOUNTS[name].address);
  return SigningStargateClient.connectWithSigner(network.rpc, wallet, clientOptions);
}

test("CosmJS 0.39 reads chain, accounts and balances", async () => {
  const client = await StargateClient.connect(network.rpc);
  assert.equal(await client.getChainId(), CHAIN_ID);
  assert.ok((await client.getHeight()) >= 1);
  assert.equal((await client.getAccount(ACCOUNTS.a.address)).address, ACCOUNTS.a.address);
  assert.equal(await client.getAccount("secret1399pyvvk3hvwgxwt3udkslsc5jl3rqv4yshfrl"), null);
  assert.equal((await client.getBalance(to, "uscrt")).amount, "1000000000000000000");
  const block = await client.getBlock(1);
  assert.equal(block.header.chainId, CHAIN_ID);
  client.disconnect();
});

test("CosmJS 0.39 signs in protobuf and in amino JSON, estimates gas, and finds what it has sent", async () => {
  for (const [Wallet, name] of [[DirectSecp256k1HdWallet, "a"], [Secp256k1HdWallet, "c"]]) {
    const client = await signing(Wallet, name);
    const from = ACCOUNTS[name].address;
    const before = BigInt((await client.getBalance(to, "uscrt")).amount);
    const sent = await client.sendTokens(from, to, coins(11), fee, `<&> by ${name}`);
    assertIsDeliverTxSuccess(sent);
    assert.equal(BigInt((await client.getBalance(to, "uscrt")).amount), before + 11n);
    const found = await client.getTx(sent.transactionHash);
    assert.equal(found.height, sent.height);
    assert.deepEqual(found.msgResponses.map(({ typeUrl }) => typeUrl), ["/cosmos.bank.v1beta1.MsgSendResponse"]);
    const search = await client.searchTx([{ key: "tx.height", value: sent.height }]);
    assert.equal(search[0].hash, sent.transactionHash);
    assertIsDeliverTxSuccess(await client.sendTokens(from, to, coins(1), "auto"));
    const message = { typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: from, toAddress: to, amount: coins(1) } };
    const gas = await client.simulate(from, [message], "");
    assert.ok(gas > 5_000 && gas < 50_000, `${gas} gas`);
    client.disconnect();
  }
});

test("a refused transaction throws with its code, and a failed one tells it", async () => {
  const client = await signing(DirectSecp256k1HdWallet, "d");
  await assert.rejects(client.sendTokens(ACCOUNTS.d.address, to, coins(1), { amount: coins(1), gas: "50000" }), (error) => {
    assert.deepEqual([error.code, error.codespace], [13, "sdk"]);
    return true;
  });
  const failed = await client.sendTokens(ACCOUNTS.d.address, to, coins("9999999999999999999999"), fee);
  assert.equal(failed.code, 5);
  client.disconnect();
});
