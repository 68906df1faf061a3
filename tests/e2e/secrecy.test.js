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

function found(text) {
  const wanted = spellings(text);
  return files(network.home).filter((file) => {
    const content = readFileSync(file);
    return wanted.some((spelling) => content.includes(spelling));
  });
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
