//! Whether somebody who is to be added is somebody new, beside an entry that adds somebody.
//!
//! In: an order of a new user, and an entry. Out: why the two may be one person. Never: two users where nothing tells the two apart.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Entry, State};
use crate::{access::AddUser, enroll::people::folded};

/// Why somebody is nobody new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNew {
    /// The entry that adds them, or has added them.
    pub entry: Uuid,
    /// Their key, where BluSKY has said it.
    pub user: Option<Uuid>,
    /// What the two have in common.
    pub how: Known,
}

/// By what somebody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// They are on the way, and the outcome is not known yet.
    Ordered,
    /// Somebody who was added meanwhile has this number.
    Number,
    /// Somebody who was added meanwhile has this name, and no number tells the two apart.
    Name,
}

impl Entry {
    /// Why whoever this entry adds may be this user: it is on its way, or it was saved after `since`, when the order of this user was
    /// judged, and so is not known to whoever judged it.
    #[must_use]
    pub fn not_new(&self, user: &AddUser, since: Option<DateTime<Utc>>) -> Option<NotNew> {
        let (progress, how) = (self.progress(), KnownBy::of(self.new_user()?).alike(&KnownBy::of(user))?);
        let (state, told) = progress.first.as_ref().map_or((progress.state, &progress.told), |first| (first.state, &first.told));
        let not_new = |how| Some(NotNew { entry: self.id, user: told.value, how });
        match state {
            State::Saved | State::Sending | State::InDoubt => not_new(Known::Ordered),
            State::Accepted if since.is_some_and(|since| self.saved_at >= since) => not_new(how),
            State::Accepted | State::Refused | State::Discarded => None,
        }
    }
}

/// What somebody new is known by: their number, and their name as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBy {
    name: String,
    number: Option<String>,
}

impl KnownBy {
    /// What somebody with this given and family name and this employee number is known by.
    #[must_use]
    pub fn new((first, last): (&str, &str), number: Option<&str>) -> Self {
        let number = number.map(str::trim).filter(|number| !matches!(*number, "" | "0")).map(folded);
        Self { name: folded(&format!("{first} {last}")), number }
    }

    /// What a new user is known by.
    #[must_use]
    pub fn of(user: &AddUser) -> Self {
        Self::new((&user.first_name, &user.last_name), user.employee_number.as_deref())
    }

    /// What the two have in common, where they may be one.
    #[must_use]
    pub fn alike(&self, other: &Self) -> Option<Known> {
        match (&self.number, &other.number) {
            (Some(one), Some(other)) => (one == other).then_some(Known::Number),
            _ => (self.name == other.name).then_some(Known::Name),
        }
    }
}
