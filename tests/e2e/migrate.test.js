// Contracts that get other code, their admins, and what the authority allows, by secret.js.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { fromBase64, fromUtf8, toBase64, toUtf8 } from "secretjs";
import { MsgMigrateContractResponse } from "secretjs/dist/protobuf/secret/compute/v1beta1/msg.js";
import { MsgSetContractGovernance } from "secretjs/dist/tx/compute.js";

import { ask, attribute, clientOf, execute, FAST, instantiate, logOf, succeeded, tryExecute, upload } from "./support/client.js";
import { field } from "./support/messages.js";
import { startNetwork } from "./support/network.js";

const GAS = { ...FAST, gasLimit: 250_000 };
const INFO = "/compute/v1beta1/info";

let network;
let a;
let b;
let counterCode;
let probeCode;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  b = clientOf(network, "b");
  counterCode = await upload(a, "counter");
  probeCode = await upload(a, "probe");
});
after(() => network?.stop());

const counter = (client, admin) => instantiate(client, counterCode, { count: 7 }, { admin });
const now = (contract, code) => ({ ...contract, code_hash: code.code_hash });

function migrate(client, contract, code, msg) {
  const { code_id, code_hash } = code;
  return client.tx.compute.migrateContract(
    { sender: client.address, contract_address: contract.address, code_id, code_hash, msg },
    GAS,
  );
}

const updateAdmin = (client, contract, new_admin) =>
  client.tx.compute.updateAdmin({ sender: client.address, contract_address: contract.address, new_admin }, GAS);
const clearAdmin = (client, contract) =>
  client.tx.compute.clearAdmin({ sender: client.address, contract_address: contract.address }, GAS);
const lock = (client, contract) =>
  client.tx.broadcast([new MsgSetContractGovernance({ sender: client.address, contract_address: contract.address })], GAS);
const info = async (contract) => (await network.get(`${INFO}/${contract.address}`)).contract_info;

/** Allows a migration and an admin. */
function allow(client, contract, codeId, newAdmin) {
  const { address } = contract;
  const code = Buffer.concat([field(1, address), Buffer.from([2 << 3, Number(codeId)])]);
  const admin = Buffer.concat([field(1, address), field(2, newAdmin)]);
  const fields = [field(1, client.address), field(2, "a title"), field(4, code), field(5, admin)];
  const message = {
    toProto: async () => ({
      type_url: "/secret.compute.v1beta1.MsgContractGovernanceProposal",
      value: {},
      encode: () => Buffer.concat(fields),
    }),
    toAmino: async () => ({
      type: "wasm/MsgContractGovernanceProposal",
      value: {
        authority: client.address,
        title: "a title",
        contracts: [{ address, new_code_id: String(codeId) }],
        admin_updates: [{ address, new_admin: newAdmin }],
      },
    }),
  };
  return client.tx.broadcast([message], GAS);
}

const failed = (tx, codespace, code, text) => {
  const log = logOf(tx).replace("failed to execute message; message index: 0: ", "");
  assert.deepEqual([tx.codespace, tx.code, log], [codespace, code, text]);
};

test("an admin migrates a contract: secret.js reads log, data and history, and the state is still there", async () => {
  const contract = await counter(a, a.address);
  await execute(b, contract, { increment: {} });
  const tx = await migrate(a, contract, probeCode, { note: "moved in" });
  succeeded(tx);
  assert.equal(attribute(tx, "migrate", "code_id"), probeCode.code_id);
  assert.equal(attribute(tx, "migrate", "contract_address"), contract.address);
  assert.equal(attribute(tx, "wasm", "migrated"), "moved in");
  assert.equal(fromUtf8(MsgMigrateContractResponse.decode(tx.data[0]).data), "moved in");
  assert.deepEqual(tx.tx.body.messages[0].msg, { note: "moved in" });

  const after = now(contract, probeCode);
  assert.deepEqual(await ask(b, after, { read: { key: "migrated" } }), { value: "moved in" });
  // The counter's own key: its length, then its name.
  const { value } = await ask(b, after, { read: { key: "\0\0\0\u0007counter" } });
  assert.equal(JSON.parse(value).count, 8);
  const old = await tryExecute(b, contract, { increment: {} });
  failed(old, "compute", 3, "Execution error: Enclave: failed to validate transaction: execute contract failed");

  const { entries } = await a.query.compute.contractHistory({ contract_address: contract.address });
  assert.deepEqual(
    entries.map(({ operation, code_id }) => [operation, String(code_id)]),
    [
      ["CONTRACT_CODE_HISTORY_OPERATION_TYPE_INIT", counterCode.code_id],
      ["CONTRACT_CODE_HISTORY_OPERATION_TYPE_MIGRATE", probeCode.code_id],
    ],
  );
  assert.ok(!JSON.stringify((await network.get(`/compute/v1beta1/contract_history/${contract.address}`))).includes("moved in"));
  assert.equal((await info(contract)).code_id, probeCode.code_id);
  const { code_hash } = await a.query.compute.codeHashByContractAddress({ contract_address: contract.address });
  assert.equal(code_hash, probeCode.code_hash);
  const { contract_infos } = await network.get(`/compute/v1beta1/contracts/${probeCode.code_id}`);
  assert.ok(contract_infos.some(({ contract_address }) => contract_address === contract.address));
});

test("a new code that fails leaves the old one, and its error is read by the sender alone", async () => {
  const contract = await counter(a, a.address);
  const tx = await migrate(a, contract, probeCode, { note: "written first", fail: "no vacancy" });
  failed(tx, "compute", 5, "Generic error: no vacancy: migrate contract failed");
  const { tx_response: raw } = await network.get(`/cosmos/tx/v1beta1/txs/${tx.transactionHash}`);
  assert.match(raw.raw_log, /; message index: 0: encrypted: [A-Za-z0-9+/=]+: migrate contract failed$/);
  assert.deepEqual(await ask(a, contract, { get_count: {} }), { count: 7 });
  const { entries } = await a.query.compute.contractHistory({ contract_address: contract.address });
  assert.equal(entries.length, 1);
  assert.equal((await info(contract)).code_id, counterCode.code_id);
});

test("who is not the admin, a contract without one, and a code without migrate are refused", async () => {
  const contract = await counter(a, a.address);
  failed(await migrate(b, contract, probeCode, { note: "" }), "compute", 5, "requires migrate from admin: migrate contract failed");
  const without = await counter(a, undefined);
  assert.equal((await info(without)).admin, "");
  failed(await migrate(a, without, probeCode, { note: "" }), "compute", 5, "contract is not upgradable: migrate contract failed");
  failed(
    await migrate(a, contract, counterCode, {}), "compute", 5,
    "Execution error: Enclave: calling a function in the contract failed for an unexpected reason: migrate contract failed",
  );
  failed(
    await migrate(a, contract, { ...probeCode, code_hash: counterCode.code_hash }, { note: "" }), "compute", 5,
    "Execution error: Enclave: failed to validate transaction: migrate contract failed",
  );
  failed(
    await migrate(a, contract, { ...probeCode, code_id: "77" }, { note: "" }), "sdk", 18,
    "unknown code: failed to get code info for code id 77: invalid request",
  );
});

test("an admin hands over, and clears, with both kinds of signatures", async () => {
  for (const amino of [false, true]) {
    const [first, second] = [clientOf(network, "a", { amino }), clientOf(network, "b", { amino })];
    const contract = await counter(first, first.address);
    assert.equal((await info(contract)).admin, first.address);
    const tx = await updateAdmin(first, contract, second.address);
    succeeded(tx);
    assert.equal(attribute(tx, "update_contract_admin", "new_admin_address"), second.address);
    assert.equal(attribute(tx, "update_contract_admin", "contract_address"), contract.address);
    assert.equal((await info(contract)).admin, second.address);
    failed(await clearAdmin(first, contract), "sdk", 4, "caller is not the admin: unauthorized");
    succeeded(await migrate(second, contract, probeCode, { note: "by the new admin" }));
    succeeded(await clearAdmin(second, contract));
    assert.equal((await info(contract)).admin, "");
    failed(
      await migrate(second, contract, probeCode, { note: "" }), "compute", 5,
      "contract is not upgradable: migrate contract failed",
    );
  }
  const contract = await counter(a, a.address);
  await assert.rejects(updateAdmin(a, contract, a.address), /new admin is the same as the old/);
});

test("a locked contract needs the authority for each migration and each admin", async () => {
  for (const amino of [false, true]) {
    const [authority, admin] = [clientOf(network, "a", { amino }), clientOf(network, "b", { amino })];
    const contract = await counter(admin, admin.address);
    succeeded(await lock(admin, contract));
    assert.equal((await info(contract)).require_governance, true);
    failed(
      await migrate(admin, contract, probeCode, { note: "" }), "compute", 5,
      "requires governance approval for migration: migrate contract failed",
    );
    failed(
      await updateAdmin(admin, contract, authority.address), "sdk", 4,
      "requires governance approval for admin change: unauthorized",
    );
    const self = await allow(admin, contract, probeCode.code_id, admin.address);
    assert.deepEqual([self.codespace, self.code], ["gov", 13]);
    assert.match(self.rawLog, /invalid authority; expected secret1\w+, got secret1\w+: expected gov account as only signer for proposal message$/);
    succeeded(await allow(authority, contract, probeCode.code_id, authority.address));
    assert.deepEqual(
      await network.get(`/compute/v1beta1/authorized_migration/${contract.address}`),
      { new_code_id: probeCode.code_id },
    );
    assert.deepEqual(
      await network.get(`/compute/v1beta1/authorized_admin_update/${contract.address}`),
      { new_admin: authority.address },
    );
    succeeded(await migrate(admin, contract, probeCode, { note: "allowed" }));
    assert.deepEqual(await network.get(`/compute/v1beta1/authorized_migration/${contract.address}`), { new_code_id: "0" });
    succeeded(await updateAdmin(admin, contract, authority.address));
    assert.equal((await info(contract)).admin, authority.address);
  }
});

test("a contract is the admin of another", async () => {
  const owner = await instantiate(a, probeCode, {});
  const contract = await counter(a, owner.address);
  const callee = { address: contract.address, code_hash: probeCode.code_hash };
  const json = (value) => toBase64(toUtf8(JSON.stringify(value)));
  const message = (msg) => ({ migrate: { callee, code_id: Number(probeCode.code_id), msg: json(msg) } });
  const refused = await tryExecute(b, owner, message({ note: "written first", fail: "not today" }));
  failed(refused, "compute", 5, "dispatch: submessages: Generic error: not today: migrate contract failed");
  const tx = await execute(b, owner, message({ note: "by a contract" }));
  assert.equal(attribute(tx, "migrate", "code_id"), probeCode.code_id);
  assert.deepEqual(await ask(b, callee, { read: { key: "migrated" } }), { value: "by a contract" });
  // Whoever sent the transaction reads what the contract said to the other.
  const { entries } = await network.get(`/compute/v1beta1/contract_history/${contract.address}`);
  assert.ok(fromBase64(entries[1].msg).length > 64);

  const handed = await execute(b, owner, { set_admin: { contract: contract.address, admin: a.address } });
  assert.equal(attribute(handed, "update_contract_admin", "new_admin_address"), a.address);
  const late = await tryExecute(b, owner, { set_admin: { contract: contract.address } });
  failed(late, "sdk", 4, "dispatch: submessages: caller is not the admin: unauthorized");
});
