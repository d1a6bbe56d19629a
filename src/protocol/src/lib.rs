//! Every type that crosses a process boundary: the HTTP API, the room's socket,
//! the build service and the errors they answer with.
//!
//! Serde only: no I/O, no clock, no rules. What a value *means* is decided in `domain`.
//! JSON shapes are pinned by the golden files in `tests/protocol`, which Rust and
//! JavaScript tests both read.

mod app;
mod build;
mod custom_domain;
mod deployment;
mod diagnostic;
mod editor;
mod environment;
mod files;
mod logs;
mod metrics;
mod problem;
mod room;
mod server;
mod vendor;

pub use app::{App, AppList, AppUrls, CreateApp, PatchApp, Visibility};
pub use build::{
    BlobAnswer, BlobRequest, BuildEvent, BuildFailure, BuildJob, EncodedBlob, QueuedDeployment,
    RemovalAnswer, RemovalRequest,
};
pub use custom_domain::{
    CustomDomain, CustomDomainList, DomainProof, DomainState, HostnameAction, HostnameAnswer,
    HostnameRequest,
};
pub use deployment::{
    Activation, ActivationCause, ActivationList, ActivePointer, Bundle, Chunk, CreateDeployment,
    Deployment, DeploymentError, DeploymentEvent, DeploymentList, DeploymentState,
    DeploymentTimings, PatchDeployment, Stage,
};
pub use diagnostic::{Diagnostic, Severity};
pub use editor::{EditorMessage, EditorRequest, Viewer};
pub use environment::{ChangeEnvironment, Environment, Secrets};
pub use files::{
    EditRequest, EditResult, EditTimings, FileContent, FileEntry, FileList, FileWrite,
    RestoreRequest, Revision, RevisionChange, RevisionList,
};
pub use logs::{ConsoleLine, LogEntry, LogList, RuntimeErrorReport, TraceRequest, TracedStack};
pub use metrics::{HmrMetrics, HmrWindow, Spread};
pub use problem::{ErrorCode, Problem};
pub use room::{
    ApplyOutcome, ConsoleLevel, CssUpdate, ModuleUpdate, RoomMessage, Update, ViewerMessage,
};
pub use server::{
    PreviewServer, RunWorkerFirst, ServerAnswer, ServerCode, ServerCodeModule, ServerJob,
};
pub use vendor::{VendorEvent, VendorMode, VendorRequest, VendorState};
