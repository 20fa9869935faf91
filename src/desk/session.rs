//! Who is asking: a session that the browser keeps sealed, in two halves.
//!
//! In: a name, a PIN where the site wants one, a time. Out: a cookie and a key that stand for the session, or who asks with them. One
//! half alone is worth nothing: browsers send a cookie to every port of this machine, and the key stays with this page. Never: a
//! session that lives in memory alone; a station that was started again knows its operators.

use std::{collections::HashMap, path::Path, time::Duration};

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, Key, KeyInit},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    card::{from_hex, to_hex},
    host::platform::files,
};

/// A working day and a bit.
pub(super) const LASTS: TimeDelta = TimeDelta::hours(16);
const NONCE: usize = 24;
const KEY: usize = 32;
/// So many wrong PINs in a row are free.
const FREE: u32 = 3;

/// Somebody at a desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// Their desk.
    pub(super) desk: Uuid,
    /// The half of it that the page keeps.
    pub(super) key: String,
    /// Who it is.
    pub(super) operator: String,
    /// The reader they named; none: all.
    pub(super) reader: Option<String>,
    until: DateTime<Utc>,
}

impl Session {
    /// When it ends by itself.
    pub(super) const fn until(&self) -> DateTime<Utc> {
        self.until
    }

    /// How long it still lasts.
    pub(super) fn left(&self, now: DateTime<Utc>) -> Duration {
        (self.until - now).to_std().unwrap_or_default()
    }
}

/// Seals sessions.
pub(super) struct Seal(XChaCha20Poly1305);

impl Seal {
    /// With the key in this file, which is made where there is none.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        if !path.exists() {
            files::make_whole(path, &Key::<XChaCha20Poly1305>::generate())?;
        }
        let bytes = std::fs::read(path)?;
        let key: [u8; KEY] =
            bytes.try_into().map_err(|_| std::io::Error::other("it is no key of 32 bytes; remove it, and everybody signs in anew"))?;
        Ok(Self(XChaCha20Poly1305::new(&key.into())))
    }

    /// A session that begins now, and its cookie.
    pub(super) fn begin(&self, operator: String, reader: Option<String>, now: DateTime<Utc>) -> Option<(Session, String)> {
        let key = to_hex(&[Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat());
        let session = Session { desk: Uuid::new_v4(), key, operator, reader, until: now + LASTS };
        let nonce = XNonce::generate();
        let sealed = self.0.encrypt(&nonce, serde_json::to_vec(&session).ok()?.as_slice()).ok()?;
        Some((session, to_hex(&[&nonce[..], &sealed].concat())))
    }

    /// The session that these two halves stand for.
    pub(super) fn open(&self, cookie: &str, key: &str, now: DateTime<Utc>) -> Option<Session> {
        let bytes = from_hex(cookie)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let session: Session = serde_json::from_slice(&self.0.decrypt(&nonce.into(), sealed).ok()?).ok()?;
        (session.key == key && now < session.until).then_some(session)
    }
}

/// Counts wrong PINs: whoever tries many waits longer and longer.
#[derive(Default)]
pub(super) struct Tries(HashMap<String, (u32, DateTime<Utc>)>);

impl Tries {
    /// How long this name has to wait before the next try.
    pub(super) fn pause(&self, name: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.0.get(name).map(|(_, until)| *until - now).filter(|left| *left > TimeDelta::zero())
    }

    /// Takes a try.
    pub(super) fn tried(&mut self, name: &str, is_right: bool, now: DateTime<Utc>) {
        if is_right {
            self.0.remove(name);
            return;
        }
        let (wrong, until) = self.0.entry(name.to_owned()).or_insert((0, now));
        *wrong += 1;
        let seconds = wrong.checked_sub(FREE).map_or(0, |more| 1_i64 << more.min(8));
        *until = now + TimeDelta::seconds(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_of_a_session_are_wanted_and_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desk.key");
        let (seal, now) = (Seal::of(&path).unwrap(), Utc::now());
        let (session, cookie) = seal.begin("Kim".to_owned(), Some("desk".to_owned()), now).unwrap();
        assert_eq!(seal.open(&cookie, &session.key, now).as_ref(), Some(&session));
        assert_eq!(seal.open(&cookie, "", now), None, "the cookie alone");
        assert_eq!(seal.open(&cookie, &session.key, now + LASTS), None);
        assert_eq!((session.left(now + LASTS), session.left(now + LASTS * 2)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(session.left(now), LASTS.to_std().unwrap(), "who follows it is told when it ends");
        let again = Seal::of(&path).unwrap();
        assert_eq!(again.open(&cookie, &session.key, now), Some(session.clone()), "a station that was started again");
        let other = Seal::of(&folder.path().join("other")).unwrap();
        assert_eq!(other.open(&cookie, &session.key, now), None);
        for at in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(seal.open(&String::from_utf8(forged).unwrap(), &session.key, now), None, "{at}");
        }
        for strange in ["", "00", "zz", "é"] {
            assert_eq!(seal.open(strange, &session.key, now), None);
        }
    }

    #[test]
    fn whoever_tries_pins_waits_longer_and_longer() {
        let (mut tries, mut now) = (Tries::default(), Utc::now());
        let mut waited = TimeDelta::zero();
        for _ in 0..12 {
            assert_eq!(tries.pause("Kim", now), None);
            tries.tried("Kim", false, now);
            let pause = tries.pause("Kim", now).unwrap_or_default();
            (now, waited) = (now + pause, waited + pause);
        }
        assert!(waited > TimeDelta::minutes(10), "{waited}");
        assert_eq!(tries.pause("Lou", now), None, "others do not wait");
        tries.tried("Kim", true, now);
        tries.tried("Kim", false, now);
        assert_eq!(tries.pause("Kim", now), None, "a right one begins anew");
    }
}
