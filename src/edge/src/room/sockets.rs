//! The room's sockets. They hibernate: everything the room must know of one stands in its
//! attachment or in storage.

use super::{
    Room,
    pace::acknowledge,
    storage::{Meta, TextKind},
};
use crate::problem::ApiError;
use hotplate_domain::{
    Replay,
    limits::{ROOM_SOCKETS, VIEWER_MESSAGE_BYTES},
};
use hotplate_protocol::{Diagnostic, ErrorCode, RoomMessage, ViewerMessage};
use serde::{Deserialize, Serialize};
use worker::{Response, WebSocket, WebSocketPair, WebSocketRequestResponsePair, console_error};

/// Close code of a removed app; 4000–4999 are the application's own.
const APP_REMOVED: u16 = 4004;

/// What is remembered of a socket.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Attachment {
    /// The `seq` that the viewer has been brought up to date from; absent until it said one.
    seq: Option<u64>,
    /// It was sent every update later than this one.
    pub(super) sent_from: u64,
    /// The last update that it acknowledged; absent until it acknowledged one.
    pub(super) received: Option<u64>,
    /// Since when it has been too far behind, epoch milliseconds.
    pub(super) behind_since: Option<u64>,
}

impl Room {
    /// A ping of a viewer is answered without waking the room.
    pub(super) fn set_auto_response(&self) {
        match WebSocketRequestResponsePair::new("ping", "pong") {
            Ok(pair) => self.state.set_websocket_auto_response(&pair),
            Err(error) => console_error!("pings will wake the room: {error:?}"),
        }
    }

    /// Takes a viewer in and tells it everything it lacks.
    pub(super) fn admit(&self, query: &str) -> Result<Response, ApiError> {
        if self.state.get_websockets().len() >= ROOM_SOCKETS {
            let detail = format!("a room has at most {ROOM_SOCKETS} sockets");
            return Err(ApiError::new(ErrorCode::RateLimited, detail));
        }
        // Pages are told of edits that a crash left aside before they are told where the stream stands.
        if self.unlinked()?.is_some() {
            self.load()?;
        }
        let seq = number_of(query, "seq")?;
        let stream = number_of(query, "stream")?;
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        self.state.accept_web_socket(&server);
        let log = self.storage.log()?;
        server.serialize_attachment(Attachment {
            seq,
            sent_from: seq.unwrap_or(log.head).min(log.head),
            ..Attachment::default()
        })?;
        let revision = self.storage.number(Meta::Revision)?;
        server.send(&RoomMessage::Connected {
            seq: log.head,
            revision,
        })?;
        if let Some(state) = self.vendor_state()? {
            server.send(&RoomMessage::Vendor { state })?;
        }
        let present = self.storage.number(Meta::Stream)?;
        if stream.is_some_and(|stream| stream != present) {
            reload(&server, "this is another app of the same name")?;
        } else if let Some(seq) = seq {
            self.replay(&server, seq)?;
        }
        let errors = self.sticky()?;
        if !errors.is_empty() {
            server.send(&RoomMessage::Error {
                seq: log.head,
                diagnostics: errors,
            })?;
        }
        Ok(Response::from_websocket(client)?)
    }

    /// Sends everything later than `seen`, in order.
    fn replay(&self, socket: &WebSocket, seen: u64) -> worker::Result<()> {
        match self.storage.log()?.replay(seen) {
            Replay::UpToDate => Ok(()),
            Replay::Reload => reload(socket, "the room no longer has every update since"),
            Replay::Updates { from, to } => {
                for seq in from..=to {
                    match self.storage.text(TextKind::Update, &seq.to_string())? {
                        Some(message) => socket.send_with_str(message)?,
                        None => return reload(socket, "an update is missing"),
                    }
                }
                Ok(())
            }
        }
    }

    /// Puts a reload into the stream, for who comes back later too; its number, and the message for
    /// present sockets. Belongs in a transaction.
    pub(super) fn append_reload(&self, reason: &str) -> worker::Result<(u64, String)> {
        let seq = self.storage.number(Meta::Seq)? + 1;
        let message = serde_json::to_string(&RoomMessage::Reload {
            seq: Some(seq),
            reason: reason.to_owned(),
        })?;
        self.storage.add_update(seq, &message)?;
        Ok((seq, message))
    }

    /// Errors that every new socket is told of.
    pub(super) fn sticky(&self) -> worker::Result<Vec<Diagnostic>> {
        Ok(match self.storage.meta(Meta::Sticky)? {
            Some(text) => serde_json::from_str(&text)?,
            None => Vec::new(),
        })
    }

    /// Sends a message to every socket; how many took it.
    pub(super) fn broadcast(&self, message: &str) -> u32 {
        let sockets = self.state.get_websockets();
        // One that closes just now fails, and replays when it is back.
        let taken = sockets
            .iter()
            .filter(|socket| socket.send_with_str(message).is_ok())
            .count();
        self.keep_pace(message);
        u32::try_from(taken).unwrap_or(u32::MAX)
    }

    /// Sends messages in order; how many sockets took the last one, or there are.
    pub(super) fn send_all(&self, messages: &[String]) -> u32 {
        let mut clients = None;
        for message in messages {
            clients = Some(self.broadcast(message));
        }
        clients.unwrap_or_else(|| self.clients())
    }

    /// The same, for a message that is not text yet.
    pub(super) fn tell(&self, message: &RoomMessage) -> worker::Result<u32> {
        Ok(self.broadcast(&serde_json::to_string(message)?))
    }

    /// How many sockets there are.
    pub(super) fn clients(&self) -> u32 {
        u32::try_from(self.state.get_websockets().len()).unwrap_or(u32::MAX)
    }

    /// Closes all of them for good.
    pub(super) fn close_sockets(&self) {
        for socket in self.state.get_websockets() {
            // One that is closing already is as closed as it should be.
            let _ = socket.close(Some(APP_REMOVED), Some("the app was removed"));
        }
    }

    /// A message of a viewer. What is not understood is ignored: newer clients may say more.
    pub(super) fn hear(&self, socket: &WebSocket, text: &str) -> worker::Result<()> {
        if text.len() > VIEWER_MESSAGE_BYTES {
            return Ok(());
        }
        let Ok(message) = serde_json::from_str::<ViewerMessage>(text) else {
            return Ok(());
        };
        match message {
            ViewerMessage::Hello { seq } => {
                let known: Attachment = socket.deserialize_attachment()?.unwrap_or_default();
                // The address said it already, and what was missing is on its way.
                if known.seq == Some(seq) {
                    return Ok(());
                }
                socket.serialize_attachment(Attachment {
                    seq: Some(seq),
                    ..known
                })?;
                self.replay(socket, seq)
            }
            ViewerMessage::Received { seq } | ViewerMessage::Applied { seq, .. } => {
                acknowledge(socket, seq)
            }
            ViewerMessage::Custom { event, data } => {
                let text = serde_json::to_string(&RoomMessage::Custom { event, data })?;
                for other in self
                    .state
                    .get_websockets()
                    .iter()
                    .filter(|other| *other != socket)
                {
                    // See `broadcast`.
                    let _ = other.send_with_str(&text);
                }
                Ok(())
            }
            // Reports are for people who watch a page; nobody reads them here yet.
            ViewerMessage::Console { .. } | ViewerMessage::RuntimeError { .. } => Ok(()),
        }
    }
}

/// Tells a viewer that no replay helps.
fn reload(socket: &WebSocket, reason: &str) -> worker::Result<()> {
    socket.send(&RoomMessage::Reload {
        seq: None,
        reason: reason.to_owned(),
    })
}

/// A number of a socket's query. `seq` is the last update seen; a socket without one is told only what
/// happens from now on. `stream` is the stream that it counts in; a socket without one means the present one.
fn number_of(query: &str, name: &str) -> Result<Option<u64>, ApiError> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value
        .filter(|value| !value.is_empty())
        .map(|value| {
            value.parse().map_err(|_| {
                let detail = format!("`{name}` is a number that the page was given");
                ApiError::new(ErrorCode::InvalidParameter, detail)
            })
        })
        .transpose()
}
