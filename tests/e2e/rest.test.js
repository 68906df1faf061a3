// The command line with the address of a node's REST: all that it can over the RPC, proven as there; over a node of the Cosmos SDK as far as its routes go; and
// what is forged on the way is believed no more than over the RPC.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { ACCOUNTS } from "./support/accounts.js";
import { BINARY, root, startNetwork, until } from "./support/network.js";

const KEY = "registration/keys";
const COUNTER = join(root, "contracts", "target", "wasm32-unknown-unknown", "release", "counter.wasm");
let network;
let directory;
let genesis;
let contract;
before(async () => {
  network = await startNetwork({ blockTime: "300ms" });
  directory = mkdtempSync(join(tmpdir(), "strongroom-rest-"));
  const files = readdirSync(network.home, { recursive: true });
  genesis = join(network.home, files.find((name) => name.endsWith("genesis.json")));
});
after(async () => {
  await network?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

function run(...args) {
  return new Promise((resolve) => {
    const env = { ...process.env, STRONGROOM_HOME: join(directory, "home") };
    execFile(BINARY, args.map(String), { cwd: directory, env }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, out: stdout, said: stderr });
    });
  });
}

async function well(...args) {
  const { status, out, said } = await run(...args);
  assert.equal(status, 0, `${args.join(" ")}: ${said}`);
  return out;
}

/** A key with coins. */
async function funded(name) {
  const { address } = JSON.parse(await well("keys", "add", name, "--keyring", "test", "--output", "json"));
  await (await fetch(`${network.faucet}/faucet?address=${address}`)).text();
  await until(async () => (await well("query", "bank", "balances", address, "--node", network.rest, "--output", "json")).includes("uscrt"), { what: "coins" });
  return address;
}

/** A server before the node's REST: `answer({ path, verb }, asked)` gives what it says, as an object or as `[status, text, headers]`; `asked()` asks the node. */
async function between(answer) {
  const [paths, addresses] = [[], []];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const bytes of request) body += bytes;
    const asked = async () => {
      const told = await fetch(network.rest + request.url, { method: request.method, ...(body && { body }) });
      return [told.status, await told.json()];
    };
    paths.push(`${request.method} ${request.url.split("?")[0]}`);
    addresses.push(request.url);
    const [status, said, headers = {}] = await answer({ path: request.url, verb: request.method }, asked);
    response.writeHead(status, headers).end(typeof said === "string" ? said : JSON.stringify(said));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { paths, addresses, url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

/** Changes the answers to paths with this in them. */
const forging = (part, change) => between(async ({ path }, asked) => {
  const [status, told] = await asked();
  if (status === 200 && path.includes(part)) change(told);
  return [status, told];
});

/** What a node of the Cosmos SDK refuses: routes of ours, and gRPC methods as queries of CometBFT's. */
const standard = () => between(({ path }, asked) => {
  if (path.startsWith("/strongroom/")) return [501, { code: 12, message: "Not Implemented", details: [] }];
  const query = path.includes("/abci_query?") && new URL(path, "http://a").searchParams.get("path");
  if (query && !query.startsWith("/store/")) return [400, { code: 3, message: `unsupported ABCI query path: ${query}`, details: [] }];
  return asked();
});

/** Stores, instantiates, calls and asks a contract, pays, and looks again: all with one address of a node. */
async function everything(name, node, label, wasm) {
  const address = await funded(name);
  const proven = ["--node", node, "--genesis", genesis];
  const tx = async (...args) => JSON.parse(await well("tx", ...args, "--from", name, "--keyring", "test", "--output", "json", ...proven));
  const stored = await tx("contract", "store", wasm);
  const { code_id: code } = stored.messages[0];
  const made = await tx("contract", "instantiate", code, '{"count":40}', "--label", label);
  const contract = made.messages[0].contract_address;
  const called = await tx("contract", "execute", contract, '{"increment":{}}');
  for (const { code, proven: how } of [stored, made, called]) assert.deepEqual([code, how], [0, "result"]);
  const asked = await run("query", "contract", contract, '{"get_count":{}}', "--output", "json", ...proven);
  assert.deepEqual([asked.status, asked.out.trim()], [0, '{"count":41}'], asked.said);
  const refused = await run("query", "contract", contract, '{"no_such":{}}', ...proven);
  assert.equal(refused.status, 4);
  assert.match(refused.said, /^strongroom: client\.contract: the contract says: /m);
  const paid = await tx("bank", "send", ACCOUNTS.b.address, "7uscrt");
  assert.deepEqual([paid.code, paid.proven], [0, "result"]);
  // Its sender reads what was sealed.
  const shown = JSON.parse(await well("query", "tx", called.txhash, "--from", name, "--keyring", "test", "--output", "json", ...proven));
  assert.deepEqual([shown.txhash, shown.proven, shown.code], [called.txhash, "result", 0]);
  assert.match(JSON.stringify(shown.messages), /increment/);
  const overRpc = JSON.parse(await well("query", "tx", called.txhash, "--from", name, "--keyring", "test", "--output", "json", "--node", network.rpc, "--genesis", genesis));
  assert.deepEqual(shown, overRpc);
  const missing = await run("query", "tx", "AB".repeat(32), ...proven);
  assert.deepEqual([missing.status, missing.out], [6, ""], missing.said);
  assert.match(missing.said, /^strongroom: client\.not_included: /m);
  assert.equal((await run("tx", "pending", "--keyring", "test", ...proven)).out, "");
  return { address, contract };
}

test("keys, contracts, payments and proofs over REST, as over the RPC", async () => {
  let address;
  // Of a length that no address has room for, but less than what is always posted.
  const zipped = join(directory, "counter.wasm.gz");
  const bytes = gzipSync(readFileSync(COUNTER), { level: 9 });
  assert.ok(bytes.length > 46_000 && bytes.length < 92_000, `${bytes.length}`);
  writeFileSync(zipped, bytes);
  ({ address, contract } = await everything("alice", network.rest, "over rest", zipped));
  const balances = (node) => well("query", "bank", "balances", address, "--node", node, "--output", "json");
  assert.equal(await balances(network.rest), await balances(network.rpc));
  const supply = ["query", "grpc", "cosmos.bank.v1beta1.Query/TotalSupply", "{}", "--output", "json"];
  assert.equal(await well(...supply, "--node", network.rest), await well(...supply, "--node", network.rpc));
  // What the chain refuses has its own text.
  const broke = await run("tx", "bank", "send", ACCOUNTS.b.address, "999999999999999uscrt", "--from", "alice", "--keyring", "test", "--node", network.rest, "--trust-node");
  assert.equal(broke.status, 4, broke.said);
  assert.match(broke.said, /insufficient funds/);
});

test("a value is proven over REST, also of the newest block of a network that makes none without transactions", async () => {
  const quiet = await startNetwork({ blockTime: "instant" });
  try {
    // The block after the first; none comes after it.
    await (await fetch(`${quiet.faucet}/faucet?address=${ACCOUNTS.b.address}`)).text();
    await until(async () => (await quiet.height()) >= 2, { what: "a block" });
    const home = readdirSync(quiet.home, { recursive: true }).find((name) => name.endsWith("genesis.json"));
    const verify = (...args) => well("verify", "--genesis", join(quiet.home, home), ...args);
    const value = await verify("--node", quiet.rpc, "--key", KEY);
    const file = join(directory, "recorded.json");
    assert.equal(await verify("--node", quiet.rest, "--key", KEY, "--record", file), value);
    assert.equal(await verify("--recorded", file, "--key", KEY), value);
    assert.equal((await verify("--node", quiet.rest, "--key", "nothing/here")).trim(), "absent");
  } finally {
    await quiet.stop();
  }
});

test("a node of the Cosmos SDK, without routes of ours, gives all that its own routes give", async () => {
  const node = await standard();
  try {
    const { address } = await everything("bob", node.url, "over standard routes", COUNTER);
    const own = node.paths.filter((path) => path.includes("/strongroom/"));
    assert.ok(own.length > 0 && node.paths.some((path) => /\/validatorsets\/\d+$/.test(path)), "it was asked for ours, and then otherwise");
    assert.ok(node.paths.includes("POST /cosmos/tx/v1beta1/simulate") && !node.addresses.some((path) => path.includes("Simulate")));
    const verified = await well("verify", "--node", node.url, "--genesis", genesis, "--key", KEY);
    assert.equal(verified, await well("verify", "--node", network.rpc, "--genesis", genesis, "--key", KEY));
    const balances = await run("query", "bank", "balances", address, "--node", node.url);
    assert.deepEqual([balances.status, balances.out], [1, ""], balances.said);
    assert.match(balances.said, /^strongroom: client\.no_route: the REST of this node cannot answer \/cosmos\.bank\.v1beta1\.Query\/AllBalances: name the address of its RPC/m);
  } finally {
    await node.stop();
  }
});

test("what is forged over REST is refused: value, proof, header, commit, validators", async () => {
  const flipped = (base64) => {
    const bytes = Buffer.from(base64, "base64");
    bytes[bytes.length >> 1] ^= 1;
    return bytes.toString("base64");
  };
  for (const [part, change, code] of [
    ["/abci_query", (told) => (told.value = flipped(told.value)), /^strongroom: proof: /m],
    ["/abci_query", (told) => told.proof_ops && (told.proof_ops.ops[0].data = flipped(told.proof_ops.ops[0].data)), /^strongroom: proof: /m],
    ["/abci_query", (told) => delete told.proof_ops, /bad proofOps/],
    ["/commits/", (told) => (told.signed_header.header.app_hash = flipped(told.signed_header.header.app_hash)), /^strongroom: header: /m],
    ["/commits/", (told) => (told.signed_header.commit.signatures[0].signature = flipped(told.signed_header.commit.signatures[0].signature)), /^strongroom: header: /m],
    ["/commits/", (told) => (told.signed_header.header.chain_id = "other-1"), /^strongroom: header: /m],
    ["/validatorsets/", (told) => (told.validators[0].voting_power = "7"), /^strongroom: header: /m],
    ["/validatorsets/", (told) => (told.validators[0].pub_key.key = Buffer.alloc(32, 7).toString("base64")), /^strongroom: header: /m],
  ]) {
    const node = await forging(part, change);
    try {
      const { status, out, said } = await run("verify", "--node", node.url, "--genesis", genesis, "--key", KEY);
      assert.notEqual(status, 0, `${part} ${change}`);
      assert.equal(out, "");
      assert.match(said, code, `${part} ${change}`);
      // Nor is anything sealed for a key that it tells.
      const asked = await run("query", "contract", contract, '{"get_count":{}}', "--node", node.url, "--genesis", genesis);
      assert.ok([3, 7].includes(asked.status), asked.said);
    } finally {
      await node.stop();
    }
  }
});

test("the routes of ours say what the RPC says to the same question, and refuse what is not there", async () => {
  const light = (path) => network.request(`/strongroom/light/v1/${path}`);
  const rpc = async (method, params) => (await network.rpcCall(method, params)).result;
  const toHex = (base64) => Buffer.from(base64, "base64").toString("hex").toUpperCase();
  const { txs } = await rpc("tx_search", { query: "tx.height>0", page: "1", per_page: "30" });
  assert.ok(txs.length >= 8);
  for (const { hash, height } of txs) {
    const params = { hash: Buffer.from(hash, "hex").toString("base64"), prove: true };
    const told = await rpc("tx", params);
    delete told.proof.root_hash;
    delete told.proof.data;
    told.tx_result.data ??= "";
    const { status, body } = await light(`txs/${hash}`);
    assert.equal(status, 200);
    assert.deepEqual(body, told);
    assert.deepEqual((await light(`txs/${hash.toLowerCase()}`)).body, body);

    const { txs_results: results } = (await light(`results/${height}`)).body;
    const of = ({ code, data, gas_wanted, gas_used }) => ({ code, data: data ?? "", gas_wanted, gas_used });
    assert.deepEqual(results, (await rpc("block_results", { height })).txs_results.map(of));
  }
  const newest = await network.height();
  for (const height of [1, 2, newest - 1, newest]) {
    const { header, commit } = (await rpc("commit", { height: `${height}` })).signed_header;
    const { signed_header: mine } = (await light(`commits/${height}`)).body;
    assert.deepEqual([mine.header.height, toHex(mine.header.app_hash), mine.header.time], [header.height, header.app_hash, header.time]);
    assert.deepEqual([mine.commit.height, toHex(mine.commit.block_id.hash)], [commit.height, commit.block_id.hash]);
    // Those of the newest may be renewed.
    if (height < newest - 1) assert.deepEqual(mine.commit.signatures.map((sig) => sig.signature), commit.signatures.map((sig) => sig.signature));
  }
  for (const [path, status, code] of [
    ["commits/0", 400, 3], ["commits/-1", 400, 3], ["commits/9223372036854775807", 400, 3], ["commits/99999999999999999999", 400, 3], ["commits/x", 400, 3],
    ["results/0", 400, 3], ["results/99999999", 400, 3], [`txs/${"AB".repeat(32)}`, 404, 5], ["txs/xyz", 404, 5], [`txs/${"AB".repeat(64)}`, 404, 5],
    ["commits", 501, 12], ["blocks/1", 501, 12],
  ]) {
    const { status: given, body } = await light(path);
    assert.deepEqual([given, body.code], [status, code], path);
  }
  assert.equal((await network.request("/strongroom/light/v1/commits/1", { method: "POST", body: "{}" })).status, 501);
});

test("a node that forges what became of a transaction over REST makes nobody believe it, nor pay twice", async () => {
  await funded("carol");
  const pay = (node) => run("tx", "bank", "send", ACCOUNTS.b.address, "9uscrt", "--from", "carol", "--keyring", "test", "--gas", "20000", "--fees", "2000uscrt", "--output", "json", "--node", node, "--genesis", genesis);
  const [told, withheld] = [
    await forging("/light/v1/txs/", (tx) => Object.assign(tx.tx_result, { code: 5, codespace: "sdk", log: "insufficient funds", data: "" })),
    await between(async ({ path }, asked) => {
      if (path.includes("/light/v1/results/")) return [404, { code: 5, message: "no results at this height", details: [] }];
      const [status, tx] = await asked();
      if (path.includes("/light/v1/txs/") && status === 200) Object.assign(tx.tx_result, { code: 5, codespace: "sdk", log: "insufficient funds", data: "" });
      return [status, tx];
    }),
  ];
  try {
    const lied = await pay(withheld.url);
    assert.deepEqual([lied.status, lied.out], [6, ""], lied.said);
    assert.match(lied.said, /^strongroom: client\.outcome_unknown: .*\(block \d+ holds it, and whether it succeeded there is not proven\)/m);
    const again = await pay(withheld.url);
    assert.match(again.said, /^strongroom: tx\.pending: .*does the same/m);
    const { txhash } = JSON.parse((await run("tx", "pending", "--keyring", "test", "--output", "json", "--node", withheld.url, "--genesis", genesis)).out)[0];
    const shown = await run("query", "tx", txhash, "--node", told.url, "--genesis", genesis);
    assert.deepEqual([shown.status, shown.out], [7, ""], shown.said);
    assert.match(shown.said, /^strongroom: proof\./m);
    // An honest one proves how it ended, over REST.
    assert.match((await pay(network.rest)).said, /^strongroom: tx\.done: /m);
    const honest = JSON.parse(await well("query", "tx", txhash, "--node", network.rest, "--genesis", genesis, "--output", "json"));
    assert.deepEqual([honest.code, honest.proven], [0, "result"]);
  } finally {
    await Promise.all([told.stop(), withheld.stop()]);
  }
});

test("whatever answers in place of REST is a line with a code", async () => {
  const page = "<html><body>Bad gateway</body></html>";
  const html = { "content-type": "text/html" };
  const later = (said) => ({ path }, asked) => (path.includes("/abci_query") ? said : asked());
  for (const [answer, status, line] of [
    // From the first question on.
    [() => [200, page, html], 3, /^strongroom: client\.not_rpc: .*neither the RPC of a node nor its REST: it says "<html>/m],
    [() => [404, "404 page not found"], 3, /^strongroom: client\.not_rpc: /m],
    [() => [301, "", { location: network.rest }], 3, /^strongroom: client\.not_rpc: /m],
    [() => [503, page, { ...html, "retry-after": "5" }], 3, /^strongroom: client\.busy: .*ask again in 5 s$/m],
    // After it has been REST.
    [later([502, page, html]), 3, /^strongroom: client\.not_rest: /m],
    [later([503, { code: 14, message: "no thread is free", details: [] }, { "retry-after": "2" }]), 3, /^strongroom: client\.busy: .*no thread is free; ask again in 2 s$/m],
    [later([429, { code: 8, message: "all lanes are taken", details: [] }]), 4, /^strongroom: client\.query: all lanes are taken$/m],
    [later([200, '{"code":0,"val']), 3, /^strongroom: client\.not_rest: /m],
    [later([200, '{"code":[]}']), 3, /^strongroom: client\.form: /m],
    [later([200, '{"code":0}', { "content-length": "99", connection: "close" }]), 3, /^strongroom: client\.no_answer: /m],
    [later([501, { code: 12, message: "Not Implemented", details: [] }]), 1, /^strongroom: client\.no_route: the REST of this node cannot answer /m],
  ]) {
    const node = await between(answer);
    try {
      const { status: ended, out, said } = await run("query", "bank", "balances", ACCOUNTS.b.address, "--node", node.url);
      assert.deepEqual([ended, out], [status, ""], said);
      assert.match(said, line);
      assert.equal(said.trim().split("\n").length, 1, said);
    } finally {
      await node.stop();
    }
  }
  // Another network.
  const chain = await run("query", "bank", "balances", ACCOUNTS.b.address, "--node", network.rest, "--chain-id", "other-1");
  assert.match(chain.said, /^strongroom: client\.other_chain: the node at .* is of secretdev-1, not of other-1/);
  const version = await forging("/node_info", (told) => (told.default_node_info.protocol_version.block = "12"));
  const other = await run("query", "bank", "balances", ACCOUNTS.b.address, "--node", version.url);
  assert.match(other.said, /^strongroom: client\.other_version: the node speaks version 12 of the block protocol/m);
  await version.stop();
  writeFileSync(join(directory, "long.json"), JSON.stringify({ text: "x".repeat(50_000) }));
  writeFileSync(join(directory, "short.json"), JSON.stringify({ text: "x".repeat(44_000) }));
  const long = await run("query", "contract", contract, "@long.json", "--node", network.rest, "--trust-node");
  assert.deepEqual([long.status, long.out], [1, ""], long.said);
  assert.match(long.said, /^strongroom: client\.too_long: .*65,534 bytes/m);
  assert.equal((await fetch(`${network.rest}/${"x".repeat(65_533)}`)).status, 501);
  assert.equal((await fetch(`${network.rest}/${"x".repeat(65_534)}`)).status, 414);
  const short = await run("query", "contract", contract, "@short.json", "--node", network.rest, "--trust-node");
  assert.match(short.said, /^strongroom: client\.contract: /m);
});

test("what stands before a node is not taken for its word: no coins, no block, no routes, no time", async () => {
  const gateway = (part, said) => between(({ path }, asked) => (path.includes(part) ? said : asked()));
  const ask = (node, ...args) => run(...args, "--node", node.url);
  const balances = ["query", "bank", "balances", ACCOUNTS.b.address];
  const missing = ["query", "tx", "AB".repeat(32), "--trust-node"];
  for (const [part, said, args, status, line] of [
    ["/abci_query", [500, { code: 0, message: "upstream failed" }], balances, 3, /^strongroom: client\.not_rest: /m],
    ["/abci_query", [429, { message: "API rate limit exceeded" }, { "retry-after": "24" }], balances, 3, /^strongroom: client\.busy: .*ask again in 24 s$/m],
    ["/node_info", [503, "", { "retry-after": "7" }], balances, 3, /^strongroom: client\.busy: .*ask again in 7 s$/m],
    ["/txs/", [404, { code: 404, message: "page not found" }], missing, 3, /^strongroom: client\.not_rest: /m],
  ]) {
    const node = await gateway(part, said);
    try {
      const { status: ended, out, said } = await ask(node, ...args);
      assert.deepEqual([ended, out], [status, ""], said);
      assert.match(said, line);
    } finally {
      await node.stop();
    }
  }
  // REST behind a web server with words of its own at its root; and one that stops routes of ours.
  for (const stopped of [[404, { code: 404, message: "Not Found" }], [403, { code: 403, message: "forbidden" }]]) {
    const node = await between(({ path, verb }, asked) => {
      if (verb === "POST" && path === "/") return [404, { message: "Route POST:/ not found", error: "Not Found", statusCode: 404 }];
      return path.startsWith("/strongroom/") ? stopped : asked();
    });
    try {
      const verified = await ask(node, "verify", "--genesis", genesis, "--key", KEY);
      assert.equal(verified.status, 0, verified.said);
    } finally {
      await node.stop();
    }
  }
});

test("a node that catches up is told from a clock that is wrong", async () => {
  const old = new Date(Date.now() - 600_000).toISOString();
  const doctor = async (syncing) => {
    const node = await between(async ({ path }, asked) => {
      const [status, told] = await asked();
      if (path.includes("/node/v1beta1/status")) told.timestamp = old;
      if (path.endsWith("/syncing")) told.syncing = syncing;
      return [status, told];
    });
    try {
      const { out, said } = await run("doctor", "--home", "no-home", "--node", node.url);
      return out + said;
    } finally {
      await node.stop();
    }
  };
  assert.match(await doctor(true), /the node that was asked is catching up, its newest header is 60\d s old/);
  assert.match(await doctor(false), /this machine's clock is ahead \(set it, NTP\), or the network makes no blocks/);
});
