// What a contract was told, keeps and answers must not be found anywhere on the host's disk, in no common spelling.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { toBase64, toUtf8 } from "secretjs";

import { ACCOUNTS } from "./support/accounts.js";
import { ask, clientOf, deploy, execute, tryExecute } from "./support/client.js";
import { startNetwork } from "./support/network.js";

// Distinctive, and long enough not to occur by chance.
const SECRETS = {
  memo: "memo-zebra-quartz-8841",
  value: "value-walrus-violin-5527",
  key: "key-ferret-marble-3306",
  attribute: "attribute-otter-copper-9162",
  data: "data-heron-granite-7745",
  error: "error-badger-lantern-2218",
  panic: "panic-lynx-thistle-6639",
  query: "query-ibex-saffron-4473",
  viewingKey: "viewing-key-tapir-amber-1150",
};
const AMOUNT = "918273645546372819";
const PUBLIC = "public-puffin-compass-6001";

let network;
before(async () => {
  network = await startNetwork();
});
after(() => network?.stop());

function spellings(text) {
  const bytes = toUtf8(text);
  // Base64 depends on where in a group of three the text begins; the cut ends are left away.
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = toBase64(new Uint8Array([...new Uint8Array(shift), ...bytes]));
    return encoded.slice(shift === 0 ? 0 : 4, -4);
  });
  const hex = Buffer.from(bytes).toString("hex");
  return [text, ...base64, hex, hex.toUpperCase()].map((spelling) => Buffer.from(spelling));
}

function files(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** What a block of LZ4 holds. */
function unpacked(block, length) {
  const bytes = Buffer.alloc(length);
  let [from, to] = [0, 0];
  const more = (nibble) => {
    let count = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; count += byte) byte = block[from++];
    return count;
  };
  while (from < block.length) {
    const token = block[from++];
    const literals = more(token >> 4);
    block.copy(bytes, to, from, from + literals);
    [from, to] = [from + literals, to + literals];
    if (from >= block.length) break;
    const back = block.readUInt16LE(from);
    from += 2;
    for (let left = more(token & 15) + 4; left > 0; left--, to++) bytes[to] = bytes[to - back];
  }
  assert.equal(to, length);
  return bytes;
}

/** A file as it is, and the records of a journal as they were before they were compressed (docs/spec/state.md 4). */
function readable(file) {
  const content = readFileSync(file);
  if (!file.endsWith(".journal")) return [content];
  const parts = [content];
  for (let at = 16; at < content.length; ) {
    const [before, length] = [content.readUInt32LE(at), content.readUInt32LE(at + 4)];
    const sealed = content.subarray(at + 20, (at += 20 + length));
    parts.push(before === length ? sealed : unpacked(sealed, before));
  }
  return parts;
}

function found(text) {
  const wanted = spellings(text);
  return files(network.home).filter((file) => readable(file).some((content) => wanted.some((spelling) => content.includes(spelling))));
}

test("after use, the host's files hold no secret in any spelling", async () => {
  const a = clientOf(network, "a");
  const b = clientOf(network, "b");
  const token = await deploy(
    a,
    "token",
    {
      name: "Secret Example", symbol: "SEXM", decimals: 6, prng_seed: toBase64(toUtf8("seed")),
      initial_balances: [{ address: a.address, amount: AMOUNT }],
    },
    { gasLimit: 500_000 },
  );
  const probe = await deploy(a, "probe", {});
  await execute(a, token, { transfer: { recipient: b.address, amount: "1", memo: SECRETS.memo } });
  await execute(a, token, { set_viewing_key: { key: SECRETS.viewingKey } });
  await execute(a, probe, { write: { key: SECRETS.key, value: SECRETS.value } });
  await execute(a, probe, {
    emit: {
      attributes: [
        { key: "shut", value: SECRETS.attribute, plaintext: false },
        { key: "open", value: PUBLIC, plaintext: true },
      ],
    },
  });
  await execute(a, probe, { set_data: { data: toBase64(toUtf8(SECRETS.data)) } });
  await tryExecute(a, probe, { fail: { message: SECRETS.error } });
  await tryExecute(a, probe, { panic: { message: SECRETS.panic } });
  const msg = toBase64(toUtf8(JSON.stringify({ fail: { message: SECRETS.query } })));
  await ask(a, probe, { ask: { callee: probe, msg } });
  // The secrets are there for who may have them.
  assert.deepEqual(await ask(a, probe, { read: { key: SECRETS.key } }), { value: SECRETS.value });

  await network.stop({ clean: false });
  const all = files(network.home);
  assert.ok(all.length > 3, "there are files to search");
  assert.notDeepEqual(found(ACCOUNTS.a.address), [], "the search finds what is public");
  assert.notDeepEqual(found(PUBLIC), [], "the search finds plaintext attributes");
  for (const [what, text] of Object.entries({ ...SECRETS, amount: AMOUNT })) {
    assert.deepEqual(found(text), [], `${what} was found`);
  }
  assert.ok(!Object.values(SECRETS).some((text) => network.output.includes(text)), "nor does the log tell them");
});
