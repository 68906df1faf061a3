// Surgery on compiled contracts: takes a module apart into sections, changes one, and puts it together again.

const MAGIC_LENGTH = 8;

export const SECTION = { type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8, element: 9, code: 10, data: 11, dataCount: 12 };

/** The order in which sections must stand; the data count is the odd one. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

export function leb(number) {
  const bytes = [];
  let rest = number;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

export function readLeb(bytes, at) {
  let value = 0;
  let factor = 1;
  for (let next = at; ; next += 1) {
    value += (bytes[next] & 127) * factor;
    factor *= 128;
    if (bytes[next] < 128) return [value, next + 1];
  }
}

/** The module's sections as `{ id, body }`. */
export function sections(module) {
  const found = [];
  for (let at = MAGIC_LENGTH; at < module.length; ) {
    const id = module[at];
    const [length, start] = readLeb(module, at + 1);
    found.push({ id, body: module.slice(start, start + length) });
    at = start + length;
  }
  return found;
}

export function assemble(module, list) {
  const parts = [...module.slice(0, MAGIC_LENGTH)];
  const chunks = [Uint8Array.from(parts)];
  for (const { id, body } of list) chunks.push(Uint8Array.from([id, ...leb(body.length)]), Uint8Array.from(body));
  return concat(chunks);
}

/** The module with one section changed by `change(body)`, added if it is not there. */
export function withSection(module, id, change) {
  const list = sections(module).filter((section) => section.id !== 0);
  const known = list.find((section) => section.id === id);
  if (known) {
    known.body = Uint8Array.from(change(known.body));
    return assemble(module, list);
  }
  const place = list.findIndex((section) => ORDER.indexOf(section.id) > ORDER.indexOf(id));
  list.splice(place === -1 ? list.length : place, 0, { id, body: Uint8Array.from(change(undefined)) });
  return assemble(module, list);
}

/** The module with one function more, of the module's first type, with this body (locals and code). */
export function withFunction(module, body) {
  const grow = (bytes, entry) => {
    const [count, start] = readLeb(bytes, 0);
    return concat([leb(count + 1), bytes.slice(start), entry]);
  };
  const typed = withSection(module, SECTION.function, (functions) => grow(functions, [0]));
  return withSection(typed, SECTION.code, (code) => grow(code, concat([leb(body.length), body])));
}

/** The index of an exported function. */
export function exportIndex(module, name) {
  const { body } = sections(module).find((section) => section.id === SECTION.export);
  let [count, at] = readLeb(body, 0);
  while (count > 0) {
    const [length, start] = readLeb(body, at);
    const found = Buffer.from(body.slice(start, start + length)).toString();
    const [index, next] = readLeb(body, start + length + 1);
    if (found === name) return index;
    at = next;
    count -= 1;
  }
  throw new Error(`no export ${name}`);
}

/** The module with a name replaced by another of the same length, everywhere. */
export function renamed(module, from, to) {
  if (from.length !== to.length) throw new Error("names must have the same length");
  const text = Buffer.from(module).toString("latin1").replaceAll(from, to);
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function concat(chunks) {
  return new Uint8Array(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
}
