// Contract messages that are wrong in one respect. Whatever the enclave cannot open, it refuses: plaintext as well.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";

import { EncryptionUtilsImpl, toBase64, toUtf8 } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { account, ask, balance, clientOf, execute, instantiate, upload } from "./support/client.js";
import { startNetwork, until } from "./support/network.js";
import {
  broadcast, buildTx, deliver, encrypt, executeContract, findTx, instantiateContract, uscrt,
} from "./support/raw.js";

const { address: A } = ACCOUNTS.a;
const PREFIX = "failed to execute message; message index: 0: ";
const UNREADABLE = "Execution error: Enclave: failed to decrypt data";

let network;
let client;
let code;
let counter;
let count;
before(async () => {
  network = await startNetwork();
  client = clientOf(network, "a");
  code = await upload(client, "counter");
  counter = await instantiate(client, code, { count: 1 });
  ({ count } = await ask(client, counter, { get_count: {} }));
});
after(() => network?.stop());
afterEach(async () => {
  assert.deepEqual(await ask(client, counter, { get_count: {} }), { count }, "nothing has changed");
  await execute(client, counter, { increment: {} });
  count += 1;
});

const increment = () => encrypt(network, counter.code_hash, { increment: {} });
const send = async (messages, change) => deliver(network, await buildTx(network, "a", messages, change));

async function fails(messages, codespace, number, rawLog) {
  const before = { ...(await account(network, A)), uscrt: await balance(network, A) };
  const tx = await send(messages);
  assert.deepEqual([tx.codespace, tx.code], [codespace, number], tx.raw_log);
  if (rawLog instanceof RegExp) assert.match(tx.raw_log, rawLog);
  else assert.equal(tx.raw_log, rawLog);
  assert.equal(tx.data, "");
  const after = { ...(await account(network, A)), uscrt: await balance(network, A) };
  assert.deepEqual(after, { ...before, sequence: before.sequence + 1n, uscrt: before.uscrt - 20_000n });
}

/** Every way to make a message unreadable. */
const unreadable = () => ({
  "a flipped bit in the nonce": async () => flip(await increment(), 0),
  "a flipped bit in the public key": async () => flip(await increment(), 40),
  "a flipped bit in the tag": async () => flip(await increment(), 64),
  "a flipped bit in the last byte": async () => {
    const message = await increment();
    return flip(message, message.length - 1);
  },
  "a cut ciphertext": async () => (await increment()).slice(0, -1),
  "nothing but nonce and key": async () => (await increment()).slice(0, 64),
  "half a header": async () => (await increment()).slice(0, 40),
  "one byte": async () => new Uint8Array([1]),
  "a key of zeros": async () => {
    const message = await increment();
    return message.fill(0, 32, 64);
  },
  "another network's key": async () => encryptedForAnotherNetwork(),
  "plain JSON": async () => toUtf8(JSON.stringify({ increment: {} })),
  "plain JSON behind the code hash": async () => toUtf8(`${counter.code_hash}{"increment":{}}`),
  noise: async () => new Uint8Array(randomBytes(500)),
});

const flip = (bytes, at) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

async function encryptedForAnotherNetwork() {
  const utils = new EncryptionUtilsImpl(network.rest);
  // The library keeps the network's key here after it has fetched it.
  utils.consensusIoPubKey = EncryptionUtilsImpl.GenerateNewKeyPair().pubkey;
  return utils.encrypt(counter.code_hash, { increment: {} });
}

describe("execute", () => {
  for (const [what, message] of Object.entries(unreadable())) {
    test(`${what} is refused`, async () => {
      await fails([executeContract(A, counter.address, await message())], "compute", 3, `${PREFIX}${UNREADABLE}: execute contract failed`);
    });
  }

  test("an empty message is refused before or at execution", async () => {
    const bytes = await buildTx(network, "a", [executeContract(A, counter.address, new Uint8Array())]);
    const answer = await broadcast(network, bytes);
    if (answer.code === 0) {
      const tx = await until(() => findTx(network, answer.txhash), { what: answer.txhash });
      assert.notEqual(tx.code, 0);
    }
  });

  test("a message for another code hash is refused", async () => {
    const message = await encrypt(network, "ab".repeat(32), { increment: {} });
    await fails(
      [executeContract(A, counter.address, message)],
      "compute", 3, `${PREFIX}Execution error: Enclave: failed to validate transaction: execute contract failed`,
    );
  });

  test("an unknown contract is not found", async () => {
    await fails([executeContract(A, A, await increment())], "compute", 9, `${PREFIX}contract: not found`);
  });

  test("a callback signature from outside is refused", async () => {
    const message = executeContract(A, counter.address, await increment(), { callback_sig: new Uint8Array(32) });
    const answer = await broadcast(network, await buildTx(network, "a", [message]));
    assert.deepEqual(
      [answer.codespace, answer.code, answer.raw_log],
      ["sdk", 18, "callback_sig must be empty: invalid request"],
    );
  });

  test("coins of nothing are refused", async () => {
    const message = executeContract(A, counter.address, await increment(), { sent_funds: [uscrt(0)] });
    const answer = await broadcast(network, await buildTx(network, "a", [message]));
    assert.deepEqual([answer.codespace, answer.code, answer.raw_log], ["sdk", 10, "sentFunds: invalid coins"]);
  });

  test("coins that one does not have are refused", async () => {
    const held = await balance(network, A);
    const message = executeContract(A, counter.address, await increment(), { sent_funds: [uscrt(held)] });
    await fails([message], "sdk", 5, `${PREFIX}spendable balance ${held - 20_000n}uscrt is smaller than ${held}uscrt: insufficient funds`);
  });

  test("addresses of a wrong length are refused", async () => {
    const message = executeContract(A, counter.address, await increment(), { contract: new Uint8Array(19) });
    const answer = await broadcast(network, await buildTx(network, "a", [message]));
    assert.deepEqual(
      [answer.codespace, answer.code, answer.raw_log],
      ["sdk", 9, "address length must be 20 or 32 bytes, got 19: unknown address"],
    );
  });

  test("a message in another's name is refused", async () => {
    const message = executeContract(ACCOUNTS.b.address, counter.address, await increment());
    const answer = await broadcast(network, await buildTx(network, "a", [message]));
    assert.deepEqual([answer.codespace, answer.code], ["sdk", 8]);
  });

  test("another's ciphertext, sent again under one's own name, gives the copier nothing", async () => {
    const secret = clientOf(network, "b", { encryptionSeed: new Uint8Array(32).fill(9) });
    const { transactionHash } = await execute(secret, counter, { increment: {} });
    count += 1;
    const { tx } = await network.get(`/cosmos/tx/v1beta1/txs/${transactionHash}`);
    const copied = Buffer.from(tx.body.messages[0].msg, "base64");
    const copy = await send([executeContract(A, counter.address, new Uint8Array(copied))]);
    // The message itself is valid for whoever sends it; its answer is readable with b's key alone.
    assert.equal(copy.code, 0, copy.raw_log);
    count += 1;
    const seen = await client.query.getTx(copy.txhash);
    assert.equal(seen.arrayLog.find(({ key }) => key === "count"), undefined);
  });
});

describe("instantiate", () => {
  const create = async (initMsg, more) =>
    instantiateContract(A, code.code_id, `bad ${Math.random()}`, initMsg, more);

  for (const [what, message] of Object.entries(unreadable())) {
    test(`${what} is refused`, async () => {
      await fails([await create(await message())], "compute", 2, `${PREFIX}${UNREADABLE}: instantiate contract failed`);
    });
  }

  test("an unknown code id is not found", async () => {
    const message = instantiateContract(A, 999, "unknown code", await increment());
    await fails([message], "compute", 9, `${PREFIX}code: not found`);
  });

  test("labels must have 1 to 512 bytes, and the code id must not be zero", async () => {
    const initMsg = await encrypt(network, code.code_hash, { count: 1 });
    for (const [codeId, label, codespace, number, text] of [
      [code.code_id, "", "compute", 11, "is required: empty"],
      [code.code_id, "x".repeat(513), "compute", 12, "cannot be longer than 128 characters: exceeds limit"],
      [0, "code zero", "sdk", 18, "code_id is required: invalid request"],
    ]) {
      const bytes = await buildTx(network, "a", [instantiateContract(A, codeId, label, initMsg)]);
      const answer = await broadcast(network, bytes);
      assert.deepEqual([answer.codespace, answer.code], [codespace, number], answer.raw_log);
      assert.ok(answer.raw_log.endsWith(text), answer.raw_log);
    }
  });

  test("a failed instantiation leaves no contract and no label", async () => {
    const initMsg = await encrypt(network, code.code_hash, { wrong: 1 });
    const tx = await send([instantiateContract(A, code.code_id, "never born", initMsg)]);
    assert.deepEqual([tx.codespace, tx.code], ["compute", 2]);
    const { status, body } = await network.request("/compute/v1beta1/contract_address/never%20born");
    assert.equal(status, 500);
    assert.match(body.message, /unknown address: never born/);
  });
});

describe("query", () => {
  const query = (bytes, address = counter.address) =>
    network.request(`/compute/v1beta1/query/${address}?query=${encodeURIComponent(toBase64(bytes))}`);

  for (const [what, message] of Object.entries(unreadable())) {
    test(`${what} is refused`, async () => {
      const { status, body } = await query(await message());
      assert.deepEqual([status, body.code, body.message], [500, 2, `${UNREADABLE}: query contract failed`]);
    });
  }

  test("an unknown contract is not found", async () => {
    const { status, body } = await query(await encrypt(network, counter.code_hash, { get_count: {} }), A);
    assert.equal(status, 500);
    assert.match(body.message, /not found/);
  });

  test("asking about contracts and codes that are not there is an error", async () => {
    for (const path of [`info/${A}`, `label/${A}`, `code_hash/by_contract_address/${A}`, "contracts/999", "code/999"]) {
      const { status, body } = await network.request(`/compute/v1beta1/${path}`);
      assert.equal(status, 500, path);
      assert.match(body.message, /not found/, path);
    }
  });
});
