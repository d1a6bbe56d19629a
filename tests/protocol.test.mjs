/**
 * The protocol's golden files from JavaScript's side: what a viewer may receive and send is exactly
 * what the Rust types read and write (`src/protocol/tests/goldens.rs` reads the same files).
 */
// @ts-check
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("./protocol/", import.meta.url);

/** @param {string} name @returns {Record<string, any>} */
const golden = (name) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

for (const file of readdirSync(folder)) {
  test(`${file} is canonical JSON`, () => {
    const text = readFileSync(new URL(file, folder), "utf8");
    assert.equal(`${JSON.stringify(JSON.parse(text), null, 2)}\n`.replaceAll(/(\d)\.0\b/g, "$1"), text.replaceAll(/(\d)\.0\b/g, "$1"));
  });
}

test("every room message carries its type and its place in the stream", () => {
  const seen = new Set();
  for (const message of Object.values(golden("room-message.json"))) {
    seen.add(message.type);
    if (message.type === "update") assert.equal(message.to, message.from + 1);
  }
  assert.deepEqual([...seen].sort(), [
    "connected", "custom", "deployment", "error", "recovered", "reload", "runtime_error_traced", "update", "vendor",
  ]);
});

test("every message of an editor's socket has a type", () => {
  const types = (/** @type {string} */ file) => [...new Set(Object.values(golden(file)).map((message) => message.type))].sort();
  assert.deepEqual(types("editor-message.json"), [
    "applied", "console", "custom", "edit_refused", "edit_result", "presence", "refused", "runtime_error",
    "viewer_changed", "viewer_joined", "viewer_left",
  ]);
  assert.deepEqual(types("editor-request.json"), ["custom", "edit", "hello", "received"]);
});

test("an edit's answer is the one of PATCH", () => {
  const { type, request_id, ...result } = golden("editor-message.json")["edit-result"];
  assert.deepEqual([type, request_id], ["edit_result", "e1"]);
  assert.deepEqual(result, golden("edit-result.json").clean);
});

test("every viewer message has a type", () => {
  const types = Object.values(golden("viewer-message.json")).map((message) => message.type);
  assert.deepEqual([...new Set(types)].sort(), ["applied", "console", "custom", "hello", "received", "runtime_error"]);
});
