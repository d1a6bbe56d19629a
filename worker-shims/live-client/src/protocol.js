/**
 * Messages of the room's sockets: the JavaScript twin of `src/protocol/src/room.rs`, and of `editor.rs`
 * for programs that edit. Goldens in `tests/protocol` pin both.
 */
// @ts-check

/**
 * @typedef {{file: string, line: number, column: number, message: string, frame: string,
 *   severity: "error" | "warning", code: string, fix?: string}} Diagnostic
 * @typedef {{id: string, code: string, deps: Record<string, string>}} ModuleUpdate
 * @typedef {{id: string, code: string}} CssUpdate
 * @typedef {{type: "update", seq: number, from: number, to: number, vendor?: string,
 *   modules: ModuleUpdate[], removed: string[], css: CssUpdate[], assets?: string[]}} Update
 */

/**
 * @typedef {{phase: "installing", key: string, message: string}
 *   | {phase: "ready", key: string, url: string, warnings?: Diagnostic[]}
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
 *   | {type: "custom", event: string, data: unknown}
 *   | RuntimeErrorTraced} RoomMessage
 */

/**
 * Answer to a `runtime_error` that has an `id`: the error by the app's sources.
 * @typedef {{type: "runtime_error_traced", id: number, diagnostic: Diagnostic, stack: string,
 *   component_stack: string}} RuntimeErrorTraced
 */

/**
 * @typedef {"hot" | "reload" | "failed"} ApplyOutcome
 * @typedef {"debug" | "log" | "info" | "warn" | "error"} ConsoleLevel
 * @typedef {{type: "hello", seq: number}
 *   | {type: "received", seq: number}
 *   | {type: "applied", seq: number, ms: number, outcome: ApplyOutcome}
 *   | {type: "console", level: ConsoleLevel, args: string[]}
 *   | {type: "runtime_error", id?: number, message: string, stack: string, component_stack: string}
 *   | {type: "custom", event: string, data: unknown}} ViewerMessage
 */

/**
 * The editor's socket, `GET /v1/apps/{slug}/room`: every `RoomMessage`, and these.
 * @typedef {{id: string, seq: number | null, user_agent: string, connected_at: number}} Viewer
 * @typedef {{type: string, title: string, status: number, detail: string, code: string}} Problem
 * @typedef {{revision: number, seq: number, changed: string[], diagnostics: Diagnostic[],
 *   timings: {store_ms: number, compile_ms: number, broadcast_ms: number}, clients: number}} EditResult
 * @typedef {{type: "console", id: number, at: number, viewer: string, level: ConsoleLevel, args: string[],
 *   dropped: number}} ConsoleLine
 * @typedef {{type: "runtime_error", id: number, at: number, viewer: string, diagnostic: Diagnostic,
 *   stack: string, component_stack: string, dropped: number}} RuntimeErrorReport
 * @typedef {ConsoleLine | RuntimeErrorReport} LogEntry
 * @typedef {{type: "presence", viewers: Viewer[]}
 *   | {type: "viewer_joined", viewer: Viewer}
 *   | {type: "viewer_changed", viewer: Viewer}
 *   | {type: "viewer_left", viewer: string, dropped: number}
 *   | {type: "edit_result", request_id: string} & EditResult
 *   | {type: "edit_refused", request_id: string, problem: Problem}
 *   | {type: "refused", problem: Problem}
 *   | {type: "applied", viewer: string, seq: number, ms: number, outcome: ApplyOutcome, latency_ms: number | null}
 *   | LogEntry
 *   | {type: "custom", viewer: string, event: string, data: unknown}} EditorMessage
 */

/**
 * What an editor may say. Anything else is answered with `refused`.
 * @typedef {{path: string, content: string} | {path: string, base64: string}} FileWrite
 * @typedef {{type: "hello" | "received", seq: number}
 *   | {type: "edit", request_id: string, base_revision?: number, writes?: FileWrite[], deletes?: string[]}
 *   | {type: "custom", viewer?: string, event: string, data?: unknown}} EditorRequest
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
  runtime_error_traced: true,
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
