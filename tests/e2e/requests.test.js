// What requests mean at their edges: pages, heights, spellings, estimates while something waits, evidence.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { toBase64, toHex } from "@cosmjs/encoding";

import { ACCOUNTS } from "./support/accounts.js";
import { account } from "./support/client.js";
import { startNetwork, until } from "./support/network.js";
import { bankSend, broadcast, buildTx, deliver, postTx, storeCode } from "./support/raw.js";

const A = ACCOUNTS.a.address;
const B = ACCOUNTS.b.address;

// Blocks come slowly, so that a transaction waits for a while and several fit into one block.
let network;
before(async () => {
  network = await startNetwork({ blockTime: "6s" });
});
after(() => network?.stop());

const simulate = (txBytes) =>
  network.request("/cosmos/tx/v1beta1/simulate", { method: "POST", body: JSON.stringify({ txBytes }) });

test("while a transaction waits the next one can be estimated, and the one that waits, and no other", async () => {
  const { sequence } = await account(network, A);
  const make = (offset) => buildTx(network, "a", [bankSend(A, B, 1)], { sequence: sequence + offset });
  // A block in the middle would leave nothing waiting: then all begins anew.
  await until(async () => {
    const from = (await account(network, A)).sequence;
    const at = (offset) => make(from - sequence + offset);
    const height = await network.height();
    const accepted = await broadcast(network, await at(0n));
    assert.equal(accepted.code, 0, accepted.raw_log);
    const [next, same, later] = await Promise.all(
      [1n, 0n, 2n].map(async (offset) => simulate(toBase64(await at(offset)))),
    );
    await until(async () => (await account(network, A)).sequence > from, { what: "the block", ms: 30_000 });
    if ((await network.height()) > height + 1) return false;
    assert.deepEqual([next.status, same.status, later.status], [200, 200, 500], JSON.stringify(next.body));
    assert.match(later.body.message, new RegExp(`expected ${from + 1n}, got ${from + 2n}`));
    return true;
  }, { ms: 90_000, what: "a transaction that waits" });
});

test("an estimate of fifty uploads prepares none of them", async () => {
  const tx = await buildTx(network, "a", Array.from({ length: 50 }, () => storeCode(A, new Uint8Array(2_000))), { gas: 90_000_000n });
  const { status } = await simulate(toBase64(tx));
  // Preparing would find that these are no modules.
  assert.equal(status, 200);
});

test("the transactions of a block come in pages, up and down", async () => {
  const { sequence } = await account(network, B);
  const txs = await Promise.all(
    [0n, 1n, 2n].map((n) => buildTx(network, "b", [bankSend(B, A, 1)], { sequence: sequence + n, memo: `number ${n}` })),
  );
  for (const tx of txs.slice(0, 2)) assert.equal((await broadcast(network, tx)).code, 0);
  const { height } = await deliver(network, txs[2]);
  const page = async (query) => {
    const { txs, pagination } = await network.get(`/cosmos/tx/v1beta1/txs/block/${height}?${query}`);
    return { memos: txs.map((tx) => tx.body.memo), ...pagination };
  };
  const all = await page("");
  assert.equal(all.total, String(all.memos.length));
  const down = [...all.memos].reverse();
  for (const [reverse, list] of [["false", all.memos], ["true", down], ["T", down], ["1", down], ["F", all.memos]]) {
    const walked = [];
    let key = "";
    do {
      const { memos, next_key } = await page(
        `pagination.limit=1&pagination.reverse=${reverse}&pagination.key=${encodeURIComponent(key)}`,
      );
      assert.equal(memos.length, 1);
      walked.push(...memos);
      key = next_key ?? "";
    } while (key);
    assert.deepEqual(walked, list, `reverse=${reverse}`);
    const { memos } = await page(`pagination.offset=1&pagination.limit=5&pagination.reverse=${reverse}`);
    assert.deepEqual(memos, list.slice(1));
  }
  const both = await network.request(`/cosmos/tx/v1beta1/txs/block/${height}?pagination.offset=1&pagination.key=AA==`);
  assert.deepEqual([both.status, both.body.code], [400, 3]);
  const word = await network.request(`/cosmos/tx/v1beta1/txs/block/${height}?pagination.reverse=yes`);
  assert.deepEqual([word.status, word.body.code], [400, 3]);
});

test("the validators come in pages", async () => {
  for (const which of ["latest", "1"]) {
    const path = `/cosmos/base/tendermint/v1beta1/validatorsets/${which}`;
    const { validators, pagination } = await network.get(`${path}?pagination.reverse=true&pagination.limit=1`);
    assert.deepEqual([validators.length, pagination.total, pagination.next_key], [1, "1", null]);
    const { validators: none } = await network.get(`${path}?pagination.offset=1`);
    assert.equal(none.length, 0);
  }
});

test("the owners of a denomination are counted", async () => {
  const path = "/cosmos/bank/v1beta1/denom_owners/uscrt";
  const { denom_owners } = await network.get(`${path}?pagination.limit=1000`);
  const { pagination } = await network.get(`${path}?pagination.limit=1&pagination.count_total=1`);
  assert.equal(pagination.total, String(denom_owners.length));
});

test("bytes may be broken into lines in bodies, query strings, page keys and parameters", async () => {
  const tx = toBase64(await buildTx(network, "c", [bankSend(ACCOUNTS.c.address, A, 1)]));
  const broken = tx.replace(/.{64}/g, "$&\r\n");
  const { status, body } = await network.request("/cosmos/tx/v1beta1/decode", {
    method: "POST",
    body: JSON.stringify({ tx_bytes: broken }),
  });
  assert.equal(status, 200, body.message);
  assert.equal((await simulate(broken)).status, 200);
  assert.equal((await network.rpcCall("check_tx", { tx: broken })).result.code, 0);
  const { pagination } = await network.get("/cosmos/auth/v1beta1/accounts?pagination.limit=1");
  const key = encodeURIComponent(pagination.next_key.replace(/.{4}/g, "$&\n"));
  const { accounts } = await network.get(`/cosmos/auth/v1beta1/accounts?pagination.limit=1&pagination.key=${key}`);
  assert.equal(accounts.length, 1);
  assert.equal((await postTx(network, { txBytes: broken, mode: "BROADCAST_MODE_SYNC" })).body.tx_response.code, 0);
});

const supply = "/cosmos.bank.v1beta1.Query/TotalSupply";

test("a height that cannot be is refused and never read as another", async () => {
  for (const height of ["-1", "-9223372036854775808"]) {
    const { result } = await network.rpcCall("abci_query", { path: supply, data: "", height });
    assert.deepEqual([result.response.codespace, result.response.code], ["sdk", 18], height);
    const bare = await fetch(`${network.rpc}/abci_query?path="${supply}"&height=${height}`);
    assert.equal((await bare.json()).result.response.code, 18);
  }
  const huge = await network.rpcCall("abci_query", { path: supply, data: "", height: "9223372036854775807" });
  assert.deepEqual([huge.result.response.codespace, huge.result.response.code], ["sdk", 18]);
  for (const height of ["9223372036854775808", "x", "1.5", "", "+1"]) {
    const { error } = await network.rpcCall("abci_query", { path: supply, data: "", height });
    assert.equal(error.code, -32602, height);
  }
  const get = (path, height) => network.request(path, { headers: { "x-cosmos-block-height": height } });
  for (const path of ["/cosmos/bank/v1beta1/supply", "/cosmos/base/node/v1beta1/status", "/cosmos/base/tendermint/v1beta1/blocks/latest"]) {
    for (const height of ["-1", "x", "1.5", "18446744073709551616"]) {
      const { status, body } = await get(path, height);
      assert.deepEqual([status, body.code], [400, 3], `${path} at ${height}`);
    }
    const { status, body } = await get(path, "9223372036854775807");
    assert.deepEqual([status, body.code], [400, 9], path);
    assert.equal((await get(path, "0")).status, 200, path);
  }
  for (const method of ["block", "header", "commit", "block_results", "validators", "consensus_params"]) {
    for (const height of ["-1", "0", "9223372036854775807"]) {
      const { error } = await network.rpcCall(method, { height });
      assert.equal(error?.code, -32603, `${method} at ${height}`);
    }
    for (const height of ["x", "1.5", "9223372036854775808"]) {
      const { error } = await network.rpcCall(method, { height });
      assert.equal(error?.code, -32602, `${method} at ${height}`);
    }
  }
  for (const path of ["blocks", "validatorsets"]) {
    for (const height of ["0", "-1", "999999999", "x", "9223372036854775808"]) {
      const { status, body } = await network.request(`/cosmos/base/tendermint/v1beta1/${path}/${height}`);
      assert.deepEqual([status, body.code], [400, 3], `${path}/${height}`);
    }
  }
});

/** An `AbciQueryRequest`: field 1 data, field 2 path. */
function query(data, path) {
  const field = (number, bytes) => {
    const length = [];
    for (let n = bytes.length; ; n = Math.floor(n / 128)) {
      length.push(n >= 128 ? (n % 128) + 128 : n);
      if (n < 128) break;
    }
    return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), bytes]);
  };
  return Buffer.concat([field(1, data), field(2, Buffer.from(path))]);
}

test("a query that asks for a query ten thousand times over does not end the node", async () => {
  const itself = "/cosmos.base.tendermint.v1beta1.Service/ABCIQuery";
  let data = Buffer.alloc(0);
  for (let depth = 0; depth < 10_000; depth += 1) data = query(data, itself);
  const { result } = await network.rpcCall("abci_query", { path: itself, data: toHex(data) });
  assert.deepEqual([result.response.codespace, result.response.code], ["sdk", 18]);
  assert.ok((await network.height()) >= 1);
});

test("the state of consensus is told", async () => {
  const { result: status } = await network.rpcCall("status");
  const { result } = await network.rpcCall("consensus_state");
  assert.match(result.round_state["height/round/step"], /^\d+\/0\/1$/);
  assert.equal(result.round_state.proposer.address, status.validator_info.address);
  const { result: dump } = await network.rpcCall("dump_consensus_state");
  assert.equal(dump.round_state.validators.validators.length, 1);
  assert.match(dump.round_state.last_commit.votes[0], /^Vote\{0:[0-9A-F]{12} \d+\/00\/SIGNED_MSG_TYPE_PRECOMMIT\(Precommit\) /);
  assert.match(dump.round_state.last_commit.votes_bit_array, /^BA\{1:x\} (\d+)\/\1 = 1\.00$/);
  const { error } = await network.rpcCall("broadcast_evidence");
  assert.deepEqual([error.code, error.data], [-32603, "no evidence was provided"]);
});

test("many who ask about old heights at once are answered, or told to come again", async () => {
  const height = await network.height();
  const asked = await Promise.all(
    Array.from({ length: 48 }, (_, n) =>
      network.request("/cosmos/bank/v1beta1/supply", { headers: { "x-cosmos-block-height": String(1 + (n % height)) } }),
    ),
  );
  for (const { status, body } of asked) {
    if (status === 503) assert.equal(body.code, 14);
    else assert.equal(status, 200, body.message);
  }
  assert.ok(asked.some(({ status }) => status === 200));
  assert.equal((await network.request("/cosmos/bank/v1beta1/supply")).status, 200);
});
