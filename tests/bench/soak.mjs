// @ts-check
/**
 * `npm run soak [-- --edits 10000 --minutes 30]`: a long stream of edits with a page open. States memory of
 * workerd and of the page and what the room stores, ten times on the way, so that growth shows; fails when
 * the page ends up other than one that was opened just then, or an acknowledged edit is missing.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { parseArgs } from "node:util";
import { OUTPUT } from "../e2e/platform.mjs";
import { edit, openGround, reactApp, writeAll } from "../faults/ground.mjs";
import { memoryOf } from "./memory.mjs";

const { values } = parseArgs({ options: { edits: { type: "string", default: "10000" }, minutes: { type: "string", default: "30" } } });
const EDITS = Number(values.edits);
const EVERY_MS = (Number(values.minutes) * 60_000) / EDITS;
const APP = "soak";
const TABLES = ["updates", "revisions", "changes", "contents", "artifacts", "texts"];

const ground = await openGround();
try {
  const made = await ground.at.app(APP, reactApp);
  const page = await ground.page(APP, "#Left");
  await page.click("#Left");
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const viewer = ground.viewer(APP, made.seq);
  const editor = ground.editor(APP);

  async function sample(/** @type {number} */ edits) {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (/** @type {string} */ name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
    const database = ground.database(APP);
    const rows = Object.fromEntries(TABLES.map((table) => [table, /** @type {any} */ (database.prepare(`SELECT count(*) AS n FROM ${table}`).get()).n]));
    const { bytes } = /** @type {any} */ (database.prepare("SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()").get());
    database.close();
    const elements = await page.evaluate(() => ({ style: document.querySelectorAll("style").length, script: document.scripts.length }));
    const found = {
      edits, workerd_mb: memoryOf(ground.stack), page_heap_mb: Math.round(of("JSHeapUsedSize") / 104857.6) / 10,
      nodes: of("Nodes"), listeners: of("JSEventListeners"), ...elements, room_mb: Math.round(bytes / 104857.6) / 10, rows,
    };
    console.log(JSON.stringify(found));
    return found;
  }

  const samples = [await sample(0)];
  const from = performance.now();
  const tenth = Math.max(1, Math.floor(EDITS / 10));
  for (let n = 0; n < EDITS; n += 1) {
    const early = from + n * EVERY_MS - performance.now();
    if (early > 0) await pass(early);
    await editor.write(edit(n));
    if ((n + 1) % tenth === 0) samples.push(await sample(n + 1));
  }
  const minutes = (performance.now() - from) / 60_000;
  const { seq, marker } = await writeAll(editor, 0, 0);
  await viewer.reaches(seq);
  viewer.verify(seq);
  await ground.equalToFresh(APP, [page], marker);
  const kept = await page.textContent("#Left i");
  await editor.verify();
  const figures = { edits: EDITS, minutes: Math.round(minutes * 10) / 10, acknowledged: editor.acknowledged.length, lost: 0, reordered: 0, state_kept: kept === "1", samples };
  mkdirSync(OUTPUT, { recursive: true });
  writeFileSync(join(OUTPUT, "soak.json"), `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`${EDITS} edits in ${figures.minutes} min: all acknowledged and kept, 0 lost, 0 reordered, page equal to a fresh one, its state ${figures.state_kept ? "kept" : "lost"}`);
} finally {
  await ground.close();
}
process.exit(0);
