//! The host's half of a conversation: what is said to a reader, and when.
//!
//! In: the line was opened, a frame came, a signal is to be shown, time passed. Out: bytes to write and the next
//! deadline. One thing is said at a time: the next waits for the answer, or until none can be expected. Never: a meaning.

use std::{collections::VecDeque, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    check::{Check, Covered},
    dialect::{Cut, Dialect, HostMessage},
};
use crate::reader::Signal;

/// So many questions without an answer, and somebody should look at the reader.
const MOST_UNANSWERED: u32 = 10;

/// What the host is about to say.
#[derive(Debug, Clone)]
pub struct Talk {
    dialect: Arc<Dialect>,
    wanted: VecDeque<Vec<u8>>,
    /// How often was asked, and acknowledged.
    counted: (u64, u64),
    asked: Option<DateTime<Utc>>,
    /// When the next question is due; none while the line is not open.
    due: Option<DateTime<Utc>>,
    unanswered: u32,
    answered: Option<DateTime<Utc>>,
}

impl Talk {
    /// Nothing is said before the line is open.
    #[must_use]
    pub const fn new(dialect: Arc<Dialect>) -> Self {
        Self { dialect, wanted: VecDeque::new(), counted: (0, 0), asked: None, due: None, unanswered: 0, answered: None }
    }

    /// The line is open.
    pub fn opened(&mut self, now: DateTime<Utc>) {
        if let Some(host) = self.dialect.host.as_ref() {
            self.wanted = host.start.iter().cloned().collect();
            self.due = Some(now);
        }
    }

    /// A signal is to be shown, where the reader can.
    pub fn signal(&mut self, signal: Signal) {
        let signals = self.dialect.host.as_ref().map(|host| host.signals.as_slice()).unwrap_or_default();
        let shown = signals.iter().filter(|(shown, _)| *shown == signal);
        self.wanted.extend(shown.flat_map(|(_, said)| said.iter().cloned()));
    }

    /// A frame with these numbers came; says how long ago the one before did, or could have been asked for.
    pub fn heard(&mut self, numbers: &[(String, u64)], now: DateTime<Utc>) -> chrono::Duration {
        let Some(host) = self.dialect.host.as_ref() else { return chrono::Duration::zero() };
        let first = chrono::Duration::from_std(host.every + host.answer).unwrap_or_default();
        let since = self.answered.map_or(first, |before| now - before);
        let acknowledgement = host.acknowledge.as_ref();
        if let Some(said) = acknowledgement.and_then(|said| said.bytes(&self.dialect.cut, host.check, self.counted.1, numbers)) {
            self.counted.1 = self.counted.1.wrapping_add(1);
            self.wanted.push_front(said);
        }
        self.answered = Some(now);
        self.asked = None;
        self.unanswered = 0;
        self.due = self.due.map(|_| now + host.every);
        since
    }

    /// What is to be written now.
    pub fn say(&mut self, now: DateTime<Utc>) -> Vec<u8> {
        let Some(host) = self.dialect.host.as_ref() else { return Vec::new() };
        if self.asked.is_some_and(|asked| now < asked + host.answer && now >= asked) {
            return Vec::new();
        }
        if self.asked.take().is_some() {
            self.unanswered = self.unanswered.saturating_add(1);
            self.due = Some(now);
        }
        let said = match (self.wanted.pop_front(), self.due) {
            (Some(wanted), _) => wanted,
            (None, Some(due)) if now >= due => {
                let question = host.poll.as_ref().and_then(|poll| poll.bytes(&self.dialect.cut, host.check, self.counted.0, &[]));
                self.counted.0 = self.counted.0.wrapping_add(1);
                question.unwrap_or_default()
            }
            _ => return Vec::new(),
        };
        self.asked = (!said.is_empty()).then_some(now);
        said
    }

    /// True when an answer should have come.
    #[must_use]
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        let answer = self.dialect.host.as_ref().map(|host| host.answer);
        self.asked.zip(answer).is_some_and(|(asked, answer)| now >= asked + answer)
    }

    /// True while something waits to be said.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// When there is something to say again.
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        let host = self.dialect.host.as_ref()?;
        match self.asked {
            Some(asked) => Some(asked + host.answer),
            None if host.poll.is_some() => self.due,
            None => None,
        }
    }

    /// True once, when the reader has left too many questions without an answer.
    pub fn is_unanswered(&mut self) -> bool {
        let lost = self.unanswered == MOST_UNANSWERED;
        self.unanswered += u32::from(lost);
        lost
    }
}

impl HostMessage {
    /// What is said the so many-th time, as an answer to a frame with these numbers; none where the frame has not the parts
    /// that it repeats.
    #[must_use]
    pub fn bytes(&self, cut: &Cut, check: Option<Check>, counter: u64, numbers: &[(String, u64)]) -> Option<Vec<u8>> {
        let stuffed = |bytes: &[u8]| cut.stuffing().map_or_else(|| bytes.to_vec(), |stuffing| stuffing.stuffed(bytes));
        let number = |name: &str, before: &[u8]| match name {
            // It counts on from nought where its part is full.
            "counter" => Some(counter & self.room("counter")),
            "check" => {
                let body = before.strip_prefix(cut.start()).unwrap_or(before);
                let sent = stuffed(body);
                let covered = Covered { start: cut.start(), body, sent: &sent, end: cut.end(), until: body.len() };
                let computed = check?.of_bytes(&check?.covered(&covered)?)?;
                computed.iter().try_fold(0_u64, |value, byte| Some(value.checked_mul(256)? | u64::from(*byte)))
            }
            name => numbers.iter().find(|(known, _)| known == name).map(|(_, number)| *number),
        };
        self.0.written(number, stuffed)
    }

    /// What is said the first time, where nothing has to be answered.
    #[must_use]
    pub fn first(&self, dialect: &Dialect) -> Option<Vec<u8>> {
        let check = dialect.host.as_ref().and_then(|host| host.check);
        self.bytes(&dialect.cut, check, 0, &[])
    }

    /// The bits that a part of that name has room for, all of them 1.
    fn room(&self, name: &str) -> u64 {
        self.0.room(name).map_or(u64::MAX, |bits| u64::MAX >> 64_u32.saturating_sub(bits).min(63))
    }
}
