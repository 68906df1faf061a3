// Fee grants with unmodified clients: secret.js and CosmJS.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { stringToPath } from "@cosmjs/crypto";
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";
import { assertIsDeliverTxSuccess, SigningStargateClient } from "@cosmjs/stargate";
import { BasicAllowance } from "cosmjs-types/cosmos/feegrant/v1beta1/feegrant.js";
import { MsgGrantAllowance } from "cosmjs-types/cosmos/feegrant/v1beta1/tx.js";

import { ACCOUNTS } from "./support/accounts.js";
import { balance, clientOf, FAST, succeeded } from "./support/client.js";
import { startNetwork, until } from "./support/network.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];
const BASIC = "/cosmos.feegrant.v1beta1.BasicAllowance";
// What secret.js pays for 25,000 gas.
const FEE = 2_500n;
const { a: granter, b: grantee, c, d } = ACCOUNTS;

let network;
let client;
let receiver;
before(async () => {
  network = await startNetwork();
  client = clientOf(network, "a");
  receiver = clientOf(network, "b");
});
after(() => network?.stop());

const sent = (by = receiver, options = {}) =>
  by.tx.bank.send(
    { from_address: by.address, to_address: d.address, amount: coins(1) },
    { ...FAST, feeGranter: granter.address, ...options },
  );

test("an allowance is granted, shown, pays fees until it is used up, and is gone", async () => {
  const allowance = { spend_limit: coins(2n * FEE) };
  const grant = await client.tx.feegrant.grantAllowance(
    { granter: granter.address, grantee: grantee.address, allowance }, FAST);
  succeeded(grant);
  assert.equal(grant.gasWanted, 25_000);

  const shown = { granter: granter.address, grantee: grantee.address,
    allowance: { "@type": BASIC, spend_limit: coins(2n * FEE), expiration: null } };
  const path = "/cosmos/feegrant/v1beta1";
  assert.deepEqual(await network.get(`${path}/allowance/${granter.address}/${grantee.address}`), { allowance: shown });
  const page = { next_key: null, total: "1" };
  assert.deepEqual(await network.get(`${path}/allowances/${grantee.address}`), { allowances: [shown], pagination: page });
  assert.deepEqual(await network.get(`${path}/issued/${granter.address}`), { allowances: [shown], pagination: page });
  const asked = await client.query.feegrant.allowance({ granter: granter.address, grantee: grantee.address });
  assert.deepEqual(asked.allowance, shown);

  const before = { granter: await balance(network, granter.address), grantee: await balance(network, grantee.address) };
  const first = await sent();
  succeeded(first);
  const { tx_response } = await network.get(`/cosmos/tx/v1beta1/txs/${first.transactionHash}`);
  const kinds = tx_response.events.map(({ type }) => type);
  assert.deepEqual(kinds.slice(0, 3), ["use_feegrant", "update_feegrant", "coin_spent"]);
  const payer = tx_response.events.flatMap(({ attributes }) => attributes).find(({ key }) => key === "fee_payer");
  assert.equal(payer.value, granter.address);
  assert.equal(await balance(network, granter.address), before.granter - FEE);
  assert.equal(await balance(network, grantee.address), before.grantee - 1n);

  const second = await sent();
  succeeded(second);
  const { tx_response: last } = await network.get(`/cosmos/tx/v1beta1/txs/${second.transactionHash}`);
  assert.deepEqual(last.events.slice(0, 2).map(({ type }) => type), ["revoke_feegrant", "use_feegrant"]);
  await assert.rejects(network.get(`${path}/allowance/${granter.address}/${grantee.address}`), { status: 404 });
});

test("a fee that the allowance does not cover is refused with code and text", async () => {
  await assert.rejects(sent(), (error) => {
    assert.match(String(error.message ?? error), /fee-grant not found: not found/);
    return true;
  });
  succeeded(await client.tx.feegrant.grantAllowance(
    { granter: granter.address, grantee: grantee.address, allowance: { spend_limit: coins(FEE - 1n) } }, FAST));
  await assert.rejects(sent(), (error) => {
    assert.match(String(error.message ?? error), /basic allowance: fee limit exceeded/);
    return true;
  });
});

test("a revoked allowance pays nothing; grant and revocation are signed as amino JSON too", async () => {
  const amino = clientOf(network, "a", { amino: true });
  const sides = { granter: granter.address, grantee: grantee.address };
  succeeded(await amino.tx.feegrant.revokeAllowance(sides, FAST));
  succeeded(await amino.tx.feegrant.grantAllowance({ ...sides, allowance: { spend_limit: coins(10n ** 6n) } }, FAST));
  succeeded(await sent());
  const revoked = await amino.tx.feegrant.revokeAllowance(sides, FAST);
  succeeded(revoked);
  await assert.rejects(sent());
  const again = await client.tx.feegrant.revokeAllowance(sides, FAST);
  assert.deepEqual([again.code, again.codespace], [38, "sdk"]);
});

test("an allowance in periods and for some messages says what it does not pay", async () => {
  const period_spend_limit = coins(FEE);
  const inner = { basic: { spend_limit: coins(10n * FEE) }, period: { seconds: "3600", nanos: 0 },
    period_spend_limit, period_can_spend: period_spend_limit };
  const sides = { granter: granter.address, grantee: c.address };
  const other = clientOf(network, "c");
  const allowance = { allowance: inner, allowed_messages: ["/cosmos.bank.v1beta1.MsgSend"] };
  succeeded(await client.tx.feegrant.grantAllowance({ ...sides, allowance }, { ...FAST, gasLimit: 40_000 }));
  succeeded(await sent(other));
  await assert.rejects(sent(other), /period limit: fee limit exceeded/);
  const vote = other.tx.feegrant.revokeAllowance({ granter: c.address, grantee: d.address }, { ...FAST, feeGranter: granter.address });
  await assert.rejects(vote, /message does not exist in allowed messages: message not allowed/);
});

test("CosmJS grants with an end, pays by the granter, and what is over is pruned", async () => {
  const wallet = (mnemonic) => DirectSecp256k1HdWallet.fromMnemonic(mnemonic, {
    prefix: "secret", hdPaths: [stringToPath("m/44'/529'/0'/0/0")] });
  const connect = async (mnemonic) =>
    SigningStargateClient.connectWithSigner(network.rpc, await wallet(mnemonic), { broadcastPollIntervalMs: 50 });
  const [by, to] = await Promise.all([connect(granter.mnemonic), connect(d.mnemonic)]);
  const fee = { amount: coins(5_000), gas: "50000" };
  const grants = (seconds) => {
    const end = { spendLimit: [], expiration: { seconds: BigInt(seconds), nanos: 0 } };
    const allowance = { typeUrl: BASIC, value: BasicAllowance.encode(end).finish() };
    const value = MsgGrantAllowance.fromPartial({ granter: granter.address, grantee: d.address, allowance });
    return by.signAndBroadcast(granter.address, [{ typeUrl: "/cosmos.feegrant.v1beta1.MsgGrantAllowance", value }], fee);
  };
  assertIsDeliverTxSuccess(await grants(2_000_000_000));
  const before = await balance(network, granter.address);
  assertIsDeliverTxSuccess(
    await to.sendTokens(d.address, c.address, coins(1), { ...fee, granter: granter.address }));
  assert.equal(await balance(network, granter.address), before - 5_000n);
  succeeded(await client.tx.feegrant.revokeAllowance({ granter: granter.address, grantee: d.address }, FAST));

  // Once more, for a few seconds: a slow machine may need more than one try.
  await until(async () => (await grants(Math.ceil(Date.now() / 1000) + 5)).code === 0, { ms: 120_000 });
  // A block after its last moment removes it; the network makes one when there is a transaction.
  const path = `/cosmos/feegrant/v1beta1/allowance/${granter.address}/${d.address}`;
  const isGone = async () => {
    succeeded(await sent(receiver, { feeGranter: undefined }));
    return (await network.request(path)).status === 404;
  };
  await until(isGone, { ms: 120_000, every: 1_000, what: "the end of the allowance" });
  by.disconnect();
  to.disconnect();
});
