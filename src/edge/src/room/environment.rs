//! Public values in the live preview: what the app was given, over what its `.env` files say.

use super::{Room, storage::Meta};
use crate::{
    api::parse_json,
    command::{RoomEnvironment, ServerSecrets},
    problem::ApiError,
};
use std::collections::BTreeMap;

impl Room {
    /// Takes the app's values over; pages load anew when they are others, as modules have read them.
    pub(super) fn take_environment(&self, body: &[u8]) -> Result<(), ApiError> {
        let RoomEnvironment {
            app_id,
            vars,
            secrets,
        } = parse_json(body)?;
        let values = serde_json::to_string(&vars)?;
        let secrets = serde_json::to_string(&ServerSecrets { app_id, secrets })?;
        let message = self.storage.transaction(|| {
            // The server's business alone: pages have never seen one.
            self.storage.put_meta(Meta::Secrets, &secrets)?;
            if self.storage.meta(Meta::Environment)?.as_deref() == Some(values.as_str()) {
                return Ok::<_, ApiError>(None);
            }
            self.storage.put_meta(Meta::Environment, &values)?;
            let (_, message) = self.append_reload("the app's environment changed")?;
            Ok(Some(message))
        })?;
        if let Some(message) = message {
            self.broadcast(&message);
        }
        Ok(())
    }

    /// Everything that `import.meta.env` shows beside Vite's own names.
    pub(super) fn public_values(&self) -> worker::Result<BTreeMap<String, String>> {
        let mut values = self.with_working(|working| Ok(working.env().clone()))?;
        values.extend(self.given_values()?);
        Ok(values)
    }

    /// What the app was given of it by the API.
    pub(super) fn given_values(&self) -> worker::Result<BTreeMap<String, String>> {
        match self.storage.meta(Meta::Environment)? {
            Some(text) => Ok(serde_json::from_str(&text)?),
            None => Ok(BTreeMap::new()),
        }
    }
}
