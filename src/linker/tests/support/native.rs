//! A module host over files in memory.

use super::Files;
use data_encoding::HEXLOWER;
use hotplate_compiler::{
    GlobImport, ImportKind, ModuleArtifact, Options, Output, Source, compile, is_compilable,
};
use hotplate_linker::{
    AppResolution, AppResolver, GlobMatch, LinkFailure, Loaded, ModuleHost, Resolved, is_asset,
    package_name,
};
use hotplate_protocol::Diagnostic;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// An app and packages (`react@1.0.0/index.js`; a package without `sideEffects` in `pure`).
pub struct Host {
    pub files: Files,
    pub packages: Files,
    pub resolver: AppResolver,
    pub options: Options,
    pub pure: Vec<&'static str>,
}

impl Host {
    fn package_file(&self, specifier: &str) -> Option<String> {
        let name = package_name(specifier);
        let rest = specifier.get(name.len()..)?.trim_start_matches('/');
        let file = if rest.is_empty() { "index.js" } else { rest };
        self.packages
            .keys()
            .find(|path| {
                path.starts_with(&format!("{name}@"))
                    && path.split_once('/').is_some_and(|(_, at)| at == file)
            })
            .map(|path| format!("npm:{path}"))
    }
}

impl Host {
    fn content(&self, id: &str) -> &[u8] {
        let plain = id.split('?').next().unwrap();
        match plain.strip_prefix("npm:") {
            Some(path) => self.packages.get(path),
            None => self.files.get(plain.trim_start_matches('/')),
        }
        .unwrap_or_else(|| panic!("{id} was resolved"))
    }
}

impl ModuleHost for Host {
    fn resolve(
        &self,
        importer: &str,
        specifier: &str,
        _: ImportKind,
    ) -> Result<Resolved, LinkFailure> {
        let found = |id: String| {
            let side_effects = !self.pure.iter().any(|pure| id.starts_with(pure));
            Ok(Resolved { id, side_effects })
        };
        let missing = |suggestion| LinkFailure::NotFound {
            specifier: specifier.to_owned(),
            suggestion,
        };
        let bare = if let Some(path) = importer.strip_prefix("npm:") {
            if specifier == "fs" {
                return Err(LinkFailure::NodeBuiltin {
                    specifier: specifier.to_owned(),
                });
            }
            if let Some(relative) = specifier.strip_prefix("./") {
                let file = format!("{}/{relative}", path.rsplit_once('/').unwrap().0);
                return if self.packages.contains_key(&file) {
                    found(format!("npm:{file}"))
                } else {
                    Err(missing(None))
                };
            }
            specifier.to_owned()
        } else {
            match self.resolver.resolve(importer, specifier) {
                AppResolution::App(id)
                | AppResolution::Public(id)
                | AppResolution::External(id) => return found(id),
                AppResolution::Package(bare) => bare,
                AppResolution::NotFound { suggestion } => return Err(missing(suggestion)),
            }
        };
        self.package_file(&bare).map_or_else(
            || {
                Err(LinkFailure::DependencyMissing {
                    package: package_name(&bare).to_owned(),
                })
            },
            found,
        )
    }

    fn glob(&self, importer: &str, glob: &GlobImport) -> Vec<GlobMatch> {
        self.resolver.glob(importer, glob)
    }

    fn stamp(&self, id: &str) -> Option<String> {
        let content = self.content(id);
        Some(HEXLOWER.encode(&Sha256::digest(content)))
    }

    fn function(
        &self,
        id: &str,
        keep: Option<&BTreeSet<String>>,
    ) -> Result<Arc<ModuleArtifact>, Vec<Diagnostic>> {
        let output = Output::Function {
            keep: keep.cloned(),
        };
        let compiled = compile(
            &Source {
                id,
                content: self.content(id),
            },
            &Options {
                output,
                ..self.options.clone()
            },
        );
        compiled.artifact.map(Arc::new).ok_or(compiled.diagnostics)
    }

    fn load(&self, id: &str) -> Result<Loaded, Vec<Diagnostic>> {
        let plain = id.split('?').next().unwrap();
        let content = self.content(id);
        if is_asset(id) || !is_compilable(plain) && !id.contains('?') {
            let extension = plain.rsplit('.').next().unwrap().to_owned();
            return Ok(Loaded::Asset {
                bytes: Arc::from(content),
                extension,
            });
        }
        let compiled = compile(&Source { id, content }, &self.options);
        compiled
            .artifact
            .map(|artifact| Loaded::Module(Arc::new(artifact)))
            .ok_or(compiled.diagnostics)
    }

    fn node_mode(&self, id: &str) -> bool {
        id.ends_with(".mjs")
    }
}
