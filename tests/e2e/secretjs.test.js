// secret.js in breadth: every query and every message that it offers of a module of ours. A method that the table below leaves out fails the test,
// so what a later version adds is looked at.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { MsgPruneAllowances, MsgSend, MsgSetContractGovernance, Wallet } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { ask, clientOf, contractCode, deploy, FAST, succeeded, UPLOAD_GAS } from "./support/client.js";
import { CHAIN_ID, startNetwork } from "./support/network.js";

const coins = (amount) => [{ denom: "uscrt", amount: String(amount) }];

let network;
let a;
let b;
let counter;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  b = clientOf(network, "b");
  counter = await deploy(a, "counter", { count: 3 }, { label: "of all queries", admin: a.address });
  succeeded(await a.tx.feegrant.grantAllowance({ granter: a.address, grantee: b.address, allowance: { spend_limit: coins(5) } }, FAST));
});
after(() => network?.stop());

/** What each query is asked, and what it must answer. */
const queries = () => {
  const contract_address = counter.address;
  const { address } = a;
  const bytes = (answer) => Buffer.from(answer.address_bytes, "base64");
  const page = { pagination: { limit: "2", count_total: true } };
  return {
    auth: {
      accounts: [page, ({ accounts }) => assert.equal(accounts.length, 2)],
      account: [{ address }, ({ account }) => assert.equal(account.address, address)],
      accountInfo: [{ address }, ({ info }) => assert.equal(info.address, address)],
      accountAddressByID: [{ id: "1" }, ({ account_address }) => assert.equal(account_address, address)],
      params: [{}, ({ params }) => assert.equal(params.max_memo_characters, "256")],
      moduleAccounts: [{}, ({ accounts }) => assert.ok(accounts.some(({ name }) => name === "fee_collector"))],
      moduleAccountByName: [{ name: "fee_collector" }, ({ account }) => assert.equal(account.name, "fee_collector")],
      bech32Prefix: [{}, ({ bech32_prefix }) => assert.equal(bech32_prefix, "secret")],
      addressStringToBytes: [{ address_string: address }, (answer) => assert.equal(bytes(answer).length, 20)],
      addressBytesToString: [
        { address_bytes: Buffer.alloc(20, 7).toString("base64url") },
        ({ address_string }) => assert.match(address_string, /^secret1/),
      ],
    },
    bank: {
      balance: [{ address, denom: "uscrt" }, ({ balance }) => assert.ok(BigInt(balance.amount) > 0n)],
      allBalances: [{ address }, ({ balances }) => assert.equal(balances.length, 1)],
      spendableBalances: [{ address }, ({ balances }) => assert.equal(balances.length, 1)],
      spendableBalanceByDenom: [{ address, denom: "uscrt" }, ({ balance }) => assert.equal(balance.denom, "uscrt")],
      totalSupply: [{}, ({ supply }) => assert.equal(supply.length, 1)],
      supplyOf: [{ denom: "uscrt" }, ({ amount }) => assert.equal(amount.denom, "uscrt")],
      params: [{}, ({ params }) => assert.equal(params.default_send_enabled, true)],
      denomMetadata: [{ denom: "uscrt" }, ({ metadata }) => assert.equal(metadata.base, "uscrt")],
      denomMetadataByQueryString: [{ denom: "uscrt" }, ({ metadata }) => assert.equal(metadata.display, "scrt")],
      denomsMetadata: [{}, ({ metadatas }) => assert.equal(metadatas.length, 1)],
      denomOwners: [{ denom: "uscrt" }, ({ denom_owners }) => assert.ok(denom_owners.length >= 5)],
      denomOwnersByQuery: [{ denom: "uscrt" }, ({ denom_owners }) => assert.ok(denom_owners.length >= 5)],
      sendEnabled: [{}, ({ send_enabled }) => assert.deepEqual(send_enabled, [])],
    },
    compute: {
      contractInfo: [{ contract_address }, (answer) => assert.equal(answer.contract_info.label, "of all queries")],
      contractsByCodeId: [{ code_id: "1" }, ({ contract_infos }) => assert.equal(contract_infos[0].contract_address, contract_address)],
      code: [{ code_id: "1" }, ({ code_info }) => assert.equal(code_info.code_hash, counter.code_hash)],
      codes: [{}, ({ code_infos }) => assert.equal(code_infos.length, 1)],
      codeHashByContractAddress: [{ contract_address }, ({ code_hash }) => assert.equal(code_hash, counter.code_hash)],
      codeHashByCodeId: [{ code_id: "1" }, ({ code_hash }) => assert.equal(code_hash, counter.code_hash)],
      labelByAddress: [{ contract_address }, ({ label }) => assert.equal(label, "of all queries")],
      addressByLabel: [{ label: "of all queries" }, (answer) => assert.equal(answer.contract_address, contract_address)],
      queryContract: [{ contract_address, code_hash: counter.code_hash, query: { get_count: {} } }, (answer) => assert.deepEqual(answer, { count: 3 })],
      contractHistory: [{ contract_address }, ({ entries }) => assert.equal(entries[0].msg, '{"count":3}')],
    },
    consensus: { params: [{}, ({ params }) => assert.ok(Number(params.block.max_gas) > 0)] },
    feegrant: {
      allowance: [{ granter: address, grantee: b.address }, ({ allowance }) => assert.equal(allowance.grantee, b.address)],
      allowances: [{ grantee: b.address }, ({ allowances }) => assert.equal(allowances.length, 1)],
      allowancesByGranter: [{ granter: address }, ({ allowances }) => assert.equal(allowances.length, 1)],
    },
    registration: {
      txKey: [{}, ({ key }) => assert.equal(Buffer.from(key, "base64").length, 32)],
      registrationKey: [{}, ({ key }) => assert.ok(JSON.parse(Buffer.from(key, "base64").toString()).io_exch_key)],
      // No node of another kind gets a seed here: refused with the protocol's words.
      encryptedSeed: [{ pub_key: "00".repeat(32) }, null, /codespace register code 8: invalid: public key/],
    },
    tendermint: {
      aBCIQuery: [{ path: "/cosmos.bank.v1beta1.Query/Params" }, ({ code, value }) => assert.deepEqual([code, value], [0, "CgIQAQ=="])],
      getNodeInfo: [{}, ({ default_node_info }) => assert.equal(default_node_info.network, CHAIN_ID)],
      getSyncing: [{}, ({ syncing }) => assert.equal(syncing, false)],
      getLatestBlock: [{}, ({ block }) => assert.ok(Number(block.header.height) > 1)],
      getBlockByHeight: [{ height: "1" }, ({ block }) => assert.equal(block.header.height, "1")],
      getLatestValidatorSet: [{}, ({ validators }) => assert.equal(validators.length, 1)],
      getValidatorSetByHeight: [{ height: "1" }, ({ validators }) => assert.equal(validators.length, 1)],
    },
    node: {
      config: [{}, ({ minimum_gas_price }) => assert.match(minimum_gas_price, /uscrt$/)],
      status: [{}, ({ height }) => assert.ok(Number(height) > 1)],
    },
  };
};

test("every query of secret.js that we have a module for is answered", async (t) => {
  for (const [name, table] of Object.entries(queries())) {
    const querier = a.query[name];
    const offered = Object.getOwnPropertyNames(Object.getPrototypeOf(querier)).filter((method) => method !== "constructor");
    assert.deepEqual(Object.keys(table).sort(), offered.sort(), name);
    for (const [method, [request, check, refused]] of Object.entries(table)) {
      await t.test(`${name}.${method}`, async () => {
        const answer = querier[method](request);
        if (refused) await assert.rejects(answer, ({ message }) => refused.test(message));
        else check(await answer);
      });
    }
  }
});

test("every message of secret.js that we have a module for is executed, or refused by name", async (t) => {
  const sender = a.address;
  const dead = new Wallet();
  const code = { code_id: "1", code_hash: counter.code_hash };
  const contract_address = counter.address;
  const made = (tx) => tx.arrayLog.find(({ key }) => key === "contract_address").value;
  const messages = {
    bank: {
      send: () => a.tx.bank.send({ from_address: sender, to_address: b.address, amount: coins(1) }, FAST),
      multiSend: () => a.tx.bank.multiSend({ inputs: [{ address: sender, coins: coins(2) }], outputs: [{ address: b.address, coins: coins(2) }] }, FAST),
      setSendEnabled: [() => a.tx.bank.setSendEnabled({ authority: sender, send_enabled: [], use_default_for: [] }, FAST), /no message handler found for \*types\.MsgSetSendEnabled/],
    },
    compute: {
      storeCode: () => a.tx.compute.storeCode({ sender, wasm_byte_code: contractCode("probe"), source: "", builder: "" }, { ...FAST, gasLimit: UPLOAD_GAS }),
      instantiateContract: () => a.tx.compute.instantiateContract({ sender, ...code, label: "another", init_msg: { count: 1 } }, { ...FAST, gasLimit: 200_000 }),
      executeContract: () => a.tx.compute.executeContract({ sender, contract_address, code_hash: counter.code_hash, msg: { increment: {} } }, { ...FAST, gasLimit: 200_000 }),
      migrateContract: () => a.tx.compute.migrateContract({ sender, contract_address, code_id: "2", msg: { note: "moved in" } }, { ...FAST, gasLimit: 300_000 }),
      updateAdmin: () => a.tx.compute.updateAdmin({ sender, contract_address, new_admin: b.address }, { ...FAST, gasLimit: 100_000 }),
      clearAdmin: () => b.tx.compute.clearAdmin({ sender: b.address, contract_address }, { ...FAST, gasLimit: 100_000 }),
    },
    feegrant: {
      grantAllowance: () => a.tx.feegrant.grantAllowance({ granter: sender, grantee: dead.address, allowance: { spend_limit: coins(5) } }, FAST),
      revokeAllowance: () => a.tx.feegrant.revokeAllowance({ granter: sender, grantee: b.address }, FAST),
      pruneAllowances: () => a.tx.feegrant.pruneAllowances({ pruner: sender }, FAST),
    },
    registration: {
      register: [() => a.tx.registration.register({ sender, certificate: new Uint8Array(8) }, FAST), /./],
    },
  };
  for (const [name, table] of Object.entries(messages)) {
    assert.deepEqual(Object.keys(table).sort(), Object.keys(a.tx[name]).sort(), name);
    for (const [method, entry] of Object.entries(table)) {
      await t.test(`${name}.${method}`, async () => {
        const [send, refused] = Array.isArray(entry) ? entry : [entry];
        let tx;
        try {
          tx = await send();
        } catch (error) {
          assert.match(error.message, refused ?? /^$/);
          return;
        }
        if (refused) assert.ok(tx.code !== 0 && refused.test(tx.rawLog), tx.rawLog);
        else succeeded(tx);
        if (method === "instantiateContract") assert.match(made(tx), /^secret1/);
      });
    }
  }
});

test("messages that secret.js offers as classes only, simulation, search, and signing apart from sending", async () => {
  const sender = a.address;
  const send = new MsgSend({ from_address: sender, to_address: b.address, amount: coins(1) });
  const estimate = await a.tx.simulate([send]);
  assert.ok(Number(estimate.gas_info.gas_used) > 5_000);
  const both = await a.tx.broadcast([send, new MsgPruneAllowances({ pruner: sender })], FAST);
  succeeded(both);
  const tx_bytes = await a.tx.signTx([send], { gasLimit: 50_000 });
  const signed = await a.tx.broadcastSignedTx(tx_bytes, FAST);
  succeeded(signed);
  assert.equal((await a.query.getTx(signed.transactionHash)).transactionHash, signed.transactionHash);
  const found = await a.query.txsQuery(`tx.height=${both.height}`);
  assert.equal(found[0].transactionHash, both.transactionHash);
  // A contract that is locked is migrated with the authority's word only, from then on.
  const locked = await deploy(a, "counter", { count: 8 }, { admin: sender });
  succeeded(await a.tx.broadcast([new MsgSetContractGovernance({ sender, contract_address: locked.address, require_governance: true })], FAST));
  assert.deepEqual(await ask(a, locked, { get_count: {} }), { count: 8 });
});
