// Private tokens that are one of a kind (SNIP-721), by secret.js' own messages, queries and permits.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ask, clientOf, dataBytes, dataText, deploy, execute, FAST, logOf, shown, tryExecute } from "./support/client.js";
import { CHAIN_ID, startNetwork } from "./support/network.js";

const OPTIONS = { ...FAST, gasLimit: 300_000 };
const WRONG_KEY = "Generic error: Wrong viewing key for this address or viewing key not set";

let network;
let nft;
const users = {};
const permitSigners = {};
const keys = {};
before(async () => {
  network = await startNetwork();
  for (const name of ["a", "b", "c"]) {
    users[name] = clientOf(network, name);
    permitSigners[name] = clientOf(network, name, { amino: true });
  }
  const begin = { name: "Animals", symbol: "ANI", entropy: "dice", config: { enable_burn: true } };
  nft = await deploy(users.a, "snip721", begin, { gasLimit: 500_000 });
  nft.codeHash = nft.code_hash;
  for (const [name, user] of Object.entries(users)) {
    keys[name] = `key of ${name}`;
    const tx = await user.tx.snip721.setViewingKey(to(user, { set_viewing_key: { key: keys[name] } }), OPTIONS);
    assert.deepEqual(answer(tx), { viewing_key: { key: keys[name] } });
  }
});
after(() => network?.stop());

const answer = (tx) => {
  assert.equal(tx.code, 0, tx.rawLog);
  return JSON.parse(dataText(tx));
};
const to = ({ address: sender }, msg) => ({
  sender, contract_address: nft.address, code_hash: nft.code_hash, msg, sent_funds: [],
});

async function mint(id, owner, more = {}) {
  const msg = { mint_nft: { token_id: id, owner: users[owner].address, ...more } };
  const tx = await users.a.tx.snip721.mint(to(users.a, msg), OPTIONS);
  assert.deepEqual(answer(tx), { mint_nft: { token_id: id } });
  return tx;
}

const viewer = (name) => ({ viewer: { address: users[name].address, viewing_key: keys[name] } });
const info = (name, token_id, auth = viewer(name)) => users[name].query.snip721.GetTokenInfo({ contract: nft, token_id, auth });
const owned = async (name, auth = viewer(name), owner = name) => {
  const found = await users[name].query.snip721.GetOwnedTokens({ contract: nft, owner: users[owner].address, auth });
  return found.token_list?.tokens ?? found;
};

function permitOf(name, permissions, { contracts = [nft.address], permitName = "e2e" } = {}) {
  const { utils, address } = permitSigners[name];
  return utils.accessControl.permit.sign(address, CHAIN_ID, permitName, contracts, permissions, false);
}

test("a minted token is its owner's, and others see only what is public", async () => {
  const tx = await mint("cat", "b", {
    public_metadata: { token_uri: "https://example.com/cat" },
    private_metadata: { extension: { name: "Tom", protected_attributes: [] } },
  });
  assert.equal(dataBytes(tx).length, 256, "the answer's length tells nothing");
  const seen = async (name) => (await info(name, "cat")).all_nft_info;
  const mine = await seen("b");
  assert.equal(mine.access.owner, users.b.address);
  assert.equal(mine.info.token_uri, "https://example.com/cat");
  assert.equal((await seen("c")).access.owner, null);
  assert.deepEqual(await owned("b"), ["cat"]);
  assert.deepEqual(await owned("c"), []);
  const secret = { private_metadata: { token_id: "cat", ...viewer("b") } };
  assert.equal((await ask(users.b, nft, secret)).private_metadata.extension.name, "Tom");
  assert.equal(
    await ask(users.c, nft, { private_metadata: { token_id: "cat", ...viewer("c") } }),
    "Generic error: You are not authorized to perform this action on token cat",
  );
});

test("royalties are everybody's to know, their recipients are not", async () => {
  const royalties = [{ recipient: users.c.address, rate: 5 }];
  await mint("painting", "b", { royalty_info: { decimal_places_in_rates: 2, royalties } });
  const of = async (name) => (await ask(users[name], nft, { royalty_info: { token_id: "painting", ...viewer(name) } })).royalty_info.royalty_info;
  assert.deepEqual((await of("b")).royalties, royalties);
  assert.deepEqual((await of("c")).royalties, [{ recipient: null, rate: 5 }]);
});

test("only minters mint, and the admin names them by secret.js", async () => {
  const { a, c } = users;
  const refused = await tryExecute(c, nft, { mint_nft: { token_id: "mouse" } });
  assert.match(refused.rawLog, /Only designated minters are allowed to mint/);
  const tx = await a.tx.snip721.addMinter(to(a, { add_minters: { minters: [c.address] } }), OPTIONS);
  assert.deepEqual(answer(tx), { add_minters: { status: "success" } });
  await execute(c, nft, { mint_nft: { token_id: "mouse" } });
  assert.deepEqual(await owned("c"), ["mouse"]);
});

test("a token sent by secret.js moves, and what its old owner let others see ends", async () => {
  const { b, c } = users;
  await mint("dog", "b");
  await execute(b, nft, {
    set_whitelisted_approval: { address: c.address, token_id: "dog", view_owner: "approve_token" },
  });
  assert.equal((await info("c", "dog")).all_nft_info.access.owner, b.address);
  const msg = { send_nft: { contract: users.a.address, token_id: "dog", memo: "for you" } };
  const tx = await b.tx.snip721.send(to(b, msg), OPTIONS);
  assert.deepEqual(answer(tx), { send_nft: { status: "success" } });
  assert.equal((await info("a", "dog")).all_nft_info.access.owner, users.a.address);
  assert.equal((await info("c", "dog")).all_nft_info.access.owner, null);
  const history = await ask(b, nft, {
    transaction_history: { address: b.address, viewing_key: keys.b, page: 0, page_size: 1 },
  });
  const [newest] = history.transaction_history.txs;
  assert.deepEqual(newest.action, { transfer: { from: b.address, sender: null, recipient: users.a.address } });
  assert.deepEqual([newest.token_id, newest.memo, newest.block_height], ["dog", "for you", tx.height]);
});

test("tokens sent to a contract that does not take them stay where they are", async () => {
  const { b } = users;
  await mint("hen", "b");
  const probe = await deploy(users.a, "probe", {});
  const receiver_info = { recipient_code_hash: probe.code_hash };
  const refused = await tryExecute(b, nft, { send_nft: { contract: probe.address, receiver_info, token_id: "hen" } });
  assert.match(refused.rawLog, /unknown variant `receive_nft`/);
  assert.ok((await owned("b")).includes("hen"));
});

test("an operator moves what it was lent, until it is taken back", async () => {
  const { b, c } = users;
  await mint("fox", "b");
  const move = { transfer_nft: { token_id: "fox", recipient: c.address } };
  const refused = await tryExecute(c, nft, move);
  assert.match(refused.rawLog, /You are not authorized to perform this action on token fox/);
  await execute(b, nft, { approve: { spender: c.address, token_id: "fox" } });
  await execute(c, nft, move);
  assert.ok((await owned("c")).includes("fox"));
  await execute(c, nft, { burn_nft: { token_id: "fox" } });
  assert.ok(!(await owned("c")).includes("fox"));
});

test("what is sealed its owner does not see either, until the owner reveals it", async () => {
  const { b, c } = users;
  const packs = await deploy(users.a, "snip721", { name: "Packs", symbol: "PACK", entropy: "e", config: { enable_sealed_metadata: true } }, { gasLimit: 400_000 });
  const mint_nft = { token_id: "1", owner: b.address, private_metadata: { token_uri: "the rare one" } };
  await execute(users.a, packs, { mint_nft });
  for (const user of [b, c]) await execute(user, packs, { set_viewing_key: { key: "k" } });
  const look = (user) => ask(user, packs, { private_metadata: { token_id: "1", viewer: { address: user.address, viewing_key: "k" } } });
  assert.equal(await look(b), "Generic error: Sealed metadata must be unwrapped by calling Reveal before it can be viewed");
  assert.match((await tryExecute(c, packs, { reveal: { token_id: "1" } })).rawLog, /You are not authorized/);
  assert.deepEqual(await ask(c, packs, { is_unwrapped: { token_id: "1" } }), { is_unwrapped: { token_is_unwrapped: false } });
  await execute(b, packs, { reveal: { token_id: "1" } });
  assert.deepEqual(await ask(c, packs, { is_unwrapped: { token_id: "1" } }), { is_unwrapped: { token_is_unwrapped: true } });
  assert.equal((await ask(c, packs, { nft_info: { token_id: "1" } })).nft_info.token_uri, "the rare one");
});

test("clones are minted in numbered runs, as far as the gas goes", async () => {
  const { a, b } = users;
  const clones = (fields, gasLimit) => tryExecute(a, nft, { mint_nft_clones: { mint_run_id: "coins", owner: b.address, ...fields } }, { gasLimit });
  const before = await owned("b");
  const tx = await clones({ quantity: 3, public_metadata: { token_uri: "coin" } }, 500_000);
  const { first_minted, last_minted } = answer(tx).mint_nft_clones;
  assert.equal(Number(last_minted), Number(first_minted) + 2);
  const serial = async (token_id) => {
    const { nft_dossier } = await ask(b, nft, { nft_dossier: { token_id, ...viewer("b") } });
    return nft_dossier.mint_run_info;
  };
  const { time_of_minting, ...second } = await serial(String(Number(first_minted) + 1));
  const made = { collection_creator: a.address, token_creator: a.address };
  assert.deepEqual(second, { ...made, mint_run: 1, serial_number: 2, quantity_minted_this_run: 3 });
  assert.ok(time_of_minting > 1_600_000_000);

  // As many as there are numbers: it ends with the gas, and nothing was made.
  const tooMany = await clones({ quantity: 4_294_967_295 }, 1_000_000);
  assert.deepEqual([tooMany.codespace, tooMany.code], ["sdk", 11]);
  const none = await clones({ quantity: 0 }, 300_000);
  assert.match(logOf(none), /Quantity can not be zero/);
  assert.equal((await owned("b")).length, before.length + 3);
  const next = answer(await clones({ quantity: 1 }, 300_000)).mint_nft_clones;
  assert.deepEqual((await serial(next.first_minted)).mint_run, 2);
});

test("a permit opens what a viewing key opens, to its signer alone", async () => {
  const { b } = users;
  const permit = await permitOf("b", ["owner"]);
  assert.ok(b.utils.accessControl.permit.verify(permit, b.address, nft.address, ["owner"]));
  assert.deepEqual(await owned("b", { permit }), await owned("b"));
  assert.equal((await info("b", "cat", { permit })).all_nft_info.access.owner, b.address);
  const others = await permitOf("c", ["owner"]);
  assert.deepEqual(await owned("b", { permit: others }), []);
  const weak = await owned("b", { permit: await permitOf("b", ["balance"]) });
  assert.equal(String(weak).trimEnd(), shown(`Generic error: No permission to query owner, got permissions ["balance"]`));
});

test("a revoked permit and a wrong key open nothing", async () => {
  const { b } = users;
  const permit = await permitOf("b", ["owner"], { permitName: "short lived" });
  assert.deepEqual(await owned("b", { permit }), await owned("b"));
  await execute(b, nft, { revoke_permit: { permit_name: "short lived" } });
  const refused = await owned("b", { permit });
  assert.equal(String(refused).trimEnd(), shown(`Generic error: Permit "short lived" was revoked by account "${b.address}"`));
  const wrong = await owned("b", { viewer: { address: b.address, viewing_key: keys.a } });
  assert.equal(String(wrong).trimEnd(), WRONG_KEY);
});

test("a viewing key made by secret.js opens what its owner has", async () => {
  const { c } = users;
  const tx = await c.tx.snip721.createViewingKey(to(c, { create_viewing_key: { entropy: "e" } }), OPTIONS);
  const { key } = answer(tx).viewing_key;
  assert.match(key, /^api_key_.{44}$/);
  assert.deepEqual(await owned("c", { viewer: { address: c.address, viewing_key: key } }), ["mouse"]);
});
