// Transactions that are wrong in one respect: a clear error with a stable code, nothing changed, the node still serves.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";

import { toBase64 } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { account, balance } from "./support/client.js";
import { CHAIN_ID, startNetwork } from "./support/network.js";
import { bankSend, broadcast, buildTx, deliver, findTx, postTx, storeCode, uscrt } from "./support/raw.js";

const { address: A } = ACCOUNTS.a;
const { address: B } = ACCOUNTS.b;
const GAS = 200_000n;

let network;
before(async () => {
  network = await startNetwork();
});
after(() => network?.stop());
afterEach(async () => {
  const tx = await deliver(network, await buildTx(network, "a", [bankSend(A, B, 1)]));
  assert.equal(tx.code, 0, "the node still serves");
});

async function snapshot() {
  const [{ sequence }, a, b] = await Promise.all([account(network, A), balance(network, A), balance(network, B)]);
  return { sequence, a, b };
}

/** The mempool refuses with exactly this, and nothing has changed. */
async function refused(bytes, codespace, code, rawLog) {
  const before = await snapshot();
  const answer = await broadcast(network, bytes);
  assert.deepEqual([answer.codespace, answer.code], [codespace, code], answer.raw_log);
  if (rawLog instanceof RegExp) assert.match(answer.raw_log, rawLog);
  else assert.equal(answer.raw_log, rawLog);
  assert.deepEqual(await snapshot(), before);
  assert.equal(await findTx(network, answer.txhash), undefined);
}

/** The mempool accepts, execution fails with exactly this, and only fee and sequence have changed. */
async function fails(bytes, codespace, code, rawLog, fee = GAS / 10n) {
  const before = await snapshot();
  const tx = await deliver(network, bytes);
  assert.deepEqual([tx.codespace, tx.code], [codespace, code], tx.raw_log);
  if (rawLog instanceof RegExp) assert.match(tx.raw_log, rawLog);
  else assert.equal(tx.raw_log, rawLog);
  assert.equal(tx.data, "");
  const after = await snapshot();
  assert.deepEqual(after, { ...before, sequence: before.sequence + 1n, a: before.a - fee });
}

const build = (change, messages = [bankSend(A, B, 1)]) => buildTx(network, "a", messages, change);

describe("bytes", () => {
  test("garbage is no transaction", async () => {
    for (const bytes of [new Uint8Array([0]), new Uint8Array(randomBytes(64)), new Uint8Array(randomBytes(5000))]) {
      await refused(bytes, "sdk", 2, /: tx parse error$/);
    }
  });

  test("a transaction cut anywhere is no transaction", async () => {
    const whole = await build();
    for (const length of [1, 10, Math.floor(whole.length / 2), whole.length - 1]) {
      await refused(whole.slice(0, length), "sdk", 2, /tx parse error$/);
    }
  });

  test("a transaction with a byte more is no transaction", async () => {
    const whole = await build();
    await refused(new Uint8Array([...whole, 0]), "sdk", 2, /tx parse error$/);
  });

  test("an unknown message type is named", async () => {
    const typeUrl = "/no.such.v1.Message";
    await refused(
      await build({}, [{ typeUrl, value: new Uint8Array() }]),
      "sdk", 2, `unable to resolve type URL ${typeUrl}: tx parse error`,
    );
  });

  test("a transaction needs a message", async () => {
    await refused(await build({}, []), "sdk", 18, "must contain at least one message: invalid request");
  });

  test("a transaction larger than any upload is refused before it is read", async () => {
    const oversized = await build({ gas: 20_000_000n }, [storeCode(A, new Uint8Array(3_900_000))]);
    const { status, body } = await postTx(network, { txBytes: toBase64(oversized), mode: "BROADCAST_MODE_SYNC" });
    assert.deepEqual([status, body.code], [400, 3]);
  });
});

describe("signatures", () => {
  const verification = (chainAndNumber) =>
    new RegExp(`^signature verification failed; please verify account number \\(${chainAndNumber}\\) and chain-id \\(${CHAIN_ID}\\): \\(unable to verify single signer signature [0-9a-fA-F]* for signBytes [0-9a-fA-F]+\\): unauthorized$`);

  test("a signature for another chain is refused", async () => {
    await refused(await build({ chainId: "secretdev-2" }), "sdk", 4, verification("\\d+"));
  });

  test("a signature for another account number is refused", async () => {
    await refused(await build({ accountNumber: 999n }), "sdk", 4, verification("\\d+"));
  });

  test("a flipped bit in the signature is noticed, first byte and last", async () => {
    for (const at of [0, 63]) {
      const signature = (right) => right.map((byte, index) => (index === at ? byte ^ 1 : byte));
      await refused(await build({ signature }), "sdk", 4, verification("\\d+"));
    }
  });

  test("a signature of the wrong length is refused", async () => {
    for (const length of [0, 63, 65]) {
      await refused(await build({ signature: () => new Uint8Array(length).fill(1) }), "sdk", 4, /unauthorized$/);
    }
  });

  test("the other form of the same signature is refused: it would be a second transaction", async () => {
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const signature = (right) => {
      const s = BigInt(`0x${Buffer.from(right.slice(32)).toString("hex")}`);
      const high = Buffer.from((order - s).toString(16).padStart(64, "0"), "hex");
      return new Uint8Array([...right.slice(0, 32), ...high]);
    };
    await refused(await build({ signature }), "sdk", 4, verification("\\d+"));
  });

  test("somebody else's signature under one's own name is refused", async () => {
    await refused(await build({ signWith: "c" }), "sdk", 4, verification("\\d+"));
  });

  test("somebody else's key for one's own message is refused", async () => {
    await refused(
      await build({ signWith: "c", publicKeyOf: "c" }),
      "sdk", 8, `pubKey does not match signer address ${A} with signer index: 0: invalid pubkey`,
    );
  });

  test("no signature and two signatures for one signer are refused", async () => {
    await refused(await build({ signatures: [] }), "sdk", 15, "no signatures supplied");
    const twice = [new Uint8Array(64), new Uint8Array(64)];
    await refused(
      await build({ signatures: twice }),
      "sdk", 4, "wrong number of signers; expected 1, got 2: unauthorized",
    );
  });
});

describe("sequences and replays", () => {
  test("a sequence of the past or the future is refused", async () => {
    const { sequence } = await account(network, A);
    for (const wrong of [sequence - 1n, sequence + 1n, 1_000_000n]) {
      await refused(
        // Bytes that nobody sent yet: the same ones again would be code 19.
        await build({ sequence: wrong, memo: `sequence ${wrong}` }),
        "sdk", 32, `account sequence mismatch, expected ${sequence}, got ${wrong}: incorrect account sequence`,
      );
    }
  });

  test("an executed transaction cannot be executed again", async () => {
    const bytes = await build();
    const first = await deliver(network, bytes);
    assert.equal(first.code, 0);
    const before = await snapshot();
    const again = await broadcast(network, bytes);
    // Remembered by its bytes; other bytes with its sequence are the test above.
    assert.deepEqual([again.codespace, again.code, again.raw_log], ["sdk", 19, ""]);
    assert.deepEqual(await snapshot(), before);
  });
});

describe("fee and gas", () => {
  test("a fee below the minimum is refused, also none", async () => {
    await refused(
      await build({ fee: [uscrt(2499)] }),
      "sdk", 13, "insufficient fees; got: 2499uscrt required: 2500uscrt: insufficient fee",
    );
    await refused(
      await build({ fee: [] }),
      "sdk", 13, "insufficient fees; got:  required: 2500uscrt: insufficient fee",
    );
  });

  test("a fee that one cannot pay is refused", async () => {
    const { a } = await snapshot();
    await refused(
      await build({ fee: [uscrt(a + 1n)] }),
      "sdk", 5, `spendable balance ${a}uscrt is smaller than ${a + 1n}uscrt: insufficient funds: insufficient funds`,
    );
  });

  test("a fee in disorder is refused", async () => {
    const twice = [uscrt(2500), uscrt(2500)];
    await refused(await build({ fee: twice }), "sdk", 13, "invalid fee amount: 2500uscrt,2500uscrt: insufficient fee");
  });

  test("a transaction without gas is refused", async () => {
    await refused(await build({ gas: 0n, fee: [uscrt(1)] }), "sdk", 41, "must provide positive gas: invalid gas limit");
  });

  test("more gas than can be counted, or than a block has, is refused", async () => {
    await refused(
      await build({ gas: 2n ** 63n, fee: [uscrt(2500)] }),
      "sdk", 18, "invalid gas supplied; 9223372036854775808 > 9223372036854775807: invalid request",
    );
    await refused(
      await build({ gas: 10n ** 12n, fee: [uscrt(10n ** 11n)] }),
      "sdk", 41, /^tx gas limit 1000000000000 exceeds block max gas \d+: invalid gas limit$/,
    );
  });

  test("too little gas for size and signature is out of gas in the mempool", async () => {
    await refused(
      await build({ gas: 1_000n, fee: [uscrt(100)] }),
      "sdk", 11, /^out of gas in location: .+; gasWanted: 1000, gasUsed: \d+: out of gas$/,
    );
  });
});

describe("envelope", () => {
  test("a memo of 256 bytes is the longest", async () => {
    const tx = await deliver(network, await build({ memo: "x".repeat(256) }));
    assert.equal(tx.code, 0);
    await refused(
      await build({ memo: "x".repeat(257) }),
      "sdk", 12, "maximum number of characters is 256 but received 257 characters: memo too large",
    );
  });

  test("a transaction past its last height is refused", async () => {
    await refused(
      await build({ timeoutHeight: 1 }),
      "sdk", 30, /^block height: \d+, timeout height: 1: tx timeout height$/,
    );
  });

  test("an extension that must be understood is refused", async () => {
    const body = (fields) => ({ ...fields, extensionOptions: [{ typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: new Uint8Array() }] });
    await refused(await build({ body }), "sdk", 31, /unknown extension options$/);
  });
});

describe("messages of the bank", () => {
  const prefix = "failed to execute message; message index: 0: ";

  test("coins that are none, nothing, disordered or badly named are refused", async () => {
    for (const [coins, text] of [
      [[], ""],
      [[uscrt(0)], "0uscrt"],
      [[uscrt(5), { denom: "abc", amount: "1" }], "5uscrt,1abc"],
      [[uscrt(1), uscrt(1)], "1uscrt,1uscrt"],
    ]) {
      await fails(await build({}, [bankSend(A, B, coins)]), "sdk", 10, `${prefix}${text}: invalid coins`);
    }
  });

  test("a recipient that is no address is refused", async () => {
    await fails(
      await build({}, [bankSend(A, "secret1nonsense", 1)]),
      "sdk", 7, /^failed to execute message; message index: 0: invalid to address: decoding bech32 failed: .*: invalid address$/,
    );
  });

  test("the account that collects fees cannot be sent to", async () => {
    const { account } = await network.get("/cosmos/auth/v1beta1/module_accounts/fee_collector");
    const { address } = account.base_account;
    await fails(
      await build({}, [bankSend(A, address, 1)]),
      "sdk", 4, `${prefix}${address} is not allowed to receive funds: unauthorized`,
    );
  });

  test("somebody else's coins cannot be sent", async () => {
    await refused(
      await build({}, [bankSend(B, A, 1)]),
      "sdk", 8, `pubKey does not match signer address ${B} with signer index: 0: invalid pubkey`,
    );
  });

  test("more than one has cannot be sent", async () => {
    const { a } = await snapshot();
    await fails(
      await build({}, [bankSend(A, B, a)]),
      "sdk", 5, `${prefix}spendable balance ${a - 20_000n}uscrt is smaller than ${a}uscrt: insufficient funds`,
    );
  });

  test("a later message that fails undoes the earlier ones", async () => {
    const { a } = await snapshot();
    await fails(
      await build({}, [bankSend(A, B, 100), bankSend(A, B, a)]),
      "sdk", 5, /^failed to execute message; message index: 1: spendable balance/,
    );
  });
});

describe("requests", () => {
  test("simulating garbage is an error of the request", async () => {
    const simulate = (txBytes) =>
      network.request("/cosmos/tx/v1beta1/simulate", { method: "POST", body: JSON.stringify({ txBytes }) });
    const garbage = await simulate(toBase64(randomBytes(30)));
    assert.equal(garbage.status, 500);
    assert.match(garbage.body.message, /tx parse error/);
    const empty = await simulate("");
    assert.deepEqual([empty.status, empty.body.code, empty.body.message], [400, 3, "empty txBytes is not allowed"]);
  });

  test("broken requests to RPC and REST are answered, not dropped", async () => {
    const broken = await fetch(network.rpc, { method: "POST", body: "{" });
    assert.equal((await broken.json()).error.code, -32700);
    const path = "/compute/v1beta1/query/secret1nonsense?query=%25%25%25";
    const { status, body } = await network.request(path);
    assert.deepEqual([status, body.code], [400, 3]);
    assert.match(body.message, /^type mismatch, parameter: query/);
  });
});
