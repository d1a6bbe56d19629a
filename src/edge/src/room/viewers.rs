//! Viewers: the sockets of open previews, and what editors see of them.

use super::{
    Room, now,
    sockets::{Attachment, Position, Role, VIEWER, send_to},
    storage::Meta,
};
use crate::problem::ApiError;
use data_encoding::BASE32_NOPAD;
use hotplate_domain::{
    limits::{EVENT_NAME_BYTES, USER_AGENT_BYTES, VIEWER_EVENTS, VIEWER_MESSAGE_BYTES},
    stack::cut,
};
use hotplate_protocol::{EditorMessage, RoomMessage, Viewer, ViewerMessage};
use serde::{Deserialize, Serialize};
use worker::{Request, Response, WebSocket, WebSocketPair, console_error};

/// Random bytes of an id.
const ID_BYTES: usize = 10;
/// Characters of one: five bits each.
const ID_CHARS: usize = 16;

/// What is remembered of a viewer's socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ViewerSocket {
    /// Names the socket.
    pub(super) id: String,
    user_agent: String,
    /// Epoch milliseconds.
    pub(super) connected_at: u64,
    /// The last update that it reported on.
    applied: Option<u64>,
    /// State of its rate of reports.
    pub(super) reports: u64,
    /// State of its rate of custom events.
    events: u64,
    /// What was over either rate since the last report that was passed on.
    pub(super) dropped: u32,
}

impl ViewerSocket {
    fn viewer(&self, position: &Position) -> Viewer {
        Viewer {
            id: self.id.clone(),
            seq: self.applied.max(position.seq),
            user_agent: self.user_agent.clone(),
            connected_at: self.connected_at,
        }
    }
}

impl Room {
    /// Takes a viewer in and tells it everything it lacks.
    pub(super) fn admit_viewer(
        &self,
        request: &Request,
        query: &str,
    ) -> Result<Response, ApiError> {
        let user_agent = request.headers().get("user-agent")?.unwrap_or_default();
        let viewer = ViewerSocket {
            id: new_id()?,
            user_agent: cut(&user_agent, USER_AGENT_BYTES),
            connected_at: now(),
            applied: None,
            reports: 0,
            events: 0,
            dropped: 0,
        };
        let tag = tag_of(&viewer.id);
        let WebSocketPair { client, server } =
            self.admit(&[VIEWER, &tag], Role::Viewer(viewer), query)?;
        if let Some(viewer) = viewer_of(&server) {
            self.tell_editors(&EditorMessage::ViewerJoined { viewer });
        }
        Ok(Response::from_websocket(client)?)
    }

    /// Everybody who is there, oldest first.
    pub(super) fn viewers(&self) -> Vec<Viewer> {
        let sockets = self.state.get_websockets_with_tag(VIEWER);
        let mut viewers: Vec<Viewer> = sockets.iter().filter_map(viewer_of).collect();
        viewers.sort_by(|a, b| (a.connected_at, &a.id).cmp(&(b.connected_at, &b.id)));
        viewers
    }

    /// Sends a custom event to one viewer; whether it is there.
    pub(super) fn send_to_viewer(&self, id: &str, text: &str) -> bool {
        // A tag has at most 256 characters; what is no id is none.
        id.len() == ID_CHARS && send_to(&self.state.get_websockets_with_tag(&tag_of(id)), text) > 0
    }

    /// A message of a viewer. What is not understood is ignored: newer clients may say more.
    pub(super) fn hear_viewer(
        &self,
        socket: &WebSocket,
        mut position: Position,
        mut viewer: ViewerSocket,
        text: &str,
    ) -> worker::Result<()> {
        if text.len() > VIEWER_MESSAGE_BYTES {
            return Ok(());
        }
        let Ok(message) = serde_json::from_str::<ViewerMessage>(text) else {
            return Ok(());
        };
        let mut answer = None;
        match message {
            ViewerMessage::Hello { seq } => {
                // The address said it already, and what was missing is on its way.
                if position.seq == Some(seq) {
                    return Ok(());
                }
                position.seq = Some(seq);
                self.viewer_changed(&position, &viewer);
                self.replay(socket, seq)?;
            }
            ViewerMessage::Received { seq } => position.acknowledge(seq),
            ViewerMessage::Applied { seq, ms, outcome } => {
                position.acknowledge(seq);
                let is_news = viewer.applied.is_none_or(|known| seq > known);
                if is_news && seq <= self.storage.number(Meta::Seq)? {
                    viewer.applied = Some(seq);
                    self.applied(&viewer, seq, ms, outcome)?;
                    self.viewer_changed(&position, &viewer);
                }
            }
            ViewerMessage::Console { level, args } => self.console(&mut viewer, level, &args)?,
            ViewerMessage::RuntimeError {
                id,
                message,
                stack,
                component_stack,
            } => {
                let report = self.runtime_error(&mut viewer, &message, &stack, &component_stack)?;
                answer = id.zip(report);
            }
            ViewerMessage::Custom { event, data } => {
                let named = !event.is_empty() && event.len() <= EVENT_NAME_BYTES;
                match VIEWER_EVENTS.take(viewer.events, now()).filter(|_| named) {
                    Some(events) => {
                        viewer.events = events;
                        self.tell_editors(&EditorMessage::Custom {
                            viewer: viewer.id.clone(),
                            event,
                            data,
                        });
                    }
                    None => viewer.dropped = viewer.dropped.saturating_add(1),
                }
            }
        }
        let role = Role::Viewer(viewer);
        socket.serialize_attachment(Attachment { position, role })?;
        match answer {
            Some((id, report)) => socket.send(&RoomMessage::RuntimeErrorTraced {
                id,
                diagnostic: report.diagnostic,
                stack: report.stack,
                component_stack: report.component_stack,
            }),
            None => Ok(()),
        }
    }

    fn viewer_changed(&self, position: &Position, viewer: &ViewerSocket) {
        self.tell_editors(&EditorMessage::ViewerChanged {
            viewer: viewer.viewer(position),
        });
    }
}

/// A viewer by its socket.
fn viewer_of(socket: &WebSocket) -> Option<Viewer> {
    match Attachment::of(socket) {
        Ok(Attachment {
            position,
            role: Role::Viewer(viewer),
        }) => Some(viewer.viewer(&position)),
        Ok(Attachment {
            role: Role::Editor, ..
        }) => None,
        Err(error) => {
            console_error!("a viewer is not known: {error}");
            None
        }
    }
}

/// Tag of one viewer's socket.
fn tag_of(id: &str) -> String {
    format!("{VIEWER}:{id}")
}

/// A name that nobody guesses: editors address viewers by it.
fn new_id() -> Result<String, ApiError> {
    let random = crate::api::random_bytes::<ID_BYTES>()?;
    Ok(BASE32_NOPAD.encode(&random).to_ascii_lowercase())
}
