// What must be true whatever happened: one chain, one state, and everything in it that a client saw.

import assert from "node:assert/strict";

import { until } from "../e2e/support/network.js";
import { count } from "./load.js";

/** Most headers in one answer of CometBFT. */
const HEADERS = 20;
/** How long a node may take to serve a transaction of a block that its CometBFT has: that one tells a height before its node has executed it. */
const FOUND_MS_MAX = 30_000;

/**
 * One block and one app hash at every height that all nodes have, and every transaction that was seen at its height on every node. `since`
 * is what an earlier call gave: only what came after that is compared. Gives how far it came.
 */
export async function agree(lab, contracts, load, since = { height: 0, seen: 0 }) {
  const nodes = lab.nodes.filter((node) => node.running);
  // Before the nodes are waited for: what is seen later may be in a block that one of them does not have yet.
  const seen = load.seen.slice(since.seen);
  await settle(nodes);
  const height = Math.min(...(await Promise.all(nodes.map((node) => node.height()))));
  const chains = await Promise.all(nodes.map((node) => headers(node, since.height + 1, height)));
  for (let at = since.height + 1; at <= height; at += 1) {
    const here = new Set(chains.map((chain) => chain.get(at)));
    assert.equal(here.size, 1, `height ${at}: ${[...here].join(" | ")}`);
  }
  for (const node of nodes) {
    for (const tx of seen) {
      const { tx_response } = await found(node, tx);
      assert.deepEqual([tx_response.height, tx_response.code], [`${tx.height}`, 0], `${tx.hash} on node ${node.index}`);
    }
  }
  if (!load.going) {
    const counts = await Promise.all(nodes.map((node) => count(node, contracts)));
    assert.equal(new Set(counts).size, 1, `one count: ${counts}`);
    assert.ok(counts[0] >= load.increments, `${counts[0]} increments of ${load.increments} that were seen`);
  }
  return { height, seen: since.seen + seen.length };
}

/** A transaction as a node serves it; one that has just started may need a moment. */
function found(node, { hash, height }) {
  const get = () =>
    node.get(`/cosmos/tx/v1beta1/txs/${hash}`).catch((error) => {
      if (error.status !== 404) throw error;
    });
  return until(get, { ms: FOUND_MS_MAX, every: 200, what: `transaction ${hash} of height ${height} on node ${node.index}` });
}

/** Waits until every node has the newest block that any has now. */
async function settle(nodes) {
  const newest = Math.max(...(await Promise.all(nodes.map((node) => node.height()))));
  assert.ok(newest > 0, "no node answers");
  for (const node of nodes) await node.catchesUp({ height: async () => newest });
}

/** Block id and app hash by height, from the blocks that a node has. */
async function headers(node, first, height) {
  const all = new Map();
  for (let from = first; from <= height; from += HEADERS) {
    const to = Math.min(from + HEADERS - 1, height);
    const { block_metas } = await node.call("blockchain", { minHeight: `${from}`, maxHeight: `${to}` });
    for (const { block_id, header } of block_metas) all.set(Number(header.height), `${block_id.hash} ${header.app_hash}`);
  }
  assert.equal(all.size, height - first + 1, `node ${node.index} has headers of all heights from ${first} to ${height}`);
  return all;
}
