//! The directory: who is known to a system, as far as somebody can be told by it from others.
//!
//! In: whose people are wanted. Out: people, each with the named members alone. Never: a card, a PIN, or anything else of their records.

use uuid::Uuid;

/// Whose people are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// To an occupancy.
    Occupancy(Uuid),
    /// To a facility.
    Facility(Uuid),
    /// To a vendor.
    Vendor(Uuid),
}

/// Somebody whom a system knows. What it does not say is empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// The user's key.
    pub id: Uuid,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// What friends say.
    pub nickname: String,
    /// The employee number.
    pub employee_number: String,
    /// The e-mail address.
    pub email: String,
    /// The company, which tells namesakes apart.
    pub company: String,
    /// The facility, which does too.
    pub facility: String,
}

/// Shows which user, and nothing about the person.
impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a look into the directory shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum People {
    /// These, and so many records beside them that name no user.
    Shown(Vec<Member>, usize),
    /// This system has no such call.
    Unavailable {
        /// Why.
        why: String,
    },
    /// Not now.
    Later {
        /// Why.
        why: String,
    },
    /// Nothing will go through until somebody acts.
    Stopped {
        /// Why, and what to do.
        why: String,
    },
}

/// Who can be asked for people. It reads and never writes.
pub trait Directory {
    /// Lists the people who belong there.
    fn people(&self, of: Belongs) -> impl Future<Output = People> + Send;
}
