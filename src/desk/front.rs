//! The page's server: on this machine alone, and only for requests that come from the page itself.
//!
//! In: connections of browsers. Out: the page, its pieces as they change, and the station's API for whoever has signed in. Never: a
//! request that was not looked at by the gate, one without end, or so many that the station itself would wait.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts as _, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{
        Html, IntoResponse, Response,
        sse::{KeepAlive, Sse},
    },
    routing::{get, post},
};
use chrono::Utc;
use futures_util::{StreamExt as _, stream::unfold};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use super::{
    calls,
    guard::{Asking, Gate, TurnedDown},
    html::shell::{self, Choices},
    kiosk::{self, Lobby},
    room::{Following, Room},
    session::{Seal, Session, Tries},
    signed_out::SignedOut,
    tls::{self, TlsError},
    turns::{self, Keys},
    watch::{Onlooker, Watched},
    who,
    words::Words,
};
use crate::{
    config::{Config, desk::Desk as Settings, new_people::NewPeople},
    host::{
        api::{self, Operator, Shared, body::Failed},
        client::Said as _,
    },
};

/// So many connections are open at once, and so many of them follow a desk.
const MOST_CONNECTIONS: usize = 256;
const MOST_FOLLOWING: usize = 64;
/// A request's headers and its body are here within this time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A page that hears nothing for longer than twice this time takes the station for lost.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// So often it is looked whether a session has ended.
const MINUTE: Duration = Duration::from_secs(60);
const LARGEST_BODY: usize = 64 << 10;
/// After an accept that failed, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(200);
/// What shows nothing of anybody, and can be opened from elsewhere.
const OPENED: [&str; 3] = ["/", "/kiosk", "/kiosk/there"];
/// Nothing but this page's own files, and nobody shows it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The language has no file.
    #[error("`desk.language` names {0:?}; the page speaks {1}")]
    Language(String, String),
    /// Its certificate or key cannot be used.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The address cannot be had.
    #[error("the page cannot listen on {0}: {1}; another program may be there, or desk.listen names another port")]
    Listen(SocketAddr, std::io::Error),
    /// The key of its sessions cannot be had.
    #[error("the key of the page's sessions beside the store cannot be used: {0}")]
    Key(std::io::Error),
    /// What the kiosk's browser begins with cannot be written.
    #[error("the file beside the store with which the kiosk's browser begins cannot be written: {0}")]
    Kiosk(std::io::Error),
}

/// A page that is ready to be served.
pub struct Page {
    /// Where it is.
    pub address: SocketAddr,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
}

/// What the calls of all desks share.
pub(super) struct Desks {
    pub(super) api: Router,
    pub(super) shared: Arc<Shared>,
    pub(super) room: Arc<Room>,
    pub(super) seal: Seal,
    pub(super) signed_out: SignedOut,
    pub(super) settings: Settings,
    pub(super) new_people: Option<NewPeople>,
    pub(super) kiosk: Option<Arc<Lobby>>,
    tries: Mutex<Tries>,
    runs: Mutex<HashMap<Uuid, Keys>>,
    following: Arc<Semaphore>,
    pub(super) watched: Watched,
    shell: String,
}

impl Desks {
    pub(super) fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn runs(&self) -> MutexGuard<'_, HashMap<Uuid, Keys>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// The page of this station; the key of its sessions stands in this file.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn open(settings: &Settings, shared: &Arc<Shared>, key: &Path) -> Result<Self, PageError> {
        let language = || PageError::Language(settings.language.clone(), Words::languages());
        let words = Words::of(&settings.language).ok_or_else(language)?;
        let seal = Seal::of(key).map_err(PageError::Key)?;
        let tls = settings.tls.as_ref().map(tls::acceptor).transpose()?;
        let not_there = |error| PageError::Listen(settings.listen, error);
        let listener = TcpListener::bind(settings.listen).await.map_err(not_there)?;
        let address = listener.local_addr().map_err(not_there)?;
        let config = &shared.site().config;
        let choices = Choices {
            readers: readers(config),
            operators: settings.operators.iter().map(|operator| operator.name.as_str()).collect(),
            has_new_people: config.new_people.is_some(),
            has_pins: settings.operators.iter().any(|operator| operator.pin_file.is_some()),
            card_types: config.policy.card_types.iter().map(|card_type| (card_type.blusky, card_type.name.as_str())).collect(),
        };
        let shell = shell::page(&choices, &words).into_string();
        let room = Room::open(shared, words);
        let url = url(settings.names.first(), tls.is_some(), address);
        let kiosk = settings.kiosk.as_ref().map(|kiosk| Lobby::open(kiosk, &url, &settings.language, shared, &room)).transpose();
        let desks = Arc::new(Desks {
            api: api::router(shared.clone()),
            shared: shared.clone(),
            room,
            seal,
            signed_out: SignedOut::default(),
            settings: settings.clone(),
            new_people: config.new_people.clone(),
            kiosk: kiosk.map_err(PageError::Kiosk)?,
            tries: Mutex::default(),
            runs: Mutex::default(),
            following: Arc::new(Semaphore::new(MOST_FOLLOWING)),
            watched: Watched::default(),
            shell,
        });
        let gate = Gate::of(address, &settings.names, tls.is_some());
        Ok(Self { address, listener, tls, router: router(desks, gate) })
    }

    /// Where a browser finds it.
    #[must_use]
    pub fn url(&self) -> String {
        url(None, self.tls.is_some(), self.address)
    }

    /// Answers requests until it is dropped.
    pub async fn serve(self) {
        let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                sleep(PAUSE).await;
                continue;
            };
            // Too many at once: this one is closed without a word, and the station does not notice.
            let Ok(place) = free.clone().try_acquire_owned() else { continue };
            let (router, tls) = (self.router.clone(), self.tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => answer(stream, router).await,
                    Some(tls) => {
                        if let Ok(Ok(stream)) = timeout(REQUEST_TIMEOUT, tls.accept(stream)).await {
                            answer(stream, router).await;
                        }
                    }
                }
                drop(place);
            });
        }
    }
}

/// The readers that can be named, the kiosk's last.
fn readers(config: &Config) -> Vec<&str> {
    let mut names: Vec<&str> = config.readers.iter().map(|reader| reader.name.as_str()).collect();
    names.sort_by_key(|name| config.kiosk().is_some_and(|kiosk| kiosk.reader == *name));
    names
}

/// An address under which the page is found; by a name where it is at all addresses.
fn url(name: Option<&String>, has_tls: bool, address: SocketAddr) -> String {
    let scheme = if has_tls { "https" } else { "http" };
    name.filter(|_| address.ip().is_unspecified())
        .map_or_else(|| format!("{scheme}://{address}/"), |name| format!("{scheme}://{name}:{}/", address.port()))
}

/// Answers the requests of one connection.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIMEOUT).max_buf_size(LARGEST_BODY);
    drop(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await);
}

fn router(desks: Arc<Desks>, gate: Gate) -> Router {
    let api = desks.api.clone().layer(from_fn_with_state(desks.clone(), signed_in));
    let file = |kind: &'static str, text: &'static str| get(async move || ([(header::CONTENT_TYPE, kind)], text));
    Router::new()
        .route("/", get(async |State(desks): State<Arc<Desks>>| Html(desks.shell.clone())))
        .route("/desk/desk.css", file("text/css; charset=utf-8", include_str!("assets/desk.css")))
        .route("/desk/desk.js", file("text/javascript; charset=utf-8", include_str!("assets/desk.js")))
        .route("/desk/typing.js", file("text/javascript; charset=utf-8", include_str!("assets/typing.js")))
        .route("/desk/icon.svg", file("image/svg+xml", include_str!("assets/icon.svg")))
        .route("/kiosk", get(kiosk::page))
        .route("/kiosk/kiosk.css", file("text/css; charset=utf-8", include_str!("assets/kiosk.css")))
        .route("/kiosk/kiosk.js", file("text/javascript; charset=utf-8", include_str!("assets/kiosk.js")))
        .route("/kiosk/there", get(kiosk::there))
        .route("/kiosk/events", get(kiosk::events))
        .route("/kiosk/press", post(kiosk::press))
        .route("/desk/sign-in", post(calls::sign_in))
        .route("/desk/sign-out", post(calls::sign_out))
        .route("/desk/events", get(events))
        .route("/desk/people", get(who::people))
        .route("/desk/cards", get(who::cards))
        .route("/desk/new", post(who::new_person))
        .route("/desk/enroll", post(who::enroll))
        .route("/desk/rosters", get(turns::lists))
        .route("/desk/roster", post(turns::begin))
        .route("/desk/roster/key", post(turns::key))
        .route("/desk/withdraw", post(calls::withdraw))
        .route("/desk/answer", post(calls::answer))
        .route("/desk/entries/{id}/{what}", post(calls::entry))
        .route("/desk/today.csv", get(calls::today))
        .layer(from_fn_with_state(desks.clone(), in_words))
        .with_state(desks.clone())
        .merge(api)
        .layer(from_fn_with_state(Arc::new((gate, desks)), let_in))
}

/// The API is for whoever has signed in. How the station is tells nothing of anybody: on this machine everybody reads that.
async fn signed_in(State(desks): State<Arc<Desks>>, request: Request, next: Next) -> Result<Response, Failed> {
    if request.uri().path() == "/metrics" && desks.settings.listen.ip().is_loopback() {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let session = Session::from_request_parts(&mut parts, &desks).await?;
    parts.extensions.insert(Operator(session.operator));
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// An error of the API in the page's words; the station's own stand behind them where those name a thing.
async fn in_words(State(desks): State<Arc<Desks>>, request: Request, next: Next) -> Response {
    worded(next.run(request).await, &desks.room.words)
}

fn worded(answer: Response, words: &Words) -> Response {
    let Some(failed) = answer.extensions().get::<Failed>() else { return answer };
    let key = format!("error_{}", failed.error.text("code"));
    if words.find(&key).is_none() {
        return answer;
    }
    let why = failed.error.text("message");
    let message = words.fill(&key, &[("why", &words.reason(why).unwrap_or_else(|| why.to_owned()))]);
    let error = json!({"code": failed.error.text("code"), "message": message, "help": failed.error.text("help")});
    Failed { status: failed.status, error }.into_response()
}

/// What happens at a desk, as it happens.
async fn events(State(desks): State<Arc<Desks>>, session: Session) -> Result<Response, Failed> {
    let many = || Failed::new(StatusCode::SERVICE_UNAVAILABLE, "too_many", "too many pages are open", "close some of them");
    let place = desks.following.clone().try_acquire_owned().map_err(|_| many())?;
    let place = (place, Onlooker::begin(&desks, &session));
    let desk = desks.room.desk(&session);
    // A run that was cut off with its station goes on; that a card is not waited for any more is said.
    if desk.run.is_none() {
        tokio::spawn(turns::resume(desks.clone(), session.clone()));
    }
    if let Some(order) = desks.room.orders_before.take(session.desk, desks.shared.store()).await {
        desks.room.change(|scene| scene.restarted(session.desk, order));
    }
    let following = unfold((desks.room.follow(session.clone()), place), async |(following, place)| {
        let (event, following): (_, Following) = following.next().await?;
        Some((event, (following, place)))
    });
    let ends = async move {
        // A machine that sleeps stops its timers, and not the time.
        while !session.left(Utc::now()).is_zero() {
            sleep(session.left(Utc::now()).min(MINUTE)).await;
        }
        calls::leave(&desks, &session).await;
    };
    let following = Box::pin(following.take_until(Box::pin(ends)));
    Ok(Sse::new(following).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// The gate, before anything else; then the whole body, which is small and comes soon.
async fn let_in(State(door): State<Arc<(Gate, Arc<Desks>)>>, request: Request, next: Next) -> Response {
    let (gate, words) = (&door.0, &door.1.room.words);
    let path = request.uri().path();
    let is_kiosks = path.starts_with("/kiosk") || path == "/desk/icon.svg";
    let is_asked_whether_there = path == "/kiosk/there";
    let answer = match judged(gate, &request) {
        Ok(()) if !is_kiosks && kiosk::is_of_kiosk(request.headers()) => kiosk::elsewhere(),
        Ok(()) => pass(request, next).await,
        Err(TurnedDown::Host) => worded(turned_down("this is not the page's address"), words),
        Err(TurnedDown::Origin) => worded(turned_down("this comes from another page"), words),
    };
    let mut answer = guarded(answer);
    if is_asked_whether_there {
        answer.headers_mut().insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
    answer
}

fn judged(gate: &Gate, request: &Request) -> Result<(), TurnedDown> {
    let text = |value: &HeaderValue| value.to_str().map(ToOwned::to_owned).unwrap_or_default();
    let all = |name: header::HeaderName| request.headers().get_all(name).iter().map(text).collect::<Vec<String>>();
    let mut hosts = all(header::HOST);
    hosts.extend(request.uri().authority().map(ToString::to_string));
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    // Of several, none is believed.
    let one = |values: Vec<String>| if values.len() > 1 { Some("several".to_owned()) } else { values.into_iter().next() };
    let origin = one(all(header::ORIGIN));
    let site = one(all(header::HeaderName::from_static("sec-fetch-site")));
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    gate.judge(&Asking {
        changes,
        opens: OPENED.contains(&request.uri().path()),
        hosts: &hosts,
        origin: origin.as_deref(),
        site: site.as_deref(),
    })
}

async fn pass(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match timeout(REQUEST_TIMEOUT, to_bytes(body, LARGEST_BODY)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => Failed::new(StatusCode::PAYLOAD_TOO_LARGE, "body", "the body is cut off, or larger than 64 KiB", "").into_response(),
        Err(_) => Failed::new(StatusCode::REQUEST_TIMEOUT, "body", "the body did not come in time", "").into_response(),
    }
}

fn turned_down(why: &str) -> Response {
    Failed::new(StatusCode::FORBIDDEN, "turned_down", why, "open the page at the address in desk.listen").into_response()
}

/// What a browser is told about every answer.
fn guarded(mut answer: Response) -> Response {
    let told = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    answer.headers_mut().extend(told.map(|(name, value)| (name, HeaderValue::from_static(value))));
    answer
}
