//! The room's sockets, viewers' and editors' alike. They hibernate: everything the room must know of one
//! stands in its attachment or in storage, and its tags say what it is.

use super::{
    Room,
    storage::{Meta, TextKind},
    viewers::ViewerSocket,
};
use crate::problem::ApiError;
use hotplate_domain::{Replay, limits::ROOM_SOCKETS};
use hotplate_protocol::{Diagnostic, EditorMessage, ErrorCode, RoomMessage};
use serde::{Deserialize, Serialize};
use worker::{Error, WebSocket, WebSocketPair, WebSocketRequestResponsePair, console_error};

/// Close code of a removed app; 4000–4999 are the application's own.
const APP_REMOVED: u16 = 4004;

/// Tag of viewers' sockets.
pub(super) const VIEWER: &str = "viewer";
/// Tag of editors' sockets.
pub(super) const EDITOR: &str = "editor";

/// What is remembered of a socket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attachment {
    pub(super) position: Position,
    pub(super) role: Role,
}

/// Where a socket stands in the stream.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Position {
    /// The `seq` that it has been brought up to date from; absent until it said one.
    pub(super) seq: Option<u64>,
    /// It was sent every update later than this one.
    pub(super) sent_from: u64,
    /// The last update that it acknowledged; absent until it acknowledged one.
    pub(super) received: Option<u64>,
    /// Since when it has been too far behind, epoch milliseconds.
    pub(super) behind_since: Option<u64>,
}

/// Whose socket it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Role {
    /// A preview's.
    Viewer(ViewerSocket),
    /// An editor's.
    Editor,
}

impl Attachment {
    /// Every socket has one from the moment it is accepted.
    pub(super) fn of(socket: &WebSocket) -> worker::Result<Self> {
        socket
            .deserialize_attachment()?
            .ok_or_else(|| Error::RustError("a socket has no attachment".to_owned()))
    }
}

impl Room {
    /// A ping of a viewer is answered without waking the room.
    pub(super) fn set_auto_response(&self) {
        match WebSocketRequestResponsePair::new("ping", "pong") {
            Ok(pair) => self.state.set_websocket_auto_response(&pair),
            Err(error) => console_error!("pings will wake the room: {error:?}"),
        }
    }

    /// Makes a socket's two ends and tells it everything it lacks; answers the client's and the room's.
    pub(super) fn admit(
        &self,
        tags: &[&str],
        role: Role,
        query: &str,
    ) -> Result<WebSocketPair, ApiError> {
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
        let pair = WebSocketPair::new()?;
        let server = &pair.server;
        self.state.accept_websocket_with_tags(server, tags);
        self.crowd.set(None);
        let log = self.storage.log()?;
        server.serialize_attachment(Attachment {
            position: Position {
                seq,
                sent_from: seq.unwrap_or(log.head).min(log.head),
                ..Position::default()
            },
            role,
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
            reload(server, "this is another app of the same name")?;
        } else if let Some(seq) = seq {
            self.replay(server, seq)?;
        }
        let errors = self.sticky()?;
        if !errors.is_empty() {
            server.send(&RoomMessage::Error {
                seq: log.head,
                diagnostics: errors,
            })?;
        }
        Ok(pair)
    }

    /// Sends everything later than `seen`, in order.
    pub(super) fn replay(&self, socket: &WebSocket, seen: u64) -> worker::Result<()> {
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
        self.storage.add_update(seq, &message, super::now())?;
        Ok((seq, message))
    }

    /// Errors that every new socket is told of.
    pub(super) fn sticky(&self) -> worker::Result<Vec<Diagnostic>> {
        Ok(match self.storage.meta(Meta::Sticky)? {
            Some(text) => serde_json::from_str(&text)?,
            None => Vec::new(),
        })
    }

    /// Sends a message to every socket; how many viewers took it.
    pub(super) fn broadcast(&self, message: &str) -> u32 {
        let taken = send_to(&self.state.get_websockets_with_tag(VIEWER), message);
        self.crowd.set(Some(taken));
        send_to(&self.state.get_websockets_with_tag(EDITOR), message);
        self.keep_pace(message);
        taken
    }

    /// Sends messages in order; how many viewers took the last one, or there are.
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

    /// Sends a message to every editor.
    pub(super) fn tell_editors(&self, message: &EditorMessage) {
        let editors = self.state.get_websockets_with_tag(EDITOR);
        if editors.is_empty() {
            return;
        }
        match serde_json::to_string(message) {
            Ok(text) => drop(send_to(&editors, &text)),
            Err(error) => console_error!("editors were not told: {error}"),
        }
    }

    /// How many viewers there are.
    pub(super) fn clients(&self) -> u32 {
        let viewers = self.state.get_websockets_with_tag(VIEWER).len();
        u32::try_from(viewers).unwrap_or(u32::MAX)
    }

    /// About how many: as of the last broadcast, for what each of many viewers makes the room do.
    pub(super) fn crowd(&self) -> u32 {
        let crowd = self.crowd.get().unwrap_or_else(|| self.clients());
        self.crowd.set(Some(crowd));
        crowd
    }

    /// Closes all of them for good.
    pub(super) fn close_sockets(&self) {
        for socket in self.state.get_websockets() {
            // One that is closing already is as closed as it should be.
            let _ = socket.close(Some(APP_REMOVED), Some("the app was removed"));
        }
    }

    /// A message of a socket.
    pub(super) async fn hear(&self, socket: &WebSocket, text: &str) -> worker::Result<()> {
        let Attachment { position, role } = Attachment::of(socket)?;
        match role {
            Role::Viewer(viewer) => self.hear_viewer(socket, position, viewer, text),
            Role::Editor => self.hear_editor(socket, position, text).await,
        }
    }

    /// A socket closed or broke.
    pub(super) fn lost(&self, socket: &WebSocket) -> worker::Result<()> {
        match Attachment::of(socket)?.role {
            Role::Viewer(viewer) => self.tell_editors(&EditorMessage::ViewerLeft {
                viewer: viewer.id,
                dropped: viewer.dropped,
            }),
            // Nobody watches the editors.
            Role::Editor => {}
        }
        Ok(())
    }
}

/// Sends a text to sockets; how many took it. One that closes just now fails, and replays when it is back.
pub(super) fn send_to(sockets: &[WebSocket], text: &str) -> u32 {
    let taken = sockets
        .iter()
        .filter(|socket| socket.send_with_str(text).is_ok())
        .count();
    u32::try_from(taken).unwrap_or(u32::MAX)
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
