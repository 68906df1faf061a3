// The first command that a newcomer runs.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";

import { MsgSend } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { clientOf, FAST } from "./support/client.js";
import { launch, startNetwork, until } from "./support/network.js";

let network;
before(async () => {
  network = await startNetwork({ blockTime: "1s" });
  // Servers answer before the greeting is written.
  await until(() => network.output.includes("Stop with Ctrl-C"), { what: "the greeting" });
});
after(() => network?.stop());

test("it prints its endpoints and the accounts with their words", async () => {
  for (const url of [network.rest, network.rpc, network.faucet]) {
    assert.ok(network.output.includes(new URL(url).port), `${url} is not named in:\n${network.output}`);
  }
  for (const { address, mnemonic } of Object.values(ACCOUNTS)) {
    assert.ok(network.output.includes(address));
    assert.ok(network.output.includes(mnemonic));
  }
});

test("it prints a command that works when pasted", () => {
  const line = network.output.split("\n").find((text) => /^\s*\$?\s*curl /.test(text));
  assert.ok(line, `no command in:\n${network.output}`);
  const command = line.trim().replace(/^\$\s*/, "");
  const answer = execFileSync("bash", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  assert.doesNotThrow(() => JSON.parse(answer), `${command} answered ${answer}`);
});

test("it says that this network keeps no secrets from the machine that runs it", () => {
  assert.match(network.output, /insecure|simulat/i);
});

test("a node asks for the gas price that it is given, and its faucet pays it", async () => {
  const dear = await startNetwork({ more: ["--min-gas-price", "0.5uscrt"] });
  try {
    const config = await dear.get("/cosmos/base/node/v1beta1/config");
    assert.equal(config.minimum_gas_price, "0.500000000000000000uscrt");
    const a = clientOf(dear, "a");
    const message = new MsgSend({ from_address: a.address, to_address: ACCOUNTS.b.address, amount: [{ denom: "uscrt", amount: "1" }] });
    const cheap = a.tx.broadcast([message], { gasLimit: 100_000, gasPriceInFeeDenom: 0.49 });
    await assert.rejects(cheap, /insufficient fees; got: 49000uscrt required: 50000uscrt/);
    const enough = await a.tx.broadcast([message], { gasLimit: 100_000, gasPriceInFeeDenom: 0.5, ...FAST });
    assert.equal(enough.code, 0, enough.rawLog);
    const paid = await fetch(`${dear.faucet}/faucet?address=${ACCOUNTS.b.address}`);
    assert.equal(paid.status, 200, await paid.text());
  } finally {
    await dear.stop();
  }
});

test("a gas price that is none is refused before anything begins", async () => {
  for (const [price, reason] of [["much", /not a gas price/], ["0.1uatom", /fees are paid in uscrt/]]) {
    const network = await launch({ more: ["--min-gas-price", price] });
    await until(() => network.child.exitCode !== null, { what: "the refusal" });
    assert.notEqual(network.child.exitCode, 0);
    assert.match(network.output, reason);
  }
});
