//! What only the native build links: vendor chunks, releases and servers, over one graph.
//!
//! The room's WASM leaves it out (feature `minify`). Still no I/O: see [`host::ModuleHost`].

mod data_url;
mod graph;
pub(crate) mod host;
mod record;
pub(crate) mod release;
pub(crate) mod server;
pub(crate) mod vendor;
mod worker;
