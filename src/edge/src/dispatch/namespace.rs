//! The dispatch namespace's binding.
//!
//! `worker`'s own `DynamicDispatcher` passes neither arguments nor limits and insists on a class
//! name that a local stand-in need not have; this one takes any object with the documented `get`.

use crate::config;
use hotplate_domain::limits;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::{Env, Fetcher, Request, Response, Result};

/// How `get` and `fetch` begin their message when there is no such script.
const NOT_FOUND: &str = "Worker not found";

#[wasm_bindgen]
extern "C" {
    type Namespace;

    #[wasm_bindgen(method, catch)]
    fn get(
        this: &Namespace,
        name: &str,
        args: &JsValue,
        options: &JsValue,
    ) -> std::result::Result<JsValue, JsValue>;
}

/// What became of a request to a script.
pub(crate) enum Answer {
    /// The script's response.
    Response(Response),
    /// There is no script of that name.
    NoScript,
    /// The script threw; its message.
    Threw(String),
}

/// Sends a request to a script of the namespace.
pub(crate) async fn ask(env: &Env, script: &str, request: Request) -> Result<Answer> {
    ask_of(config::DISPATCHER, env, script, request).await
}

/// Sends a request to a preview's server, whose binding is asked in the same way; `target` is JSON.
pub(crate) async fn ask_preview(env: &Env, target: &str, request: Request) -> Result<Answer> {
    ask_of(config::PREVIEWS, env, target, request).await
}

async fn ask_of(binding: &str, env: &Env, script: &str, request: Request) -> Result<Answer> {
    let binding = js_sys::Reflect::get(env, &JsValue::from_str(binding))?;
    let namespace: Namespace = binding.unchecked_into();
    let args = js_sys::Object::new();
    let stub = match namespace.get(script, &args, &options()?) {
        Ok(stub) => stub,
        Err(thrown) => return Ok(outcome(&thrown)),
    };
    let fetcher = Fetcher::unchecked_from_js(stub);
    match fetcher.fetch_request(request).await {
        Ok(response) => Ok(Answer::Response(response)),
        Err(error) => Ok(outcome(&JsValue::from(error))),
    }
}

/// What an app's Worker may use up per request; it cannot ask for more than the platform gives.
fn options() -> std::result::Result<JsValue, JsValue> {
    let given = js_sys::Object::new();
    let set = |object: &js_sys::Object, name: &str, value: &JsValue| {
        js_sys::Reflect::set(object, &JsValue::from_str(name), value)
    };
    set(&given, "cpuMs", &JsValue::from(limits::APP_CPU_MS))?;
    set(
        &given,
        "subRequests",
        &JsValue::from(limits::APP_SUBREQUESTS),
    )?;
    let options = js_sys::Object::new();
    set(&options, "limits", &given)?;
    Ok(options.into())
}

fn outcome(thrown: &JsValue) -> Answer {
    let message = thrown
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| format!("{thrown:?}"));
    if message.contains(NOT_FOUND) {
        Answer::NoScript
    } else {
        Answer::Threw(message)
    }
}
