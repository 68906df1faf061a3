// What is there is not destroyed before everything else is known to be good, and no interruption leaves a directory
// that no command takes.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { childrenOf, freePorts, isAlive, launch, seededRandom, sleep, startNetwork, until } from "./support/network.js";

const START_MS_MAX = 60_000;
const random = seededRandom("home");
let network;
before(async () => {
  network = await startNetwork();
});
after(() => network?.stop());

/** A command of the shell that comes first. */
const afterwards = (command) => ["bash", "-c", `${command}; exec "$0" "$@"`];
const key = (of) => of.get("/registration/v1beta1/tx-key");

/** One hash of all names and contents under a directory. */
function hashOf(directory) {
  const hash = createHash("sha256");
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  assert.ok(names.length > 5, "there is something to hash");
  for (const name of names) hash.update(name).update(readFileSync(name));
  return hash.digest("hex");
}

/** Starts what must not start; gives what it said. */
async function refused(options) {
  const started = await launch(options);
  const exit = await Promise.race([started.exited, sleep(START_MS_MAX)]);
  if (!exit) started.child.kill("SIGKILL");
  assert.ok(exit, `it runs:\n${started.output}`);
  assert.ok(exit.code > 0, `${JSON.stringify(exit)}\n${started.output}`);
  return started.output;
}

/** What is in the home; `admin` is there while a network runs. */
const inHome = () => readdirSync(network.home).sort().filter((name) => name !== "admin");

test("a reset of a network that runs is refused, and the network goes on", async () => {
  const before = await key(network);
  assert.match(await refused({ home: network.home }), /in use by another process/);
  assert.deepEqual(await key(network), before);
  const paid = await fetch(`${network.faucet}/faucet?address=secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne`);
  assert.equal(paid.status, 200, "blocks are made");
});

test("no wrong argument and no want of means touches what is there", async () => {
  const before = await key(network);
  await network.stop({ clean: false });
  const hash = hashOf(network.home);
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const taken = server.address().port;
  const [free] = await freePorts(1);
  const cases = [
    ...["--rest-port", "--rpc-port", "--faucet-port"].map((name) => [[name, taken], /cannot listen on 127\.0\.0\.1/]),
    [["--rest-port", free, "--rpc-port", free], /both [0-9]+/],
    [["--rpc-port", free, "--faucet-port", free], /both [0-9]+/],
    [["--chain-id", ""], /--chain-id/],
    [["--chain-id", "a b"], /--chain-id/],
    [["--chain-id", "x".repeat(51)], /--chain-id/],
    [["--listen", "203.0.113.1"], /cannot listen on 203\.0\.113\.1/],
    [["--rest-port", "65536"], /--rest-port/],
    [["--unknown"], /--unknown/],
  ];
  for (const [more, said] of cases) {
    assert.match(await refused({ home: network.home, more }), said);
    assert.equal(hashOf(network.home), hash, more.join(" "));
  }
  assert.match(await refused({ home: network.home, blockTime: "25h" }), /--block-time/);
  assert.match(await refused({ home: network.home, under: afterwards("ulimit -n 300") }), /may open 300 files/);
  // Without a reset another name is not ignored either.
  const other = await refused({ home: network.home, reset: false, more: ["--chain-id", "other-1"] });
  assert.match(other, /--chain-id other-1 needs --reset/);
  assert.equal(hashOf(network.home), hash);
  server.close();
  network = await startNetwork({ home: network.home, reset: false });
  assert.deepEqual(await key(network), before);
});

test("a directory of something else is never used", async () => {
  const home = mkdtempSync(join(tmpdir(), "strongroom-e2e-"));
  writeFileSync(join(home, "thesis.txt"), "years");
  assert.match(await refused({ home }), /not a home of strongroom/);
  assert.deepEqual(readdirSync(home), ["thesis.txt"]);
  rmSync(home, { recursive: true });
});

test("a disk without room is refused before anything is written", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "strongroom-e2e-"));
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", home]);
  if (mount.status !== 0) return t.skip("this user cannot mount a small file system");
  try {
    assert.match(await refused({ home }), /MiB free: a network needs/);
    assert.deepEqual(readdirSync(home), []);
  } finally {
    execFileSync("umount", [home]);
    rmSync(home, { recursive: true });
  }
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  test(`${signal} stops in good order`, async () => {
    const pids = childrenOf(network.child.pid);
    assert.equal(pids.length, 1);
    network.child.kill(signal);
    await until(() => network.exit, { ms: 30_000, what: "the end" });
    assert.deepEqual([network.exit.code, network.exit.signal], [0, null], network.output);
    await until(() => !isAlive(pids[0]), { what: "the end of the enclave" });
    network = await startNetwork({ home: network.home, reset: false });
  });
}

test("a second signal ends a node at once that cannot stop in good order", async () => {
  await network.stop({ clean: false });
  network = await startNetwork({ home: network.home, reset: false, blockTime: "1s" });
  const [enclave] = childrenOf(network.child.pid);
  process.kill(enclave, "SIGSTOP");
  // Longer than a block time: the engine is inside of a block then, and waits for the enclave.
  await sleep(2_500);
  network.child.kill("SIGTERM");
  await sleep(1_000);
  assert.equal(network.exit, undefined, "it waits for its block");
  network.child.kill("SIGTERM");
  await until(() => network.exit, { what: "the end" });
  assert.equal(network.exit.code, 130);
  process.kill(enclave, "SIGCONT");
  await until(() => !isAlive(enclave), { what: "the end of the enclave" });
  network = await startNetwork({ home: network.home, reset: false });
});

test("a node under nohup outlives its terminal", async () => {
  const child = await launch({ under: afterwards("trap '' HUP") });
  await child.untilReady();
  child.child.kill("SIGHUP");
  await sleep(500);
  assert.ok((await child.height()) >= 1);
  await child.stop();
});

const SIGNALS = ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"];

/** Ends a start at a moment; nothing of it may live on. */
async function interrupt(started, signal, ms) {
  await sleep(ms);
  // Held still, so that no child is born between being seen and the end.
  started.child.kill("SIGSTOP");
  const children = childrenOf(started.child.pid);
  started.child.kill(signal);
  started.child.kill("SIGCONT");
  await until(() => started.exit, { ms: 30_000, what: `the end after ${signal}` });
  await until(() => !children.some(isAlive), { ms: 30_000, what: "the end of the enclave" });
}

test("a reset that is ended at any moment leaves the old network or the new one, and a start takes it", async () => {
  const since = Date.now();
  await network.stop({ clean: false });
  network = await startNetwork({ home: network.home });
  const whole = Date.now() - since;
  const rounds = 16;
  let kept = 0;
  for (let round = 0; round < rounds; round += 1) {
    const before = await key(network);
    await network.stop({ clean: false });
    // A kill in each part of a start; the first ones within some milliseconds.
    const ms = round < 4 ? 1 + random() * 100 : ((round + random()) / rounds) * whole;
    const started = await launch({ home: network.home });
    await interrupt(started, SIGNALS[round % 4], ms);
    const greeted = started.output.includes("is running");
    network = await startNetwork({ home: network.home, reset: false });
    const isOld = JSON.stringify(await key(network)) === JSON.stringify(before);
    assert.ok(!(greeted && isOld), `round ${round}: it said that the new network runs, and the old one is back`);
    assert.deepEqual(inHome(), ["lock", "network", "strongroom-home"], `round ${round}`);
    kept += isOld ? 1 : 0;
  }
  assert.ok(kept > 0, "no kill came before the first block");
});

test("a reset whose new network makes no block puts the old network back itself", async () => {
  let said = "";
  for (let round = 0; round < 20 && said === ""; round += 1) {
    const before = await key(network);
    await network.stop({ clean: false });
    const started = await launch({ home: network.home });
    // The new network is in its place, and its enclave ends before the first block, if it is seen in time.
    await until(() => started.exit || existsSync(join(network.home, "previous")), { ms: 30_000, every: 1, what: "the new network" });
    // On a busy machine the enclave may come later than what was waited for.
    const ended = () => {
      for (const pid of started.exit ? [] : childrenOf(started.child.pid)) {
        try {
          process.kill(pid, "SIGKILL");
        } catch (error) {
          assert.equal(error.code, "ESRCH");
        }
      }
      return started.exit;
    };
    await until(ended, { ms: 60_000, every: 5, what: "the end" });
    assert.ok(started.exit.code > 0, started.output);
    assert.deepEqual(inHome(), ["lock", "network", "strongroom-home"]);
    network = await startNetwork({ home: network.home, reset: false });
    if (started.output.includes("is running")) continue;
    said = started.output;
    assert.match(said, /the new network made no block: the old one is back/);
    assert.deepEqual(await key(network), before);
  }
  assert.ok(said !== "", "every network had its block before its enclave was seen");
});

test("a first start that is ended at any moment is followed by one that works", async () => {
  for (const [round, signal] of SIGNALS.entries()) {
    const started = await launch({ reset: round % 2 === 0 });
    await interrupt(started, signal, random() * 300);
    const next = await startNetwork({ home: started.home, reset: false });
    await next.stop();
  }
});
