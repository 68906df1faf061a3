// The second engine: V8, on a thread with a stack of its own. Reads prepared modules (length as little-endian u32, bytes) on
// standard input, writes a line for each.
const { createHash } = require('node:crypto');
const { readSync, writeSync } = require('node:fs');
const [GAS, IMPORT_GAS, CALLS, IMPORTS] = JSON.parse(require('node:worker_threads').workerData);

function classOf(error) {
  const text = String(error.message);
  if (error instanceof RangeError) return 'V8 ran out of stack';
  if (!(error instanceof WebAssembly.RuntimeError)) return `V8 threw: ${text}`;
  if (text === 'unreachable') return 'unreachable';
  if (text.startsWith('memory access out of bounds')) return 'memory';
  if (text.startsWith('table index is out of bounds') || text.includes('function signature mismatch')) return 'indirect call';
  if (text === 'divide by zero' || text === 'remainder by zero') return 'division by zero';
  if (text === 'divide result unrepresentable' || text.startsWith('float unrepresentable')) return 'conversion';
  return `V8 trapped: ${text}`;
}

function run(bytes) {
  let exports;
  const env = {};
  IMPORTS.forEach(([name, result], place) => {
    env[name] = (a = 0, b = 0, c = 0, d = 0) => {
      const wide = 31n * BigInt(a >>> 0) + 17n * BigInt(b >>> 0) + 7n * BigInt(c >>> 0) + 3n * BigInt(d >>> 0) + BigInt(place);
      const value = Number(wide & 0xffffffffn);
      const memory = new Uint8Array(exports.memory.buffer);
      if (memory.length > 0) memory[value % memory.length] += 1;
      exports.gas.value -= BigInt(IMPORT_GAS);
      if (result === 'i64') return BigInt(value);
      return result === 'i32' ? value | 0 : undefined;
    };
  });
  exports = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports;
  let line = '';
  for (const [name, args] of CALLS) {
    exports.gas.value = BigInt(GAS);
    let shown;
    let trapped = false;
    try {
      shown = (exports[name](...args.map((a) => a | 0)) ?? 0) >>> 0;
    } catch (error) {
      shown = classOf(error);
      trapped = true;
    }
    line += `${shown},${exports.gas.value},${exports.depth.value >>> 0};`;
    if (trapped) break;
  }
  // Once: hashing takes longer than most calls.
  return line + createHash('sha256').update(new Uint8Array(exports.memory.buffer)).digest('hex').slice(0, 16);
}

function read(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const n = readSync(0, bytes, at, length - at, null);
    if (n === 0) return undefined;
    at += n;
  }
  return bytes;
}

for (let length; (length = read(4)) !== undefined; ) {
  const bytes = read(length.readUInt32LE(0));
  let line;
  try {
    line = run(bytes);
  } catch (error) {
    line = `V8 refused the module: ${error.message}`.replaceAll('\n', ' ');
  }
  writeSync(1, `${line}\n`);
}
