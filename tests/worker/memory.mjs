// @ts-check
/**
 * A copy of the Worker's code whose WebAssembly may use less memory. An allocation that fails is a trap, as a
 * panic or a full stack is, and it needs nothing in the code that only tests would use: production's isolates
 * have a limit, too, the local ones have none.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../worker-shims/local/places.mjs";
import { CODE } from "../../worker-shims/local/stack.mjs";

const PAGE_BYTES = 64 * 1024;
const HEADER_BYTES = 8;
const MEMORY_SECTION = 5;

/** An unsigned LEB128 number and where it ends. @param {Buffer} bytes @param {number} at @returns {[number, number]} */
function read(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at];
    at += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

/** @param {number} value */
function written(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}

/** The module with a limit on its one memory. @param {Buffer} module @param {number} bytes */
function limited(module, bytes) {
  for (let at = HEADER_BYTES; at < module.length; ) {
    const [size, start] = read(module, at + 1);
    if (module[at] === MEMORY_SECTION) {
      const [count, flags] = read(module, start);
      const [minimum] = read(module, flags + 1);
      assert.deepEqual([count, module[flags]], [1, 0], "one memory, without a limit");
      const maximum = Math.floor(bytes / PAGE_BYTES);
      assert.ok(minimum < maximum, `the module begins with ${minimum} pages`);
      const body = Buffer.concat([written(1), Buffer.from([1]), written(minimum), written(maximum)]);
      return Buffer.concat([module.subarray(0, at), Buffer.from([MEMORY_SECTION]), written(body.length), body, module.subarray(start + size)]);
    }
    at = start + size;
  }
  return assert.fail("the module has no memory");
}

/** @param {number} bytes @returns {{code: string, remove(): void}} a folder laid out as this one */
export function withMemory(bytes) {
  const code = mkdtempSync(join(tmpdir(), "hotplate-memory-"));
  for (const part of CODE) cpSync(join(ROOT, part), join(code, part), { recursive: true });
  const module = join(code, "src", "edge", "build", "index_bg.wasm");
  writeFileSync(module, limited(readFileSync(module), bytes));
  return { code, remove: () => rmSync(code, { recursive: true, force: true }) };
}
