/**
 * Child processes in groups of their own, so that a stop reaches what they started in turn, and only
 * that. Their output goes to a file; its end is what a failure shows.
 */
// @ts-check
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { StackProblem } from "./problem.mjs";

const GRACE_MS = 5_000;
const HEARTBEAT_MS = 10_000;

/**
 * @typedef {{command: string, args: string[], cwd?: string, env?: Record<string, string | undefined>, log: string}} Program
 * @typedef {{pid: number, exited: Promise<number>, isRunning(): boolean, stop(): Promise<void>, kill(): Promise<void>, lastLine(): string}} Child
 */

/** Every child that runs, so that a signal can stop them all. @type {Set<Child>} */
const running = new Set();

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH") throw error;
  }
}

/** @param {Program} program @returns {Child} */
export function start({ command, args, cwd, env, log }) {
  mkdirSync(dirname(log), { recursive: true });
  const file = createWriteStream(log);
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let lastLine = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (/** @type {Buffer} */ chunk) => {
      file.write(chunk);
      lastLine = chunk.toString().split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean).at(-1) ?? lastLine;
    });
  }
  let alive = true;
  /** @type {Promise<number>} */
  const exited = new Promise((resolve, reject) => {
    child.on("error", (error) => {
      alive = false;
      running.delete(handle);
      reject(new StackProblem(`${command} cannot run: ${error.message}`));
    });
    child.on("close", (code) => {
      alive = false;
      running.delete(handle);
      file.end(() => resolve(code ?? 1));
    });
  });
  // Whoever waits sees the failure; a stack that is being stopped does not wait.
  exited.catch(() => {});
  /** @type {Child} */
  const handle = {
    pid: child.pid ?? 0,
    exited,
    isRunning: () => alive,
    lastLine: () => lastLine,
    async stop() {
      if (!alive || child.pid === undefined) return;
      const group = child.pid;
      signalGroup(group, "SIGTERM");
      const force = setTimeout(() => signalGroup(group, "SIGKILL"), GRACE_MS);
      await exited.catch(() => {});
      clearTimeout(force);
      // The leader is gone; what it left behind in its group goes too.
      signalGroup(group, "SIGKILL");
    },
    async kill() {
      if (!alive || child.pid === undefined) return;
      signalGroup(child.pid, "SIGKILL");
      await exited.catch(() => {});
    },
  };
  running.add(handle);
  return handle;
}

// However this process ends, but by SIGKILL, nothing that it started outlives it.
process.on("exit", () => {
  for (const child of running) if (child.pid) signalGroup(child.pid, "SIGKILL");
});

export async function stopAll() {
  await Promise.all([...running].map((child) => child.stop()));
}

/** The end of a log, for a failure's explanation. @param {string} log @param {number} [lines] */
export function tail(log, lines = 25) {
  // eslint-disable-next-line no-control-regex
  return readFileSync(log, "utf8").replace(/\u001b\[[0-9;]*m/g, "").trimEnd().split("\n").slice(-lines).join("\n");
}

/** @param {number} from */
export const seconds = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`;

/**
 * Runs one step to its end, telling that it goes on; throws when it fails.
 * @param {string} title @param {Program} program @param {{echo?: boolean}} [options] `echo`: show the whole output when it fails
 */
export async function step(title, program, { echo = false } = {}) {
  const from = performance.now();
  console.log(`- ${title}`);
  const child = start(program);
  const heartbeat = setInterval(() => console.log(`  … ${seconds(from)}: ${child.lastLine().slice(0, 100)}`), HEARTBEAT_MS);
  try {
    const code = await child.exited;
    if (code !== 0) {
      throw new StackProblem(`${title} failed (exit code ${code}); the whole output is in ${program.log}`, tail(program.log, echo ? 400 : 25));
    }
  } finally {
    clearInterval(heartbeat);
  }
  console.log(`  ${title}: ${seconds(from)}`);
}

let stopping = false;
/** Whether a signal is ending this process: children that end now were told to. */
export const isStopping = () => stopping;

/** Ctrl-C and termination stop every child, then this process. @param {() => Promise<void>} [before] */
export function stopOnSignals(before) {
  for (const [signal, code] of /** @type {const} */ ([["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]])) {
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      await before?.();
      await stopAll();
      process.exit(code);
    });
  }
}
