// Registration of nodes and validators, as clients see and reach them: REST, direct and Amino signatures, texts of the protocol.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACCOUNTS } from "./support/accounts.js";
import { clientOf, FAST, succeeded } from "./support/client.js";
import { field, message, policy, said } from "./support/messages.js";
import { startNetwork } from "./support/network.js";

const { a: authority, b } = ACCOUNTS;
const REGISTRATION = "/strongroom/registration/v1";
const POA = "/strongroom/poa/v1";
const NOBODY = "00".repeat(20);

let network;
before(async () => {
  network = await startNetwork();
});
after(() => network?.stop());

test("a local network has one registered node, one validator, an authority and a policy", async () => {
  const { nodes, pagination } = await network.get(`${REGISTRATION}/nodes`);
  assert.deepEqual(pagination, { next_key: null, total: "1" });
  const [node] = nodes;
  assert.equal(node.state, "NODE_STATE_REGISTERED");
  assert.match(node.node_id, /^[0-9a-f]{40}$/);
  assert.deepEqual(await network.get(`${REGISTRATION}/nodes/${node.node_id}`), { node });
  await assert.rejects(network.get(`${REGISTRATION}/nodes/${NOBODY}`), { status: 404 });
  await assert.rejects(network.get(`${REGISTRATION}/shares/${node.node_id}`), { status: 404 });

  assert.deepEqual(await network.get(`${POA}/authority`), { authority: authority.address });
  const { validators } = await network.get(`${POA}/validators`);
  assert.equal(validators.length, 1);
  assert.equal(validators[0].node_id, node.node_id);
  assert.equal(validators[0].consensus_key, node.consensus_key);
  assert.deepEqual(await network.get(`${POA}/validators/${node.node_id}`), { validator: validators[0] });

  const { policy } = await network.get(`${REGISTRATION}/policy`);
  assert.equal(JSON.parse(policy).security, "insecure");
  assert.deepEqual((await network.get(`${REGISTRATION}/collateral`)).collaterals, []);
});

test("the authority changes the policy, with both kinds of signatures; nobody else does", async () => {
  for (const [amino, seconds] of [[false, 1_000], [true, 2_000]]) {
    const client = clientOf(network, "a", { amino });
    const json = JSON.stringify({ security: "insecure", validity_seconds_max: seconds });
    const result = await said(client, policy(authority.address, json));
    succeeded(result);
    const event = result.jsonLog?.[0]?.events.find(({ type }) => type === "update_policy");
    assert.ok(event, result.rawLog);
    const { policy: shown } = await network.get(`${REGISTRATION}/policy`);
    assert.equal(JSON.parse(shown).validity_seconds_max, seconds);
  }
  const other = await said(clientOf(network, "b"), policy(b.address, JSON.stringify({ security: "insecure" })));
  assert.equal(other.code, 4);
  assert.match(other.rawLog, /invalid authority; expected secret1.*: unauthorized$/);
  const attested = await said(clientOf(network, "a"), policy(authority.address, JSON.stringify({ security: "attested" })));
  assert.equal(attested.code, 108);
});

test("power for a node that is not registered, and collateral that nobody signed, are refused with code and text", async () => {
  const client = clientOf(network, "a");
  const power = message(
    "poa.v1.MsgSetValidator",
    [field(1, authority.address), field(2, NOBODY), Buffer.from([3 << 3, 5])],
    { authority: authority.address, node_id: NOBODY, power: "5" });
  const unregistered = await said(client, power);
  assert.equal(unregistered.code, 2);
  assert.match(unregistered.rawLog, /0{40}: the node is not registered$/);
  const collateral = message(
    "registration.v1.MsgSubmitCollateral",
    [field(1, authority.address), field(2, "\0\0\0\0\0")],
    { submitter: authority.address, collateral: Buffer.from("\0\0\0\0\0").toString("base64") });
  const refused = await said(client, collateral);
  assert.equal(refused.code, 107);
  assert.match(refused.rawLog, /: collateral refused$/);
});

test("a certificate of the protocol is refused with its texts, and its encrypted seed is not there", async () => {
  const client = clientOf(network, "b");
  const certificate = (bytes) => ({ sender: client.address, certificate: Uint8Array.from(bytes) });
  const quote = [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7];
  const refused = await client.tx.registration.register(certificate(quote), FAST);
  assert.equal(refused.code, 2);
  assert.match(refused.rawLog, /: Failed to authenticate node$/);
  await assert.rejects(client.tx.registration.register(certificate([0, 0, 0]), FAST), (error) => {
    assert.match(String(error.message ?? error), /Certificate validation failed: Combined hdr too small/);
    return true;
  });
  await assert.rejects(network.get(`/registration/v1beta1/encrypted-seed/${"00".repeat(32)}`), { status: 500 });
});
