// The auction of docs/book/auction.md, by unmodified secret.js.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { toBase64, toUtf8 } from "secretjs";

import { ask, clientOf, dataText, deploy, execute, tryExecute } from "./support/client.js";
import { CHAIN_ID, startNetwork, until } from "./support/network.js";

/** Time for three bids on a slow machine. */
const OPEN_SECONDS = 20;

let network;
let token;
let auction;
let endsAt;
const users = {};
const blockTime = async () => {
  const { block } = await network.get("/cosmos/base/tendermint/v1beta1/blocks/latest");
  return Math.floor(Date.parse(block.header.time) / 1000);
};

before(async () => {
  network = await startNetwork({ blockTime: "1s" });
  for (const name of ["a", "b", "c", "d"]) users[name] = clientOf(network, name);
  const { a, b, c, d } = users;
  token = await deploy(a, "token", {
    name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: toBase64(toUtf8("dice")),
    initial_balances: [b, c, d].map(({ address }) => ({ address, amount: "1000" })),
  }, { gasLimit: 500_000 });
  endsAt = (await blockTime()) + OPEN_SECONDS + 3;
  auction = await deploy(a, "auction", {
    item: "a clock", token: { address: token.address, code_hash: token.code_hash }, ends_at: endsAt, minimum: "10",
  }, { gasLimit: 500_000 });
});
after(() => network?.stop());

/** A bid as the page writes it, as long as any other. */
function bid(bidder, amount, deposit) {
  const msg = JSON.stringify({ bid: { bidder, amount } }).padEnd(120);
  return { send: { recipient: auction.address, amount: deposit, msg: toBase64(toUtf8(msg)), gas_target: "200000" } };
}

const GAS = { gasLimit: 400_000 };
const tokensOf = async (user) => {
  await execute(user, token, { set_viewing_key: { key: "k" } });
  const { balance } = await ask(user, token, { balance: { address: user.address, key: "k" } });
  return balance.amount;
};

test("sealed bids, a draw, and everybody paid", async () => {
  const { a, b, c, d } = users;
  const txs = await Promise.all([
    execute(b, token, bid(b.address, "300", "500"), GAS),
    execute(c, token, bid(c.address, "450", "500"), GAS),
    execute(d, token, bid(d.address, "450", "500"), GAS),
    tryExecute(a, auction, { close: {} }, GAS),
  ]);
  const early = txs.pop();
  assert.match(early.rawLog, /The bidding is not over/);
  const gas = txs.map((tx) => tx.gasUsed);
  assert.equal(new Set(gas).size, 1, `gas of bids: ${gas}`);

  const permit = await clientOf(network, "b", { amino: true }).utils.accessControl.permit.sign(
    b.address, CHAIN_ID, "my bid", [auction.address], ["bid"], false,
  );
  const mine = await ask(b, auction, { with_permit: { permit, query: { bid: {} } } });
  assert.deepEqual(mine, { bid: { amount: "300", deposit: "500" } });
  const guess = await ask(b, auction, { bid: { address: c.address, key: "guess" } });
  assert.deepEqual(Object.keys(guess), ["viewing_key_error"]);

  await until(async () => (await blockTime()) >= endsAt, { ms: 60_000, every: 200, what: "the end of the bidding" });
  assert.match((await tryExecute(b, token, bid(b.address, "900", "500"), GAS)).rawLog, /The bidding is over/);
  await execute(a, auction, { close: {} }, GAS);
  const settled = await execute(a, auction, { settle: {} }, { gasLimit: 600_000 });
  assert.deepEqual(JSON.parse(dataText(settled)), { settle: { left: 0 } });

  const { result } = await ask(a, auction, { result: {} });
  assert.equal(result.price, "450");
  assert.ok([c.address, d.address].includes(result.winner), "one of those who bid most");
  const tokens = [await tokensOf(a), await tokensOf(b), await tokensOf(c), await tokensOf(d)];
  const [ofC, ofD] = result.winner === c.address ? ["550", "1000"] : ["1000", "550"];
  assert.deepEqual(tokens, ["450", "1000", ofC, ofD]);
});
