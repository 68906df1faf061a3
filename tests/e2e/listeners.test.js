// Peers that hold back what they owe: half a request, or the reading of an answer. On every server, more of them than it
// has places, with few descriptors. Blocks go on, and whoever asks honestly is served once the deadlines are over.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import WebSocket from "ws";

import { ACCOUNTS } from "./support/accounts.js";
import { balance } from "./support/client.js";
import { BINARY, sleep, startNetwork, until } from "./support/network.js";

/** Few descriptors: 640, of which a node keeps 384 for itself. */
const DESCRIPTORS = 640;
/** More than any server has places then. */
const PEERS = 160;
/** The longest deadline of the listener, and time for a slow machine. */
const PATIENCE_MS = 90_000;
/** What the pools and buffers may add, with room to spare: far below what the peers try to fill. */
const GROWTH_MIB_MAX = 400;
/** What bodies in tiny pieces may add: the pool, and room to spare. A list of their pieces takes three times as much. */
const TINY_PIECES_MIB_MAX = 100;

let network;
before(async () => {
  network = await startNetwork({ blockTime: "1s", under: ["prlimit", `--nofile=${DESCRIPTORS}`] });
});
after(() => network?.stop());

const memoryMib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
const threads = (pid) => readdirSync(`/proc/${pid}/task`).length;

/** A connection that nobody minds: whatever happens to it is fine. */
function peer(url) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  return socket;
}

const HEAD = "GET /status HTTP/1.1\r\nHost: x\r\n";
/** What peers do, by turns. */
const ABUSES = [
  () => {},
  (socket) => socket.write(HEAD),
  (socket) => {
    socket.write(`POST /cosmos/tx/v1beta1/txs HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n`);
    socket.write(Buffer.alloc(3_900_000, "x"));
  },
  (socket) => {
    socket.pause();
    socket.write(`${HEAD}\r\n`.repeat(5_000));
  },
  (socket) => socket.write(`${HEAD}X: ${"x".repeat(200_000)}`),
];

async function honest(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), headers: { connection: "close" } });
  assert.equal(answer.status, 200, url);
}

test("peers that hold every place of every server stop no block, fill no memory, and the honest are served after them", async () => {
  const pid = network.child.pid;
  const [memoryBefore, heightBefore] = [memoryMib(pid), await network.height()];
  const servers = [network.rest, network.rpc, network.faucet];
  const peers = servers.flatMap((url) => Array.from({ length: PEERS }, (_, at) => {
    const socket = peer(url);
    ABUSES[at % ABUSES.length](socket);
    return socket;
  }));
  let memoryMax = 0;
  const watching = setInterval(() => (memoryMax = Math.max(memoryMax, memoryMib(pid))), 50);
  try {
    await sleep(1_500);
    assert.ok(readdirSync(`/proc/${pid}/fd`).length < DESCRIPTORS, "descriptors are left for the stores");
    await Promise.all([
      honest(`${network.rest}/cosmos/base/tendermint/v1beta1/blocks/latest`),
      honest(`${network.rpc}/status`),
      honest(`${network.faucet}/status`),
    ]);
    // They came at least as often as a slow machine makes them while all places were held.
    assert.ok((await network.height()) >= heightBefore + 2, "blocks went on");
  } finally {
    clearInterval(watching);
    for (const socket of peers) socket.destroy();
  }
  assert.ok(memoryMax - memoryBefore < GROWTH_MIB_MAX, `${memoryBefore} MiB grew to ${memoryMax} MiB`);
  assert.equal(network.exit, undefined);
});

test("bodies in chunks of one byte hold little more memory than their bytes", async () => {
  const pid = network.child.pid;
  const before = memoryMib(pid);
  const body = Buffer.from("1\r\nx\r\n".repeat(3_900_000));
  const peers = Array.from({ length: 20 }, () => {
    const socket = peer(network.rpc);
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    socket.write(body);
    return socket;
  });
  let most = before;
  try {
    for (let round = 0; round < 120; round += 1) {
      await sleep(100);
      most = Math.max(most, memoryMib(pid));
    }
  } finally {
    for (const socket of peers) socket.destroy();
  }
  assert.ok(most - before < TINY_PIECES_MIB_MAX, `${before} MiB grew to ${most} MiB`);
});

test("no request makes a thread, however many come at once", async () => {
  const pid = network.child.pid;
  await honest(`${network.rpc}/status`);
  const count = threads(pid);
  const hashes = new Set();
  let most = 0;
  const watching = setInterval(() => (most = Math.max(most, threads(pid))), 20);
  try {
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 60 }, async (_, at) => {
        const tx = Buffer.from(`no transaction ${round} ${at}`).toString("base64");
        const rest = at % 2 === 0;
        if (rest) {
          const { body } = await network.request("/cosmos/tx/v1beta1/txs", {
            method: "POST",
            body: JSON.stringify({ txBytes: tx, mode: "BROADCAST_MODE_ASYNC" }),
          });
          hashes.add(body.tx_response.txhash);
        } else {
          const { result } = await network.rpcCall("broadcast_tx_async", { tx });
          hashes.add(result.hash);
        }
      }));
    }
  } finally {
    clearInterval(watching);
  }
  assert.equal(hashes.size, 600, "every one was taken");
  assert.ok(most <= count, `${count} threads became ${most}`);
});

test("a node that may open too few files says so and does not start", () => {
  const home = `${network.home}-few`;
  const run = () =>
    execFileSync("prlimit", ["--nofile=300", BINARY, "localnet", "--home", home, "--rest-port", "0", "--rpc-port", "0", "--faucet-port", "0"], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
    });
  assert.throws(run, (error) => {
    assert.notEqual(error.status, 0);
    assert.match(String(error.stderr), /may open 300 files \(RLIMIT_NOFILE\), and a node needs 448/);
    return true;
  });
  execFileSync("rm", ["-rf", home]);
});

test("only GET and POST make the faucet pay", async () => {
  const address = "secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne";
  const url = `${network.faucet}/faucet?address=${address}`;
  for (const [method, status] of [["HEAD", 405], ["OPTIONS", 204], ["PUT", 405], ["DELETE", 405], ["PATCH", 405]]) {
    const answer = await fetch(url, { method });
    assert.equal(answer.status, status, method);
    assert.equal(answer.headers.get("access-control-allow-origin"), "*", method);
    assert.match(answer.headers.get("access-control-allow-methods"), /GET, POST/);
  }
  const before = await balance(network, address);
  const height = await network.height();
  await until(async () => (await network.height()) >= height + 2, { what: "two blocks" });
  assert.equal(await balance(network, address), before, "nothing was paid");
  const paid = await fetch(url, { method: "POST" });
  assert.equal(paid.status, 200);
  await until(async () => (await balance(network, address)) > before, { what: "the coins" });
});

test("HEAD and OPTIONS change nothing on REST", async () => {
  for (const method of ["HEAD", "OPTIONS"]) {
    const answer = await fetch(`${network.rest}/cosmos/tx/v1beta1/txs`, { method });
    assert.ok([204, 501].includes(answer.status), `${method}: ${answer.status}`);
  }
});

test("a websocket that never reads holds up no subscriber", async () => {
  const deaf = peer(network.rpc);
  deaf.write(
    "GET /websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await new Promise((resolve) => deaf.once("data", resolve));
  deaf.pause();
  const socket = new WebSocket(network.ws);
  await new Promise((resolve) => socket.once("open", resolve));
  const heights = [];
  socket.on("message", (bytes) => {
    const { result } = JSON.parse(bytes);
    const height = result?.data?.value?.header?.height;
    if (height) heights.push(Number(height));
  });
  socket.send(JSON.stringify({ id: ACCOUNTS.a.address, method: "subscribe", params: { query: "tm.event='NewBlockHeader'" } }));
  await until(() => heights.length >= 3, { ms: PATIENCE_MS, what: "three blocks" });
  heights.forEach((height, at) => assert.equal(height, heights[0] + at));
  socket.close();
  deaf.destroy();
});
