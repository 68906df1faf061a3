// A machine that is short of room makes the chain wait. It does not end it, and nothing needs repair afterwards.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, statfsSync, truncateSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { toBase64 } from "@cosmjs/encoding";
import WebSocket from "ws";

import { ACCOUNTS } from "./support/accounts.js";
import { balance, contractCode } from "./support/client.js";
import { bankSend, broadcast, buildTx, storeCode } from "./support/raw.js";
import { BINARY, sleep, startNetwork, until } from "./support/network.js";

/** A file system of 192 MiB of its own, which takes root's rights; without them the test is skipped by name, as its subject cannot be had. */
function smallDisk(t) {
  const disk = mkdtempSync(join(tmpdir(), "strongroom-e2e-"));
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=192m", "tmpfs", disk]).status === 0) return disk;
  rmSync(disk, { recursive: true });
  t.skip("this user cannot mount a small file system");
  return undefined;
}

function unmount(disk) {
  execFileSync("umount", [disk]);
  rmSync(disk, { recursive: true });
}

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
  const disk = smallDisk(t);
  if (!disk) return;
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
    unmount(disk);
  }
});

test("a long block takes nothing of what the disk keeps free, leaves nothing behind on a full one, and comes when there is room", async (t) => {
  const disk = smallDisk(t);
  if (!disk) return;
  const home = join(disk, "home");
  const large = join(home, "network/data/blocks/large");
  const longRows = () => (existsSync(large) ? readdirSync(large).map((name) => statSync(join(large, name)).size) : []);
  let network;
  try {
    network = await startNetwork({ home });
    const before = await network.height();
    const filler = fill(disk);
    // Its block is a long row, which lies beside the database.
    const { address } = ACCOUNTS.a;
    const count = 300;
    const tx = await buildTx(network, "a", Array(count).fill(bankSend(address, address, "1")), { gas: 60_000 * count });
    const { code, txhash, raw_log } = await broadcast(network, tx);
    assert.equal(code, 0, raw_log);
    const waits = () => network.output.split("the chain waits").length;
    const tries = (more, from = waits()) => until(() => network.exit || waits() >= from + more, { ms: 60_000, what: "tries" });
    await tries(5);
    assert.deepEqual([longRows(), network.exit], [[], undefined], network.output);
    // Room for the row, but not beside the 64 MiB that the database keeps for its files.
    truncateSync(filler, statSync(filler).size - (50 << 20));
    await tries(3);
    assert.deepEqual([longRows(), network.exit], [[], undefined], network.output);
    assert.equal(await network.height(), before);
    rmSync(filler);
    await until(async () => (await network.height()) > before, { ms: 60_000, what: "the block" });
    assert.ok(longRows().length === 1 && longRows()[0] > 0, `${longRows()}`);
    const { tx_response } = await network.get(`/cosmos/tx/v1beta1/txs/${txhash}`);
    assert.equal(tx_response.code, 0, tx_response.raw_log);
    await network.stop({ clean: false });
    assert.equal(network.exit.code, 0, network.output);
    const said = execFileSync(BINARY, ["replay", "--home", home], { encoding: "utf8" });
    assert.match(said, /the replay from genesis equals the stored state/);
  } finally {
    await network?.stop({ clean: false });
    unmount(disk);
  }
});

test("a network without room for what was decided says that it catches up, does what it is asked, and stops in good order", async (t) => {
  const disk = smallDisk(t);
  if (!disk) return;
  const home = join(disk, "home");
  const large = join(home, "network/data/blocks/large");
  const hasLongRow = () => existsSync(large) && readdirSync(large).some((name) => statSync(join(large, name)).size > 0);
  const tool = (...args) => JSON.parse(execFileSync(BINARY, ["localnet", "--home", home, "--output", "json", ...args], { encoding: "utf8", timeout: 30_000 }));
  let network;
  try {
    network = await startNetwork({ home });
    const before = await network.height();
    const filler = fill(disk);
    const { address } = ACCOUNTS.a;
    const count = 300;
    const sends = Array.from({ length: count }, (_, index) => bankSend(address, address, `${9_001 * (index + 1)}`));
    const { code, txhash, raw_log } = await broadcast(network, await buildTx(network, "a", sends, { gas: 60_000 * count }));
    assert.equal(code, 0, raw_log);
    // Room for the block, bit by bit: what is left then is too little for its results, which are long, too.
    const free = () => Number(statfsSync(disk).bavail) * Number(statfsSync(disk).bsize);
    while (free() < 64 << 20) truncateSync(filler, statSync(filler).size - (1 << 20));
    for (const deadline = Date.now() + 60_000; !hasLongRow(); await sleep(2_100)) {
      assert.ok(!network.exit && Date.now() < deadline, network.output);
      truncateSync(filler, statSync(filler).size - (4 << 10));
    }
    const status = tool("status");
    assert.deepEqual([status.catching_up, status.height], [false, `${before}`], "the block is being made");
    // Its next start in the same process; a start of a process would refuse this disk.
    const dump = `${disk}.dump`;
    const dumped = tool("dump", dump);
    rmSync(dump);
    assert.deepEqual([dumped.catching_up, dumped.height], [true, `${before}`]);
    assert.equal(tool("status").catching_up, true);
    network.child.kill("SIGTERM");
    await until(() => network.exit, { ms: 10_000, what: "the stop" });
    assert.equal(network.exit.code, 0, network.output);
    assert.match(network.output, /^stopping$/m);

    rmSync(filler);
    network = await startNetwork({ home, reset: false });
    const { tx_response } = await network.get(`/cosmos/tx/v1beta1/txs/${txhash}`);
    assert.equal(tx_response.code, 0, tx_response.raw_log);
    assert.equal(tool("status").catching_up, false);
  } finally {
    await network?.stop({ clean: false });
    unmount(disk);
  }
});

/** Calls the RPC over one websocket that stays open: whoever has no descriptor left accepts no connection. */
async function callerOf(network) {
  const socket = new WebSocket(network.ws);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  const waiting = new Map();
  socket.on("message", (bytes) => {
    const { id, result, error } = JSON.parse(bytes);
    waiting.get(id)?.({ result, error });
  });
  return async (method, params = {}) => {
    const id = waiting.size + 1;
    const answered = new Promise((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    const { result, error } = await answered;
    assert.ok(result, JSON.stringify(error));
    return result;
  };
}

test("connections that take every descriptor stop no block, and none left for the engine makes it wait, not end", async () => {
  const DESCRIPTORS = 448;
  const network = await startNetwork({ blockTime: "1s", under: ["prlimit", `--nofile=${DESCRIPTORS}`] });
  const { pid } = network.child;
  const limit = (descriptors) => execFileSync("prlimit", ["--pid", `${pid}`, `--nofile=${descriptors}:${DESCRIPTORS}`]);
  const peers = [];
  try {
    const call = await callerOf(network);
    const height = async () => Number((await call("status")).sync_info.latest_block_height);
    const bytes = await buildTx(network, "a", [storeCode(ACCOUNTS.a.address, contractCode("counter"))], { gas: 20_000_000 });
    for (const url of [network.rest, network.rpc, network.faucet]) {
      for (let count = 0; count < 100; count += 1) {
        const { hostname, port } = new URL(url);
        const peer = connect(Number(port), hostname);
        peer.on("error", () => {});
        peers.push(peer);
      }
    }
    const filled = await height();
    await until(async () => (await height()) >= filled + 3, { ms: 60_000, what: "blocks beside the peers" });

    // Whatever is opened from now on, the code of the upload or the validator's state, fails with EMFILE.
    const { hash, code, log } = await call("broadcast_tx_sync", { tx: toBase64(bytes) });
    assert.equal(code, 0, log);
    limit(1);
    await until(() => network.exit || network.output.includes("the chain waits"), { ms: 60_000, what: "the chain to wait" });
    assert.equal(network.exit, undefined, network.output);
    assert.match(network.output, /the chain waits.*Too many open files/);
    const stuck = await height();
    await sleep(3_000);
    assert.ok((await height()) <= stuck + 1, "it waits");
    assert.equal(network.exit, undefined, network.output);

    limit(DESCRIPTORS);
    await until(async () => (await height()) >= stuck + 3, { ms: 60_000, what: "blocks when there are descriptors" });
    assert.match(network.output, /the chain goes on/);
    const tx = await call("tx", { hash: Buffer.from(hash, "hex").toString("base64") });
    assert.equal(tx.tx_result.code, 0, tx.tx_result.log);
    assert.ok(readdirSync(`/proc/${pid}/fd`).length < DESCRIPTORS);
  } finally {
    for (const peer of peers) peer.destroy();
    await network.stop({ clean: false });
  }
  assert.equal(network.exit.code, 0, network.output);
  const said = execFileSync(BINARY, ["replay", "--home", network.home], { encoding: "utf8" });
  assert.match(said, /the replay from genesis equals the stored state/);
  rmSync(network.home, { recursive: true });
});
