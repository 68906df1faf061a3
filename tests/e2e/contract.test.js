// For who writes contracts: `strongroom contract`, and docs/book/testing.md as it stands there, with stock cargo and without the internet.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";

import { BINARY, root } from "./support/network.js";

const PAGE = readFileSync(join(root, "docs", "book", "testing.md"), "utf8");
const CONTRACTS = process.env.STRONGROOM_CONTRACTS ?? join(root, "contracts", "target", "wasm32-unknown-unknown", "release");
const wasm = (name) => join(CONTRACTS, `${name}.wasm`);
/** The commands of the page. */
const blocks = Array.from(PAGE.matchAll(/^```sh\n(.*?)^```$/gms), ([, text]) => text);

let place;
before(() => {
  place = mkdtempSync(join(tmpdir(), "strongroom-contract-"));
  for (const name of ["counter", "token", "token_v010", "cw20_base"]) symlinkSync(wasm(name), join(place, `${name}.wasm`));
  mkdirSync(join(place, "bin"));
  symlinkSync(BINARY, join(place, "bin", "strongroom"));
});
after(() => {
  if (place) rmSync(place, { recursive: true, force: true });
});

/** What is compiled once serves the next run, and much of it is compiled already. */
const env = {
  ...process.env,
  CARGO_NET_OFFLINE: "true",
  CARGO_TARGET_DIR: join(root, "target"),
};

function run(command, args, { cwd = place, more, input } = {}) {
  const ran = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...env, ...more }, input, maxBuffer: 1 << 26 });
  return { status: ran.status, out: ran.stdout, said: ran.stderr };
}
const strongroom = (...args) => run(BINARY, args);

test("what the chain says of a file is told, with the status of a refusal", () => {
  for (const [name, generation, library] of [["token", "v1", "secret-cosmwasm-std"], ["token_v010", "v0.10", "secret-cosmwasm-std"], ["cw20_base", "v1", "cosmwasm-std"]]) {
    const { status, out, said } = strongroom("contract", "check", `${name}.wasm`, "--output", "json");
    assert.equal(status, 0, said);
    assert.equal(out.trim().split("\n").length, 1, "one line");
    const report = JSON.parse(out);
    assert.deepEqual([report.accepted, report.error, report.module.generation, report.module.library], [true, null, generation, library]);
    assert.ok(report.imports.includes("db_read") && report.unknown_imports.length === 0);
    assert.equal(report.module.load_gas, "20000");
    assert.match(strongroom("contract", "check", `${name}.wasm`).out, /^the chain +takes it$/m);
  }
  writeFileSync(join(place, "bad.wasm"), "\0asm\x01\0\0\0");
  const { status, out, said } = strongroom("contract", "check", "bad.wasm", "--output", "json");
  assert.equal(status, 4, said);
  assert.match(said, /^strongroom: contract\.refused: bad\.wasm: the chain refuses it: compute 15: .*Contract is not CosmWasm v0\.10 or v1/);
  const report = JSON.parse(out);
  assert.deepEqual([report.accepted, report.error.codespace, report.error.code, report.module], [false, "compute", 15, null]);
  for (const file of ["no-such-file", "."]) {
    const ran = strongroom("contract", "check", file);
    assert.equal(ran.status, 1);
    assert.match(ran.said, /^strongroom: contract\.file: /);
    assert.equal(ran.out, "");
  }
});

test("bad names, places that are taken and sources that are none make nothing", () => {
  mkdirSync(join(place, "taken"));
  const kept = readdirSync(place).sort();
  const cases = [
    [["Jar"], /contract\.name: /], [["../jar"], /contract\.name: /], [["fn"], /contract\.name: /], [[""], /contract\.name: /],
    [["taken"], /contract\.exists: taken is there already/], [["bin"], /contract\.exists: /],
    [["jar", "--kit", "taken"], /contract\.kit: taken is no checkout/], [["jar", "--kit", "https://a\nb"], /contract\.kit: /],
  ];
  for (const [args, said] of cases) {
    const ran = strongroom("contract", "new", ...args);
    assert.equal(ran.status, 1, args.join(" "));
    assert.match(ran.said, said);
    assert.equal(ran.out, "");
  }
  assert.deepEqual(readdirSync(place).sort(), kept);
});

test("the sources of the kit may be a repository of git", () => {
  const ran = strongroom("contract", "new", "far", "--kit", "https://example.org/strongroom", "--rev", "v1", "--output", "json");
  assert.deepEqual([ran.status, JSON.parse(ran.out)], [0, { directory: "far", kit: "https://example.org/strongroom" }]);
  assert.match(readFileSync(join(place, "far", "Cargo.toml"), "utf8"), /strongroom-kit = \{ git = "https:\/\/example\.org\/strongroom", rev = "v1" \}/);
});

test("every command has an example, which stands on the page", () => {
  for (const command of ["new", "check"]) {
    const example = /^Example:\n {2}(.*)$/m.exec(strongroom("contract", command, "--help").out)?.[1];
    assert.ok(example && blocks.join("\n").includes(example), `${command}: ${example}`);
  }
});

test("the commands of the page work as they stand there, and the new contract's tests have teeth", { timeout: 3_600_000 }, () => {
  const path = [join(place, "bin"), process.env.PATH].join(delimiter);
  // Cargo chooses the versions that are on this machine already.
  const script = blocks.join("\n").replace("cd my-jar\n", `cd my-jar\ncp "${join(root, "Cargo.lock")}" .\n`).replaceAll(" target/wasm32", ` "${env.CARGO_TARGET_DIR}"/wasm32`);
  const ran = run("bash", ["-e", "-o", "pipefail"], { input: script, more: { PATH: path } });
  assert.equal(ran.status, 0, `${ran.out}\n${ran.said}`);
  assert.equal(ran.out.match(/test result: ok\. 5 passed/g)?.length, 2, ran.out);
  const jar = join(place, "my-jar");
  // What is kept in the template is what the calls cost.
  assert.equal(readFileSync(join(jar, "tests", "gas.txt"), "utf8"), readFileSync(join(root, "crates", "cli", "src", "contract", "template", "tests", "gas.txt"), "utf8"));

  const source = readFileSync(join(jar, "src", "lib.rs"), "utf8");
  const change = (...changes) => {
    let changed = source;
    for (const [from, to] of changes) {
      assert.ok(changed.includes(from), from);
      changed = changed.replace(from, to);
    }
    writeFileSync(join(jar, "src", "lib.rs"), changed);
    const { status, out } = run("cargo", ["test", "--test", "contract"], { cwd: jar, more: { RUST_BACKTRACE: "0" } });
    assert.notEqual(status, 0, out);
    return out;
  };
  // A panic is shown with its function, file and line.
  const begins = "    let owner = info.sender.as_bytes();\n    let mut jar";
  const line = source.slice(0, source.indexOf(begins)).split("\n").length;
  const panicked = change([begins, `    assert!(wish.is_empty(), "no room");\n${begins}`]);
  assert.match(panicked, new RegExp(`the contract panicked: no room\\n +at src/lib\\.rs:${line}:5 in fn put`));
  // A wish that everybody reads, a lock that does not hold, and a call that became dearer: each fails the test that is there for it, and no other.
  const wrong = change(
    ['add_attribute("wish", &jar.wish)', 'add_attribute_plaintext("wish", &jar.wish)'],
    ["if env.block.time.seconds() < jar.opens_at", "if jar.opens_at == 0"],
    ["    JARS.remove(", "    for n in 0..100_000 {\n        std::hint::black_box(n);\n    }\n    JARS.remove("],
  );
  assert.match(wrong, /EventText: wasm, wish: a boat +\| wasm, wish: a very small house by the sea/);
  assert.match(wrong, /gas differs from tests\/gas\.txt by more than 5 %:\n {2}jar: execute take_out: \d+ -> \d+ \(\+/);
  const failed = Array.from(wrong.matchAll(/^test (\w+) \.\.\. FAILED$/gm), ([, name]) => name).sort();
  assert.deepEqual(failed, ["coins_come_back_after_the_time_and_not_before", "nobody_can_tell_one_wish_from_another", "only_the_sender_reads_what_a_call_says", "what_calls_cost_is_what_was_kept"]);
});
