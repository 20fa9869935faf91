//! Secrets in files: a PIN, a password, a token.
//!
//! In: a file's path. Out: the secret in it. Never: what stands in the file in an error.

use std::{io, path::Path};

use crate::{access::Secret, file};

/// No secret is longer.
const LARGEST_FILE: u64 = 64 << 10;

/// Why a file holds no secret. It names the file, never what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, io::Error),
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

/// Reads a file; a newline at its end is not part of the secret.
///
/// # Errors
/// It cannot be read, is empty, or holds several lines.
pub fn read(path: &Path) -> Result<Secret, SecretError> {
    let name = || path.display().to_string();
    let text = file::text(path, LARGEST_FILE);
    let text = text.map_err(|error| SecretError::Unreadable(name(), error))?;
    let secret = Secret::new(text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']));
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
pub fn read_pin(path: &Path) -> Result<Secret, SecretError> {
    let secret = read(path)?;
    if secret.is_pin() { Ok(secret) } else { Err(SecretError::NoPin(path.display().to_string(), secret.expose().chars().count())) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_secret_is_one_line_without_its_newline() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), " 0417 \n").unwrap();
        assert_eq!(read(file.path()).unwrap().expose(), " 0417 ");
        for wrong in ["", "\n", "one\ntwo\n"] {
            fs::write(file.path(), wrong).unwrap();
            assert!(read(file.path()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_has_no_end_or_is_no_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (large, pipe) = (folder.path().join("large"), folder.path().join("pipe"));
        fs::write(&large, vec![b'a'; 1 << 20]).unwrap();
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for (path, words) in
            [(&*large, "larger than 64 KiB"), (&*pipe, "no file"), (folder.path(), "no file"), (Path::new("/dev/zero"), "no file")]
        {
            let why = read(path).unwrap_err().to_string();
            assert!(why.contains(words), "{why}");
        }
    }
}
