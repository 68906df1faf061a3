// An ordinary user who may hardly start a thread beyond those of a node at rest, or may not write. Needs root, to become that user.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { BINARY, launch, until } from "./support/network.js";

/** The user that owns nothing. */
const NOBODY = 65534;
const USER = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
/** Threads that a start takes for a moment. */
const SPARE = 8;
const ROUNDS = 10;
const AT_ONCE = 100;

const directory = mkdtempSync(join(tmpdir(), "strongroom-threads-"));
let network;
let atRest;
after(async () => {
  await network?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Threads of all processes of the user: what RLIMIT_NPROC counts. */
function threadsOfUser() {
  const lines = execFileSync("ps", ["-eL", "-o", "uid="], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => Number(line.trim() || -1) === NOBODY).length;
}

test("a user who may make hardly any more threads keeps a node that takes every broadcast and makes blocks", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("becomes another user: needs root");
  chmodSync(directory, 0o755);
  const binary = join(directory, "strongroom");
  copyFileSync(BINARY, binary);
  chmodSync(binary, 0o755);
  const home = join(directory, "home");
  mkdirSync(home);
  chownSync(home, NOBODY, NOBODY);

  // What it takes at rest is seen first.
  network = await launch({ blockTime: "1s", home, reset: false, binary, under: USER });
  await network.untilReady();
  atRest = threadsOfUser();
  const limit = atRest + SPARE;
  await network.stop({ clean: false });
  network = await launch({ blockTime: "1s", home, reset: false, binary, under: [...USER, "prlimit", `--nproc=${limit}`] });
  await network.untilReady();

  const height = await network.height();
  const hashes = new Set();
  for (let round = 0; round < ROUNDS; round += 1) {
    const calls = Array.from({ length: AT_ONCE }, (_, at) => {
      const tx = Buffer.from(`no transaction ${round} ${at}`).toString("base64");
      return network.rpcCall("broadcast_tx_async", { tx });
    });
    for (const { result, error } of await Promise.all(calls)) {
      assert.ok(result, JSON.stringify(error));
      hashes.add(result.hash);
    }
  }
  assert.equal(hashes.size, ROUNDS * AT_ONCE);
  const deadline = Date.now() + 60_000;
  while ((await network.height()) < height + 2) {
    assert.equal(network.exit, undefined, network.output);
    assert.ok(Date.now() < deadline, "blocks go on");
  }
  assert.ok(threadsOfUser() <= limit);
  assert.doesNotMatch(network.output, /panicked/);
  await network.stop({ clean: false });
});

/** An empty directory of the user. */
function homeOfUser(name) {
  const home = join(directory, name);
  mkdirSync(home);
  chownSync(home, NOBODY, NOBODY);
  return home;
}

/** Starts under a limit what must not start; gives what it said. */
async function refused(home, limit) {
  const started = await launch({ home, reset: false, binary: join(directory, "strongroom"), under: [...USER, "prlimit", limit] });
  const { code, signal } = await started.exited;
  assert.ok(code > 0 && signal === null, `${limit}: ${code} ${signal}`);
  assert.doesNotMatch(started.output, /panicked/);
  assert.deepEqual(readdirSync(home), [], limit);
  return started.output;
}

test("a user who may make too few threads or open too few files is told so before anything is touched", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("becomes another user: needs root");
  const home = homeOfUser("few");
  for (const limit of [1, 2, 7, 20, 40, 61]) {
    const said = await refused(home, `--nproc=${limit}`);
    // Two are there: the one that asks, and the one that listens to signals.
    assert.match(said, new RegExp(`start\\.threads: .* ${Math.max(limit - 2, 0)} more threads, .* needs 60: raise .*ulimit -u`));
  }
  for (const limit of [8, 16, 100, 256, 447]) {
    const said = await refused(home, `--nofile=${limit}`);
    assert.match(said, new RegExp(`start\\.descriptors: .* open ${limit} files .* needs 448: raise .*ulimit -n`));
  }
});

test("the threads and files that a start asks for are enough for a new network, for a reset, and to go on", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("becomes another user: needs root");
  assert.equal(threadsOfUser(), 0);
  const home = homeOfUser("enough");
  const under = [...USER, "prlimit", "--nproc=62", "--nofile=448"];
  for (const reset of [false, true, false]) {
    const started = await launch({ home, reset, blockTime: "1s", binary: join(directory, "strongroom"), under });
    await started.untilReady();
    await until(async () => (await started.height()) >= 3, { ms: 60_000, what: "blocks" });
    await started.stop({ clean: false });
    assert.equal(started.exit.code, 0, started.output);
  }
});

test("a home that may not be written to is refused, and nothing in it is touched", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("becomes another user: needs root");
  const home = join(directory, "foreign");
  mkdirSync(home);
  for (const where of [home, join(home, "new", "home")]) {
    const started = await launch({ home: where, reset: false, binary: join(directory, "strongroom"), under: USER });
    const { code } = await started.exited;
    assert.ok(code > 0, started.output);
    assert.match(started.output, /cannot write to .*foreign: Permission denied/);
  }
  assert.deepEqual(readdirSync(home), []);
});
