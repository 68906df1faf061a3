// docs/book/operator.md, run as it stands there: two operators, each in a network namespace of its own, with a cable between them.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { BINARY, root } from "./support/network.js";

const PAGE = join(root, "docs", "book", "operator.md");
/** The longest that a block of the page may take: a start, a registration, and blocks that are fetched. */
const BLOCK_MS_MAX = 180_000;
const ADDRESSES = { a: "203.0.113.1", b: "203.0.113.2" };
const DONE = "--- done ---";

/** The blocks that somebody runs: who, what, and whether it sends files to the other. */
function blocksOf(page) {
  const blocks = page.matchAll(/^```sh ([ab])( sends)?\n(.*?)^```$/gms);
  return Array.from(blocks, ([, who, sends, text]) => ({ who, sends: Boolean(sends), text }));
}

const run = (...words) => {
  const { status, stderr } = spawnSync(words[0], words.slice(1), { encoding: "utf8" });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
};

/** An operator: a machine with a shell, which keeps its place between blocks. */
class Operator {
  constructor(name, directory) {
    this.name = name;
    this.namespace = `operator-${process.pid}-${name}`;
    this.directory = join(directory, name);
    mkdirSync(this.directory);
    run("ip", "netns", "add", this.namespace);
    run("ip", "-n", this.namespace, "link", "set", "lo", "up");
  }

  plug(link) {
    run("ip", "link", "set", link, "netns", this.namespace);
    run("ip", "-n", this.namespace, "address", "add", `${ADDRESSES[this.name]}/24`, "dev", link);
    run("ip", "-n", this.namespace, "link", "set", link, "up");
  }

  open(path) {
    const words = ["netns", "exec", this.namespace, "bash"];
    const env = { ...process.env, PATH: [path, process.env.PATH].join(delimiter) };
    this.shell = spawn("ip", words, { cwd: this.directory, env, detached: true });
    this.output = "";
    for (const stream of [this.shell.stdout, this.shell.stderr]) stream.on("data", (bytes) => (this.output += bytes));
    this.ended = new Promise((resolve) => this.shell.once("close", resolve));
    this.shell.stdin.on("error", () => {});
    this.shell.stdin.write("set -e\n");
  }

  /** Runs a block in the shell; gives what it said. */
  async run(block) {
    this.output = "";
    this.shell.stdin.write(`${block}\necho '${DONE}'\n`);
    const until = Date.now() + BLOCK_MS_MAX;
    let ended = false;
    this.ended.then(() => (ended = true));
    while (!this.output.includes(DONE)) {
      const log = spawnSync("tail", ["-n", "5", join(this.directory, "node.log")], { encoding: "utf8" }).stdout;
      if (ended || Date.now() > until) throw new Error(`operator ${this.name}, ${ended ? "failed" : "too late"}:\n${block}\n${this.output}\n${log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.output;
  }

  /** What `scp FILE… other:` does. */
  send(text, operators) {
    const words = text.trim().split(/\s+/);
    assert.equal(words.shift(), "scp");
    const to = operators[words.pop().replace(":", "")];
    for (const file of words) copyFileSync(join(this.directory, file), join(to.directory, basename(file)));
  }

  close() {
    try {
      if (this.shell) process.kill(-this.shell.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    spawnSync("ip", ["netns", "delete", this.namespace]);
  }
}

const isRoot = process.getuid?.() === 0;
const allowed = (...words) => spawnSync(words[0], words.slice(1)).status === 0;
/** Namespaces within a user namespace, for who is not root. */
const UNSHARED = ["unshare", "--map-root-user", "--net", "--mount", "--"];

const operators = {};
let directory;
after(() => {
  for (const operator of Object.values(operators)) operator.close();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

test("a command whose reader hears no more ends quietly", async () => {
  const child = spawn(BINARY, ["doctor", "--home", join(tmpdir(), "strongroom-no-home")], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let said = "";
  child.stderr.on("data", (bytes) => (said += bytes));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(said, "");
  assert.equal(code, 141);
});

test("two operators come from nothing to two validators by the commands of the page, and through what gets lost", async (t) => {
  if (!isRoot) {
    if (!allowed(...UNSHARED, "mount", "-t", "tmpfs", "none", "/run")) return t.skip("this user cannot make network namespaces");
    const within = `mount -t tmpfs none /run && exec "$0" --test "$1"`;
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const [command, ...rest] = [...UNSHARED, "sh", "-c", within, process.execPath, fileURLToPath(import.meta.url)];
    const { status, stdout } = spawnSync(command, rest, { env, encoding: "utf8" });
    return assert.equal(status, 0, stdout);
  }
  const probe = `operator-${process.pid}`;
  if (!allowed("ip", "netns", "add", probe)) return t.skip("this user cannot make network namespaces");
  run("ip", "netns", "delete", probe);

  directory = mkdtempSync(join(tmpdir(), "strongroom-operators-"));
  const path = join(directory, "bin");
  mkdirSync(path);
  symlinkSync(BINARY, join(path, "strongroom"));
  for (const name of ["a", "b"]) operators[name] = new Operator(name, directory);
  const links = ["a", "b"].map((name) => `o${process.pid}${name}`);
  run("ip", "link", "add", links[0], "type", "veth", "peer", "name", links[1]);
  operators.a.plug(links[0]);
  operators.b.plug(links[1]);
  for (const operator of Object.values(operators)) operator.open([path, join(root, "tools", "bin"), dirname(process.execPath)].join(delimiter));

  const said = [];
  for (const { who, sends, text } of blocksOf(readFileSync(PAGE, "utf8"))) {
    if (sends) operators[who].send(text, operators);
    else said.push(await operators[who].run(text));
  }
  const all = said.join("\n");
  assert.match(all, /FAIL +home .*network init/, "a machine without a node");
  assert.match(all, /warn +registration +none: strongroom node register/);
  assert.match(all, /ok +registration +registered/);
  assert.match(all, /ok +power +votes with 40/);
  assert.match(all, /ok +RPC port +127\.0\.0\.1:26657 is held by this node/);
  assert.match(all, /warn +seal +no seed yet/, "a lost seal");
  assert.match(all, /FAIL +power +has 40 and does not vote/);
  // What a node says of itself once it has caught up.
  for (const { directory } of Object.values(operators)) {
    assert.match(readFileSync(join(directory, "node.log"), "utf8"), /^in step with the network at block \d+$/m);
  }
  const [node, validators] = said.at(-1).split("NODE");
  assert.match(node, /state +revoked/);
  assert.match(validators, / 100 +100% +a$/m, "the network goes on with the other");
  assert.equal(validators.trim().split("\n").length, 3, said.at(-1));
});
