// Certificates for a test: an authority, and what it signs for a server. Made anew each time, from nothing but Node.

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

const DAY = 24 * 60 * 60 * 1000;

/** DER: a tag, the length, the contents. */
function der(tag, ...contents) {
  const body = Buffer.concat(contents);
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}
const sequence = (...contents) => der(0x30, ...contents);
const oid = (hex) => der(0x06, Buffer.from(hex, "hex"));
const ECDSA_WITH_SHA256 = sequence(oid("2a8648ce3d040302"));
const name = (text) => sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(text)))));
/** GeneralizedTime would be for years from 2050 on. */
const time = (date) => der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
const extension = (id, isCritical, value) => sequence(oid(id), ...(isCritical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));
const pem = (bytes) => `-----BEGIN CERTIFICATE-----\n${bytes.toString("base64").match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`;

/** A certificate of `subject` with a key, signed by `issuer`, from `from` to `until` in days from now. */
function certificate({ subject, key, issuer, names, from, until }) {
  const days = (n) => new Date(Date.now() + n * DAY);
  const ofAuthority = [extension("551d13", true, sequence(der(0x01, Buffer.from([0xff]))))];
  const general = (text) => (isIP(text) ? der(0x87, Buffer.from(text.split(".").map(Number))) : der(0x82, Buffer.from(text)));
  const ofServer = () => [extension("551d11", false, sequence(...names.map(general))), extension("551d25", false, sequence(oid("2b06010505070301")))];
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    name(issuer.subject),
    sequence(time(days(from)), time(days(until))),
    name(subject),
    key.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...(names ? ofServer() : ofAuthority))),
  );
  return pem(sequence(signed, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), sign("sha256", signed, issuer.key.privateKey))));
}

/** An authority: its certificate, and what signs for servers. */
export function authority(subject) {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = { subject, key };
  return {
    cert: certificate({ subject, key, issuer, from: -1, until: 30 }),
    /** Key and certificate of a server with these names. */
    server(names, { from = -1, until = 30 } = {}) {
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const cert = certificate({ subject: names[0], key: own, issuer, names, from, until });
      return { cert, key: own.privateKey.export({ type: "pkcs8", format: "pem" }) };
    },
  };
}
