// The Python SDK, unmodified: padded answers and errors mean to it what they meant. It is taken from the package index
// into an environment of its own, unless SECRET_SDK_PYTHON names an interpreter that has it; without Python or the index
// there is nothing to test.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { ACCOUNTS } from "./support/accounts.js";
import { clientOf, deploy } from "./support/client.js";
import { CHAIN_ID, startNetwork } from "./support/network.js";

const SDK = "secret-sdk==1.8.3";
const script = join(dirname(fileURLToPath(import.meta.url)), "support", "python_client.py");

let home;
let interpreter = process.env.SECRET_SDK_PYTHON;
let missing = false;
let network;
before(async () => {
  if (!interpreter) {
    home = mkdtempSync(join(tmpdir(), "secret-sdk-"));
    interpreter = join(home, "bin", "python");
    try {
      execFileSync("python3", ["-m", "venv", home], { stdio: "pipe", timeout: 300_000 });
      execFileSync(interpreter, ["-m", "pip", "install", "--quiet", SDK], { stdio: "pipe", timeout: 300_000 });
    } catch (error) {
      missing = `${SDK} cannot be installed: ${String(error.message).split("\n")[0]}`;
      return;
    }
  }
  network = await startNetwork();
});
after(async () => {
  await network?.stop();
  if (home) rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

async function python(...args) {
  const child = spawn(interpreter, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([child.stdout, child.stderr].map(async (stream) => {
    let text = "";
    for await (const chunk of stream) text += chunk;
    return text;
  }));
  assert.equal(child.exitCode ?? (await new Promise((done) => child.on("exit", done))), 0, err);
  return JSON.parse(out);
}

test("the Python SDK reads padded answers, errors and data", async (t) => {
  if (missing) return t.skip(missing);
  const probe = await deploy(clientOf(network, "a"), "probe", {});
  const seen = await python(network.rest, CHAIN_ID, ACCOUNTS.b.mnemonic, probe.address, probe.code_hash);
  assert.deepEqual(seen.answer, { value: null });
  assert.match(JSON.stringify(seen.query_error), /Generic error: no answer *"/);
  assert.equal(seen.code, 3);
  assert.match(seen.log, /Generic error: not now *: execute contract failed/);
});
