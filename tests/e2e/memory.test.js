// What strangers make the node hold in memory: subscribers of all events while blocks are full, and many readers of the
// largest block, or of all that waits, at one time. The bounds are generous; what was measured is in docs/spec/serving.md.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";

import WebSocket from "ws";

import { ACCOUNTS } from "./support/accounts.js";
import { account } from "./support/client.js";
import { bankSend, broadcastAgain, buildTx, storeCode } from "./support/raw.js";
import { startNetwork, until } from "./support/network.js";

const NAMES = ["a", "b", "c", "d"];
const SUBSCRIBERS = 4;
/** What the pools and two whole blocks in print may take, with room to spare. */
const GROWTH_MIB_MAX = 320;
const READERS = 100;

let network;
before(async () => {
  network = await startNetwork({ blockTime: "6s" });
});
after(() => network?.stop());

/** The most that the node held since the last call, in MiB. */
function peak() {
  const { pid } = network.child;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024;
}

/** Broadcasts `count` transactions of each account, in order. */
async function fill(count, gas, messagesOf) {
  await Promise.all(NAMES.map(async (name) => {
    const { sequence } = await account(network, ACCOUNTS[name].address);
    for (let at = 0; at < count; at += 1) {
      const tx = await buildTx(network, name, messagesOf(ACCOUNTS[name].address), { gas, sequence: BigInt(sequence) + BigInt(at) });
      const { code, raw_log } = await broadcastAgain(network, tx);
      assert.equal(code, 0, raw_log);
    }
  }));
}

/** Bytes and transactions of the largest block from a height on. */
async function largest(from) {
  let found = { bytes: 0 };
  for (let height = from; height <= await network.height(); height += 1) {
    const { block } = await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${height}`);
    const bytes = block.data.txs.reduce((sum, tx) => sum + tx.length * 0.75, 0);
    if (bytes > found.bytes) found = { height, bytes, txs: block.data.txs.length };
  }
  return found;
}

/** How many transactions wait for a block. */
async function waiting() {
  const { result } = await (await fetch(`${network.rpc}/num_unconfirmed_txs`)).json();
  return Number(result.n_txs);
}

/** The address is read by a hundred at one time; no answer of it is shorter than `least`. Gives the bytes of the longest. */
async function readTogether(t, url, least) {
  const before = peak();
  const statuses = {};
  let longest = 0;
  await Promise.all(Array.from({ length: READERS }, async () => {
    const answer = await fetch(url, { headers: { connection: "close" } });
    const { length } = await answer.text();
    if (answer.status === 200) {
      assert.ok(length > least, `${length}`);
      longest = Math.max(longest, length);
    }
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
  }));
  const most = peak();
  t.diagnostic(`${new URL(url).pathname}: VmHWM ${before.toFixed(0)} -> ${most.toFixed(0)} MiB, longest answer ${(longest / 2 ** 20).toFixed(2)} MiB, answers ${JSON.stringify(statuses)}`);
  assert.ok(statuses[200] > 0);
  assert.ok(most - before < GROWTH_MIB_MAX, `${before} MiB grew to ${most} MiB`);
  assert.equal(network.exit, undefined);
  return longest;
}

test("subscribers of every transaction of full blocks hold little more than the events once", async (t) => {
  const sockets = await Promise.all(Array.from({ length: SUBSCRIBERS }, async () => {
    const socket = new WebSocket(network.ws, { maxPayload: 1 << 30 });
    await new Promise((resolve) => socket.once("open", resolve));
    socket.bytes = socket.events = 0;
    socket.on("message", (data) => {
      socket.bytes += data.length;
      socket.events += data.includes("tendermint/event/Tx") ? 1 : 0;
      assert.ok(!data.subarray(0, 200).includes("error"), data.toString().slice(0, 300));
    });
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscribe", params: { query: "tm.event='Tx'" } }));
    return socket;
  }));
  const from = await network.height();
  const count = 20;
  const sends = (sender) => Array.from({ length: 150 }, () => bankSend(sender, ACCOUNTS.b.address, 1));
  const before = peak();
  await fill(count, 2_000_000, sends);
  await until(() => sockets.every(({ events }) => events === count * NAMES.length), { ms: 120_000, what: "all events" });
  const most = peak();
  const block = await largest(from);
  t.diagnostic(`VmHWM ${before.toFixed(0)} -> ${most.toFixed(0)} MiB; each subscriber got ${(sockets[0].bytes / 2 ** 20).toFixed(1)} MiB in ${sockets[0].events} events; largest block ${block.txs} transactions, ${(block.bytes / 2 ** 20).toFixed(2)} MiB`);
  for (const socket of sockets) socket.close();
  assert.ok(most - before < GROWTH_MIB_MAX, `${before} MiB grew to ${most} MiB`);
});

test("a hundred readers of the largest block at one time hold what two of them do", async (t) => {
  const from = await network.height();
  await fill(1, 14_000_000, (sender) => [storeCode(sender, randomBytes(950_000))]);
  await until(async () => (await network.height()) >= from + 2, { ms: 60_000, what: "the blocks" });
  const block = await largest(from);
  assert.ok(block.bytes > 3_000_000, `${block.bytes} bytes`);
  const urls = [
    `${network.rest}/cosmos/tx/v1beta1/txs/block/${block.height}`,
    `${network.rpc}/block?height=${block.height}`,
  ];
  for (const url of urls) await readTogether(t, url, block.bytes);
});

test("a hundred readers of what waits for a block at one time hold what two of them do", async (t) => {
  // A block that is made while they read takes what waits from under them: then once more.
  for (let tries = 0, most = 0; most < 4_000_000; tries += 1) {
    assert.ok(tries < 3, `the longest list has ${most} bytes`);
    // From the beginning of an interval, when nothing waits any more: then all four wait for the same block.
    const height = await network.height();
    await until(async () => await network.height() > height && await waiting() === 0, { ms: 60_000, what: "a block that leaves nothing" });
    await fill(1, 14_000_000, (sender) => [storeCode(sender, randomBytes(950_000))]);
    most = await readTogether(t, `${network.rpc}/unconfirmed_txs?limit=100`, 0);
  }
});
