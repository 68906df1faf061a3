// What happens to a network here, one function each. Each leaves all nodes running and every link whole; what must hold after it is
// checked by its caller (check.js).

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

import { removeValidator, setValidator } from "./authority.js";
import { stood } from "./disk.js";
import { sleep, until } from "./lab.js";

/** Power of each validator of a local network. */
const POWER = 100_000_000_000n;
const ROLES = ["node", "enclave", "cometbft"];

const pick = (random, list) => list[Math.floor(random() * list.length)];
/** The most of `n` validators that may be missing. */
const minority = (n) => Math.floor((n - 1) / 3);

/** No node makes a block for a while in which it could have. */
async function stands(nodes, ms = 3_000) {
  await sleep(2_000);
  let since;
  do {
    since = Date.now();
    const before = await Promise.all(nodes.map((node) => node.height()));
    await sleep(ms);
    const after = await Promise.all(nodes.map((node) => node.height()));
    assert.deepEqual(after, before, "no block without more than two thirds");
  } while (stood(since) > 0);
}

/** Kills of random processes of random nodes; the next when blocks are made again. */
export async function kills({ lab, random, tally }, count) {
  for (let round = 0; round < count; round += 1) {
    await sleep(random() * 700);
    const victim = pick(random, lab.nodes);
    const role = ROLES[round % ROLES.length];
    if (await victim.strike(role)) tally(`kill -9 of ${role}`);
    await pick(random, lab.nodes.filter((node) => node !== victim)).grows(1);
    // One at a time may be missing: with the next already down, no block would be asked of the others.
    await victim.ready();
  }
}

/** Several nodes at once, more than may be missing. */
export async function massacre({ lab, tally }) {
  const victims = lab.nodes.slice(0, minority(lab.nodes.length) + 1);
  await Promise.all(victims.map((node) => node.kill()));
  for (const _ of victims) tally("kill -9 of node");
  await Promise.all(victims.map((node) => node.restart({ ready: false })));
  await Promise.all(victims.map((node) => node.ready()));
  await lab.nodes[0].grows(2);
  tally("more than a third killed at once");
}

/** The network in two parts, of which at most one may go on. */
export async function partition({ lab, random, tally }, { whole = true } = {}) {
  const all = lab.nodes.map((node) => node.index);
  const small = minority(lab.nodes.length) + (whole ? 1 : 0);
  const from = Math.floor(random() * all.length);
  const some = Array.from({ length: small }, (_, at) => (from + at) % all.length);
  const others = all.filter((index) => !some.includes(index));
  await lab.between(some, others, { drop: true });
  if (whole) await stands(lab.nodes);
  else {
    await lab.nodes[others[0]].grows(3);
    const cut = await lab.nodes[some[0]].height();
    await lab.nodes[others[0]].grows(2);
    assert.ok((await lab.nodes[some[0]].height()) <= cut + 1, "the small part makes no blocks");
  }
  await lab.heal();
  await Promise.all(lab.nodes.map((node) => node.grows(1)));
  tally(whole ? "partition without a quorum" : "partition of a minority");
}

/** One node hears the others and is not heard, then the other way round. */
export async function oneWay({ lab, random, tally }) {
  const victim = pick(random, lab.nodes);
  const others = lab.nodes.filter((node) => node !== victim);
  for (const out of [true, false]) {
    for (const other of others) {
      await (out ? lab.link(victim.index, other.index, { drop: true }) : lab.link(other.index, victim.index, { drop: true }));
    }
    await others[0].grows(3);
    await lab.heal();
    await victim.catchesUp(others[0]);
    tally("one-way partition");
  }
}

/** Delay and loss between all nodes. */
export async function slow({ lab, tally }, { delay = 0.1, loss = 0.02, blocks = 5 } = {}) {
  const all = lab.nodes.map((node) => node.index);
  await lab.between(all, all, { delay, loss });
  await lab.nodes[0].grows(blocks);
  await lab.heal();
  await lab.nodes[0].grows(1);
  tally("delay and loss on all links");
}

/** As many nodes stopped in good order as may be missing: the others go on. */
export async function stoppedMinority({ lab, tally }) {
  const some = lab.nodes.slice(-minority(lab.nodes.length));
  for (const node of some) assert.equal((await node.kill("SIGTERM")).code, 0);
  await lab.nodes[0].grows(3);
  for (const node of some) await node.restart();
  for (const node of some) await node.catchesUp(lab.nodes[0]);
  tally("minority stopped");
}

/** More: nothing goes on until one is back. */
export async function stoppedMajority({ lab, tally }) {
  const some = lab.nodes.slice(1);
  for (const node of some) await node.kill("SIGTERM");
  await stands([lab.nodes[0]]);
  await Promise.all(some.map((node) => node.restart({ ready: false })));
  await Promise.all(some.map((node) => node.ready()));
  await Promise.all(lab.nodes.map((node) => node.grows(1)));
  tally("majority stopped");
}

/** Every node once, one after another: the network goes on. */
export async function rollingRestart({ lab, tally }) {
  for (const node of lab.nodes) {
    assert.equal((await node.kill("SIGTERM")).code, 0);
    await node.restart();
    await node.catchesUp(lab.nodes.find((other) => other !== node));
  }
  tally("rolling restart");
}

/** A process that stands still and goes on, as on a machine that is suspended. */
export async function frozen({ lab, random, tally }) {
  const victim = pick(random, lab.nodes);
  const pids = Object.values(victim.processes()).filter(Boolean);
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  const other = lab.nodes.find((node) => node !== victim);
  await other.grows(3);
  for (const pid of pids) process.kill(pid, "SIGCONT");
  await victim.catchesUp(other);
  tally("node frozen");
}

/** The disk of one node is full: it may end, the others go on, and with room it is as it was. */
export async function fullDisk({ lab, tally }) {
  const victim = lab.nodes.at(-1);
  await victim.kill("SIGTERM");
  const data = lab.mountSmall(victim, 400);
  await victim.restart();
  const filler = join(data, "filler");
  fill(filler);
  await lab.nodes[0].grows(5);
  const ended = victim.running ? undefined : await victim.ended;
  lab.say(ended ? `the node with the full disk ended: ${ended.last.trim().split("\n").at(-1)}` : "the node with the full disk did not end");
  rmSync(filler);
  if (victim.running && (await victim.height()) === 0) await victim.kill();
  if (!victim.running) await victim.restart();
  // CometBFT may be the one that ended; its node brings it back.
  await victim.catchesUp(lab.nodes[0]);
  tally("full disk");
}

/** The disk of one node takes nothing for a while, so whoever writes to it waits: the others go on, and then it goes on as well. */
export async function standingDisk({ lab, tally }) {
  const victim = lab.nodes.at(-2);
  await victim.kill("SIGTERM");
  const data = lab.mountDisk(victim);
  await victim.restart();
  await victim.catchesUp(lab.nodes[0]);
  execFileSync("fsfreeze", ["--freeze", data]);
  try {
    const before = await victim.height();
    await lab.nodes[0].grows(10);
    const after = await victim.height();
    assert.ok(after <= before + 2, `no block where none can be kept: ${before}, then ${after}`);
  } finally {
    execFileSync("fsfreeze", ["--unfreeze", data]);
  }
  await victim.catchesUp(lab.nodes[0]);
  tally("a disk that stands");
}

function fill(path) {
  writeFileSync(path, "");
  const file = openSync(path, "a");
  for (const size of [1 << 20, 1 << 12]) {
    const block = Buffer.alloc(size);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if (error.code !== "ENOSPC") throw error;
    }
  }
  closeSync(file);
}

/** A new node joins while transactions and faults go on; then it votes. */
export async function joiner({ lab, say, tally }, owner) {
  const begun = Date.now();
  const node = await lab.join(owner);
  const [first, serves] = [await node.height(), Date.now()];
  await node.catchesUp(lab.nodes[0]);
  const blocks = (await node.height()) - first;
  const seconds = (from, to) => ((to - from) / 1000).toFixed(1);
  say(`registered and serving after ${seconds(begun, serves)} s, then ${blocks} blocks fetched in ${seconds(serves, Date.now())} s`);
  await setValidator(lab.nodes[0], node, POWER);
  await until(async () => (await power(lab.nodes[0], node)) > 0n, { ms: 60_000, what: "the new validator" });
  await node.grows(2);
  tally("joiner under load");
  return node;
}

/** The set changes every few blocks: powers up and down, out and in again. */
export async function changingSet({ lab, random, tally }, rounds) {
  const [first, ...others] = lab.nodes;
  for (let round = 0; round < rounds; round += 1) {
    const node = pick(random, others);
    if (random() < 0.4) {
      await removeValidator(first, node);
      await first.grows(2);
    }
    await setValidator(first, node, POWER + BigInt(Math.floor(random() * 1e10)));
    await first.grows(1);
    tally("change of the validator set");
  }
  for (const node of lab.nodes) await setValidator(first, node, POWER);
  await first.grows(3);
}

async function power(via, node) {
  const { validators } = await via.call("validators", { per_page: "100" });
  const { pub_key } = (await node.call("status")).validator_info;
  return BigInt(validators.find((v) => v.pub_key.value === pub_key.value)?.voting_power ?? 0);
}
