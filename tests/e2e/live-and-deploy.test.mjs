/**
 * From files to a hot page to a deployment, for the starter and for an app nobody here wrote:
 * create-vite's react-ts template, unmodified.
 */
// @ts-check
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { platform as clientOf } from "../worker/platform.mjs";
import { OUTPUT, ROOT, mark, openPlatform, overlayText, problems, screenshot } from "./platform.mjs";

/** @type {import("./platform.mjs").Platform} */
let platform;
before(async () => {
  platform = await openPlatform();
});
after(() => platform?.close());

/** The deployments' rows as they stand in D1's file. @param {string} app */
function rows(app) {
  const folder = join(platform.stack.state, "worker", "v3", "d1", "miniflare-D1DatabaseObject");
  for (const name of readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))) {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    try {
      return database
        .prepare("SELECT d.id, d.state, d.created_at, d.deployed_at FROM deployments d JOIN apps a ON a.id = d.app_id WHERE a.slug = ? ORDER BY d.created_at, d.id")
        .all(app);
    } finally {
      database.close();
    }
  }
  throw new Error(`no database in ${folder}`);
}

/** Files of npm's template as `npm create vite` lays them down: `_gitignore` becomes `.gitignore`. */
function viteTemplate() {
  const folder = join(mkdtempSync(join(tmpdir(), "hotplate-e2e-")), "react-ts");
  cpSync(join(ROOT, "node_modules", "create-vite", "template-react-ts"), folder, { recursive: true });
  renameSync(join(folder, "_gitignore"), join(folder, ".gitignore"));
  return folder;
}

const APPS = [
  {
    name: "starter",
    folder: () => join(ROOT, "src", "cli", "template"),
    counter: ".counter",
    count: /Count: (\d+)/,
    heading: "h1",
    component: "src/Greeting.tsx",
    rename: (/** @type {string} */ text) => text.replace("Hello from", "Good morning from"),
    renamed: "Good morning from Hotplate",
    counterFile: "src/Counter.tsx",
    changeCounter: (/** @type {string} */ text) => text.replace("{label}: {count}", "{label} is {count}"),
    changedCount: /Count is (\d+)/,
    css: "src/App.css",
  },
  {
    name: "template-react-ts",
    folder: viteTemplate,
    counter: "button",
    count: /[Cc]ount is (\d+)/,
    heading: "h1",
    component: "src/App.tsx",
    rename: (/** @type {string} */ text) => text.replace(/<h1>[^<]*<\/h1>/, "<h1>Edited at the edge</h1>"),
    renamed: "Edited at the edge",
    counterFile: "src/App.tsx",
    changeCounter: (/** @type {string} */ text) => text.replace("ount is {count}", "ounted {count}"),
    changedCount: /[Cc]ounted (\d+)/,
    css: "src/index.css",
  },
];

for (const app of APPS) {
  describe(app.name, () => {
    const slug = app.name;
    /** @type {import("playwright-core").Page} */
    let page;
    /** @type {string[]} */
    let errors;
    /** @type {string} */
    let folder;
    /** @type {string} id of the first deployment */
    let first;

    before(async () => {
      folder = app.folder();
      page = await platform.browser.newPage();
      errors = problems(page);
    });
    after(() => page?.close());

    const count = async (/** @type {RegExp} */ pattern) => Number(pattern.exec(await page.innerText(app.counter))?.[1]);

    test("a pushed folder opens live", async () => {
      const pushed = await platform.hotplate(["push", folder, "--app", slug]);
      assert.equal(pushed.code, 0, pushed.stderr + pushed.stdout);
      await page.goto(platform.live(slug));
      await page.waitForSelector(app.counter);
      for (const image of await page.locator("img").all()) {
        assert.ok(await image.evaluate((node) => node instanceof HTMLImageElement && (node.complete || node.decode().then(() => true))));
      }
      await screenshot(page, `${slug}-live`);
      assert.deepEqual(errors, []);
    });

    test("editing a component shows without a reload and keeps every state", async () => {
      const unmoved = await mark(page);
      for (const _ of [1, 2, 3]) await page.click(app.counter);
      assert.equal(await count(app.count), 3);
      await platform.edit(slug, { [app.component]: app.rename(await platform.file(slug, app.component)) });
      await page.waitForFunction(([selector, text]) => document.querySelector(selector)?.textContent === text, [app.heading, app.renamed]);
      assert.equal(await count(app.count), 3, "another component's edit keeps the count");
      await platform.edit(slug, { [app.counterFile]: app.changeCounter(await platform.file(slug, app.counterFile)) });
      await page.waitForFunction(([selector, source]) => new RegExp(source).test(document.querySelector(selector)?.textContent ?? ""), [app.counter, app.changedCount.source]);
      assert.equal(await count(app.changedCount), 3, "the component's own edit keeps the count");
      await unmoved();
      assert.deepEqual(errors, []);
    });

    test("editing a style sheet changes the page in place", async () => {
      const unmoved = await mark(page);
      const css = await platform.file(slug, app.css);
      await platform.edit(slug, { [app.css]: `${css}\n${app.heading} { letter-spacing: 7px !important; }\n` });
      await page.waitForFunction((selector) => getComputedStyle(/** @type {Element} */ (document.querySelector(selector))).letterSpacing === "7px", app.heading);
      await unmoved();
    });

    test("a syntax error shows in an overlay and the last good page stays; the fix clears it", async () => {
      const unmoved = await mark(page);
      const good = await platform.file(slug, app.component);
      const bad = good.replace(/return\b/, "return return");
      const answer = await platform.edit(slug, { [app.component]: bad });
      const [diagnostic] = answer.diagnostics;
      assert.equal(diagnostic.code, "syntax_error");
      assert.equal(diagnostic.file, app.component);
      const line = bad.split("\n").findIndex((text) => text.includes("return return")) + 1;
      assert.equal(diagnostic.line, line);
      const text = await overlayText(page);
      assert.ok(text.includes(`${app.component}:${line}:`), text);
      assert.ok(text.includes("return return"), "the code frame is shown");
      await screenshot(page, `${slug}-overlay`);
      assert.equal(await page.textContent(app.heading), app.renamed);
      assert.equal(await count(app.changedCount), 3);

      const late = await platform.browser.newPage();
      await late.goto(platform.live(slug));
      assert.ok((await overlayText(late)).includes(app.component), "the error is shown to who comes late");
      await platform.edit(slug, { [app.component]: good });
      await page.waitForSelector("hotplate-overlay", { state: "detached" });
      await late.waitForSelector("hotplate-overlay", { state: "detached" });
      await late.waitForSelector(app.counter);
      await late.close();
      await unmoved();
    });

    test("a page that was cut off gets what it missed, in order", async () => {
      const context = await platform.browser.newContext();
      const cut = await context.newPage();
      /** @type {import("playwright-core").WebSocketRoute[]} */
      const sockets = [];
      let open = true;
      await cut.routeWebSocket(/@live\/socket/, (socket) => {
        if (!open) return void socket.close();
        sockets.push(socket);
        socket.connectToServer();
      });
      await cut.goto(platform.live(slug));
      await cut.waitForSelector(app.counter);
      await cut.evaluate(() => {
        Object.assign(window, { __applied: [] });
        window.addEventListener("hotplate:applied", (event) => Reflect.get(window, "__applied").push(Reflect.get(event, "detail").seq));
      });
      const unmoved = await mark(cut);
      await cut.click(app.counter);
      open = false;
      for (const socket of sockets) await socket.close();
      const good = await platform.file(slug, app.component);
      const seqs = [];
      for (const round of [1, 2, 3]) {
        seqs.push((await platform.edit(slug, { [app.component]: good.replaceAll(app.renamed.split(" ")[0], `Round${round}`) })).seq);
      }
      open = true;
      await cut.waitForFunction((selector) => document.querySelector(selector)?.textContent?.startsWith("Round3"), app.heading);
      assert.equal(Number(app.changedCount.exec(await cut.innerText(app.counter))?.[1]), 1);
      await unmoved();
      const applied = await cut.evaluate(() => Reflect.get(window, "__applied"));
      assert.equal(applied.at(-1), seqs.at(-1));
      assert.deepEqual([...applied].sort((left, right) => left - right), applied);
      await platform.edit(slug, { [app.component]: good });
      await context.close();
    });

    test("a deployment goes through its states and serves its own bytes", async () => {
      const deployment = await platform.deploy(slug);
      assert.equal(deployment.state, "deployed", JSON.stringify(deployment.error));
      assert.deepEqual(deployment.states, ["pending", "building", "deploying", "deployed"]);
      for (const step of ["queued_ms", "build_ms", "upload_ms", "verify_ms", "total_ms"]) assert.ok(deployment.timings[step] >= 0, step);
      first = deployment.id;
      assert.equal(deployment.url, platform.host(`${slug}--${first}`));
      const own = await platform.visit(`${slug}--${first}`);
      assert.equal(own.status, 200);
      assert.equal(own.text, (await platform.visit(slug)).text);
      const script = /src="\/(assets\/[^"]+\.js)"/.exec(own.text)?.[1];
      const served = await platform.visit(`${slug}--${first}`, `/${script}`);
      assert.equal(deployment.bundle.chunks.find((/** @type {{file: string}} */ chunk) => chunk.file === script)?.bytes, Buffer.byteLength(served.text));

      const visit = await platform.browser.newPage();
      const wrong = problems(visit);
      await visit.goto(platform.host(slug));
      await visit.waitForSelector(app.counter);
      assert.equal(await visit.textContent(app.heading), app.renamed);
      await visit.click(app.counter);
      assert.equal(Number(app.changedCount.exec(await visit.innerText(app.counter))?.[1]), 1);
      assert.equal(await visit.evaluate(() => getComputedStyle(/** @type {Element} */ (document.querySelector("h1"))).letterSpacing), "7px");
      await screenshot(visit, `${slug}-deployment`);
      assert.deepEqual(wrong, []);
      await visit.close();
      const again = await platform.ok("POST", `/apps/${slug}/deployments`, {});
      assert.equal(again.id, first, "the same revision gives the same deployment");
    });

    test("a build error ends in failed and leaves the active deployment alone", async () => {
      const good = await platform.file(slug, app.component);
      await platform.edit(slug, { [app.component]: "export const broken = (\n" });
      const failed = await platform.deploy(slug);
      assert.equal(failed.state, "failed");
      assert.equal(failed.error.stage, "building");
      assert.equal(failed.error.diagnostics[0].file, app.component);
      assert.equal((await platform.ok("GET", `/apps/${slug}`)).active_deployment, first);
      assert.equal((await platform.visit(slug)).status, 200);
      await platform.edit(slug, { [app.component]: good });
    });

    test("rollback and activate move the pointer and nothing else", async () => {
      await platform.edit(slug, { [app.component]: (await platform.file(slug, app.component)).replaceAll(app.renamed.split(" ")[0], "Second") });
      const second = await platform.deploy(slug);
      assert.equal(second.state, "deployed", JSON.stringify(second.error));
      const bytes = async (/** @type {string} */ label) => (await platform.visit(label)).text;
      const of = { first: await bytes(`${slug}--${first}`), second: await bytes(`${slug}--${second.id}`) };
      assert.notEqual(of.first, of.second);
      assert.equal(await bytes(slug), of.second);
      assert.deepEqual(await platform.ok("POST", `/apps/${slug}/rollback`), { active: first, previous: second.id });
      await waitFor(async () => (await bytes(slug)) === of.first);
      assert.deepEqual(await platform.ok("POST", `/apps/${slug}/deployments/${second.id}/activate`), { active: second.id, previous: first });
      await waitFor(async () => (await bytes(slug)) === of.second);
      assert.equal(await bytes(`${slug}--${first}`), of.first, "immutable");
      const states = rows(slug).map((row) => [row.id, row.state]);
      assert.deepEqual(states.filter(([, state]) => state === "deployed").map(([id]) => id), [first, second.id]);
      assert.equal(states.filter(([, state]) => state === "failed").length, 1);
    });
  });
}

/** Asks again until it is so; a switch is seen everywhere within the route cache's 250 ms. @param {() => Promise<boolean>} condition */
async function waitFor(condition) {
  const until = Date.now() + 5_000;
  while (!(await condition())) assert.ok(Date.now() < until, "not within 5 s");
}

/** An app whose routes load later, share a module and have sheets; `big` makes its package a chunk of its own. */
const LAZY = {
  "index.html": '<!doctype html><html><head><link rel="icon" href="data:," /></head><body><div id="root"></div><script type="module" src="/src/main.tsx"></script></body></html>',
  "package.json": JSON.stringify({ dependencies: { react: "19.3.1", "react-dom": "19.3.1" } }),
  "src/main.tsx": `import { Suspense, lazy, useState } from "react";
import { createRoot } from "react-dom/client";
import "./main.css";
const routes = { one: lazy(() => import("./One")), two: lazy(() => import("./Two")) };
addEventListener("vite:preloadError", (event) => Object.assign(window, { preloadError: String((event as unknown as { payload: Error }).payload.message) }));
Object.assign(window, { three: () => import("./Three") });
function App() {
  const [route, setRoute] = useState<keyof typeof routes | null>(null);
  const Route = route && routes[route];
  return <>{(["one", "two"] as const).map((name) => <button key={name} id={name} onClick={() => setRoute(name)}>{name}</button>)}<Suspense>{Route && <Route />}</Suspense></>;
}
createRoot(document.getElementById("root")!).render(<App />);`,
  "src/main.css": "h1 { color: rgb(1, 1, 1); letter-spacing: 1px }",
  "src/title.ts": 'import "./title.css"; export const title = (text: string) => `Route ${text}`;',
  "src/title.css": "h1 { color: rgb(2, 2, 2); word-spacing: 2px }",
  "src/One.tsx": 'import { title } from "./title"; import "./One.css"; export default () => <h1 ref={(it) => { if (it) Object.assign(window, { seen: getComputedStyle(it).color }); }}>{title("one")}</h1>;',
  "src/One.css": "h1 { color: rgb(3, 3, 3) }",
  "src/Two.tsx": 'import { title } from "./title"; export default () => <h1>{title("two")}</h1>;',
  "src/Three.ts": 'export const three = 3;',
};

test("a deployed route loads later with its sheet, and says when it cannot", async () => {
  await platform.ok("POST", "/apps", { slug: "lazy" });
  await platform.edit("lazy", LAZY);
  const deployment = await platform.deploy("lazy");
  assert.equal(deployment.state, "deployed", JSON.stringify(deployment.error));
  const named = (/** @type {RegExp} */ pattern) => deployment.bundle.chunks.map((/** @type {{file: string}} */ chunk) => chunk.file).filter((/** @type {string} */ file) => pattern.test(file));
  for (const pattern of [/^assets\/One-\w{8}\.js$/, /^assets\/One-\w{8}\.css$/, /^assets\/title-\w{8}\.js$/, /^assets\/vendor-\w{8}\.js$/]) assert.equal(named(pattern).length, 1, String(pattern));
  const { text } = await platform.visit("lazy");
  assert.ok(text.includes(`<link rel="modulepreload" crossorigin href="/${named(/vendor/)[0]}">`), text);

  const page = await platform.browser.newPage();
  const errors = problems(page);
  /** @type {string[]} */ const asked = [];
  page.on("request", (request) => void asked.push(new URL(request.url()).pathname.slice(1)));
  // From a path of some depth, as a router's reload would be.
  await page.goto(`${platform.host("lazy")}deep/in/the/app`);
  await page.waitForSelector("#one");
  assert.deepEqual(asked.filter((file) => /One|Two|title/.test(file)), [], "nothing of a route before it is asked for");
  await page.click("#one");
  await page.waitForSelector("h1");
  assert.equal(await page.textContent("h1"), "Route one");
  assert.equal(await page.evaluate(() => Reflect.get(window, "seen")), "rgb(3, 3, 3)", "the sheet was there at the first render");
  assert.deepEqual(
    await page.evaluate(() => { const style = getComputedStyle(/** @type {Element} */ (document.querySelector("h1"))); return [style.letterSpacing, style.wordSpacing]; }),
    ["1px", "2px"],
  );
  await page.click("#two");
  await page.waitForFunction(() => document.querySelector("h1")?.textContent === "Route two");
  assert.equal(asked.filter((file) => /title/.test(file)).length, 2, "what routes share is loaded once, script and sheet");
  assert.deepEqual(errors, []);

  await page.route(/Three-/, (route) => route.abort());
  const three = () => page.evaluate(() => Reflect.get(window, "three")().then((/** @type {any} */ found) => found.three, () => "rejected"));
  assert.equal(await three(), "rejected");
  assert.match(await page.evaluate(() => Reflect.get(window, "preloadError")), /Three-/);
  await page.unroute(/Three-/);
  assert.equal(await three(), 3, "the network is back");
  await page.close();
});

test("an error of a deployment leads to the line of its source by its private map", async () => {
  const lines = ["export function fail(text: string): never {", "  // What is thrown from here", "  throw new RangeError(`boom ${text}`);", "}"];
  const files = {
    "index.html": '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/src/main.ts"></script>',
    "src/main.ts": 'import { fail } from "./lib/fail";\nObject.assign(window, { later: () => import("./later") });\nfail("now");\n',
    "src/lib/fail.ts": lines.join("\n"),
    "src/later.ts": 'import { fail } from "./lib/fail";\n\n\nfail("later");\n',
  };
  await platform.ok("POST", "/apps", { slug: "mapped" });
  await platform.edit("mapped", files);
  const deployment = await platform.deploy("mapped");
  assert.equal(deployment.state, "deployed", JSON.stringify(deployment.error));
  const page = await platform.browser.newPage();
  /** @type {string[]} */ const stacks = [];
  const first = new Promise((resolve) => page.on("pageerror", (error) => resolve(stacks.push(String(error.stack)))));
  await page.goto(platform.host("mapped"));
  await first;
  stacks.push(await page.evaluate(() => Reflect.get(window, "later")().catch((/** @type {Error} */ error) => error.stack)));
  await page.close();
  for (const [stack, caller] of [[stacks[0], "src/main.ts:3"], [stacks[1], "src/later.ts:4"]]) {
    const places = [...stack.matchAll(/https?:\/\/[^/]+\/(assets\/[^:?]+\.js)[^:]*:(\d+):(\d+)/g)];
    assert.ok(places.length >= 2, stack);
    const mapped = [];
    for (const [, script, line, column] of places) {
      const map = await platform.ok("GET", `/apps/mapped/deployments/${deployment.id}/maps/${script}.map`);
      const entry = new SourceMap(map).findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in entry) || !entry.originalSource) continue;
      mapped.push(`${entry.originalSource}:${entry.originalLine + 1}`);
      assert.equal(map.sourcesContent[map.sources.indexOf(entry.originalSource)], files[/** @type {"src/later.ts"} */ (entry.originalSource)]);
    }
    assert.deepEqual(mapped.slice(0, 2), ["src/lib/fail.ts:3", caller]);
    const traced = await platform.ok("POST", `/apps/mapped/deployments/${deployment.id}/trace`, { stack });
    assert.match(traced.stack, /RangeError: boom \w+\n.*src\/lib\/fail\.ts:3:\d+/);
    assert.ok(traced.stack.includes(`${caller}:`), traced.stack);
    assert.deepEqual([traced.diagnostic.file, traced.diagnostic.line], ["src/lib/fail.ts", 3]);
    assert.ok(traced.diagnostic.frame.includes(lines[2]), traced.diagnostic.frame);
  }
  // Nothing of it is public.
  const { text } = await platform.visit("mapped");
  const script = /src="\/(assets\/[^"]+\.js)"/.exec(text)?.[1];
  const served = await platform.visit("mapped", `/${script}`);
  assert.ok(!/sourceMappingURL/.test(served.text));
  const guess = await platform.visit("mapped", `/${script}.map`);
  assert.ok(guess.status === 404 && !guess.text.includes("mappings"), `${guess.status} ${guess.text}`);
});

test("screenshots were saved", () => {
  const names = APPS.flatMap((app) => ["live", "overlay", "deployment"].map((kind) => `${app.name}-${kind}.png`));
  for (const name of names) assert.ok(readFileSync(join(OUTPUT, name)).length > 1_000, name);
});

test("state survives a restart of the stack", async () => {
  const before = await platform.ok("GET", "/apps/starter/files");
  const history = await platform.ok("GET", "/apps/starter/revisions");
  await platform.stack.restart();
  assert.deepEqual(await platform.ok("GET", "/apps/starter/files"), before);
  assert.deepEqual(await platform.ok("GET", "/apps/starter/revisions"), history);
  const page = await platform.browser.newPage();
  await page.goto(platform.live("starter"));
  await page.waitForSelector(".counter");
  const edited = await platform.edit("starter", { "src/Greeting.tsx": "export function Greeting() {\n  return <h1>After the restart</h1>;\n}\n" });
  assert.equal(edited.revision, before.revision + 1);
  await page.waitForFunction(() => document.querySelector("h1")?.textContent === "After the restart");
  assert.equal((await platform.visit("starter")).status, 200);
  await page.close();
});

test("what a page throws reaches editors and the log by the app's sources", async () => {
  const client = clientOf(platform.stack);
  const source = (/** @type {string} */ what) => `type Unused = { a: string };\n// not in the generated code\nconst fail = (): never => {\n  throw new RangeError(${JSON.stringify(what)});\n};\ndocument.querySelector("button")!.onclick = () => fail();\nimport.meta.hot?.accept();\nimport.meta.hot?.on("ask", (data) => import.meta.hot?.send("answer", { ...data, ${what}: true }));\n`;
  const made = await client.app("throws", {
    "index.html": '<!doctype html><title>t</title><button>throw</button><script type="module" src="/src/main.ts"></script>',
    "src/main.ts": source("first"),
  });
  const editor = await client.editor("throws");
  const page = await platform.browser.newPage();
  try {
    await page.goto(platform.live("throws"));
    const { viewer } = await editor.until(({ type }) => type === "viewer_joined");
    assert.match(viewer.user_agent, /Chrome/);
    const agreed = async (/** @type {string} */ what) => {
      await page.click("button");
      const error = await editor.until(({ type }) => type === "runtime_error");
      assert.deepEqual([error.viewer, error.diagnostic.message, error.diagnostic.file, error.diagnostic.line, error.diagnostic.column], [viewer.id, what, "src/main.ts", 4, 9]);
      assert.match(error.stack, /^RangeError: \w+\n\s+at fail \(src\/main\.ts:4:9\)\n\s+at (?:\S+ \()?src\/main\.ts:6:\d+\)?/);
      assert.match(error.diagnostic.frame, new RegExp(`^> 4 \\|   throw new RangeError\\("${what}"\\);$`, "m"));
      const [entry] = (await platform.ok("GET", "/apps/throws/logs?level=error&limit=1")).logs;
      assert.deepEqual(entry, error);
      editor.send({ type: "custom", event: "ask", data: { n: 1 } });
      assert.deepEqual(await editor.until(({ type }) => type === "custom"), { type: "custom", viewer: viewer.id, event: "answer", data: { n: 1, [what]: true } });
    };
    await agreed("first");
    // The same from an update's text.
    editor.send({ type: "edit", request_id: "1", base_revision: made.revision, writes: [{ path: "src/main.ts", content: source("second") }] });
    const applied = await editor.until(({ type }) => type === "applied");
    assert.deepEqual([applied.viewer, applied.seq, applied.outcome], [viewer.id, made.seq + 1, "hot"]);
    await agreed("second");
    const { hour } = await platform.ok("GET", "/apps/throws/metrics/hmr");
    assert.deepEqual([hour.updates, hour.hot, hour.apply_ms.count, hour.latency_ms.count], [2, 1, 1, 1]);
  } finally {
    editor.close();
    await page.close();
  }
});
