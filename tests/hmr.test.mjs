/**
 * Hot replacement as people see it: each folder of `tests/hmr/fixtures` is an app that the room compiles in
 * workerd and a Chromium tab shows while it is edited. One stack, one browser, one vendor chunk.
 *
 * `HMR=react/,css` runs the fixtures whose names contain one of that.
 */
// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openPlatform } from "./e2e/platform.mjs";
import { FOLDER, fixtureNames, readFixture } from "./hmr/fixture.mjs";
import { checkCoverage } from "./hmr/coverage.mjs";
import { Run } from "./hmr/run.mjs";

const only = (process.env.HMR ?? "").split(",");
const names = fixtureNames();

/** @type {import("./e2e/platform.mjs").Platform} */
let platform;
before(async () => {
  platform = await openPlatform();
});
after(() => platform?.close());

describe("fixtures", { concurrency: 2 }, () => {
  for (const name of names.filter((name) => only.some((part) => name.includes(part)))) {
    test(name, async () => {
      const run = await Run.open(platform, readFixture(name));
      try {
        await run.play();
      } finally {
        await run.close();
      }
    });
  }
});

test("COVERAGE.md names every behaviour once, and fixtures that exist", () => {
  const counts = checkCoverage(readFileSync(join(FOLDER, "COVERAGE.md"), "utf8"), names);
  console.log(Object.entries(counts).map(([state, count]) => `${state}: ${count}`).join(", "));
  assert.ok(counts.covered > 0);
});
