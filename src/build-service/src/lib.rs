//! The native companion of the Worker: vendor chunks, release builds and their upload.
//!
//! It installs packages and compiles tenant code but never runs any of it. It knows no D1, no KV
//! and no rooms: everything it needs comes with a job or is asked for by hash.

mod app;
pub mod artifacts;
pub mod builds;
pub mod config;
pub mod contents;
mod disk;
mod flight;
pub mod folder_app;
mod host;
mod hostnames;
mod http;
mod maps;
mod memories;
mod memory;
mod metrics;
pub mod packages;
pub mod readiness;
mod release;
mod server;
mod size;
pub mod telemetry;
mod upload;
mod vendor;
mod work;

pub use builds::Service;
pub use http::router;
