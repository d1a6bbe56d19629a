/**
 * Fuzzing of the compiler and the linker for a short while: the same cases each time, as long as the fixtures
 * that they are made of stay the same. `npm run fuzz -- --minutes 10` goes on with others.
 */
// @ts-check
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = fileURLToPath(new URL("fuzz/run.mjs", import.meta.url));

for (const target of ["compile", "link"]) {
  test(`nothing is found in ${target}`, async (context) => {
    const { stdout } = await promisify(execFile)(
      process.execPath, ["--experimental-vm-modules", "--no-warnings", run, "--target", target], { maxBuffer: 1 << 26 },
    ).catch((error) => ({ stdout: `${error.stdout}\n${error.stderr}` }));
    const counts = new RegExp(`^${target}: (\\d+) executions .* (\\d+) of them with errors; (\\d+) texts parsed by V8; 0 findings`, "m").exec(stdout);
    assert.ok(counts, stdout);
    context.diagnostic(counts[0]);
    const [executions, refused, parsed] = counts.slice(1).map(Number);
    // It would find nothing, too, if nothing compiled.
    assert.ok(executions - refused > executions / 5 && parsed > executions / 2, counts[0]);
  });
}
