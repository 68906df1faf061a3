// Four validators on this machine, each with its own CometBFT, enclave and simulated machine: they joined over the chain, and go on whatever
// happens to some of them.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";

import { toBase64, toUtf8 } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { ask, CALL_GAS, clientOf, deploy, execute, succeeded } from "./support/client.js";
import { policy, said } from "./support/messages.js";
import { BINARY, launch, seededRandom, sleep, until } from "./support/network.js";

const VALIDATORS = 4;
const VALIDITY_S = 45;
/** Holds the port that it is given, as soon as it is free, until its input ends. */
const HOLDS = `
  const server = require("node:net").createServer();
  const hold = () => server.listen(Number(process.argv[1]), "127.0.0.1");
  server.on("error", () => setTimeout(hold, 50));
  server.on("listening", () => console.log("held"));
  process.stdin.on("end", () => process.exit(0)).resume();
  hold();
`;
/** Whose pages may call the network. */
const ORIGIN = "https://app.example";
const random = seededRandom("network");
let network;
let token;
let counter;
let nodes;

const nodeHome = (index) => join(network.home, "network", `node${index}`);

/** Each node answers on ports 100 above those of the one before. */
function nodeAt(index) {
  const move = (url) => url.replace(/:(\d+)/, (_, port) => `:${Number(port) + 100 * index}`);
  return { ...network, rest: move(network.rest), rpc: move(network.rpc), get: network.get, request: network.request, rpcCall: network.rpcCall };
}

async function start(options = {}) {
  // Below the ports that systems give to outgoing connections.
  const base = 20_000 + Math.floor(random() * 90) * 100;
  const more = ["--validators", `${VALIDATORS}`, "--rest-port", base, "--rpc-port", base + 1, "--p2p-port", base + 2, "--cors-origin", ORIGIN];
  const launched = await launch({ blockTime: "200ms", more, ...options });
  launched.rest = `http://127.0.0.1:${base}`;
  launched.rpc = `http://127.0.0.1:${base + 1}`;
  network = launched;
  await until(() => network.exit || network.output.includes("is running"), { ms: 120_000, what: "the network" });
  assert.equal(network.exit, undefined, network.output);
  nodes = Array.from({ length: VALIDATORS }, (_, index) => nodeAt(index));
}

const cli = (...args) => execFileSync(BINARY, args, { encoding: "utf8" });
const control = (what, index) => cli("network", what, `${index}`, "--home", network.home);
/** The example in the help of a command of `network`. */
const exampleOf = (what) => /^Example:\n {2}(.*)$/m.exec(cli("network", what, "--help"))[1];
const heightOf = async (node) => Number((await node.rpcCall("status")).result.sync_info.latest_block_height);
const count = async (node) => (await ask(clientOf(node, "b"), counter, { get_count: {} })).count;

/** All nodes have the same block and the same state at the newest height that all have. */
async function agree(among = nodes) {
  const height = Math.min(...(await Promise.all(among.map(heightOf))));
  const commits = await Promise.all(among.map((node) => node.rpcCall("commit", { height: `${height}` })));
  const headers = commits.map(({ result }) => JSON.stringify(result.signed_header.header));
  assert.equal(new Set(headers).size, 1, `one header at ${height}`);
  return height;
}

const grows = async (node, by = 2) => {
  const from = await heightOf(node).catch(() => 0);
  await until(async () => (await heightOf(node).catch(() => 0)) >= from + by, { ms: 60_000, what: "blocks" });
};

/** Removes a node's database, but for what keeps it from signing twice. */
function forget(index) {
  const data = join(nodeHome(index), "network", "data");
  for (const store of ["state", "blocks", "content", "blockstore.db", "state.db", "tx_index.db", "evidence.db", "cs.wal"]) {
    rmSync(join(data, store), { recursive: true, force: true });
  }
}

before(async () => {
  await start();
  const a = clientOf(network, "b");
  token = await deploy(
    a,
    "token",
    {
      name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: toBase64(toUtf8("dice")),
      initial_balances: [{ address: a.address, amount: "1000000" }],
    },
    { gasLimit: 500_000 },
  );
  counter = await deploy(a, "counter", { count: 0 });
});
after(() => network?.stop());

test("every validator attested, registered and votes; the share of none is left on the chain", async () => {
  const { nodes: registered } = await network.get("/strongroom/registration/v1/nodes");
  assert.equal(registered.length, VALIDATORS);
  for (const node of registered) {
    assert.equal(node.state, "NODE_STATE_REGISTERED");
    const { share } = await network.request(`/strongroom/registration/v1/shares/${node.node_id}`).then((r) => r.body);
    assert.ok(!share, "no share");
  }
  const platforms = registered.map((node) => node.platform?.platform_id).filter(Boolean);
  assert.equal(new Set(platforms).size, platforms.length, "each on a platform of its own");
  const { validators } = (await network.rpcCall("validators")).result;
  assert.equal(validators.length, VALIDATORS);
  const status = cli("node", "status", "--home", nodeHome(3), "--node", nodes[3].rpc);
  assert.match(status, /registration +registered/);
  assert.match(status, /votes +with power/);
});

test("pages of other origins read nothing of any node", async () => {
  for (const node of nodes) {
    const from = (url, origin) => fetch(url, { headers: { origin } });
    const block = `${node.rest}/cosmos/base/tendermint/v1beta1/blocks/latest`;
    assert.equal((await from(block, "https://other.example")).status, 403);
    for (const url of [block, `${node.rpc}/status`]) {
      assert.equal((await from(url, ORIGIN)).headers.get("access-control-allow-origin"), ORIGIN, url);
      assert.equal((await from(url, "https://other.example")).headers.get("access-control-allow-origin"), null, url);
    }
  }
});

test("what is sent to one validator is read from another, with a viewing key", async () => {
  const [b, c] = [clientOf(nodes[0], "b"), clientOf(nodes[2], "c")];
  await execute(b, token, { transfer: { recipient: c.address, amount: "77" } });
  await execute(c, token, { set_viewing_key: { key: "k" } });
  const key = await Promise.all(nodes.map((node) => node.get("/registration/v1beta1/tx-key")));
  assert.equal(new Set(key.map((k) => k.key)).size, 1, "one network key");
  const reader = clientOf(nodes[3], "d");
  await until(async () => (await heightOf(nodes[3])) >= (await heightOf(nodes[2])), { what: "node 3" });
  const { balance } = await reader.query.snip20.getBalance({ contract: token, address: c.address, auth: { key: "k" } });
  assert.equal(balance.amount, "77");
  await agree();
});

test("any validator estimates calls, and the block of all uses as much", async () => {
  const messages = { contract_address: counter.address, code_hash: counter.code_hash, msg: { increment: {} } };
  let height = await heightOf(nodes[0]);
  for (const node of nodes.slice(1)) {
    // With the sequence after the call before.
    await until(async () => (await heightOf(node)) >= height, { what: `block ${height}` });
    const client = clientOf(node, "d");
    const params = { sender: client.address, ...messages };
    const { gas_info } = await client.tx.compute.executeContract.simulate(params, { gasLimit: CALL_GAS });
    const used = Number(gas_info.gas_used);
    const tx = await execute(clientOf(nodes[0], "d"), counter, messages.msg, { gasLimit: Math.ceil(used * 1.1) });
    assert.ok(Math.abs(used - tx.gasUsed) <= tx.gasUsed * 0.05, `an estimate of ${used}, and ${tx.gasUsed} used`);
    ({ height } = tx);
  }
  await agree();
});

test("the examples of stop, start and kill do what their help says", async () => {
  const place = mkdtempSync(join(tmpdir(), "strongroom-examples-"));
  try {
    mkdirSync(join(place, ".strongroom"));
    symlinkSync(network.home, join(place, ".strongroom", "localnet"));
    symlinkSync(BINARY, join(place, "strongroom"));
    const env = { ...process.env, PATH: [place, process.env.PATH].join(delimiter) };
    const example = (what) => execFileSync("bash", ["-c", exampleOf(what)], { cwd: place, env, encoding: "utf8" });
    const answers = () => heightOf(nodes[3]).then(() => true, () => false);
    for (const ends of ["stop", "kill"]) {
      example(ends);
      await until(async () => !(await answers()), { what: `the end of a node by ${ends}` });
      example("start");
      await until(answers, { ms: 60_000, what: "the node" });
    }
    await grows(nodes[3]);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});

test("a killed validator is not missed, and catches up when it is back", async () => {
  control("kill", 3);
  await grows(nodes[0], 4);
  control("start", 3);
  await until(async () => (await heightOf(nodes[3]).catch(() => 0)) >= (await heightOf(nodes[0])), { ms: 60_000, what: "node 3" });
  await agree();
});

test("a node whose port is taken for a moment, as by the CometBFT of its killed predecessor, starts all the same", async () => {
  control("kill", 3);
  const log = join(nodeHome(3), "node.log");
  const before = readFileSync(log).length;
  const holder = spawn(process.execPath, ["-e", HOLDS, new URL(nodes[3].rpc).port], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  // It returns when the node serves, so it is not waited for yet.
  const starting = once(spawn(BINARY, ["network", "start", "3", "--home", network.home], { stdio: "inherit" }), "exit");
  // The holder goes only after the node has found the port taken.
  await until(() => readFileSync(log).subarray(before).includes("the port is taken"), { ms: 60_000, what: "a node that waits for its port" });
  holder.stdin.end();
  assert.deepEqual(await starting, [0, null]);
  await until(async () => (await heightOf(nodes[3]).catch(() => 0)) >= (await heightOf(nodes[0])), { ms: 60_000, what: "node 3" });
  assert.equal(holder.exitCode, 0, "the port was free again before the node had it");
});

test("without more than two thirds no block is made, and with them the network goes on", async () => {
  control("stop", 1);
  control("kill", 2);
  await sleep(1_000);
  const before = await heightOf(nodes[0]);
  await sleep(2_500);
  assert.equal(await heightOf(nodes[0]), before, "no block");
  control("start", 1);
  await grows(nodes[0]);
  control("start", 2);
  await grows(nodes[2]);
  await agree();
});

test("kills of random validators under load: one app hash, and nothing that was acknowledged is lost", async () => {
  let running = true;
  let acknowledged = 0;
  let failed;
  const first = await count(nodes[0]);
  const sender = clientOf(nodes[0], "b");
  const load = (async () => {
    while (running) {
      await execute(sender, counter, { increment: {} });
      acknowledged += 1;
    }
  })().catch((error) => (failed = error));
  for (let round = 0; round < 4; round += 1) {
    const victim = 1 + Math.floor(random() * 3);
    await sleep(random() * 500);
    control("kill", victim);
    await grows(nodes[0], 1);
    control("start", victim);
    await grows(nodes[victim], 1);
  }
  running = false;
  await load;
  assert.ifError(failed);
  assert.ok(acknowledged > 0);
  assert.equal(await count(nodes[0]), first + acknowledged);
  await agree();
});

test("a validator that lost its seed registers again, on another machine, and one that lost its database fetches it again, by the next start", async () => {
  const platforms = async () => {
    const { nodes: all } = await network.get("/strongroom/registration/v1/nodes");
    return Object.fromEntries(all.map((node) => [node.node_id, node.platform?.platform_id]));
  };
  const before = await platforms();
  await network.stop({ clean: false });
  assert.equal(network.exit.code, 0, network.output);
  const seal = join(nodeHome(2), "network", "config", "seed.sealed");
  assert.ok(existsSync(seal));
  rmSync(seal);
  // Its machine is gone as well: the database of the old one is of no use on the new one.
  rmSync(join(nodeHome(2), "network", "config", "simulated_machine"));
  forget(2);
  const refused = spawnSync(BINARY, ["node", "start", "--home", nodeHome(2)], { encoding: "utf8" });
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr, /node\.no_seal.*register/s);
  forget(1);
  await start({ home: network.home, reset: false });
  await until(async () => (await heightOf(nodes[1]).catch(() => 0)) >= (await heightOf(nodes[0])), { ms: 60_000, what: "node 1" });
  await grows(nodes[2]);
  await agree();
  assert.equal(await count(nodes[1]), await count(nodes[0]));
  const { nodes: registered } = await network.get("/strongroom/registration/v1/nodes");
  assert.deepEqual(registered.map((node) => node.state), Array(VALIDATORS).fill("NODE_STATE_REGISTERED"));
  const after = await platforms();
  const moved = Object.keys(after).filter((id) => after[id] !== before[id]);
  assert.equal(moved.length, 1, "one moved");
  assert.ok(!Object.values(before).includes(after[moved[0]]), "to a machine of its own");
});

test("a policy under which evidence ends holds for the nodes that there are, and each renews before that, by itself", async () => {
  const mortal = async () => {
    const { nodes: all } = await network.get("/strongroom/registration/v1/nodes");
    return all.filter((node) => node.expires);
  };
  assert.deepEqual(await mortal(), [], "evidence of a simulated platform has no end of its own");
  const json = JSON.stringify({ security: "insecure", validity_seconds_max: VALIDITY_S });
  succeeded(await said(clientOf(network, "a"), policy(ACCOUNTS.a.address, json)));
  const before = await until(async () => ((await mortal()).length > 0 ? mortal() : undefined), { what: "evidence that ends" });
  assert.equal(before.length, VALIDATORS - 1, "the first node is of genesis, without evidence");
  const renewed = async () => {
    const after = await mortal();
    return before.every((old) => after.some((node) => node.node_id === old.node_id && Date.parse(node.expires) > Date.parse(old.expires)));
  };
  await until(renewed, { ms: 60_000, every: 500, what: "renewals" }).catch((error) => {
    const words = nodes.map((_, index) => readFileSync(join(nodeHome(index), "node.log"), "utf8").slice(-1_000));
    throw new Error(`${error.message}: ${JSON.stringify(before)}\n${words.join("\n")}`);
  });
  for (const node of await mortal()) {
    assert.equal(node.state, "NODE_STATE_REGISTERED");
    assert.notEqual(node.challenge, before.find((old) => old.node_id === node.node_id).challenge);
  }
  assert.equal((await network.rpcCall("validators")).result.validators.length, VALIDATORS);
});

test("the database of another machine is told from one that goes on", async () => {
  await network.stop({ clean: false });
  const [one, two] = [1, 2].map((index) => join(nodeHome(index), "network", "data"));
  // Blocks and state, which are of one moment there: with the state alone the blocks may be behind it, and that is told first.
  inPlaceOf(one, two, () => assert.match(refusal(), /node\.other_machine.*remove what is in data/s));
});

test("the seal of another node does not open", async () => {
  const [one, two] = [1, 2].map((index) => join(nodeHome(index), "network", "config", "seed.sealed"));
  inPlaceOf(one, two, () => assert.match(refusal(), /seal/));
});

/** What node 1 says at a start that it refuses. */
function refusal() {
  const refused = spawnSync(BINARY, ["node", "start", "--home", nodeHome(1), "--cometbft", cometbft()], { encoding: "utf8", timeout: 60_000 });
  assert.ok(refused.status > 0, `${refused.status}: ${refused.stderr}`);
  return refused.stderr;
}

/** Runs `body` with a copy of `two` where `one` is, and puts `one` back however it ends. */
function inPlaceOf(one, two, body) {
  renameSync(one, `${one}.kept`);
  try {
    execFileSync("cp", ["-a", two, one]);
    body();
  } finally {
    rmSync(one, { recursive: true, force: true });
    renameSync(`${one}.kept`, one);
  }
}

function cometbft() {
  const lines = readFileSync(join(nodeHome(1), "arguments"), "utf8").split("\n");
  const at = lines.indexOf("--cometbft");
  return at < 0 ? join(BINARY, "../../../tools/bin/cometbft") : lines[at + 1];
}
