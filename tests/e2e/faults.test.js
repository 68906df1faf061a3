// A short run of what `cargo xtask faults` does for longer: four validators in network namespaces, under load. Whatever happens to some
// of them, there is one chain, and what a client saw in a block stays there.

import { after, before, test } from "node:test";

import { agree } from "../faults/check.js";
import { doubleSigner } from "../faults/double.js";
import { Lab, missing } from "../faults/lab.js";
import { Load, prepare } from "../faults/load.js";
import * as scenarios from "../faults/scenarios.js";
import { seededRandom } from "./support/network.js";

const why = missing();
const random = seededRandom("faults");
const say = (text) => console.log(text);
let lab;
let run;
before(async () => {
  if (why) return;
  lab = await Lab.start({ validators: 4, spare: 1, seed: Math.floor(random() * 2 ** 31), say });
  const contracts = await prepare(lab);
  run = { lab, random, say, tally: () => {}, contracts, load: new Load(lab, contracts, { random }) };
});
after(async () => {
  await run?.load.stop();
  await lab?.stop();
});

for (const [name, act] of [
  ["kill -9 of node, enclave and CometBFT of random validators under load", () => scenarios.kills(run, 6)],
  ["two halves make no block, and the whole goes on", () => scenarios.partition(run)],
  ["a part without a quorum makes no block, the other goes on", () => scenarios.partition(run, { whole: false })],
  ["a validator that hears but is not heard, and one that is heard but does not hear", () => scenarios.oneWay(run)],
  ["delay and loss on every link", () => scenarios.slow(run, { blocks: 3 })],
  ["a validator set that changes every few blocks", () => scenarios.changingSet(run, 2)],
  ["a full disk of one validator, which goes on when there is room", () => scenarios.fullDisk(run)],
  ["more than a third killed at once", () => scenarios.massacre(run)],
]) {
  test(`${name}: one chain`, { skip: why }, async () => {
    await act();
    await agree(lab, run.contracts, run.load);
  });
}

test("a validator's key in two homes is found, every enclave hears of it, and the key loses its power for good", { skip: why }, async () => {
  await doubleSigner(run);
  await agree(lab, run.contracts, run.load);
});

test("nothing that a client saw in a block is lost, on any node", { skip: why }, async () => {
  await run.load.stop();
  await agree(lab, run.contracts, run.load);
});
