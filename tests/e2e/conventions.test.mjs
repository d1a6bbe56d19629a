/**
 * Vite's conventions in a browser: small apps, one a folder, that open live and as a deployment, show what
 * they should, and leave the console clean. What needs no browser is tested by fixtures of the crates.
 */
// @ts-check
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { SourceMap } from "node:module";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, openPlatform, problems } from "./platform.mjs";

const FIXTURES = join(ROOT, "tests", "fixtures", "conventions");
const INDEX = '<!doctype html><html><head><link rel="icon" href="data:,"></head><body><div id="root"></div><script type="module" src="/src/main.ts"></script></body></html>';

/** @type {import("./platform.mjs").Platform} */
let platform;
before(async () => {
  platform = await openPlatform();
});
after(() => platform?.close());

/** The files of a fixture; those whose names begin with `expected` say what it shows. @param {string} name */
function app(name) {
  const folder = join(FIXTURES, name);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  /** @param {string} path */
  const read = (path) => readFileSync(join(folder, path));
  const live = read("expected.txt").toString().trimEnd();
  const deployed = paths.includes("expected.deployed.txt") ? read("expected.deployed.txt").toString().trimEnd() : live;
  const writes = paths.filter((path) => !path.startsWith("expected")).map((path) => ({ path, base64: read(path).toString("base64") }));
  if (!paths.includes("index.html")) writes.push({ path: "index.html", base64: Buffer.from(INDEX).toString("base64") });
  return { writes, live, deployed };
}

/** Opens a page and waits for what it shows. @param {string} url */
async function open(url) {
  const page = await platform.browser.newPage();
  const complaints = problems(page);
  await page.goto(url);
  await shown(page, (text) => text !== "").catch((error) => {
    throw new Error(`${url} shows nothing: ${error.message}\n${complaints.join("\n")}`);
  });
  return { page, text: await page.locator("output").textContent(), complaints };
}

/** @param {import("./platform.mjs").Page} page @param {(text: string) => boolean} wanted */
async function shown(page, wanted) {
  const source = wanted.toString();
  await page.waitForFunction((source) => {
    const text = document.querySelector("output")?.textContent;
    return text !== undefined && text !== null && new Function(`return ${source}`)()(text);
  }, source);
}

for (const name of readdirSync(FIXTURES).sort()) {
  test(name, async () => {
    const { writes, live, deployed } = app(name);
    await platform.ok("POST", "/apps", { slug: name });
    const edited = await platform.ok("PATCH", `/apps/${name}/files`, { writes, deletes: [] });
    assert.deepEqual(edited.diagnostics, []);
    const preview = await open(platform.live(name));
    assert.deepEqual({ text: preview.text, complaints: preview.complaints }, { text: live, complaints: [] }, "live");
    await preview.page.close();
    const deployment = await platform.deploy(name);
    assert.equal(deployment.state, "deployed", JSON.stringify(deployment.error, null, 1));
    const release = await open(platform.host(name));
    assert.deepEqual({ text: release.text, complaints: release.complaints }, { text: deployed, complaints: [] }, "deployed");
    await release.page.close();
  });
}

test("an edit of a module that only a worker runs loads the page anew, and the worker is the new one", async () => {
  const { page } = await open(platform.live("workers"));
  await platform.edit("workers", { "src/work/late.ts": 'export const late = "edited";\n' });
  await shown(page, (text) => text.includes('"edited"'));
  // A module that both run is one that the worker runs; Vite loads the page anew then, too.
  await platform.edit("workers", { "src/work/label.ts": 'export const label = "relabelled";\n' });
  await shown(page, (text) => text.includes('shared: ["early","relabelled"]'));
  await page.close();
});

test("a page that accepts the worker's module expressly starts the new one without a reload", async () => {
  await platform.ok("POST", "/apps", { slug: "accepting" });
  await platform.edit("accepting", {
    "index.html": INDEX.replace("<div", "<output></output><div"),
    "src/main.ts": `import "./counter";\ndocument.title = String(Math.random());\n`,
    "src/counter.ts": `const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => { document.querySelector("output")!.textContent = data; };
import.meta.hot?.accept();
import.meta.hot?.dispose(() => worker.terminate());\n`,
    "src/worker.ts": `self.postMessage("first");\n`,
  });
  const { page } = await open(platform.live("accepting"));
  const title = await page.title();
  await platform.edit("accepting", { "src/worker.ts": `self.postMessage("second");\n` });
  await shown(page, (text) => text === "second");
  assert.equal(await page.title(), title, "the page was loaded anew");
  await page.close();
});

test("developer tools find the place of a rule in the app's own sheet", async () => {
  const page = await platform.browser.newPage();
  const session = await page.context().newCDPSession(page);
  /** @type {any[]} */ const sheets = [];
  session.on("CSS.styleSheetAdded", ({ header }) => sheets.push(header));
  await session.send("DOM.enable");
  await session.send("CSS.enable");
  await page.goto(platform.live("styles"));
  await shown(page, (text) => text !== "");
  /** @param {string} id @param {string} [before] address of the map that it had */
  const mapped = async (id, before) => {
    const find = () => sheets.find(({ sourceMapURL }) => sourceMapURL?.includes(`id=${encodeURIComponent(id)}&`) && sourceMapURL !== before);
    while (!find()) await once(session, "CSS.styleSheetAdded");
    const header = find();
    const { text } = await session.send("CSS.getStyleSheetText", { styleSheetId: header.styleSheetId });
    const map = await page.evaluate((url) => fetch(url).then((answer) => answer.json()), header.sourceMapURL);
    return { text: /** @type {string} */ (text), map, url: header.sourceMapURL };
  };
  const { text, map } = await mapped("/src/nested/entry.css");
  const line = text.split("\n").findIndex((one) => one.includes(".leaflet-container"));
  const entry = new SourceMap(map).findEntry(line, 0);
  assert.deepEqual([entry.originalSource, entry.originalLine], ["/src/nested/entry.css", 3]);
  assert.match(map.sourcesContent[0], /^@import "\.\/outer\.css" layer\(outer\);/);
  // An edit brings a new text and a new map.
  const { url } = await mapped("/src/order/z.css");
  await platform.edit("styles", { "src/order/z.css": "\n\n.order { color: rgb(9, 0, 0) }\n" });
  const edited = (await mapped("/src/order/z.css", url)).map;
  assert.equal(new SourceMap(edited).findEntry(0, 0).originalLine, 2);
  await page.close();
});

test("the badge stays away where the address or the app says so", async () => {
  /** @param {string} app @param {string} query */
  const badges = async (app, query) => {
    const page = await platform.browser.newPage();
    // The socket is open: by then the badge says so, if there is one.
    const connected = page.waitForEvent("websocket").then((socket) => socket.waitForEvent("framereceived"));
    await page.goto(platform.live(app) + query);
    await shown(page, (text) => text !== "");
    await connected;
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const count = await page.locator("hotplate-indicator").count();
    await page.close();
    return count;
  };
  await platform.ok("POST", "/apps", { slug: "badge" });
  const page = INDEX.replace("<div", "<output>here</output><div");
  await platform.edit("badge", { "index.html": page, "src/main.ts": "export {};\n" });
  assert.deepEqual([await badges("badge", ""), await badges("badge", "?hotplate-indicator=off")], [1, 0]);
  await platform.edit("badge", { "index.html": page.replace("</head>", '<meta name="hotplate-indicator" content="off"></head>') });
  assert.deepEqual([await badges("badge", ""), await badges("badge", "?hotplate-indicator=on")], [0, 1]);
});
