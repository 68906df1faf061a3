// Values with proofs: a client that trusts a genesis file or one header believes no node, online or from a recording.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { BINARY, startNetwork, until } from "./support/network.js";

const KEY = "registration/keys";
const hex = (text) => Buffer.from(text).toString("hex");
let network;
let directory;
let genesis;
before(async () => {
  network = await startNetwork({ blockTime: "1s" });
  directory = mkdtempSync(join(tmpdir(), "strongroom-verify-"));
  const files = readdirSync(network.home, { recursive: true });
  genesis = join(network.home, files.find((name) => name.endsWith("genesis.json")));
  await until(async () => (await network.height()) >= 4, { what: "a few blocks", ms: 30_000 });
});
after(async () => {
  await network?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

/** Runs `strongroom verify`; gives its exit code and what it printed. */
function verify(...args) {
  return new Promise((resolve) => {
    execFile(BINARY, ["verify", ...args.map(String)], (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, out: stdout.trim(), said: stderr.trim() });
    });
  });
}

const online = (...args) => verify("--node", network.rpc, ...args);

async function storeQuery(store, key, { height = 0, prove = false, what = "key" } = {}) {
  const params = { path: `/store/${store}/${what}`, data: hex(key), height: String(height), prove };
  return (await network.rpcCall("abci_query", params)).result.response;
}

test("the node tells raw entries of its stores, with two proof operations where a proof is wanted", async () => {
  const plain = await storeQuery("native", KEY);
  assert.equal(plain.code, 0, plain.log);
  assert.ok(plain.value.length > 80);
  assert.equal(plain.proofOps, null);
  assert.equal(Buffer.from(plain.key, "base64").toString(), KEY);
  const height = Number(plain.height);
  const proven = await storeQuery("native", KEY, { height, prove: true });
  assert.equal(proven.value, plain.value);
  assert.equal(Number(proven.height), height);
  const [entry, store] = proven.proofOps.ops;
  assert.deepEqual([entry.type, store.type], ["ics23:jmt", "ics23:simple"]);
  assert.deepEqual([entry.key, store.key].map((key) => Buffer.from(key, "base64").toString()), [KEY, "native"]);
  const absent = await storeQuery("native", "nothing", { prove: true });
  assert.deepEqual([absent.code, absent.value, absent.proofOps.ops.length], [0, null, 2]);
  const text = Buffer.from(absent.proofOps.ops[0].data, "base64").toString("latin1");
  assert.ok(text.includes("JMT::LeafNode"));
});

test("what no store has is refused in the words of the SDK", async () => {
  const refused = async (store, key, options) => {
    const { code, log } = await storeQuery(store, key, options);
    return [code, log];
  };
  assert.deepEqual(await refused("bank", KEY), [6, "no such store: bank: unknown request"]);
  assert.deepEqual(await refused("native", KEY, { what: "subspace" }), [
    6,
    "unexpected query path: /subspace: unknown request",
  ]);
  assert.deepEqual(await refused("native", ""), [2, "query cannot be zero length: tx parse error"]);
  const [code, log] = await refused("native", KEY, { height: 1_000_000, prove: true });
  assert.equal(code, 18);
  assert.match(log, /height 1000000 is not available/);
});

test("a value is proven from the genesis file, and from a header that is trusted", async () => {
  const { out, code, said } = await online("--genesis", genesis, "--key", KEY);
  assert.equal(code, 0, said);
  assert.equal(out, Buffer.from((await storeQuery("native", KEY)).value, "base64").toString("hex"));
  assert.match(said, /a value of \d+ bytes in the state after block \d+ of secretdev-1: proven by header/);
  const { result } = await network.rpcCall("commit", { height: "2" });
  const hash = result.signed_header.commit.block_id.hash;
  const trusted = await online("--trusted", `2:${hash}`, "--key-hex", hex(KEY), "--height", 3);
  assert.deepEqual([trusted.code, trusted.out], [0, out], trusted.said);
  const other = await online("--trusted", `2:${"AB".repeat(32)}`, "--key", KEY);
  assert.equal(other.code, 1);
  assert.match(other.said, /the commit is for another block/);
});

test("that there is no value is proven too", async () => {
  for (const more of [["--key", "nothing/here"], ["--store", "ibc", "--key", KEY]]) {
    const { out, code, said } = await online("--genesis", genesis, ...more);
    assert.deepEqual([code, out], [0, "absent"], said);
  }
});

test("another genesis, an old header and the future are refused", async () => {
  const document = JSON.parse(readFileSync(genesis, "utf8"));
  const other = join(directory, "genesis.json");
  const tried = async (change) => {
    const changed = structuredClone(document);
    change(changed);
    writeFileSync(other, JSON.stringify(changed));
    return (await online("--genesis", other, "--key", KEY)).said;
  };
  assert.match(await tried((genesis) => (genesis.chain_id = "other-1")), /another chain/);
  assert.match(
    await tried((genesis) => {
      genesis.validators[0].pub_key.value = Buffer.alloc(32, 7).toString("base64");
      genesis.validators[0].address = "";
    }),
    /validators hash is not that of the expected validators/,
  );
  const later = await online("--genesis", genesis, "--key", KEY, "--at", "2099-01-01T00:00:00Z");
  assert.match(later.said, /has expired at 2099-01-01T00:00:00Z/);
  const before = await online("--genesis", genesis, "--key", KEY, "--at", "2001-01-01T00:00:00Z");
  assert.match(before.said, /ahead of the clock/);
  const next = await online("--genesis", genesis, "--key", KEY, "--height", 1_000_000);
  assert.match(next.said, /no header yet that commits to height 1000000/);
});

test("recorded answers are checked again without a node, and no change of them passes", async () => {
  const file = join(directory, "recording.json");
  const ask = ["--genesis", genesis, "--key", KEY, "--height", 3];
  const first = await online(...ask, "--record", file);
  assert.equal(first.code, 0, first.said);
  // At the time of the recording, from an address where nobody is.
  const offline = (...args) => verify("--node", "http://127.0.0.1:1", "--recorded", ...args);
  assert.equal((await offline(file, ...ask)).out, first.out);
  const recording = JSON.parse(readFileSync(file, "utf8"));
  const bent = join(directory, "bent.json");
  const tried = async (method, change, ...args) => {
    const changed = structuredClone(recording);
    const made = changed.filter((exchange) => exchange.method === method);
    assert.ok(made.length > 0, method);
    made.forEach((exchange) => change(exchange.result));
    writeFileSync(bent, JSON.stringify(changed));
    const { code, out, said } = await offline(bent, ...ask, ...args);
    assert.deepEqual([code, out], [1, ""], `${method} ${change}: ${said}`);
    return said;
  };
  const header = (change) => tried("commit", ({ signed_header }) => change(signed_header.header));
  assert.match(await header((header) => (header.app_hash = "AB".repeat(32))), /another block/);
  assert.match(await header((header) => (header.height = "3")), /height/);
  assert.match(await header((header) => (header.chain_id = "other-1")), /another chain/);
  const value = (change) => tried("abci_query", ({ response }) => change(response));
  assert.match(await value((response) => (response.value = "AAAA")), /not the proven one/);
  assert.match(await value((response) => (response.value = null)), /not the proven one/);
  assert.match(await value((response) => (response.proofOps = null)), /proofOps/);
  assert.match(await value((response) => response.proofOps.ops.reverse()), /proofOps/);
  // Absent, by a true proof of another key's absence; and the true value of another height.
  const nothing = await storeQuery("native", "nothing", { height: 3, prove: true });
  assert.match(await value((response) => Object.assign(response, nothing)), /another key/);
  const count = join(directory, "other.json");
  await online("--genesis", genesis, "--key", KEY, "--height", 2, "--record", count);
  assert.match((await offline(count, ...ask)).said, /was not recorded/);
  const power = ({ validators }) => (validators[0].voting_power = "11");
  assert.match(await tried("validators", power), /validators hash/);
});
