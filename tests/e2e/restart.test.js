// A node that stops, or is stopped, goes on where it was: nothing acknowledged is lost, and nothing needs repair.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { account, ask, balance, clientOf, deploy, execute } from "./support/client.js";
import { BINARY, sleep, startNetwork, until } from "./support/network.js";

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
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", `${network.child.pid}`]).toString();
  const pids = children.trim().split(/\s+/).map(Number);
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
      let running = true;
      const work = (async () => {
        while (running) {
          await execute(client, counter, { increment: {} });
          acknowledged += 1;
        }
      })().catch(() => {});
      await sleep(Math.random() * 400);
      const pid = victim === "node" ? network.child.pid : enclavePid();
      process.kill(pid, "SIGKILL");
      await until(() => network.exit, { what: `the end of the node after its ${victim} died` });
      if (victim === "enclave") assert.notEqual(network.exit.code, 0, "the node ends loudly");
      running = false;
      await work;
      await restart();
      const after = await count();
      const sent = after - before;
      assert.ok(sent === acknowledged || sent === acknowledged + 1, `${sent} executed, ${acknowledged} acknowledged`);
    }
    const { sequence } = await account(network, ACCOUNTS.a.address);
    assert.ok(sequence > 0n);
    await execute(clientOf(network, "a"), counter, { increment: {} });
  });
}

test("when the node dies, its enclave dies too", async () => {
  const pid = enclavePid();
  process.kill(network.child.pid, "SIGKILL");
  await until(() => network.exit);
  const isAlive = () => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  await until(() => !isAlive(), { what: "the end of the enclave" });
  await restart();
});

test("after all that, replaying the stored blocks from genesis into a fresh store gives the same app hash", async () => {
  await network.stop({ clean: false });
  const said = execFileSync(BINARY, ["replay", "--home", network.home], { encoding: "utf8" });
  assert.match(said, /^height [0-9]+ app_hash [0-9A-F]{64}: the replay from genesis equals the stored state/);
  await restart();
});

test("a reset begins a new chain", async () => {
  const key = await network.get("/registration/v1beta1/tx-key");
  await network.stop({ clean: false });
  network = await startNetwork({ home: network.home, reset: true });
  assert.ok((await network.height()) < 5);
  assert.notDeepEqual(await network.get("/registration/v1beta1/tx-key"), key);
});
