//! PINs, passwords, tokens: texts that are wiped when they are dropped and shown by nothing.
//!
//! In: a file, or what was unsealed. Out: the text, only to whoever asks for it by name ([`Secret::expose`]) or writes it into a
//! request. Never: a secret in `Debug`, in an error, or in the serialized form of anything but a call.

use std::{fmt, fs, path::Path};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A text that nothing shows.
#[derive(Clone)]
pub struct Secret(SecretString);

/// Why a file holds no secret. It names the file, never what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    /// It is empty.
    #[error("{0} is empty; put the secret into it")]
    Empty(String),
    /// It holds no PIN.
    #[error("{0} holds no PIN: a PIN is 1 to 16 digits and nothing else, and there are {1} characters, or other ones than digits")]
    NoPin(String, usize),
    /// It holds more than one line.
    #[error("{0} holds more than one line; a secret is one line of text")]
    SeveralLines(String),
}

impl Secret {
    /// A secret with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Reads a file; a newline at its end is not part of the secret.
    ///
    /// # Errors
    /// It cannot be read, is empty, or holds several lines.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let name = || path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| SecretError::Unreadable(name(), error))?;
        let secret = Self::new(text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']));
        match secret.expose() {
            text if text.trim().is_empty() => Err(SecretError::Empty(name())),
            text if text.contains(['\r', '\n']) => Err(SecretError::SeveralLines(name())),
            _ => Ok(secret),
        }
    }

    /// Reads a file with a PIN: 1 to 16 digits.
    ///
    /// # Errors
    /// It cannot be read, or holds something else.
    pub fn read_pin(path: &Path) -> Result<Self, SecretError> {
        let secret = Self::read(path)?;
        let count = secret.expose().chars().count();
        let is_pin = (1..=16).contains(&count) && secret.expose().bytes().all(|byte| byte.is_ascii_digit());
        if is_pin { Ok(secret) } else { Err(SecretError::NoPin(path.display().to_string(), count)) }
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// A text with this secret blotted out: a server can repeat what it was sent, and without the blanks around it.
    #[must_use]
    pub fn blot(&self, text: &str) -> String {
        let forms = [self.expose(), self.expose().trim()];
        forms.iter().filter(|form| !form.is_empty()).fold(text.to_owned(), |text, form| text.replace(form, BLOT))
    }
}

/// A value with every member that is a secret by its name blotted out, however deep it stands.
#[must_use]
pub fn blotted(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match is_secret(name) && !value.is_null() {
                true => (name.clone(), Value::String(BLOT.to_owned())),
                false => (name.clone(), blotted(value)),
            })
            .collect(),
        Value::Array(items) => items.iter().map(blotted).collect(),
        simple => simple.clone(),
    }
}

const BLOT: &str = "•••";

/// A PIN, a password, a token; and the code by which a phone takes a credential over.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    name == "pin" || ["password", "token", "invitationcode"].iter().any(|word| name.contains(word))
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BLOT)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_secrets_by_name_are_blotted_out_at_any_depth() {
        let value = serde_json::json!({"Cards": [{"PIN": 417, "Spin": 1, "HIDInvitationCode": "x", "Token": null}]});
        let wanted = serde_json::json!({"Cards": [{"PIN": "•••", "Spin": 1, "HIDInvitationCode": "•••", "Token": null}]});
        assert_eq!(blotted(&value), wanted);
    }

    #[test]
    fn a_secret_is_read_without_its_newline_and_shown_by_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), " 0417 \n").unwrap();
        let secret = Secret::read(file.path()).unwrap();
        assert_eq!((secret.expose(), format!("{secret:?}")), (" 0417 ", "•••".to_owned()));
        assert_eq!(secret.blot("no < 0417 > here"), "no <•••> here");
        assert_eq!(secret.blot("no <0417> here"), "no <•••> here");
        assert_eq!(Secret::new("").blot("all here"), "all here");
        for wrong in ["", "\n", "one\ntwo\n"] {
            fs::write(file.path(), wrong).unwrap();
            assert!(Secret::read(file.path()).is_err(), "{wrong:?}");
        }
    }
}
