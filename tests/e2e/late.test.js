// What comes while a block runs is too late for it: a transaction that could be in no later block is refused, and takes no room in one without
// paying for it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { account, contractCode } from "./support/client.js";
import { bankSend, broadcast, buildTx, findTx, storeCode } from "./support/raw.js";
import { sleep, startNetwork, until } from "./support/network.js";

const ROUNDS = 4;
const FLOOD = 40;
const TIMEOUT_CODE = 30;
/** So long after its broadcast an upload runs, and goes on for a while. */
const UPLOAD_RUNS_MS = 60;

let network;
before(async () => {
  network = await startNetwork();
});
after(() => network?.stop());

/** An upload that no other is like: a custom section at its end. */
const upload = (round) => new Uint8Array([...contractCode("token"), 0, 3, 1, 120, round]);

test("what passes the mempool while a block runs is charged, or is in no block", async () => {
  const { a, b, c } = ACCOUNTS;
  let refused = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = await account(network, a.address);
    const uploader = await account(network, b.address);
    const head = await network.height();
    const slow = await buildTx(network, "b", [storeCode(b.address, upload(round))], { gas: 20_000_000n, sequence: uploader.sequence });
    // Made before, as the block does not run for long.
    const flood = (timeoutHeight) => Promise.all(Array.from({ length: FLOOD }, (_, n) => buildTx(
      network, "a", [bankSend(a.address, c.address, "1")],
      { gas: 100_000, sequence: from.sequence + BigInt(n), timeoutHeight, memo: `${round}` },
    )));
    const late = new Map();
    for (const height of [head + 1, head + 2]) late.set(height, await flood(height));
    assert.equal((await broadcast(network, slow)).code, 0);
    await sleep(UPLOAD_RUNS_MS);
    const passed = [];
    for (const tx of late.get((await network.height()) + 1) ?? []) {
      const { code, txhash, raw_log } = await broadcast(network, tx);
      if (code === TIMEOUT_CODE) refused += 1;
      if (code !== 0) {
        assert.equal(code, TIMEOUT_CODE, raw_log);
        break;
      }
      passed.push(txhash);
    }
    await until(async () => (await account(network, b.address)).sequence > uploader.sequence, { ms: 30_000, what: "the upload" });
    // Whatever waits behind it is in the next block, or gone.
    const last = await account(network, c.address);
    const marker = await buildTx(network, "c", [bankSend(c.address, c.address, "1")], { gas: 100_000, sequence: last.sequence });
    assert.equal((await broadcast(network, marker)).code, 0);
    await until(async () => (await account(network, c.address)).sequence > last.sequence, { ms: 30_000, what: "the next block" });
    const held = (await Promise.all(passed.map((hash) => findTx(network, hash)))).filter(Boolean);
    for (const tx of held) assert.equal(tx.code, 0, `round ${round}: ${tx.raw_log}`);
    const { sequence } = await account(network, a.address);
    assert.equal(sequence - from.sequence, BigInt(held.length));
  }
  assert.ok(refused > 0, "no block ran while the flood came");
});
