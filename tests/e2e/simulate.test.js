// Estimates of calls of contracts, by secret.js as it is and by the command line: of first calls, within 5 % of what the block uses; and a network without the policy, where they fail as clients know.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { toBase64, toUtf8 } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { account, ask, clientOf, FAST, instantiate, logOf, succeeded, tryExecute, upload } from "./support/client.js";
import { BINARY, root, startNetwork, until } from "./support/network.js";

const CONTRACTS = process.env.STRONGROOM_CONTRACTS ?? join(root, "contracts", "target", "wasm32-unknown-unknown", "release");
const ENOUGH = 3_000_000;
const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];
const binary = (value) => toBase64(toUtf8(JSON.stringify(value)));

let network;
let directory;
let a;
before(async () => {
  // Blocks come by themselves: the next one proves a result.
  network = await startNetwork({ blockTime: "250ms" });
  directory = mkdtempSync(join(tmpdir(), "strongroom-simulate-"));
  a = clientOf(network, "a");
});
after(async () => {
  await network?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

/** The estimate and what the block used differ by 5 % at most. */
function isClose(estimate, used, what) {
  assert.ok(Number(used) > 10_000, `${what}: ${used}`);
  assert.ok(Math.abs(estimate - used) <= used * 0.05, `${what}: an estimate of ${estimate}, and ${used} used`);
}

/** Simulates with secret.js, then sends the same: the estimate must hold, and be enough with a tenth more. */
async function both(kind, params, what) {
  const options = { ...FAST, gasLimit: ENOUGH };
  const { gas_info, result } = await a.tx.compute[kind].simulate(params, options);
  const gasLimit = Math.ceil(gas_info.gas_used * 1.1);
  const tx = await a.tx.compute[kind](params, { ...FAST, gasLimit });
  succeeded(tx);
  isClose(Number(gas_info.gas_used), tx.gasUsed, what);
  assert.ok(result.events.length > 0);
  return tx;
}

test("secret.js estimates first calls of contracts: made, called, paid, with messages to others and their replies, migrated", async () => {
  const sender = a.address;
  const token = await upload(a, "token");
  const init_msg = { name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: "ZGljZQ==", initial_balances: [{ address: sender, amount: "1000000" }] };
  const made = await both("instantiateContract", { sender, ...token, label: "estimated token", init_msg }, "a token is made");
  const contract_address = made.arrayLog.find(({ key }) => key === "contract_address").value;
  const call = (msg, more = {}) => ({ sender, contract_address, code_hash: token.code_hash, msg, ...more });
  const transfer = { transfer: { recipient: ACCOUNTS.b.address, amount: "5" } };
  await both("executeContract", call(transfer), "the first transfer");
  await both("executeContract", call(transfer), "the second transfer");

  const everything = await upload(a, "everything");
  const one = await instantiate(a, everything, {}, { admin: sender });
  const two = await instantiate(a, everything, {});
  const inner = { wasm: { execute: { contract_addr: two.address, code_hash: two.code_hash, msg: binary({ note: "deep", data: binary("hi") }), send: coins(3) } } };
  const messages = [{ id: 1, msg: inner, gas_limit: null, reply_on: "always" }];
  const deep = { sender, contract_address: one.address, code_hash: one.code_hash, msg: { forget: true, messages }, sent_funds: coins(10) };
  await both("executeContract", deep, "a message with a reply");
  assert.equal((await ask(a, one, { told: {} })).told.length, 1);
  assert.equal(await ask(a, two, { note: {} }), "deep");

  const counter = await upload(a, "counter");
  const probe = await upload(a, "probe");
  const old = await instantiate(a, counter, { count: 1 }, { admin: sender });
  await both("migrateContract", { sender, contract_address: old.address, ...probe, msg: { note: "moved in" } }, "a migration");
});

test("a call that would fail is refused with the contract's words for its sender, and changes nothing", async () => {
  const token = await instantiate(a, await upload(a, "everything"), {});
  const params = { sender: a.address, contract_address: token.address, code_hash: token.code_hash, msg: { note: "never", fail: "not today" } };
  await assert.rejects(a.tx.compute.executeContract.simulate(params, { gasLimit: ENOUGH }), (error) => {
    assert.match(error.message, /^failed to execute message; message index: 0: encrypted: [A-Za-z0-9+/=]+: execute contract failed with gas used: '\d+'$/);
    return true;
  });
  // At delivery the same words.
  assert.match(logOf(await tryExecute(a, token, params.msg)), /Generic error: not today: execute contract failed$/);
  assert.equal(await ask(a, token, { note: {} }), "");
});

test("an account whose transaction waits for a block gets an estimate of the next one", async () => {
  const slow = await startNetwork({ blockTime: "3s" });
  try {
    const client = clientOf(slow, "a");
    const contract = await instantiate(client, await upload(client, "counter"), { count: 1 });
    const params = { sender: client.address, contract_address: contract.address, code_hash: contract.code_hash, msg: { increment: {} } };
    const { account } = await slow.get(`/cosmos/auth/v1beta1/accounts/${client.address}`);
    const sequence = Number(account.sequence);
    const at = (n) => ({ gasLimit: 200_000, explicitSignerData: { accountNumber: Number(account.account_number), sequence: n, chainId: "secretdev-1" } });
    const first = client.tx.compute.executeContract(params, { ...FAST, ...at(sequence) });
    // It waits in the mempool now.
    await until(async () => Number((await slow.rpcCall("num_unconfirmed_txs")).result.n_txs) === 1, { what: "the first to wait" });
    const { gas_info } = await client.tx.compute.executeContract.simulate(params, at(sequence + 1));
    const second = await client.tx.compute.executeContract(params, { ...FAST, ...at(sequence + 1) });
    succeeded(await first);
    succeeded(second);
    isClose(Number(gas_info.gas_used), second.gasUsed, "the second of two");
    await assert.rejects(client.tx.compute.executeContract.simulate(params, at(sequence + 9)), ({ message }) => {
      assert.match(message, /^account sequence mismatch, expected \d+, got \d+/);
      return true;
    });
  } finally {
    await slow.stop();
  }
});

/** Runs the command line; gives its exit status and what it printed. */
function run(...args) {
  const env = { ...process.env, STRONGROOM_HOME: join(directory, "home") };
  return new Promise((resolve) => {
    execFile(BINARY, args.map(String), { cwd: directory, env, maxBuffer: 1 << 26 }, (error, out, said) => resolve({ status: error ? error.code : 0, out, said }));
  });
}

/** What stands before each command that is proven from the genesis file of this network. */
function proven(of, node = of.rpc) {
  const file = readdirSync(of.home, { recursive: true }).find((name) => name.endsWith("genesis.json"));
  return ["--keyring", "test", "--node", node, "--genesis", join(of.home, file), "--output", "json"];
}

async function funded(of, name) {
  const { out } = await run("keys", "add", name, "--keyring", "test", "--output", "json");
  const { address } = JSON.parse(out);
  const { txhash } = await (await fetch(`${of.faucet}/faucet?address=${address}`)).json();
  await until(async () => (await run("query", "tx", txhash, "--node", of.rpc)).status === 0, { what: "coins" });
  return address;
}

const SAID = /^gas (\d+) \(an estimate of (\d+) and 10 % more\)/m;

/** A command that sends; what it said of gas must hold. */
async function estimated(what, ...args) {
  const { status, out, said } = await run(...args);
  assert.equal(status, 0, `${what}: ${said}`);
  const [, limit, estimate] = said.match(SAID) ?? assert.fail(`${what}: ${said}`);
  const done = JSON.parse(out);
  isClose(Number(estimate), Number(done.gas_used), what);
  assert.equal(done.gas_wanted, limit);
  return done;
}

test("the command line says the gas of first calls within 5 %, over the RPC and over REST, and sends none that would fail", async () => {
  const caller = await funded(network, "caller");
  for (const [over, node] of [["RPC", network.rpc], ["REST", network.rest]]) {
    const own = [...proven(network, node), "--from", "caller"];
    const made = async (name, init, label) => {
      const stored = JSON.parse((await run("tx", "contract", "store", join(CONTRACTS, `${name}.wasm`), "--from", "caller", ...trusting(node))).out);
      const [{ code_id }] = stored.messages;
      const instantiation = ["tx", "contract", "instantiate", code_id, JSON.stringify(init), "--label", `${label} over ${over}`];
      const dry = await run(...instantiation, "--dry-run", ...own);
      assert.equal(dry.status, 0, dry.said);
      const said = JSON.parse(dry.out);
      assert.match(said.messages[0].contract_address, /^secret1/);
      const done = await estimated(`${name} is made over ${over}`, ...instantiation, ...own);
      assert.equal(done.messages[0].contract_address, said.messages[0].contract_address);
      isClose(Number(said.gas_estimate), Number(done.gas_used), `a dry run over ${over}`);
      return done.messages[0].contract_address;
    };
    const counter = await made("counter", { count: 1 }, "counter");
    await estimated(`a call over ${over}`, "tx", "contract", "execute", counter, '{"increment":{}}', ...own);

    const everything = await made("everything", {}, "everything");
    const answer = ["tx", "contract", "execute", everything, `{"note":"n","data":"${toBase64(toUtf8('{"of":"the contract"}'))}"}`, "--dry-run"];
    const dry = JSON.parse((await run(...answer, ...own)).out);
    assert.deepEqual(dry.messages[0].answer, { of: "the contract" });
    const text = await run(...answer, ...own.map((arg) => (arg === "json" ? "text" : arg)));
    assert.match(text.out, /^gas estimate +\d+\n/);
    assert.match(text.out, /answer +\{"of":"the contract"\}/);

    const { sequence } = await account(network, caller);
    for (const more of [[], ["--dry-run"], ["--dry-run", "--gas", "90000"]]) {
      const failing = await run("tx", "contract", "execute", everything, '{"note":"gone","fail":"not today"}', ...more, ...own);
      assert.equal(failing.status, 4, failing.said);
      assert.match(failing.said, /^strongroom: client\.query: .*Generic error: not today: execute contract failed with gas used: '\d+'/m);
      assert.equal(failing.out, "");
    }
    assert.equal((await account(network, caller)).sequence, sequence, "nothing was sent");
    // Whoever names the gas himself sends it.
    const sent = await run("tx", "contract", "execute", everything, '{"note":"gone","fail":"not today"}', "--gas", "200000", ...own);
    assert.equal(sent.status, 5, sent.said);
  }
});

test("an instantiation whose answer was lost is said to be done where the command is repeated, not to fail", async () => {
  await funded(network, "retrying");
  const stored = JSON.parse((await run("tx", "contract", "store", join(CONTRACTS, "counter.wasm"), "--from", "retrying", ...trusting(network.rpc))).out);
  const command = ["tx", "contract", "instantiate", stored.messages[0].code_id, '{"count":1}', "--label", "made once", "--from", "retrying"];
  // It takes the transaction, and says nothing.
  const silent = createServer(async (request, response) => {
    let body = "";
    for await (const bytes of request) body += bytes;
    const answer = await (await fetch(network.rpc, { method: "POST", body })).text();
    if (JSON.parse(body).method === "broadcast_tx_sync") response.destroy();
    else response.end(answer);
  });
  await new Promise((resolve) => silent.listen(0, "127.0.0.1", resolve));
  try {
    const lost = await run(...command, ...proven(network, `http://127.0.0.1:${silent.address().port}`));
    assert.equal(lost.status, 6, lost.said);
    await until(async () => (await run("query", "tx", lost.said.match(/transaction ([0-9A-F]{64})/)[1], "--node", network.rpc)).status === 0, { what: "the contract" });
    // How it ended is proven by the block after it.
    const height = await network.height();
    await until(async () => (await network.height()) > height, { what: "the next block" });
    const repeated = await run(...command, ...proven(network));
    assert.equal(repeated.status, 1, repeated.said);
    assert.match(repeated.said, /^strongroom: tx\.done: it is done: block \d+ has transaction/m);
    // From here on it is another one, which fails.
    assert.equal((await run(...command, ...proven(network))).status, 4);
  } finally {
    silent.close();
    silent.closeAllConnections();
  }
});

test("what is done between the look at the marks and the estimate is said to be done, not to fail", async () => {
  await funded(network, "overtaken");
  const stored = JSON.parse((await run("tx", "contract", "store", join(CONTRACTS, "counter.wasm"), "--from", "overtaken", ...trusting(network.rpc))).out);
  const command = ["tx", "contract", "instantiate", stored.messages[0].code_id, '{"count":1}', "--label", "made meanwhile", "--from", "overtaken"];
  // It says nothing of the broadcast, and shows no transaction before an estimate was asked for: as if the block came then.
  let estimated = false;
  const slow = createServer(async (request, response) => {
    let body = "";
    for await (const bytes of request) body += bytes;
    const { method, params, id } = JSON.parse(body);
    if (method === "abci_query" && params.path.endsWith("/Simulate")) estimated = true;
    const hides = ["tx", "tx_search"].includes(method) && !estimated;
    const hidden = { jsonrpc: "2.0", id, error: { code: -32603, message: "Internal error", data: "tx not found" } };
    const answer = hides ? JSON.stringify(hidden) : await (await fetch(network.rpc, { method: "POST", body })).text();
    if (method === "broadcast_tx_sync") response.destroy();
    else response.end(answer);
  });
  await new Promise((resolve) => slow.listen(0, "127.0.0.1", resolve));
  try {
    const at = `http://127.0.0.1:${slow.address().port}`;
    const lost = await run(...command, ...proven(network, at));
    assert.equal(lost.status, 6, lost.said);
    await until(async () => (await run("query", "tx", lost.said.match(/transaction ([0-9A-F]{64})/)[1], "--node", network.rpc)).status === 0, { what: "the contract" });
    const height = await network.height();
    await until(async () => (await network.height()) > height, { what: "the next block" });
    estimated = false;
    const repeated = await run(...command, ...proven(network, at));
    assert.ok(estimated, repeated.said);
    assert.equal(repeated.status, 1, repeated.said);
    assert.match(repeated.said, /^strongroom: tx\.done: it is done: block \d+ has transaction/m);
  } finally {
    slow.close();
    slow.closeAllConnections();
  }
});

test("eight estimates at one time are all answered, by REST and by the RPC", async () => {
  const contract = await instantiate(a, await upload(a, "counter"), { count: 1 });
  const params = { sender: a.address, contract_address: contract.address, code_hash: contract.code_hash, msg: { increment: {} } };
  const estimates = await Promise.all(Array.from({ length: 8 }, () => a.tx.compute.executeContract.simulate(params, { gasLimit: ENOUGH })));
  for (const { gas_info } of estimates) assert.equal(gas_info.gas_used, estimates[0].gas_info.gas_used);
  await funded(network, "many");
  const command = ["tx", "contract", "execute", contract.address, '{"increment":{}}', "--dry-run", "--from", "many", ...proven(network)];
  for (const dry of await Promise.all(Array.from({ length: 8 }, () => run(...command)))) {
    assert.equal(dry.status, 0, dry.said);
    assert.ok(Number(JSON.parse(dry.out).gas_estimate) > 10_000, dry.out);
  }
});

test("a network that others can reach begins without simulations, and says what it means to have them", async () => {
  const policy = (reached) => JSON.parse(readFileSync(join(reached.home, "network", "config", "genesis.json"), "utf8")).app_state.compute.simulation;
  for (const [more, wanted, said] of [
    [["--listen", "0.0.0.0"], undefined, /it listens for others than this machine, so it does not simulate calls/],
    [["--listen", "0.0.0.0", "--simulation", "open"], "open", /whoever reaches 0\.0\.0\.0 can have any call run here as any sender and read its answer/],
  ]) {
    const reached = await startNetwork({ more });
    try {
      assert.equal(policy(reached), wanted);
      assert.match(reached.output, said);
    } finally {
      await reached.stop();
    }
  }
});

/** A node that is believed proves nothing, so what it says of the policy is nothing either. */
const trusting = (node) => ["--keyring", "test", "--node", node, "--trust-node", "--output", "json"];

test("where genesis has no policy, estimates of calls fail as clients know, and the command line gives what is usual", async () => {
  const off = await startNetwork({ more: ["--simulation", "off"] });
  try {
    const client = clientOf(off, "a");
    const contract = await instantiate(client, await upload(client, "counter"), { count: 1 });
    const params = { sender: client.address, contract_address: contract.address, code_hash: contract.code_hash, msg: { increment: {} } };
    const expected = /^failed to execute message; message index: 0: Execution error: Enclave: failed to verify transaction signature: execute contract failed with gas used: '\d+'$/;
    await assert.rejects(client.tx.compute.executeContract.simulate(params), (error) => {
      assert.match(error.message, expected);
      return true;
    });
    await funded(off, "elsewhere");
    const dry = await run("tx", "contract", "execute", contract.address, '{"increment":{}}', "--dry-run", "--from", "elsewhere", ...proven(off));
    assert.equal(dry.status, 0, dry.said);
    assert.match(dry.said, /^gas 300000 \(what such calls usually get; this network is not proven to simulate calls/m);
    assert.equal(JSON.parse(dry.out).gas_estimate, null);
    // Nor does the word of a node that is believed change that, where there is the policy.
    const { address } = await instantiate(a, await upload(a, "counter"), { count: 1 });
    await funded(network, "believer");
    const believing = await run("tx", "contract", "execute", address, '{"increment":{}}', "--dry-run", "--from", "believer", ...trusting(network.rpc));
    assert.match(believing.said, /^gas 300000 /m);
  } finally {
    await off.stop();
  }
});

test("a network keeps the policy that it began with", async () => {
  const began = await startNetwork({ more: ["--simulation", "off"] });
  const { home } = began;
  await began.stop({ clean: false });
  const other = await run("localnet", "--home", home, "--simulation", "open");
  assert.equal(other.status, 1);
  assert.match(other.said, /keeps what it began with: another --simulation needs --reset/);
  const same = await startNetwork({ home, reset: false, more: ["--simulation", "off"] });
  await same.stop();
});
