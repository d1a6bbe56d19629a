//! `hotplate types`: the types that stand in for `vite/client`, as a file of the project.
//!
//! It comes with this program, so that it needs no platform.

use crate::failure::Failure;
use crate::output::Output;
use std::path::Path;

const TYPES: &str = include_str!("../../../worker-shims/live-client/types/client.d.ts");
const NAME: &str = "hotplate-client.d.ts";

/// Writes the file beside the sources, where `tsconfig.json` usually looks.
pub(crate) fn write(folder: &Path, output: Output) -> Result<(), Failure> {
    let sources = folder.join("src");
    let path = if sources.is_dir() {
        sources.join(NAME)
    } else {
        folder.join(NAME)
    };
    std::fs::write(&path, TYPES).map_err(|source| Failure::folder(&path, source))?;
    output.wrote(&path);
    Ok(())
}
