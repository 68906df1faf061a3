// Wall clocks that are wrong: ahead, behind, too fast, and right again.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { root } from "../e2e/support/network.js";
import { stood } from "./disk.js";
import { sleep, until } from "./lab.js";

const BUILD = join(dirname(fileURLToPath(import.meta.url)), "build-wrong-clock");
const COMETBFT = join(root, "tools", "bin", "cometbft-wrong-clock");
const MINUTES_10 = 600_000;
/** What more than half of the power is wrong by: block time has to come right again while we wait. */
const OF_MOST = 20_000;
/** More than the minute by which CometBFT lets a block be ahead of its clock. */
const TOO_FAR = 75_000;
/** How far block time may be from this machine's clock: the votes of the block before are its time, and blocks are slow on a busy machine. */
const NEAR_MS = 20_000;
const BLOCKS = 5;
/** Most headers in one answer of CometBFT. */
const HEADERS = 20;
/** Long for a block: without one for so long the chain stands. */
const STANDS_MS = 5_000;

/** A CometBFT whose clock can be wrong is built if need be. */
function prepare() {
  execFileSync(BUILD, { stdio: "inherit" });
  assert.ok(existsSync(COMETBFT));
}

/** Sets a node's clock wrong; nothing: right again. */
function setClock(node, { offset = 0, perMillion = 0 } = {}) {
  const file = join(node.network, "wrong-clock");
  if (offset === 0 && perMillion === 0) return rmSync(file, { force: true });
  writeFileSync(`${file}.new`, `${offset} ${perMillion}`);
  return renameSync(`${file}.new`, file);
}

/** Milliseconds by which the newest block's time is ahead of this machine's clock. */
async function ahead(node) {
  const { sync_info } = await node.call("status");
  return Date.parse(sync_info.latest_block_time) - Date.now();
}

/** Watches some blocks from `node`, in a row and without a disk that stands; gives by how much the newest was ahead or behind at most. */
async function watch(node) {
  for (;;) {
    const since = Date.now();
    const worst = await watchOnce(node);
    if (stood(since) === 0) return worst;
  }
}

async function watchOnce(node, blocks = BLOCKS) {
  // Clocks are read again within 50 ms; the next block may have the votes of before.
  await node.grows(2);
  const from = await node.height();
  let worst = 0;
  await until(
    async () => {
      const now = await ahead(node);
      if (Math.abs(now) > Math.abs(worst)) worst = now;
      return (await node.height()) >= from + blocks;
    },
    { ms: 120_000, every: 100, what: `${blocks} blocks` },
  );
  return worst;
}

/** The times of all blocks from a height on grow strictly, as digits of nanoseconds. */
async function grow(node, first) {
  const last = await node.height();
  const times = [];
  for (let from = first; from <= last; from += HEADERS) {
    const to = Math.min(from + HEADERS - 1, last);
    const { block_metas } = await node.call("blockchain", { minHeight: `${from}`, maxHeight: `${to}` });
    times.push(...block_metas.reverse().map(({ header }) => nanoseconds(header.time)));
  }
  assert.equal(times.length, last - first + 1);
  times.forEach((time, at) => assert.ok(at === 0 || time > times[at - 1], `the time of height ${first + at} is later`));
}

function nanoseconds(text) {
  const [seconds, fraction = ""] = text.replace("Z", "").split(".");
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** Wrong clocks of fewer than a third of the validators, of more, and of more than half; then all are right again. */
export async function wrongClocks({ lab, say, tally }) {
  prepare();
  const n = lab.nodes.length;
  const third = Math.floor((n - 1) / 3);
  const [right, ...rest] = lab.nodes;
  const most = rest.slice(-(Math.floor(n / 2) + 1));
  const [few, many] = [most.slice(0, third), most.slice(0, third + 1)];
  const first = await right.height();
  await start(most, COMETBFT, right);
  await until(async () => Math.abs(await ahead(right)) < NEAR_MS, { ms: 180_000, every: 500, what: "a right block time" });
  const set = (nodes, clock) => nodes.forEach((node) => setClock(node, clock));
  const phase = async (what, nodes, clock, { near = true, follow = true } = {}) => {
    set(nodes, clock);
    const worst = await watch(right);
    say(`clocks of ${nodes.length} of ${n} ${what}: block time is ${shown(worst)} at most`);
    if (near) assert.ok(Math.abs(worst) < NEAR_MS, what);
    if (follow) for (const node of nodes) await node.catchesUp(right);
    set(nodes);
    tally("wrong clocks");
    return worst;
  };
  const isRight = () => phase("right", most, {});

  await phase("10 min ahead", few, { offset: MINUTES_10 });
  await phase("30 s behind", few, { offset: -30_000 });
  await phase("20 % too fast", few, { perMillion: 200_000 });
  await phase("20 % too slow", few, { perMillion: -200_000 });
  // A block more than a minute ahead of its clock is none for a CometBFT, and a decided one ends its consensus.
  await phase("10 min behind", few, { offset: -MINUTES_10 }, { follow: false });
  say(`${few.filter((node) => node.running).length} of their ${few.length} nodes run`);
  await revive(few, right);
  await isRight();

  set(many, { offset: -MINUTES_10 });
  await stops(right);
  say(`clocks of ${many.length} of ${n} 10 min behind: no block`);
  set(many);
  await revive(many, right);
  await isRight();

  await phase("20 s ahead", many, { offset: OF_MOST }, { near: false });
  const leap = await phase("20 s ahead", most, { offset: OF_MOST }, { near: false });
  assert.ok(leap > OF_MOST / 2, "more than half of the power is block time");
  say(`right again after ${await seconds(() => until(async () => (await ahead(right)) < 0, { ms: 120_000, every: 200, what: "a right block time" }))}`);
  await isRight();

  // Further ahead than a minute: those whose clocks are right take no block.
  set(most, { offset: TOO_FAR });
  await stops(right);
  set(most);
  say(`clocks of ${most.length} of ${n} ${TOO_FAR / 1000} s ahead: no block, and none for ${await seconds(() => right.grows(2))} after they were right again`);
  await start(most, undefined, right);
  await grow(right, first);
}

/** Waits until no block has been made for a while. */
async function stops(node) {
  const stands = async () => {
    const [since, height] = [Date.now(), await node.height()];
    await sleep(STANDS_MS);
    return height > 0 && (await node.height()) === height && stood(since) === 0;
  };
  await until(stands, { ms: 60_000, what: "no more blocks" });
}

const shown = (ms) => `${Math.abs(ms / 1000).toFixed(1)} s ${ms < 0 ? "behind" : "ahead"}`;

async function seconds(act) {
  const since = Date.now();
  await act();
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

/** Starts nodes again with another CometBFT; nothing: the unchanged one. */
async function start(nodes, cometbft, other) {
  for (const node of nodes) {
    node.cometbft = cometbft;
    await revive([node], other);
  }
}

/** What an operator does when the clock is right again. What a node with a wrong clock said is put away: its consensus may have failed. */
async function revive(nodes, other) {
  for (const node of nodes) {
    await node.kill("SIGTERM");
    if (existsSync(node.log)) renameSync(node.log, `${node.log}.${Date.now()}`);
    await node.restart();
    await node.catchesUp(other);
  }
}
