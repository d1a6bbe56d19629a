// @ts-check
/**
 * The app's server in its preview: the code of the working tree at the next request, kept through edits of the pages,
 * with the app's files, variables and secrets; and what is said when it does not build, throws, or cannot be built now.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "./platform.mjs";

const APP = "served";
const LIVE = `${APP}--live`;
/** Tells which isolate it runs in: module state lives as long as the Worker does. @param {string} greeting */
const server = (greeting) => `import { suffix } from "./suffix";
let started = "";
export default {
  async fetch(request: Request, env: any) {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/api/started": return new Response((started ||= crypto.randomUUID()));
      case "/api/file": return env.ASSETS.fetch(new URL("/robots.txt", request.url));
      case "/api/throws": throw new Error("on purpose");
      case "/api/stream": return new Response(new ReadableStream({ start(to) { to.enqueue(new TextEncoder().encode("a")); to.enqueue(new TextEncoder().encode("b")); to.close(); } }));
      case "/api/cookies": return new Response("c", { headers: { "set-cookie": "a=b", "service-worker-allowed": "/" } });
      default: return Response.json({ greeting: ${JSON.stringify(greeting)} + suffix, method: request.method, path: pathname, body: await request.text(),
        key: env.API_KEY ?? null, mode: import.meta.env.MODE, title: import.meta.env.VITE_TITLE ?? null, level: env.LEVEL });
    }
  },
};
`;
const FILES = {
  ...page("first"), "worker/index.ts": server("hello"), "worker/suffix.ts": 'export const suffix = "!";\n',
  "wrangler.jsonc": '{ "vars": { "LEVEL": 3 }, "assets": { "run_worker_first": ["/api/*", "/first.txt"] } }\n', "public/first.txt": "a file\n",
};

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack();
  at = platform(stack);
  await at.app(APP, FILES);
});
after(() => stack?.stop());

const started = async () => (await at.visit(LIVE, "/api/started")).text;

test("it answers what no file does, and what it is said to answer first", async () => {
  const { status, json } = await at.visit(LIVE, "/api/hello");
  assert.equal(status, 200);
  assert.deepEqual(json, { greeting: "hello!", method: "GET", path: "/api/hello", body: "", key: null, mode: "development", title: null, level: 3 });
  const posted = await at.ask("POST", LIVE, "/anything?x=1", { body: "text" });
  assert.deepEqual([posted.json.method, posted.json.path, posted.json.body], ["POST", "/anything", "text"]);
  assert.equal((await at.visit(LIVE, "/first.txt")).json.path, "/first.txt");
  assert.equal((await at.visit(LIVE, "/robots.txt")).text, "# first\n", "files come first");
  assert.match((await at.visit(LIVE, "/deep/link", { accept: "text/html", "sec-fetch-mode": "navigate" })).text, /@live\/client\.js/, "navigations get the page");
  assert.equal((await at.visit(LIVE, "/api/file")).text, "# first\n");
  assert.equal((await at.visit(LIVE, "/api/stream")).text, "ab");
  const { headers } = await at.visit(LIVE, "/api/cookies");
  assert.deepEqual([headers["set-cookie"], headers["service-worker-allowed"]], [["a=b"], undefined]);
});

test("an edit of the pages starts no other Worker; one of the server does, at once", async () => {
  const first = await started();
  for (const text of ["second", "third"]) {
    await at.write(APP, page(text));
    assert.equal(await started(), first);
    assert.equal((await at.visit(LIVE, "/api/file")).text, `# ${text}\n`, "its files are the tree's");
  }
  await at.write(APP, { "src/another.ts": "export {};\n" });
  assert.equal(await started(), first, "another file that it does not import");
  await at.write(APP, { "worker/suffix.ts": 'export const suffix = "?";\n' });
  assert.equal((await at.visit(LIVE, "/api/hello")).json.greeting, "hello?");
  assert.notEqual(await started(), first);
});

test("values and secrets reach it", async () => {
  const set = await at.api("PUT", `/v1/apps/${APP}/env`, { json: { vars: { VITE_TITLE: "given" }, secrets: { API_KEY: "sesame", LEVEL: "secret" } } });
  assert.equal(set.status, 200, set.text);
  const { title, key, level } = (await at.visit(LIVE, "/api/hello")).json;
  assert.deepEqual([title, key, level], ["given", "sesame", "secret"]);
  await at.api("PUT", `/v1/apps/${APP}/env`, { json: { secrets: { LEVEL: null } } });
  assert.equal((await at.visit(LIVE, "/api/hello")).json.level, 3);
});

test("an error is told, and the fix answers at once", async () => {
  const thrown = await at.visit(LIVE, "/api/throws");
  assert.deepEqual([thrown.status, thrown.json.code, thrown.json.detail], [500, "app_error", "on purpose"]);
  await at.write(APP, { "worker/index.ts": "export default {\n  fetch() { return new Response( },\n};\n" });
  const broken = await at.visit(LIVE, "/api/hello");
  assert.deepEqual([broken.status, broken.json.code], [500, "server_build_failed"]);
  assert.match(broken.json.detail, /^worker\/index\.ts:2:\d+: /);
  assert.equal((await at.visit(LIVE, "/robots.txt")).status, 200, "files stay");
  await at.write(APP, { "worker/index.ts": 'import { none } from "no-such-package-of-this-app";\nexport default { fetch: () => new Response(none) };\n' });
  assert.match((await at.visit(LIVE, "/api/hello")).json.detail, /no-such-package-of-this-app/);
  await at.write(APP, { "worker/index.ts": server("mended") });
  assert.equal((await at.visit(LIVE, "/api/hello")).json.greeting, "mended?");
});

test("while the build service is away, what is known goes on and what is not says so", async () => {
  const first = await started();
  await stack.killBuildService();
  await at.write(APP, page("meanwhile"));
  assert.equal(await started(), first);
  await at.write(APP, { "worker/suffix.ts": 'export const suffix = ".";\n' });
  const answer = await at.visit(LIVE, "/api/hello");
  assert.deepEqual([answer.status, answer.json.code], [503, "unavailable"]);
  assert.equal((await at.visit(LIVE, "/")).status, 200);
  await stack.startBuildService();
  assert.equal((await at.visit(LIVE, "/api/hello")).json.greeting, "mended.");
});

test("it is remembered when the platform starts anew, and gone when its file is", async () => {
  await stack.killWorker();
  await stack.startWorker();
  assert.equal((await at.visit(LIVE, "/api/hello")).json.greeting, "mended.");
  const removed = await at.api("PATCH", `/v1/apps/${APP}/files`, { json: { writes: [], deletes: ["worker/index.ts"] } });
  assert.equal(removed.status, 200, removed.text);
  assert.equal((await at.visit(LIVE, "/api/hello")).status, 404);
  assert.equal((await at.ask("POST", LIVE, "/api/hello", { body: "" })).status, 405);
  await at.app("plain", page("plain"));
  assert.equal((await at.ask("POST", "plain--live", "/", { body: "" })).json.code, "method_not_allowed");
});
