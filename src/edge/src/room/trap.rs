//! Ends the requests of rooms whose WebAssembly instance trapped: their callers hear of it and ask again.
//! What the room makes of the edit that did it is `recovery`'s business.

use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::State;

#[wasm_bindgen(module = "/src/room/trap.js")]
extern "C" {
    fn begin(state: &JsValue);
    fn end(state: &JsValue);
}

/// A request at work. It ends when this is dropped, which never happens after a trap.
pub(super) struct AtWork(JsValue);

impl AtWork {
    pub(super) fn begin(state: &State) -> Self {
        let state = JsValue::from(state.as_raw());
        begin(&state);
        Self(state)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        end(&self.0);
    }
}
