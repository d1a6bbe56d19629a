//! The calls of the HTTP API that the command makes, typed by `protocol`.

use crate::connection::Connection;
use crate::failure::Failure;
use futures::StreamExt;
use hotplate_protocol::{
    ActivePointer, App, AppList, CreateApp, CreateDeployment, Deployment, DeploymentEvent,
    DeploymentList, EditRequest, EditResult, ErrorCode, FileList, Problem, Visibility,
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A connected client.
pub(crate) struct Api {
    client: Client,
    connection: Connection,
}

impl Api {
    pub(crate) fn new(connection: Connection) -> Result<Self, Failure> {
        let url = connection.url.clone();
        // `*.localhost` and the API are this machine or the platform's own hosts: no proxy in between.
        let client = Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|source| Failure::Unreachable { url, source })?;
        Ok(Self { client, connection })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/v1{path}", self.connection.url))
            .bearer_auth(&self.connection.token)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let url = self.connection.url.clone();
        let response = request
            .send()
            .await
            .map_err(|source| Failure::Unreachable {
                url: url.clone(),
                source: source.without_url(),
            })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let url = response.url().to_string();
        match response.json::<Problem>().await {
            Ok(problem) => Err(Failure::Refused(problem)),
            Err(_) => Err(Failure::NoApi { url, status }),
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let response = self.send(request).await?;
        let (url, status) = (response.url().to_string(), response.status().as_u16());
        response
            .json()
            .await
            .map_err(|_| Failure::NoApi { url, status })
    }

    /// The app, created when there is none of that slug; and whether it is new.
    pub(crate) async fn ensure_app(&self, slug: &str) -> Result<(App, bool), Failure> {
        match self.app(slug).await {
            Err(Failure::Refused(problem)) if problem.code == ErrorCode::AppNotFound => {}
            other => return other.map(|app| (app, false)),
        }
        let body = CreateApp {
            slug: slug.to_owned(),
            name: None,
            visibility: Visibility::default(),
        };
        match self
            .json(self.request(Method::POST, "/apps").json(&body))
            .await
        {
            // Somebody else was faster.
            Err(Failure::Refused(problem)) if problem.code == ErrorCode::SlugTaken => {
                self.app(slug).await.map(|app| (app, false))
            }
            other => other.map(|app| (app, true)),
        }
    }

    pub(crate) async fn app(&self, slug: &str) -> Result<App, Failure> {
        self.json(self.request(Method::GET, &format!("/apps/{slug}")))
            .await
    }

    pub(crate) async fn apps(&self) -> Result<Vec<App>, Failure> {
        let mut apps = Vec::new();
        let mut cursor = None;
        loop {
            let request = self
                .request(Method::GET, "/apps")
                .query(&cursor.map(|cursor: String| [("cursor", cursor)]));
            let page: AppList = self.json(request).await?;
            apps.extend(page.apps);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(apps);
            }
        }
    }

    pub(crate) async fn files(&self, slug: &str) -> Result<FileList, Failure> {
        self.json(self.request(Method::GET, &format!("/apps/{slug}/files")))
            .await
    }

    pub(crate) async fn edit(&self, slug: &str, edit: &EditRequest) -> Result<EditResult, Failure> {
        self.json(
            self.request(Method::PATCH, &format!("/apps/{slug}/files"))
                .json(edit),
        )
        .await
    }

    pub(crate) async fn deploy(
        &self,
        slug: &str,
        message: Option<String>,
    ) -> Result<Deployment, Failure> {
        let body = CreateDeployment {
            revision: None,
            message,
        };
        self.json(
            self.request(Method::POST, &format!("/apps/{slug}/deployments"))
                .json(&body),
        )
        .await
    }

    pub(crate) async fn deployment(&self, slug: &str, id: &str) -> Result<Deployment, Failure> {
        self.json(self.request(Method::GET, &format!("/apps/{slug}/deployments/{id}")))
            .await
    }

    pub(crate) async fn deployments(&self, slug: &str) -> Result<Vec<Deployment>, Failure> {
        let page: DeploymentList = self
            .json(self.request(Method::GET, &format!("/apps/{slug}/deployments")))
            .await?;
        Ok(page.deployments)
    }

    /// Follows a deployment's events, from the first, until the stream ends.
    pub(crate) async fn events(
        &self,
        slug: &str,
        id: &str,
        mut each: impl FnMut(&DeploymentEvent),
    ) -> Result<(), Failure> {
        let response = self
            .send(self.request(
                Method::GET,
                &format!("/apps/{slug}/deployments/{id}/events"),
            ))
            .await?;
        let mut stream = response.bytes_stream();
        let mut pending = Vec::new();
        while let Some(part) = stream.next().await {
            let url = self.connection.url.clone();
            pending.extend_from_slice(&part.map_err(|source| Failure::Unreachable {
                url,
                source: source.without_url(),
            })?);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                // Server-Sent Events: one JSON object per `data:` line (WHATWG HTML, 9.2).
                let event = line
                    .strip_prefix(b"data:")
                    .and_then(|data| serde_json::from_slice(data).ok());
                if let Some(event) = event {
                    each(&event);
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn rollback(&self, slug: &str) -> Result<ActivePointer, Failure> {
        self.json(self.request(Method::POST, &format!("/apps/{slug}/rollback")))
            .await
    }

    pub(crate) async fn activate(&self, slug: &str, id: &str) -> Result<ActivePointer, Failure> {
        self.json(self.request(
            Method::POST,
            &format!("/apps/{slug}/deployments/{id}/activate"),
        ))
        .await
    }
}
