//! Typed client of the parts of Cloudflare's REST API that Hotplate needs: scripts of a
//! Workers-for-Platforms dispatch namespace, their static assets, and custom hostnames of a zone.
//!
//! The only place that knows REST paths, envelopes and limits of that API. What is uploaded, and
//! why, is the caller's business; nothing here looks into a file.

mod assets;
mod budget;
mod client;
mod envelope;
mod error;
mod hostnames;
mod observer;
mod retry;
mod scripts;
mod token;

pub use assets::{ASSET_BYTES, AssetFile, AssetSession, AssetsJwt, BUCKET_BYTES, ManifestEntry};
pub use client::{Client, Namespace};
pub use envelope::ApiMessage;
pub use error::Error;
pub use hostnames::{CertificateStatus, CustomHostname, ValidationError, Zone};
pub use observer::Call;
pub use retry::RetryPolicy;
pub use scripts::{
    AssetsConfig, AssetsMetadata, Module, ModuleType, Script, ScriptDetails, ScriptMetadata,
    ScriptPage, UploadedScript,
};
pub use token::Token;
