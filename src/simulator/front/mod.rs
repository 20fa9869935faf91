//! The HTTP front: from a connection to a call and back.
//!
//! `line` (the connection, which can be cut) → `api` → `routes` (which call is it) → `guard` (who may come in) → the call, or `own` (the
//! simulator's own calls). `service` is what they reach, and `journal` notes every request of the API.

pub mod api;
mod guard;
pub mod journal;
pub mod line;
mod own;
mod routes;
pub mod service;
