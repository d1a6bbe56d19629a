// @ts-check
/**
 * Apps' own domains: claimed, proved by a TXT record, made a custom hostname of the zone, visited, lost to who proves
 * it later, and removed. The resolver is a server of this test in the form of Cloudflare's DNS over HTTPS.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { startStack } from "../../worker-shims/local/stack.mjs";
import { page, platform } from "./platform.mjs";

/** TXT records by name; a number is the status of every answer. @type {Map<string, string[]> | number} */
let zone = new Map();
/** @type {string[]} */ const asked = [];
const resolver = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? "", "http://resolver");
  const name = String(searchParams.get("name"));
  asked.push(`${searchParams.get("type")} ${name} ${request.headers.accept}`);
  if (typeof zone === "number") return response.writeHead(zone).end();
  const records = zone.get(name);
  const Answer = records?.map((text) => ({ name, type: 16, TTL: 60, data: JSON.stringify(text) }));
  response.setHeader("content-type", "application/dns-json");
  response.end(JSON.stringify({ Status: records ? 0 : 3, TC: false, RD: true, RA: true, AD: false, CD: false, Question: [{ name, type: 16 }], ...(Answer && { Answer }) }));
});

/** @type {Awaited<ReturnType<typeof startStack>>} */ let stack;
/** @type {ReturnType<typeof platform>} */ let at;
before(async () => {
  resolver.listen(0, "127.0.0.1");
  await once(resolver, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (resolver.address());
  stack = await startStack({ between: { dns: `http://127.0.0.1:${port}/dns-query` } });
  at = platform(stack);
  for (const app of ["shop", "rival"]) {
    await at.app(app, page(`of ${app}`));
    await at.deploy(app);
  }
});
beforeEach(() => {
  zone = new Map();
});
after(async () => {
  resolver.close();
  await stack?.stop();
});

/** @param {string} app @param {string} host */
const claim = (app, host) => at.api("PUT", `/v1/apps/${app}/domains/${host}`);

/** Claims and proves. @param {string} app @param {string} host */
async function proved(app, host) {
  const { proof } = (await claim(app, host)).json;
  /** @type {Map<string, string[]>} */ (zone).set(proof.name, [proof.value]);
  return (await claim(app, host)).json;
}

/** @param {string} host */
const visit = (host) => at.api("GET", "/robots.txt", { token: null, headers: { host } });

/** The custom hostnames that the zone has. */
async function hostnames() {
  const { status, json, text } = await at.api("GET", "/client/v4/zones/local/custom_hostnames", { token: stack.apiToken });
  assert.equal(status, 200, text);
  return json.result.map((/** @type {{hostname: string}} */ { hostname }) => hostname);
}

test("a claim says what proves it, and shows nothing until it is proved", async () => {
  const { status, json } = await claim("shop", "Shop.Example.com");
  assert.equal(status, 201);
  assert.deepEqual({ ...json, created_at: 0, proof: { ...json.proof, value: "" } }, {
    host: "shop.example.com", state: "pending", proof: { type: "TXT", name: "_hotplate.shop.example.com", value: "" },
    problem: "there is no TXT record `_hotplate.shop.example.com` yet", created_at: 0, verified_at: null,
  });
  assert.match(json.proof.value, /^hotplate-domain=[a-z2-7]{26}$/);
  assert.equal(asked.at(-1), "TXT _hotplate.shop.example.com application/dns-json");
  assert.equal((await visit("shop.example.com")).status, 404);
  assert.deepEqual(await hostnames(), []);
});

test("the record makes it active, and it shows what production shows", async () => {
  const { json } = await claim("shop", "shop.example.com");
  /** @type {Map<string, string[]>} */ (zone).set(json.proof.name, ["v=spf1 -all", json.proof.value]);
  const first = await claim("shop", "shop.example.com");
  assert.equal(first.status, 200);
  assert.ok(first.json.verified_at >= json.created_at);
  // The zone has the hostname now, and makes its certificate.
  assert.deepEqual(await hostnames(), ["shop.example.com"]);
  const again = await claim("shop", "shop.example.com");
  assert.deepEqual([again.json.state, again.json.problem], ["active", null]);
  for (const host of ["shop.example.com", "SHOP.example.com", `shop.example.com:${new URL(stack.base).port}`]) {
    const { status, text } = await visit(host);
    assert.deepEqual([status, text], [200, "# of shop\n"], host);
  }
  await at.write("shop", page("newer"));
  await at.deploy("shop");
  assert.equal((await visit("shop.example.com")).text, "# newer\n");
  const { domains } = (await at.api("GET", "/v1/apps/shop/domains")).json;
  assert.deepEqual(domains, [again.json]);
  assert.deepEqual((await at.api("GET", "/v1/apps/shop/domains/shop.example.com")).json, again.json);
});

test("the sweep moves claims on by itself", async () => {
  const { json } = await claim("shop", "swept.example");
  assert.equal(json.state, "pending");
  zone = 503;
  assert.match((await claim("shop", "swept.example")).json.problem, /DNS could not be asked: .*503/);
  zone = new Map([[json.proof.name, ["something else"]]]);
  const other = (await claim("shop", "swept.example")).json;
  assert.equal(other.problem, `the TXT record \`${json.proof.name}\` says \`something else\`, not \`${json.proof.value}\``);
});

test("who proves a domain later has it", async () => {
  await proved("shop", "moves.example");
  assert.equal((await visit("moves.example")).text.slice(0, 1), "#");
  const unproved = await claim("rival", "moves.example");
  assert.equal(unproved.json.state, "pending", "a claim alone takes nothing");
  assert.notEqual((await visit("moves.example")).text, "# of rival\n");
  const taken = await proved("rival", "moves.example");
  assert.notEqual(taken.state, "pending");
  const { json } = await at.api("GET", "/v1/apps/shop/domains/moves.example");
  assert.deepEqual([json.state, json.verified_at, json.problem], ["pending", null, "another app proved later that the domain is its own"]);
  const { text } = await visit("moves.example");
  assert.equal(text, "# of rival\n");
});

test("a domain that is removed shows nothing, and its hostname leaves the zone", async () => {
  await proved("shop", "leaves.example");
  assert.equal((await visit("leaves.example")).status, 200);
  assert.equal((await at.api("DELETE", "/v1/apps/shop/domains/leaves.example")).status, 204);
  assert.equal((await visit("leaves.example")).status, 404);
  await stack.sweep();
  assert.ok(!(await hostnames()).includes("leaves.example"));
  assert.equal((await at.api("DELETE", "/v1/apps/shop/domains/leaves.example")).json.code, "domain_not_found");
});

test("an app that is deleted leaves no domain", async () => {
  await at.app("brief", page("brief"));
  await proved("brief", "brief.example");
  assert.ok((await hostnames()).includes("brief.example"));
  assert.equal((await at.api("DELETE", "/v1/apps/brief")).status, 204);
  assert.equal((await visit("brief.example")).status, 404);
  await stack.sweep();
  assert.ok(!(await hostnames()).includes("brief.example"));
});

test("while the zone's API does not answer, the claim waits and says so", async () => {
  await stack.killBuildService();
  const waiting = await proved("shop", "waits.example");
  assert.deepEqual([waiting.state, waiting.problem], ["provisioning", "the platform could not reach Cloudflare; it tries again"]);
  assert.equal((await visit("waits.example")).status, 200, "proved is proved");
  await stack.startBuildService();
  assert.equal((await claim("shop", "waits.example")).json.problem, "hostname pending, certificate initializing");
  assert.equal((await claim("shop", "waits.example")).json.state, "active");
});

test("what cannot be claimed is refused", async () => {
  for (const [host, code] of [
    ["localhost", "invalid_domain"], ["1.2.3.4", "invalid_domain"], ["a_b.example", "invalid_domain"],
    [`shop.${stack.baseDomain.split(":")[0]}`, "invalid_domain"], [`${"a.".repeat(130)}b`, "invalid_domain"],
  ]) {
    assert.equal((await claim("shop", host)).json.code, code, host);
  }
  assert.equal((await claim("nobody", "a.example")).json.code, "app_not_found");
  assert.equal((await at.api("GET", "/v1/apps/rival/domains/shop.example.com")).json.code, "domain_not_found", "another app's");
  assert.equal((await at.api("PUT", "/v1/apps/shop/domains/a.example", { token: null })).status, 401);
});

test("an app has so many domains at most", async () => {
  await at.app("greedy", page("greedy"));
  for (let index = 0; index < 50; index += 1) assert.equal((await claim("greedy", `d${index}.example`)).status, 201);
  assert.equal((await claim("greedy", "d50.example")).json.code, "too_many_domains");
  assert.equal((await claim("greedy", "d0.example")).status, 200, "those it has are still looked at");
});
