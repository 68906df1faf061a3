// A machine that is short of room makes the chain wait. It does not end it, and nothing needs repair afterwards.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { balance } from "./support/client.js";
import { BINARY, sleep, startNetwork, until } from "./support/network.js";

/** Fills a file system to its last byte; gives the file that fills it. */
function fill(directory) {
  const name = join(directory, "filler");
  const file = openSync(name, "w");
  for (const size of [1 << 20, 1 << 12, 1]) {
    try {
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
    } catch (error) {
      if (error.code !== "ENOSPC") throw error;
    }
  }
  closeSync(file);
  return name;
}

test("a full disk makes the chain wait, and room makes it go on", async (t) => {
  const disk = mkdtempSync(join(tmpdir(), "strongroom-e2e-"));
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=192m", "tmpfs", disk]).status !== 0) {
    return t.skip("this user cannot mount a small file system");
  }
  const home = join(disk, "home");
  let network;
  try {
    network = await startNetwork({ home, blockTime: "1s" });
    const filler = fill(disk);
    await until(() => network.exit || network.output.includes("the chain waits"), {
      ms: 60_000, what: "the chain to notice that there is no room",
    });
    assert.equal(network.exit, undefined, network.output);
    const stuck = await network.height();
    await sleep(3_000);
    assert.equal(await network.height(), stuck, "no block without a place for it");
    assert.equal(network.exit, undefined, network.output);
    rmSync(filler);
    await until(async () => (await network.height()) >= stuck + 3, { ms: 60_000, what: "blocks after there is room" });
    assert.match(network.output, /the chain goes on/);
    // And what was paid before is there after a restart and a replay.
    await network.stop({ clean: false });
    assert.equal(network.exit.code, 0, network.output);
    const said = execFileSync(BINARY, ["replay", "--home", home], { encoding: "utf8" });
    assert.match(said, /the replay from genesis equals the stored state/);
    network = await startNetwork({ home, reset: false });
    assert.ok((await balance(network, ACCOUNTS.a.address)) > 0n);
  } finally {
    await network?.stop({ clean: false });
    execFileSync("umount", [disk]);
    rmSync(disk, { recursive: true });
  }
});
