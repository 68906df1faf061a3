// `cargo xtask faults [--minutes N] [--seed S]`: every scenario once, joiners, then random ones and kills until the time is over.
// With `--only NAME` just the scenario of that name, once.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { seededRandom } from "../e2e/support/network.js";
import { agree } from "./check.js";
import { wrongClocks } from "./clocks.js";
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
  const once = [
    ...JOINERS.map((owner) => ["joiner", () => scenarios.joiner(run, owner)]),
    ["full disk", () => scenarios.fullDisk(run)],
  ];
  const last = ["a double-signer", () => doubleSigner(run)];
  if (values.only) {
    const named = [...all, ...once, last].find(([name]) => name === values.only);
    assert.ok(named, `no scenario is called ${values.only}`);
    await play(...named);
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
  for (const node of lab.nodes) {
    assert.doesNotMatch(readFileSync(node.log, "utf8"), /CONSENSUS FAILURE/, `node ${node.index}`);
  }
  say(`agreed: ${height} heights on ${lab.nodes.length} nodes, ${seen} transactions that clients saw, all there; ${load.unsure} of unknown end`);
  for (const [what, times] of [...counts].sort()) say(`${times}  ${what}`);
  ok = true;
} catch (error) {
  console.error(error);
  say(`failed; homes and logs are kept in ${lab.home}`);
} finally {
  await lab.stop({ keep: !ok });
}
process.exit(ok ? 0 : 1);
