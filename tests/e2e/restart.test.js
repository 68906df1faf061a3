// A node that stops, or is stopped, goes on where it was: nothing acknowledged is lost, and nothing needs repair.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { ask, balance, clientOf, deploy, execute } from "./support/client.js";
import { BINARY, childrenOf, isAlive, launch, seededRandom, sleep, startNetwork, until } from "./support/network.js";

const random = seededRandom("restart");
let network;
let counter;
before(async () => {
  network = await startNetwork();
  counter = await deploy(clientOf(network, "a"), "counter", { count: 0 });
});
after(() => network?.stop());

async function restart() {
  network = await startNetwork({ home: network.home, reset: false });
}

const count = async () => (await ask(clientOf(network, "a"), counter, { get_count: {} })).count;

/** The enclave process: the node's only child. */
function enclavePid() {
  const pids = childrenOf(network.child.pid);
  assert.equal(pids.length, 1, "one enclave process");
  return pids[0];
}

test("after Ctrl-C and a new start everything is as it was", async () => {
  await execute(clientOf(network, "a"), counter, { increment: {} });
  const before = {
    height: await network.height(), count: await count(), balance: await balance(network, ACCOUNTS.a.address),
    key: await network.get("/registration/v1beta1/tx-key"),
  };
  await network.stop({ clean: false });
  assert.equal(network.exit.signal, null);
  assert.equal(network.exit.code, 0, network.output);
  await restart();
  assert.ok((await network.height()) >= before.height);
  assert.deepEqual(await network.get("/registration/v1beta1/tx-key"), before.key);
  assert.equal(await count(), before.count);
  assert.equal(await balance(network, ACCOUNTS.a.address), before.balance);
  await execute(clientOf(network, "a"), counter, { increment: {} });
  assert.equal(await count(), before.count + 1);
});

test("blocks and transactions of before are still found", async () => {
  const { transactionHash, height } = await execute(clientOf(network, "a"), counter, { increment: {} });
  const hash = async () => (await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${height}`)).block_id.hash;
  const before = await hash();
  await network.stop({ clean: false });
  await restart();
  assert.equal(await hash(), before);
  const found = await clientOf(network, "a").query.getTx(transactionHash);
  assert.equal(found.height, height);
});

for (const victim of ["node", "enclave"]) {
  test(`kill -9 of the ${victim} at random moments loses nothing that was acknowledged`, async () => {
    const rounds = 10;
    for (let round = 0; round < rounds; round += 1) {
      const before = await count();
      const client = clientOf(network, "a");
      let acknowledged = 0;
      let failed;
      let killed = false;
      const work = (async () => {
        while (!killed) {
          await execute(client, counter, { increment: {} });
          acknowledged += 1;
        }
      })().catch((error) => {
        // Before the kill nothing may fail.
        if (!killed) failed = error;
      });
      await until(() => acknowledged > 0 || failed, { ms: 30_000, what: "an acknowledged transaction" });
      await sleep(random() * 400);
      assert.equal(failed, undefined, `round ${round}`);
      killed = true;
      const pid = victim === "node" ? network.child.pid : enclavePid();
      process.kill(pid, "SIGKILL");
      await until(() => network.exit, { what: `the end of the node after its ${victim} died` });
      if (victim === "enclave") assert.notEqual(network.exit.code, 0, "the node ends loudly");
      await work;
      await restart();
      const after = await count();
      // The one that was on its way may have been decided, or not.
      const more = after - before - acknowledged;
      assert.ok(more >= 0 && more <= 1, `round ${round}: ${after - before} executed, ${acknowledged} acknowledged`);
    }
    await execute(clientOf(network, "a"), counter, { increment: {} });
  });
}

test("when the node dies, its enclave dies too", async () => {
  const pid = enclavePid();
  process.kill(network.child.pid, "SIGKILL");
  await until(() => network.exit);
  await until(() => !isAlive(pid), { what: "the end of the enclave" });
  // And says why: what ends as it should says nothing of the kind (signals.test.js).
  assert.match(network.output, /strongroom enclave: door closed: the other end is gone/);
  await restart();
});

test("after all that, replaying the stored blocks from genesis into a fresh store gives the same app hash", async () => {
  await network.stop({ clean: false });
  const said = execFileSync(BINARY, ["replay", "--home", network.home], { encoding: "utf8" });
  assert.match(said, /^height [0-9]+ app_hash [0-9A-F]{64}: the replay from genesis equals the stored state/);
  await restart();
});

test("where a damaged journal lost the results of the newest block, it runs again and they are there again", async () => {
  const { transactionHash, height } = await execute(clientOf(network, "a"), counter, { increment: {} });
  const [before, hash] = [await count(), (await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${height}`)).block_id.hash];
  await network.stop({ clean: false });
  // What was written last to it are those results; the block itself is older.
  const directory = join(network.home, "network/data/blocks");
  const journals = readdirSync(directory).filter((name) => name.endsWith(".journal")).sort();
  const journal = join(directory, journals.at(-1));
  const bytes = readFileSync(journal);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(journal, bytes);
  await restart();
  assert.equal(await network.height(), height);
  const found = await clientOf(network, "a").query.getTx(transactionHash);
  assert.deepEqual([found?.height, found?.code], [height, 0]);
  assert.equal((await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${height}`)).block_id.hash, hash);
  assert.equal(await count(), before);
  await execute(clientOf(network, "a"), counter, { increment: {} });
  assert.equal(await count(), before + 1);
});

test("a validator whose memory was deleted finds it again in its blocks", async () => {
  await network.stop({ clean: false });
  const file = join(network.home, "network/data/priv_validator_state.json");
  const before = readFileSync(file, "utf8");
  assert.ok(Number(JSON.parse(before).height) >= 7);
  rmSync(file);
  await restart();
  // In time, not at once: what is there before the first new block is what was there.
  assert.ok(Number(JSON.parse(readFileSync(file, "utf8")).height) >= Number(JSON.parse(before).height));
  await execute(clientOf(network, "a"), counter, { increment: {} });
});

test("a validator whose memory and blocks are gone does not begin again under the same name", async () => {
  await network.stop({ clean: false });
  const [data, aside] = ["data", "aside"].map((name) => join(network.home, "network", name));
  renameSync(data, aside);
  const refused = await launch({ home: network.home, reset: false });
  await until(() => refused.exit, { ms: 30_000, what: "a refusal" });
  assert.equal(refused.exit.code, 1, refused.output);
  assert.match(refused.output, /priv_validator_state\.json is missing/);
  assert.ok(!existsSync(join(data, "priv_validator_state.json")));
  rmSync(data, { recursive: true });
  renameSync(aside, data);
  await restart();
});

test("a reset begins a new chain", async () => {
  const key = await network.get("/registration/v1beta1/tx-key");
  await network.stop({ clean: false });
  network = await startNetwork({ home: network.home, reset: true });
  assert.ok((await network.height()) < 5);
  assert.notDeepEqual(await network.get("/registration/v1beta1/tx-key"), key);
});
