// A network whose authority is an account of three keys, of which two sign: they decide on validators with unmodified CosmJS.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { createMultisigThresholdPubkey, pubkeyToAddress, Secp256k1HdWallet } from "@cosmjs/amino";
import { stringToPath } from "@cosmjs/crypto";
import { toBase64 } from "@cosmjs/encoding";
import { Registry } from "@cosmjs/proto-signing";
import { AminoTypes, makeMultisignedTxBytes, SigningStargateClient, StargateClient } from "@cosmjs/stargate";
import { BinaryWriter } from "cosmjs-types/binary.js";

import { ACCOUNTS } from "./support/accounts.js";
import { BINARY, freePorts, until } from "./support/network.js";

const CHAIN_ID = "several-1";
const SET = "/strongroom.poa.v1.MsgSetValidator";
const fee = { amount: [{ denom: "uscrt", amount: "50000" }], gas: "500000" };
const path = { prefix: "secret", hdPaths: [stringToPath("m/44'/529'/0'/0/0")] };

/** `strongroom.poa.v1.MsgSetValidator`, as its proto says. */
const MsgSetValidator = {
  fromPartial: (message) => message,
  encode: ({ authority, node_id, power, moniker }, writer = BinaryWriter.create()) =>
    writer.uint32(10).string(authority).uint32(18).string(node_id).uint32(24).uint64(power).uint32(34).string(moniker),
};
const aminoTypes = new AminoTypes({
  [SET]: {
    aminoType: "strongroom/MsgSetValidator",
    toAmino: ({ power, ...rest }) => ({ ...rest, power: `${power}` }),
    fromAmino: ({ power, ...rest }) => ({ ...rest, power: BigInt(power) }),
  },
});
const registry = new Registry([[SET, MsgSetValidator]]);

const home = mkdtempSync(join(tmpdir(), "strongroom-authority-"));
let node;
let output = "";
let rest;
let client;
let members;
let authority;
before(async () => {
  members = await Promise.all(["a", "b", "c"].map(async (name) => {
    const wallet = await Secp256k1HdWallet.fromMnemonic(ACCOUNTS[name].mnemonic, path);
    const [{ address, pubkey }] = await wallet.getAccounts();
    const signer = await SigningStargateClient.offline(wallet, { registry, aminoTypes });
    return { address, signer, pubkey: { type: "tendermint/PubKeySecp256k1", value: toBase64(pubkey) } };
  }));
  const pubkey = createMultisigThresholdPubkey(members.map((member) => member.pubkey), 2, true);
  authority = { pubkey, address: pubkeyToAddress(pubkey, "secret") };

  const holders = [authority.address, ACCOUNTS.d.address].flatMap((address) => ["--account", `${address}=1000000000000`]);
  execFileSync(BINARY, ["network", "init", "--home", home, "--chain-id", CHAIN_ID, "--authority", authority.address,
    "--operator", ACCOUNTS.d.address, ...holders]);
  const [restPort, rpcPort, p2pPort] = await freePorts(3);
  node = spawn(BINARY, ["node", "start", "--home", home, "--block-time", "200ms", "--private-network",
    "--rest-port", `${restPort}`, "--rpc-port", `${rpcPort}`, "--p2p-port", `${p2pPort}`]);
  for (const stream of [node.stdout, node.stderr]) stream.on("data", (bytes) => (output += bytes));
  rest = async (what) => (await fetch(`http://127.0.0.1:${restPort}${what}`)).json();
  const isUp = async () => {
    assert.equal(node.exitCode, null, output);
    client = await StargateClient.connect(`http://127.0.0.1:${rpcPort}`).catch(() => undefined);
    return client && (await client.getHeight().catch(() => 0)) >= 1;
  };
  await until(isUp, { ms: 120_000, every: 200, what: "the first block" });
});
after(async () => {
  client?.disconnect();
  if (node?.exitCode === null) {
    const ended = new Promise((resolve) => node.once("exit", resolve));
    node.kill("SIGINT");
    await ended;
  }
  rmSync(home, { recursive: true, force: true });
});

/** Gives the first node this power, if these members sign. */
async function decide(power, by) {
  const { nodes: [{ node_id }] } = await rest("/strongroom/registration/v1/nodes");
  const value = { authority: authority.address, node_id, power: BigInt(power), moniker: "the first" };
  const { accountNumber, sequence } = await client.getSequence(authority.address);
  const data = { accountNumber, sequence, chainId: CHAIN_ID };
  const raws = await Promise.all(by.map((at) =>
    members[at].signer.sign(members[at].address, [{ typeUrl: SET, value }], fee, "", data)));
  const signatures = new Map(by.map((at, n) => [members[at].address, raws[n].signatures[0]]));
  const bytes = makeMultisignedTxBytes(authority.pubkey, sequence, fee, raws[0].bodyBytes, signatures);
  return client.broadcastTx(bytes, 30_000, 100);
}

const power = async () => (await rest("/strongroom/poa/v1/validators")).validators.map((validator) => validator.power);

test("two of the three keys of an authority decide on a validator, and one alone does not", async () => {
  assert.deepEqual(await power(), ["100"]);
  await assert.rejects(decide(7, [1]), (error) => {
    assert.deepEqual([error.code, error.codespace], [4, "sdk"]);
    assert.match(error.log, /signature size is incorrect 1/);
    return true;
  });
  assert.deepEqual(await power(), ["100"]);
  const decided = await decide(40, [0, 2]);
  assert.deepEqual([decided.code, decided.rawLog], [0, ""]);
  assert.deepEqual(await power(), ["40"]);
  // The engine has heard of it: blocks go on under the new set.
  await until(async () => (await client.getHeight()) >= decided.height + 3, { ms: 30_000, what: "blocks of the new set" });
});
