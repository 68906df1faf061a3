// The first command that a newcomer runs.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { startNetwork, until } from "./support/network.js";

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
