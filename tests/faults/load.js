// Transactions all the time, and a record of those that a client saw in a block: none of them may ever be gone.

import { ACCOUNTS } from "../e2e/support/accounts.js";
import { ask, clientOf, deploy } from "../e2e/support/client.js";
import { sleep } from "../e2e/support/network.js";

const GAS = 250_000;
/** How long a client waits for a block before it asks another node. */
const SEEN_MS_MAX = 8_000;

/** Puts the contracts there that the load calls. */
export async function prepare(lab) {
  const client = clientOf(lab.nodes[0], "b");
  const counter = await deploy(client, "counter", { count: 0 });
  const init = {
    name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: Buffer.from("dice").toString("base64"),
    initial_balances: [{ address: client.address, amount: "1000000000" }],
  };
  return { counter, token: await deploy(client, "token", init, { gasLimit: 500_000 }) };
}

/** Senders, each with an account of its own; they move to another node when theirs does not answer. */
export class Load {
  constructor(lab, contracts, { accounts = ["b", "c"], random }) {
    Object.assign(this, { lab, contracts, random, seen: [], unsure: 0 });
    this.going = true;
    this.senders = accounts.map((account) => this.#send(account));
  }

  async #send(account) {
    const { counter, token } = this.contracts;
    while (this.going) {
      const running = this.lab.nodes.filter((node) => node.running);
      const node = running[Math.floor(this.random() * running.length)];
      try {
        if (!node) throw new Error("no node runs");
        // Its own sequence is asked for before each transaction: what became of the last may be unknown.
        const client = clientOf(node, account);
        for (let turn = 0; turn < 20 && this.going; turn += 1) {
          const transfer = account === "b" && this.random() < 0.3;
          const contract = transfer ? token : counter;
          const msg = transfer ? { transfer: { recipient: ACCOUNTS.d.address, amount: "1" } } : { increment: {} };
          const sent = { sender: client.address, contract_address: contract.address, code_hash: contract.code_hash, msg };
          const options = { gasLimit: GAS, broadcastCheckIntervalMs: 100, broadcastTimeoutMs: SEEN_MS_MAX };
          const tx = await within(2 * SEEN_MS_MAX, client.tx.compute.executeContract({ ...sent, sent_funds: [] }, options));
          // A sequence that an unseen transaction used: the next turn asks for it anew.
          if (tx.code !== 0) throw new Error(tx.rawLog);
          this.seen.push({ hash: tx.transactionHash, height: Number(tx.height), increments: transfer ? 0 : 1 });
        }
      } catch (error) {
        this.unsure += 1;
        this.lastError = `${error.message ?? error}`.slice(0, 300);
        await sleep(200);
      }
    }
  }

  async stop() {
    this.going = false;
    await Promise.all(this.senders);
  }

  /** Increments of the counter that were seen in blocks. */
  get increments() {
    return this.seen.reduce((sum, tx) => sum + tx.increments, 0);
  }
}

function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("the node does not answer")), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The counter as a node tells it. */
export async function count(node, { counter }) {
  return (await ask(clientOf(node, "d"), counter, { get_count: {} })).count;
}
