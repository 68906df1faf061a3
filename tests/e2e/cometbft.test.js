// The same node on a real CometBFT: clients see no difference, and whatever is killed, the chain goes on.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { toBase64, toUtf8 } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { ask, balance, clientOf, deploy, execute } from "./support/client.js";
import { BINARY, isAlive, launch, seededRandom, sleep, startNetwork, until } from "./support/network.js";

const COMET = { blockTime: "100ms", more: ["--engine", "cometbft"] };

const random = seededRandom("cometbft");
let network;
let token;
let counter;
before(async () => {
  network = await startNetwork(COMET);
  const a = clientOf(network, "a");
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

const count = async () => (await ask(clientOf(network, "a"), counter, { get_count: {} })).count;

/** The processes of the node by role; CometBFT and the enclave are its children. */
function processes() {
  const node = network.child.pid;
  const list = execFileSync("ps", ["-o", "pid=,args=", "--ppid", `${node}`], { encoding: "utf8" });
  const find = (pattern) => {
    const line = list.split("\n").find((line) => pattern.test(line));
    return line && Number(line.trim().split(" ")[0]);
  };
  return { node, enclave: find(/strongroom enclave/), cometbft: find(/cometbft start/) };
}

test("a confidential transfer is decided by CometBFT and read with a viewing key", async () => {
  const [a, b] = [clientOf(network, "a"), clientOf(network, "b")];
  await execute(a, token, { transfer: { recipient: b.address, amount: "250" } });
  await execute(b, token, { set_viewing_key: { key: "k" } });
  const auth = { key: "k" };
  const { balance } = await b.query.snip20.getBalance({ contract: token, address: b.address, auth });
  assert.equal(balance.amount, "250");
});

test("values are proven over CometBFT's own port, from the genesis file", () => {
  const genesis = join(network.home, "network", "config", "genesis.json");
  const verify = (key) =>
    execFileSync(BINARY, ["verify", "--node", network.rpc, "--genesis", genesis, "--key", key], { encoding: "utf8" });
  assert.match(verify("registration/keys"), /^01[0-9a-f]{128}$/m);
  assert.equal(verify("nothing/here"), "absent\n");
});

test("port 26657 is CometBFT's own, and tells the same blocks as REST", async () => {
  const { result } = await network.rpcCall("status");
  assert.equal(result.node_info.version, "0.38.25");
  assert.match(result.node_info.other.rpc_address, /rpc\.sock/);
  const height = Number(result.sync_info.latest_block_height);
  const commit = (await network.rpcCall("commit", { height: `${height - 1}` })).result;
  assert.equal(commit.canonical, true);
  const { block_id } = await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${height - 1}`);
  const hash = Buffer.from(block_id.hash, "base64").toString("hex").toUpperCase();
  assert.equal(hash, commit.signed_header.commit.block_id.hash);
  const { default_node_info } = await network.get("/cosmos/base/tendermint/v1beta1/node_info");
  assert.equal(default_node_info.default_node_id, result.node_info.id);
  assert.equal((await network.get("/cosmos/base/tendermint/v1beta1/syncing")).syncing, false);
});

test("a transaction is found by hash and by event on both ports, with one result", async () => {
  const { transactionHash, height } = await execute(clientOf(network, "a"), counter, { increment: {} });
  const byRest = await network.get(`/cosmos/tx/v1beta1/txs/${transactionHash}`);
  // The node tells of a height before CometBFT has written its own index of it.
  const indexed = { hash: Buffer.from(transactionHash, "hex").toString("base64") };
  const asked = async () => (await network.rpcCall("tx", indexed)).result;
  await until(asked, { what: "CometBFT's own index" });
  const byRpc = await asked();
  assert.equal(byRest.tx_response.height, `${height}`);
  assert.equal(byRpc.height, `${height}`);
  assert.equal(byRpc.tx_result.gas_used, byRest.tx_response.gas_used);
  assert.equal(Buffer.from(byRpc.tx_result.data, "base64").toString("hex").toUpperCase(), byRest.tx_response.data);
  const query = `"message.sender='${ACCOUNTS.a.address}' AND tx.height=${height}"`;
  const found = await (await fetch(`${network.rpc}/tx_search?query=${encodeURIComponent(query)}`)).json();
  assert.deepEqual(found.result.txs.map((tx) => tx.hash), [transactionHash]);
});

test("what CometBFT's mempool refuses has the codes that clients know, over REST", async () => {
  const body = (tx_bytes) => JSON.stringify({ tx_bytes, mode: "BROADCAST_MODE_SYNC" });
  const send = async (bytes) =>
    (await network.request("/cosmos/tx/v1beta1/txs", { method: "POST", body: body(bytes) })).body.tx_response;
  const bad = await send(Buffer.from("no transaction").toString("base64"));
  assert.deepEqual([bad.codespace, bad.code], ["sdk", 2]);
  const client = clientOf(network, "c");
  const message = { from_address: client.address, to_address: ACCOUNTS.d.address, amount: [{ denom: "uscrt", amount: "1" }] };
  const { MsgSend } = await import("secretjs");
  const signed = await client.tx.signTx([new MsgSend(message)], { gasLimit: 50_000 });
  const text = typeof signed === "string" ? signed : toBase64(signed);
  assert.equal((await send(text)).code, 0);
  const again = await send(text);
  assert.deepEqual([again.codespace, again.code], ["sdk", 19]);
});

test("a query whose path is no text is answered with an error, and stops nothing", async () => {
  const before = await network.height();
  for (let round = 0; round < 8; round += 1) {
    for (const path of ["0xff", "0xfffe00", encodeURIComponent('"\u0000"')]) {
      const { result, error } = await (await fetch(`${network.rpc}/abci_query?path=${path}`)).json();
      assert.ok(error || result.response.code !== 0, path);
    }
  }
  const { cometbft } = processes();
  await until(async () => (await network.height()) > before + 2, { what: "blocks" });
  assert.equal(processes().cometbft, cometbft, "the same CometBFT");
});

test("a CometBFT that is killed before the first block is started again by its node", async () => {
  // Two validators of equal power, one of which never comes: no block is made.
  const base = 21_000 + Math.floor(random() * 80) * 100;
  const more = ["--validators", "2", "--rest-port", `${base}`, "--rpc-port", `${base + 1}`, "--p2p-port", `${base + 2}`];
  const two = await launch({ blockTime: "100ms", more });
  try {
    await until(() => two.exit || two.output.includes("is running"), { ms: 60_000, what: "two validators" });
    const home = join(two.home, "network", "node1");
    await two.stop({ clean: false });
    const data = join(home, "network", "data");
    for (const name of ["state", "blocks", "content", "blockstore.db", "state.db", "tx_index.db", "evidence.db", "cs.wal"]) {
      rmSync(join(data, name), { recursive: true, force: true });
    }
    const args = ["node", "start", "--home", home, "--rest-port", `${base}`, "--rpc-port", `${base + 1}`, "--p2p-port", `${base + 2}`];
    const node = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"] });
    let words = "";
    for (const stream of [node.stdout, node.stderr]) stream.on("data", (text) => (words += text));
    try {
      const children = () => spawnSync("ps", ["-o", "pid=,args=", "--ppid", `${node.pid}`], { encoding: "utf8" }).stdout;
      const cometbft = () => Number(children().split("\n").find((l) => /cometbft start/.test(l))?.trim().split(" ")[0] ?? 0);
      for (let round = 0; round < 2; round += 1) {
        await until(() => cometbft() || node.exitCode !== null, { what: "CometBFT" });
        assert.equal(node.exitCode, null, words);
        const first = cometbft();
        const up = async () => (await fetch(`http://127.0.0.1:${base + 1}/health`).catch(() => ({ ok: false }))).ok;
        await until(up, { what: "its RPC" });
        process.kill(first, "SIGKILL");
        await until(() => cometbft() && cometbft() !== first, { what: `another CometBFT: ${words}` });
        assert.equal(node.exitCode, null, words);
      }
    } finally {
      node.kill("SIGTERM");
    }
  } finally {
    await two.stop();
  }
});

test("kill -9 of node, enclave or CometBFT at random moments loses nothing that was acknowledged", async () => {
  const client = () => clientOf(network, "a");
  for (let round = 0; round < 9; round += 1) {
    const victim = ["node", "enclave", "cometbft"][round % 3];
    // What the last round sent without hearing of it would make the next sequence wrong: it may wait, or be in the proposal of the next block, which
    // CometBFT finds in its log.
    const from = await network.height();
    await until(async () => (await network.height()) > from + 1, { ms: 20_000, what: "two blocks" });
    await until(async () => (await network.rpcCall("num_unconfirmed_txs")).result?.total === "0", { what: "an empty mempool" });
    const before = await count();
    let acknowledged = 0;
    let killed = false;
    let failed;
    const sender = client();
    const work = (async () => {
      while (!killed) {
        await execute(sender, counter, { increment: {} });
        acknowledged += 1;
      }
    })().catch((error) => {
      if (!killed) failed = error;
    });
    // Longer than the client itself waits: what it says then says more.
    await until(() => failed || acknowledged > 0, { ms: 30_000, what: `a transaction before the kill of ${victim} in round ${round}` });
    assert.ifError(failed);
    await sleep(random() * 400);
    const found = processes();
    killed = true;
    process.kill(found[victim], "SIGKILL");
    if (victim === "cometbft") {
      const height = await network.height();
      await until(async () => (await network.height()) > height + 1, { ms: 20_000, what: "blocks after CometBFT died" });
    } else {
      await network.exited;
      await until(() => !isAlive(found.cometbft), { what: "CometBFT to end with its node" });
      network = await startNetwork({ ...COMET, home: network.home, reset: false });
    }
    await work;
    assert.ifError(failed);
    const now = await count();
    assert.ok(now >= before + acknowledged, `${victim}: ${now} < ${before} + ${acknowledged}`);
  }
});

test("a home begun on one engine is not run on the other by mistake, and a CometBFT that is not there is told", async () => {
  await network.stop({ clean: false });
  assert.equal(network.exit.code, 0, network.output);
  for (const [more, words] of [
    [["--engine", "solo"], /runs on .*ometbft.*--reset/i],
    [["--engine", "cometbft", "--cometbft", "/nowhere/cometbft"], /\/nowhere\/cometbft/],
    [["--engine", "cometbft", "--cometbft", "/bin/true"], /engine\.cometbft_version.*scripts\/install-cometbft/s],
  ]) {
    const refused = await launch({ home: network.home, reset: false, blockTime: "100ms", more });
    const { code } = await refused.exited;
    assert.notEqual(code, 0);
    assert.match(refused.output, words);
  }
  network = await startNetwork({ ...COMET, home: network.home, reset: false });
});

test("Solo serves a chain that CometBFT made byte for byte as CometBFT did, and goes on with it", async () => {
  const { result } = await network.rpcCall("status");
  const last = Number(result.sync_info.latest_block_height) - 2;
  const targets = [];
  for (let height = 1; height <= last; height += height < 40 ? 1 : 7) {
    for (const method of ["block", "block_results", "commit", "header", "validators", "consensus_params"]) {
      targets.push(`/${method}?height=${height}`);
    }
  }
  targets.push("/genesis", `/blockchain?minHeight=1&maxHeight=${last}`);
  const search = `message.sender='${ACCOUNTS.a.address}' AND tx.height<${last}`;
  targets.push(`/tx_search?query=${encodeURIComponent(`"${search}"`)}&per_page=100&order_by=${encodeURIComponent('"asc"')}`);
  const texts = async (net) => {
    const all = new Map();
    for (const target of targets) all.set(target, await (await fetch(net.rpc + target)).text());
    return all;
  };
  const real = await texts(network);
  await network.stop({ clean: false });
  const home = mkdtempSync(join(tmpdir(), "strongroom-e2e-"));
  cpSync(network.home, home, { recursive: true });
  // The key for peers is what makes a home CometBFT's.
  rmSync(join(home, "network", "config", "node_key.json"));
  // CometBFT may have voted on a block that it did not decide any more: Solo would rightly not vote against that.
  rmSync(join(home, "network", "data", "priv_validator_state.json"));
  const solo = await startNetwork({ home, reset: false, blockTime: "100ms" });
  try {
    assert.ok((await solo.height()) >= last);
    const ours = await texts(solo);
    // How many blocks there are by now stands in one of them.
    const still = (text) => text.replace(/"last_height":"\d+"/, "");
    for (const [target, text] of real) {
      // The genesis file is told as it was given; CometBFT writes it anew.
      if (target === "/genesis") assert.deepEqual(JSON.parse(ours.get(target)), JSON.parse(text));
      else assert.equal(still(ours.get(target)), still(text), target);
    }
    await execute(clientOf(solo, "a"), counter, { increment: {} });
  } finally {
    await solo.stop();
  }
  // Every block, from genesis, gives the app hash that CometBFT's headers have.
  const out = execFileSync(BINARY, ["replay", "--home", network.home], { encoding: "utf8" });
  assert.match(out, /equals the stored state/);
  network = await startNetwork({ ...COMET, home: network.home, reset: false });
});
