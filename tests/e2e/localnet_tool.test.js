// A local network as a tool: ports of the system's choice, JSON for scripts, accounts of one's own, time that goes forward, snapshots, dumps.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Wallet } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { ask, balance, clientOf, deploy, execute } from "./support/client.js";
import { BINARY, childrenOf, isAlive, root, sleep, until } from "./support/network.js";

let place;
before(() => {
  place = mkdtempSync(join(tmpdir(), "strongroom-tool-"));
});
const running = new Set();
after(async () => {
  for (const child of running) child.kill("SIGKILL");
  await sleep(50);
  rmSync(place, { recursive: true, force: true });
});

const PORTS = ["--rest-port", "0", "--rpc-port", "0", "--faucet-port", "0"];

/** Starts a network; gives what its one line of JSON says, and the process. */
async function start(home, ...more) {
  const child = spawn(BINARY, ["localnet", "--home", home, ...PORTS, "--output", "json", ...more], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let [out, said] = ["", ""];
  child.stdout.on("data", (bytes) => (out += bytes));
  child.stderr.on("data", (bytes) => (said += bytes));
  const exited = new Promise((resolve) => child.once("close", (code) => { running.delete(child); resolve(code); }));
  const ended = exited.then((code) => { throw new Error(`it ended with ${code}: ${said}`); });
  ended.catch(() => {});
  await Promise.race([until(() => out.includes("\n"), { ms: 20_000, what: "the line" }), ended]);
  const line = JSON.parse(out);
  const network = {
    ...line, child, exited, rest: line.rest,
    said: () => said,
    get: async (path) => (await fetch(line.rest + path)).json(),
  };
  return network;
}

/** `strongroom localnet COMMAND`; gives status, standard output and standard error. */
function tool(home, ...args) {
  return new Promise((resolve) => {
    execFile(BINARY, ["localnet", ...args.map(String), "--home", home, "--output", "json"], { cwd: place }, (error, out, said) => {
      resolve({ status: error ? error.code : 0, out, said });
    });
  });
}

async function told(home, ...args) {
  const { status, out, said } = await tool(home, ...args);
  assert.equal(status, 0, `${args.join(" ")}: ${said}`);
  return JSON.parse(out);
}

const home = (name) => join(place, name);

test("one line tells a script where everything is; the system chooses the ports", async () => {
  const mine = new Wallet();
  const network = await start(home("line"), "--account", `${mine.address}=123456uscrt`, "--block-time", "instant");
  assert.equal(network.accounts.length, Object.keys(ACCOUNTS).length);
  assert.deepEqual(JSON.parse(readFileSync(network.genesis, "utf8")).chain_id, network.chain_id);
  for (const name of ["rest", "rpc", "faucet"]) assert.ok(Number(new URL(network[name]).port) > 0);
  assert.equal(await balance(network, mine.address), 123_456n);
  const status = await told(home("line"), "status");
  for (const name of ["chain_id", "rest", "rpc", "websocket", "faucet", "pid", "genesis"]) assert.deepEqual(status[name], network[name], name);
  assert.equal(status.height, "1");
  // The options that both have stand before the command's name as well; the others there would do nothing.
  const before = (...args) => new Promise((resolve) => {
    execFile(BINARY, ["localnet", ...args], { cwd: place }, (error, out, said) => resolve({ status: error ? error.code : 0, out, said }));
  });
  const same = await before("--output", "json", "--home", home("line"), "status");
  assert.equal(JSON.parse(same.out).pid, network.pid, same.said);
  const useless = await before("--home", home("line"), "--reset", "status");
  assert.equal(useless.status, 2);
  assert.match(useless.said, /--reset is for the start of a network, and not for `localnet status`/);
  // The door is for its owner alone.
  assert.equal(statSync(join(home("line"), "admin")).mode & 0o077, 0);
  assert.equal(statSync(home("line")).mode & 0o077, 0);
  const enclaves = childrenOf(network.pid);
  assert.ok(enclaves.length > 0);
  assert.deepEqual(await told(home("line"), "stop"), { stopped: true });
  assert.equal(await network.exited, 0);
  assert.ok(!enclaves.some(isAlive));
  const gone = await tool(home("line"), "status");
  assert.equal(gone.status, 1);
  assert.match(gone.said, /^strongroom: localnet\.not_running: no network runs in/);
  // An account that is there already, or coins that are too many, begin nothing.
  for (const [more, reason] of [
    [`${ACCOUNTS.b.address}=5`, /is there already/],
    [`${mine.address}=340282366920938463463374607431768211455`, /more coins than there can be/],
    [`${mine.address}=0`, /ADDRESS=AMOUNT/],
  ]) {
    await assert.rejects(start(home("none"), "--account", more), reason);
    assert.ok(!existsSync(join(home("none"), "network")));
  }
  await assert.rejects(start(home("line"), "--account", `${mine.address}=1`), /--account needs --reset/);
});

test("time goes forward, for contracts too, goes on from there after a restart, and never back", async () => {
  const network = await start(home("time"), "--block-time", "instant");
  const time = async () => Date.parse((await told(home("time"), "status")).time);
  const began = await time();
  const forward = await told(home("time"), "time", "--forward", "30d");
  const month = 30 * 24 * 3_600_000;
  assert.ok(Date.parse(forward.time) >= began + month && Date.parse(forward.time) < began + month + 60_000);
  assert.equal(Number(forward.height), 2);
  const to = new Date(Date.parse(forward.time) + month).toISOString();
  const later = await told(home("time"), "time", "--to", to);
  assert.ok(Date.parse(later.time) >= Date.parse(to) - 1);
  // The clock has moved on since the newest block, and the time that is asked for is that of the block all the same.
  await sleep(2_500);
  const exact = Math.trunc(Date.parse(later.time) / 1_000) * 1_000 + month;
  const hit = await told(home("time"), "time", "--to", new Date(exact).toISOString());
  assert.ok(Date.parse(hit.time) >= exact && Date.parse(hit.time) < exact + 1_000, hit.time);
  // Contracts see no time after 2554, and the network is to run on.
  for (const late of ["2554-07-21T23:34:33Z", "2554-01-01T00:00:00Z"]) {
    const refused = await tool(home("time"), "time", "--to", late);
    assert.match(refused.said, /^strongroom: localnet\.time: /, late);
  }
  for (const args of [["--to", new Date(began).toISOString()], ["--to", "2600-01-01T00:00:00Z"], ["--forward", "90000000d"]]) {
    const back = await tool(home("time"), "time", ...args);
    assert.notEqual(back.status, 0, args.join(" "));
  }
  // The one validator votes on, and contracts see the time.
  const client = clientOf(network, "a");
  const probe = await deploy(client, "counter", { count: 1 });
  await execute(client, probe, { increment: {} });
  assert.deepEqual(await ask(client, probe, { get_count: {} }), { count: 2 });
  assert.ok((await time()) >= Date.parse(hit.time));
  await told(home("time"), "stop");
  await network.exited;
  const again = await start(home("time"), "--block-time", "instant");
  const faucet = await fetch(`${again.faucet}/faucet?address=${ACCOUNTS.c.address}`);
  assert.equal(faucet.status, 200);
  await until(async () => Number((await told(home("time"), "status")).height) > 4);
  assert.ok((await time()) >= Date.parse(hit.time));
  assert.ok((await time()) < Date.parse(hit.time) + 600_000);
  await told(home("time"), "stop");
});

test("a snapshot is put back as often as it is wanted, with contracts and their secrets, at the same addresses", async () => {
  const network = await start(home("snap"), "--block-time", "instant");
  const client = clientOf(network, "a");
  const counter = await deploy(client, "counter", { count: 10 });
  const kept = await told(home("snap"), "snapshot", "ten");
  assert.equal(kept.rest, network.rest);
  assert.deepEqual((await tool(home("snap"), "snapshot", "ten")).status, 1);
  for (let round = 0; round < 2; round += 1) {
    await execute(client, counter, { increment: {} });
    assert.deepEqual(await ask(client, counter, { get_count: {} }), { count: 11 });
    const back = await told(home("snap"), "revert", "ten");
    // One block shows that it goes on.
    assert.equal(Number(back.height), Number(kept.height) + 1);
    assert.deepEqual([back.rest, back.rpc, back.faucet], [network.rest, network.rpc, network.faucet]);
    assert.deepEqual(await ask(client, counter, { get_count: {} }), { count: 10 });
  }
  // Time is that of the snapshot, too.
  await told(home("snap"), "time", "--forward", "1d");
  assert.ok(Date.parse((await told(home("snap"), "revert", "ten")).time) < Date.now() + 1_000);

  // Nothing is destroyed before everything is checked: a snapshot that does not run leaves the network as it is.
  const place = join(home("snap"), "snapshots", "broken");
  cpSync(join(home("snap"), "snapshots", "ten"), place, { recursive: true });
  const seal = join(place, "config", "seed.sealed");
  const bytes = readFileSync(seal);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(seal, bytes);
  await execute(client, counter, { increment: {} });
  const refused = await tool(home("snap"), "revert", "broken");
  assert.equal(refused.status, 1, refused.out);
  assert.match(refused.said, /^strongroom: /);
  assert.deepEqual(await ask(client, counter, { get_count: {} }), { count: 11 });
  // Nor does one that starts, and cannot make a block.
  cpSync(join(home("snap"), "snapshots", "ten"), join(home("snap"), "snapshots", "late"), { recursive: true });
  for (const ahead of ["18446744073709551615", "16640000000000000000", "9".repeat(1_000_000)]) {
    writeFileSync(join(home("snap"), "snapshots", "late", "config", "clock_ahead"), ahead);
    const late = await tool(home("snap"), "revert", "late");
    assert.equal(late.status, 1, late.out);
    assert.deepEqual(await ask(client, counter, { get_count: {} }), { count: 11 });
  }
  // Its validator has signed later blocks than it has: it starts, and refuses to sign.
  const ahead = join(home("snap"), "snapshots", "late", "data", "priv_validator_state.json");
  rmSync(join(home("snap"), "snapshots", "late", "config", "clock_ahead"));
  writeFileSync(ahead, JSON.stringify({ ...JSON.parse(readFileSync(ahead, "utf8")), height: "1000000" }));
  const stuck = await tool(home("snap"), "revert", "late");
  assert.equal(stuck.status, 1, stuck.out);
  await execute(client, counter, { increment: {} });
  assert.deepEqual(await ask(client, counter, { get_count: {} }), { count: 12 });
  rmSync(join(home("snap"), "snapshots", "late"), { recursive: true });
  for (const args of [["revert", "nowhere"], ["snapshot", "../x"], ["load", "/nowhere"]]) {
    const { status, said } = await tool(home("snap"), ...args);
    assert.equal(status, 1, args.join(" "));
    assert.match(said, /^strongroom: (snapshot|dump)\.[a-z]+: /);
  }
  assert.deepEqual(await ask(client, counter, { get_count: {} }), { count: 12 });
  assert.deepEqual(await told(home("snap"), "snapshots"), ["broken", "ten"]);
  await told(home("snap"), "stop");
  await network.exited;
  assert.equal((await tool(home("snap"), "forget", "broken")).status, 0);
  assert.deepEqual(await told(home("snap"), "snapshots"), ["ten"]);
});

test("a process that is killed in the middle of a revert leaves a home that the next start takes", async () => {
  const name = home("killed");
  let network = await start(name, "--block-time", "instant");
  const counter = await deploy(clientOf(network, "a"), "counter", { count: 5 });
  await told(name, "snapshot", "five");
  await execute(clientOf(network, "a"), counter, { increment: {} });
  const counts = new Set();
  for (const delay of [0, 5, 10, 20, 40, 60, 80, 120, 160, 240]) {
    const reverting = tool(name, "revert", "five");
    await sleep(delay);
    network.child.kill("SIGKILL");
    await network.exited;
    await reverting;
    network = await start(name, "--block-time", "instant");
    const { count } = await ask(clientOf(network, "a"), counter, { get_count: {} });
    assert.ok(count === 5 || count === 6, `${count}`);
    counts.add(count);
    if (count === 5) await execute(clientOf(network, "a"), counter, { increment: {} });
    const left = readdirSync(name).sort();
    assert.deepEqual(left.filter((entry) => ["new", "previous", "discarded", "snapshot-new"].includes(entry)), [], `after ${delay} ms`);
  }
  assert.ok(counts.has(6));
  await told(name, "stop");
});

test("a dump goes on in another home, and in the place of a network that runs", async () => {
  const first = await start(home("from"), "--block-time", "instant", "--chain-id", "dumped-1");
  const client = clientOf(first, "a", { chainId: "dumped-1" });
  const counter = await deploy(client, "counter", { count: 40 });
  await execute(client, counter, { increment: {} });
  const file = join(place, "network.dump");
  await told(home("from"), "dump", "network.dump");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal((await tool(home("from"), "dump", "network.dump")).status, 1, "nothing is written over");
  const second = await start(home("to"), "--load", file, "--block-time", "instant");
  assert.equal(second.chain_id, "dumped-1");
  assert.deepEqual(await ask(clientOf(second, "b", { chainId: "dumped-1" }), counter, { get_count: {} }), { count: 41 });
  // Each goes on by itself.
  await execute(clientOf(second, "b", { chainId: "dumped-1" }), counter, { increment: {} });
  assert.deepEqual(await ask(client, counter, { get_count: {} }), { count: 41 });
  await told(home("to"), "load", file);
  assert.deepEqual(await ask(clientOf(second, "b", { chainId: "dumped-1" }), counter, { get_count: {} }), { count: 41 });
  const changed = join(place, "changed.dump");
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(changed, bytes);
  const refused = await tool(home("to"), "load", changed);
  assert.match(refused.said, /^strongroom: dump\.damaged: /);
  assert.deepEqual(await ask(clientOf(second, "b", { chainId: "dumped-1" }), counter, { get_count: {} }), { count: 41 });
  await Promise.all([told(home("from"), "stop"), told(home("to"), "stop")]);
  await assert.rejects(start(home("from"), "--load", changed), /dump\.damaged/);
  const kept = await start(home("from"), "--block-time", "instant");
  assert.equal(kept.chain_id, "dumped-1");
  await told(home("from"), "stop");
});

/** The status of a request whose headers are those that are named: `fetch` is a browser, and has its own. */
const raw = (place, path, headers) => new Promise((resolve, reject) => {
  get(new URL(path, place), { headers }, (answer) => { answer.resume(); resolve(answer.statusCode); }).on("error", reject);
});

test("pages of origins that are not named are told nothing, and do nothing", async () => {
  const origin = "http://localhost:3000";
  const network = await start(home("cors"), "--cors-origin", origin, "--block-time", "instant");
  const places = [`${network.rest}/cosmos/base/tendermint/v1beta1/node_info`, `${network.rpc}/health`, `${network.faucet}/status`];
  for (const url of places) {
    for (const [asks, wanted] of [[origin, origin], ["http://evil.org", null]]) {
      const answer = await fetch(url, { headers: { origin: asks } });
      assert.equal(answer.headers.get("access-control-allow-origin"), wanted, `${url} from ${asks}`);
      assert.equal(answer.status, wanted ? 200 : 403, `${url} from ${asks}`);
    }
  }
  // Not only is the answer hidden: nothing is done. An image of a page names no origin, and its browser says whose page it is.
  const spent = await balance(network, ACCOUNTS.a.address);
  for (const headers of [{ origin: "http://evil.org" }, { "sec-fetch-site": "cross-site" }]) {
    const paid = await raw(network.faucet, `/faucet?address=${ACCOUNTS.c.address}`, headers);
    assert.equal(paid, 403);
    assert.equal(await raw(network.rpc, "/broadcast_tx_sync?tx=0x00", headers), 403);
    assert.equal(await raw(network.rpc, "/websocket", { ...headers, connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" }), 403);
  }
  assert.equal(await balance(network, ACCOUNTS.a.address), spent);
  assert.equal(await raw(network.rpc, "/health", {}), 200);
  await told(home("cors"), "stop");
});

test("blocks come in any time", async () => {
  const network = await start(home("pace"), "--block-time", "2ms");
  await until(async () => Number((await told(home("pace"), "status")).height) > 20);
  await told(home("pace"), "stop");
  await network.exited;
  const slow = await start(home("pace"), "--block-time", "24h");
  const { height } = await told(home("pace"), "status");
  // Whoever wants a block has one.
  const next = await told(home("pace"), "time", "--forward", "1s");
  assert.equal(Number(next.height), Number(height) + 1);
  assert.equal(slow.chain_id, network.chain_id);
  await told(home("pace"), "stop");
});

test("the commands of the page work as they stand there, and each has an example on it", async () => {
  const page = readFileSync(join(root, "docs", "book", "localnet.md"), "utf8");
  const blocks = Array.from(page.matchAll(/^```sh\n(.*?)^```$/gms), ([, text]) => text);
  const bin = join(place, "bin");
  mkdirSync(bin);
  symlinkSync(BINARY, join(bin, "strongroom"));
  const cwd = join(place, "page");
  mkdirSync(cwd);
  const script = `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${blocks.join("\n")}\nwait`;
  const ran = await new Promise((resolve) => {
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const child = execFile("bash", ["-e", "-o", "pipefail"], { cwd, env, timeout: 60_000 }, (error, out, said) => resolve({ status: error ? error.code : 0, out, said }));
    child.stdin.end(script);
  });
  assert.equal(ran.status, 0, `${ran.out}\n${ran.said}`);
  assert.match(ran.out, /this account has a typing error/);
  assert.match(ran.out, /"time":"2100-01-01T/);
  const { out } = await new Promise((resolve) => execFile(BINARY, ["localnet", "--help"], (error, out) => resolve({ out })));
  const names = Array.from(/^Commands:\n((?: .*\n)*)/m.exec(out)[1].matchAll(/^ {2}([a-z]+)/gm), ([, name]) => name).filter((name) => name !== "help");
  assert.ok(names.length >= 9, names.join(" "));
  for (const name of names) {
    const help = await new Promise((resolve) => execFile(BINARY, ["localnet", name, "--help"], (error, text) => resolve(text)));
    const example = /^Example:\n {2}(.*)$/m.exec(help)?.[1];
    assert.ok(example && page.includes(example), `${name}: ${example}`);
  }
});
