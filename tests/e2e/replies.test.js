// Contracts that are told how their messages ended, by secret.js. The contract is `contracts/everything`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { MsgExecuteContract, toBase64, toUtf8 } from "secretjs";

import { ask, attribute, clientOf, dataText, execute, FAST, instantiate, logOf, tryExecute, upload } from "./support/client.js";
import { startNetwork } from "./support/network.js";

const MORE = { gasLimit: 2_000_000 };
const INDEX = "failed to execute message; message index: 0: ";

let network;
let a;
let code;
let one;
let two;
before(async () => {
  network = await startNetwork();
  a = clientOf(network, "a");
  code = await upload(a, "everything");
  one = await instantiate(a, code, {});
  two = await instantiate(a, code, {});
});
after(() => network?.stop());

const binary = (value) => toBase64(toUtf8(typeof value === "string" ? value : JSON.stringify(value)));
const sub = (id, reply_on, msg, gas_limit = null) => ({ id, msg, gas_limit, reply_on });
const call = ({ address, code_hash }, act, send = []) => ({
  wasm: { execute: { contract_addr: address, code_hash, msg: binary(act), send } },
});
const pay = (to_address, amount) => ({ bank: { send: { to_address, amount: [{ denom: "uscrt", amount }] } } });
const told = async (contract = one) => (await ask(a, contract, { told: {} })).told;
const run = (act) => execute(a, one, { forget: true, ...act }, MORE);
const tryRun = (act) => tryExecute(a, one, { forget: true, ...act }, MORE);

test("each mode is told of what it asked for, in the words of the called contract", async () => {
  for (const [mode, success, failure] of [
    ["always", true, true],
    ["error", false, true],
    ["success", true, false],
    ["never", false, false],
  ]) {
    await run({ messages: [sub(1, mode, call(two, { data: binary("hi") }))] });
    const well = await told();
    assert.equal(well.length, success ? 1 : 0, mode);
    if (success) assert.equal(well[0].result.ok.data, binary("hi"));
    const tx = await tryRun({ messages: [sub(2, mode, call(two, { note: "gone", fail: "not today" }))] });
    if (failure) {
      assert.equal(tx.code, 0);
      assert.deepEqual(await told(), [{ id: 2, result: { error: "Generic error: not today" } }]);
    } else {
      assert.equal(tx.code, 3);
      assert.equal(logOf(tx), `${INDEX}dispatch: submessages: Generic error: not today: execute contract failed`);
    }
    assert.equal(await ask(a, two, { note: {} }), "");
  }
});

test("an error deep inside is decrypted by secret.js, for the message of the transaction that it was", async () => {
  const inner = { messages: [sub(0, "never", call(one, { fail: "deep" }))] };
  const outer = { messages: [sub(0, "never", call(two, inner))] };
  const message = (msg) =>
    new MsgExecuteContract({
      sender: a.address,
      contract_address: one.address,
      code_hash: one.code_hash,
      msg,
      sent_funds: [],
    });
  const tx = await a.tx.broadcast([message({}), message(outer)], { ...FAST, ...MORE });
  assert.deepEqual([tx.codespace, tx.code], ["compute", 3]);
  const text = "failed to execute message; message index: 1: dispatch: submessages: dispatch: submessages: ";
  assert.equal(logOf(tx), `${text}Generic error: deep: execute contract failed`);
});

test("errors of a reply, and of what a reply sends, are decrypted by secret.js", async () => {
  const good = [sub(3, "always", call(two, {}))];
  const fails = await tryRun({ when_told: [{ id: 3, act: { fail: "told" } }], messages: good });
  assert.deepEqual([fails.codespace, fails.code], ["compute", 19]);
  assert.equal(logOf(fails), `${INDEX}dispatch: submessages: Generic error: told: reply to contract failed`);
  const sends = { messages: [sub(0, "never", call(two, { fail: "sent" }))] };
  const sent = await tryRun({ when_told: [{ id: 3, act: sends }], messages: good });
  assert.deepEqual([sent.codespace, sent.code], ["compute", 3]);
  const text = `${INDEX}dispatch: submessages: dispatch: submessages: `;
  assert.equal(logOf(sent), `${text}Generic error: sent: execute contract failed`);
});

test("a panic of a called contract ends the transaction whatever its caller asked for", async () => {
  // A panic of the library is the contract's own error; one without words is not.
  const missing = { ...two, code_hash: "00".repeat(32) };
  const tx = await tryRun({ messages: [sub(1, "always", call(missing, {}))] });
  const redacted =
    "an sdk error occurred while sending a sub-message: the error was redacted (codespace: compute, code: 3). " +
    "For more info use latest localsecret and reproduce the issue";
  assert.deepEqual([tx.codespace, tx.code, logOf(tx)], ["undefined", 1, `${INDEX}dispatch: submessages: ${redacted}`]);
  await run({ messages: [sub(1, "error", call(two, { panic: "oh" }))] });
  const [{ result }] = await told();
  assert.match(result.error, /^the contract panicked: [^]*oh/);
});

test("a failure of the bank is told by its code alone", async () => {
  await run({ messages: [sub(4, "always", pay(a.address, "5")), sub(5, "error", pay("nobody", "5"))] });
  const text = (n) =>
    `the error was redacted (codespace: sdk, code: ${n}). For more info use latest localsecret and reproduce the issue`;
  assert.deepEqual(await told(), [
    { id: 4, result: { error: text(5) } },
    { id: 5, result: { error: text(7) } },
  ]);
});

test("the last reply with data gives the transaction its data, and its attributes are read", async () => {
  const tx = await run({
    when_told: [
      { id: 6, act: { data: binary("six"), says: [["hidden", "words"]] } },
      { id: 7, act: {} },
    ],
    data: binary("own"),
    messages: [sub(6, "success", call(two, { data: binary("two") })), sub(7, "always", call(two, {}))],
  });
  assert.equal(dataText(tx), "six");
  assert.equal(attribute(tx, "wasm", "hidden"), "words");
  assert.equal(attribute(tx, "reply", "contract_address"), one.address);
  const kinds = tx.arrayLog.filter((e) => e.key === "contract_address" && e.type !== "message").map((e) => e.type);
  // secret.js leaves out what it has seen before: the second reply looks like the first.
  assert.deepEqual(kinds.slice(0, 5), ["execute", "wasm", "execute", "wasm", "reply"]);
});

test("a contract that makes a contract finds its address in the events that it is told", async () => {
  const make = {
    wasm: {
      instantiate: {
        admin: null,
        code_id: Number(code.code_id),
        code_hash: code.code_hash,
        msg: binary({ note: "born", data: binary("first words") }),
        send: [],
        label: `child ${process.pid}`,
      },
    },
  };
  await run({ messages: [sub(8, "success", make)] });
  const [{ result }] = await told();
  const made = result.ok.events.find((e) => e.type === "instantiate");
  const address = made.attributes.find((at) => at.key === "contract_address").value;
  assert.equal(result.ok.data, binary("first words"));
  assert.equal(await ask(a, { ...code, address }, { note: {} }), "born");
});

test("a reply may send again, and be told of that", async () => {
  const again = (id) => ({ messages: [sub(id, "always", call(two, { data: binary(`${id}`) }))] });
  await run({
    when_told: [
      { id: 10, act: again(11) },
      { id: 11, act: again(12) },
    ],
    ...again(10),
  });
  assert.deepEqual((await told()).map((t) => [t.id, t.result.ok.data]), [
    [10, binary("10")],
    [11, binary("11")],
    [12, binary("12")],
  ]);
});

test("after finalize_tx nothing is sent", async () => {
  const finalize = sub(0, "never", { finalize_tx: {} });
  const inner = { note: "last", messages: [finalize, sub(0, "never", call(two, { fail: "never sent" }))] };
  await run({ messages: [sub(9, "always", call(two, inner))] });
  assert.equal((await told()).length, 1);
  const tx = await tryRun({ messages: [sub(0, "never", call(two, inner)), sub(0, "never", call(two, {}))] });
  const text = "Cannot send messages or submessages after last tx marker was set: Cannot send messages after last tx marker was set";
  assert.deepEqual([tx.codespace, tx.code, logOf(tx)], ["sdk", 40404, `${INDEX}dispatch: submessages: ${text}`]);
});

test("a message of a kind that is not there is refused by name, or told by its code", async () => {
  const coin = { denom: "uscrt", amount: "1" };
  const kinds = [
    { staking: { delegate: { validator: "x", amount: coin } } },
    { distribution: { set_withdraw_address: { address: "x" } } },
    { gov: { vote: { proposal_id: 1, vote: "yes" } } },
    { ibc: { close_channel: { channel_id: "x" } } },
    { bank: { burn: { amount: [coin] } } },
  ];
  await run({ messages: kinds.map((msg, n) => sub(n, "error", msg)) });
  const answers = await told();
  assert.equal(answers.length, kinds.length);
  for (const { result } of answers) assert.match(result.error, /^the error was redacted \(codespace: compute, code: 1[08]\)/);
  for (const msg of kinds) {
    const tx = await tryRun({ messages: [sub(0, "never", msg)] });
    assert.match(logOf(tx), /dispatch: submessages: .*Unknown variant of (Staking|Distribution|Gov|IBC|Bank)/i);
  }
});

test("a message that reaches its own gas limit is told of, or ends the transaction, and pays no more than the limit", async () => {
  const bank = await run({ messages: [sub(1, "always", pay(a.address, "1"), 50)] });
  assert.ok(bank.gasUsed < 400_000);
  assert.match((await told())[0].result.error, /codespace: sdk, code: 11/);
  const tx = await tryRun({ messages: [sub(1, "never", call(two, {}), 1_000)] });
  assert.equal(logOf(tx), `${INDEX}dispatch: submessages: SubMsg hit gas limit: out of gas`);
});
