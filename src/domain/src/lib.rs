//! Rules without I/O: what is a valid slug, path, edit or host name, which route a request takes,
//! how a deployment moves from state to state, what a reconnecting viewer is sent, how reports of
//! previews are read, bounded and counted.
//!
//! No clock, no randomness, no storage: times and random bytes are passed in. The crate compiles
//! for wasm32 and natively, and the shapes it talks about are `protocol`'s.

pub mod archive;
pub mod custom_domain;
pub mod deployment;
pub mod edit;
pub mod environment;
pub mod host;
pub mod id;
pub mod isolation;
pub mod limits;
pub mod metrics;
pub mod path;
pub mod preference;
pub mod range;
pub mod rate;
pub mod replay;
pub mod route;
pub mod secrets;
pub mod server;
pub mod slug;
pub mod stack;
pub mod token;
pub mod tree;

pub use deployment::{Event, IllegalTransition, Progress};
pub use edit::{EditError, ValidEdit, Write};
pub use host::{Host, Urls};
pub use id::DeploymentId;
pub use path::PathError;
pub use replay::{Log, Pace, Receipt, Replay};
pub use route::{Method, Route, RouteError};
pub use slug::{Slug, SlugError};
