//! Vendor chunks: install, link, keep by request.

use crate::builds::Service;
use crate::contents::{sha256, write_whole};
use crate::host::Host;
use crate::packages::DependencySet;
use crate::work;
use hotplate_compiler::{Options, VERSION};
use hotplate_linker::{link_vendor, package_name};
use hotplate_protocol::{Diagnostic, Severity, VendorEvent, VendorMode, VendorRequest};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

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
            return tell(event);
        }
        tell(VendorEvent::Progress {
            message: format!("installing {}", count(request.dependencies.len())),
        });
        let service = Arc::clone(&self);
        let linked = self
            .vendor_flights
            .join(&key, || async move { service.link_chunk(request).await })
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
        if matches!(event, VendorEvent::Ready { .. })
            && let Err(error) = serde_json::to_vec(&event)
                .map_err(Into::into)
                .and_then(|bytes| write_whole(&path, &bytes))
        {
            tracing::warn!(%error, "a vendor chunk was not stored");
        }
        tell(event);
    }

    async fn link_chunk(
        self: Arc<Self>,
        request: VendorRequest,
    ) -> Result<(Arc<str>, Vec<Diagnostic>), Vec<Diagnostic>> {
        let named = request
            .specifiers
            .iter()
            .map(|specifier| package_name(specifier))
            .collect();
        let set = DependencySet::of_app(request.dependencies, &named, request.lockfile);
        let folder = self.packages.folder(&set).await?;
        let service = Arc::clone(&self);
        let chunk = work::on_thread("vendor", move || {
            let _building = service.artifacts.building();
            let host = Host {
                app: None,
                packages: &folder,
                artifacts: &service.artifacts,
                mode: request.mode,
                options: package_options(request.mode),
            };
            service
                .pool
                .install(|| link_vendor(&host, &request.specifiers))
        });
        let chunk = chunk.await.map_err(|error| internal(&error))??;
        Ok((chunk.code.into(), chunk.warnings))
    }
}

fn count(packages: usize) -> String {
    format!("{packages} package{}", if packages == 1 { "" } else { "s" })
}
