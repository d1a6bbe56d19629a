//! How secrets are kept: sealed with AES-256-GCM under a key of the Worker, each bound to the app and the
//! name that it belongs to, so that a text moved elsewhere in the database opens nowhere.
//!
//! It makes no random values: whoever seals brings a nonce that was never used before.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;
/// Shortest text that a key is made from.
pub const KEY_CHARS: usize = 32;

/// Why a secret is not sealed or opened. Says nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Shorter than [`KEY_CHARS`].
    #[error("the key of secrets has fewer than {KEY_CHARS} characters")]
    ShortKey,
    /// Another key, another place, or damage.
    #[error("the secret was sealed with another key, or for another place")]
    Unreadable,
}

/// The key.
pub struct SecretKey(Aes256Gcm);

impl SecretKey {
    /// The key that a text stands for, which has to be random itself: no words that can be guessed.
    pub fn from_text(text: &str) -> Result<Self, SecretError> {
        if text.len() < KEY_CHARS {
            return Err(SecretError::ShortKey);
        }
        let key = Sha256::digest(format!("hotplate secrets\n{text}"));
        Aes256Gcm::new_from_slice(&key)
            .map(Self)
            .map_err(|_| SecretError::ShortKey)
    }

    /// Seals the value of the app's secret `name`.
    pub fn seal(
        &self,
        app: &str,
        name: &str,
        value: &str,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<String, SecretError> {
        let place = place(app, name);
        let payload = Payload {
            msg: value.as_bytes(),
            aad: place.as_bytes(),
        };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| SecretError::Unreadable)?;
        Ok(BASE64.encode(&[&nonce[..], &sealed].concat()))
    }

    /// Opens what [`Self::seal`] made for that app and name.
    pub fn open(&self, app: &str, name: &str, sealed: &str) -> Result<String, SecretError> {
        let bytes = BASE64.decode(sealed.as_bytes());
        let bytes = bytes.map_err(|_| SecretError::Unreadable)?;
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(SecretError::Unreadable)?;
        let place = place(app, name);
        let payload = Payload {
            msg: sealed,
            aad: place.as_bytes(),
        };
        let opened = self.0.decrypt(&Nonce::from(*nonce), payload);
        opened
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(SecretError::Unreadable)
    }
}

/// What a secret belongs to. Ids of apps have no line breaks.
fn place(app: &str, name: &str) -> String {
    format!("{app}\n{name}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn opens_where_it_was_sealed_and_nowhere_else() {
        let key = SecretKey::from_text(KEY).unwrap();
        let other = SecretKey::from_text(&format!("{KEY}x")).unwrap();
        for value in ["", "s3cret", "ünïcode\n", &"x".repeat(5_000)] {
            let sealed = key.seal("app_1", "KEY", value, [7; 12]).unwrap();
            assert!(value.is_empty() || !sealed.contains(value));
            assert_eq!(key.open("app_1", "KEY", &sealed).as_deref(), Ok(value));
            let elsewhere = [
                key.open("app_2", "KEY", &sealed),
                key.open("app_1", "OTHER", &sealed),
                other.open("app_1", "KEY", &sealed),
                key.open("app_1", "KEY", sealed.get(4..).unwrap()),
                key.open("app_1", "KEY", ""),
                key.open("app_1", "KEY", "no base64"),
            ];
            for opened in elsewhere {
                assert_eq!(opened, Err(SecretError::Unreadable));
            }
        }
    }

    #[test]
    fn each_nonce_gives_another_text() {
        let key = SecretKey::from_text(KEY).unwrap();
        let seal = |nonce| key.seal("app", "KEY", "x", [nonce; 12]).unwrap();
        assert_ne!(seal(1), seal(2));
    }

    #[test]
    fn a_short_key_is_none() {
        let short = KEY.get(1..).unwrap();
        assert!(matches!(
            SecretKey::from_text(short),
            Err(SecretError::ShortKey)
        ));
    }
}
