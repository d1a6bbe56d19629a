//! Puck visual-editor data → React components as TSX source.
//!
//! One page of data becomes one module that renders the page with the app's own
//! components, imported by type name. Knows nothing of files, rooms or React's runtime:
//! text in, text out. What Puck's data looks like: `packages/core/types/Data.tsx` of
//! `puckeditor/puck`.

mod data;
mod generate;
mod literal;
mod names;
mod safety;

pub use data::{DataError, MAX_DEPTH};
pub use generate::{Options, Page, Warning, generate};
