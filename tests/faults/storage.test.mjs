// @ts-check
/**
 * Failures beneath the room: its own SQLite between store and link, D1 and KV while edits are written, and
 * a kill while packages are being installed.
 *
 * They are made in the databases' files: a trigger that refuses a statement, a lock that nobody else passes.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { COMPONENT, openGround, reactApp, writeAll } from "./ground.mjs";

/** @type {import("./ground.mjs").Ground} */ let ground;
before(async () => {
  ground = await openGround();
});
after(() => ground?.close());

/** The room's SQLite takes no update any more, until what it answers is called. @param {string} app */
function refuseUpdates(app) {
  const database = ground.database(app, true);
  database.exec("PRAGMA busy_timeout = 5000; CREATE TRIGGER refuse BEFORE INSERT ON updates BEGIN SELECT RAISE(ABORT, 'injected'); END");
  return () => {
    database.exec("DROP TRIGGER refuse");
    database.close();
  };
}

test("an edit that is stored but cannot be linked is kept, and pages are told once it can", async () => {
  const app = "unlinked";
  const made = await ground.at.app(app, reactApp);
  const page = await ground.page(app, "#Left");
  const editor = ground.editor(app);
  const allowUpdates = refuseUpdates(app);
  const answer = await editor.write({ "src/Left.tsx": COMPONENT("Left", "kept.") });
  assert.deepEqual([answer.revision, answer.seq, answer.diagnostics[0].code], [made.revision + 1, made.seq, "internal"]);
  allowUpdates();
  // The page's own socket is enough, when it comes back: nobody else asks the room for anything.
  ground.proxy.cut();
  await page.waitForFunction(() => document.body.innerText.includes("kept."));
  await ground.equalToFresh(app, [page], "kept.");
  const { marker } = await writeAll(editor, 0, 4);
  await ground.equalToFresh(app, [page], marker);
  await editor.verify();
  await page.close();
});

/** Contents of a room that are not in KV yet. @param {string} app */
function uncopied(app) {
  const database = ground.database(app);
  const { left } = /** @type {any} */ (database.prepare("SELECT count(*) AS left FROM contents WHERE in_kv = 0").get());
  database.close();
  return left;
}

test("neither D1 nor KV is in the way of an edit", async (context) => {
  const app = "alone";
  const made = await ground.at.app(app, reactApp);
  const page = await ground.page(app, "#Left");
  const viewer = ground.viewer(app, made.seq);
  const editor = ground.editor(app);
  const bringBack = ground.loseStores();
  context.after(bringBack);
  const { seq, marker } = await writeAll(editor, 0, 12);
  await viewer.reaches(seq);
  viewer.verify(seq);
  await page.waitForFunction((text) => document.body.innerText.includes(text), marker);
  assert.equal(editor.unanswered, 0, "every edit was taken at once");
  const d1 = await ground.at.api("GET", "/v1/apps");
  assert.ok(d1.status >= 500, `D1 answered all the same: ${d1.status}`);
  assert.ok(uncopied(app) > 0, "KV took contents all the same");
  bringBack();
  await ground.equalToFresh(app, [page], marker);
  await editor.verify();
  // The room's alarm copies what KV lacks, whether or not anybody calls.
  while (uncopied(app) > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  viewer.close();
  await page.close();
});

test("a kill while packages are installed delays them, and loses nothing", async () => {
  const app = "installing";
  await ground.at.app(app, { ...reactApp, "src/Left.tsx": 'export const Left = () => null;\n', "src/Right.tsx": 'import ms from "ms";\nexport const Right = () => <p id="Right">{ms(60_000)}</p>;\n', "package.json": JSON.stringify({ dependencies: { react: "19.3.1", "react-dom": "19.3.1", ms: "2.1.3" } }) });
  const page = await ground.browser.newPage();
  const visiting = page.goto(`http://${app}--live.${ground.stack.baseDomain}/`).catch(() => null);
  await ground.stack.killWorker();
  await ground.stack.startWorker();
  // A navigation that met the kill is a person's to repeat.
  if ((await visiting) === null) await page.goto(`http://${app}--live.${ground.stack.baseDomain}/`);
  await page.waitForFunction(() => document.querySelector("#Right")?.textContent === "1m");
  await ground.equalToFresh(app, [page], "1m");
  await page.close();
});
