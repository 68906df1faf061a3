// Messages of the authority of a local network, account `a`, which secret.js does not know.

import { ACCOUNTS } from "../e2e/support/accounts.js";
import { clientOf, succeeded } from "../e2e/support/client.js";

const AUTHORITY = ACCOUNTS.a.address;
const OPTIONS = { gasLimit: 300_000, broadcastCheckIntervalMs: 100, broadcastTimeoutMs: 180_000 };

function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

const text = (number, value) => Buffer.concat([varint((number << 3) | 2), varint(Buffer.byteLength(value)), Buffer.from(value)]);
const integer = (number, value) => Buffer.concat([varint(number << 3), varint(value)]);

async function send(via, name, fields) {
  const message = {
    toProto: async () => ({ type_url: `/strongroom.poa.v1.${name}`, value: {}, encode: () => Buffer.concat(fields) }),
  };
  succeeded(await clientOf(via, "a").tx.broadcast([message], OPTIONS));
}

/** Gives a registered node power. */
export function setValidator(via, node, power) {
  const fields = [text(1, AUTHORITY), text(2, node.nodeId), integer(3, power), text(4, `node${node.index}`)];
  return send(via, "MsgSetValidator", fields);
}

/** Takes a validator's power. */
export function removeValidator(via, node) {
  return send(via, "MsgRemoveValidator", [text(1, AUTHORITY), text(2, node.nodeId)]);
}
