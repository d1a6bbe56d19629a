// @ts-check
/**
 * The Cloudflare Containers configuration of the build service: wrangler takes it, the Worker in front of it has a
 * service for each instance, and the image's build finds what it copies. The image itself needs Docker.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NODE, ROOT, WRANGLER } from "../worker-shims/local/places.mjs";

const FOLDER = join(ROOT, "worker-shims", "build-container");

test("wrangler takes the configuration", () => {
  const folder = mkdtempSync(join(tmpdir(), "hotplate-container-"));
  const args = [WRANGLER, "deploy", "--dry-run", "--containers-rollout=none", "--outdir", join(folder, "out"), "-c", join(FOLDER, "wrangler.toml")];
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: join(folder, "logs"), CI: "1", NO_COLOR: "1" };
  try {
    const said = execFileSync(NODE, args, { cwd: ROOT, env, encoding: "utf8" });
    assert.match(said, /env\.BUILD_SERVICES \(BuildService\)/);
    assert.match(said, /hotplate-build-buildservice/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("each instance has a number", () => {
  const instances = /^max_instances = (\d+)$/m.exec(readFileSync(join(FOLDER, "wrangler.toml"), "utf8"))?.[1];
  const services = /^const SERVICES = (\d+);$/m.exec(readFileSync(join(FOLDER, "index.js"), "utf8"))?.[1];
  assert.ok(instances);
  assert.equal(services, instances);
});

test("what the image copies is there, and let in by .dockerignore", () => {
  const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
  const letIn = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n").filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => sources.split(" "));
  assert.ok(copied.length > 4);
  for (const source of copied) {
    assert.ok(existsSync(join(ROOT, source)), source);
    assert.ok(letIn.includes(source), source);
  }
  // Whatever the service's crates embed comes along.
  const versions = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).devDependencies;
  assert.ok(dockerfile.includes(`FROM node:${versions.node}-`), "the Node that is tested");
});
