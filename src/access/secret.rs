//! PINs, passwords, tokens: texts that are wiped when they are dropped and shown by nothing.
//!
//! In: what was read or unsealed. Out: the text, only to whoever asks for it by name ([`Secret::expose`]) or writes it into a
//! request. Never: a secret in `Debug`, in an error, or in the serialized form of anything but a call.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A text that nothing shows.
#[derive(Clone, ToSchema)]
#[schema(value_type = String)]
pub struct Secret(SecretString);

impl Secret {
    /// A secret with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// True for 1 to 16 decimal digits and nothing else.
    #[must_use]
    pub fn is_pin(&self) -> bool {
        (1..=16).contains(&self.expose().len()) && self.expose().bytes().all(|byte| byte.is_ascii_digit())
    }

    /// A text with this secret blotted out: a server can repeat what it was sent, and without the blanks around it.
    #[must_use]
    pub fn blot(&self, text: &str) -> String {
        let forms = [self.expose(), self.expose().trim()];
        forms.iter().filter(|form| !form.is_empty()).fold(text.to_owned(), |text, form| text.replace(form, BLOT))
    }
}

/// What stands where a secret stood.
pub const BLOT: &str = "•••";

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
    fn a_secret_is_shown_by_nothing_and_blotted_out_wherever_it_stands() {
        let secret = Secret::new(" 0417 ");
        assert_eq!((secret.expose(), format!("{secret:?}")), (" 0417 ", "•••".to_owned()));
        assert_eq!(secret.blot("no < 0417 > here"), "no <•••> here");
        assert_eq!(secret.blot("no <0417> here"), "no <•••> here");
        assert_eq!(Secret::new("").blot("all here"), "all here");
    }

    #[test]
    fn two_secrets_are_the_same_only_letter_by_letter() {
        assert!(Secret::new("0417") == Secret::new("0417"));
        for other in ["0418", "417", "0417 ", ""] {
            assert!(Secret::new("0417") != Secret::new(other), "{other:?}");
        }
    }
}
