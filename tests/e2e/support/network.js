// Starts the real binary as a network of its own, on free ports and in a directory of its own.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** The binary under test. */
export const BINARY = process.env.STRONGROOM_BIN ?? join(ROOT, "target", "release", "strongroom");
const START_MS_MAX = 20_000;
const STOP_MS_MAX = 10_000;

export const CHAIN_ID = "secretdev-1";

/** Processes of networks that nobody has stopped: a failed test leaves its own. They keep no file from ending, and end with it. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** The repository's root. */
export const root = ROOT;

/** Starts a network and waits until its first block is served, and all that was decided before. Options as of `launch`. */
export async function startNetwork(options) {
  const network = await launch(options);
  await network.untilReady();
  return network;
}

/**
 * Starts a network and does not wait. `blockTime` is `instant`, `1s` or `6s`; `more` are further arguments, which stand
 * last; `under` is a command that sets limits and then becomes the binary; `binary` is a copy of it.
 */
export async function launch({ blockTime = "instant", home, reset = true, more = [], under = [], binary = BINARY } = {}) {
  if (!existsSync(BINARY)) throw new Error(`no binary at ${BINARY}: build it, or set STRONGROOM_BIN`);
  const ownHome = home ?? mkdtempSync(join(tmpdir(), "strongroom-e2e-"));
  const [restPort, rpcPort, faucetPort, p2pPort] = await freePorts(4);
  const args = ["localnet", "--home", ownHome, "--block-time", blockTime];
  if (reset) args.push("--reset");
  // Given once: an option that stands twice is an error.
  const ports = { "--rest-port": restPort, "--rpc-port": rpcPort, "--faucet-port": faucetPort };
  if (more.includes("cometbft")) ports["--p2p-port"] = p2pPort;
  for (const [name, port] of Object.entries(ports)) if (!more.includes(name)) args.push(name, port);
  args.push(...more);
  // The same tests with another option: `--contract-engine winch-at-once`, say.
  args.push(...(process.env.STRONGROOM_E2E_OPTIONS ?? "").split(" ").filter(Boolean));

  const [command, ...rest] = [...under, binary, ...args.map(String)];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
  return new Network(child, ownHome, restPort, rpcPort, faucetPort);
}

class Network {
  constructor(child, home, restPort, rpcPort, faucetPort) {
    this.child = child;
    this.home = home;
    this.rest = `http://127.0.0.1:${restPort}`;
    this.rpc = `http://127.0.0.1:${rpcPort}`;
    this.ws = `ws://127.0.0.1:${rpcPort}/websocket`;
    this.faucet = `http://127.0.0.1:${faucetPort}`;
    this.output = "";
    child.stdout.on("data", (bytes) => (this.output += bytes));
    child.stderr.on("data", (bytes) => (this.output += bytes));
    this.ended = new Promise((resolve) => {
      // Not "exit": what it wrote last may come after that.
      child.once("close", (code, signal) => resolve({ code, signal }));
      child.once("error", (error) => resolve({ code: null, signal: null, error }));
    });
    running.add(child);
    this.ended.then((exit) => {
      this.exit = exit;
      running.delete(child);
    });
    for (const handle of this.handles()) handle.unref();
  }

  handles() {
    return [this.child, this.child.stdout, this.child.stderr];
  }

  /** How the process ended; who waits for that keeps the test alive. */
  get exited() {
    for (const handle of this.handles()) handle.ref();
    return this.ended;
  }

  async untilReady() {
    const deadline = Date.now() + START_MS_MAX;
    while (Date.now() < deadline) {
      if (this.exit) break;
      const served = Promise.all([this.height(), this.rpcCall("status")]);
      if (await served.then(([height, { result }]) => height >= 1 && !result.sync_info.catching_up, () => false)) return;
      await sleep(20);
    }
    const why = this.exit ? `it ended: ${JSON.stringify(this.exit)}` : "it did not answer in time";
    await this.stop();
    throw new Error(`the network did not start: ${why}\n${this.output}`);
  }

  async height() {
    const { block } = await this.get("/cosmos/base/tendermint/v1beta1/blocks/latest");
    return Number(block.header.height);
  }

  /** GET; throws the parsed error body. */
  async get(path, headers = {}) {
    const { status, body } = await this.request(path, { headers });
    if (status !== 200) throw Object.assign(new Error(body.message ?? `HTTP ${status}`), { status, body });
    return body;
  }

  /** Any request; gives status, headers and the parsed body. */
  async request(path, options = {}) {
    const response = await fetch(this.rest + path, options);
    const text = await response.text();
    let body;
    try {
      body = JSON.parse(text);
    } catch {
      body = { message: `not JSON: ${text.slice(0, 200)}` };
    }
    return { status: response.status, headers: response.headers, body };
  }

  /** One JSON-RPC call by POST; gives the whole answer. */
  async rpcCall(method, params = {}, id = 1) {
    const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
    const response = await fetch(this.rpc, { method: "POST", body });
    return response.json();
  }

  /** Ends the network as Ctrl-C does; `clean` also removes its directory. */
  async stop({ clean = true } = {}) {
    if (!this.exit) {
      this.child.kill("SIGINT");
      const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS_MAX);
      await this.exited;
      clearTimeout(timer);
    }
    if (clean) rmSync(this.home, { recursive: true, force: true });
  }
}

export async function freePorts(count) {
  // All are held until the last is known, so that none is given twice.
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      return new Promise((resolve, reject) => {
        const server = createServer();
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** The processes whose parent is `pid`. */
export function childrenOf(pid) {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", `${pid}`], { encoding: "utf8" });
  return stdout.split(/\s+/).filter(Boolean).map(Number);
}

/** Whether a process is there and no zombie. */
export function isAlive(pid) {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

/**
 * Random numbers in [0, 1) that can be had again: the seed is printed, and taken from STRONGROOM_TEST_SEED if that is
 * set.
 */
export function seededRandom(name) {
  let state = Number(process.env.STRONGROOM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
  console.log(`${name}: STRONGROOM_TEST_SEED=${state}`);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `check` gives something true, and gives it. */
export async function until(check, { ms = 10_000, every = 20, what = "the condition" } = {}) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await sleep(every);
  }
}
