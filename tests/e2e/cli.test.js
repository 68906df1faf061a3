// The command line, the whole way: keys, coins, contracts, private queries, and docs/book/cli.md as it stands there.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";

import { createMultisigThresholdPubkey, pubkeyToAddress } from "@cosmjs/amino";

import { ACCOUNTS } from "./support/accounts.js";
import { ask, clientOf, deploy } from "./support/client.js";
import { BINARY, CHAIN_ID, root, startNetwork, until } from "./support/network.js";

const PAGE = readFileSync(join(root, "docs", "book", "cli.md"), "utf8");
const CONTRACTS = process.env.STRONGROOM_CONTRACTS ?? join(root, "contracts", "target", "wasm32-unknown-unknown", "release");
const wasm = (name) => join(CONTRACTS, `${name}.wasm`);
const PASSPHRASE = "correct horse battery staple";

let network;
let directory;
before(async () => {
  network = await startNetwork();
  directory = mkdtempSync(join(tmpdir(), "strongroom-cli-"));
  writeFileSync(join(directory, "passphrase"), `${PASSPHRASE}\n`);
});
after(async () => {
  await network?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

const env = (more = {}) => ({
  ...process.env,
  STRONGROOM_HOME: join(directory, "home"),
  STRONGROOM_KEYRING_PASSPHRASE_FILE: join(directory, "passphrase"),
  ...more,
});

/** Runs a command; gives its exit status and what it printed. */
function run(args, { input = "", more } = {}) {
  return new Promise((resolve) => {
    const child = execFile(BINARY, args.map(String), { cwd: directory, env: env(more), maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, out: stdout, said: stderr });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** As `run`; the command must succeed. Gives its standard output as JSON. */
async function json(...args) {
  const { status, out, said } = await run([...args, "--output", "json"]);
  assert.equal(status, 0, `${args.join(" ")}: ${said}`);
  assert.equal(out.trim().split("\n").length, 1, "one line");
  return JSON.parse(out);
}

/** The node of the test, which is believed. */
const own = () => ["--node", network.rpc, "--trust-node"];
const online = (...args) => json(...args, ...own());
const local = (...args) => online(...args, "--keyring", "test");

/** A key of the keyring `test` with coins. */
async function funded(name) {
  const { address } = await json("keys", "add", name, "--keyring", "test");
  const { txhash } = await (await fetch(`${network.faucet}/faucet?address=${address}`)).json();
  await until(async () => (await run(["query", "tx", txhash, "--node", network.rpc])).status === 0, { what: "coins" });
  return address;
}

test("from nothing to a token's private balance, with nothing but the command line", async () => {
  const alice = await funded("alice");
  const stored = await local("tx", "contract", "store", wasm("token"), "--from", "alice");
  const [{ code_id }] = stored.messages;
  // What an upload costs is known before it is sent: the limit is that and a tenth.
  assert.ok(Number(stored.gas_used) * 1.15 > Number(stored.gas_wanted), JSON.stringify(stored));
  const init = { name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: "ZGljZQ==", initial_balances: [{ address: alice, amount: "340282366920938463463374607431" }] };
  const made = await local("tx", "contract", "instantiate", code_id, JSON.stringify(init), "--label", "token of the command line", "--from", alice);
  const token = made.messages[0].contract_address;
  assert.match(token, /^secret1/);
  const called = await local("tx", "contract", "execute", token, '{"create_viewing_key":{"entropy":"e"}}', "--from", "alice");
  const key = called.messages[0].answer.create_viewing_key.key;
  assert.ok(key);
  const query = JSON.stringify({ balance: { address: alice, key } });
  assert.deepEqual(await online("query", "contract", token, query), { balance: { amount: "340282366920938463463374607431" } });

  const mine = await local("query", "tx", called.txhash, "--from", "alice");
  assert.deepEqual(mine, called);
  assert.deepEqual(mine.messages[0].input, { create_viewing_key: { entropy: "e" } });
  const theirs = await online("query", "tx", called.txhash);
  assert.ok(!JSON.stringify(theirs).includes("entropy") && !JSON.stringify(theirs).includes(key));
  assert.deepEqual([theirs.messages[0].input, theirs.messages[0].answer], [null, null]);
  // Another key of the same keyring reads no more than a stranger.
  await json("keys", "add", "other", "--keyring", "test");
  assert.deepEqual(await local("query", "tx", called.txhash, "--from", "other"), theirs);

  // secret.js reads the same balance of the same contract.
  const client = clientOf(network, "b");
  const { code_hash } = await client.query.compute.codeHashByContractAddress({ contract_address: token });
  assert.deepEqual(await ask(client, { address: token, code_hash }, JSON.parse(query)), { balance: { amount: "340282366920938463463374607431" } });

  // The contract's error is for its sender, with the status of a transaction that failed, and the result is printed.
  const failed = await run(["tx", "contract", "execute", token, `{"transfer":{"recipient":"${ACCOUNTS.b.address}","amount":"999999999999999999999999999999999"}}`, "--from", "alice", "--keyring", "test", ...own(), "--output", "json"]);
  assert.equal(failed.status, 5);
  assert.match(failed.said, /^strongroom: client\.failed: the transaction failed: .*insufficient funds: required=9+: .*\(compute 3\)$/m);
  const result = JSON.parse(failed.out);
  assert.equal(result.code, 3);
  assert.match((await local("query", "tx", result.txhash, "--from", "alice")).raw_log, /insufficient funds: required=/);
  assert.match((await online("query", "tx", result.txhash)).raw_log, /encrypted: /);
  // So is the error of a query.
  const wrong = await run(["query", "contract", token, '{"no_such_query":{}}', ...own()]);
  assert.equal(wrong.status, 4, wrong.said);
  assert.match(wrong.said, /^strongroom: client\.contract: the contract says: .*no_such_query/);
});

test("a name of a key, an estimate and a dry run: what is said is what is paid", async () => {
  await funded("payer");
  const dry = await local("tx", "bank", "send", "alice", "5uscrt", "--from", "payer", "--dry-run");
  const sent = await local("tx", "bank", "send", "alice", "5uscrt", "--from", "payer");
  const off = Math.abs(Number(dry.gas_estimate) - Number(sent.gas_used)) / Number(sent.gas_used);
  assert.ok(off <= 0.05, `estimated ${dry.gas_estimate}, used ${sent.gas_used}`);
  assert.equal(sent.gas_wanted, dry.gas_limit);
  const { balances } = await local("query", "bank", "balances", "payer");
  assert.deepEqual(balances, [{ denom: "uscrt", amount: String(1_000_000_000 - 5 - Number.parseInt(dry.fee, 10)) }]);
  const quick = await local("tx", "bank", "send", "alice", "1uscrt", "--from", "payer", "--no-wait");
  await until(async () => (await run(["query", "tx", quick.txhash, "--node", network.rpc])).status === 0, { what: "a block" });
});

test("the key that messages are sealed for is proven from a genesis file, and a node of another network is not believed", async () => {
  const counter = await deploy(clientOf(network, "a"), "counter", { count: 1 });
  const files = readdirSync(network.home, { recursive: true });
  const genesis = join(network.home, files.find((name) => name.endsWith("genesis.json")));
  const call = (...args) => run(["tx", "contract", "execute", counter.address, '{"increment":{}}', "--from", "alice", "--keyring", "test", "--node", network.rpc, ...args]);
  // Blocks come with transactions only here, and the next one proves the result.
  const ticking = setInterval(() => fetch(`${network.faucet}/faucet?address=${ACCOUNTS.d.address}`).catch(() => {}), 500);
  const proven = await call("--genesis", genesis);
  assert.equal(proven.status, 0, proven.said);
  assert.match(proven.said, /sealed for the network's key, proven in the state after block \d+/);
  assert.match((await call("--trust-node")).said, /sealed for the key that the node tells, which is believed/);
  const { result } = await (await fetch(`${network.rpc}/commit?height=2`)).json();
  const { hash } = result.signed_header.commit.block_id;
  const trusted = await call("--trusted", `2:${hash}`);
  assert.match(trusted.said, /proven in the state/);
  clearInterval(ticking);
  await new Promise((resolve) => setTimeout(resolve, 2_000));

  const before = await network.height();
  const other = await call("--trusted", `2:${"AB".repeat(32)}`);
  assert.equal(other.status, 7);
  assert.match(other.said, /^strongroom: light\.commit_block_id: /m);
  const document = JSON.parse(readFileSync(genesis, "utf8"));
  document.validators[0].pub_key.value = Buffer.alloc(32, 7).toString("base64");
  delete document.validators[0].address;
  writeFileSync(join(directory, "forged.json"), JSON.stringify(document));
  const forged = await call("--genesis", join(directory, "forged.json"));
  assert.equal(forged.status, 7, forged.said);
  assert.match(forged.said, /^strongroom: light\./m);
  const chain = await call("--trust-node", "--chain-id", "other-1");
  assert.match(chain.said, /^strongroom: client\.other_chain: the node at .* is of secretdev-1, not of other-1/);
  assert.equal(await network.height(), before, "nothing was sent");
});

test("a documented example of the SDK asks the same node the same question, over the RPC and over REST", async () => {
  const counter = await deploy(clientOf(network, "a"), "counter", { count: 41 });
  // Of the whole workspace: so its dependencies have the features with which the tests before have built them.
  const built = execFileSync("cargo", ["build", "-q", "--locked", "--workspace", "--example", "private_query", "--message-format", "json"], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 26 });
  const { executable } = built.trim().split("\n").map((line) => JSON.parse(line)).find(({ target, executable }) => target?.name === "private_query" && executable);
  for (const node of [network.rpc, network.rest]) {
    const out = execFileSync(executable, [new URL(node).host, counter.address, '{"get_count":{}}'], { encoding: "utf8" });
    assert.deepEqual(JSON.parse(out), { count: 41 }, node);
  }
});

test("the first call of a kind gets what is usual, and the next ones what those before have used", async () => {
  const caller = await funded("caller");
  const stored = await local("tx", "contract", "store", wasm("counter"), "--from", "caller");
  const [{ code_id }] = stored.messages;
  const made = await local("tx", "contract", "instantiate", code_id, '{"count":1}', "--label", "gas of calls", "--from", "caller");
  const counter = made.messages[0].contract_address;
  const call = (message, ...more) => run(["tx", "contract", "execute", counter, message, "--from", "caller", "--keyring", "test", ...own(), "--output", "json", ...more]);
  const first = await call('{"increment":{}}');
  assert.match(first.said, /^gas 300000 \(what such calls usually get/m);
  const { gas_used: used } = JSON.parse(first.out);
  const dry = JSON.parse((await call('{"increment":{}}', "--dry-run")).out);
  assert.equal(dry.gas_estimate, used);
  assert.equal(Number(dry.gas_limit), Math.ceil((Number(used) * 1.1) / 5_000) * 5_000);
  const second = await call('{"increment":{}}');
  assert.match(second.said, new RegExp(`^gas ${dry.gas_limit} \\(the last 1 such calls of yours used ${used} at most`, "m"));
  const done = JSON.parse(second.out);
  assert.equal(done.code, 0);
  assert.ok(Math.abs(done.gas_used - used) <= used * 0.05, `${done.gas_used} of ${used}`);
  // Another message is another kind, another account remembers nothing, and the file tells neither contract nor message.
  assert.match((await call('{"get_count":{}}', "--dry-run")).said, /^gas 300000 /m);
  const stranger = await funded("stranger");
  const theirs = await run(["tx", "contract", "execute", counter, '{"increment":{}}', "--from", "stranger", "--keyring", "test", ...own(), "--dry-run"]);
  assert.match(theirs.said, /^gas 300000 /m);
  const kept = join(directory, "home", "keys", "gas");
  const of = (address) => readdirSync(kept).filter((name) => name.startsWith(address)).map((name) => join(kept, name));
  const [file, ...others] = [...of(caller), ...of(stranger)];
  assert.equal(others.length, 0);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, "utf8");
  assert.ok(!text.includes(counter) && !text.includes("increment"));
  // What ran out of gas is not trusted again.
  const short = await call('{"increment":{}}', "--gas", String(Number(used) - 2_000));
  assert.equal(short.status, 5, short.said);
  assert.match(short.said, /out of gas/);
  assert.match((await call('{"increment":{}}', "--dry-run")).said, /^gas 300000 /m);
});

test("keys in files: sealed, for their owner's eyes, and told to nobody", async () => {
  const added = await run(["keys", "add", "sealed", "--output", "json"]);
  const words = added.said.trim().split("\n").at(-1);
  assert.equal(words.split(" ").length, 24);
  assert.ok(!added.out.includes(words.split(" ").slice(0, 3).join(" ")));
  const { address } = JSON.parse(added.out);
  const file = join(directory, "home", "keys", "file", "sealed.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const plain = (await run(["keys", "export", "sealed", "--unsafe-plain"])).out.trim();
  assert.match(plain, /^[0-9a-f]{64}$/);
  assert.ok(!readFileSync(file, "utf8").includes(plain));
  // The same account by its words, by its key, and by its file.
  const again = await run(["keys", "recover", "by-words", "--output", "json"], { input: ` ${words.replaceAll(" ", "\n")}\n` });
  assert.equal(JSON.parse(again.out).address, address);
  const byKey = await run(["keys", "import", "by-key", "-", "--hex", "--output", "json"], { input: `${plain}\n` });
  assert.equal(JSON.parse(byKey.out).address, address);
  const exported = await run(["keys", "export", "sealed"]);
  assert.ok(!exported.out.includes(plain));
  const byFile = await run(["keys", "import", "by-file", "-", "--output", "json"], { input: exported.out });
  assert.equal(JSON.parse(byFile.out).address, address);
  // An account of secret.js, too.
  const a = await run(["keys", "recover", "a", "--output", "json"], { input: ACCOUNTS.a.mnemonic });
  assert.equal(JSON.parse(a.out).address, ACCOUNTS.a.address);
});

test("a key is kept after its words are told, and not at all where nobody would read them", async () => {
  const shell = (line) => spawnSync("bash", ["-c", line], { cwd: directory, encoding: "utf8", env: env({ S: BINARY }) });
  const file = (name) => join(directory, "home", "keys", "test", `${name}.json`);
  const piped = shell('"$S" keys add piped --keyring test | head -n 0');
  assert.match(piped.stderr, /not shown again:\n([a-z]+ ){23}[a-z]+\n/);
  assert.ok(existsSync(file("piped")));
  for (const nowhere of ["2>/dev/null", "2>&-"]) {
    const unheard = shell(`"$S" keys add unheard --keyring test ${nowhere}`);
    assert.deepEqual([unheard.status, unheard.stdout], [1, ""]);
    assert.ok(!existsSync(file("unheard")));
  }
  // A full disk behind it, too.
  assert.equal(shell('"$S" keys add unheard --keyring test 2>/dev/full').status, 1);
  assert.ok(!existsSync(file("unheard")));
  const written = shell('"$S" keys add unheard --keyring test --words unheard.words --output json 2>/dev/null');
  assert.equal(statSync(join(directory, "unheard.words")).mode & 0o777, 0o600);
  const again = await run(["keys", "recover", "heard", "--keyring", "test", "--words", "unheard.words", "--output", "json"]);
  assert.equal(JSON.parse(again.out).address, JSON.parse(written.stdout).address);
  // What `export` prints is taken as it is, sealed or not.
  const plain = await run(["keys", "export", "heard", "--keyring", "test", "--unsafe-plain"]);
  const byKey = await run(["keys", "import", "heard-again", "-", "--keyring", "test", "--output", "json"], { input: plain.out });
  assert.equal(JSON.parse(byKey.out).address, JSON.parse(again.out).address);
  assert.equal((await run(["keys", "export", "heard", "--keyring", "test"])).out.trim().split("\n").length, 1);
  // A file that is broken hides no key.
  writeFileSync(file("broken"), "{");
  const listed = await run(["keys", "list", "--keyring", "test"]);
  rmSync(file("broken"));
  assert.equal(listed.status, 1);
  assert.match(listed.out, /^heard +secret1/m);
  assert.match(listed.said, /broken\.json/);
});

/** A node between the command line and the test's own: `change(call, ask)` gives the answer to a call, or null for silence. */
async function between(change) {
  const ask = async (body) => (await fetch(network.rpc, { method: "POST", body })).json();
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const bytes of request) body += bytes;
    const answer = await change(JSON.parse(body), () => ask(body));
    if (answer === null) response.destroy();
    else response.end(JSON.stringify(answer));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

test("a node that withholds an answer makes nobody pay twice", async () => {
  const address = await funded("patient");
  const spent = async () => 1_000_000_000 - Number((await online("query", "bank", "balances", address)).balances[0].amount);
  const pay = (amount, node, ...more) => run(["tx", "bank", "send", ACCOUNTS.b.address, `${amount}uscrt`, "--keyring", "test", "--from", "patient", "--gas", "20000", "--fees", "2000uscrt", "--node", node, "--trust-node", ...more]);
  const unknown = (call) => ({ jsonrpc: "2.0", id: call.id, error: { code: -32603, message: "Internal error", data: "tx (AB) not found" } });
  // It takes the transaction, and says nothing.
  const silent = await between(async (call, ask) => {
    const answer = await ask();
    return call.method === "broadcast_tx_sync" ? null : answer;
  });
  // It hides every transaction.
  const hiding = await between((call, ask) => (call.method === "tx" ? unknown(call) : ask()));
  // It passes nothing on.
  const losing = await between((call, ask) => (call.method === "broadcast_tx_sync" ? null : ask()));
  try {
    const first = await pay(7, silent.url);
    assert.equal(first.status, 6, first.said);
    assert.match(first.said, /^a transaction with sequence 0 may still be included until height \d+ \([0-9A-F]{64}\)$/m);
    assert.match(first.said, /^strongroom: client\.outcome_unknown: transaction [0-9A-F]{64} was sent, and how it ended is unknown \(/m);
    await until(async () => (await spent()) > 0, { what: "the first payment" });
    const hidden = await pay(7, hiding.url);
    assert.equal(hidden.status, 1, hidden.said);
    assert.match(hidden.said, /^strongroom: tx\.pending: a transaction with sequence 0 may still be included until height \d+, and does the same/m);
    // What does something else goes on.
    const other = await pay(8, network.rpc, "--timeout-height", "0", "--dry-run");
    assert.equal(other.status, 0, other.said);
    const told = await pay(7, network.rpc);
    assert.equal(told.status, 1);
    assert.match(told.said, /^strongroom: tx\.done: it is done: block \d+ has transaction/m);
    assert.equal(await spent(), 2_007);
    // Now that it is known, the same command does it once more.
    assert.equal((await pay(7, network.rpc)).status, 0);
    assert.equal(await spent(), 4_014);

    const lost = await pay(9, losing.url);
    assert.equal(lost.status, 6, lost.said);
    assert.match((await run(["tx", "pending", "--keyring", "test", ...own()])).out, new RegExp(`^${address} +2 +\\d+ +[0-9A-F]{64}$`, "m"));
    // With the same sequence at most one of both is ever in a block.
    const again = await pay(9, network.rpc);
    assert.equal(again.status, 0, again.said);
    assert.match(again.said, /^a transaction with sequence 2 may still be included until height/m);
    assert.equal(await spent(), 6_023);
    assert.equal((await run(["tx", "pending", "--keyring", "test", ...own()])).out, "");
    // A transaction whose time is over is known to be over: proven, where something is trusted.
    const height = await network.height();
    assert.equal((await pay(11, losing.url, "--timeout-height", String(height + 1))).status, 6);
    for (let n = 0; n < 3; n += 1) assert.equal((await local("tx", "bank", "send", ACCOUNTS.b.address, `${n + 1}uscrt`, "--from", "alice")).code, 0);
    const files = readdirSync(network.home, { recursive: true });
    const genesis = join(network.home, files.find((name) => name.endsWith("genesis.json")));
    const over = await run(["tx", "pending", "--keyring", "test", "--node", network.rpc, "--genesis", genesis]);
    assert.equal(over.status, 0, over.said);
    assert.match(over.said, /the transaction with sequence 3 is in no block, and can be in none any more/);
    assert.equal(over.out, "");
    // Whoever wants to, does it again all the same.
    const blind = await pay(12, silent.url);
    assert.equal(blind.status, 6);
    await until(async () => (await spent()) > 8_000, { what: "the payment" });
    assert.equal((await pay(12, hiding.url)).status, 1);
    const forced = await pay(12, hiding.url, "--again", "--no-wait");
    assert.equal(forced.status, 0, forced.said);
    await until(async () => (await run(["tx", "pending", "--keyring", "test", ...own()])).out === "", { what: "the last payment" });
    assert.equal(await spent(), 6_023 + 2 * 2_012);
  } finally {
    await Promise.all([silent, hiding, losing].map((node) => node.stop()));
  }
});

/** What leaves an account, and the ways to pay from it over a node. */
async function payer(name) {
  const address = await funded(name);
  const spent = async () => 1_000_000_000 - Number((await online("query", "bank", "balances", address)).balances[0].amount);
  const pay = (amount, node, ...more) => run(["tx", "bank", "send", ACCOUNTS.b.address, `${amount}uscrt`, "--keyring", "test", "--from", name, "--gas", "20000", "--fees", "2000uscrt", "--node", node, "--trust-node", ...more]);
  const pending = async (...more) => (await run(["tx", "pending", "--keyring", "test", ...(more.length > 0 ? more : own())])).out;
  return { address, spent, pay, pending };
}

test("a node that goes silent once a block holds the payment makes nobody pay twice, and the result is told", async () => {
  const { spent, pay, pending } = await payer("silenced");
  let told = false;
  // It tells what came of the transaction, and nothing else from then on.
  const node = await between(async (call, ask) => {
    if (told && call.method === "abci_query") return null;
    const answer = await ask();
    told ||= call.method === "tx" && answer.result !== undefined;
    return answer;
  });
  try {
    const paid = await pay(7, node.url, "--output", "json");
    assert.equal(paid.status, 0, paid.said);
    assert.equal(JSON.parse(paid.out).code, 0);
    assert.match(paid.said, /^answers of contracts stay closed for now/m);
    assert.equal(await spent(), 2_007);
    assert.equal(await pending(), "");
  } finally {
    await node.stop();
  }
});

test("from a broadcast on, nonsense of a node is not taken for a refusal", async () => {
  const [{ spent, pay, pending }, unindexed] = [await payer("lied-to"), await payer("unindexed")];
  const wrong = (call, data) => ({ jsonrpc: "2.0", id: call.id, error: { code: -32603, message: "Internal error", data } });
  const blind = await between((call, ask) => (call.method === "tx" ? wrong(call, "transaction indexing is disabled") : ask()));
  // It takes the transaction, and says that it is refused, with a text that moves the cursor.
  const lying = await between(async (call, ask) => {
    const answer = await ask();
    if (call.method === "broadcast_tx_sync") await until(async () => (await (await fetch(`${network.rpc}/tx?hash=0x${answer.result.hash}`)).json()).result !== undefined, { what: "a block" });
    return call.method === "broadcast_tx_sync" ? { ...answer, result: { ...answer.result, code: 5, log: "no" } } : answer;
  });
  const colourful = await between((call, ask) => (call.method === "broadcast_tx_sync" ? wrong(call, "\u001b[2Jgone\u202e") : ask()));
  try {
    // It takes a minute.
    const sent = unindexed.pay(3, blind.url);
    const refused = await pay(5, lying.url);
    assert.equal(refused.status, 0, refused.said);
    assert.equal(await spent(), 2_005);
    const shown = await pay(6, colourful.url);
    assert.equal(shown.status, 6, shown.said);
    // Nothing but ends of lines, no mark of direction.
    assert.ok(!/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/.test(shown.said), JSON.stringify(shown.said));
    assert.match(shown.said, /gone/);
    const unknown = await sent;
    assert.equal(unknown.status, 6, unknown.said);
    assert.match(unknown.said, /transaction indexing is disabled/);
    assert.match(unknown.said, /^a transaction with sequence 0 may still be included/m);
    const done = await unindexed.pay(3, network.rpc);
    assert.match(done.said, /^strongroom: tx\.done: /m);
    assert.deepEqual([await unindexed.spent(), await spent()], [2_003, 2_005]);
    const [left] = (await pending()).match(/[0-9A-F]{64}/);
    assert.equal((await run(["tx", "pending", "--forget", left, "--keyring", "test"])).status, 0);
    assert.equal(await pending(), "");
    assert.match((await run(["tx", "pending", "--forget", left, "--keyring", "test"])).said, /^strongroom: tx\.unknown: /);
  } finally {
    await Promise.all([blind, lying, colourful].map((node) => node.stop()));
  }
});

test("a stranger cannot say that a payment can come no more", async () => {
  const { pay, pending } = await payer("wary");
  const losing = await between((call, ask) => (call.method === "broadcast_tx_sync" ? null : ask()));
  const far = await between(async (call, ask) => {
    const answer = await ask();
    if (call.method === "status") answer.result.sync_info.latest_block_height = "99999999";
    return answer;
  });
  try {
    assert.equal((await pay(4, losing.url)).status, 6);
    const asked = await run(["tx", "pending", "--keyring", "test", "--node", far.url]);
    assert.equal(asked.status, 1, asked.said);
    assert.match(asked.said, /^strongroom: client\.not_trusted: /);
    assert.match(await pending(), /^ACCOUNT +SEQUENCE +LAST BLOCK +TRANSACTION\nsecret1\w+ +0 +\d+ +[0-9A-F]{64}$/m);
    assert.equal((await pay(4, network.rpc)).status, 0);
    assert.equal(await pending(), "");
  } finally {
    await Promise.all([losing, far].map((node) => node.stop()));
  }
});

test("a word for one node is none for another", async () => {
  const more = { STRONGROOM_HOME: join(directory, "word") };
  assert.equal((await run(["config", "set", "mine", "--node", network.rpc, "--trust-node"], { more })).status, 0);
  const pending = (...where) => run(["tx", "pending", "--network", "mine", ...where], { more });
  for (const where of [[], ["--node", network.rpc], ["--node", network.rpc, "--trust-node"]]) {
    const asked = await pending(...where);
    assert.equal(asked.status, 0, asked.said);
  }
  const other = await pending("--node", network.rpc.replace("127.0.0.1", "localhost"));
  assert.deepEqual([other.status, other.out], [1, ""]);
  assert.match(other.said, /^strongroom: client\.not_trusted: /);
});

test("marks go when another wallet has used the sequence, when the chain is another, and when their user says so", async () => {
  const { spent, pay, pending } = await payer("twofold");
  const losing = await between((call, ask) => (call.method === "broadcast_tx_sync" ? null : ask()));
  try {
    assert.equal((await pay(4, losing.url)).status, 6);
    // The same key elsewhere, which knows nothing of these marks.
    const key = (await run(["keys", "export", "twofold", "--keyring", "test", "--unsafe-plain"])).out;
    const elsewhere = { more: { STRONGROOM_HOME: join(directory, "elsewhere") } };
    assert.equal((await run(["keys", "import", "twofold", "-", "--keyring", "test"], { ...elsewhere, input: key })).status, 0);
    const other = await run(["tx", "bank", "send", ACCOUNTS.b.address, "5uscrt", "--from", "twofold", "--keyring", "test", ...own(), "--gas", "20000", "--fees", "2000uscrt"], elsewhere);
    assert.equal(other.status, 0, other.said);
    const asked = await run(["tx", "pending", "--keyring", "test", ...own()]);
    assert.match(asked.said, /^another transaction with sequence 0 is in block \d+ \([0-9A-F]{64}\): this one can be in none/m);
    assert.equal(asked.out, "");
    assert.equal((await pay(4, network.rpc)).status, 0);
    assert.equal(await spent(), 4_009);
    // A chain of the same name whose blocks are others.
    assert.equal((await pay(8, losing.url)).status, 6);
    const another = await between(async (call, ask) => {
      const answer = await ask();
      if (call.method === "commit" && answer.result) answer.result.signed_header.commit.block_id.hash = "AB".repeat(32);
      return answer;
    });
    try {
      const reset = await run(["tx", "pending", "--keyring", "test", "--node", another.url, "--trust-node"]);
      assert.match(reset.said, /was signed on another history of this chain/);
      assert.equal(reset.out, "");
    } finally {
      await another.stop();
    }
  } finally {
    await losing.stop();
  }
});

test("what is signed in a file is not signed again unasked when it is done, nor at all where nobody can be asked", async () => {
  const { spent, pending } = await payer("filed");
  const file = (name) => join(directory, `filed-${name}.json`);
  const made = await run(["tx", "bank", "send", ACCOUNTS.b.address, "100uscrt", "--keyring", "test", "--from", "filed", "--generate-only", ...own(), "--gas", "20000", "--fees", "2000uscrt"]);
  writeFileSync(file("unsigned"), made.out);
  const sign = (...more) => run(["tx", "sign", file("unsigned"), "--keyring", "test", "--from", "filed", ...own(), ...more]);
  const unasked = await sign();
  assert.deepEqual([unasked.status, unasked.out], [1, ""]);
  assert.match(unasked.said, /^strongroom: tx\.not_sure: /m);
  assert.equal(await pending(), "");
  const signed = await sign("--yes");
  assert.equal(signed.status, 0, signed.said);
  writeFileSync(file("signed"), signed.out);
  const sent = await run(["tx", "broadcast", file("signed"), "--keyring", "test", ...own(), "--no-wait"]);
  assert.equal(sent.status, 0, sent.said);
  await until(async () => (await spent()) === 2_100, { what: "the payment" });
  const again = await sign("--yes");
  assert.equal(again.status, 1, again.said);
  assert.match(again.said, /^strongroom: tx\.done: /m);
  assert.equal((await sign("--yes")).status, 0);
  // What was signed and thrown away.
  const [left] = (await pending()).match(/[0-9A-F]{64}/);
  assert.equal((await run(["tx", "pending", "--forget", left, "--keyring", "test"])).status, 0);
  assert.equal(await pending(), "");
});

test("an account of several keys, signed by members apart from each other and from any node", async () => {
  for (const name of ["m1", "m2", "m3", "outsider"]) await json("keys", "add", name, "--keyring", "test");
  const { address, public_keys, threshold } = await json("keys", "multisig", "board", "--threshold", "2", "m1", "m2", "m3", "--keyring", "test");
  // The same account as CosmJS makes of these keys.
  const members = public_keys.map((value) => ({ type: "tendermint/PubKeySecp256k1", value }));
  assert.equal(pubkeyToAddress(createMultisigThresholdPubkey(members, threshold), "secret"), address);
  await local("tx", "bank", "send", "board", "9000000uscrt", "--from", "alice");
  const counter = await deploy(clientOf(network, "a"), "counter", { count: 1 });
  writeFileSync(join(directory, "board-call.json"), JSON.stringify([
    { "@type": "/secret.compute.v1beta1.MsgExecuteContract", contract: counter.address, msg: { increment: {} } },
    { "@type": "/cosmos.bank.v1beta1.MsgSend", to_address: ACCOUNTS.b.address, amount: [{ denom: "uscrt", amount: "3" }] },
  ]));
  const board = ["--keyring", "test", "--from", "board"];
  const wanting = await run(["tx", "send", "board-call.json", ...board, ...own(), "--generate-only"]);
  assert.match(wanting.said, /tx\.sealed_by/);
  const unsigned = await run(["tx", "send", "board-call.json", ...board, ...own(), "--generate-only", "--sealed-by", "m1"]);
  assert.equal(unsigned.status, 0, unsigned.said);
  writeFileSync(join(directory, "board.json"), unsigned.out);
  const { account } = await network.get(`/cosmos/auth/v1beta1/accounts/${address}`);
  const place = (chain = CHAIN_ID, sequence = account.sequence) => ["--offline", "--chain-id", chain, "--account-number", account.account_number, "--sequence", sequence, "--node", "http://127.0.0.1:1"];
  const sign = async (name, ...where) => {
    const ran = await run(["tx", "sign", "board.json", "--keyring", "test", "--from", name, "--multisig", "board", "--yes", ...(where.length > 0 ? where : place())]);
    assert.equal(ran.status, 0, ran.said);
    assert.match(ran.said, /message 2: send 3uscrt to/);
    writeFileSync(join(directory, `${name}.sig`), ran.out);
  };
  const multisign = (...names) => run(["tx", "multisign", "board.json", "board", ...names.map((name) => `${name}.sig`), "--keyring", "test", ...place()]);
  await sign("m1");
  assert.match((await multisign("m1")).said, /^strongroom: tx\.threshold: 1 members have signed, and 2 must/m);
  assert.match((await multisign("m1", "m1")).said, /tx\.threshold: 1 members/);
  await sign("outsider");
  assert.match((await multisign("m1", "outsider")).said, /^strongroom: tx\.member: outsider\.sig/m);
  for (const other of [place("other-1"), place(CHAIN_ID, "7")]) {
    await sign("m3", ...other);
    assert.match((await multisign("m1", "m3")).said, /^strongroom: tx\.signature: m3\.sig/m);
  }
  await sign("m3");
  const signed = await multisign("m3", "m1");
  assert.equal(signed.status, 0, signed.said);
  const sent = await run(["tx", "broadcast", "-", "--keyring", "test", "--from", "m1", "--node", network.rpc, "--output", "json"], { input: signed.out });
  assert.equal(sent.status, 0, sent.said);
  const { messages } = JSON.parse(sent.out);
  assert.deepEqual(messages[0].input, { increment: {} });
  assert.deepEqual(await ask(clientOf(network, "a"), counter, { get_count: {} }), { count: 2 });
  // Bank sends of a multisig are estimated like any other.
  const dry = await local("tx", "bank", "send", ACCOUNTS.b.address, "3uscrt", "--from", "board", "--dry-run");
  assert.ok(Number(dry.gas_estimate) > 0);
  const alone = await run(["tx", "bank", "send", ACCOUNTS.b.address, "3uscrt", ...board, ...own()]);
  assert.match(alone.said, /^strongroom: tx\.multisig: board is a multisig/);
  for (const args of [["keys", "multisig", "x", "--threshold", "3", "m1", "m2"], ["keys", "multisig", "x", "--threshold", "1", "board"], ["keys", "export", "board"]]) {
    assert.match((await run([...args, "--keyring", "test"])).said, /keyring\.multisig/);
  }
});

test("colours are for terminals, and for who wants them", async () => {
  const list = (more) => run(["keys", "list", "--keyring", "test"], { more });
  assert.ok(!(await list({})).out.includes("\x1b"));
  assert.match((await list({ CLICOLOR_FORCE: "1" })).out, /^\x1b\[1mNAME +ADDRESS\x1b\[0m\n/);
  assert.ok(!(await list({ CLICOLOR_FORCE: "1", NO_COLOR: "1" })).out.includes("\x1b"));
});

test("whoever stops reading stops no command half way", async () => {
  const line = `"$S" tx bank send ${ACCOUNTS.b.address} 1uscrt --from alice --keyring test --node ${network.rpc} --trust-node --output json 2> >(head -n 0)`;
  const ran = spawnSync("bash", ["-c", line], { cwd: directory, encoding: "utf8", env: env({ S: BINARY }) });
  assert.equal(ran.status, 0, ran.stderr);
  assert.equal(JSON.parse(ran.stdout).code, 0);
});

test("bad input is a sentence with a stable code, and nothing is changed", async () => {
  const home = join(directory, "home");
  writeFileSync(join(directory, "armor"), "-----BEGIN TENDERMINT PRIVATE KEY-----\nkdf: bcrypt\n");
  writeFileSync(join(directory, "keystore"), '{"version":3,"crypto":{"cipher":"aes-128-ctr"}}');
  writeFileSync(join(directory, "wrong"), "another passphrase\n");
  writeFileSync(join(directory, "short"), "short\n");
  writeFileSync(join(directory, "text.wasm"), "#!/bin/sh\n");
  writeFileSync(join(directory, "unknown.json"), '{"@type":"/cosmos.bank.v1beta1.MsgSteal"}');
  writeFileSync(join(directory, "others.json"), `{"@type":"/cosmos.bank.v1beta1.MsgSend","from_address":"${ACCOUNTS.b.address}"}`);
  if (!existsSync(join(home, "keys", "file", "sealed.json"))) await run(["keys", "add", "sealed"]);
  if (!existsSync(join(home, "keys", "test", "poor.json"))) await json("keys", "add", "poor", "--keyring", "test");
  const snapshot = () => readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith("lock"))
    .map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), "utf8")]).sort();
  const [kept, height] = [snapshot(), await network.height()];
  const node = own();
  const alice = [...node, "--keyring", "test", "--from", "alice"];
  const { b } = ACCOUNTS;
  const passphrase = (name) => ({ STRONGROOM_KEYRING_PASSPHRASE_FILE: join(directory, name) });
  const cases = [
    [1, /^strongroom: keyring\.exists: there is a key sealed already/, ["keys", "add", "sealed"]],
    [1, /^strongroom: keyring\.name: /, ["keys", "add", "../../sealed"]],
    [1, /^strongroom: keyring\.name: /, ["keys", "show", "/etc/passwd"]],
    [1, /^strongroom: keyring\.missing: there is no key nobody/, ["keys", "show", "nobody"]],
    [1, /^strongroom: keyring\.not_sure: /, ["keys", "delete", "sealed"]],
    [1, /^strongroom: keyring\.foreign: armor: this is no key file of strongroom\. .*recover/, ["keys", "import", "x", "armor"]],
    [1, /^strongroom: keyring\.foreign: keystore: /, ["keys", "import", "x", "keystore"]],
    [1, /^strongroom: keyring\.hex: armor: /, ["keys", "import", "x", "armor", "--hex"]],
    [1, /^strongroom: not a BIP-39 mnemonic$/m, ["keys", "recover", "x"], { input: "grant grant grant" }],
    [1, /^strongroom: keyring\.passphrase: key sealed: the passphrase is wrong/, ["keys", "export", "sealed", "--unsafe-plain"], { more: passphrase("wrong") }],
    [1, /^strongroom: keyring\.passphrase: a passphrase has 8 characters or more/, ["keys", "add", "x"], { more: passphrase("short") }],
    [1, /^strongroom: keyring\.passphrase: .*nowhere/, ["keys", "add", "x"], { more: passphrase("nowhere") }],
    [3, /^strongroom: client\.no_answer: http:\/\/127\.0\.0\.1:1: the node does not answer/, ["query", "bank", "balances", b.address, "--node", "http://127.0.0.1:1"]],
    [3, /^strongroom: client\.not_rpc: this is neither the RPC of a node nor its REST/, ["query", "bank", "balances", b.address, "--node", network.faucet]],
    [1, /^strongroom: config\.missing: there is no network nowhere/, ["query", "poa", "validators", "--network", "nowhere"]],
    [1, /^strongroom: config\.broken: .*config\.json: /, ["query", "poa", "validators"], { more: { STRONGROOM_HOME: join(directory, "broken") } }],
    [1, /^strongroom: tx\.from: /, ["tx", "bank", "send", b.address, "1uscrt", ...node]],
    [1, /^strongroom: keyring\.missing: secret1nobody is no address, and no key/, ["tx", "bank", "send", "secret1nobody", "1uscrt", ...alice]],
    [4, /^strongroom: client\.no_account: secret1\w+ has no account: it needs coins first/, ["tx", "bank", "send", b.address, "1uscrt", ...node, "--keyring", "test", "--from", "poor"]],
    [4, /^strongroom: client\.query: .*insufficient funds/, ["tx", "bank", "send", b.address, "999999999999999uscrt", ...alice]],
    [4, /^strongroom: client\.refused: the transaction is refused: .*insufficient fee.* \(sdk 13\)/, ["tx", "bank", "send", b.address, "1uscrt", "--gas", "50000", "--fees", "1uscrt", ...alice]],
    [2, /coins are written/, ["tx", "bank", "send", b.address, "1", ...alice]],
    [2, /`auto`, or a number above 0/, ["tx", "bank", "send", b.address, "1uscrt", "--gas", "0", ...alice]],
    [1, /^strongroom: tx\.chain_id: the node at http:\/\/203\.0\.113\.1:26657 is not of this machine/, ["tx", "bank", "send", b.address, "1uscrt", "--keyring", "test", "--from", "alice", "--trust-node", "--node", "http://203.0.113.1:26657"]],
    // A node on this machine may be a tunnel to another: what is signed or sealed rests on a proof, or on a word of the user.
    [1, /^strongroom: client\.not_trusted: nothing proves what the node at /, ["tx", "bank", "send", b.address, "1uscrt", "--keyring", "test", "--from", "alice", "--node", network.rpc]],
    [1, /^strongroom: client\.not_trusted: /, ["query", "contract", b.address, "{}", "--node", network.rpc]],
    [1, /^strongroom: tx\.pending_file: .*look whether they are in blocks/, ["tx", "bank", "send", b.address, "1uscrt", "--keyring-dir", join(directory, "kept"), ...alice]],
    [1, /^strongroom: keyring\.words: .*is there already/, ["keys", "add", "x", "--words", "short", "--keyring", "test"]],
    [4, /^strongroom: client\.query: [^\x1b]*\ufffd\[2J/, ["query", "grpc", "secret.compute.v1beta1.Query/AddressByLabel", '{"label":"\\u001b[2J"}', ...node]],
    [1, /^strongroom: tx\.not_wasm: /, ["tx", "contract", "store", "text.wasm", ...alice]],
    [1, /^strongroom: tx\.code: .*nowhere/, ["tx", "contract", "store", "nowhere.wasm", ...alice]],
    [1, /^strongroom: message\.json: the message is no JSON/, ["tx", "contract", "execute", b.address, "{", ...alice]],
    [4, /^strongroom: client\.query: .*not found/, ["tx", "contract", "execute", b.address, "{}", ...alice]],
    [4, /^strongroom: client\.query: .*not found/, ["query", "contract", b.address, "{}", ...node]],
    [1, /^strongroom: message\.type: \/cosmos\.bank\.v1beta1\.MsgSteal is of no module/, ["tx", "send", "unknown.json", ...alice]],
    [1, /^strongroom: tx\.signer: .* is signed by secret1fc3/, ["tx", "send", "others.json", ...alice]],
    [1, /^strongroom: tx\.file: this is no transaction/, ["tx", "sign", "others.json", ...alice]],
    [1, /^strongroom: tx\.file: this is no JSON/, ["tx", "broadcast", "text.wasm", ...node]],
    [1, /^strongroom: query\.method: /, ["query", "grpc", "cosmos.bank.v1beta1.Msg/Send", ...node]],
    [1, /^strongroom: message\.member: .* has no member "adress"/, ["query", "grpc", "cosmos.bank.v1beta1.Query/AllBalances", '{"adress":""}', ...node]],
    [6, /^strongroom: client\.not_included: transaction (AB)+ is in no block yet/, ["query", "tx", "AB".repeat(32), ...node]],
    [2, /64 hexadecimal digits/, ["query", "tx", "AB", ...node]],
  ];
  mkdirSync(join(directory, "broken"), { recursive: true });
  cpSync(join(home, "keys"), join(directory, "kept"), { recursive: true });
  const owner = JSON.parse(readFileSync(join(home, "keys", "test", "alice.json"), "utf8")).address;
  mkdirSync(join(directory, "kept", "pending"), { recursive: true });
  writeFileSync(join(directory, "kept", "pending", `${owner}.${CHAIN_ID}.json`), '{"format":"strongroom-pending/v2"}');
  writeFileSync(join(directory, "broken", "config.json"), "{");
  for (const [status, said, args, options] of cases) {
    const ran = await run(args, options);
    const what = `${args.join(" ")}\n${ran.said}`;
    // What is paid may be said before.
    assert.match(ran.said, new RegExp(said.source, "m"), what);
    assert.equal(ran.status, status, what);
    assert.equal(ran.out, "", what);
    if (status !== 2) assert.equal(ran.said.trim().split("\n").filter((line) => line.startsWith("strongroom:")).length, 1, what);
  }
  assert.deepEqual(snapshot(), kept);
  assert.equal(await network.height(), height, "nothing was sent");
  assert.equal(readFileSync(join(directory, "broken", "config.json"), "utf8"), "{");
});

/** The commands of the page, and which lines they are. */
const blocks = Array.from(PAGE.matchAll(/^```sh\n(.*?)^```$/gms), ([, text]) => text);

/** Examples for several validators of one machine: network.test.js runs them as they stand there. */
const ELSEWHERE = ["network stop", "network start", "network kill"];

test("every command has an example, which stands on a page that a test runs", async () => {
  const pages = ["cli", "localnet", "operator", "testing"].map((name) => readFileSync(join(root, "docs", "book", `${name}.md`), "utf8"));
  const fenced = pages.flatMap((page) => Array.from(page.matchAll(/^```sh[a-z ]*\n(.*?)^```$/gms), ([, text]) => text));
  const all = fenced.join("\n");
  let seen = 0;
  const look = async (words) => {
    const { out } = await run([...words, "--help"]);
    const commands = /^Commands:\n((?: .*\n|\n)*)/m.exec(out)?.[1] ?? "";
    const below = Array.from(commands.matchAll(/^ {2}([a-z][a-z-]*)/gm), ([, name]) => name).filter((name) => name !== "help");
    for (const name of below) await look([...words, name]);
    const name = words.join(" ");
    if (below.length > 0 && name !== "localnet") return;
    const example = /^Example:\n {2}(.*)$/m.exec(out)?.[1];
    assert.ok(example?.startsWith(`strongroom ${words[0]}`), `${name} has no example`);
    assert.ok(ELSEWHERE.includes(name) || all.includes(example), `not on a page: ${example}`);
    seen += 1;
  };
  await look([]);
  assert.ok(seen >= 55, `${seen}`);
});

test("the commands of the page work as they stand there", async () => {
  const fresh = await startNetwork();
  const place = mkdtempSync(join(tmpdir(), "strongroom-page-"));
  try {
    for (const name of ["counter", "probe"]) symlinkSync(wasm(name), join(place, `${name}.wasm`));
    mkdirSync(join(place, "bin"));
    symlinkSync(BINARY, join(place, "bin", "strongroom"));
    const ports = { 26657: new URL(fresh.rpc).port, 5000: new URL(fresh.faucet).port };
    const script = blocks.map((text) => text.replace(/127\.0\.0\.1:(26657|5000)/g, (_, port) => `127.0.0.1:${ports[port]}`)).join("\n");
    const path = [join(place, "bin"), process.env.PATH].join(delimiter);
    const ran = spawnSync("bash", ["-e", "-o", "pipefail"], { cwd: place, encoding: "utf8", input: script, env: { ...process.env, PATH: path, HOME: place, STRONGROOM_HOME: undefined } });
    assert.equal(ran.status, 0, `${ran.stdout}\n${ran.stderr}`);
    assert.match(ran.stdout, /"count": 6/);
    assert.match(ran.stdout, / {2}sealed +\{"increment":\{\}\}/);
    assert.match(readFileSync(join(place, "strongroom.bash"), "utf8"), /_strongroom\(\)/);
    assert.ok(existsSync(join(place, ".strongroom", "keys", "file", "alice.json")));
  } finally {
    await fresh.stop();
    rmSync(place, { recursive: true, force: true });
  }
});

test("a transaction is signed by a machine that reaches no node", async () => {
  const address = await funded("far");
  const key = ["--keyring", "test", "--from", "far"];
  const unsigned = await run(["tx", "bank", "send", ACCOUNTS.b.address, "3uscrt", ...key, ...own(), "--generate-only"]);
  const { account } = await network.get(`/cosmos/auth/v1beta1/accounts/${address}`);
  const place = ["--account-number", account.account_number, "--sequence", account.sequence, "--node", "http://127.0.0.1:1"];
  const sign = (chain) => run(["tx", "sign", "-", ...key, "--yes", "--offline", "--chain-id", chain, ...place], { input: unsigned.out });
  const signed = await sign(CHAIN_ID);
  assert.equal(signed.status, 0, signed.said);
  assert.match(signed.said, new RegExp(`message 1: send 3uscrt to ${ACCOUNTS.b.address}, from ${address}\n  fee: \\d+uscrt for \\d+ gas\n  memo`));
  const send = (text) => run(["tx", "broadcast", "-", "--node", network.rpc, "--output", "json"], { input: text });
  const other = await send((await sign("other-1")).out);
  assert.equal(other.status, 4);
  assert.match(other.said, /client\.refused: .*signature verification failed/);
  const changed = await send(signed.out.replace('"3"', '"4"'));
  assert.equal(changed.status, 4);
  const sent = await send(signed.out);
  assert.equal(sent.status, 0, sent.said);
  assert.equal(JSON.parse(sent.out).code, 0);
  const without = await run(["tx", "sign", "-", ...key, "--offline", ...place], { input: unsigned.out });
  assert.match(without.said, /^strongroom: tx\.chain_id: --offline needs --chain-id/);
});
