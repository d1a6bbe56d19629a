// @ts-check
/**
 * The live host and the room's socket in workerd: what every path answers, what viewers are told of
 * edits and errors, and what one that comes back is sent.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "./platform.mjs";

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  stack = await startStack();
  at = platform(stack);
});
after(() => stack?.stop());

const VITE_PAGE = '<!doctype html><title>t</title><div id="root"></div><script type="module" src="/src/main.ts"></script>';
/** @param {any} update */
const ids = (update) => update.modules.map((/** @type {any} */ module) => module.id);
/** @param {string} type */
const is = (type) => (/** @type {any} */ message) => message.type === type;

describe("paths of the live host", () => {
  before(() =>
    at.app("paths", {
      ...page("hello"),
      "src/main.ts": 'import "./style.css";\nimport data from "./data.json";\nimport url from "./a.svg";\nconsole.log(data, url);\n',
      "src/style.css": ".a { color: red; }\n", "src/data.json": '{"one": 1}', "src/a.svg": "<svg/>", "public/b.svg": "<svg id='b'/>",
    }),
  );

  /** @type {[string, RegExp, RegExp, Record<string, string>?][]} */
  const served = [
    ["/", /^text\/html/, /__hotplate__\.start\("\/src\/main\.ts"\)/],
    ["/index.html", /^text\/html/, /@live\/client\.js\?v=[0-9a-f]{8}/],
    ["/@live/client.js", /^text\/javascript/, /__hotplate__/],
    ["/@live/registry.js", /^text\/javascript/, /define\("\/src\/main\.ts"[\s\S]*loaded\(\{/],
    ["/src/a.svg", /^image\/svg\+xml/, /^<svg\/>$/],
    ["/b.svg", /^image\/svg\+xml/, /id='b'/],
    ["/src/style.css", /^text\/css/, /color:\s*red/],
    ["/src/data.json", /^application\/json/, /"one"/],
    ["/robots.txt", /^text\/plain/, /^# hello$/m],
    ["/a/route/of/the/app", /^text\/html/, /__hotplate__\.start/, { accept: "text/html", "sec-fetch-mode": "navigate" }],
  ];
  for (const [path, type, content, headers] of served) {
    test(`${path} is served`, async () => {
      const answer = await at.visit("paths--live", path, headers);
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.headers["content-type"] ?? "", type);
      assert.match(answer.text, content);
      assert.ok(answer.headers["cache-control"], "says how long it may be kept");
    });
  }

  test("a file that is not there is a problem, not the page", async () => {
    for (const path of ["/src/none.ts", "/@vendor/0000.js", "/@live/map?id=none", "/@live/none"]) {
      const answer = await at.visit("paths--live", path);
      assert.equal(answer.status, 404, path);
      assert.match(answer.text, /not_found|no file|there is no/i, path);
    }
    const traversal = await at.visit("paths--live", "/%2e%2e/%2e%2e/secret");
    assert.ok(traversal.status >= 400 && traversal.status < 500, `${traversal.status}`);
  });

  test("a file's ETag answers 304, and its address with the version may be kept for ever", async () => {
    const first = await at.visit("paths--live", "/src/a.svg");
    const again = await at.visit("paths--live", "/src/a.svg", { "if-none-match": String(first.headers.etag) });
    assert.deepEqual([again.status, again.text], [304, ""]);
    const url = /"(\/src\/a\.svg\?v=[0-9a-f]{8})"/.exec((await at.visit("paths--live", "/@live/registry.js")).text)?.[1];
    assert.ok(url);
    assert.match((await at.visit("paths--live", url)).headers["cache-control"] ?? "", /immutable/);
    assert.match((await at.visit("paths--live", "/src/a.svg?v=00000000")).headers["cache-control"] ?? "", /no-cache/);
  });

  test("a module's source map names its source", async () => {
    const map = (await at.visit("paths--live", "/@live/map?id=/src/main.ts")).json;
    assert.equal(map.version, 3);
    assert.match(JSON.stringify(map.sources), /main\.ts/);
  });

  test("an app without index.html says what to do, and shows its page when there is one", async () => {
    await at.app("waiting", { "src/main.ts": "export {};\n" });
    assert.match((await at.visit("waiting--live", "/")).text, /no index\.html yet/);
    const viewer = await at.watch("waiting", 0);
    await at.write("waiting", { "index.html": VITE_PAGE });
    const reload = await viewer.until(is("reload"));
    assert.match(reload.reason, /index\.html/);
    viewer.close();
  });

  test("a live host of no app", async () => {
    assert.equal((await at.visit("nobody--live", "/")).status, 404);
    await assert.rejects(at.watch("nobody", 0), /404/);
  });
});

describe("work in proportion to an edit", () => {
  const leaf = (/** @type {number} */ at, /** @type {string} */ more = "") => `${more}export const x${at} = ${at};\n`;
  const SIZES = [20, 600];
  before(async () => {
    for (const size of SIZES) {
      const names = Array.from({ length: size }, (_, at) => at);
      await at.app(`counted-${size}`, {
        "index.html": VITE_PAGE,
        // Something is wrong elsewhere, as it often is.
        "src/wrong.ts": "export const = 1;\n",
        "src/main.ts": names.map((name) => `import { x${name} } from "./m${name}";\nconsole.log(x${name});\n`).join("") + 'import "./wrong";\n',
        ...Object.fromEntries(names.map((name) => [`src/m${name}.ts`, leaf(name)])),
      });
    }
  });

  /** @type {[name: string, files: Record<string, string | null>, compiled: number, linked: number][]} */
  const edits = [
    ["a leaf", { "src/m7.ts": `${leaf(7)}export const y = 1;\n` }, 1, 1],
    ["the same content", { "src/m7.ts": `${leaf(7)}export const y = 1;\n` }, 0, 0],
    ["an import of a new module: the importer and what is new", { "src/m7.ts": leaf(7, 'import "./new";\n'), "src/new.ts": "export {};\n" }, 2, 2],
    ["a file of no module", { "notes.md": "# notes\n" }, 0, 0],
    ["a module that goes, and its import", { "src/m7.ts": leaf(7), "src/new.ts": null }, 1, 2],
  ];
  for (const [name, files, compiled, linked] of edits) {
    test(`${name}: the same in apps of ${SIZES.join(" and ")} modules`, async () => {
      const writes = Object.entries(files).flatMap(([path, content]) => (content === null ? [] : [{ path, content }]));
      const deletes = Object.keys(files).filter((path) => files[path] === null);
      const done = [];
      for (const size of SIZES) {
        const answer = await at.api("PATCH", `/v1/apps/counted-${size}/files`, { json: { writes, deletes } });
        assert.equal(answer.status, 200, answer.text);
        const work = String(answer.headers["server-timing"]);
        // Modules compiled, linked and asked what is said of them; rows of SQLite read and written.
        const [, rows] = new RegExp(`^compile;desc="${compiled} modules", link;desc="${linked} modules", diagnose;desc="1 modules", store;desc="(\\d+) rows"$`).exec(work) ?? assert.fail(work);
        done.push(Number(rows));
      }
      // The first edit of a minute writes one row more.
      assert.ok(Math.abs(done[0] - done[1]) <= 3, `rows: ${done.join(" and ")}`);
    });
  }
});

describe("the socket", () => {
  test("tells the position, then every edit, once and in order", async () => {
    const made = await at.app("order", page("0"));
    const viewer = await at.watch("order", made.seq);
    assert.deepEqual(await viewer.next(), { type: "connected", seq: made.seq, revision: 1 });
    for (let edit = 1; edit <= 20; edit++) await at.write("order", { "src/main.ts": `export const edit = ${edit};\n` });
    const updates = await viewer.drain();
    assert.deepEqual(updates.map((update) => update.seq), Array.from({ length: 20 }, (_, index) => made.seq + 1 + index));
    updates.forEach((update, index) => {
      assert.deepEqual([update.type, ids(update), update.to], ["update", ["/src/main.ts"], index + 2]);
      assert.match(update.modules[0].code, new RegExp(`edit = ${index + 1}\\b`));
    });
    viewer.close();
  });

  test("counts its viewers, and answers a ping", async () => {
    await at.app("count", page("0"));
    const viewers = await Promise.all([0, 1, 2].map(() => at.watch("count")));
    assert.equal((await at.write("count", { "src/main.ts": "export {};\n" })).clients, 3);
    for (const viewer of viewers) assert.deepEqual((await viewer.drain()).map(({ type }) => type), ["connected", "update"]);
    for (const viewer of viewers) viewer.close();
  });

  test("an edit of what the page does not reach changes no registry", async () => {
    const made = await at.app("aside", page("0"));
    const viewer = await at.watch("aside", made.seq);
    const answer = await at.write("aside", { "notes.md": "# notes\n", "src/unused.ts": "export const unused = 1;\n" });
    assert.deepEqual([answer.revision, answer.seq], [2, made.seq]);
    assert.deepEqual((await viewer.drain()).map(({ type }) => type), ["connected"]);
    viewer.close();
  });

  test("new and removed imports come and go with the edit", async () => {
    const made = await at.app("graph", { ...page("0"), "src/main.ts": "export {};\n", "src/dep.ts": "export const dep = 1;\n" });
    const viewer = await at.watch("graph", made.seq);
    await viewer.next();
    await at.write("graph", { "src/main.ts": 'import { dep } from "./dep";\nconsole.log(dep);\n' });
    const added = await viewer.next();
    assert.deepEqual(ids(added), ["/src/dep.ts", "/src/main.ts"]);
    assert.deepEqual(added.modules[1].deps, { "./dep": "/src/dep.ts" });
    await at.write("graph", { "src/main.ts": "export {};\n" });
    const gone = await viewer.next();
    assert.deepEqual([ids(gone), gone.removed], [["/src/main.ts"], ["/src/dep.ts"]]);
    viewer.close();
  });

  test("a style sheet travels as text alone", async () => {
    const made = await at.app("sheet", { ...page("0"), "src/main.ts": 'import "./a.css";\n', "src/a.css": "a { color: red }\n" });
    const viewer = await at.watch("sheet", made.seq);
    await viewer.next();
    await at.write("sheet", { "src/a.css": "a { color: blue }\n" });
    const update = await viewer.next();
    assert.deepEqual([ids(update), update.css.map((/** @type {any} */ css) => css.id)], [[], ["/src/a.css"]]);
    assert.match(update.css[0].code, /blue|#00f/);
    viewer.close();
  });

  test("messages that mean nothing change nothing", async () => {
    const made = await at.app("noise", page("0"));
    const viewer = await at.watch("noise", made.seq);
    for (const noise of ["", "{", "null", '{"type":"none"}', '{"type":"hello","seq":-1}', "x".repeat(100_000)]) viewer.send(noise);
    await at.write("noise", { "src/main.ts": "export const after = 1;\n" });
    assert.deepEqual((await viewer.drain()).map(({ type }) => type), ["connected", "update"]);
    viewer.close();
  });

  test("a malformed position is refused", async () => {
    await at.app("position", page("0"));
    await assert.rejects(at.watch("position", "-1"), /422|400/);
    await assert.rejects(at.watch("position", "many"), /422|400/);
  });

  test("sockets are closed with the app", async () => {
    await at.app("closing", page("0"));
    const viewer = await at.watch("closing");
    await at.api("DELETE", "/v1/apps/closing");
    assert.deepEqual(await viewer.closed, { code: 4004, reason: "the app was removed" });
  });
});

describe("a viewer that comes back", () => {
  test("gets what it missed, in order, and nothing else", async () => {
    const made = await at.app("back", page("0"));
    const first = await at.watch("back", made.seq);
    await first.next();
    first.cut();
    for (let edit = 1; edit <= 5; edit++) await at.write("back", { "src/main.ts": `export const edit = ${edit};\n` });
    for (const missed of [5, 2, 0]) {
      const viewer = await at.watch("back", made.seq + 5 - missed);
      const [connected, ...updates] = await viewer.drain();
      assert.equal(connected.seq, made.seq + 5);
      assert.deepEqual(updates.map((update) => update.seq), Array.from({ length: missed }, (_, index) => made.seq + 6 - missed + index));
      viewer.close();
    }
  });

  test("says hello instead, and gets the same", async () => {
    const made = await at.app("hello", page("0"));
    await at.write("hello", { "src/main.ts": "export const edit = 1;\n" });
    const viewer = await at.watch("hello");
    assert.deepEqual((await viewer.drain()).map(({ type }) => type), ["connected"]);
    viewer.send({ type: "hello", seq: made.seq });
    assert.deepEqual((await viewer.drain()).map(({ seq }) => seq), [made.seq + 1]);
    viewer.close();
  });

  test("loads anew when it has seen what never was", async () => {
    await at.app("future", page("0"));
    const viewer = await at.watch("future", 4_000);
    assert.deepEqual((await viewer.drain()).map(({ type }) => type), ["connected", "reload"]);
    viewer.close();
  });

  test("loads anew when the log no longer reaches back", async () => {
    const made = await at.app("old", page("0"));
    // The log keeps 8 MiB; each of these is most of one.
    const filler = "x".repeat(3 << 20);
    for (let edit = 1; edit <= 4; edit++) await at.write("old", { "src/main.ts": `export const edit = "${edit}${filler}";\n` });
    const old = await at.watch("old", made.seq);
    assert.deepEqual((await old.drain()).map(({ type }) => type), ["connected", "reload"]);
    const recent = await at.watch("old", made.seq + 3);
    assert.deepEqual((await recent.drain()).map(({ type }) => type), ["connected", "update"]);
    for (const viewer of [old, recent]) viewer.close();
  });

  test("also after a restart of everything", async () => {
    const made = await at.app("restart", page("0"));
    await at.write("restart", { "src/main.ts": "export const edit = 1;\n" });
    await at.write("restart", { "src/main.ts": "export const broken = (\n" });
    await stack.restart();
    const viewer = await at.watch("restart", made.seq);
    assert.deepEqual((await viewer.drain()).map(({ type }) => type), ["connected", "update", "error"]);
    const { seq } = await at.write("restart", { "src/main.ts": "export const edit = 2;\n" });
    const rest = await viewer.drain();
    assert.deepEqual(rest.map(({ type }) => type), ["update", "recovered"]);
    assert.equal(rest[0].seq, seq);
    viewer.close();
  });
});

describe("errors", () => {
  test("a file that does not compile is stored, told, and keeps the last good module", async () => {
    const made = await at.app("broken", page("good"));
    const viewer = await at.watch("broken", made.seq);
    await viewer.next();
    const answer = await at.write("broken", { "src/main.ts": "const a = 1;\nconst = 2;\n" });
    assert.equal(answer.seq, made.seq, "no update");
    assert.deepEqual([answer.diagnostics[0].file, answer.diagnostics[0].line, answer.diagnostics[0].code], ["src/main.ts", 2, "syntax_error"]);
    assert.match(answer.diagnostics[0].frame, /const = 2/);
    const told = await viewer.next();
    assert.deepEqual([told.type, told.diagnostics], ["error", answer.diagnostics]);
    assert.match((await at.visit("broken--live", "/@live/registry.js")).text, /"good"/);
    assert.match((await at.api("GET", "/v1/apps/broken/files/src/main.ts")).text, /const = 2/);

    const late = await at.watch("broken", made.seq);
    assert.deepEqual((await late.drain()).map(({ type }) => type), ["connected", "error"]);
    await at.write("broken", { "src/main.ts": "export const fixed = 1;\n" });
    for (const socket of [viewer, late]) {
      assert.deepEqual((await socket.drain()).map(({ type }) => type), ["update", "recovered"]);
      socket.close();
    }
  });

  test("an import of nothing names the file and what was meant", async () => {
    await at.app("missing", { ...page("0"), "src/Button.ts": "export const Button = 1;\n" });
    const viewer = await at.watch("missing");
    await viewer.next();
    const answer = await at.write("missing", { "src/main.ts": 'import { Button } from "./Buton";\nconsole.log(Button);\n' });
    const [diagnostic] = answer.diagnostics;
    assert.deepEqual([diagnostic.file, diagnostic.line, diagnostic.code], ["src/main.ts", 1, "unresolved_import"]);
    assert.match(diagnostic.fix, /\.\/Button/);
    assert.match(diagnostic.frame, /^> 1 \| import \{ Button \} from "\.\/Buton";$/m);
    assert.ok((await viewer.drain()).some(is("error")));
    const fixed = await at.api("PATCH", "/v1/apps/missing/files", { json: { writes: [{ path: "src/Buton.ts", content: "export const Button = 2;\n" }] } });
    assert.deepEqual(fixed.json.diagnostics, []);
    assert.ok((await viewer.drain()).some(is("recovered")));
    viewer.close();
  });

  test("several mistakes in several files come in one answer", async () => {
    await at.app("several", { ...page("0"), "src/main.ts": 'import "./a";\nimport "./b";\n', "src/a.ts": "export {};\n", "src/b.ts": "export {};\n" });
    const answer = await at.write("several", { "src/a.ts": "let a = ;\n", "src/b.ts": "let b = ;\nimport './none';\n" });
    assert.deepEqual(answer.diagnostics.map((/** @type {any} */ found) => found.file), ["src/a.ts", "src/b.ts"]);
  });
});

describe("npm packages", () => {
  const manifest = (/** @type {Record<string, string>} */ dependencies) => JSON.stringify({ dependencies });

  test("are installed in the background; updates name the chunk they need", async () => {
    const made = await at.app("packages", { ...page("0"), "package.json": manifest({ "ms": "2.1.3" }) });
    const viewer = await at.watch("packages", made.seq);
    await viewer.next();
    await at.write("packages", { "src/main.ts": 'import ms from "ms";\nconsole.log(ms(1000));\n' });
    const installing = await viewer.next();
    assert.deepEqual([installing.type, installing.state.phase], ["vendor", "installing"]);
    const update = await viewer.next();
    assert.deepEqual([ids(update), update.vendor], [["/src/main.ts"], installing.state.key]);
    assert.deepEqual(update.modules[0].deps, { ms: "npm:ms" });
    const ready = await viewer.until((message) => message.type === "vendor" && message.state.phase !== "installing");
    assert.deepEqual([ready.state.phase, ready.state.key], ["ready", installing.state.key]);
    const chunk = await at.visit("packages--live", ready.state.url);
    assert.match(chunk.text, /npm:ms/);
    assert.match(chunk.headers["cache-control"] ?? "", /immutable/);
    viewer.close();
  });

  test("what a chunk is said to lack reaches who watches, pages and the next edits", async () => {
    const files = { ...page("0"), "package.json": manifest({ ms: "2.1.3" }), "package-lock.json": '{"lockfileVersion":1}', "src/main.ts": 'import ms from "ms";\nconsole.log(ms(1));\n' };
    for (const app of ["warned", "warned-by-kv"]) {
      const made = await at.app(app, files);
      const viewer = await at.watch(app, made.seq);
      // It may have been ready before this socket was.
      const state = async () => (await at.visit(`${app}--live`, "/")).text;
      if (!/"phase":"ready"/.test(await state())) await viewer.until((message) => message.type === "vendor" && message.state.phase === "ready");
      assert.match(await state(), /"warnings":\[\{"code":"lockfile_not_read"/);
      const answer = await at.write(app, { "src/main.ts": 'import ms from "ms";\nconsole.log(ms(2));\n' });
      assert.deepEqual(answer.diagnostics.map((/** @type {any} */ { file, code, severity }) => [file, code, severity]), [["package-lock.json", "lockfile_not_read", "warning"]]);
      viewer.close();
    }
  });

  test("one that does not exist is a failure that names it, until package.json is right", async () => {
    const name = "@hotplate-tests/there-is-no-such-package";
    await at.app("unknown", { ...page("0"), "package.json": manifest({ [name]: "1.0.0" }) });
    const viewer = await at.watch("unknown");
    await at.write("unknown", { "src/main.ts": `import x from "${name}";\nconsole.log(x);\n` });
    const failed = await viewer.until((message) => message.type === "vendor" && message.state.phase === "failed");
    assert.match(failed.state.diagnostics[0].message, new RegExp(name));
    assert.equal(failed.state.diagnostics[0].code, "dependency_not_found");
    await at.write("unknown", { "package.json": manifest({ ms: "2.1.3" }), "src/main.ts": 'import ms from "ms";\nconsole.log(ms);\n' });
    await viewer.until((message) => message.type === "vendor" && message.state.phase === "ready");
    viewer.close();
  });

  test("one that package.json does not name says how to add it", async () => {
    await at.app("undeclared", page("0"));
    const answer = await at.write("undeclared", { "src/main.ts": 'import ms from "ms";\nconsole.log(ms);\n' });
    assert.equal(answer.diagnostics[0].code, "dependency_missing");
    assert.match(answer.diagnostics[0].fix, /ms/);
  });
});
