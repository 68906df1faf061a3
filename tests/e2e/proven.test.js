// What a user with a genesis file believes: a node that proves that a block holds a payment, and lies about all else, makes nobody pay twice; and a network that
// takes its time is no liar.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { BINARY, startNetwork, until } from "./support/network.js";

const COINS = 1_000_000_000;
let network;
let slow;
let directory;
before(async () => {
  [network, slow] = await Promise.all([startNetwork({ blockTime: "300ms" }), startNetwork({ blockTime: "13s" })]);
  directory = mkdtempSync(join(tmpdir(), "strongroom-proven-"));
});
after(async () => {
  await Promise.all([network?.stop(), slow?.stop()]);
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

/** A node between the command line and the network: `change(call, answer)` gives what it says; `asked` counts the calls. */
async function liar(change) {
  const asked = new Map();
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const bytes of request) body += bytes;
    const answer = await (await fetch(network.rpc, { method: "POST", body })).json();
    const call = JSON.parse(body);
    asked.set(call.method, (asked.get(call.method) ?? 0) + 1);
    response.end(JSON.stringify(change(call, answer)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { asked, url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

const without = (call, data) => ({ jsonrpc: "2.0", id: call.id, error: { code: -32603, message: "Internal error", data } });

/** A key with coins of a network, and what its user can do with its genesis file over a node. */
async function payer(name, { home, rpc, faucet }) {
  const files = readdirSync(home, { recursive: true });
  const genesis = join(home, files.find((file) => file.endsWith("genesis.json")));
  const { address } = JSON.parse((await run("keys", "add", name, "--keyring", "test", "--output", "json")).out);
  await (await fetch(`${faucet}/faucet?address=${address}`)).text();
  const spent = async () => {
    const { balances } = JSON.parse((await run("query", "bank", "balances", address, "--node", rpc, "--output", "json")).out);
    return COINS - Number(balances[0]?.amount ?? 0);
  };
  await until(async () => (await spent()) === 0, { what: "coins", ms: 40_000 });
  const proven = (node) => ["--keyring", "test", "--node", node, "--genesis", genesis];
  const pay = (amount, node, ...more) => run("tx", "bank", "send", ACCOUNTS.b.address, `${amount}uscrt`, "--from", name, "--gas", "20000", "--fees", "2000uscrt", ...proven(node), ...more);
  const pending = (node) => run("tx", "pending", ...proven(node));
  return { pay, pending, spent };
}

/** It proves the block, and tells a result of its own in place of that which the next header commits to. */
const telling = (code) =>
  liar((call, answer) => {
    if (call.method === "block_results") return without(call, "results are pruned");
    if (call.method === "tx" && answer.result) Object.assign(answer.result.tx_result, { code, codespace: code ? "sdk" : "", log: code ? "insufficient funds" : "", data: "" });
    return answer;
  });

test("a node that proves the block and withholds the results makes nobody pay twice, nor believe that it is paid", async () => {
  const [paying, failing, refused] = [await payer("paying", network), await payer("failing", network), await payer("refused", network)];
  const nodes = [await telling(5), await telling(0), await liar((call, answer) => {
    // It passes the transaction on, says that it does not, and hides it.
    if (call.method === "broadcast_tx_sync") Object.assign(answer.result, { code: 13, codespace: "sdk", log: "insufficient fee" });
    return call.method === "tx" ? without(call, "tx (AB) not found") : answer;
  })];
  const [fails, succeeds, refuses] = nodes.map((node) => node.url);
  try {
    const [told, lied, no] = await Promise.all([paying.pay(7, fails), failing.pay(999999999999999, succeeds), refused.pay(9, refuses)]);
    for (const { status, out, said } of [told, lied]) {
      assert.deepEqual([status, out], [6, ""], said);
      assert.match(said, /^the transaction with sequence 0 is in block \d+, and stays marked until it is proven how it ended there \([0-9A-F]{64}\)$/m);
      assert.match(said, /^strongroom: client\.outcome_unknown: transaction [0-9A-F]{64} was sent, and how it ended is unknown \(block \d+ holds it, and whether it succeeded there is not proven\)/m);
    }
    // Half a minute of looks, which went on from the headers that were proven: two of the transaction, and those that a payment needs before.
    for (const { asked } of nodes.slice(0, 2)) {
      assert.ok(asked.get("tx") > 50 && asked.get("validators") <= 6, JSON.stringify([...asked]));
    }
    assert.equal(no.status, 6, no.said);
    assert.match(no.said, /^strongroom: client\.outcome_unknown: .*\(the transaction is refused: insufficient fee \(sdk 13\)\)/m);
    await until(async () => (await refused.spent()) === 2_009, { what: "the payment that was refused" });

    for (const again of [await paying.pay(7, fails), await refused.pay(9, refuses)]) {
      assert.equal(again.status, 1, again.said);
      assert.match(again.said, /^strongroom: tx\.pending: .*does the same/m);
    }
    assert.match((await paying.pending(fails)).out, /[0-9A-F]{64}/);
    assert.deepEqual([await paying.spent(), await refused.spent()], [2_007, 2_009]);
    // A node that tells the results proves how it ended, once.
    for (const account of [paying, refused]) {
      assert.match((await account.pay(account === paying ? 7 : 9, network.rpc)).said, /^strongroom: tx\.done: /m);
    }
    assert.match((await failing.pending(network.rpc)).said, /is in block \d+, and failed there/);
    assert.equal((await failing.pending(network.rpc)).out, "");
    assert.deepEqual([await paying.spent(), await refused.spent()], [2_007, 2_009]);
    const honest = await paying.pay(7, network.rpc, "--output", "json");
    assert.deepEqual([honest.status, JSON.parse(honest.out).proven], [0, "result"]);
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
});

test("a node of another block protocol is refused before anything is asked of it", async () => {
  const other = await liar((call, answer) => {
    if (call.method === "status") answer.result.node_info.protocol_version.block = "12";
    return answer;
  });
  try {
    const { status, out, said } = await run("query", "bank", "balances", ACCOUNTS.b.address, "--node", other.url);
    assert.deepEqual([status, out], [3, ""], said);
    assert.match(said, /^strongroom: client\.other_version: the node speaks version 12 of the block protocol, and this client version 11: /m);
    assert.deepEqual([...other.asked.keys()], ["status"]);
  } finally {
    await other.stop();
  }
});

test("a block that takes longer than clocks may differ is proven all the same", async () => {
  const { pay } = await payer("patient", slow);
  const before = await slow.height();
  await until(async () => (await slow.height()) > before, { what: "a block", ms: 40_000 });
  const paid = await pay(7, slow.rpc, "--output", "json");
  assert.equal(paid.status, 0, paid.said);
  assert.equal(JSON.parse(paid.out).proven, "result");
  assert.ok(!paid.said.includes("ahead of the clock"), paid.said);
});
