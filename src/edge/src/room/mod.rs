//! The room: the Durable Object that owns an app's file tree, compiles edits and talks to its
//! sockets. One instance per app.
//!
//! Nothing it needs lives only in memory: [`storage`] is the truth, [`preview::Working`] a cache of
//! it, and sockets hibernate with what is known of them in their attachments.

mod compilation;
mod content_type;
mod edit;
mod editors;
mod environment;
mod pace;
mod page;
mod preview;
mod recovery;
mod reports;
mod schema;
mod server;
mod sockets;
mod storage;
mod trace;
mod trap;
mod tree;
mod vendor;
mod viewers;

pub(crate) use server::SERVER;

use crate::{api::parse_json, command::RoomCommand, problem::ApiError};
use hotplate_protocol::{EditResult, ErrorCode, RoomMessage};
use preview::{Done, Working};
use serde::Serialize;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use storage::{Meta, Storage};
use worker::{
    Date, DurableObject, Env, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, console_error, durable_object,
};

/// An app's room.
#[durable_object]
pub struct Room {
    state: State,
    env: Env,
    storage: Rc<Storage>,
    /// Never borrowed across an await.
    working: RefCell<Option<Working>>,
    /// Whether contents are being copied to KV.
    copying: Rc<Cell<bool>>,
    /// What was sent since the room looked who is behind.
    pace: pace::Sent,
    /// State of the rate of all viewers' reports. A room that slept has rested as long as a rate needs.
    reports: Cell<u64>,
    /// Number of the newest entry of the log, once it was asked for.
    last_log: Cell<Option<u64>>,
    /// Viewers as of the last broadcast.
    crowd: Cell<Option<u32>>,
    /// The app's server, once a request asked for it.
    server: RefCell<Option<Rc<server::Known>>>,
}

impl DurableObject for Room {
    #[expect(
        clippy::expect_used,
        reason = "a room without storage cannot exist; the runtime resets it"
    )]
    fn new(state: State, env: Env) -> Self {
        let storage = Rc::new(Storage::open(&state).expect("the room's SQLite opens and migrates"));
        let room = Self {
            state,
            env,
            storage,
            working: RefCell::new(None),
            copying: Rc::new(Cell::new(false)),
            pace: pace::Sent::default(),
            reports: Cell::new(0),
            last_log: Cell::new(None),
            crowd: Cell::new(None),
            server: RefCell::new(None),
        };
        room.set_auto_response();
        room.count_wake();
        room
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let _work = trap::AtWork::begin(&self.state);
        match self.answer(request).await {
            Ok(response) => Ok(response),
            Err(error) => error.into_response(false),
        }
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> Result<()> {
        let _work = trap::AtWork::begin(&self.state);
        match message {
            WebSocketIncomingMessage::String(text) => self.hear(&socket, &text).await,
            WebSocketIncomingMessage::Binary(_) => Ok(()),
        }
    }

    async fn websocket_close(&self, socket: WebSocket, _: usize, _: String, _: bool) -> Result<()> {
        // The runtime answers the close frame.
        self.lost(&socket)
    }

    async fn websocket_error(&self, socket: WebSocket, _: worker::Error) -> Result<()> {
        // A connection broke, as connections do. The viewer comes back and replays.
        self.lost(&socket)
    }

    async fn alarm(&self) -> Result<Response> {
        let _work = trap::AtWork::begin(&self.state);
        if self.storage.meta(Meta::App)?.is_some() {
            let installed = self.install_vendor().await;
            self.copy_contents().await;
            // Set whatever failed: the runtime repeats a failed handler a few times only.
            self.set_alarm().await?;
            installed?;
        }
        Response::empty()
    }
}

/// Answer of `info`.
#[derive(Serialize)]
struct Info {
    revision: u64,
    seq: u64,
    clients: u32,
}

impl Room {
    async fn answer(&self, mut request: Request) -> std::result::Result<Response, ApiError> {
        let command = RoomCommand::parse(&request.url()?)
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "nothing is here"))?;
        let exists = self.storage.meta(Meta::App)?.is_some();
        match command {
            RoomCommand::Init { app } => {
                self.storage.transaction(|| {
                    self.storage.put_meta(Meta::Stream, &now().to_string())?;
                    self.storage.put_meta(Meta::Linked, "0")?;
                    self.storage.put_meta(Meta::App, &app)
                })?;
                Ok(Response::empty()?.with_status(204))
            }
            RoomCommand::Destroy => {
                self.destroy().await?;
                Ok(Response::empty()?.with_status(204))
            }
            _ if !exists => Err(ApiError::new(
                ErrorCode::AppNotFound,
                "there is no such app",
            )),
            RoomCommand::Info => Ok(Response::from_json(&Info {
                revision: self.storage.number(Meta::Revision)?,
                seq: self.storage.number(Meta::Seq)?,
                clients: self.clients(),
            })?),
            RoomCommand::Edit => {
                let body = request.bytes().await?;
                self.answer_edit(|| self.edit(parse_json(&body)?)).await
            }
            RoomCommand::Replace { base } => {
                let body = request.bytes().await?;
                self.answer_edit(|| self.replace(base, &body)).await
            }
            RoomCommand::Restore { revision, base } => {
                self.answer_edit(|| self.restore(revision, base)).await
            }
            RoomCommand::Files { revision } | RoomCommand::Tree { revision } => {
                Ok(Response::from_json(&self.list(revision)?)?)
            }
            RoomCommand::File { path, revision } => self.read_file(&request, &path, revision),
            RoomCommand::Revisions { cursor, limit } => {
                Ok(Response::from_json(&self.history(cursor, limit)?)?)
            }
            RoomCommand::Live { path, query } => {
                if let Some(response) = self.to_server(&request, &path, true).await? {
                    return Ok(response);
                }
                let response = self.live(&request, &path, &query).await;
                self.follow_up().await;
                response
            }
            RoomCommand::Asset { path, query } => self.live(&request, &path, &query).await,
            RoomCommand::Act { path } => {
                let server = self.to_server(&request, &path, false).await?;
                server.ok_or_else(|| ApiError::Method {
                    allow: "GET, HEAD".to_owned(),
                })
            }
            RoomCommand::Server { id } => self.server_code(&id).await,
            RoomCommand::Socket { query } => {
                let response = self.admit_viewer(&request, &query)?;
                // Sockets come back after a crash, and may be all that comes.
                self.follow_up().await;
                Ok(response)
            }
            RoomCommand::Editor { query } => {
                let response = self.admit_editor(&request, &query)?;
                self.follow_up().await;
                Ok(response)
            }
            RoomCommand::Logs {
                cursor,
                limit,
                level,
            } => Ok(Response::from_json(&self.logs(cursor, limit, level)?)?),
            RoomCommand::HmrMetrics => Ok(Response::from_json(&self.hmr_metrics()?)?),
            RoomCommand::Blobs => {
                let body = request.bytes().await?;
                Ok(Response::from_json(&self.blobs(&body)?)?)
            }
            RoomCommand::Environment => {
                let body = request.bytes().await?;
                self.take_environment(&body)?;
                Ok(Response::empty()?.with_status(204))
            }
            RoomCommand::Notify => {
                let message: RoomMessage = serde_json::from_slice(&request.bytes().await?)?;
                self.tell(&message)?;
                Ok(Response::empty()?.with_status(204))
            }
        }
    }

    /// Makes an edit and says how much it made the room do. Times would tell less: the clock of a Durable
    /// Object stands still while it computes.
    async fn answer_edit(
        &self,
        edit: impl FnOnce() -> std::result::Result<EditResult, ApiError>,
    ) -> std::result::Result<Response, ApiError> {
        self.load()?;
        let (before, rows) = (self.done(), self.storage.rows_touched());
        let result = edit()?;
        let (after, rows) = (self.done(), self.storage.rows_touched() - rows);
        self.follow_up().await;
        let response = Response::from_json(&result)?;
        let work = format!(
            "compile;desc=\"{} modules\", link;desc=\"{} modules\", diagnose;desc=\"{} modules\", store;desc=\"{rows} rows\"",
            after.compiled.saturating_sub(before.compiled),
            after.linked.saturating_sub(before.linked),
            after.looked_at.saturating_sub(before.looked_at),
        );
        response.headers().set("server-timing", &work)?;
        Ok(response)
    }

    /// Removes everything; the room is as before `init`.
    async fn destroy(&self) -> Result<()> {
        self.close_sockets();
        self.working.replace(None);
        self.last_log.set(None);
        self.server.replace(None);
        let storage = self.state.storage();
        storage.delete_alarm().await?;
        storage.delete_all().await?;
        schema::migrate(&storage.sql())
    }

    fn done(&self) -> Done {
        let working = self.working.borrow();
        working.as_ref().map(Working::done).unwrap_or_default()
    }

    /// Does something with the working tree.
    fn with_working<T>(&self, act: impl FnOnce(&mut Working) -> Result<T>) -> Result<T> {
        self.load()?;
        match self.working.borrow_mut().as_mut() {
            Some(working) => act(working),
            None => Err(worker::Error::RustError(
                "the working tree is not loaded".to_owned(),
            )),
        }
    }

    /// Starts what need not be awaited: contents to KV, the vendor chunk. What was answered stands, so a
    /// failure here is not one of the request; the next request or alarm tries again.
    async fn follow_up(&self) {
        if let Err(error) = self.start_work().await {
            console_error!("work in the background could not be started: {error}");
        }
    }

    async fn start_work(&self) -> Result<()> {
        if !self.storage.not_in_kv(1)?.is_empty() && !self.copying.get() {
            let copy = tree::Copy::new(self);
            self.state.wait_until(async move { copy.run().await });
        }
        if self.vendor_due()?.is_some() {
            self.set_alarm().await?;
        }
        Ok(())
    }

    /// Sets the alarm to when something has to be done next.
    async fn set_alarm(&self) -> Result<()> {
        let pending = (!self.storage.not_in_kv(1)?.is_empty()).then(|| now() + tree::COPY_RETRY_MS);
        let Some(due) = self.vendor_due()?.into_iter().chain(pending).min() else {
            return Ok(());
        };
        let due = i64::try_from(due.saturating_sub(now())).unwrap_or(i64::MAX);
        let storage = self.state.storage();
        // `i64` is an offset from now.
        if let Err(error) = storage.set_alarm(due).await {
            console_error!("the alarm could not be set: {error}");
        }
        Ok(())
    }

    async fn copy_contents(&self) {
        tree::Copy::new(self).run().await;
    }

    /// Counts this construction, so that it can be seen from outside whether the room hibernates.
    fn count_wake(&self) {
        let counted = (|| match self.storage.meta(Meta::App)? {
            Some(_) => {
                let wakes = self.storage.number(Meta::Wakes)? + 1;
                self.storage.put_meta(Meta::Wakes, &wakes.to_string())
            }
            None => Ok(()),
        })();
        if let Err(error) = counted {
            console_error!("a wake was not counted: {error}");
        }
    }
}

/// Epoch milliseconds.
fn now() -> u64 {
    Date::now().as_millis()
}
