// The command line over https, through a proxy such as operators put before a node: the whole way, and each certificate that does not hold.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { authority } from "./support/certificates.js";
import { BINARY, CHAIN_ID, startNetwork, until } from "./support/network.js";

const ours = authority("authority of the test");
let network;
let directory;
let genesis;
const proxies = [];
before(async () => {
  network = await startNetwork({ blockTime: "300ms" });
  directory = mkdtempSync(join(tmpdir(), "strongroom-tls-"));
  writeFileSync(join(directory, "ca.pem"), ours.cert);
  const files = readdirSync(network.home, { recursive: true });
  genesis = join(network.home, files.find((name) => name.endsWith("genesis.json")));
  await until(async () => (await network.height()) >= 2, { what: "two blocks", ms: 30_000 });
});
after(async () => {
  for (const proxy of proxies) proxy.close();
  await network?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

/** A proxy that gives what comes for `/rpc` to the node; its address, and how many requests it has heard. */
async function proxy(certificate) {
  const heard = { requests: 0 };
  const server = createServer(certificate, (incoming, answer) => {
    heard.requests += 1;
    if (incoming.url !== "/rpc") return answer.writeHead(404).end("nothing here");
    const inner = request(network.rpc, { method: incoming.method, headers: { "content-type": "application/json" } }, (response) => {
      answer.writeHead(response.statusCode, { "content-type": "application/json" });
      response.pipe(answer);
    });
    incoming.pipe(inner);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxies.push(server);
  return Object.assign(heard, { url: `https://localhost:${server.address().port}/rpc` });
}

function run(args, more = {}) {
  return new Promise((resolve) => {
    const env = { ...process.env, STRONGROOM_HOME: join(directory, "home"), ...more };
    execFile(BINARY, args.map(String), { cwd: directory, env }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, out: stdout, said: stderr });
    });
  });
}

async function well(args, more) {
  const { status, out, said } = await run(args, more);
  assert.equal(status, 0, `${args.join(" ")}: ${said}`);
  return out;
}

test("keys, coins and queries over https, proven, with the authority of a file, of the configuration and of the system", async () => {
  const { url } = await proxy(ours.server(["localhost"]));
  const address = (await well(["keys", "add", "alice", "--keyring", "test", "--output", "json"])).match(/secret1[a-z0-9]+/)[0];
  await (await fetch(`${network.faucet}/faucet?address=${address}`)).text();
  const balance = ["query", "bank", "balances", address];
  await until(async () => (await run([...balance, "--node", url, "--ca-file", "ca.pem"])).out.includes("uscrt"), { what: "coins" });
  await well(["config", "set", "far", "--node", url, "--ca-file", "ca.pem", "--chain-id", CHAIN_ID, "--genesis", genesis]);
  const config = readFileSync(join(directory, "home", "config.json"), "utf8");
  assert.ok(config.includes(join(directory, "ca.pem")), config);
  const sent = await run(["tx", "bank", "send", address, "5uscrt", "--from", "alice", "--keyring", "test", "--output", "json"]);
  assert.equal(sent.status, 0, sent.said);
  // The next block's header has committed to the result.
  const { proven, txhash } = JSON.parse(sent.out);
  assert.equal(proven, "result");
  const told = await well(["query", "tx", txhash, "--node", network.rpc, "--output", "json"]);
  assert.equal(JSON.parse(told).proven, "nothing");
  // The configuration's authorities are of its own node.
  assert.match((await run([...balance, "--node", `${url}/`])).said, /^strongroom: tls\.(unknown_issuer|no_roots): /);
  await well([...balance, "--node", url.replace("/rpc", "/rpc/"), "--ca-file", "ca.pem"]);
  await well([...balance, "--node", `${url}/`], { SSL_CERT_FILE: join(directory, "ca.pem") });
  assert.equal((await well(["verify", "--node", url, "--ca-file", "ca.pem", "--genesis", genesis, "--key", "registration/keys"])).trim().length, 130);
});

test("a node whose certificate does not hold is told nothing, and the line says why", async () => {
  const plain = network.rpc.replace("http://127.0.0.1", "https://localhost");
  const other = authority("somebody else's");
  for (const [code, certificate] of [
    ["tls.name", ours.server(["localhost.example.org", "127.0.0.1"])],
    ["tls.expired", ours.server(["localhost"], { from: -9, until: -1 })],
    ["tls.not_yet_valid", ours.server(["localhost"], { from: 2, until: 9 })],
    ["tls.unknown_issuer", other.server(["localhost"])],
    ["tls.not_spoken"],
  ]) {
    const node = certificate ? await proxy(certificate) : { url: plain, requests: 0 };
    for (const command of [["query", "poa", "validators"], ["verify", "--genesis", genesis, "--key", "a"]]) {
      const { status, out, said } = await run([...command, "--node", node.url, "--ca-file", "ca.pem"]);
      assert.deepEqual([status, out], [3, ""], said);
      assert.ok(said.startsWith(`strongroom: ${code}: ${node.url.replace(/\/$/, "")}: `), said);
      assert.equal(said.trim().split("\n").length, 1);
    }
    assert.equal(node.requests, 0, code);
  }
});

test("what is no address, and what is no file of authorities", async () => {
  writeFileSync(join(directory, "empty.pem"), "");
  const query = (...more) => run(["query", "poa", "validators", ...more]);
  for (const [args, line] of [
    [["--node", "wss://localhost"], /^strongroom: client\.address: wss:\/\/ is not spoken here/],
    [["--node", "https://me:word@localhost"], /^strongroom: client\.address: .*no name, password/],
    [["--node", "localhost"], /^strongroom: client\.address: localhost has no port/],
    [["--node", "https://localhost:1", "--ca-file", "none.pem"], /^strongroom: tls\.ca_file: none\.pem: /],
    [["--node", "localhost:1", "--ca-file", "ca.pem"], /^strongroom: tls\.plain: authorities are named .*http:\/\/localhost:1 is plain http/],
    [["--node", "https://localhost:1", "--ca-file", "empty.pem"], /^strongroom: tls\.roots: /],
  ]) {
    const { status, said } = await query(...args);
    assert.notEqual(status, 0);
    assert.match(said, line);
  }
  assert.match((await run(["config", "set", "a", "--node", "ftp://a"])).said, /^strongroom: client\.address: /);
  assert.match((await run(["config", "set", "a", "--node", "localhost:1", "--ca-file", "ca.pem"])).said, /^strongroom: tls\.plain: /);
});
