//! Modules of Node: what a specifier that no package answers may mean, and what a browser gets for it.
//!
//! As in Vite, an app that names one runs on with an empty module, and is told.

/// Modules of Node that browsers do not have.
const NODE_MODULES: &[&str] = &[
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Whether a specifier names a module of Node. Packages of some of these names exist; one that is
/// installed comes first.
pub fn is_node_builtin(specifier: &str) -> bool {
    let bare = specifier.strip_prefix("node:");
    let name = bare.unwrap_or(specifier).split('/').next();
    bare.is_some() || name.is_some_and(|name| NODE_MODULES.contains(&name))
}

/// Id of the empty module of a preview.
pub(crate) const EMPTY_ID: &str = "/@empty";
/// A record that exports nothing.
pub(crate) const EMPTY: &str = "{kind:\"cjs\",run(){}}";
