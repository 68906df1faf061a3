// Several private tokens in one contract (SNIP-1155), by secret.js' own messages, queries and permits.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ask, clientOf, dataBytes, dataText, deploy, execute, FAST, shown, tryExecute } from "./support/client.js";
import { CHAIN_ID, startNetwork } from "./support/network.js";

const OPTIONS = { ...FAST, gasLimit: 300_000 };
const WRONG_KEY = { viewing_key_error: { msg: "Wrong viewing key for this address or viewing key not set" } };

let network;
let tokens;
const users = {};
const permitSigners = {};
const keys = {};
const fungible = {
  minters: [], decimals: 6, public_total_supply: true, enable_mint: true, enable_burn: true, minter_may_update_metadata: true,
};
const nft = {
  minters: [], public_total_supply: true, owner_is_public: false, enable_burn: true, owner_may_update_metadata: true,
  minter_may_update_metadata: false,
};
const token = (token_id, token_config, balances, more = {}) => ({
  token_info: { token_id, name: token_id, symbol: "TKN", token_config, ...more }, balances,
});
const amount = (name, amount) => ({ address: users[name].address, amount });

before(async () => {
  network = await startNetwork();
  for (const name of ["a", "b", "c"]) {
    users[name] = clientOf(network, name);
    permitSigners[name] = clientOf(network, name, { amino: true });
  }
  const private_metadata = { extension: { name: "the secret of gold" } };
  const begin = {
    has_admin: true, curators: [users.a.address], entropy: "dice",
    initial_tokens: [token("gold", { fungible: { ...fungible, minters: [users.a.address] } }, [amount("a", "1000")], { private_metadata })],
  };
  tokens = await deploy(users.a, "snip1155", begin, { gasLimit: 500_000 });
  for (const [name, user] of Object.entries(users)) {
    keys[name] = `key of ${name}`;
    const tx = await user.tx.snip1155.setViewingKey(to(user, { set_viewing_key: { key: keys[name] } }), OPTIONS);
    assert.deepEqual(answer(tx), { set_viewing_key: { status: "success" } });
  }
});
after(() => network?.stop());

const answer = (tx) => {
  assert.equal(tx.code, 0, tx.rawLog);
  return JSON.parse(dataText(tx));
};
const to = ({ address: sender }, msg) => ({
  sender, contract_address: tokens.address, code_hash: tokens.code_hash, msg, sent_funds: [],
});
const viewer = (name) => ({ viewer: { address: users[name].address, viewing_key: keys[name] } });
const balance = async (name, token_id = "gold", owner = name, auth = viewer(name)) => {
  const found = await users[name].query.snip1155.getBalance({
    contract: tokens, token_id, owner: users[owner].address, auth,
  });
  return found.balance ? found.balance.amount : found;
};
const move = (token_id, from, recipient, amount, more) => ({
  token_id, from: users[from].address, recipient: users[recipient].address, amount, ...more,
});

function permitOf(name, permissions, { contracts = [tokens.address], permitName = "e2e" } = {}) {
  const { utils, address } = permitSigners[name];
  return utils.accessControl.permit.sign(address, CHAIN_ID, permitName, contracts, permissions, false);
}

test("everybody may know what a token is, and only who has it its private metadata", async () => {
  const { b } = users;
  const { token_id_public_info: info } = await b.query.snip1155.getPublicTokenInfo({ contract: tokens, token_id: "gold" });
  assert.deepEqual(
    [info.token_id_info.name, info.token_id_info.private_metadata, info.total_supply, info.token_id_info.curator],
    ["gold", null, "1000", users.a.address],
  );
  const own = await users.a.query.snip1155.getPrivateTokenInfo({ contract: tokens, token_id: "gold", auth: viewer("a") });
  assert.equal(own.token_id_private_info.token_id_info.private_metadata.extension.name, "the secret of gold");
  const refused = await b.query.snip1155.getPrivateTokenInfo({ contract: tokens, token_id: "gold", auth: viewer("b") });
  assert.match(String(refused), /do not have permission to view private token info/);
});

test("tokens are moved by secret.js, and only their owners see balances", async () => {
  const { a, b } = users;
  const msg = { transfer: move("gold", "a", "b", "30", { memo: "for tea", padding: "    " }) };
  const tx = await a.tx.snip1155.transfer(to(a, msg), OPTIONS);
  assert.deepEqual(answer(tx), { transfer: { status: "success" } });
  assert.equal(dataBytes(tx).length, 256, "the answer's length tells nothing");
  assert.deepEqual([await balance("a"), await balance("b")], ["970", "30"]);
  assert.match(String(await balance("b", "gold", "a")), /do not have permission to view this balance/);
  const history = await b.query.snip1155.getTransactionHistory({ contract: tokens, auth: viewer("b"), page_size: 5 });
  const { txs, total } = history.transaction_history;
  assert.deepEqual([txs[0].action, txs[0].memo, total], [
    { transfer: { from: a.address, sender: null, recipient: b.address, amount: "30" } }, "for tea", 1,
  ]);
  const batch = { batch_transfer: { actions: [move("gold", "a", "b", "1"), move("gold", "a", "c", "2")] } };
  answer(await a.tx.snip1155.batchTransfer(to(a, batch), OPTIONS));
  assert.deepEqual([await balance("b"), await balance("c")], ["31", "2"]);
});

test("curators make tokens, minters make more, owners destroy them", async () => {
  const { a, b } = users;
  const curated = [
    token("silver", { fungible }, [amount("b", "10")]),
    token("crown", { nft }, [amount("b", "1")]),
  ];
  const tx = await a.tx.snip1155.curate(to(a, { curate_token_ids: { initial_tokens: curated } }), { ...OPTIONS, gasLimit: 500_000 });
  assert.deepEqual(answer(tx), { curate_token_ids: { status: "success" } });
  const mint = { mint_tokens: { mint_tokens: [{ token_id: "silver", balances: [amount("b", "5")] }] } };
  assert.match((await tryExecute(b, tokens, mint)).rawLog, /Only minters are allowed to mint/);
  const minters = { add_minters: { token_id: "silver", add_minters: [b.address] } };
  answer(await a.tx.snip1155.addMinter(to(a, minters), OPTIONS));
  answer(await b.tx.snip1155.mint(to(b, mint), OPTIONS));
  const burn = { burn_tokens: { burn_tokens: [{ token_id: "silver", balances: [amount("b", "3")] }] } };
  answer(await b.tx.snip1155.burn(to(b, burn), OPTIONS));
  const all = await b.query.snip1155.getAllBalances({ contract: tokens, owner: b.address, auth: viewer("b") });
  assert.deepEqual(all.all_balances, [
    { token_id: "crown", amount: "1" }, { token_id: "silver", amount: "12" }, { token_id: "gold", amount: await balance("b") },
  ]);
  const change = { change_metadata: { token_id: "crown", public_metadata: { token_uri: "https://example.com/crown" } } };
  answer(await b.tx.snip1155.changeMetaData(to(b, change), OPTIONS));
  const info = await a.query.snip1155.getPublicTokenInfo({ contract: tokens, token_id: "crown" });
  assert.equal(info.token_id_public_info.token_id_info.public_metadata.token_uri, "https://example.com/crown");
  assert.equal(info.token_id_public_info.owner, null);
});

test("who was let moves and sees, until it is taken back", async () => {
  const { a, c } = users;
  const take = { transfer: move("gold", "a", "c", "4") };
  assert.match((await tryExecute(c, tokens, take)).rawLog, /not granted transfer permission/);
  const give = { give_permission: { allowed_address: c.address, token_id: "gold", transfer: "5", view_balance: true } };
  await execute(a, tokens, give);
  const before = BigInt(await balance("a"));
  await execute(c, tokens, take);
  assert.equal(await balance("c", "gold", "a"), `${before - 4n}`);
  assert.match((await tryExecute(c, tokens, take)).rawLog, /Insufficient transfer allowance: 1, required: 4/);
  await execute(a, tokens, { revoke_permission: { token_id: "gold", owner: a.address, allowed_address: c.address } });
  assert.match(String(await balance("c", "gold", "a")), /do not have permission/);
});

test("tokens sent to a contract that does not take them stay where they are", async () => {
  const { a } = users;
  const probe = await deploy(a, "probe", {});
  const before = await balance("a");
  const send = { token_id: "gold", from: a.address, recipient: probe.address, recipient_code_hash: probe.code_hash, amount: "5" };
  const refused = await tryExecute(a, tokens, { send });
  assert.match(refused.rawLog, /unknown variant `snip1155_receive`/);
  assert.equal(await balance("a"), before);
  answer(await a.tx.snip1155.send(to(a, { send: move("gold", "a", "b", "1") }), OPTIONS));
  answer(await a.tx.snip1155.batchSend(to(a, { batch_send: { actions: [move("gold", "a", "b", "1")] } }), OPTIONS));
  assert.equal(await balance("a"), `${BigInt(before) - 2n}`);
});

test("a permit opens what it names, and a revoked one nothing", async () => {
  const { a, b } = users;
  const auth = { permit: await permitOf("b", ["balance"]) };
  assert.equal(await balance("b", "gold", "b", auth), await balance("b"));
  const all = await b.query.snip1155.getAllBalances({ contract: tokens, auth });
  assert.equal(all.all_balances.length, 3);
  const history = (auth) => b.query.snip1155.getTransactionHistory({ contract: tokens, auth, page_size: 1, page: 0 });
  assert.equal(String(await history(auth)).trimEnd(), shown(`Generic error: No permission to query history, got permissions ["balance"]`));
  const owner = { permit: await permitOf("b", ["owner"], { permitName: "short lived" }) };
  assert.equal((await history(owner)).transaction_history.txs.length, 1);
  await execute(b, tokens, { revoke_permit: { permit_name: "short lived" } });
  assert.equal(String(await history(owner)).trimEnd(), shown(`Generic error: Permit "short lived" was revoked by account "${b.address}"`));
  const borrowed = { permit: await permitOf("a", ["owner"]) };
  assert.match(String(await balance("a", "gold", "b", borrowed)), /do not have permission/);
});

test("a wrong key opens nothing, and one made by secret.js opens", async () => {
  const { c } = users;
  const wrong = { viewer: { address: c.address, viewing_key: keys.a } };
  assert.deepEqual(await balance("c", "gold", "c", wrong), WRONG_KEY);
  const tx = await c.tx.snip1155.createViewingKey(to(c, { create_viewing_key: { entropy: "e" } }), OPTIONS);
  const { key } = answer(tx).create_viewing_key;
  assert.match(key, /^api_key_.{44}$/);
  assert.equal(await balance("c", "gold", "c", { viewer: { address: c.address, viewing_key: key } }), "6");
});

test("the admin names curators and hands over by secret.js", async () => {
  const { a, b } = users;
  const curators = { add_curators: { add_curators: [b.address] } };
  assert.match((await tryExecute(b, tokens, curators)).rawLog, /admin command/);
  answer(await a.tx.snip1155.addCurator(to(a, curators), OPTIONS));
  answer(await a.tx.snip1155.removeCurator(to(a, { remove_curators: { remove_curators: [a.address] } }), OPTIONS));
  answer(await a.tx.snip1155.changeAdmin(to(a, { change_admin: { new_admin: b.address } }), OPTIONS));
  const leave = { remove_admin: { current_admin: b.address, contract_address: tokens.address } };
  answer(await b.tx.snip1155.removeAdmin(to(b, leave), OPTIONS));
  assert.deepEqual(await ask(a, tokens, { contract_info: {} }), {
    contract_info: { admin: null, curators: [b.address], all_token_ids: ["gold", "silver", "crown"] },
  });
});
