/**
 * Runs in every page of the hot-replacement tests before anything else: writes down what the page
 * logs, what goes wrong in it and which updates it applied, in order.
 */
// @ts-check
(() => {
  /** @type {string[]} */ const lines = [];
  /** @type {string[]} */ const problems = [];
  /** @type {{seq: number, outcome: string}[]} */ const applied = [];
  /** @type {(() => void)[]} */ const waiting = [];
  let started = false;

  const moved = () => {
    for (const wake of waiting.splice(0)) wake();
  };
  /** @param {() => boolean} condition @returns {Promise<void>} */
  const until = (condition) =>
    new Promise((resolve) => {
      const look = () => (condition() ? resolve() : void waiting.push(look));
      look();
    });

  const { log } = console;
  console.log = (/** @type {unknown[]} */ ...args) => {
    lines.push(args.map((arg) => (typeof arg === "string" ? arg : JSON.stringify(arg))).join(" "));
    moved();
    log.apply(console, args);
  };
  for (const level of /** @type {const} */ (["error", "warn"])) {
    const original = console[level];
    console[level] = (/** @type {unknown[]} */ ...args) => {
      problems.push(`${level}: ${args.map(String).join(" ")}`);
      moved();
      original.apply(console, args);
    };
  }
  addEventListener("error", (event) => {
    problems.push(`uncaught: ${event.message}`);
    moved();
  });
  addEventListener("unhandledrejection", (event) => {
    problems.push(`unhandled: ${event.reason}`);
    moved();
  });
  addEventListener("hotplate:started", () => {
    started = true;
    moved();
  });
  addEventListener("hotplate:applied", (event) => {
    applied.push(/** @type {CustomEvent} */ (event).detail);
    moved();
  });

  Object.assign(window, {
    __hmr: {
      started: () => until(() => started),
      /** How the update with this number ended. @param {number} seq */
      outcome: async (seq) => {
        await until(() => applied.some((one) => one.seq >= seq));
        return applied.find((one) => one.seq >= seq)?.outcome;
      },
      takeLines: () => lines.splice(0),
      takeProblems: () => problems.splice(0),
    },
  });
})();
