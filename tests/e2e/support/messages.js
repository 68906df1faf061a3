// Messages of ours that secret.js does not know.

import { FAST } from "./client.js";

/** A field of protobuf that holds bytes or text. */
export const field = (number, value) => {
  const bytes = Buffer.from(value);
  const length = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest & 127) | 128);
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
};

/** A message that secret.js does not know: its type, its fields in order, and its Amino form. */
export const message = (name, fields, amino) => ({
  toProto: async () => ({
    type_url: `/strongroom.${name}`,
    value: {},
    encode: () => Buffer.concat(fields),
  }),
  toAmino: async () => ({ type: `strongroom/${name.split(".").pop()}`, value: amino }),
});

/** A new policy, by its authority. */
export const policy = (by, json) =>
  message("registration.v1.MsgUpdatePolicy", [field(1, by), field(2, json)], { authority: by, policy: json });

/** Sends one of these; gives the transaction, failed or not. */
export const said = (client, message) => client.tx.broadcast([message], { ...FAST, gasLimit: 300_000 });
