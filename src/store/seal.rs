//! Secrets at rest: sealed with XChaCha20-Poly1305, each bound to its entry.
//!
//! In: a secret and its entry's key. Out: bytes that say nothing without the sealing key, and are worth nothing in another entry.
//! The key is a systemd credential, or a 0600 file beside the store that is made when the first secret is sealed. Never: a key that
//! others can read, a secret in an error.

use std::{
    io,
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, Key, KeyInit, Payload},
};
use uuid::Uuid;

use super::Files;
use crate::{access::Secret, card::from_hex, file};

/// The name of the credential: `LoadCredential=cardbridge.key:/path`.
pub const CREDENTIAL: &str = "cardbridge.key";

const NONCE: usize = 24;
const KEY: usize = 32;

/// Why a secret cannot be sealed or unsealed. The words name files, and hold nothing of what stands in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key cannot be read or made.
    #[error("the key that seals PINs and passwords, {path}, cannot be used: {why}")]
    Key {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// It was sealed with another key.
    #[error("its PIN or password was sealed with another key than {0}; put that key back, or discard the entry and order it anew")]
    OtherKey(String),
}

/// Seals and unseals.
#[derive(Debug, Clone)]
pub struct Sealer {
    credential: Option<PathBuf>,
    file: PathBuf,
    files: Files,
}

impl Sealer {
    /// A sealer whose key stands in this file; `credentials` is where systemd puts them, if it does.
    #[must_use]
    pub fn new(file: PathBuf, credentials: Option<&Path>, files: Files) -> Self {
        let credential = credentials.map(|folder| folder.join(CREDENTIAL)).filter(|path| path.exists());
        Self { credential, file, files }
    }

    /// Seals a secret for an entry.
    ///
    /// # Errors
    /// There is no key, and none can be made.
    pub fn seal(&self, entry: Uuid, secret: &Secret) -> Result<Vec<u8>, SealError> {
        let key = match &self.credential {
            Some(path) => read(path)?,
            None => self.file_key()?,
        };
        let nonce = XNonce::generate();
        let text = Payload { msg: secret.expose().as_bytes(), aad: entry.as_bytes() };
        let sealed = XChaCha20Poly1305::new(&key).encrypt(&nonce, text);
        let sealed = sealed.map_err(|_| SealError::Key { path: self.name(), why: "sealing failed".to_owned() })?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Unseals an entry's secret, with the credential or the file, whichever it was sealed with.
    ///
    /// # Errors
    /// There is no key, or it is another one.
    pub fn unseal(&self, entry: Uuid, sealed: &[u8]) -> Result<Secret, SealError> {
        let other = || SealError::OtherKey(self.name());
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or_else(other)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| other())?;
        let keys = [self.credential.as_deref().map(read), self.file.exists().then(|| self.read_file())];
        for key in keys.into_iter().flatten() {
            let payload = Payload { msg: text, aad: entry.as_bytes() };
            if let Ok(text) = XChaCha20Poly1305::new(&key?).decrypt(&XNonce::from(nonce), payload) {
                return String::from_utf8(text).map(Secret::new).map_err(|_| other());
            }
        }
        Err(other())
    }

    fn name(&self) -> String {
        self.credential.as_ref().unwrap_or(&self.file).display().to_string()
    }

    /// The key in the file, which is made where there is none; of two processes that make it, the first one's stays.
    fn file_key(&self) -> Result<Key<XChaCha20Poly1305>, SealError> {
        if !self.file.exists() {
            let failed = |error: io::Error| SealError::Key { path: self.file.display().to_string(), why: error.to_string() };
            (self.files.make)(&self.file, &Key::<XChaCha20Poly1305>::generate()).map_err(failed)?;
        }
        self.read_file()
    }

    /// Reads the key in the file, which must be its owner's alone.
    fn read_file(&self) -> Result<Key<XChaCha20Poly1305>, SealError> {
        let failed = |why: String| SealError::Key { path: self.file.display().to_string(), why };
        match (self.files.is_private)(&self.file) {
            Ok(true) => read(&self.file),
            Ok(false) => Err(failed("others can read it; chmod 600 it, and consider its secrets known".to_owned())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// No file of a key is larger.
const LARGEST_KEY_FILE: u64 = 4 << 10;

/// Reads a key: 32 bytes, or 64 hex digits.
fn read(path: &Path) -> Result<Key<XChaCha20Poly1305>, SealError> {
    let failed = |why: String| SealError::Key { path: path.display().to_string(), why };
    let bytes = file::read(path, LARGEST_KEY_FILE).map_err(|error| failed(error.to_string()))?;
    let key = if bytes.len() == KEY { Some(bytes) } else { std::str::from_utf8(&bytes).ok().and_then(from_hex) };
    let key: Option<[u8; KEY]> = key.and_then(|key| key.try_into().ok());
    key.map(Into::into).ok_or_else(|| failed("it is not a key; a key is 32 bytes, or 64 hex digits".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::FILES;

    #[test]
    fn a_secret_is_unsealed_with_its_key_in_its_entry_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(folder.path().join("a.db.key"), None, FILES);
        let (entry, pin) = (Uuid::from_u128(1), Secret::new("0417"));
        let sealed = sealer.seal(entry, &pin).unwrap();
        assert!(!sealed.windows(4).any(|part| part == b"0417"));
        assert_ne!(sealed, sealer.seal(entry, &pin).unwrap(), "no two sealings are alike");
        assert_eq!(sealer.unseal(entry, &sealed), Ok(pin));
        assert!(matches!(sealer.unseal(Uuid::from_u128(2), &sealed), Err(SealError::OtherKey(_))));
        let other = Sealer::new(folder.path().join("b.db.key"), None, FILES);
        other.seal(entry, &Secret::new("x")).unwrap();
        assert!(matches!(other.unseal(entry, &sealed), Err(SealError::OtherKey(_))));
        assert!(matches!(sealer.unseal(entry, &sealed[..10]), Err(SealError::OtherKey(_))));
        assert!((FILES.is_private)(&folder.path().join("a.db.key")).unwrap());
    }

    #[test]
    fn a_credential_comes_first_and_what_the_file_sealed_is_still_unsealed() {
        let folder = tempfile::tempdir().unwrap();
        let (key, entry) = (folder.path().join("a.db.key"), Uuid::from_u128(1));
        let by_file = Sealer::new(key.clone(), None, FILES).seal(entry, &Secret::new("one")).unwrap();
        fs::write(folder.path().join(CREDENTIAL), "0f".repeat(32) + "\n").unwrap();
        let sealer = Sealer::new(key.clone(), Some(folder.path()), FILES);
        let by_credential = sealer.seal(entry, &Secret::new("two")).unwrap();
        assert_eq!(sealer.unseal(entry, &by_file), Ok(Secret::new("one")));
        assert_eq!(sealer.unseal(entry, &by_credential), Ok(Secret::new("two")));
        assert!(Sealer::new(key.clone(), None, FILES).unseal(entry, &by_credential).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_seals_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("a.db.key");
        fs::write(&key, [7; 32]).unwrap();
        let refused = Sealer::new(key, None, Files { is_private: |_| Ok(false), ..FILES }).seal(Uuid::from_u128(1), &Secret::new("x"));
        assert!(refused.unwrap_err().to_string().contains("chmod 600"));
    }
}
