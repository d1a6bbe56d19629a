//! Editors: sockets of programs that edit the app. They are told what viewers are and what viewers report,
//! and send edits as messages.

use super::{
    Room,
    sockets::{Attachment, EDITOR, Position, Role, VIEWER, send_to},
};
use crate::{api::parse_json, problem::ApiError};
use hotplate_domain::limits::{
    EDITOR_MESSAGE_BYTES, EVENT_NAME_BYTES, REQUEST_ID_BYTES, ROOM_EDITORS,
};
use hotplate_protocol::{
    EditRequest, EditResult, EditorMessage, EditorRequest, ErrorCode, RoomMessage,
};
use serde::Deserialize;
use serde_json::Value;
use worker::{Request, Response, WebSocket, WebSocketPair};

/// As much of a message that was not understood as its answer needs.
#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "type")]
    kind: Value,
    request_id: Value,
}

impl Room {
    /// Takes an editor in and tells it everything it lacks, and who is there.
    pub(super) fn admit_editor(
        &self,
        request: &Request,
        query: &str,
    ) -> Result<Response, ApiError> {
        if self.state.get_websockets_with_tag(EDITOR).len() >= ROOM_EDITORS {
            let detail = format!("a room has at most {ROOM_EDITORS} editors");
            return Err(ApiError::new(ErrorCode::RateLimited, detail));
        }
        let WebSocketPair { client, server } = self.admit(&[EDITOR], Role::Editor, query)?;
        server.send(&EditorMessage::Presence {
            viewers: self.viewers(),
        })?;
        let response = Response::from_websocket(client)?;
        // A client that offered a subprotocol goes away unless it is taken.
        if let Some(protocol) = request.headers().get("sec-websocket-protocol")? {
            response
                .headers()
                .set("sec-websocket-protocol", &protocol)?;
        }
        Ok(response)
    }

    /// A message of an editor; each one that is not understood is refused with the reason.
    pub(super) async fn hear_editor(
        &self,
        socket: &WebSocket,
        mut position: Position,
        text: &str,
    ) -> worker::Result<()> {
        let request = match read(text) {
            Ok(request) => request,
            Err(error) => return socket.send(&refusal(text, error)),
        };
        match request {
            EditorRequest::Hello { seq } => {
                if position.seq == Some(seq) {
                    return Ok(());
                }
                position.seq = Some(seq);
                keep(socket, position)?;
                self.replay(socket, seq)
            }
            EditorRequest::Received { seq } => {
                position.acknowledge(seq);
                keep(socket, position)
            }
            EditorRequest::Edit {
                request_id,
                base_revision,
                writes,
                deletes,
            } => {
                let edit = EditRequest {
                    base_revision,
                    writes,
                    deletes,
                };
                // The platform holds every message back until what was stored before it is durable.
                let answer = edited(request_id, self.edit(edit));
                socket.send(&answer)?;
                self.follow_up().await;
                Ok(())
            }
            EditorRequest::Custom {
                viewer,
                event,
                data,
            } => {
                let text = serde_json::to_string(&RoomMessage::Custom { event, data })?;
                match viewer {
                    Some(id) if self.send_to_viewer(&id, &text) => Ok(()),
                    Some(id) => {
                        let detail = format!("there is no viewer {id:?}");
                        let problem = ApiError::new(ErrorCode::NotFound, detail).into_problem();
                        socket.send(&EditorMessage::Refused { problem })
                    }
                    None => {
                        let mut others = self.state.get_websockets_with_tag(VIEWER);
                        others.extend(self.state.get_websockets_with_tag(EDITOR));
                        others.retain(|other| other != socket);
                        send_to(&others, &text);
                        Ok(())
                    }
                }
            }
        }
    }
}

fn keep(socket: &WebSocket, position: Position) -> worker::Result<()> {
    let role = Role::Editor;
    socket.serialize_attachment(Attachment { position, role })
}

fn edited(request_id: String, result: Result<EditResult, ApiError>) -> EditorMessage {
    match result {
        Ok(result) => EditorMessage::EditResult { request_id, result },
        Err(error) => EditorMessage::EditRefused {
            request_id,
            problem: error.into_problem(),
        },
    }
}

/// Reads a message and checks what its type alone does not say.
fn read(text: &str) -> Result<EditorRequest, ApiError> {
    if text.len() > EDITOR_MESSAGE_BYTES {
        let detail = format!(
            "at most {EDITOR_MESSAGE_BYTES} bytes are taken here; a larger edit goes over HTTP, or is split"
        );
        return Err(ApiError::new(ErrorCode::BodyTooLarge, detail));
    }
    let request: EditorRequest = parse_json(text.as_bytes())?;
    let invalid = |name: &str, most: usize| {
        let detail = format!("`{name}` has between 1 and {most} bytes");
        Err(ApiError::new(ErrorCode::InvalidBody, detail))
    };
    match &request {
        EditorRequest::Edit { request_id, .. } if !is_within(request_id, REQUEST_ID_BYTES) => {
            invalid("request_id", REQUEST_ID_BYTES)
        }
        EditorRequest::Custom { event, .. } if !is_within(event, EVENT_NAME_BYTES) => {
            invalid("event", EVENT_NAME_BYTES)
        }
        EditorRequest::Hello { .. }
        | EditorRequest::Received { .. }
        | EditorRequest::Edit { .. }
        | EditorRequest::Custom { .. } => Ok(request),
    }
}

fn is_within(text: &str, bytes: usize) -> bool {
    (1..=bytes).contains(&text.len())
}

/// The answer to a message that `read` refused: to its `request_id`, where it is an edit that has one.
fn refusal(text: &str, error: ApiError) -> EditorMessage {
    let problem = error.into_problem();
    let asked: Option<Asked> = serde_json::from_str(text).ok();
    match asked.map(|asked| (asked.kind, asked.request_id)) {
        Some((Value::String(kind), Value::String(request_id)))
            if kind == "edit" && is_within(&request_id, REQUEST_ID_BYTES) =>
        {
            EditorMessage::EditRefused {
                request_id,
                problem,
            }
        }
        _ => EditorMessage::Refused { problem },
    }
}
