// @ts-check
/**
 * Two build services behind one Worker: they share the deployments, none is built twice, and when one of them is
 * gone the other does its work.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freePorts } from "../../worker-shims/local/configuration.mjs";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "./platform.mjs";

const APPS = Array.from({ length: 12 }, (_, index) => `shared-${index}`);

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  const [, other] = await freePorts();
  stack = await startStack({ between: { more: [other] } });
  at = platform(stack);
  for (const app of APPS) await at.app(app, page("first"));
});
after(() => stack?.stop());

/** How many builds each service ended, as its `/metrics` tell. */
const built = () => Promise.all(stack.buildUrls.map(async (url) => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^hotplate_builds_total\{outcome="uploaded"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}));

/** Deploys each app at the same time. @param {string} text */
async function deployAll(text) {
  return Promise.all(APPS.map(async (app) => {
    await at.write(app, page(text));
    const deployment = await at.deploy(app);
    assert.equal(deployment.state, "deployed", JSON.stringify(deployment.error));
    assert.equal((await at.visit(app, "/robots.txt")).text, `# ${text}\n`);
    return deployment;
  }));
}

test("they share the deployments, and build none twice", async () => {
  const deployments = await deployAll("shared");
  const counts = await built();
  assert.equal(counts.reduce((sum, count) => sum + count), APPS.length, `${counts}`);
  assert.ok(counts.every((count) => count > 0), `each has its apps: ${counts}`);
  for (const [index, { id }] of deployments.entries()) {
    const states = (await at.events(APPS[index], id)).filter(({ event }) => event === "state").map(({ state }) => state);
    assert.deepEqual(states, ["pending", "building", "deploying", "deployed"]);
  }
});

test("an app stays with its service, where its modules are known", async () => {
  const before = await built();
  await deployAll("again");
  const counts = await built();
  assert.deepEqual(counts, before.map((count) => count * 2));
});

test("a service that is gone has its apps built by the other", async () => {
  const [, before] = await built();
  await stack.killBuildService(0);
  await deployAll("left alone");
  const text = await (await fetch(`${stack.buildUrls[1]}/metrics`)).text();
  assert.match(text, new RegExp(`^hotplate_builds_total\\{outcome="uploaded"\\} ${before + APPS.length}$`, "m"));
  const health = await at.api("GET", "/healthz");
  assert.deepEqual([health.status, health.json.build_service], [200, true]);
});
