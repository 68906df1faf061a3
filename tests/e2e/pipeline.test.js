// A node that dies under load goes on with every block that it told: the next block runs while one is made durable, and none of the steps
// between the two may lose or repeat anything.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { account, clientOf } from "./support/client.js";
import { bankSend, broadcast, broadcastAgain, buildTx } from "./support/raw.js";
import { BINARY, launch, seededRandom, sleep, startNetwork, until } from "./support/network.js";

const NAMES = ["a", "b", "c", "d"];
const ROUNDS = 12;
/** The same hour of the kill would meet the same step. */
const KILL_WITHIN_MS = 300;
/** In one round of three a transaction has so many messages that its block, and what it gave, are long rows (docs/spec/state.md 4). */
const LONG_EVERY = 3;
const LONG_MESSAGES = 250;

const random = seededRandom("pipeline");
let network;
before(async () => {
  network = await startNetwork();
});
after(() => network?.stop());

/** Bytes of the long rows of blocks and results. */
function longRows() {
  const directory = join(network.home, "network/data/blocks/large");
  try {
    return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  } catch (error) {
    if (error.code === "ENOENT") return 0;
    throw error;
  }
}

/** Transactions of one account with so many sends each, one after the other, until the node is gone; gives its first sequence and the hashes of all. */
async function sender(name, end, count) {
  const { sequence: first } = await account(network, ACCOUNTS[name].address);
  const sent = [];
  for (let sequence = first; !end.now; sequence += 1n) {
    const messages = Array(count).fill(bankSend(ACCOUNTS[name].address, ACCOUNTS[name].address, "1"));
    try {
      const tx = await buildTx(network, name, messages, { gas: 60_000 * count + 40_000, sequence });
      // Before the answer: it may be in a block whose node did not live to say so.
      sent.push(createHash("sha256").update(tx).digest("hex").toUpperCase());
      const { code, raw_log } = await broadcastAgain(network, tx);
      assert.equal(code, 0, raw_log);
    } catch (error) {
      if (!end.now) throw error;
    }
  }
  return { name, first, sent };
}

/** Sends once, with the sequence that the node tells now; whether it was in a block, which it is unless it is refused for its sequence. */
async function sendAtOnce(name) {
  const { address } = ACCOUNTS[name];
  const { sequence } = await account(network, address);
  // No other transaction has this amount.
  const tx = await buildTx(network, name, [bankSend(address, address, "2")], { gas: 100_000, sequence });
  const { code, txhash, raw_log } = await broadcast(network, tx);
  if (code === 0) await until(() => clientOf(network, name).query.getTx(txhash), { ms: 20_000, what: "a transaction that was taken" });
  else assert.equal(code, 32, raw_log);
  return code === 0;
}

test("kill -9 under load at random moments: what was told is there, in the same block, and nothing twice", async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const end = { now: false };
    const long = round % LONG_EVERY === 0;
    const rowsBefore = longRows();
    const senders = NAMES.map((name) => sender(name, end, long && name === "a" ? LONG_MESSAGES : 1));
    const from = await network.height();
    await until(async () => (await network.height()) > from + 3, { ms: 30_000, what: "blocks under load" });
    if (long) await until(() => longRows() > rowsBefore, { ms: 30_000, what: `a long row in round ${round}` });
    await sleep(random() * KILL_WITHIN_MS);
    const told = await network.height();
    const block = await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${told}`);
    end.now = true;
    process.kill(network.child.pid, "SIGKILL");
    await until(() => network.exit, { what: "the end of the node" });
    const all = await Promise.all(senders);
    network = await launch({ home: network.home, reset: false });
    // What was decided is executed while the height that was told is served, and the node says so until it is done.
    const served = await until(() => network.exit ?? network.height().catch(() => 0), { ms: 20_000, what: "an answer" });
    assert.ok(served >= told, `round ${round}: height ${told} was told, and ${JSON.stringify(served)} is served\n${network.output}`);
    // A transaction that comes before the decided blocks are executed is checked after them: none is taken that one of them has the sequence of.
    const more = { a: BigInt(await sendAtOnce("a")) };
    await network.untilReady();
    const again = await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${told}`);
    assert.deepEqual(again.block_id, block.block_id, `round ${round}`);
    assert.deepEqual(again.block.data, block.block.data, `round ${round}`);
    const client = clientOf(network, "a");
    for (const { name, first, sent } of all) {
      let found = 0n;
      let gone = false;
      for (const hash of sent) {
        const tx = await client.query.getTx(hash);
        // What only waited is gone with the mempool, and all that came after it.
        if (!tx) gone = true;
        else {
          assert.equal(tx.code, 0, tx.rawLog);
          assert.ok(!gone, `round ${round}: a transaction without the one before it`);
          found += 1n;
        }
      }
      assert.ok(found > 0n, `round ${round}: nothing was in a block`);
      // Results, index and state are of the same blocks.
      const { sequence } = await account(network, ACCOUNTS[name].address);
      assert.equal(sequence, first + found + (more[name] ?? 0n), `round ${round}, ${name}`);
    }
  }
});

test("after all that, replaying the stored blocks from genesis gives the same app hash", async () => {
  await network.stop({ clean: false });
  const said = execFileSync(BINARY, ["replay", "--home", network.home], { encoding: "utf8" });
  assert.match(said, /^height [0-9]+ app_hash [0-9A-F]{64}: the replay from genesis equals the stored state/);
});
