// @ts-check
/** Memory of a stack's workerd, as the kernel counts it. Linux alone, as the whole project. */
import { readFileSync, readdirSync } from "node:fs";

/** Resident memory of every workerd that serves this state folder, in MB. @param {{state: string, base: string}} stack */
export function memoryOf({ state }) {
  /** @type {Map<number, {parent: number, name: string, mb: number, text: string}>} */
  const processes = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number)) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const field = (/** @type {string} */ name) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(status)?.[1] ?? "";
      processes.set(pid, { parent: Number(field("PPid")), name: field("Name"), mb: Number(field("VmRSS")) / 1024, text: readFileSync(`/proc/${pid}/cmdline`, "utf8") });
    } catch {
      // It ended meanwhile.
    }
  }
  /** @param {number} pid @returns {boolean} */
  const serves = (pid) => {
    const process = processes.get(pid);
    return process !== undefined && (process.text.includes(state) || serves(process.parent));
  };
  const found = [...processes].filter(([pid, { name }]) => name === "workerd" && serves(pid));
  return Math.round(Math.max(0, ...found.map(([, { mb }]) => mb)));
}
