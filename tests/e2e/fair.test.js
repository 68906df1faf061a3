// One sender floods a network whose blocks are full: it is told when to try again, and everybody else is in the next block.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";

import { toBase64 } from "@cosmjs/encoding";
import WebSocket from "ws";

import { ACCOUNTS } from "./support/accounts.js";
import { account } from "./support/client.js";
import { startNetwork, until } from "./support/network.js";
import { bankSend, buildTx, findTx } from "./support/raw.js";

// Fifty of these fill a block, and what waits fills two; the last eighth is for those who have nothing waiting.
const GAS = 2_000_000n;
const IN_A_BLOCK = 50;
const MOST = Math.floor((2 * IN_A_BLOCK * 7) / 8);

let network;
before(async () => {
  network = await startNetwork({ blockTime: "6s" });
});
after(() => network?.stop());

const hashOf = (tx) => createHash("sha256").update(tx).digest("hex").toUpperCase();

/** So many sends of one account, in order. */
async function sends(name, count) {
  const { address } = ACCOUNTS[name];
  const { sequence } = await account(network, address);
  const all = [];
  for (let n = 0n; n < count; n += 1n) {
    all.push(await buildTx(network, name, [bankSend(address, address, 1)], { gas: GAS, sequence: sequence + n }));
  }
  return all;
}

/** Over REST: the code, and what `Retry-After` says. */
async function post(tx) {
  const body = JSON.stringify({ tx_bytes: toBase64(tx), mode: "BROADCAST_MODE_SYNC" });
  const response = await fetch(`${network.rest}/cosmos/tx/v1beta1/txs`, { method: "POST", body });
  assert.equal(response.status, 200);
  const { tx_response } = await response.json();
  return { code: tx_response.code, log: tx_response.raw_log, retryAfter: response.headers.get("retry-after") };
}

async function nextHeight() {
  const from = await network.height();
  await until(async () => (await network.height()) > from, { ms: 20_000, what: "a block" });
  return from + 1;
}

const heightOf = (tx) =>
  until(async () => Number((await findTx(network, hashOf(tx)))?.height ?? 0), { ms: 30_000, what: "its block" });

test("who floods is refused in every way a client has, and another's transaction is in the next block", async () => {
  const flood = await sends("a", MOST + 1);
  const [other] = await sends("b", 1);
  const height = await nextHeight();
  for (const tx of flood.slice(0, MOST)) {
    const { code, log, retryAfter } = await post(tx);
    assert.deepEqual([code, retryAfter], [0, null], log);
  }
  assert.equal(await network.height(), height, "all came before the next block");
  const refused = flood[MOST];

  const rest = await post(refused);
  assert.deepEqual([rest.code, rest.log], [20, ""]);
  const seconds = Number(rest.retryAfter);
  assert.ok(seconds >= 1 && seconds <= 6, `Retry-After: ${rest.retryAfter}`);

  const words = new RegExp(`^mempool is full: ${MOST} txs wait for blocks, try again in ([0-9]{2,4}) ms$`);
  const call = { jsonrpc: "2.0", id: 1, method: "broadcast_tx_sync", params: { tx: toBase64(refused) } };
  const rpc = await fetch(network.rpc, { method: "POST", body: JSON.stringify(call) });
  assert.equal(rpc.status, 200);
  const { error } = await rpc.json();
  assert.equal(error.code, -32603);
  assert.match(error.data, words);
  const exact = Number(words.exec(error.data)[1]);
  assert.equal(Number(rpc.headers.get("retry-after")), Math.ceil(exact / 1000));

  const uri = await fetch(`${network.rpc}/broadcast_tx_sync?tx=0x${Buffer.from(refused).toString("hex")}`);
  assert.equal(uri.status, 500);
  assert.ok(Number(uri.headers.get("retry-after")) >= 1);
  assert.match((await uri.json()).error.data, words);

  const socket = new WebSocket(network.ws);
  const told = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send(JSON.stringify(call));
    socket.onmessage = ({ data }) => resolve(JSON.parse(data));
    socket.onerror = reject;
  });
  socket.close();
  assert.match(told.error.data, words);

  // More wait than a block has, and who comes last is in the next one all the same.
  assert.deepEqual(await post(other), { code: 0, log: "", retryAfter: null });
  assert.equal(await network.height(), height, "all came before the next block");
  assert.equal(await heightOf(other), height + 1);

  // There is room again when that was said, and all that was taken is in two blocks, in order.
  const again = await post(refused);
  assert.equal(again.code, 0, again.log);
  const heights = [];
  for (const tx of flood) heights.push(await heightOf(tx));
  assert.deepEqual(heights, heights.toSorted((a, b) => a - b));
  assert.equal(heights.filter((at) => at === height + 1).length, IN_A_BLOCK - 1);
  assert.equal(heights[MOST - 1], height + 2);
});

test("a transaction with a wrong sequence takes no room, however often it comes", async () => {
  const { sequence } = await account(network, ACCOUNTS.c.address);
  const wrong = await buildTx(network, "c", [bankSend(ACCOUNTS.c.address, ACCOUNTS.c.address, 1)], { gas: GAS, sequence: sequence + 5n });
  await nextHeight();
  for (let n = 0; n < 2 * IN_A_BLOCK; n += 1) assert.equal((await post(wrong)).code, 32);
  const { result } = await network.rpcCall("num_unconfirmed_txs");
  assert.equal(result.total, "0");
});
