//! What a module id says by itself: path, query, extension, app file or package file.
//!
//! Names only; whether the file exists is the linker's business.

/// A query that changes what a file becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Query {
    /// `?raw`: the text itself.
    Raw,
    /// `?inline`: a data URL.
    Inline,
    /// `?worker`, `?sharedworker`: something that starts the file as a worker.
    Worker(Worker),
    /// `?init` of a WebAssembly file: a function that instantiates it.
    Init,
    /// `?react` of an SVG file: a component that draws it.
    React,
}

/// What a `?worker` import gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worker {
    /// `?sharedworker`: `SharedWorker` in place of `Worker`.
    pub(crate) shared: bool,
    /// `&url`: the script's URL in place of a constructor.
    pub(crate) url: bool,
    /// `&inline`: no file of its own in a release.
    pub(crate) inline: bool,
}

/// A parsed module id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModuleId<'a> {
    /// Without the query.
    pub(crate) path: &'a str,
    /// The query, when it is one that means something here.
    pub(crate) query: Option<Query>,
    /// The query as it is written.
    parameters: &'a str,
}

impl Query {
    fn parse(query: &str) -> Option<Self> {
        let has = |flag: &str| {
            query
                .split('&')
                .any(|part| part.split('=').next() == Some(flag))
        };
        let shared = has("sharedworker");
        if shared || has("worker") {
            let (url, inline) = (has("url"), has("inline"));
            return Some(Self::Worker(Worker {
                shared,
                url,
                inline,
            }));
        }
        [
            ("raw", Self::Raw),
            ("inline", Self::Inline),
            ("init", Self::Init),
            ("react", Self::React),
        ]
        .into_iter()
        .find_map(|(flag, found)| has(flag).then_some(found))
    }
}

impl<'a> ModuleId<'a> {
    pub(crate) fn parse(id: &'a str) -> Self {
        let (path, query) = match id.split_once('?') {
            Some((path, query)) => (path, query),
            None => (id, ""),
        };
        Self {
            path,
            query: Query::parse(query),
            parameters: query,
        }
    }

    /// A value of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.split('&').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            (key == name).then_some(value)
        })
    }

    /// The file as diagnostics name it: the path in the app's tree, or the package file's id.
    pub(crate) fn file(&self) -> &'a str {
        self.path.strip_prefix('/').unwrap_or(self.path)
    }

    /// Whether it belongs to an npm package.
    pub(crate) fn is_package(&self) -> bool {
        self.path.starts_with("npm:")
    }

    /// The extension, without the dot; empty when there is none.
    pub(crate) fn extension(&self) -> &'a str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Whether a style sheet's names are local to it.
    pub(crate) fn is_css_module(&self) -> bool {
        self.path.ends_with(".module.css")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_path_query_and_origin() {
        let raw = ModuleId::parse("/src/a.txt?raw");
        assert_eq!((raw.file(), raw.query), ("src/a.txt", Some(Query::Raw)));
        let versioned = ModuleId::parse("/src/a.css?v=1&inline");
        assert_eq!(versioned.query, Some(Query::Inline));
        let worker = Worker {
            shared: false,
            url: false,
            inline: true,
        };
        assert_eq!(
            ModuleId::parse("/src/w.ts?worker&inline").query,
            Some(Query::Worker(worker))
        );
        let package = ModuleId::parse("npm:@a/b@1.0.0/x.module.css");
        assert!(package.is_package() && package.is_css_module());
        assert_eq!(package.extension(), "css");
        assert_eq!(ModuleId::parse("/a.b/LICENSE").extension(), "");
    }
}
