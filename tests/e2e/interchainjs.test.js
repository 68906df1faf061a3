// InterchainJS, unmodified, over the websocket of the RPC: its calls work, and its event client works with no node that
// speaks as CometBFT does.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import WebSocket from "ws";

import { startNetwork, until } from "./support/network.js";

const require = createRequire(import.meta.url);
const { WebSocketRpcClient } = require("@interchainjs/utils/clients/websocket-client");
const { CosmosEventClient } = require("@interchainjs/cosmos/event/cosmos-event-client");

let network;
let client;
/** What came over the socket, before the client made anything of it. */
const frames = [];
before(async () => {
  network = await startNetwork();
  // It takes the socket of browsers.
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols ?? []);
      this.on("message", (bytes) => frames.push(JSON.parse(bytes)));
    }
  };
  client = new WebSocketRpcClient(`${network.rpc}/websocket`);
  await client.connect();
});
after(async () => {
  await client?.disconnect();
  await network?.stop();
});

test("InterchainJS connects to the websocket, and its calls are answered", async () => {
  assert.equal(client.isConnected(), true);
  const { node_info, sync_info } = await client.call("status", {});
  assert.equal(node_info.network, "secretdev-1");
  assert.ok(Number(sync_info.latest_block_height) >= 1);
  const { block } = await client.call("block", { height: "1" });
  assert.equal(block.header.height, "1");
  await assert.rejects(client.call("no such method", {}), /Method not found/);
});

test("the event client of InterchainJS wants another answer to subscribe than CometBFT's, which it gets", async () => {
  const events = new CosmosEventClient(client);
  await assert.rejects(events.subscribeToBlockHeaders().next(), /Received invalid subscription identifier/);
  const { id, ...answer } = frames.at(-1);
  assert.deepEqual(answer, { jsonrpc: "2.0", result: {} });
  await events.unsubscribeFromAll();

  // With a query in CometBFT's words, events come with the id that was given; the client looks for `params.subscription`.
  const query = "tm.event='NewBlockHeader'";
  await assert.rejects(events.subscribeToTxs(query).next(), /Received invalid subscription identifier/);
  const given = frames.at(-1).id;
  assert.ok(given > id);
  const paid = await fetch(`${network.faucet}/faucet?address=secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne`);
  assert.equal(paid.status, 200);
  const event = await until(() => frames.find(({ result }) => result?.query === query), { what: "an event" });
  assert.deepEqual([event.id, event.result.data.type], [given, "tendermint/event/NewBlockHeader"]);
  await events.unsubscribeFromAll();
});
