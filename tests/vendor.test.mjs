// @ts-check
/**
 * Vendor chunks from hostile and unlucky registries, with the real npm client and the real build service:
 * what is refused, what is bounded, what is said meanwhile, and that the service goes on.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { BUILD_SERVICE } from "../worker-shims/local/places.mjs";
import { archive, bomb, file, header, release, startRegistry } from "./registry/registry.mjs";

const SECRET = "a secret of this test";
const folder = mkdtempSync(join(tmpdir(), "hotplate-vendor-"));
const packages = join(folder, "state", "build-service", "packages");
/** More than an installation may take (`VENDOR_BYTES`). */
const BOMB_MEGABYTES = 600;

/** @param {Record<string, any>} manifest @param {Buffer[]} entries */
const hostile = (manifest, entries) => {
  const whole = { main: "index.js", ...manifest };
  return { manifest: whole, archive: archive([file("package/package.json", JSON.stringify(whole)), ...entries]) };
};

/** @type {Awaited<ReturnType<typeof startRegistry>>} */ let registry;
/** @type {import("node:child_process").ChildProcess} */ let service;
/** @type {string} */ let base;
before(async () => {
  /** @param {string} name @param {number} noise */
  const exploding = async (name, noise) => {
    const manifest = { name, version: "1.0.0", main: "index.js" };
    return { manifest, archive: await bomb([file("package/package.json", JSON.stringify(manifest)), file("package/index.js", "")], BOMB_MEGABYTES, noise) };
  };
  registry = await startRegistry([
    release("plain", "1.0.0", { "index.js": "exports.version = 'one';" }),
    release("plain", "1.1.0", { "index.js": "exports.version = 'newer';" }),
    release("asks", "1.0.0", { "index.js": "exports.version = require('plain').version;" }, { dependencies: { plain: "^1.0.0" } }),
    release("scripted", "1.0.0", { "index.js": "exports.ran = false;" }, { scripts: { preinstall: `touch ${join(folder, "ran")}`, install: `touch ${join(folder, "ran")}`, postinstall: `touch ${join(folder, "ran")}` } }),
    release("git-inside", "1.0.0", { "index.js": "" }, { dependencies: { x: "git+ssh://git@127.0.0.1:1/x/y.git" } }),
    release("folder-inside", "1.0.0", { "index.js": "" }, { dependencies: { x: "file:../../../../../../etc" } }),
    release("deep", "1.0.0", { "index.js": `exports.x = ${"(".repeat(100_000)}` }),
    release("long", "1.0.0", { "index.js": `exports.x = ${JSON.stringify(randomBytes(6 * 1024 * 1024).toString("base64"))};` }),
    release("outside", "1.0.0", { "index.js": "exports.x = require('../../../../../etc/hostname');" }),
    release("main-outside", "1.0.0", {}, { main: "../../../../../../../../etc/hostname" }),
    release("exports-outside", "1.0.0", {}, { exports: "./../../../../../../../../etc/hostname" }),
    hostile({ name: "traversal", version: "1.0.0" }, [
      file("package/index.js", "exports.x = 'inside';"),
      file("package/../../../../../escaped.txt", "outside"),
      file(`${join(folder, "absolute.txt")}`, "outside"),
    ]),
    hostile({ name: "links", version: "1.0.0" }, [
      file("package/index.js", "exports.x = require('./symbolic.txt?raw');"),
      header("package/symbolic.txt", 0, { type: "2", link: "/etc/passwd" }),
      header("package/hard.txt", 0, { type: "1", link: "/etc/passwd" }),
      header("package/lib", 0, { type: "2", link: folder }),
      file("package/lib/through.txt", "outside"),
    ]),
    await exploding("bomb", 0),
    await exploding("slow-bomb", 8 * 1024),
    { manifest: { name: "torn", version: "1.0.0" }, archive: Buffer.from("no archive at all") },
  ]);
  service = spawn(BUILD_SERVICE, [], {
    env: {
      ...process.env, HOTPLATE_STATE: join(folder, "state"), BUILD_SERVICE_PORT: "0", BUILD_SERVICE_SECRET: SECRET, CLOUDFLARE_ACCOUNT_ID: "acc",
      CLOUDFLARE_API_TOKEN: "token", CLOUDFLARE_API_BASE: "http://127.0.0.1:9/client/v4", npm_config_registry: registry.url, npm_config_cache: join(folder, "cache"),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(/** @type {import("node:stream").Readable} */ (service.stdout)), "line");
  base = /http:\/\/[\d.:]+/.exec(line)?.[0] ?? assert.fail(line);
});
after(async () => {
  if (service) {
    service.kill("SIGTERM");
    await once(service, "close");
  }
  await registry?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The events of a request. @param {Record<string, string>} dependencies @param {object} [more] */
async function vendor(dependencies, more = {}) {
  const body = JSON.stringify({ dependencies, specifiers: Object.keys(dependencies), mode: "development", ...more });
  const answer = await fetch(`${base}/v1/vendor`, { method: "POST", headers: { authorization: `Bearer ${SECRET}` }, body });
  assert.equal(answer.status, 200);
  return (await answer.text()).trim().split("\n").map((line) => JSON.parse(line));
}

/** @param {any[]} events */
const codes = (events) => (events.at(-1).diagnostics ?? []).map((/** @type {any} */ { code }) => code);
/** @param {any[]} events */
function ready(events) {
  const last = events.at(-1);
  assert.equal(last.event, "ready", JSON.stringify(last).slice(0, 2_000));
  return last;
}

describe("while it works", () => {
  test("it says how far it is: resolving, downloading, linking, in this order, to everybody who waits", async () => {
    const all = await Promise.all([1, 2, 3].map(() => vendor({ asks: "1.0.0" })));
    for (const events of all) {
      ready(events);
      const stages = events.filter(({ event }) => event === "progress").map(({ message }) => message.split(/[ :]/)[0]);
      // Who asks last may hear of fewer stages; nobody hears of an earlier one after a later one.
      const order = ["installing", "resolving", "downloading", "linking"];
      assert.deepEqual(stages, [...stages].sort((a, b) => order.indexOf(a) - order.indexOf(b)), stages.join());
      assert.ok(stages.length >= 2 && stages.every((stage) => order.includes(stage)), stages.join());
    }
    assert.ok(all.some((events) => events.some(({ message }) => /^downloading packages: \d/.test(message))), "downloads are counted");
    assert.equal(registry.asked.filter((path) => path.endsWith("asks/-/1.0.0.tgz")).length, 1, "once for all");
  });
});

describe("what an app asks for", () => {
  /** @param {string} version @param {object} [more] */
  const lock = (version, more = {}) => ({
    lockfile: JSON.stringify({ lockfileVersion: 3, packages: { "": { dependencies: { plain: "^1.0.0" } }, "node_modules/plain": { version, ...more } } }),
  });

  test("a lockfile's version counts, and the newest one without a lockfile", async () => {
    assert.match(ready(await vendor({ plain: "^1.0.0" }, lock("1.0.0"))).code, /'one'|"one"/);
    assert.match(ready(await vendor({ plain: "^1.0.0" })).code, /newer/);
  });

  test("a lockfile's checksum counts", async () => {
    const events = await vendor({ plain: "^1.0.0" }, lock("1.1.0", { integrity: `sha512-${Buffer.alloc(64).toString("base64")}` }));
    assert.deepEqual(codes(events), ["dependency_integrity"]);
  });

  test("a lockfile of npm 6 counts as well", async () => {
    const lockfile = JSON.stringify({ lockfileVersion: 1, requires: true, dependencies: { plain: { version: "1.0.0" } } });
    const { code, warnings } = ready(await vendor({ plain: "^1.0.0" }, { lockfile }));
    assert.match(code, /'one'|"one"/);
    assert.deepEqual(warnings, []);
  });

  test("a lockfile that does not parse is not read, and that is said", async () => {
    const { code, warnings } = ready(await vendor({ plain: "^1.0.0" }, { lockfile: '{"lockfileVersion":1' }));
    assert.match(code, /newer/);
    assert.deepEqual(warnings.map((/** @type {any} */ { code, severity, file }) => [code, severity, file]), [["lockfile_not_read", "warning", "package-lock.json"]]);
  });

  test("overrides choose what packages get", async () => {
    assert.match(ready(await vendor({ asks: "1.0.0" }, { overrides: { plain: "1.0.0" } })).code, /'one'|"one"/);
  });

  test("overrides reach no further than dependencies", async () => {
    for (const spec of ["github:x/y", "file:/etc", "http://127.0.0.1:1/x.tgz", "npm:x@git+ssh://y", { y: "link:../z" }]) {
      assert.deepEqual(codes(await vendor({ asks: "1.0.0" }, { overrides: { plain: spec } })), ["dependency_refused"], JSON.stringify(spec));
    }
  });

  test("500 dependencies are taken, 501 are not", async () => {
    const many = (/** @type {number} */ count) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`none-${index}`, "1"]));
    assert.deepEqual(codes(await vendor(many(500))), ["dependency_not_found"]);
    assert.deepEqual(codes(await vendor(many(501))), ["dependencies_too_large"]);
  });
});

describe("hostile packages", () => {
  for (const name of ["bomb", "slow-bomb"]) {
    test(`an archive that unpacks to too much is stopped, and nothing of it stays: ${name}`, async () => {
      const events = await vendor({ [name]: "1.0.0" });
      assert.deepEqual(codes(events), ["dependencies_too_large"], JSON.stringify(events.at(-1)).slice(0, 500));
      assert.deepEqual(readdirSync(packages).filter((name) => name.startsWith(".")), []);
    });
  }

  test("scripts do not run", async () => {
    assert.match(ready(await vendor({ scripted: "1.0.0" })).code, /ran = false/);
    assert.ok(!existsSync(join(folder, "ran")));
  });

  test("files of an archive stay in its folder", async () => {
    const last = (await vendor({ traversal: "1.0.0" })).at(-1);
    assert.ok(["ready", "failed"].includes(last.event));
    for (const place of [folder, join(folder, "state"), join(folder, "state", "build-service"), packages, tmpdir()]) assert.ok(!existsSync(join(place, "escaped.txt")), place);
    assert.ok(!existsSync(join(folder, "absolute.txt")));
  });

  test("links of an archive lead nowhere", async () => {
    const events = await vendor({ links: "1.0.0" });
    assert.doesNotMatch(JSON.stringify(events), /root:/);
    assert.ok(!existsSync(join(folder, "through.txt")));
  });

  /** @type {[string, string, RegExp][]} */
  const refused = [
    ["a `main` outside", "main-outside", /unresolved_import|not_exported/],
    ["`exports` outside", "exports-outside", /unresolved_import|not_exported/],
    ["a module that nests too deeply", "deep", /nesting_too_deep/],
    ["an archive that is none", "torn", /install_failed|dependency_/],
    ["a package that wants a repository", "git-inside", /install_failed|dependency_/],
  ];
  for (const [what, name, code] of refused) {
    test(`${what} is a failure with a code, and shows nothing of this machine`, async () => {
      const events = await vendor({ [name]: "1.0.0" });
      assert.match(codes(events).join(), code, JSON.stringify(events.at(-1)).slice(0, 1_000));
      assert.ok(!JSON.stringify(events).includes(folder), "no path of this machine");
    });
  }

  test("a package that wants a folder gets none", async () => {
    assert.doesNotMatch(JSON.stringify(await vendor({ "folder-inside": "1.0.0" })), /root:/);
  });

  test("a module that asks for a file outside its packages gets none", async () => {
    const { code } = ready(await vendor({ outside: "1.0.0" }));
    assert.equal(code.match(/__hotplate__\.define\(/g)?.length, 1, "it is alone");
  });

  test("a line of eight megabytes is linked", async () => {
    assert.ok(ready(await vendor({ long: "1.0.0" })).code.length > 8 * 1024 * 1024);
  });

  test("the service goes on", async () => {
    assert.match(ready(await vendor({ plain: "1.0.0" })).code, /one/);
  });
});

test("a registry out of reach is said, and asked again when somebody asks", async () => {
  const [unlucky] = [release("unlucky", "1.0.0", { "index.js": "exports.x = 'luck';" })];
  const state = join(folder, "unlucky");
  const second = await startRegistry([unlucky]);
  const { port } = new URL(second.url);
  await second.stop();
  const child = spawn(BUILD_SERVICE, [], {
    env: {
      ...process.env, HOTPLATE_STATE: state, BUILD_SERVICE_PORT: "0", BUILD_SERVICE_SECRET: SECRET, CLOUDFLARE_ACCOUNT_ID: "acc",
      CLOUDFLARE_API_TOKEN: "token", CLOUDFLARE_API_BASE: "http://127.0.0.1:9/client/v4", npm_config_registry: `http://127.0.0.1:${port}/`, npm_config_cache: join(state, "cache"),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = await once(createInterface(/** @type {import("node:stream").Readable} */ (child.stdout)), "line");
    const before = base;
    base = /http:\/\/[\d.:]+/.exec(line)?.[0] ?? assert.fail(line);
    try {
      assert.deepEqual(codes(await vendor({ unlucky: "1.0.0" })), ["registry_unavailable"]);
      const back = await startRegistry([unlucky], Number(port));
      try {
        assert.match(ready(await vendor({ unlucky: "1.0.0" })).code, /luck/);
      } finally {
        await back.stop();
      }
    } finally {
      base = before;
    }
  } finally {
    child.kill("SIGTERM");
    await once(child, "close");
  }
});
