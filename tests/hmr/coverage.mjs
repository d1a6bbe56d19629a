/**
 * Reads COVERAGE.md: a table of behaviours that other tools test, and where each is tested here.
 */
// @ts-check
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Rows are `| behaviour | where | why |`. `where` is a fixture (`react/keeps-state`), a fixture of the compiler
 * (`compiler/refresh-hooks`), a file with a test and its title (`tests/x.test.mjs: title`), `not applicable` or `open`;
 * the last two have a `why`.
 * @param {string} markdown @param {string[]} fixtures
 */
export function checkCoverage(markdown, fixtures) {
  const counts = { covered: 0, "not applicable": 0, open: 0 };
  const seen = new Set();
  let list = "";
  for (const line of markdown.split("\n")) {
    if (line.startsWith("## ")) list = line;
    const cells = /^\| (.+?) \| (.+?) \| ?(.*?) ?\|$/.exec(line);
    if (!cells || /^(behaviour|-+)$/.test(cells[1])) continue;
    const [, behaviour, where, why] = cells;
    assert.ok(!seen.has(list + behaviour), `twice: ${behaviour}`);
    seen.add(list + behaviour);
    if (where === "not applicable" || where === "open") {
      assert.ok(why.length > 0, `${behaviour}: why is it ${where}?`);
      counts[where] += 1;
      continue;
    }
    for (const place of where.split(", ")) assert.ok(exists(place, fixtures), `${behaviour}: there is no ${place}`);
    counts.covered += 1;
  }
  for (const fixture of fixtures) assert.ok(markdown.includes(fixture), `COVERAGE.md does not name ${fixture}`);
  return counts;
}

/** @param {string} place @param {string[]} fixtures */
function exists(place, fixtures) {
  const [file, title] = place.split(/: (.*)/s);
  if (title !== undefined) return existsSync(join(ROOT, file)) && readFileSync(join(ROOT, file), "utf8").includes(title);
  if (place.startsWith("compiler/")) return existsSync(join(ROOT, "tests", "fixtures", place));
  return fixtures.includes(place);
}
