//! What a call can reach, and what has arrived for it.

use axum::{body::Bytes, http::request::Parts};

use crate::simulator::{
    state::{forget::Forgettable, store::Store},
    words::card_type::CardType,
};

/// The memory, and how this BluSKY behaves.
pub struct Context {
    pub store: Store,
    pub token: String,
    pub password: String,
    /// The largest integer a body may hold.
    pub largest: i64,
    /// Empty: any number is a card type, and requires nothing.
    pub card_types: Vec<CardType>,
    pub wrap_lookups: bool,
}

/// One request.
pub struct Arrived {
    /// The `{id}` of its path, where it has one.
    pub id: String,
    pub head: Parts,
    pub body: Bytes,
    /// Members that are not to be stored.
    pub forgotten: Vec<Forgettable>,
}

impl Arrived {
    /// What stands last in its path.
    pub fn last_of_path(&self) -> &str {
        self.head.uri.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }
}
