//! How the station is: its process, its readers, its outbox, its way to BluSKY.
//!
//! In: whether only what is at hand is wanted. Out: one JSON object. Never: a reader opened or a call made to find out.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    body::{Asked, Failed},
};
use crate::{
    host::state,
    views::{self, metrics::Seen},
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    /// Only what tells this station from another: nothing is counted for it.
    brief: bool,
}

pub(super) async fn station(State(shared): State<Arc<Shared>>, Asked(wanted): Asked<Wanted>) -> Result<Response, Failed> {
    let status = shared.status.borrow().clone();
    let mut json = json!({
        "doing": shared.doing,
        "process": std::process::id(),
        "since": views::status::time(shared.since),
        "version": env!("CARGO_PKG_VERSION"),
        "digests": shared.digests,
        "base_url": shared.store.base_url(),
        "readers": status.readers.iter().map(views::status::reader).collect::<Vec<Value>>(),
        "store": { "why": status.unsaved },
        "last_notice": shared.notices.last(),
        "idle": status.is_idle,
    });
    if let Some(members) = json.as_object_mut().filter(|_| !wanted.brief) {
        let policy = &shared.site.config.policy;
        let counted = state::of(&shared.store, policy).await.map_err(|error| Failed::impossible("store", error.to_string(), ""))?;
        members.insert("outbox".to_owned(), views::status::outbox(&counted));
        let blusky = views::status::blusky(shared.store.base_url(), &status.blusky, &counted.tally, Utc::now());
        members.insert("blusky".to_owned(), blusky);
    }
    Ok(Json(json).into_response())
}

/// The same for a monitoring system.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Failed> {
    let status = shared.status.borrow().clone();
    let failed = |error: String| Failed::impossible("store", error, "");
    let outbox = state::of(&shared.store, &shared.site.config.policy).await.map_err(|error| failed(error.to_string()))?;
    let seen = Seen { readers: &status.readers, unsaved: status.unsaved.as_deref(), outbox: &outbox, blusky: &status.blusky };
    let text = views::metrics::text(seen, Utc::now()).map_err(|error| failed(error.to_string()))?;
    Ok(([(CONTENT_TYPE, views::metrics::CONTENT_TYPE)], text).into_response())
}
