// A node whose enclave runs transactions of a block beside each other (ADR 23): payments and calls with nothing in common, and others that all
// meet in one slot, in the same blocks. Everybody gets what one after the other would have given, and a node without threads agrees on every block.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { Wallet } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { account, ask, balance, clientOf, dataText, deploy, execute, instantiate, upload } from "./support/client.js";
import { bankSend, broadcastAgain, buildTx, encrypt, executeContract, findTx } from "./support/raw.js";
import { BINARY, childrenOf, startNetwork, until } from "./support/network.js";

const PEOPLE = 12;
const RICH = 1_000_000_000n;
/** Every transaction's limit, and what it pays for that. */
const GAS = 250_000n;
const FEE = GAS / 10n;
/** Too little for a call, enough to be taken into a block. */
const LITTLE = 30_000n;
/** Transactions that have to be seen in one block: windows begin with four on two threads. */
const TOGETHER = 16;

const names = Array.from({ length: PEOPLE }, (_, n) => `person${n}`);
for (const name of names) {
  const { address, mnemonic } = new Wallet();
  ACCOUNTS[name] = { address, mnemonic };
}
const addressOf = (name) => ACCOUNTS[name].address;
const accounts = names.flatMap((name) => ["--account", `${addressOf(name)}=${RICH}`]);

let network;
let token;
let counters;
/** Tokens, coins and counts that everybody should have. */
const due = { tokens: new Map(), coins: new Map(), counts: [] };

before(async () => {
  network = await startNetwork({ blockTime: "1s", more: [...accounts, "--execution-threads", "2"] });
  const client = clientOf(network, "a");
  const initial_balances = names.map((name) => ({ address: addressOf(name), amount: "1000" }));
  token = await deploy(
    client,
    "token",
    { name: "Beside", symbol: "BSD", decimals: 6, prng_seed: "ZGljZQ==", initial_balances },
    { gasLimit: 2_000_000 },
  );
  const code = await upload(client, "counter");
  counters = [];
  for (let n = 0; n < 4; n += 1) counters.push(await instantiate(client, code, { count: 0 }));
  due.counts = counters.map(() => 0);
  for (const name of names) {
    due.tokens.set(name, 1_000n);
    due.coins.set(name, RICH);
  }
});
after(() => network?.stop());

const add = (of, name, amount) => of.set(name, of.get(name) + amount);

async function call(name, contract, msg) {
  return executeContract(addressOf(name), contract.address, await encrypt(network, contract.code_hash, msg));
}

/**
 * What everybody sends in a round, each with the code that it must end with: a payment of their own, a call of one of four counters, a
 * transfer of the one token, and a payment to one account; of some the gas ends, or more is paid than there is.
 */
async function signed(round) {
  const all = [];
  for (const [n, name] of names.entries()) {
    let { sequence } = await account(network, addressOf(name));
    const next = names[(n + 1) % PEOPLE];
    const send = async (messages, gas, succeeds) => {
      all.push({ succeeds, bytes: await buildTx(network, name, messages, { gas, sequence }) });
      sequence += 1n;
      add(due.coins, name, -((gas + 9n) / 10n));
    };
    await send([bankSend(addressOf(name), addressOf(next), "7")], GAS, true);
    add(due.coins, name, -7n);
    add(due.coins, next, 7n);

    const short = (n + round) % 5 === 4;
    const counter = n % counters.length;
    await send([await call(name, counters[counter], { increment: {} })], short ? LITTLE : GAS, !short);
    if (!short) due.counts[counter] += 1;

    const poor = (n + round) % 6 === 5;
    const transfer = { transfer: { recipient: addressOf(next), amount: poor ? "1000000" : "3" } };
    await send([await call(name, token, transfer)], GAS, !poor);
    if (!poor) {
      add(due.tokens, name, -3n);
      add(due.tokens, next, 3n);
    }

    // Everybody pays one account.
    await send([bankSend(addressOf(name), addressOf(names[0]), "11")], GAS, true);
    add(due.coins, name, -11n);
    add(due.coins, names[0], 11n);
  }
  return all;
}

/** Sends all at once; each must end as it should. Gives how many were in the fullest block. */
async function run(round) {
  const all = await signed(round);
  const sending = new Map();
  for (const tx of all) sending.set(tx, createHash("sha256").update(tx.bytes).digest("hex").toUpperCase());
  // Of one account in order, of all accounts at once.
  const each = all.length / PEOPLE;
  await Promise.all(
    names.map(async (_, n) => {
      for (const { bytes } of all.slice(n * each, (n + 1) * each)) {
        const { code, raw_log } = await broadcastAgain(network, bytes);
        assert.equal(code, 0, raw_log);
      }
    }),
  );
  const blocks = new Map();
  for (const [tx, hash] of sending) {
    const found = await until(() => findTx(network, hash), { ms: 60_000, what: hash });
    assert.equal(found.code === 0, tx.succeeds, found.raw_log);
    blocks.set(found.height, (blocks.get(found.height) ?? 0) + 1);
  }
  return Math.max(...blocks.values());
}

async function everybodyHasWhatIsDue() {
  const has = async (name) => {
    assert.equal(await balance(network, addressOf(name)), due.coins.get(name), name);
    const user = clientOf(network, name);
    const tx = await execute(user, token, { create_viewing_key: { entropy: "e" } });
    add(due.coins, name, -FEE);
    const { key } = JSON.parse(dataText(tx)).create_viewing_key;
    const { balance: of } = await ask(user, token, { balance: { address: addressOf(name), key } });
    assert.equal(BigInt(of.amount), due.tokens.get(name), name);
  };
  await Promise.all(names.map(has));
  for (const [n, counter] of counters.entries()) {
    const { count } = await ask(clientOf(network, "a"), counter, { get_count: {} });
    assert.equal(count, due.counts[n], `counter ${n}`);
  }
}

const enclaveArguments = () => readFileSync(`/proc/${childrenOf(network.child.pid)[0]}/cmdline`, "utf8").split("\0");

/** Stops the network, and executes all its blocks again, one transaction after the other. */
async function oneByOneAgain() {
  await network.stop({ clean: false });
  const said = execFileSync(BINARY, ["replay", "--home", network.home], { encoding: "utf8" });
  assert.match(said, /^height [0-9]+ app_hash [0-9A-F]{64}: the replay from genesis equals the stored state/);
}

test("contended and uncontended transactions of one block on two threads give everybody what is due, and one thread agrees", async () => {
  const given = enclaveArguments();
  assert.equal(given[given.indexOf("--execution-threads") + 1], "2", given.join(" "));
  const fullest = [];
  for (let round = 0; round < 3; round += 1) fullest.push(await run(round));
  assert.ok(Math.max(...fullest) >= TOGETHER, `blocks of ${fullest}`);
  await everybodyHasWhatIsDue();
  await oneByOneAgain();
});

test("the same network goes on without threads, and with eight", async () => {
  for (const more of [[], ["--execution-threads", "8"]]) {
    network = await startNetwork({ blockTime: "1s", home: network.home, reset: false, more });
    const given = enclaveArguments();
    assert.equal(given.includes("--execution-threads"), more.length > 0, given.join(" "));
    await run(more.length);
    await everybodyHasWhatIsDue();
    await oneByOneAgain();
  }
});
