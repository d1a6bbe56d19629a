//! What may stand on the command line.

use crate::failure::Failure;
use crate::slug::slugify;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A hot preview of a folder of React and TypeScript, and its deployments.
#[derive(Debug, Parser)]
#[command(name = "hotplate", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Address of the API; else PORT or `HOTPLATE_URL` of a `.dev.vars` above, else <http://localhost:8787>
    #[arg(long, global = true, env = "HOTPLATE_URL")]
    pub(crate) url: Option<String>,
    /// Token; else `ADMIN_TOKEN` from the environment or a `.dev.vars` above
    #[arg(long, global = true, env = "HOTPLATE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// One JSON object per line, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an app from the built-in starter, unless it exists
    Create {
        /// Its slug
        app: String,
    },
    /// Push a folder, then send every save as one edit until Ctrl-C
    Dev(Target),
    /// Bring an app's files to those of a folder
    Push(Target),
    /// Deploy an app; with a folder, push it first
    Deploy {
        #[command(flatten)]
        target: Target,
        /// Note for people, kept with the deployment
        #[arg(long, short)]
        message: Option<String>,
    },
    /// Point production at the previous deployment
    Rollback(App),
    /// Point production at a deployment
    Activate {
        /// Its id
        deployment: String,
        #[command(flatten)]
        app: App,
    },
    /// Write the types of `import.meta` and of imported files into a folder, for its editor
    Types {
        /// The folder
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// List apps, or the deployments of one
    List {
        /// Slug of the app
        #[arg(long)]
        app: Option<String>,
    },
}

/// A folder and the app it belongs to.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The folder
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Slug of the app; else made from the folder's name
    #[arg(long)]
    app: Option<String>,
}

impl Target {
    /// The app's slug.
    pub(crate) fn app(&self) -> Result<String, Failure> {
        slug_of(self.app.as_deref(), &self.folder)
    }

    /// Whether there is a folder to push: one was named, or this one looks like an app.
    pub(crate) fn given(&self) -> bool {
        self.folder.as_os_str() != "." || self.folder.join("index.html").is_file()
    }
}

/// An app, named or that of the folder one stands in.
#[derive(Debug, Args)]
pub(crate) struct App {
    /// Slug of the app; else made from this folder's name
    #[arg(long)]
    app: Option<String>,
}

impl App {
    /// The app's slug.
    pub(crate) fn slug(&self) -> Result<String, Failure> {
        slug_of(self.app.as_deref(), ".".as_ref())
    }
}

fn slug_of(given: Option<&str>, folder: &std::path::Path) -> Result<String, Failure> {
    if let Some(slug) = given {
        return Ok(slug.to_owned());
    }
    let absolute = folder
        .canonicalize()
        .map_err(|source| Failure::folder(folder, source))?;
    let name = absolute
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    slugify(&name).ok_or(Failure::NoSlug { name })
}
