// CosmJS, unmodified, over the CometBFT RPC and its websocket.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { stringToPath } from "@cosmjs/crypto";
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";
import { Secp256k1HdWallet } from "@cosmjs/amino";
import { assertIsDeliverTxSuccess, GasPrice, SigningStargateClient, StargateClient } from "@cosmjs/stargate";
import { Comet38Client, HttpClient, WebsocketClient } from "@cosmjs/tendermint-rpc";
import WebSocket from "ws";

import { ACCOUNTS } from "./support/accounts.js";
import { startNetwork, until } from "./support/network.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];
const { address: from, mnemonic } = ACCOUNTS.a;
const { address: to } = ACCOUNTS.b;
const fee = { amount: coins(5000), gas: "50000" };
const walletOptions = { prefix: "secret", hdPaths: [stringToPath("m/44'/529'/0'/0/0")] };
const clientOptions = { gasPrice: GasPrice.fromString("0.1uscrt"), broadcastPollIntervalMs: 50 };

let network;
let client;
let sent;
before(async () => {
  network = await startNetwork();
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, walletOptions);
  client = await SigningStargateClient.connectWithSigner(network.rpc, wallet, clientOptions);
  sent = await client.sendTokens(from, to, coins(11), fee, "by CosmJS");
});
after(async () => {
  client?.disconnect();
  await network?.stop();
});

test("CosmJS connects and knows chain, height, account and balance", async () => {
  const readonly = await StargateClient.connect(network.rpc);
  assert.equal(await readonly.getChainId(), "secretdev-1");
  assert.ok((await readonly.getHeight()) >= 1);
  const account = await readonly.getAccount(from);
  assert.equal(account.address, from);
  assert.equal(account.pubkey.type, "tendermint/PubKeySecp256k1");
  assert.ok(account.sequence >= 1);
  assert.equal((await readonly.getBalance(from, "uscrt")).denom, "uscrt");
  assert.equal((await readonly.getAllBalances(from)).length, 1);
  assert.deepEqual(await readonly.getBalance(from, "nothing"), { denom: "nothing", amount: "0" });
  readonly.disconnect();
});

test("an account that is not there is null, not an error", async () => {
  assert.equal(await client.getAccount("secret1399pyvvk3hvwgxwt3udkslsc5jl3rqv4yshfrl"), null);
});

test("CosmJS sends and finds its transaction by hash and by search", async () => {
  assertIsDeliverTxSuccess(sent);
  const found = await client.getTx(sent.transactionHash);
  assert.equal(found.height, sent.height);
  assert.equal(found.code, 0);
  assert.deepEqual(found.msgResponses.map(({ typeUrl }) => typeUrl), ["/cosmos.bank.v1beta1.MsgSendResponse"]);
  const pairs = await client.searchTx([{ key: "message.sender", value: from }]);
  assert.ok(pairs.some(({ hash }) => hash === sent.transactionHash));
  const text = await client.searchTx(`transfer.recipient='${to}' AND tx.height=${sent.height}`);
  assert.deepEqual(text.map(({ hash }) => hash), [sent.transactionHash]);
  assert.equal(await client.getTx("00".repeat(32)), null);
});

test("CosmJS signs amino JSON too", async () => {
  const wallet = await Secp256k1HdWallet.fromMnemonic(ACCOUNTS.c.mnemonic, walletOptions);
  const amino = await SigningStargateClient.connectWithSigner(network.rpc, wallet, clientOptions);
  assertIsDeliverTxSuccess(await amino.sendTokens(ACCOUNTS.c.address, to, coins(1), fee, "<&>"));
  amino.disconnect();
});

test("CosmJS estimates gas by simulation", async () => {
  const gas = await client.simulate(from, [{ typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: from, toAddress: to, amount: coins(1) } }], "");
  assert.ok(gas > 5_000 && gas < 50_000, `${gas} gas`);
  assertIsDeliverTxSuccess(await client.sendTokens(from, to, coins(1), "auto"));
});

test("a refused transaction throws with its code", async () => {
  const tooCheap = { amount: coins(1), gas: "50000" };
  await assert.rejects(client.sendTokens(from, to, coins(1), tooCheap), (error) => {
    assert.deepEqual([error.code, error.codespace], [13, "sdk"]);
    assert.equal(error.log, "insufficient fees; got: 1uscrt required: 625uscrt: insufficient fee");
    return true;
  });
});

test("blocks, results, commits and validators are those of CometBFT", async () => {
  const comet = await Comet38Client.connect(network.rpc);
  const { height } = sent;
  const status = await comet.status();
  assert.equal(status.nodeInfo.network, "secretdev-1");
  assert.match(status.nodeInfo.version, /^0\.38\./);
  const { block, blockId } = await comet.block(height);
  assert.equal(block.header.height, height);
  assert.equal(block.txs.length, 1);
  const results = await comet.blockResults(height);
  assert.equal(results.results.length, 1);
  assert.equal(results.results[0].code, 0);
  const commit = await comet.commit(height);
  assert.deepEqual(commit.commit.blockId.hash, blockId.hash);
  const { validators, total } = await comet.validators({ height });
  assert.equal(total, 1);
  assert.deepEqual(validators[0].address, block.header.proposerAddress);
  const info = await comet.abciInfo();
  assert.ok(info.lastBlockHeight >= height);
  const chain = await comet.blockchain(height, height);
  assert.equal(chain.blockMetas[0].header.height, height);
  const search = await comet.blockSearch({ query: `block.height=${height}` });
  assert.equal(search.totalCount, 1);
  comet.disconnect();
});

test("the websocket tells of transactions and of blocks", async () => {
  const comet = await Comet38Client.create(new WebsocketClient(network.ws.replace("/websocket", "")));
  const seen = { txs: [], blocks: [], headers: [] };
  const subscriptions = [
    comet.subscribeTx().subscribe({ next: (tx) => seen.txs.push(tx) }),
    comet.subscribeNewBlock().subscribe({ next: (block) => seen.blocks.push(block) }),
    comet.subscribeNewBlockHeader().subscribe({ next: (header) => seen.headers.push(header) }),
  ];
  await comet.health();
  const { transactionHash, height } = await client.sendTokens(from, to, coins(2), fee);
  const tx = await until(
    () => seen.txs.find(({ hash }) => Buffer.from(hash).toString("hex").toUpperCase() === transactionHash),
    { what: "the transaction's event" },
  );
  assert.equal(tx.height, height);
  assert.equal(tx.result.code, 0);
  await until(() => seen.blocks.find((block) => block.header.height === height), { what: "the block" });
  await until(() => seen.headers.find((header) => header.height === height), { what: "the header" });
  for (const subscription of subscriptions) subscription.unsubscribe();
  comet.disconnect();
});

test("a bare websocket client may leave out the version and use any id", async () => {
  const socket = new WebSocket(network.ws);
  const frames = [];
  socket.on("message", (bytes) => frames.push(JSON.parse(bytes)));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send(JSON.stringify({ id: "text id", method: "subscribe", params: { query: `tm.event='Tx' AND transfer.recipient='${to}'` } }));
  const confirmed = await until(() => frames[0], { what: "the confirmation" });
  assert.deepEqual([confirmed.id, confirmed.result], ["text id", {}]);

  const { transactionHash, height } = await client.sendTokens(from, to, coins(3), fee);
  const frame = await until(() => frames[1], { what: "the event" });
  assert.equal(frame.id, "text id");
  const { query, data, events } = frame.result;
  assert.match(query, /transfer\.recipient/);
  assert.equal(data.type, "tendermint/event/Tx");
  assert.equal(data.value.TxResult.height, `${height}`);
  assert.deepEqual(events["tx.hash"], [transactionHash]);
  assert.deepEqual(events["tx.height"], [`${height}`]);
  assert.deepEqual(events["tm.event"], ["Tx"]);
  assert.ok(events["transfer.recipient"].includes(to));

  socket.send(JSON.stringify({ jsonrpc: "2.0", id: 7, method: "unsubscribe_all", params: {} }));
  await until(() => frames.find(({ id }) => id === 7), { what: "the end of the subscription" });
  const count = frames.length;
  await client.sendTokens(from, to, coins(4), fee);
  assert.equal(frames.length, count);
  socket.close();
});

test("RPC answers echo the id with its type, and unknown methods are errors", async () => {
  for (const id of [1, -1, "seven"]) assert.equal((await network.rpcCall("health", {}, id)).id, id);
  const unknown = await network.rpcCall("no_such_method");
  assert.equal(unknown.error.code, -32601);
  const missing = await network.rpcCall("tx", { hash: Buffer.alloc(32).toString("base64") });
  assert.equal(missing.error.code, -32603);
  assert.equal(missing.error.data, `tx (${"00".repeat(32)}) not found`);
  const byUri = await (await fetch(`${network.rpc}/tx?hash=0x${sent.transactionHash}`)).json();
  assert.equal(byUri.result.hash, sent.transactionHash);
});

test("a plain HTTP client sees the same as the websocket's", async () => {
  const http = new HttpClient(network.rpc);
  const { result } = await http.execute({ jsonrpc: "2.0", id: 5, method: "status", params: {} });
  assert.equal(result.sync_info.catching_up, false);
});
