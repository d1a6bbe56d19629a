// @ts-check
/**
 * No edit is lost, whatever breaks: after each fault, every acknowledged edit is in the history and the
 * tree, every viewer got every update once and in order, and every open page is what a page opened now is.
 *
 * FAULT_EDITS and FAULT_RUNS make it longer by hand.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { COMPONENT, EDITS, RUNS, edit, openGround, reactApp, writeAll } from "./ground.mjs";

/** @type {import("./ground.mjs").Ground} */ let ground;
before(async () => {
  ground = await openGround();
});
after(() => ground?.close());
afterEach(() => {
  ground.proxy.slow(null);
  ground.proxy.release();
});

let apps = 0;

/**
 * An app, a page of it with some state, two viewers and an editor; `fault` acts while edits are written.
 * @param {import("node:test").TestContext} context
 * @param {(parts: {app: string, page: import("./ground.mjs").Page}) => {before?: (n: number) => Promise<void> | void, after?: () => Promise<void> | void}} fault
 */
async function endure(context, fault) {
  const app = `fault-${++apps}`;
  const made = await ground.at.app(app, reactApp);
  const page = await ground.page(app, "#Left");
  await page.click("#Left");
  const editor = ground.editor(app);
  const viewers = [ground.viewer(app, made.seq), ground.viewer(app, made.seq)];
  let repeated = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const { before: interfere, after: recover } = fault({ app, page });
    const { seq, marker } = await writeAll(editor, run * EDITS, (run + 1) * EDITS, interfere);
    await recover?.();
    for (const viewer of viewers) {
      await viewer.reaches(seq);
      viewer.verify(seq);
    }
    await ground.equalToFresh(app, [page], marker);
    await editor.verify();
  }
  for (const viewer of viewers) repeated += viewer.repeated;
  const { length } = editor.acknowledged;
  context.diagnostic(`${EDITS} edits × ${RUNS} runs: ${length} acknowledged, 0 lost, 0 reordered; ${editor.unanswered} attempts unanswered, ${repeated} updates came twice and were dropped, ${viewers.map(({ connections }) => connections)} connections`);
  const count = await page.textContent("#Left i");
  await page.close();
  for (const viewer of viewers) viewer.close();
  return { viewers, editor, count };
}

/** Acts once each time that so many edits were written. @param {number} times @param {(time: number) => Promise<void> | void} act */
const during = (times, act) => {
  const every = Math.max(1, Math.floor(EDITS / (times + 1)));
  let done = 0;
  return (/** @type {number} */ n) => {
    if (n % EDITS !== 0 && (n % EDITS) % every === 0 && done < times) return act(done++);
  };
};

describe("nothing is lost", () => {
  test("when the Worker is killed in the middle of an edit stream", async (context) => {
    /** @type {Promise<void>[]} */ const restarts = [];
    await endure(context, () => ({
      // Not awaited: the next edits are on their way when it dies.
      before: during(2, () => void restarts.push(ground.stack.killWorker().then(() => ground.stack.startWorker()))),
      after: () => Promise.all(restarts).then(() => {}),
    }));
  });

  test("when connections are reset and half-closed", async (context) => {
    const { viewers } = await endure(context, () => ({
      before: during(8, (time) => (time % 2 === 0 ? ground.proxy.cut() : ground.proxy.halfClose())),
    }));
    for (const viewer of viewers) assert.ok(viewer.connections > 4, "the sockets were cut");
  });

  test("when nothing is delivered for a while, and then everything at once", async (context) => {
    await endure(context, () => ({
      before: during(4, (time) => (time % 2 === 0 ? ground.proxy.hold() : ground.proxy.release())),
      after: () => ground.proxy.release(),
    }));
  });

  test("when the network is slow", async (context) => {
    await endure(context, () => ({
      before: during(1, () => ground.proxy.slow(8 * 1024)),
      after: () => ground.proxy.slow(null),
    }));
  });

  test("when another version of the Worker is deployed while sockets are open", async (context) => {
    let versions = 0;
    const { viewers } = await endure(context, () => ({
      before: during(2, () => ground.deploy(++versions)),
    }));
    for (const viewer of viewers) assert.ok(viewer.connections > 1, "the sockets were closed by the deployment");
  });

  test("when the page is frozen in the background and thawed", async (context) => {
    /** @param {import("./ground.mjs").Page} page @param {"frozen" | "active"} state */
    const become = async (page, state) => {
      const session = await page.context().newCDPSession(page);
      await session.send("Page.setWebLifecycleState", { state });
      await session.detach();
    };
    await endure(context, ({ page }) => ({
      before: during(1, () => become(page, "frozen")),
      after: () => become(page, "active"),
    }));
  });
});

test("a page that keeps its connection keeps its state", async (context) => {
  const { count } = await endure(context, () => ({}));
  assert.equal(count, "1");
});

describe("two editors", () => {
  const read = async (/** @type {string} */ app) => {
    const list = (await ground.at.api("GET", `/v1/apps/${app}/files`)).json;
    return { revision: list.revision, text: (await ground.at.api("GET", `/v1/apps/${app}/files/count.txt`)).text };
  };

  test("who say what they edit never overwrite each other", async () => {
    const app = "two-based";
    await ground.at.app(app, { ...reactApp, "count.txt": "0" });
    let conflicts = 0;
    const increment = async (/** @type {number} */ times) => {
      for (let done = 0; done < times; ) {
        const { revision, text } = await read(app);
        const answer = await ground.at.api("PATCH", `/v1/apps/${app}/files`, {
          json: { base_revision: revision, writes: [{ path: "count.txt", content: String(Number(text) + 1) }] },
        });
        if (answer.status === 200) done += 1;
        else {
          assert.deepEqual([answer.status, answer.json.code], [409, "revision_conflict"]);
          conflicts += 1;
        }
      }
    };
    await Promise.all([increment(EDITS), increment(EDITS)]);
    assert.equal((await read(app)).text, String(2 * EDITS));
    assert.ok(conflicts > 0, "they never met");
  });

  test("who do not say it are put in order, and pages follow that order", async () => {
    const app = "two-blind";
    const made = await ground.at.app(app, reactApp);
    const page = await ground.page(app, "#Left");
    const viewer = ground.viewer(app, made.seq);
    const editors = [ground.editor(app), ground.editor(app)];
    await Promise.all(editors.map(async (editor, which) => {
      for (let n = 0; n < EDITS; n += 1) await editor.write({ ...edit(4 * n), ...(which === 0 ? {} : edit(4 * n + 2)) });
    }));
    const last = await editors[0].write({ "src/Right.tsx": COMPONENT("Right", "both done.") });
    await viewer.reaches(last.seq);
    viewer.verify(last.seq);
    await ground.equalToFresh(app, [page], "both done.");
    const revisions = editors.flatMap(({ acknowledged }) => acknowledged.map(({ revision }) => revision));
    assert.equal(viewer.updates.length, last.seq - made.seq);
    assert.ok(Math.max(...revisions) === last.revision);
    for (const editor of editors) await editor.verify(editors);
    await page.close();
  });
});
