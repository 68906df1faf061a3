// Real nodes of one network, each in a network namespace of its own, joined by switch.py: packets between any two can be lost or late.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { ACCOUNTS } from "../e2e/support/accounts.js";
import { BINARY, isAlive, launch, root, sleep } from "../e2e/support/network.js";
import { stood, unwatchDisk, until, watchDisk } from "./disk.js";

const SWITCH = join(dirname(fileURLToPath(import.meta.url)), "switch.py");
const COMETBFT = join(root, "tools", "bin", "cometbft");
const [REST, RPC, P2P] = [1317, 26657, 26656];
/** How long a node may take to answer after a start, on a busy machine. */
export const START_MS_MAX = 120_000;
const BLOCK_TIME = "300ms";
const REQUEST_MS_MAX = 10_000;
/** How long a node may take to end in good order. */
const STOP_MS_MAX = 30_000;

/** Why the lab cannot be had here; nothing if it can. */
export function missing() {
  const tried = spawnSync("ip", ["netns", "add", `sr-try-${process.pid}`]);
  if (tried.status !== 0) return "this user cannot make network namespaces";
  spawnSync("ip", ["netns", "del", `sr-try-${process.pid}`]);
  if (!existsSync("/dev/net/tun")) return "no /dev/net/tun";
  if (spawnSync("python3", ["--version"]).status !== 0) return "no python3";
  if (!existsSync(COMETBFT)) return "no CometBFT: scripts/install-cometbft";
  return undefined;
}

/** The nodes of a network and what lies between them. */
export class Lab {
  /** A network of `validators`, which `spare` namespaces stand ready to join. */
  static async start({ validators, spare = 0, seed, say }) {
    const lab = new Lab();
    lab.say = say;
    lab.home = mkdtempSync(join(tmpdir(), "strongroom-faults-"));
    watchDisk(lab.home, say);
    lab.mounts = [];
    lab.prefix = `sr${process.pid}-`;
    lab.namespaces = Array.from({ length: validators + spare }, (_, index) => `${lab.prefix}${index}`);
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => lab.stop().finally(() => process.exit(1)));
    try {
      for (const name of lab.namespaces) execFileSync("ip", ["netns", "add", name]);
      await lab.#connect(seed);
      const made = await makeHomes(join(lab.home, "made"), validators);
      lab.nodes = made.map((home, index) => new Member(lab, index, home));
      await Promise.all(lab.nodes.map((node) => node.start()));
      return lab;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  async #connect(seed) {
    this.switch = spawn("python3", [SWITCH, `${seed}`, ...this.namespaces], { stdio: ["pipe", "pipe", "inherit"] });
    this.switch.stdin.on("error", () => {});
    const lines = createInterface({ input: this.switch.stdout });
    this.answers = [];
    lines.on("line", (line) => this.answers.shift()?.(line));
    const ready = new Promise((resolve, reject) => {
      this.answers.push(resolve);
      this.switch.once("close", (code) => reject(new Error(`the switch ended with ${code}`)));
    });
    await ready;
  }

  /** What happens to packets from one node to another, by their numbers. */
  link(from, to, { drop = false, delay = 0, loss = 0 } = {}) {
    this.switch.stdin.write(`${JSON.stringify({ from: from + 1, to: to + 1, drop, delay, loss })}\n`);
    return new Promise((resolve) => this.answers.push(resolve));
  }

  /** The same for all pairs of two groups, in both directions. */
  async between(some, others, rule) {
    for (const a of some) for (const b of others) if (a !== b) await Promise.all([this.link(a, b, rule), this.link(b, a, rule)]);
  }

  /** All packets pass at once again. */
  heal() {
    const all = this.namespaces.map((_, index) => index);
    return this.between(all, all, {});
  }

  /** A new node with a registered owner, in a spare namespace; it does not vote yet. */
  async join(owner) {
    const index = this.nodes.length;
    const home = join(this.home, `joiner${index}`);
    const via = this.nodes.find((node) => node.running);
    const cli = (args, input) => runTool([...args, "--home", home], input);
    await cli(["node", "init", "--genesis", join(this.nodes[0].network, "config", "genesis.json")]);
    await cli(["node", "register", "--node", via.rpc, "--mnemonic", "-"], ACCOUNTS[owner].mnemonic);
    const node = new Member(this, index, home);
    this.nodes.push(node);
    await node.start();
    return node;
  }

  /** Puts the data of a stopped node on a small file system of its own. */
  mountSmall(node, megabytes) {
    return this.#mount(node, ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs"]);
  }

  /** Puts the data of a stopped node on a disk of its own, which can be frozen. */
  mountDisk(node) {
    const image = join(this.home, `disk${node.index}`);
    execFileSync("truncate", ["-s", "4G", image]);
    execFileSync("mkfs.ext4", ["-q", "-F", image]);
    return this.#mount(node, ["-o", "loop", image]);
  }

  #mount(node, what) {
    const data = join(node.network, "data");
    const kept = `${data}.kept`;
    execFileSync("mv", [data, kept]);
    mkdirSync(data);
    execFileSync("mount", [...what, data]);
    this.mounts.push(data);
    execFileSync("cp", ["-a", `${kept}/.`, data]);
    rmSync(kept, { recursive: true });
    return data;
  }

  /** Ends everything; gives how often and for how long the disk of this machine stood. */
  async stop({ keep = false } = {}) {
    await Promise.all((this.nodes ?? []).map((node) => node.kill("SIGTERM")));
    this.switch?.stdin.end();
    for (const mount of this.mounts) unmount(mount, keep);
    const disk = await unwatchDisk();
    for (const name of this.namespaces) spawnSync("ip", ["netns", "del", name]);
    if (!keep) rmSync(this.home, { recursive: true, force: true });
    return disk;
  }
}

/** Takes a file system of its own away; if it is to be kept, what is on it stays in its place. */
function unmount(mount, keep) {
  const kept = `${mount}.kept`;
  if (keep) spawnSync("cp", ["-a", mount, kept]);
  spawnSync("umount", ["-l", mount]);
  if (keep) spawnSync("cp", ["-a", `${kept}/.`, mount]);
  rmSync(kept, { recursive: true, force: true });
}

/** A network of validators made and registered by `strongroom localnet`, stopped; the nodes' homes. */
async function makeHomes(home, validators) {
  const base = 20_000 + Math.floor(Math.random() * 90) * 100;
  const ports = ["--rest-port", base, "--rpc-port", base + 1, "--p2p-port", base + 2];
  const more = ["--validators", validators, "--cometbft", COMETBFT, ...ports];
  const made = await launch({ home, blockTime: "200ms", more });
  try {
    await until(() => made.exit || made.output.includes("is running"), { ms: START_MS_MAX, what: "the network" });
    if (made.exit) throw new Error(made.output);
  } finally {
    await made.stop({ clean: false });
  }
  return Array.from({ length: validators }, (_, index) => join(home, "network", `node${index}`));
}

function runTool(args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(BINARY, args, { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (output += bytes));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("close", (code) => (code === 0 ? resolve(output) : reject(new Error(`${args.join(" ")}: ${output}`))));
  });
}

/** One node: its home, its processes, its servers. */
export class Member {
  constructor(lab, index, home) {
    this.lab = lab;
    this.index = index;
    this.home = home;
    this.network = join(home, "network");
    this.host = `10.77.0.${index + 2}`;
    this.rest = `http://${this.host}:${REST}`;
    this.rpc = `http://${this.host}:${RPC}`;
    this.log = join(lab.home, `node${index}.log`);
    this.restarts = 0;
    this.nodeId = idOf(this.network);
  }

  get running() {
    return this.child !== undefined;
  }

  /** `strongroom node start`; it is ready when it serves blocks. */
  async start({ ready = true } = {}) {
    const others = this.lab.nodes.filter((node) => node.index !== this.index);
    const peers = others.map((node) => `${node.nodeId}@${node.host}:${P2P}`);
    const args = ["node", "start", "--private-network", "--home", this.home, "--cometbft", this.cometbft ?? COMETBFT];
    args.push("--listen", this.host, "--p2p-listen", this.host, "--external-address", `${this.host}:${P2P}`);
    args.push("--moniker", `node${this.index}`, "--block-time", BLOCK_TIME, "--peers", peers.join(","));
    const child = spawn("ip", ["netns", "exec", this.lab.namespaces[this.index], BINARY, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    this.begun = Date.now();
    const log = createWriteStream(this.log, { flags: "a" });
    let last = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (bytes) => {
        last = `${last}${bytes}`.slice(-2_000);
        log.write(bytes);
      });
    }
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        log.end();
        if (this.child === child) this.child = undefined;
        resolve({ code, signal, last });
      });
    });
    if (ready) await this.ready();
  }

  async ready(ms = START_MS_MAX) {
    await until(async () => !this.child || (await this.height()) > 0, { ms, every: 100, what: `node ${this.index}` });
    if (this.child) return undefined;
    const { last } = await this.ended;
    // A CometBFT whose disk stands ends late: then the port is taken for longer than a node waits for it.
    if (!/Address already in use/.test(last) || stood(this.begun) === 0) throw new Error(`node ${this.index} ended: ${last}`);
    return this.restart();
  }

  /** Signals the node; gives how it ended. Nothing if it does not run. */
  async kill(signal = "SIGKILL") {
    if (!this.child) return undefined;
    const ended = this.ended;
    // `ip netns exec` has become the node: it has the pid of the child.
    this.child.kill(signal);
    let over = false;
    ended.then(() => (over = true));
    await until(() => over, { ms: STOP_MS_MAX, what: `node ${this.index} to end` }).catch(() => this.child?.kill("SIGKILL"));
    return ended;
  }

  /** Starts the node again after its processes are gone, as a service manager does. */
  async restart(options) {
    this.restarts += 1;
    await this.start(options);
  }

  /** The processes of the node by role. */
  processes() {
    const node = this.child?.pid;
    const { stdout } = spawnSync("ps", ["-o", "pid=,args=", "--ppid", `${node}`], { encoding: "utf8" });
    const find = (pattern) => {
      const line = stdout.split("\n").find((line) => pattern.test(line));
      return line && Number(line.trim().split(" ")[0]);
    };
    return { node, enclave: find(/strongroom enclave/), cometbft: find(/cometbft start/) };
  }

  /** Kills one process by role at once; the node is started again if it ended by that. Gives whether there was one. */
  async strike(role) {
    const { [role]: pid, cometbft } = this.processes();
    if (!pid) return false;
    const ended = this.ended;
    process.kill(pid, "SIGKILL");
    if (role !== "cometbft") {
      await ended;
      // At once: its port may still be held by the CometBFT of before, which ends by itself.
      await this.restart({ ready: false });
      if (cometbft) await until(() => !isAlive(cometbft), { what: "CometBFT to end with its node" });
    }
    return true;
  }

  async call(method, params = {}) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const response = await fetch(this.rpc, { method: "POST", body, signal: AbortSignal.timeout(REQUEST_MS_MAX) });
    const { result, error } = await response.json();
    if (error) throw new Error(`${method}: ${error.message} ${error.data ?? ""}`);
    return result;
  }

  async get(path) {
    const response = await fetch(this.rest + path, { signal: AbortSignal.timeout(REQUEST_MS_MAX) });
    if (!response.ok) throw Object.assign(new Error(`${path}: HTTP ${response.status}`), { status: response.status });
    return response.json();
  }

  /** Height of the newest block; 0 if the node does not answer. */
  async height() {
    const status = await this.call("status").catch(() => undefined);
    return Number(status?.sync_info.latest_block_height ?? 0);
  }

  /** Waits until the node answers; gives its height. */
  answers(ms = START_MS_MAX) {
    return until(() => this.height(), { ms, every: 100, what: `an answer of node ${this.index}` });
  }

  /** Where its consensus is, for people: height/round/step, or why that cannot be had. */
  async place() {
    const { round_state: at } = await this.call("consensus_state");
    return at["height/round/step"];
  }

  /** Waits until the node has `by` more blocks than now. */
  async grows(by = 2, ms = START_MS_MAX) {
    const from = await this.answers();
    await until(async () => (await this.height()) >= from + by, { ms, every: 100, what: `${by} blocks of node ${this.index}` });
  }

  /** Waits until the node has all blocks that another had when this was called. */
  async catchesUp(other, ms = START_MS_MAX) {
    const height = await other.answers();
    await until(async () => (await this.height()) >= height, { ms, every: 100, what: `node ${this.index} at ${height}` });
  }
}

function idOf(network) {
  const { priv_key } = JSON.parse(readFileSync(join(network, "config", "node_key.json"), "utf8"));
  const pubkey = Buffer.from(priv_key.value, "base64").subarray(32);
  return createHash("sha256").update(pubkey).digest("hex").slice(0, 40);
}

export { sleep, until };
