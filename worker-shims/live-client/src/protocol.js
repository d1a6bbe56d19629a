/**
 * Messages of the room's socket: the JavaScript twin of `src/protocol/src/room.rs`. Goldens in
 * `tests/protocol` pin both.
 */
// @ts-check

/**
 * @typedef {{file: string, line: number, column: number, message: string, frame: string,
 *   severity: "error" | "warning", code: string, fix?: string}} Diagnostic
 * @typedef {{id: string, code: string, deps: Record<string, string>}} ModuleUpdate
 * @typedef {{id: string, code: string}} CssUpdate
 * @typedef {{type: "update", seq: number, from: number, to: number, vendor?: string,
 *   modules: ModuleUpdate[], removed: string[], css: CssUpdate[]}} Update
 */

/**
 * @typedef {{phase: "installing", key: string, message: string}
 *   | {phase: "ready", key: string, url: string}
 *   | {phase: "failed", key: string, diagnostics: Diagnostic[]}} VendorState
 */

/**
 * @typedef {{type: "connected", seq: number, revision: number}
 *   | Update
 *   | {type: "error", seq: number, diagnostics: Diagnostic[]}
 *   | {type: "recovered"}
 *   | {type: "reload", seq?: number, reason: string}
 *   | {type: "vendor", state: VendorState}
 *   | {type: "deployment", deployment: Record<string, unknown>}
 *   | {type: "custom", event: string, data: unknown}} RoomMessage
 */

/**
 * @typedef {"hot" | "reload" | "failed"} ApplyOutcome
 * @typedef {"debug" | "log" | "info" | "warn" | "error"} ConsoleLevel
 * @typedef {{type: "hello", seq: number}
 *   | {type: "received", seq: number}
 *   | {type: "applied", seq: number, ms: number, outcome: ApplyOutcome}
 *   | {type: "console", level: ConsoleLevel, args: string[]}
 *   | {type: "runtime_error", message: string, stack: string, component_stack: string}
 *   | {type: "custom", event: string, data: unknown}} ViewerMessage
 */

/** @type {Record<RoomMessage["type"], true>} */
const TYPES = {
  connected: true,
  update: true,
  error: true,
  recovered: true,
  reload: true,
  vendor: true,
  deployment: true,
  custom: true,
};

/**
 * @param {unknown} text a frame
 * @returns {RoomMessage | null} null for what a newer room may send and this client does not know
 */
export function parseRoomMessage(text) {
  if (typeof text !== "string") return null;
  try {
    const message = JSON.parse(text);
    return typeof message === "object" && message !== null && Object.hasOwn(TYPES, message.type) ? message : null;
  } catch {
    return null;
  }
}
