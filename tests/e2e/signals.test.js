// Signals from the first instant: whenever SIGINT or SIGTERM comes, also to what a script runs in the background, the process ends soon and well, and its home
// is one to go on from.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, readdirSync, readlinkSync, realpathSync, rmSync, writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { BINARY, sleep, startNetwork } from "./support/network.js";

/** For a machine that does much else; on a quiet one an end takes less than half a second. */
const END_MS_MAX = 10_000;
const INT = 2;
/** What an enclave says whose host is lost. */
const HOST_GONE = /strongroom enclave: door closed/;
/** As the system names it. */
const PROGRAM = realpathSync(BINARY);

let directory;
before(() => (directory = mkdtempSync(join(tmpdir(), "strongroom-signals-"))));
after(() => rmSync(directory, { recursive: true, force: true }));

const line = (home) =>
  ["localnet", "--home", home, "--block-time", "instant", "--rest-port", 0, "--rpc-port", 0, "--faucet-port", 0, "--output", "json"].map(String);

/** Starts a command; what it said, and how it ended. */
function begin(command, ...args) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const begun = { child, out: "", said: "" };
  child.stdout.on("data", (bytes) => (begun.out += bytes));
  child.stderr.on("data", (bytes) => (begun.said += bytes));
  begun.ended = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  return begun;
}

async function end({ child, ended }, what) {
  const late = new Promise((resolve) => setTimeout(resolve, END_MS_MAX, "late").unref());
  const how = await Promise.race([ended, late]);
  if (how === "late") child.kill("SIGKILL");
  assert.notEqual(how, "late", `${what}: it did not end`);
  return how;
}

/** Timers know milliseconds only. */
const busy = (ms) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

/** What the system says of a process; none if it is over. */
function statusOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const mask = (name) => BigInt(`0x${status.match(new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m"))[1]}`);
    const has = (name) => ((mask(name) >> BigInt(INT - 1)) & 1n) === 1n;
    return { exe: readlinkSync(`/proc/${pid}/exe`), ignores: has("SigIgn"), hears: has("SigCgt") };
  } catch {
    return undefined;
  }
}

/** The next start takes the home, at the height where it stood or above. */
async function goesOn(home, height = 1) {
  const network = await startNetwork({ home, reset: false });
  const reached = await network.height();
  assert.ok(reached >= height, `${reached} after ${height}`);
  await network.stop({ clean: false });
  assert.doesNotMatch(network.output, HOST_GONE);
  return reached;
}

test("a start that gets a signal after 0 to 30 ms ends well, and the next one takes its home", async () => {
  const used = join(directory, "used");
  let height = await goesOn(used);
  const endings = new Map();
  for (let round = 0; round < 50; round += 1) {
    const signal = round % 2 ? "SIGINT" : "SIGTERM";
    // In turns a new network, and one that is there.
    const home = round % 4 < 2 ? join(directory, `new${round}`) : used;
    const ms = (round * 30) / 49;
    const begun = begin(BINARY, ...line(home));
    busy(ms);
    begun.child.kill(signal);
    const what = `${signal} after ${ms.toFixed(1)} ms`;
    const how = await end(begun, what);
    if (how.signal !== null) {
      // Before the program begins there is nobody else to hear it than the system.
      assert.equal(how.signal, signal, what);
      assert.equal(begun.said + begun.out, "", what);
      assert.ok(home === used || !existsSync(home), `${what}: a home`);
    } else {
      assert.equal(how.code, 0, `${what}: ${begun.said}`);
      assert.doesNotMatch(begun.said, HOST_GONE, what);
    }
    const ending = how.signal ? "by the system" : begun.said.trim().split("\n").at(-1);
    endings.set(ending, (endings.get(ending) ?? 0) + 1);
    if (home === used && round % 8 < 4) height = await goesOn(used, height);
    if (home !== used) {
      await goesOn(home);
      rmSync(home, { recursive: true });
    }
  }
  console.log(`  endings: ${JSON.stringify(Object.fromEntries(endings))}`);
  // Late enough ones were heard by the program.
  assert.ok([...endings].some(([ending]) => /^stopp(ed while starting|ing)$/.test(ending)), JSON.stringify([...endings]));
});

test("what a script runs in the background hears SIGINT as soon as it is the program, before it has made anything", async () => {
  const script = '"$@" & echo $!; wait $!; echo "ended $?"';
  const unheard = [];
  for (let round = 0; round < 20; round += 1) {
    const home = join(directory, `background${round}`);
    const begun = begin("sh", "-c", script, "sh", BINARY, ...line(home));
    while (!/^\d+\n/.test(begun.out)) await sleep(0);
    const pid = Number.parseInt(begun.out, 10);
    let since;
    for (;;) {
      const made = existsSync(home);
      const now = statusOf(pid);
      assert.ok(now, `it ended: ${begun.said}`);
      if (now.exe !== PROGRAM) continue;
      since ??= performance.now();
      if (now.hears) break;
      assert.ok(now.ignores, "a shell without a terminal has it ignored");
      assert.ok(!made, "it made something before it would hear anybody");
    }
    unheard.push(performance.now() - since);
    busy((round * 30) / 19);
    process.kill(pid, "SIGINT");
    const how = await end(begun, `round ${round}`);
    assert.equal(how.code, 0, begun.said);
    assert.match(begun.out, /\nended 0\n$/, begun.said);
    await goesOn(home);
    rmSync(home, { recursive: true });
  }
  console.log(`  from the start of the program until it hears: at most ${Math.max(...unheard).toFixed(1)} ms`);
});

test("a network in the background of a script stops in good order with SIGINT, and under nohup SIGHUP is nobody's", async () => {
  const home = join(directory, "script");
  const script = 'trap "" HUP; "$@" & echo $!; wait $!; echo "ended $?"';
  const begun = begin("sh", "-c", script, "sh", BINARY, ...line(home));
  while (!begun.out.includes("{")) await sleep(20);
  const pid = Number.parseInt(begun.out, 10);
  process.kill(pid, "SIGHUP");
  await sleep(300);
  assert.ok(statusOf(pid), begun.said);
  process.kill(pid, "SIGINT");
  await end(begun, "SIGINT");
  assert.match(begun.said, /^stopping$/m);
  assert.doesNotMatch(begun.said, HOST_GONE);
  assert.match(begun.out, /\nended 0\n$/);
});

/** A pipe that is full and read by nobody, to be the standard error of a process; `read` gives what came behind that. */
function fullPipe() {
  const path = join(directory, "pipe");
  execFileSync("mkfifo", [path]);
  const end = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const fd = openSync(path, "w");
  rmSync(path);
  const again = (work) => {
    try {
      return work();
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      return 0;
    }
  };
  let filled = 0;
  for (const size of [4096, 1]) for (let more; (more = again(() => writeSync(end, Buffer.alloc(size)))) > 0; ) filled += more;
  assert.ok(filled > 0);
  const bytes = Buffer.alloc(1 << 20);
  const take = () => bytes.toString("utf8", 0, again(() => readSync(end, bytes)));
  const read = async (ended) => {
    let text = "";
    let over = false;
    ended.then(() => (over = true));
    for (let last = false; !last; await sleep(5)) {
      last = over;
      for (let more; (more = take()); ) text += more;
    }
    [end, fd].forEach(closeSync);
    return text.replaceAll("\0", "");
  };
  return { fd, read };
}

/** Whether it has started its enclave. */
function hasChild(pid) {
  const children = (task) => {
    try {
      return readFileSync(`/proc/${pid}/task/${task}/children`, "utf8");
    } catch {
      // That thread is over.
      return "";
    }
  };
  return readdirSync(`/proc/${pid}/task`).some((task) => children(task) !== "");
}

test("an end at once changes nothing and is one line and one exit status, also while nobody reads the line", async () => {
  const network = await startNetwork({ home: join(directory, "dumped") });
  const dump = join(directory, "network.dump");
  execFileSync(BINARY, ["localnet", "--home", network.home, "dump", dump]);
  await network.stop();

  const home = join(directory, "loaded");
  const start = (...more) => {
    const { fd, read } = fullPipe();
    const child = spawn(BINARY, [...line(home), ...more], { stdio: ["ignore", "pipe", fd] });
    const begun = { child, out: "", read };
    child.stdout.on("data", (bytes) => (begun.out += bytes));
    begun.ended = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
    return begun;
  };
  const loading = start("--load", dump);
  while (!hasChild(loading.child.pid)) await new Promise(setImmediate);
  loading.child.kill("SIGINT");
  // Whoever took the end of the enclave for a failure would remove the network now.
  await sleep(1_500);
  assert.ok(existsSync(join(home, "network")), "the network that was loaded");
  let said = loading.read(loading.ended);
  assert.deepEqual(await end(loading, "a start"), { code: 0, signal: null });
  assert.equal(await said, "stopped while starting\n");
  assert.equal(loading.out, "");

  const running = start();
  while (!running.out.includes("{")) await sleep(5);
  running.child.kill("SIGTERM");
  await sleep(200);
  running.child.kill("SIGTERM");
  await sleep(1_500);
  said = running.read(running.ended);
  assert.deepEqual(await end(running, "a network"), { code: 130, signal: null });
  assert.equal(await said, "stopping\nstopped at once\n");
  await goesOn(home);
});

test("commands that end by themselves leave signals to the system", async () => {
  const args = ["keys", "recover", "x", "--keyring", "test", "--keyring-dir", join(directory, "keys")];
  // It waits for words that never come.
  const child = spawn(BINARY, args, { stdio: ["pipe", "ignore", "ignore"] });
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  await sleep(300);
  assert.equal(statusOf(child.pid).hears, false);
  child.kill("SIGINT");
  assert.deepEqual(await ended, { code: null, signal: "SIGINT" });
});
