// A node that compiles contracts (ADR 21): what clients see is the same, its enclave has executable memory that nobody can write, and
// whoever interprets the blocks comes to the same state. Skipped where the binary was built without the feature `winch`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { clientOf, dataText, deploy, execute } from "./support/client.js";
import { BINARY, childrenOf, startNetwork, until } from "./support/network.js";

const help = spawnSync(BINARY, ["localnet", "--contract-engine", "winch", "--block-time", "nonsense"], { encoding: "utf8" });
const without = help.stderr.includes("built without it") && "the binary was built without the feature winch";

/** The protections of the enclave's memory that no file stands behind. */
function anonymous(network) {
  const enclave = childrenOf(network.child.pid)[0];
  const lines = readFileSync(`/proc/${enclave}/maps`, "utf8").trim().split("\n");
  const maps = lines.map((line) => line.split(/\s+/));
  return maps.filter((map) => map.length < 6 || map[5] === "").map(([, protection]) => protection);
}

async function tokens(user, token, key) {
  const auth = { key };
  const { balance } = await user.query.snip20.getBalance({ contract: token, address: user.address, auth });
  return BigInt(balance.amount);
}

async function viewingKey(user, token) {
  const tx = await execute(user, token, { create_viewing_key: { entropy: "e" } });
  return JSON.parse(dataText(tx)).create_viewing_key.key;
}

function newToken(user) {
  return deploy(
    user,
    "token",
    {
      name: "Compiled",
      symbol: "WNCH",
      decimals: 6,
      prng_seed: "ZGljZQ==",
      initial_balances: [{ address: user.address, amount: "1000000" }],
    },
    { gasLimit: 500_000 },
  );
}

const pay = (from, token, to) => execute(from, token, { transfer: { recipient: to.address, amount: "7" } });

/** Stops the network, and executes all its blocks again with the interpreter alone. */
async function interpretAgain(network) {
  await network.stop({ clean: false });
  const replay = spawnSync(BINARY, ["replay", "--home", network.home], { encoding: "utf8" });
  assert.match(replay.stdout, /the replay from genesis equals the stored state/, replay.stderr);
}

test("an interpreter executes nothing that it has written", async () => {
  const network = await startNetwork();
  try {
    await newToken(clientOf(network, "a"));
    assert.ok(!anonymous(network).some((protection) => protection.includes("x")));
  } finally {
    await network.stop();
  }
});

test("compiled contracts do what clients expect, in memory that nobody can write, and a replay that interprets agrees", { skip: without }, async () => {
  const network = await startNetwork({ more: ["--contract-engine", "winch-at-once"] });
  try {
    const [a, b] = ["a", "b"].map((name) => clientOf(network, name));
    const token = await newToken(a);
    for (let n = 0; n < 5; n++) await pay(a, token, b);
    const [keyA, keyB] = [await viewingKey(a, token), await viewingKey(b, token)];
    assert.deepEqual([await tokens(a, token, keyA), await tokens(b, token, keyB)], [999_965n, 35n]);
    const protections = anonymous(network);
    assert.ok(protections.some((protection) => protection.startsWith("r-x")), "a contract was compiled");
    assert.ok(!protections.some((protection) => protection.startsWith("rwx")), "nothing is writable and executable");
    await interpretAgain(network);
  } finally {
    await network.stop();
  }
});

test("a contract that is used much is compiled while the chain goes on, and a replay that interprets agrees", { skip: without }, async () => {
  const network = await startNetwork({ more: ["--contract-engine", "winch"] });
  try {
    const [a, b] = ["a", "b"].map((name) => clientOf(network, name));
    const token = await newToken(a);
    const compiled = () => anonymous(network).some((protection) => protection.startsWith("r-x"));
    await pay(a, token, b);
    assert.ok(!compiled(), "not at its first call");
    const pays = async () => {
      await pay(a, token, b);
      return compiled();
    };
    await until(pays, { ms: 240_000, every: 0, what: "the compiler" });
    for (let n = 0; n < 5; n++) await pay(a, token, b);
    await interpretAgain(network);
  } finally {
    await network.stop();
  }
});
