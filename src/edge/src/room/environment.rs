//! Public values in the live preview: what the app was given, over what its `.env` files say.

use super::{Room, storage::Meta};
use crate::{api::parse_json, command::RoomEnvironment, problem::ApiError};
use std::collections::BTreeMap;

impl Room {
    /// Takes the app's values over; pages load anew when they are others, as modules have read them.
    pub(super) fn take_environment(&self, body: &[u8]) -> Result<(), ApiError> {
        let given: RoomEnvironment = parse_json(body)?;
        let values = serde_json::to_string(&given.vars)?;
        let message = self.storage.transaction(|| {
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
        if let Some(text) = self.storage.meta(Meta::Environment)? {
            let given: BTreeMap<String, String> = serde_json::from_str(&text)?;
            values.extend(given);
        }
        Ok(values)
    }
}
