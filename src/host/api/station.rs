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
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Shared,
    body::{Asked, Failed},
};
use crate::{
    host::{Digests, state},
    views::{
        self,
        metrics::Measured,
        status::{BluskyJson, OutboxJson, ReaderJson, time},
    },
};

#[derive(Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct StationParts {
    /// Leave out `outbox` and `blusky`, for which all entries are counted.
    brief: bool,
}

/// How the station is: its process, its readers, its outbox, its way to BluSKY, what tells its site from another.
#[utoipa::path(get, path = "/v1/station", params(StationParts), responses((status = 200, description = "The station", body = Station)))]
pub(super) async fn station(State(shared): State<Arc<Shared>>, Asked(wanted): Asked<StationParts>) -> Result<Response, Failed> {
    let status = shared.status.borrow().clone();
    let counted = match wanted.brief {
        true => None,
        false => {
            let counted = state::of(&shared.store, &shared.site.config.policy).await;
            Some(counted.map_err(|error| Failed::impossible("store", error.to_string(), ""))?)
        }
    };
    let base_url = shared.store.base_url();
    let station = Station {
        doing: shared.doing,
        process: std::process::id(),
        since: time(shared.since),
        version: env!("CARGO_PKG_VERSION"),
        digests: &shared.digests,
        base_url,
        readers: status.readers.iter().map(ReaderJson::of).collect(),
        store: Store { why: status.unsaved.as_deref() },
        last_notice: shared.notices.last(),
        idle: status.is_idle,
        outbox: counted.as_ref().map(OutboxJson::of),
        blusky: counted.as_ref().map(|counted| BluskyJson::of(base_url, &status.blusky, &counted.tally, Utc::now())),
    };
    Ok(Json(station).into_response())
}

/// How a station is. `outbox` and `blusky` are left out where `brief` is true.
#[derive(Serialize, ToSchema)]
struct Station<'a> {
    /// The command that hosts the station; `run` is the service.
    doing: &'static str,
    process: u32,
    #[schema(format = DateTime)]
    since: String,
    version: &'static str,
    digests: &'a Digests,
    base_url: &'a str,
    readers: Vec<ReaderJson<'a>>,
    store: Store<'a>,
    last_notice: u64,
    idle: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    outbox: Option<OutboxJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    blusky: Option<BluskyJson<'a>>,
}

#[derive(Serialize, ToSchema)]
struct Store<'a> {
    /// Why nothing can be saved; null where orders are taken.
    why: Option<&'a str>,
}

/// How the station is, in numbers, for a monitoring system.
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, description = "The numbers, as OpenMetrics", body = String, content_type = "application/openmetrics-text"),
))]
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Failed> {
    let status = shared.status.borrow().clone();
    let failed = |error: String| Failed::impossible("store", error, "");
    let outbox = state::of(&shared.store, &shared.site.config.policy).await.map_err(|error| failed(error.to_string()))?;
    let seen = Measured { readers: &status.readers, unsaved: status.unsaved.as_deref(), outbox: &outbox, blusky: &status.blusky };
    let text = views::metrics::text(seen, Utc::now()).map_err(|error| failed(error.to_string()))?;
    Ok(([(CONTENT_TYPE, views::metrics::CONTENT_TYPE)], text).into_response())
}
