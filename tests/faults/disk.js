// Whether the disk of this machine takes anything at all. All nodes share it: while it syncs nothing, none of them can vote, since a
// vote is signed when what led to it is on the disk, and that says nothing about the nodes.

import { spawnSync } from "node:child_process";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

const TRY_EVERY_MS = 250;
/** A sync that takes longer stands. Under the load of all nodes and three compilers it takes less than one second here. */
const STANDS_MS = 4_000;
/** How much longer a whole run may wait for nodes because the disk stood. */
const STOOD_MS_MAX = 900_000;
const PAGE = Buffer.alloc(4_096, 1);
const PAGES_MAX = 1_024;

const state = { going: false, begun: 0, said: false, stands: [], say: () => {} };

/** Writes and syncs a small file in `directory` again and again, until `unwatchDisk`. */
export function watchDisk(directory, say = () => {}) {
  Object.assign(state, { going: true, begun: 0, stands: [], say });
  state.ended = keepTrying(join(directory, "disk-probe")).catch((error) => say(`the disk is not watched: ${error.message}`));
}

/** Ends the watch; gives how often and for how long the disk stood. */
export async function unwatchDisk() {
  state.going = false;
  await state.ended;
  return { times: state.stands.length, ms: stood(0) };
}

async function keepTrying(path) {
  const file = await open(path, "w");
  try {
    for (let pages = 0; state.going; pages = (pages + 1) % PAGES_MAX) {
      if (pages === 0) await file.truncate(0);
      state.begun = Date.now();
      const timer = setTimeout(() => state.say("this machine's disk stands: nothing is synced"), STANDS_MS);
      await file.write(PAGE, 0, PAGE.length, pages * PAGE.length);
      await file.sync();
      clearTimeout(timer);
      const [from, to] = [state.begun, Date.now()];
      state.begun = 0;
      if (to - from > STANDS_MS) {
        state.stands.push([from, to]);
        state.say(`this machine's disk stood for ${((to - from) / 1000).toFixed(1)} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
    }
  } finally {
    state.begun = 0;
    await file.close();
    await rm(path, { force: true });
  }
}

/** Milliseconds after `since` (as of `Date.now()`) in which the disk stood. */
export function stood(since) {
  const now = Date.now();
  const last = state.begun > 0 && now - state.begun > STANDS_MS ? [[state.begun, now]] : [];
  return [...state.stands, ...last].reduce((sum, [from, to]) => sum + Math.max(0, to - Math.max(from, since)), 0);
}

/** Waits until `check` gives something true, and gives it. The time in which the disk stood is not counted. */
export async function until(check, { ms = 10_000, every = 20, what = "the condition" } = {}) {
  const since = Date.now();
  for (;;) {
    const value = await check();
    if (value) return value;
    const spared = stood(0) < STOOD_MS_MAX ? stood(since) : 0;
    if (Date.now() - since - spared > ms) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

/** What the kernel has to say about work that stands, since `seconds` after its start. */
export function kernelSaid(seconds) {
  const { stdout } = spawnSync("dmesg", [], { encoding: "utf8" });
  return (stdout ?? "").split("\n").filter((line) => {
    const at = /^\[ *(\d+)/.exec(line);
    return at && Number(at[1]) >= seconds && /lockup|blocked for more than|stalls? (on|detected)|I\/O error|Out of memory/.test(line);
  });
}
