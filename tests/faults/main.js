// `cargo xtask faults [--minutes N] [--seed S]`: every scenario once, joiners, then random ones and kills until the time is over.
// With `--only NAME,NAME...` just the scenarios of these names, in this order; one may come again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { seededRandom } from "../e2e/support/network.js";
import { agree, explained } from "./check.js";
import { wrongClocks } from "./clocks.js";
import { kernelSaid } from "./disk.js";
import { doubleSigner } from "./double.js";
import { Lab, missing } from "./lab.js";
import { Load, prepare } from "./load.js";
import * as scenarios from "./scenarios.js";

const VALIDATORS = 5;
const JOINERS = ["c", "d"];
/** Kills between two other scenarios. */
const KILLS = 10;

const options = { minutes: { type: "string", default: "30" }, seed: { type: "string" }, only: { type: "string" } };
const { values } = parseArgs({ options });
if (values.seed) process.env.STRONGROOM_TEST_SEED = values.seed;
const why = missing();
if (why) {
  console.error(`faults: cannot run here: ${why}`);
  process.exit(1);
}
const random = seededRandom("faults");
const begun = Date.now();
const bootSeconds = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
const end = begun + Number(values.minutes) * 60_000;
const say = (text) => console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(5)} s  ${text}`);
const counts = new Map();
const tally = (what) => counts.set(what, (counts.get(what) ?? 0) + 1);

const lab = await Lab.start({ validators: VALIDATORS, spare: JOINERS.length + 1, seed: Math.floor(random() * 2 ** 31), say });
let ok = false;
try {
  const contracts = await prepare(lab);
  const load = new Load(lab, contracts, { accounts: ["b", "validator"], random });
  const run = { lab, random, tally, say, contracts, load };
  let since;
  const play = async (name, act) => {
    say(name);
    await act();
    since = await agree(lab, contracts, load, since);
  };
  const all = [
    ["kills", () => scenarios.kills(run, KILLS)],
    ["partition without a quorum", () => scenarios.partition(run)],
    ["partition of a minority", () => scenarios.partition(run, { whole: false })],
    ["one-way partitions", () => scenarios.oneWay(run)],
    ["delay and loss", () => scenarios.slow(run)],
    ["a frozen node", () => scenarios.frozen(run)],
    ["minority stopped", () => scenarios.stoppedMinority(run)],
    ["majority stopped", () => scenarios.stoppedMajority(run)],
    ["more than a third killed at once", () => scenarios.massacre(run)],
    ["a changing set", () => scenarios.changingSet(run, 4)],
    ["rolling restart", () => scenarios.rollingRestart(run)],
    ["wrong clocks", () => wrongClocks(run)],
  ];
  const owners = [...JOINERS];
  const once = [
    ...JOINERS.map(() => ["joiner", () => scenarios.joiner(run, owners.shift())]),
    ["full disk", () => scenarios.fullDisk(run)],
    ["a disk that stands", () => scenarios.standingDisk(run)],
  ];
  const last = ["a double-signer", () => doubleSigner(run)];
  if (values.only) {
    const known = new Map([...all, ...once, last]);
    const names = values.only.split(",").map((name) => name.trim());
    for (const name of names) assert.ok(known.has(name), `no scenario is called ${name}: ${[...known.keys()].join(", ")}`);
    for (const name of names) await play(name, known.get(name));
  } else {
    for (const [name, act] of [...all, ...once]) await play(name, act);
    while (Date.now() < end) {
      await play("kills", () => scenarios.kills(run, KILLS));
      const [name, act] = all[Math.floor(random() * all.length)];
      await play(name, act);
    }
    // Its key never votes again.
    await play(...last);
  }
  await load.stop();
  const { height, seen } = await agree(lab, contracts, load);
  explained(lab.nodes);
  say(`agreed: ${height} heights on ${lab.nodes.length} nodes, ${seen} transactions that clients saw, all there; ${load.unsure} of unknown end`);
  ok = true;
} catch (error) {
  console.error(error);
  for (const node of lab.nodes) say(`node ${node.index}: ${await placeOf(node)}`);
  for (const line of kernelSaid(bootSeconds)) say(`kernel: ${line}`);
} finally {
  const disk = await lab.stop({ keep: !ok });
  for (const [what, times] of [...counts].sort()) say(`${times}  ${what}`);
  say(`${ended()} kills met a process`);
  if (disk.times > 0) say(`this machine's disk stood ${disk.times} times, ${(disk.ms / 1000).toFixed(1)} s in all: not counted in what was waited for`);
  if (!ok) say(`failed; homes and logs are kept in ${lab.home}`);
}
process.exit(ok ? 0 : 1);

/** How many processes were ended by a kill. */
function ended() {
  return [...counts].reduce((sum, [what, times]) => sum + (what.startsWith("kill -9 of ") ? times : 0), 0);
}

/** Where a node's consensus is. */
async function placeOf(node) {
  if (!node.running) return "does not run";
  const at = await node.place().catch((error) => `its consensus does not answer (${error.message})`);
  return `height ${await node.height()}, ${at}`;
}
