// An ordinary user who may hardly start a thread beyond those of a node at rest. Needs root, to become that user.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { BINARY, launch } from "./support/network.js";

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

test("a user who may make too few threads is told so, and the node does not start", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("becomes another user: needs root");
  const home = join(directory, "few");
  mkdirSync(home);
  chownSync(home, NOBODY, NOBODY);
  // Enough for the stores and the enclave; too few for the servers.
  const few = threadsOfUser() + atRest / 2;
  const under = [...USER, "prlimit", `--nproc=${Math.floor(few)}`];
  const refused = await launch({ home, reset: false, binary: join(directory, "strongroom"), under });
  const { code, signal } = await refused.exited;
  assert.ok(code !== 0 && signal === null, `${code} ${signal}`);
  assert.doesNotMatch(refused.output, /panicked/);
  assert.match(refused.output, /no thread for the servers: .*ulimit -u/);
});
