// What everybody may read of the chain: blocks, transactions, accounts, parameters; and the shape of errors.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { clientOf, FAST, succeeded } from "./support/client.js";
import { sleep, startNetwork } from "./support/network.js";
import { postTx } from "./support/raw.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];

let network;
let a;
let sent;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  sent = [];
  for (let amount = 1; amount <= 3; amount += 1) {
    const tx = await a.tx.bank.send(
      { from_address: a.address, to_address: ACCOUNTS.b.address, amount: coins(amount) },
      FAST,
    );
    succeeded(tx);
    sent.push(tx);
  }
});
after(() => network?.stop());

test("the latest block has the shape that clients read, with nine digits of time", async () => {
  const latest = await a.query.tendermint.getLatestBlock({});
  const { header } = latest.block;
  assert.match(header.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assert.ok(!header.time.endsWith("0Z"));
  assert.equal(header.chain_id, "secretdev-1");
  assert.match(header.height, /^\d+$/);
  assert.ok(Array.isArray(latest.block.data.txs));
  assert.equal(latest.sdk_block.header.height, header.height);
  assert.match(latest.sdk_block.header.proposer_address, /^secretvalcons1/);
  assert.ok(latest.block_id.hash);
});

test("blocks can be read by height, and each names the one before", async () => {
  const height = sent[2].height;
  const { block } = await a.query.tendermint.getBlockByHeight({ height: `${height}` });
  const previous = await a.query.tendermint.getBlockByHeight({ height: `${height - 1}` });
  assert.equal(block.header.last_block_id.hash, previous.block_id.hash);
  assert.equal(block.last_commit.height, `${height - 1}`);
  assert.equal(block.data.txs.length, 1);
});

test("a transaction that is not there is not found in the words that clients wait for", async () => {
  const hash = "AB".repeat(32);
  const { status, body } = await network.request(`/cosmos/tx/v1beta1/txs/${hash}?`);
  assert.equal(status, 404);
  assert.deepEqual(body, { code: 5, message: `tx not found: ${hash}`, details: [] });
  assert.equal(await a.query.getTx(hash), null);
});

test("transactions are found by hash, height, sender and action", async () => {
  const hashes = async (query) => (await a.query.txsQuery(query)).map((tx) => tx.transactionHash);
  const [first, second, third] = sent.map((tx) => tx.transactionHash);
  assert.deepEqual(await hashes(`tx.hash='${second}'`), [second]);
  assert.deepEqual(await hashes(`tx.height=${sent[0].height}`), [first]);
  assert.deepEqual(await hashes(`message.sender='${a.address}'`), [first, second, third]);
  const both = `message.action='/cosmos.bank.v1beta1.MsgSend' AND transfer.recipient='${ACCOUNTS.b.address}'`;
  assert.deepEqual(await hashes(both), [first, second, third]);
  assert.deepEqual(await hashes("tx.hash='00'"), []);
});

test("a search takes events or query, pages and order", async () => {
  const query = encodeURIComponent(`message.sender='${a.address}'`);
  const descending = await network.get(`/cosmos/tx/v1beta1/txs?query=${query}&order_by=ORDER_BY_DESC&limit=2&page=1`);
  assert.deepEqual(descending.tx_responses.map((r) => r.txhash), [sent[2].transactionHash, sent[1].transactionHash]);
  assert.deepEqual([descending.total, descending.pagination], ["3", null]);
  assert.equal(descending.txs.length, 2);
  const events = await network.get(`/cosmos/tx/v1beta1/txs?events=${query}&limit=2&page=2`);
  assert.deepEqual(events.tx_responses.map((r) => r.txhash), [sent[2].transactionHash]);
});

test("a malformed search is an error", async () => {
  const { status, body } = await network.request("/cosmos/tx/v1beta1/txs?query=nonsense%3D%3D");
  assert.deepEqual([status, body.code], [500, 13]);
  assert.match(body.message, /^invalid query: /);
  assert.deepEqual(body.details, []);
});

test("the keys of the network are 32 bytes and do not change", async () => {
  const { key } = await a.query.registration.txKey({});
  assert.equal(Buffer.from(key, "base64").length, 32);
  assert.deepEqual(await a.query.registration.txKey({}), { key });
  const registration = await a.query.registration.registrationKey({});
  // The bytes are the genesis of the module, with both keys.
  const state = JSON.parse(Buffer.from(registration.key, "base64").toString());
  assert.equal(state.reg_info, null);
  assert.equal(state.io_exch_key.bytes, key);
  assert.equal(Buffer.from(state.node_exch_key.bytes, "base64").length, 32);
});

test("parameters and node settings print as in the reference", async () => {
  assert.deepEqual(await a.query.auth.params({}), {
    params: {
      max_memo_characters: "256", tx_sig_limit: "7", tx_size_cost_per_byte: "10",
      sig_verify_cost_ed25519: "590", sig_verify_cost_secp256k1: "1000",
    },
  });
  assert.deepEqual(await network.get("/cosmos/base/node/v1beta1/config"), {
    minimum_gas_price: "0.012500000000000000uscrt", pruning_keep_recent: "0", pruning_interval: "0", halt_height: "0",
  });
  const { params } = await network.get("/compute/v1beta1/params");
  assert.deepEqual(Object.keys(params), ["compile_cost", "max_contract_size"]);
  assert.equal(params.max_contract_size, "2097152");
});

test("node info names the network and the application", async () => {
  const { default_node_info, application_version } = await a.query.tendermint.getNodeInfo({});
  assert.equal(default_node_info.network, "secretdev-1");
  assert.equal(typeof application_version.version, "string");
  // The version that headers carry, as everybody tells it.
  const [block, info, status] = await Promise.all(
    ["block", "abci_info", "status"].map(async (path) => (await (await fetch(`${network.rpc}/${path}`)).json()).result),
  );
  const { app } = block.block.header.version;
  assert.deepEqual(
    [info.response.app_version, status.node_info.protocol_version.app, String(default_node_info.protocol_version.app)],
    [app, app, app],
  );
  assert.equal(status.node_info.other.rpc_address, network.rpc.replace("http", "tcp"));
  assert.deepEqual(await a.query.tendermint.getSyncing({}), { syncing: false });
  const { validators } = await a.query.tendermint.getLatestValidatorSet({});
  assert.equal(validators.length, 1);
});

test("module accounts are accounts", async () => {
  const { account } = await network.get("/cosmos/auth/v1beta1/module_accounts/fee_collector");
  assert.equal(account["@type"], "/cosmos.auth.v1beta1.ModuleAccount");
  assert.equal(account.name, "fee_collector");
  assert.match(account.base_account.address, /^secret1/);
  const { accounts } = await a.query.auth.accounts({});
  assert.ok(accounts.length >= 5);
});

test("a client address with a slash at its end, a bare question mark and unknown parameters do no harm", async () => {
  for (const path of [
    "//cosmos/bank/v1beta1/supply",
    "/cosmos/bank/v1beta1/supply?",
    "/cosmos/bank/v1beta1/supply?nonsense=1&pagination.limit=10",
  ]) {
    const { status, body } = await network.request(path);
    assert.deepEqual([status, body.supply?.length], [200, 1], path);
  }
});

test("old heights stay readable from the first on, and the answer names its height", async () => {
  const at = async (height) => {
    const path = `/cosmos/bank/v1beta1/balances/${ACCOUNTS.b.address}/by_denom?denom=uscrt`;
    const { headers, body } = await network.request(path, { headers: { "X-Cosmos-Block-Height": `${height}` } });
    assert.equal(headers.get("grpc-metadata-x-cosmos-block-height"), `${height}`);
    return BigInt(body.balance.amount);
  };
  const start = await at(1);
  assert.equal(start, 10n ** 18n);
  assert.equal(await at(sent[0].height), start + 1n);
  assert.equal(await at(sent[2].height), start + 6n);
});

test("a height that does not exist yet is refused", async () => {
  const { status, body } = await network.request("/cosmos/bank/v1beta1/supply", {
    headers: { "x-cosmos-block-height": "999999999" },
  });
  assert.deepEqual([status, body.code], [400, 9]);
});

test("unknown routes are JSON errors with code 12", async () => {
  for (const path of ["/no/such/route", "/reg/tx-key"]) {
    const { status, body } = await network.request(path);
    assert.equal(status, 501, path);
    assert.equal(body.code, 12);
    assert.deepEqual(body.details, []);
  }
});

test("pages of any origin may ask", async () => {
  const { headers } = await network.request("/cosmos/bank/v1beta1/supply", { headers: { origin: "https://dapp.example" } });
  assert.ok(["*", "https://dapp.example"].includes(headers.get("access-control-allow-origin")));
  const preflight = await fetch(`${network.rest}/cosmos/tx/v1beta1/txs`, {
    method: "OPTIONS",
    headers: {
      origin: "https://dapp.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    },
  });
  assert.ok(preflight.ok);
});

test("malformed broadcasts are told so", async () => {
  const empty = await postTx(network, { txBytes: "", mode: "BROADCAST_MODE_SYNC" });
  assert.deepEqual([empty.status, empty.body.code, empty.body.message], [400, 3, "invalid empty tx"]);
  const block = await postTx(network, { txBytes: "AA==", mode: "BROADCAST_MODE_BLOCK" });
  assert.deepEqual([block.status, block.body.code], [500, 2]);
  assert.equal(block.body.message, "unsupported return type unspecified; supported types: sync, async");
  const notJson = await network.request("/cosmos/tx/v1beta1/txs", { method: "POST", body: "{" });
  assert.deepEqual([notJson.status, notJson.body.code], [400, 3]);
});

test("a network with a block time of one second makes about one block a second", async () => {
  const paced = await startNetwork({ blockTime: "1s" });
  try {
    const first = await paced.height();
    await sleep(2_500);
    const later = await paced.height();
    assert.ok(later > first && later <= first + 4, `${later - first} blocks in 2.5 s`);
  } finally {
    await paced.stop();
  }
});
