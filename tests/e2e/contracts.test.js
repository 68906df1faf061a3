import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Ed25519, Secp256k1, Secp256k1Signature, sha256 } from "@cosmjs/crypto";
import {
  EncryptionUtilsImpl, fromUtf8, MsgExecuteContract, MsgInstantiateContractResponse, toBase64, toUtf8,
} from "secretjs";

import {
  account, ask, attribute, balance, clientOf, dataBytes, dataText, deploy, execute, instantiate, logOf, tryExecute, upload,
} from "./support/client.js";
import { startNetwork } from "./support/network.js";

let network;
let a;
let b;
let counterCode;
let counter;
let probeCode;
let probe;
let otherProbe;
const json = (value) => toBase64(toUtf8(JSON.stringify(value)));
const callee = (contract) => ({ address: contract.address, code_hash: contract.code_hash });

before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  b = clientOf(network, "b");
  counterCode = await upload(a, "counter");
  counter = await instantiate(a, counterCode, { count: 7 });
  probeCode = await upload(a, "probe");
  probe = await instantiate(a, probeCode, {});
  otherProbe = await instantiate(a, probeCode, {});
});
after(() => network?.stop());

test("a counter counts", async () => {
  assert.deepEqual(await ask(a, counter, { get_count: {} }), { count: 7 });
  const tx = await execute(b, counter, { increment: {} });
  assert.equal(attribute(tx, "wasm", "count"), "8");
  assert.deepEqual(await ask(b, counter, { get_count: {} }), { count: 8 });
});

test("a client that has seen its transaction sees its state", async () => {
  for (let round = 0; round < 5; round += 1) {
    const { count } = await ask(a, counter, { get_count: {} });
    await execute(a, counter, { increment: {} });
    assert.deepEqual(await ask(a, counter, { get_count: {} }), { count: count + 1 });
  }
});

test("two counters of one code do not share state", async () => {
  const second = await instantiate(a, counterCode, { count: 100 });
  const { count } = await ask(a, counter, { get_count: {} });
  await execute(a, second, { increment: {} });
  assert.deepEqual(await ask(a, second, { get_count: {} }), { count: 101 });
  assert.deepEqual(await ask(a, counter, { get_count: {} }), { count });
});

test("the code hash is found by the client when it is not given", async () => {
  const contract_address = counter.address;
  const answer = await a.query.compute.queryContract({ contract_address, query: { get_count: {} } });
  assert.equal(typeof answer.count, "number");
});

test("several messages in one transaction see each other's effect, and each log has its message's index", async () => {
  const { count } = await ask(a, counter, { get_count: {} });
  const message = () =>
    new MsgExecuteContract({
      sender: a.address, contract_address: counter.address, code_hash: counter.code_hash, msg: { increment: {} },
    });
  const tx = await a.tx.broadcast([message(), message(), message()], {
    gasLimit: 500_000, broadcastCheckIntervalMs: 40,
  });
  assert.equal(tx.code, 0, tx.rawLog);
  const counts = tx.arrayLog.filter((entry) => entry.key === "count").map(({ msg, value }) => [msg, value]);
  assert.deepEqual(counts, [[0, `${count + 1}`], [1, `${count + 2}`], [2, `${count + 3}`]]);
});

test("a failing message undoes the whole transaction but the fee and the sequence", async () => {
  const { count } = await ask(a, counter, { get_count: {} });
  const before = { ...(await account(network, b.address)), uscrt: await balance(network, b.address) };
  const message = (msg) =>
    new MsgExecuteContract({
      sender: b.address, contract_address: counter.address, code_hash: counter.code_hash, msg,
    });
  const tx = await b.tx.broadcast([message({ increment: {} }), message({ reset: { count: 0 } })], {
    gasLimit: 400_000, broadcastCheckIntervalMs: 40,
  });
  assert.equal(tx.code, 3);
  assert.equal(tx.codespace, "compute");
  assert.equal(
    logOf(tx),
    "failed to execute message; message index: 1: Generic error: only the owner may reset the counter: execute contract failed",
  );
  assert.deepEqual(await ask(a, counter, { get_count: {} }), { count });
  assert.equal((await account(network, b.address)).sequence, before.sequence + 1n);
  assert.equal(await balance(network, b.address), before.uscrt - 40_000n);
});

test("instantiation answers the address, and logs what the contract logged", async () => {
  const tx = await a.tx.compute.instantiateContract(
    { sender: a.address, ...probeCode, label: "answers the address", init_msg: {} },
    { gasLimit: 250_000, broadcastCheckIntervalMs: 40 },
  );
  assert.equal(tx.code, 0, tx.rawLog);
  const { address } = MsgInstantiateContractResponse.decode(tx.data[0]);
  assert.equal(address, attribute(tx, "message", "contract_address"));
  assert.equal(attribute(tx, "wasm", "probe"), "ready");
  assert.equal(attribute(tx, "wasm", "contract_address"), address);
  assert.equal(attribute(tx, "instantiate", "code_id"), probeCode.code_id);
  const { contract_info } = await a.query.compute.contractInfo({ contract_address: address });
  assert.equal(contract_info.label, "answers the address");
  assert.equal(contract_info.creator, a.address);
});

test("attributes are encrypted for the sender unless the contract marks them plaintext", async () => {
  const tx = await execute(a, probe, {
    emit: {
      attributes: [
        { key: "shut", value: "only for a", plaintext: false },
        { key: "open", value: "for everybody", plaintext: true },
      ],
    },
  });
  assert.equal(attribute(tx, "wasm", "shut"), "only for a");
  assert.equal(attribute(tx, "wasm", "open"), "for everybody");

  // secret.js writes what it decrypted into its own copy: the chain is asked again.
  const { tx_response: raw } = await network.get(`/cosmos/tx/v1beta1/txs/${tx.transactionHash}`);
  const wasm = raw.events.filter((event) => event.type === "wasm");
  assert.equal(wasm.length, 1);
  const [address, shut, open, index] = wasm[0].attributes;
  assert.deepEqual([address.key, address.value], ["contract_address", probe.address]);
  assert.match(shut.key, /^[A-Za-z0-9+/]+=*$/);
  assert.notEqual(shut.key, "shut");
  assert.ok(!JSON.stringify(raw).includes("only for a"));
  assert.deepEqual([open.key, open.value], ["open", "for everybody"]);
  assert.deepEqual([index.key, index.value], ["msg_index", "0"]);
  assert.ok(raw.events.every((event) => event.attributes.every((attribute) => attribute.index === true)));
});

test("plaintext attributes are found by a search", async () => {
  const value = `marker ${process.pid}`;
  const attributes = [{ key: "searched", value, plaintext: true }];
  const tx = await execute(a, probe, { emit: { attributes } });
  const found = await a.query.txsQuery(`wasm.searched='${value}'`);
  assert.deepEqual(found.map((f) => f.transactionHash), [tx.transactionHash]);
});

test("the events of a call come in the order of the reference", async () => {
  const tx = await execute(a, probe, { nothing: {} }, { sent_funds: [{ denom: "uscrt", amount: "5" }] });
  const types = tx.events.map((event) => event.type);
  assert.deepEqual(types, [
    "coin_spent", "coin_received", "transfer", "message", "tx", "tx", "tx",
    "message", "message", "coin_spent", "coin_received", "transfer", "message", "execute", "wasm",
  ]);
  const keys = tx.events[7].attributes.map(({ key, value }) => [key, value]);
  assert.deepEqual(keys, [
    ["action", "/secret.compute.v1beta1.MsgExecuteContract"], ["sender", a.address], ["msg_index", "0"],
  ]);
  const handler = tx.events[8].attributes.map(({ key, value }) => [key, value]);
  assert.deepEqual(handler, [
    ["module", "compute"], ["sender", a.address], ["contract_address", probe.address], ["msg_index", "0"],
  ]);
  const wasm = tx.events[14].attributes.map(({ key, value }) => [key, value]);
  assert.deepEqual(wasm, [["contract_address", probe.address], ["msg_index", "0"]]);
});

test("an event of the contract's own gets the prefix and its address first", async () => {
  const tx = await execute(a, probe, {
    emit_event: { name: "ping", attributes: [{ key: "who", value: "me", plaintext: true }] },
  });
  const event = tx.events.find(({ type }) => type === "wasm-ping");
  assert.deepEqual(
    event.attributes.map(({ key, value }) => [key, value]),
    [["contract_address", probe.address], ["who", "me"], ["msg_index", "0"]],
  );
});

test("an event with too short a name fails the transaction", async () => {
  const tx = await tryExecute(a, probe, { emit_event: { name: "x", attributes: [] } });
  assert.deepEqual([tx.codespace, tx.code], ["compute", 21]);
  assert.equal(
    tx.rawLog,
    "failed to execute message; message index: 0: Event type too short: 'x': invalid event",
  );
});

test("data comes back as the contract set it, for its sender only", async () => {
  const bytes = new Uint8Array([0, 255, 1, 254, 10]);
  const tx = await execute(a, probe, { set_data: { data: toBase64(bytes) } });
  assert.deepEqual(new Uint8Array(dataBytes(tx)), bytes);
  const seenByB = await b.query.getTx(tx.transactionHash);
  assert.notDeepEqual(new Uint8Array(dataBytes(seenByB)), bytes);
});

test("a contract sees block, caller, coins and transaction as the chain knows them", async () => {
  const tx = await execute(b, probe, { look: {} }, { sent_funds: [{ denom: "uscrt", amount: "3" }] });
  const seen = JSON.parse(dataText(tx));
  assert.equal(seen.height, tx.height);
  assert.equal(seen.chain_id, "secretdev-1");
  assert.equal(seen.address, probe.address);
  assert.equal(seen.code_hash, probe.code_hash);
  assert.equal(seen.sender, b.address);
  assert.deepEqual(seen.funds, [{ denom: "uscrt", amount: "3" }]);
  assert.equal(seen.transaction_index, 0);
  assert.equal(seen.transaction_hash, tx.transactionHash);
  const { block } = await network.get(`/cosmos/base/tendermint/v1beta1/blocks/${tx.height}`);
  const [, seconds, fraction] = block.header.time.match(/^(.*)\.(\d{9})Z$/);
  const nanoseconds = BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction);
  assert.equal(BigInt(seen.time), nanoseconds);
});

test("random bytes differ between blocks and between contracts", async () => {
  const randoms = [];
  for (const contract of [probe, probe, otherProbe]) {
    const { random } = JSON.parse(dataText(await execute(a, contract, { look: {} })));
    assert.equal(Buffer.from(random, "base64").length, 32);
    randoms.push(random);
  }
  assert.equal(new Set(randoms).size, 3);
  const { random, sender, transaction_hash } = await ask(a, probe, { look: {} });
  assert.equal(random, "AA==", "a query gets no random bytes");
  assert.deepEqual([sender, transaction_hash], [null, null]);
});

test("a stored value is read back until it is removed", async () => {
  assert.deepEqual(await ask(a, probe, { read: { key: "k" } }), { value: null });
  await execute(a, probe, { write: { key: "k", value: "v1" } });
  assert.deepEqual(await ask(a, probe, { read: { key: "k" } }), { value: "v1" });
  await execute(b, probe, { write: { key: "k", value: "v2" } });
  assert.deepEqual(await ask(a, probe, { read: { key: "k" } }), { value: "v2" });
  await execute(a, probe, { remove: { key: "k" } });
  assert.deepEqual(await ask(a, probe, { read: { key: "k" } }), { value: null });
});

test("a contract calls another, in the name of its own address", async () => {
  const { count } = await ask(a, counter, { get_count: {} });
  const msg = json({ increment: {} });
  const tx = await execute(a, probe, { call: { callee: callee(counter), msg, funds: [] } });
  assert.deepEqual(await ask(a, counter, { get_count: {} }), { count: count + 1 });
  assert.equal(attribute(tx, "execute", "contract_address"), probe.address);
  const called = tx.arrayLog.filter(({ key }) => key === "contract_address").map(({ value }) => value);
  assert.ok(called.includes(counter.address));
  // Nothing but the outermost message leaves an event of type message.
  const inner = tx.events.slice(7).filter(({ type }) => type === "message");
  assert.equal(inner.length, 2);

  const looked = await execute(a, probe, { call: { callee: callee(otherProbe), msg: json({ look: {} }), funds: [] } });
  assert.equal(dataBytes(looked).length, 0, "the callee's data is not the caller's");
});

test("a call by a contract may take coins along, and the callee sees them", async () => {
  await execute(a, probe, { nothing: {} }, { sent_funds: [{ denom: "uscrt", amount: "40" }] });
  const before = await balance(network, otherProbe.address);
  const funds = [{ denom: "uscrt", amount: "40" }];
  await execute(a, probe, { call: { callee: callee(otherProbe), msg: json({ nothing: {} }), funds } });
  assert.equal((await balance(network, otherProbe.address)) - before, 40n);
});

test("contracts that call themselves reach ten levels and fail at the limit of depth", async () => {
  const tx = await execute(a, probe, { call_self: { levels: 10 } }, { gasLimit: 2_000_000 });
  const levels = tx.arrayLog.filter(({ key }) => key === "level").map(({ value }) => value);
  assert.deepEqual(levels, ["10", "9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]);
  const deep = await tryExecute(a, probe, { call_self: { levels: 150 } }, { gasLimit: 10_000_000 });
  assert.deepEqual([deep.codespace, deep.code], ["compute", 30]);
  assert.match(deep.rawLog, /max call depth exceeded$/);
});

test("a contract asks another, in a query and in a transaction", async () => {
  const expected = await ask(a, counter, { get_count: {} });
  const query = { ask: { callee: callee(counter), msg: json({ get_count: {} }) } };
  assert.deepEqual(await ask(a, probe, query), expected);
  const tx = await execute(a, probe, query);
  assert.deepEqual(JSON.parse(dataText(tx)), expected);
});

test("the error of an asked contract reaches the asking one, and its caller alone", async () => {
  const query = { ask: { callee: callee(otherProbe), msg: json({ fail: { message: "not today" } }) } };
  const answer = await ask(a, probe, query);
  assert.match(String(answer), /the asked contract refused: .*not today/);
});

test("queries nest ten deep, the first of them too, and the next one is told the limit", async () => {
  assert.deepEqual(await ask(a, probe, { ask_self: { levels: 9 } }), { levels: 9 });
  for (const levels of [10, 12]) {
    assert.match(String(await ask(a, probe, { ask_self: { levels } })), /exceeded_recursion_limit/);
  }
});

test("asking a contract that is not there is an error for the asking one", async () => {
  const nowhere = { address: a.address, code_hash: probe.code_hash };
  const answer = await ask(a, probe, { ask: { callee: nowhere, msg: json({ read: { key: "k" } }) } });
  assert.match(String(answer), /not found/);
});

test("a contract knows balances as the bank does, and sends what it has", async () => {
  await execute(a, probe, { nothing: {} }, { sent_funds: [{ denom: "uscrt", amount: "1000" }] });
  const held = await balance(network, probe.address);
  const query = { balance: { address: probe.address, denom: "uscrt" } };
  assert.deepEqual(await ask(a, probe, query), { denom: "uscrt", amount: `${held}` });

  const before = await balance(network, b.address);
  const tx = await execute(a, probe, {
    send: { to_address: b.address, amount: [{ denom: "uscrt", amount: "600" }] },
  });
  assert.equal(await balance(network, b.address), before + 600n);
  assert.equal(await balance(network, probe.address), held - 600n);
  const after = tx.events.slice(tx.events.findIndex(({ type }) => type === "wasm") + 1).map(({ type }) => type);
  assert.deepEqual(after, ["coin_spent", "coin_received", "transfer"]);

  const tooMuch = { denom: "uscrt", amount: `${held}` };
  const failed = await tryExecute(a, probe, { send: { to_address: b.address, amount: [tooMuch] } });
  assert.deepEqual([failed.codespace, failed.code], ["sdk", 5]);
  assert.equal(
    failed.rawLog,
    `failed to execute message; message index: 0: dispatch: submessages: spendable balance ${held - 600n}uscrt is smaller than ${held}uscrt: insufficient funds`,
  );
});

test("coins sent along at instantiation belong to the contract", async () => {
  const contract = await instantiate(a, probeCode, {}, { init_funds: [{ denom: "uscrt", amount: "77" }] });
  assert.equal(await balance(network, contract.address), 77n);
});

test("an answer of no bytes is an empty object for secret.js", async () => {
  assert.deepEqual(await ask(a, probe, { empty: {} }), {});
});

test("the chain checks addresses for contracts", async () => {
  const good = await ask(a, probe, { address: { text: a.address } });
  assert.equal(Buffer.from(good.bytes, "base64").length, 20);
  const bad = await ask(a, probe, { address: { text: a.address.replace(/.$/, "q") } });
  assert.equal(bad.bytes, null);
  assert.ok(bad.error.length > 0);
});

test("the chain's signatures verify outside of it", async () => {
  const message = toUtf8("signed inside");
  const secret = new Uint8Array(32).fill(7);
  const answer = await ask(a, probe, {
    crypto: { message: toBase64(message), private_key: toBase64(secret) },
  });
  assert.equal(answer.secp256k1_valid, true);
  const { pubkey } = await Secp256k1.makeKeypair(secret);
  const signature = Secp256k1Signature.fromFixedLength(Buffer.from(answer.secp256k1, "base64"));
  assert.ok(await Secp256k1.verifySignature(signature, sha256(message), pubkey));
  assert.ok(answer.secp256k1_keys.includes(toBase64(Secp256k1.compressPubkey(pubkey))));
  const pair = await Ed25519.makeKeypair(secret);
  const ed25519 = Buffer.from(answer.ed25519, "base64");
  assert.ok(await Ed25519.verifySignature(ed25519, message, pair.pubkey));
});

test("info, label, history and code hash of a contract are public, its state is not", async () => {
  const contract = await deploy(a, "counter", { count: 1 }, { label: "well labelled", admin: b.address });
  const contract_address = contract.address;
  const { contract_info, contract_address: own } = await a.query.compute.contractInfo({ contract_address });
  assert.equal(own, contract_address);
  const { created, ...info } = contract_info;
  assert.deepEqual(info, {
    code_id: contract_info.code_id, creator: a.address, label: "well labelled", ibc_port_id: "",
    admin: b.address, admin_proof: contract_info.admin_proof, require_governance: false,
  });
  assert.deepEqual(Object.keys(created), ["block_height", "tx_index"]);
  assert.ok(Number(created.block_height) > 0);

  assert.deepEqual(await a.query.compute.labelByAddress({ contract_address }), { label: "well labelled" });
  assert.deepEqual(await a.query.compute.addressByLabel({ label: "well labelled" }), { contract_address });
  const { code_hash } = await a.query.compute.codeHashByContractAddress({ contract_address });
  assert.equal(code_hash, contract.code_hash);

  const { contract_infos } = await a.query.compute.contractsByCodeId({ code_id: contract_info.code_id });
  assert.deepEqual(contract_infos.map((c) => c.contract_address), [contract_address]);
  assert.equal(contract_infos[0].contract_info.created, null);

  const { entries } = await a.query.compute.contractHistory({ contract_address });
  assert.equal(entries.length, 1);
  assert.equal(entries[0].operation, "CONTRACT_CODE_HISTORY_OPERATION_TYPE_INIT");
  assert.equal(entries[0].code_id, contract_info.code_id);
  assert.ok(entries[0].msg.includes(`{"count":1}`), "its creator can read the first message");
  const forB = await b.query.compute.contractHistory({ contract_address });
  assert.ok(!forB.entries[0].msg.includes("count"), "nobody else can");
});

test("a contract without admin shows an empty one", async () => {
  const { contract_info } = await a.query.compute.contractInfo({ contract_address: counter.address });
  assert.deepEqual([contract_info.admin, contract_info.admin_proof], ["", null]);
});

test("a label can be taken only once", async () => {
  const params = { sender: a.address, ...counterCode, label: "only one", init_msg: { count: 1 } };
  const options = { gasLimit: 250_000, broadcastCheckIntervalMs: 40 };
  assert.equal((await a.tx.compute.instantiateContract(params, options)).code, 0);
  const again = await a.tx.compute.instantiateContract(params, options);
  assert.deepEqual([again.codespace, again.code], ["compute", 6]);
  assert.equal(
    again.rawLog,
    "failed to execute message; message index: 0: only one: contract account already exists",
  );
});

test("a contract query for an old height is refused, a public one is answered", async () => {
  const height = (await network.height()) - 1;
  const headers = { "x-cosmos-block-height": String(height) };
  const { encrypted, path } = await encryptedQuery({ get_count: {} });
  assert.ok(encrypted.length > 64);
  const refused = await network.request(path, { headers });
  assert.deepEqual([refused.status, refused.body.code], [400, 9]);
  const answered = await network.request(`/compute/v1beta1/info/${counter.address}`, { headers });
  assert.equal(answered.status, 200);
});

async function encryptedQuery(query) {
  const encrypted = await new EncryptionUtilsImpl(network.rest).encrypt(counter.code_hash, query);
  const path = `/compute/v1beta1/query/${counter.address}?query=${encodeURIComponent(toBase64(encrypted))}`;
  return { encrypted, path };
}

test("the answer to a query is ciphertext on the wire", async () => {
  const { path } = await encryptedQuery({ get_count: {} });
  const { data } = await network.get(path);
  assert.ok(!fromUtf8(Buffer.from(data, "base64"), true).includes("count"));
});
