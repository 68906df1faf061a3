// What must be true whatever happened: one chain, one state, and everything in it that a client saw.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { until } from "./disk.js";
import { count } from "./load.js";

/** Most headers in one answer of CometBFT. */
const HEADERS = 20;
/** How long a node may take to serve a transaction of a block that its CometBFT has: that one tells a height before its node has executed it. */
const FOUND_MS_MAX = 30_000;

/** Why a CometBFT's consensus may fail here: its application was killed, its disk full, its clock too far behind. */
const FAILURES_MADE_HERE = /read message: EOF|broken pipe|connection reset|no space left|too far in the future/;

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
      // An answer that is late is asked for again.
      if (error.status !== 404 && error.name !== "TimeoutError") throw error;
    });
  return until(get, { ms: FOUND_MS_MAX, every: 200, what: `transaction ${hash} of height ${height} on node ${node.index}` });
}

/** Waits until every node has the newest block that any has now. */
async function settle(nodes) {
  const newest = Math.max(...(await Promise.all(nodes.map((node) => node.height()))));
  assert.ok(newest > 0, "no node answers");
  for (const node of nodes) await node.catchesUp({ answers: async () => newest });
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

/** Whatever failed in a node failed by what was done to it here: no consensus by itself, no block by what is in it, and nothing panicked. */
export function explained(nodes) {
  for (const node of nodes) {
    const said = readFileSync(join(node.network, "data", "cometbft.log"), "utf8").split("\n");
    for (const line of said.filter((line) => line.includes("CONSENSUS FAILURE"))) {
      assert.match(line, FAILURES_MADE_HERE, `node ${node.index}`);
    }
    assert.doesNotMatch(readFileSync(node.log, "utf8"), /panicked/, `node ${node.index}`);
    const reports = join(node.network, "reports");
    for (const name of existsSync(reports) ? readdirSync(reports) : []) {
      const { code, failure } = JSON.parse(readFileSync(join(reports, name), "utf8"));
      assert.equal(code, "door.closed", `node ${node.index}: ${name}: ${failure}`);
    }
  }
}
