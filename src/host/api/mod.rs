//! The station's API, the only way in: HTTP with JSON and server-sent events, on the Unix socket beside the store.
//!
//! In: requests. Out: events for the station, and what it tells. Never: a decision of its own; what a command, a page or another
//! program asks goes through the same doors.
//!
//! - [`body`]: what is sent and answered, as JSON;
//! - `station`: how it is;
//! - `people`: who is in the directory; `cards`: the cards of one of them;
//! - [`description`]: what all of it says of itself;
//! - [`kiosk`]: what a kiosk page of this process asks;
//! - `orders`: enrollments; `calls`: other calls; `again`: either of them a second time;
//! - `outbox`: entries and a person's word on them; `stream`: notices as they come.

mod again;
pub mod body;
mod calls;
mod cards;
pub mod description;
pub mod kiosk;
mod orders;
mod outbox;
mod people;
mod station;
mod stream;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, State},
    http::{StatusCode, header::CONTENT_TYPE, request::Parts},
    response::IntoResponse,
    routing::{MethodRouter, get, post},
    serve::IncomingStream,
};
use chrono::{DateTime, Utc};
use tokio::{
    net::UnixListener,
    sync::{mpsc::UnboundedSender, oneshot, watch},
};
use uuid::Uuid;

use super::{Digests, Site, directory::Directory, hosting::Control, notices::Notices};
use crate::{
    station::{
        Event, Notice,
        health::{BluskyHealth, ReaderHealth},
    },
    store::StoreHandle,
};
use body::Failed;
use description::DESCRIPTION;

/// No body is larger.
const LARGEST_BODY: usize = 64 << 10;

/// How a station is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The configured readers.
    pub readers: Vec<ReaderHealth>,
    /// Why nothing can be saved.
    pub unsaved: Option<String>,
    /// The way to BluSKY.
    pub blusky: BluskyHealth,
    /// Nothing more will be sent by itself for a while.
    pub is_idle: bool,
    /// A call is under way.
    pub is_sending: bool,
    /// How many entries wait, whatever they wait for.
    pub waiting: usize,
    /// Everything that waits is delivered from here.
    pub is_delivering: bool,
}

/// What all requests share.
pub struct Shared {
    site: Site,
    digests: Digests,
    store: StoreHandle,
    directory: Directory,
    post: UnboundedSender<Event>,
    control: UnboundedSender<Control>,
    notices: Arc<Notices>,
    status: watch::Receiver<Status>,
    doing: &'static str,
    since: DateTime<Utc>,
    handed_over: watch::Sender<bool>,
    /// How many listen to each order.
    following: Mutex<HashMap<Uuid, usize>>,
    /// The orders of each listener that has some.
    listening: Mutex<HashMap<Uuid, stream::Listening>>,
}

impl Shared {
    /// The station of this site.
    #[must_use]
    pub fn new(
        site: &Site,
        store: StoreHandle,
        post: UnboundedSender<Event>,
        control: UnboundedSender<Control>,
        notices: Arc<Notices>,
        status: watch::Receiver<Status>,
        doing: &'static str,
    ) -> Self {
        let (site, digests, handed_over) = (site.clone(), site.digests(), watch::Sender::new(false));
        let (since, directory) = (Utc::now(), Directory::new(&site, store.clone()));
        Self {
            site,
            digests,
            store,
            directory,
            post,
            control,
            notices,
            status,
            doing,
            since,
            handed_over,
            following: Mutex::default(),
            listening: Mutex::default(),
        }
    }

    /// True once the station itself answers, not only its API; false where it has ended.
    pub async fn is_alive(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.control.send(Control::Answer(answer)).is_ok() && answered.await.is_ok()
    }

    /// How an order stands now that has no entry yet, for whoever has missed notices; none where it is not waited for any more.
    pub async fn stands(&self, order: Uuid) -> Option<Notice> {
        let (answer, answered) = oneshot::channel();
        self.control.send(Control::Stands(order, answer)).ok()?;
        answered.await.ok().flatten()
    }

    /// Lets something happen at the station.
    ///
    /// # Errors
    /// It has ended, and only its connections live on.
    pub(super) fn post(&self, event: Event) -> Result<(), Failed> {
        self.post.send(event).map_err(|_| Failed::station_ended())
    }

    /// What it told.
    #[must_use]
    pub const fn notices(&self) -> &Arc<Notices> {
        &self.notices
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &StoreHandle {
        &self.store
    }

    /// The site.
    #[must_use]
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// How it is, each time that this changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// The site's people.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// How many entries wait, whatever they wait for.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.status.borrow().waiting
    }

    /// Waits until everything that waits has been looked at and nothing more will be sent by itself for a while, or nothing can be sent
    /// from here; false where the station ends meanwhile.
    pub(super) async fn delivered(&self) -> bool {
        let is_over = |status: &Status| if status.is_delivering { status.is_idle } else { status.blusky.stopped.is_some() };
        self.status.clone().wait_for(is_over).await.is_ok()
    }

    /// Waits until another process asks to be the station in this one's place.
    pub async fn handed_over(&self) {
        drop(self.handed_over.subscribe().wait_for(|asked| *asked).await);
    }
}

/// Answers requests on the Unix socket until it is dropped.
pub async fn serve(listener: UnixListener, shared: Arc<Shared>) {
    let serving = axum::serve(listener, router(shared).into_make_service_with_connect_info::<Peer>());
    if let Err(error) = serving.await {
        tracing::error!(%error, "the station's socket is gone");
    }
}

/// The API. Whoever serves it on something else than the socket puts an [`Operator`] into each request.
pub fn router(shared: Arc<Shared>) -> Router {
    let router = calls().into_iter().fold(Router::new(), |router, (path, call)| router.route(path, call));
    router
        .fallback(async || Failed::new(StatusCode::NOT_FOUND, "no_such_call", "there is no such call", "GET /v1/openapi.json lists them"))
        .method_not_allowed_fallback(async || {
            Failed::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_call", "this call has another method", "GET /v1/openapi.json lists them")
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

/// The calls of the API; `description` has what each says of itself.
fn calls() -> [(&'static str, MethodRouter<Arc<Shared>>); 18] {
    [
        ("/v1/station", get(station::station)),
        ("/v1/station/hand-over", post(hand_over)),
        ("/v1/notices", get(stream::notices)),
        ("/v1/enrollments", post(orders::order)),
        ("/v1/enrollments/{id}", get(orders::state).delete(orders::withdraw)),
        ("/v1/enrollments/{id}/answer", post(orders::answer)),
        ("/v1/calls", post(calls::call)),
        ("/v1/outbox", get(outbox::list)),
        ("/v1/outbox/deliver", post(outbox::deliver)),
        ("/v1/outbox/{id}", get(outbox::show)),
        ("/v1/outbox/{id}/retry", post(outbox::retry)),
        ("/v1/outbox/{id}/discard", post(outbox::discard)),
        ("/v1/outbox/{id}/undo", post(outbox::undo)),
        ("/v1/outbox/{id}/holders", get(outbox::holders)),
        ("/v1/people", get(people::search)),
        ("/v1/people/{id}/cards", get(cards::cards)),
        ("/v1/openapi.json", get(openapi)),
        ("/metrics", get(station::metrics)),
    ]
}

/// The Unix user on the other side of the socket.
#[derive(Debug, Clone)]
pub struct Peer(String);

impl axum::extract::connect_info::Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let id = stream.io().peer_cred().map(|peer| peer.uid()).ok();
        Self(id.map_or_else(|| "nobody known".to_owned(), super::platform::user_name))
    }
}

/// Who has signed in, where the request did not come over the socket.
#[derive(Debug, Clone)]
pub struct Operator(pub String);

/// Who orders: the operator who has signed in; else the user on the other side of the socket, and the name that they give beside it.
pub struct OrderedBy(String);

/// The header with that name.
const AS: &str = "cardbridge-as";

impl<S: Send + Sync> FromRequestParts<S> for OrderedBy {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        if let Some(Operator(name)) = parts.extensions.get::<Operator>() {
            return Ok(Self(name.clone()));
        }
        let user = parts.extensions.get::<ConnectInfo<Peer>>().map(|ConnectInfo(Peer(user))| user.clone()).unwrap_or_default();
        // A name has the letters that it has.
        let name = parts.headers.get(AS).map(|name| String::from_utf8_lossy(name.as_bytes()));
        let name = name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        Ok(Self(name.map_or_else(|| user.clone(), |name| format!("{name} ({user})"))))
    }
}

/// Ask a command that hosts the station to leave its place; `cardbridge run` stays.
#[utoipa::path(post, path = "/v1/station/hand-over", responses((status = 202, description = "It leaves")))]
async fn hand_over(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Failed> {
    if shared.doing == "run" {
        let message = format!("cardbridge run (process {}) is the station already", std::process::id());
        return Err(Failed::new(StatusCode::CONFLICT, "station", message, "one station at a time works on one store; end that one first"));
    }
    shared.handed_over.send_replace(true);
    Ok(StatusCode::ACCEPTED)
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", operation_id = "description", responses(
    (status = 200, description = "This description", body = Object),
))]
async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DESCRIPTION)
}
