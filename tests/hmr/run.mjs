/**
 * Plays a fixture's script: does each step in a tab and waits until the tab shows what is expected.
 */
// @ts-check
import assert from "node:assert/strict";
import { join } from "node:path";
import { FOLDER } from "./fixture.mjs";

/** @import { Fixture, Step } from "./fixture.mjs" */
/** @import { Platform, Page } from "../e2e/platform.mjs" */

const RECORDER = join(FOLDER, "recorder.js");
/** A client to try out without building the Worker that carries it. */
const CLIENT = process.env.HMR_CLIENT;
/** How long an expectation may take to come true; one that holds is met at once. */
const PATIENCE = 5_000;
/** Members of a step that do or say something by themselves. */
const KNOWN = new Set([
  "in", "visit", "click", "type", "press", "run", "edit", "outcome", "keep", "kept", "remounted", "text", "value", "console", "problems", "overlay",
]);

/** Asks until the answer is right; the last one is compared, so that a failure shows the difference. @template T
 * @param {() => Promise<T>} ask @param {T} right @param {string} what */
async function eventually(ask, right, what) {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    try {
      return assert.deepEqual(answer, right, what);
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

/** One tab. */
class Tab {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.loads = 0;
    this.expectedLoads = 1;
    /** Taken from the page, not looked at yet. @type {string[]} */
    this.lines = [];
    /** @type {string[]} */
    this.problems = [];
    /** @type {(() => void)[]} */
    this.onLoad = [];
    page.on("framenavigated", (frame) => {
      if (frame !== page.mainFrame()) return;
      this.loads += 1;
      for (const call of this.onLoad.splice(0)) call();
    });
  }

  /** @param {string} url */
  async open(url) {
    await this.page.goto(url, { waitUntil: "commit" });
    await this.started();
  }

  /** Until the entries have run; an app that cannot start shows so in its overlay. */
  async started() {
    await this.page.evaluate(() => Promise.race([
      Reflect.get(window, "__hmr").started(),
      customElements.whenDefined("hotplate-overlay").then(() => new Promise((resolve) => {
        const look = () => (document.querySelector("hotplate-overlay") ? resolve(null) : requestAnimationFrame(look));
        look();
      })),
    ]));
  }

  /** How the page took the update; `reload` once the new page has started. @param {number} seq */
  async outcome(seq) {
    const before = this.loads;
    const loaded = /** @type {Promise<void>} */ (new Promise((resolve) => this.onLoad.push(resolve)));
    const said = await this.page.evaluate((seq) => Reflect.get(window, "__hmr").outcome(seq), seq).catch(() => "reload");
    if (said !== "reload" && this.loads === before) return said;
    await loaded;
    this.expectedLoads += 1;
    await this.started();
    return "reload";
  }

  async take() {
    const [lines, problems] = await this.page.evaluate(() => {
      const { takeLines, takeProblems } = Reflect.get(window, "__hmr");
      return [takeLines(), takeProblems()];
    });
    this.lines.push(...lines);
    this.problems.push(...problems);
  }

  overlay() {
    return this.page.evaluate(() => document.querySelector("hotplate-overlay")?.shadowRoot?.querySelector("[role=alertdialog]")?.textContent ?? null);
  }
}

/** One fixture in one browser context. */
export class Run {
  /** @type {Map<string, Tab>} */
  #tabs = new Map();
  #seq = 0;

  /** @param {Platform} platform @param {Fixture} fixture @param {string} slug @param {import("playwright-core").BrowserContext} context */
  constructor(platform, fixture, slug, context) {
    this.platform = platform;
    this.fixture = fixture;
    this.slug = slug;
    this.context = context;
  }

  /** @param {Platform} platform @param {Fixture} fixture */
  static async open(platform, fixture) {
    const slug = fixture.name.replaceAll("/", "-").slice(0, 40).replace(/-+$/, "");
    const context = await platform.browser.newContext();
    await context.addInitScript({ path: RECORDER });
    if (CLIENT) await context.route("**/@live/client.js*", (route) => route.fulfill({ path: CLIENT }));
    await platform.ok("POST", "/apps", { slug });
    const run = new Run(platform, fixture, slug, context);
    run.#seq = (await platform.edit(slug, fixture.files)).seq;
    return run;
  }

  close() {
    return this.context.close();
  }

  async play() {
    await this.#tab("first");
    for (const [index, step] of this.fixture.steps.entries()) {
      try {
        await this.#step(step);
      } catch (error) {
        if (error instanceof Error) error.message = `step ${index + 1} ${JSON.stringify(step)}\n${error.message}`;
        throw error;
      }
    }
    for (const [name, tab] of this.#tabs) {
      await tab.take();
      assert.deepEqual(tab.problems, [], `problems of tab ${name} that the script does not expect`);
      assert.equal(tab.loads, tab.expectedLoads, `loads of tab ${name}`);
    }
  }

  /** @param {string} name */
  async #tab(name) {
    const known = this.#tabs.get(name);
    if (known) return known;
    const tab = new Tab(await this.context.newPage());
    this.#tabs.set(name, tab);
    await tab.open(this.platform.live(this.slug));
    return tab;
  }

  /** @param {Step} step */
  async #step(step) {
    for (const member of Object.keys(step)) assert.ok(KNOWN.has(member), `unknown member \`${member}\``);
    const tab = await this.#tab(step.in ?? "first");
    const { page } = tab;
    if (step.visit !== undefined) {
      tab.expectedLoads += 1;
      await tab.open(new URL(step.visit, this.platform.live(this.slug)).href);
    }
    if (step.click !== undefined) await page.click(step.click, { timeout: PATIENCE });
    if (step.type) await page.fill(step.type[0], step.type[1], { timeout: PATIENCE });
    if (step.press) await page.keyboard.press(step.press);
    if (step.run) await page.evaluate(step.run);
    if (step.edit !== undefined) await this.#edit(step.edit, step.outcome ?? "hot", tab);
    await this.#expect(step, tab);
  }

  /** @param {number} number @param {NonNullable<Step["outcome"]>} expected @param {Tab} tab */
  async #edit(number, expected, tab) {
    const files = this.fixture.edits.get(number);
    assert.ok(files, `there is no edit ${number}`);
    const before = this.#seq;
    // The tab listens before the edit is sent, so that nothing is missed however fast it is.
    const waiting = expected === "none" || expected === "refused" ? null : tab.outcome(before + 1);
    const answer = await this.platform.edit(this.slug, files);
    this.#seq = answer.seq;
    const errors = answer.diagnostics.filter((/** @type {any} */ one) => one.severity === "error");
    if (expected === "refused") return assert.notDeepEqual(errors, [], "the edit was to be refused");
    assert.deepEqual(errors, []);
    if (expected === "none") return assert.equal(answer.seq, before, "the edit was to tell nobody");
    assert.ok(answer.seq > before, "the edit made no update");
    const outcome = await /** @type {Promise<string>} */ (waiting);
    if (outcome !== expected) await tab.take();
    assert.equal(outcome, expected, `outcome of edit ${number}; problems: ${tab.problems.join("\n")}; overlay: ${outcome === expected ? "" : await tab.overlay()}`);
  }

  /** @param {Step} step @param {Tab} tab */
  async #expect(step, tab) {
    const { page } = tab;
    if (step.keep) await page.evaluate((selector) => document.querySelectorAll(selector).forEach((one) => Reflect.set(one, "__kept", true)), step.keep);
    for (const [selector, text] of Object.entries(step.text ?? {})) {
      await eventually(() => page.evaluate((selector) => document.querySelector(selector)?.textContent ?? null, selector), text, `text of ${selector}`);
    }
    for (const [expression, value] of Object.entries(step.value ?? {})) await eventually(() => page.evaluate(expression), value, expression);
    const kept = (/** @type {string} */ selector) => page.evaluate((selector) => Reflect.get(document.querySelector(selector) ?? {}, "__kept") === true, selector);
    if (step.kept) assert.equal(await kept(step.kept), true, `${step.kept} was to be the same element`);
    if (step.remounted) assert.equal(await kept(step.remounted), false, `${step.remounted} was to be another element`);
    if (step.console) {
      await eventually(async () => (await tab.take(), tab.lines), step.console, "console");
      tab.lines = [];
    }
    if (step.problems) {
      const { problems } = step;
      await eventually(async () => {
        await tab.take();
        return tab.problems.map((line, i) => (line.startsWith(problems[i] ?? line) ? problems[i] ?? line : line));
      }, problems, "problems");
      tab.problems = [];
    }
    if (step.overlay === null) await eventually(() => tab.overlay(), null, "overlay");
    else if (step.overlay) {
      const { overlay } = step;
      await eventually(async () => {
        const text = await tab.overlay();
        return overlay.map((part) => (text?.includes(part) ? part : `missing in: ${text}`));
      }, overlay, "overlay");
    }
  }
}
