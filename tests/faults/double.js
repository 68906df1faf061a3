// A validator's key in two homes: what no honest operator does, and what CometBFT makes evidence of. It costs the key its power for good.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { setValidator } from "./authority.js";
import { Member, until } from "./lab.js";

/** How long the two may take to vote differently, and a block to tell it. */
const FOUND_MS_MAX = 180_000;

/** Starts the last validator a second time, until a block has the evidence; gives that block. */
export async function doubleSigner({ lab, say, tally }) {
  const [first, honest] = [lab.nodes.at(-1), lab.nodes[0]];
  await first.kill("SIGTERM");
  const home = join(lab.home, "twin");
  execFileSync("cp", ["-a", first.home, home]);
  writeFileSync(join(home, "network", "config", "node_key.json"), JSON.stringify(nodeKey()));
  const from = (await honest.height()) + 1;
  const twin = new Member(lab, lab.nodes.length, home);
  await Promise.all([first.restart({ ready: false }), twin.start({ ready: false })]);
  try {
    let at = from;
    const block = await until(
      async () => {
        for (; at <= (await honest.height()); at += 1) {
          const { block } = await honest.call("block", { height: `${at}` });
          if (block.evidence.evidence.length > 0) return block;
        }
        if (!twin.running) throw new Error(`the twin ended: ${(await twin.ended).last}`);
        return undefined;
      },
      { ms: FOUND_MS_MAX, every: 200, what: "evidence in a block" },
    );
    say(`evidence at height ${block.header.height}: ${block.evidence.evidence.map((e) => e.type)}`);
    // CometBFT has a block before it has what came of it.
    await honest.grows(1);
    const { finalize_block_events: events } = await honest.call("block_results", { height: block.header.height });
    const told = events.find((event) => event.type === "misbehavior");
    assert.ok(told, `an event of the block with the evidence: ${events.map((event) => event.type)}`);
    const said = Object.fromEntries(told.attributes.map(({ key, value }) => [key, value]));
    assert.deepEqual([said.kind, said.node_id], ["duplicate_vote", first.nodeId]);
    // Two heights later consensus goes on without it.
    await honest.grows(2);
    assert.equal(await power(honest, said.address), 0n);
    await assert.rejects(setValidator(honest, first, 1n), /the consensus key signed two blocks at one height/);
    tally("double-signer");
    return block;
  } finally {
    await twin.kill();
    await first.kill("SIGTERM");
    await first.restart();
  }
}

async function power(via, address) {
  const { validators } = await via.call("validators", { per_page: "100" });
  return BigInt(validators.find((v) => v.address === address)?.voting_power ?? 0);
}

function nodeKey() {
  const { d, x } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const value = Buffer.concat([Buffer.from(d, "base64url"), Buffer.from(x, "base64url")]).toString("base64");
  return { priv_key: { type: "tendermint/PrivKeyEd25519", value } };
}
