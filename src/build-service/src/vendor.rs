//! Vendor chunks: install, link, keep by request.

use crate::builds::Service;
use crate::contents::{sha256, write_whole};
use crate::disk;
use crate::flight::Progress;
use crate::host::Host;
use crate::memory::MemoryBudget;
use crate::packages::DependencySet;
use crate::work;
use hotplate_compiler::{Options, Platform, VERSION};
use hotplate_domain::limits::VENDOR_CHUNK_BYTES;
use hotplate_linker::{link_vendor, package_name};
use hotplate_protocol::{Diagnostic, Severity, VendorEvent, VendorMode, VendorRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Bytes of chunks kept on disk.
const DISK_BYTES: u64 = 1024 * 1024 * 1024;
/// How long the link of one chunk may take.
const LINK_TIMEOUT: Duration = Duration::from_mins(2);

/// How package files are compiled.
pub(crate) fn package_options(mode: VendorMode) -> Options {
    let base = match mode {
        VendorMode::Development => Options::development(),
        VendorMode::Production => Options::production(),
    };
    Options {
        refresh: false,
        // Those of previews would be as large as the packages; those of releases are for their owners.
        source_map: mode == VendorMode::Production,
        ..base
    }
}

pub(crate) fn internal(error: &work::WorkError) -> Vec<Diagnostic> {
    tracing::error!(%error, "work was lost");
    vec![Diagnostic::without_place(
        Severity::Error,
        "internal",
        error.to_string(),
    )]
}

impl Service {
    /// Answers a vendor request; the last event is `ready` or `failed`.
    pub(crate) async fn vendor(
        self: Arc<Self>,
        request: VendorRequest,
        events: UnboundedSender<VendorEvent>,
    ) {
        // Whoever asked may be gone; the chunk is kept all the same.
        let tell = |event| drop(events.send(event));
        let identity = serde_json::json!([VERSION, env!("CARGO_PKG_VERSION"), request]);
        let key = sha256(identity.to_string().as_bytes());
        let path = self.folder().join("vendor").join(&key);
        let kept = std::fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<VendorEvent>(&bytes).ok());
        if let Some(event) = kept {
            disk::touch(&path);
            self.metrics.vendor_chunk("disk");
            return tell(event);
        }
        tell(VendorEvent::Progress {
            message: format!(
                "installing {}",
                count(request.dependencies.len(), "package")
            ),
        });
        let service = Arc::clone(&self);
        let linked = self
            .vendor_flights
            .join(
                &key,
                |progress| async move { service.link_chunk(request, &progress).await },
                |message| {
                    tell(VendorEvent::Progress {
                        message: message.to_owned(),
                    });
                },
            )
            .await;
        let event = match linked
            .unwrap_or_else(|| Err(internal(&work::WorkError::Panicked("vendor".to_owned()))))
        {
            Err(diagnostics) => VendorEvent::Failed { diagnostics },
            Ok((code, warnings)) => VendorEvent::Ready {
                hash: sha256(code.as_bytes()),
                code: code.to_string(),
                warnings,
            },
        };
        let made = matches!(event, VendorEvent::Ready { .. });
        self.metrics
            .vendor_chunk(if made { "linked" } else { "failed" });
        if made
            && let Err(error) = serde_json::to_vec(&event)
                .map_err(Into::into)
                .and_then(|bytes| write_whole(&path, &bytes))
                .and_then(|()| disk::trim(&self.folder().join("vendor"), DISK_BYTES))
        {
            tracing::warn!(%error, "a vendor chunk was not stored");
        }
        tell(event);
    }

    async fn link_chunk(
        self: Arc<Self>,
        request: VendorRequest,
        progress: &Progress,
    ) -> Result<(Arc<str>, Vec<Diagnostic>), Vec<Diagnostic>> {
        let named = request
            .specifiers
            .iter()
            .map(|specifier| package_name(specifier))
            .collect();
        let set = DependencySet::of_app(
            request.dependencies,
            &named,
            request.lockfile,
            request.overrides,
        );
        let hear = |message: &str| drop(progress.send_replace(message.to_owned()));
        let folder = self.packages.folder(&set, hear).await?;
        let specifiers = request.specifiers.len();
        progress.send_replace(format!("linking {}", count(specifiers, "import")));
        let service = Arc::clone(&self);
        let chunk = work::on_thread("vendor", move || {
            let _building = service.artifacts.building();
            let memory = MemoryBudget::new(service.build_memory_bytes);
            let host = Host {
                app: None,
                packages: &folder,
                artifacts: &service.artifacts,
                mode: request.mode,
                options: package_options(request.mode),
                platform: Platform::Browser,
                memory: &memory,
            };
            service
                .pool
                .install(|| link_vendor(&host, &request.specifiers))
        });
        let chunk = tokio::time::timeout(LINK_TIMEOUT, chunk)
            .await
            .map_err(|_| {
                refused(
                    "vendor_link_timeout",
                    "The dependencies take too long to link".to_owned(),
                )
            })?;
        let chunk = chunk.map_err(|error| internal(&error))??;
        let (bytes, most) = (chunk.code.len(), VENDOR_CHUNK_BYTES);
        if bytes > most {
            let message = format!(
                "The dependencies have {bytes} bytes linked; at most {most} are served to a preview"
            );
            return Err(refused("dependencies_too_large", message));
        }
        let mut warnings = set.warnings();
        warnings.extend(chunk.warnings);
        Ok((chunk.code.into(), warnings))
    }
}

fn refused(code: &str, message: String) -> Vec<Diagnostic> {
    vec![Diagnostic {
        file: "package.json".to_owned(),
        ..Diagnostic::without_place(Severity::Error, code, message)
    }]
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
