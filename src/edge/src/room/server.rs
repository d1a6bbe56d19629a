//! The app's server in its preview: which code it has, and which requests it gets.
//!
//! The build service links it, the Worker runs it (`preview_server`). The room remembers it as long as nothing
//! changes that it depends on, so that edits of the pages cost it nothing.

use super::{
    Room,
    storage::{Meta, TextKind},
};
use crate::{
    builds,
    command::{ServerAddress, ServerSecrets, StartedServer},
    config::Config,
    problem::ApiError,
    secrets,
    text::is_navigation,
};
use data_encoding::HEXLOWER;
use hotplate_domain::{Urls, route::decode, server};
use hotplate_protocol::{Diagnostic, ErrorCode, FileEntry, ServerAnswer, ServerJob};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, rc::Rc};
use worker::{Request, Response, Url};

/// Header of an answer that means: the app's server answers this. Its value is a [`ServerAddress`].
pub(crate) const SERVER: &str = "hotplate-server";

/// What is known of the server as of one state of the room.
pub(super) struct Known {
    revision: u64,
    environment: String,
    answer: ServerAnswer,
    /// Names the code with all that it is given; the same one is the same Worker.
    id: String,
}

/// What is stored of it.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Of everything that the answer depends on.
    inputs: String,
    answer: ServerAnswer,
}

impl Room {
    /// Sends a request of the live host to the server, when it is the server's to answer.
    pub(super) async fn to_server(
        &self,
        request: &Request,
        path: &str,
        reads: bool,
    ) -> Result<Option<Response>, ApiError> {
        if path.starts_with("/@live/")
            || path.starts_with("/@vendor/")
            || !self.may_have_server()?
        {
            return Ok(None);
        }
        // While nobody knows which requests a server gets, pages and files stay as they are.
        let unknown = |error: ApiError| {
            if reads && self.answers(request, path, true)? {
                Ok(None)
            } else {
                Err(error)
            }
        };
        let known = match self.server().await {
            Ok(known) => known,
            Err(error) => return unknown(error),
        };
        let Some(found) = &known.answer.server else {
            return match known.answer.diagnostics.iter().find(|it| it.is_error()) {
                Some(error) => unknown(broken(error)),
                None => Ok(None),
            };
        };
        let first = server::is_first(&found.run_worker_first, path);
        if reads && !first && self.answers(request, path, found.single_page)? {
            return Ok(None);
        }
        let address = ServerAddress::new(self.app()?, known.id.clone());
        let response = Response::empty()?.with_status(204);
        response
            .headers()
            .set(SERVER, &serde_json::to_string(&address)?)?;
        Ok(Some(response))
    }

    /// Code and secrets of the server, for who starts it.
    pub(super) async fn server_code(&self, id: &str) -> Result<Response, ApiError> {
        let known = self.server().await?;
        match &known.answer.server {
            Some(found) if known.id == id => {
                let secrets = self.server_secrets()?.open(&Config::read(&self.env)?)?;
                Ok(Response::from_json(&StartedServer {
                    code: &found.code,
                    secrets: &secrets,
                })?)
            }
            // Changed between the request and the start: the next request has the new one.
            Some(_) | None => Err(ApiError::new(
                ErrorCode::Unavailable,
                "the app's server is another one now; ask again",
            )),
        }
    }

    /// Whether a page or a file answers a request.
    fn answers(&self, request: &Request, path: &str, single_page: bool) -> Result<bool, ApiError> {
        if matches!(path, "/" | "/index.html") || (single_page && is_navigation(request)) {
            return Ok(true);
        }
        let name = decode(path.trim_start_matches('/'))?;
        let public = self.storage.file(&format!("public/{name}"))?;
        Ok(public.is_some() || self.storage.file(&name)?.is_some())
    }

    fn may_have_server(&self) -> Result<bool, ApiError> {
        let has = self.with_working(|working| Ok(working.any_path(server::may_have_server)))?;
        Ok(has)
    }

    async fn server(&self) -> Result<Rc<Known>, ApiError> {
        let revision = self.storage.number(Meta::Revision)?;
        let public = self.storage.meta(Meta::Environment)?.unwrap_or_default();
        let sealed = self.storage.meta(Meta::Secrets)?.unwrap_or_default();
        let environment = format!("{public}\n{sealed}");
        let known = self.server.borrow().clone();
        if let Some(known) = known
            && known.revision == revision
            && known.environment == environment
        {
            return Ok(known);
        }
        let files = self.storage.files()?;
        let stored = self.storage.text(TextKind::Server, "")?;
        let stored = stored.and_then(|text| serde_json::from_str::<Stored>(&text).ok());
        let valid = stored.filter(|it| it.inputs == inputs(&files, &it.answer, &environment));
        let answer = match valid {
            Some(stored) => stored.answer,
            None => self.link_server(files, &environment).await?,
        };
        let known = Rc::new(Known {
            id: self.server_id(&answer, &environment)?,
            revision,
            environment,
            answer,
        });
        self.server.replace(Some(Rc::clone(&known)));
        Ok(known)
    }

    async fn link_server(
        &self,
        files: Vec<FileEntry>,
        environment: &str,
    ) -> Result<ServerAnswer, ApiError> {
        let config = Config::read(&self.env)?;
        let app = self.app()?;
        let job = ServerJob {
            blobs_url: Urls::new(config.base_domain.clone()).blobs(&app),
            files: files.clone(),
            env: self.given_values()?,
            secrets: self.server_secrets()?.secrets.into_keys().collect(),
            app,
        };
        let body = serde_json::to_string(&job)?;
        let asked = builds::post(&config, "/v1/servers", &job.app, &body).await;
        let unavailable = |error: String| {
            let detail = format!("the app's server cannot be built now: {error}");
            ApiError::new(ErrorCode::Unavailable, detail)
        };
        let mut response = asked.map_err(|error| unavailable(error.to_string()))?;
        let answer: ServerAnswer = response
            .json()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let passes = answer
            .diagnostics
            .iter()
            .find(|it| PASSING.contains(&&*it.code));
        if let Some(passing) = passes {
            return Err(unavailable(passing.message.clone()));
        }
        let stored = Stored {
            inputs: inputs(&files, &answer, environment),
            answer,
        };
        self.storage.transaction(|| {
            let text = serde_json::to_string(&stored)?;
            self.storage.put_text(TextKind::Server, "", &text)
        })?;
        Ok(stored.answer)
    }

    fn server_id(&self, answer: &ServerAnswer, environment: &str) -> Result<String, ApiError> {
        let Some(found) = &answer.server else {
            return Ok(String::new());
        };
        let stream = self.storage.number(Meta::Stream)?;
        let identity = serde_json::json!([self.app()?, stream, found.code, environment]);
        Ok(HEXLOWER.encode(&Sha256::digest(identity.to_string())))
    }

    fn server_secrets(&self) -> Result<ServerSecrets, ApiError> {
        let text = self.storage.meta(Meta::Secrets)?;
        let read = text.map(|text| serde_json::from_str(&text)).transpose()?;
        Ok(read.unwrap_or_default())
    }

    fn app(&self) -> worker::Result<String> {
        Ok(self.storage.meta(Meta::App)?.unwrap_or_default())
    }
}

impl ServerSecrets {
    fn open(&self, config: &Config) -> Result<hotplate_protocol::Secrets, ApiError> {
        secrets::open(config, &self.app_id, &serde_json::to_string(&self.secrets)?)
    }
}

/// Codes of failures that are nobody's mistake.
const PASSING: &[&str] = &[
    "content_unavailable",
    "registry_unavailable",
    "install_timeout",
];

/// A hash of everything that the answer depends on.
fn inputs(files: &[FileEntry], answer: &ServerAnswer, environment: &str) -> String {
    let failed = answer.diagnostics.iter().any(Diagnostic::is_error);
    let sources: BTreeSet<&str> = answer.sources.iter().map(String::as_str).collect();
    let mut hash = Sha256::new();
    for FileEntry {
        path,
        hash: content,
        ..
    } in files
    {
        hash.update(path);
        // What fails may depend on anything.
        if failed || sources.contains(path.as_str()) || server::decides(path) {
            hash.update("\t");
            hash.update(content);
        }
        hash.update("\n");
    }
    hash.update(environment);
    HEXLOWER.encode(&hash.finalize())
}

fn broken(error: &Diagnostic) -> ApiError {
    let Diagnostic {
        file,
        line,
        column,
        message,
        ..
    } = error;
    let place = if *line > 0 {
        format!("{file}:{line}:{column}: ")
    } else if file.is_empty() {
        String::new()
    } else {
        format!("{file}: ")
    };
    ApiError::new(ErrorCode::ServerBuildFailed, format!("{place}{message}"))
}

/// Where code and files of a server are, for who starts it.
impl ServerAddress {
    fn new(app: String, id: String) -> Self {
        let code = Url::parse_with_params("https://room/server", [("id", &id)]);
        Self {
            code: code.map_or_else(|_| String::new(), String::from),
            files: "https://room/asset".to_owned(),
            app,
            id,
        }
    }
}
