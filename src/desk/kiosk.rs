//! The kiosk's server: one kiosk, whoever looks at it, and what it has done elsewhere.
//!
//! In: requests of the browser that has the kiosk's key, the station's notices, time. Out: the step at which the kiosk is, orders. Never:
//! the desk's page or the station's API for that browser; whoever gets out of this page finds nothing else.

use std::{
    convert::Infallible,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{
        Html, IntoResponse, Response,
        sse::{Event as Sent, KeepAlive, Sse},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Instant, interval, sleep_until},
};
use uuid::Uuid;

use super::{calls::Answer, front::Desks, html, room::Room, words::Words};
use crate::{
    card::to_hex,
    config::desk::Kiosk as Settings,
    enroll::origin::Named,
    host::{
        api::{self, Shared, body::Failed},
        notices::NextNotice,
        platform::{files, lock::Lock},
    },
    kiosk::{Effect, Event, Has, Kiosk, ORDER_STANDS, Press, Visitor},
    store::StoreError,
};

/// What a browser that is the kiosk's says of itself; it is let in nowhere else then.
pub(super) const COOKIE: &str = "cardbridge_kiosk=1";
const KEY: &str = "cardbridge-kiosk";
const MOST_FOLLOWING: usize = 8;
/// A browser that has just been started is given so long to show the page.
const STARTS_WITHIN: Duration = Duration::from_secs(300);
/// It is looked again whether people can be found, and whether the page is there, so often.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// A key is two random numbers, as hex.
const KEY_LETTERS: usize = 64;

/// The kiosk, with whoever looks at it.
pub(super) struct Lobby {
    settings: Settings,
    kiosk: Mutex<Kiosk>,
    /// Counts the changes; gone once the station has ended.
    changed: watch::Sender<u64>,
    post: mpsc::UnboundedSender<Event>,
    /// What the station is to do, one after the other: nothing is withdrawn before it is ordered.
    orders: mpsc::UnboundedSender<Effect>,
    shared: Arc<Shared>,
    room: Arc<Room>,
    words: Vec<Words>,
    key: String,
    following: Arc<Semaphore>,
    /// A page has come since it was looked at last, however short it stayed.
    has_come: AtomicBool,
    started: (DateTime<Utc>, Instant),
}

/// Whether a page follows the kiosk.
struct Page {
    /// It did since the station began, or since a new browser was asked for.
    was_there: bool,
    since: Instant,
}

impl Lobby {
    /// The kiosk of these settings. What its browser begins with is written beside the store, for this user alone.
    pub(super) fn open(
        settings: &Settings,
        url: &str,
        language: &str,
        shared: &Arc<Shared>,
        room: &Arc<Room>,
    ) -> std::io::Result<Arc<Self>> {
        let words = Words::all(language);
        let key = start_file(&Lock::beside(&shared.site().config.store, "kiosk.html"), url, &words)?;
        let timeout = TimeDelta::from_std(settings.timeout).unwrap_or(TimeDelta::MAX);
        let (post, posted) = mpsc::unbounded_channel();
        let (orders, mut ordered) = mpsc::unbounded_channel();
        let lobby = Arc::new(Self {
            settings: settings.clone(),
            kiosk: Mutex::new(Kiosk::new(&settings.reader, timeout)),
            changed: watch::Sender::new(0),
            post,
            orders,
            shared: shared.clone(),
            room: room.clone(),
            words,
            key,
            following: Arc::new(Semaphore::new(MOST_FOLLOWING)),
            has_come: AtomicBool::new(false),
            started: (Utc::now(), Instant::now()),
        });
        tokio::spawn(lobby.clone().serve(posted));
        let orderer = lobby.clone();
        tokio::spawn(async move {
            while let Some(effect) = ordered.recv().await {
                orderer.carry_out(effect).await;
            }
        });
        Ok(lobby)
    }

    fn kiosk(&self) -> MutexGuard<'_, Kiosk> {
        self.kiosk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A clock that nobody sets.
    fn now(&self) -> DateTime<Utc> {
        self.started.0 + TimeDelta::from_std(self.started.1.elapsed()).unwrap_or_default()
    }

    fn instant(&self, at: DateTime<Utc>) -> Instant {
        self.started.1 + (at - self.started.0).to_std().unwrap_or_default()
    }

    /// Takes what happens until the station ends.
    async fn serve(self: Arc<Self>, mut posted: mpsc::UnboundedReceiver<Event>) {
        let mut notices = self.shared.notices().listen(0);
        self.record().await;
        let mut looks = interval(LOOK_INTERVAL.min(self.settings.timeout));
        let mut page = Page { was_there: false, since: Instant::now() };
        loop {
            let deadline = self.kiosk().deadline(self.now()).map(|at| self.instant(at));
            let until = async {
                match deadline {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                heard = notices.next() => match heard {
                    Some(NextNotice::Notice(numbered)) => self.happens(Event::Told(Box::new(numbered.notice.clone()))),
                    // What was not heard is looked up.
                    Some(NextNotice::Missed(_)) => self.record().await,
                    None => return,
                },
                Some(event) = posted.recv() => self.happens(event),
                () = until => self.happens(Event::Time),
                _ = looks.tick() => {
                    self.can_find().await;
                    self.look_at_page(&mut page);
                }
            }
        }
    }

    /// Says in a file beside the store where the page has gone and does not come back: it may have crashed, which does not end its
    /// browser. Whoever watches the file (systemd) starts a new one.
    fn look_at_page(&self, page: &mut Page) {
        let lost = Lock::beside(&self.shared.site().config.store, "kiosk.lost");
        if self.has_come.swap(false, Relaxed) || self.following.available_permits() < MOST_FOLLOWING {
            *page = Page { was_there: true, since: Instant::now() };
            // It is seldom there.
            drop(std::fs::remove_file(&lost));
        } else if page.since.elapsed() >= if page.was_there { self.settings.timeout } else { STARTS_WITHIN } {
            *page = Page { was_there: false, since: Instant::now() };
            if let Err(error) = std::fs::write(&lost, "") {
                tracing::error!(%error, "the kiosk's page is gone, and nobody can be told");
            }
        }
    }

    /// Everything that was saved before.
    async fn record(self: &Arc<Self>) {
        match self.all_entries().await {
            Ok(()) => self.happens(Event::Recorded),
            Err(error) => tracing::error!(%error, "the kiosk stays closed: the record cannot be read"),
        }
    }

    async fn all_entries(&self) -> Result<(), StoreError> {
        let (store, mut last) = (self.shared.store(), 0);
        loop {
            let page = store.page_after(last).await?;
            let Some((number, _)) = page.last() else { return Ok(()) };
            last = *number;
            let here = page.iter().map(|(_, entry)| entry).filter(|entry| entry.base_url == store.base_url());
            let mut kiosk = self.kiosk();
            here.for_each(|entry| kiosk.saw(entry));
        }
    }

    async fn can_find(self: &Arc<Self>) {
        let people = self.shared.directory().people().await;
        let can = people
            .is_ok_and(|people| people.kiosk_codes().is_some_and(|codes| codes > 0) || (self.settings.without_code && !people.is_empty()));
        self.happens(Event::CanFind(can));
    }

    /// Lets something happen, and does what follows.
    fn happens(self: &Arc<Self>, event: Event) {
        let effects = self.kiosk().handle(event, self.now(), Uuid::now_v7());
        self.changed.send_modify(|count| *count += 1);
        for effect in effects {
            match effect {
                Effect::Order(..) | Effect::Withdraw(_) => drop(self.orders.send(effect)),
                // The next visitor does not wait for what is looked up for the last one.
                Effect::Find(..) | Effect::Look(..) => {
                    let lobby = self.clone();
                    tokio::spawn(async move { lobby.carry_out(effect).await });
                }
            }
        }
    }

    async fn carry_out(&self, effect: Effect) {
        let event = match effect {
            Effect::Find(visit, code) => Event::Found(visit, self.find(&code).await),
            Effect::Look(visit, user) => Event::Looked(
                visit,
                match api::kiosk::has_card(&self.shared, user).await {
                    Some(true) => Has::Card,
                    Some(false) => Has::None,
                    None => Has::Unknown,
                },
            ),
            Effect::Order(id, user) => match api::kiosk::order(&self.shared, id, user, ORDER_STANDS).await {
                Ok(person) => {
                    let person = person.map_or_else(|| user.to_string(), |person| named(&person));
                    return self.room.change(|scene| scene.board.front_desk.ordered(id, person));
                }
                Err(_) => Event::NotOrdered(id),
            },
            Effect::Withdraw(id) => return api::kiosk::withdraw(&self.shared, id),
        };
        // Whoever asked may have gone.
        drop(self.post.send(event));
    }

    async fn find(&self, code: &str) -> Option<Visitor> {
        let people = self.shared.directory().people().await.ok()?;
        let person = people.at_kiosk(code, self.settings.without_code)?;
        // Enough for them to see that they are meant, and little for whoever has guessed a code.
        let initial = person.last_name.chars().next().map(|letter| format!("{letter}.")).unwrap_or_default();
        let called =
            if person.first_name.is_empty() { person.last_name } else { format!("{} {initial}", person.first_name).trim().to_owned() };
        Some(Visitor { user: person.user_id, called })
    }

    fn told(&self) -> String {
        let kiosk = self.kiosk();
        let step = html::kiosk::step(&kiosk, &self.words).into_string();
        json!({"visit": kiosk.visit(), "language": kiosk.language().unwrap_or_default(), "step": step}).to_string()
    }

    /// The page itself.
    pub(super) fn page(&self) -> String {
        html::kiosk::page(&self.words).into_string()
    }
}

fn named(person: &Named) -> String {
    person.employee_number.as_ref().map_or_else(|| person.name.clone(), |number| format!("{} ({number})", person.name))
}

/// Writes what the kiosk's browser begins with, and returns the key in it; one that is there stays.
fn start_file(path: &Path, url: &str, words: &[Words]) -> std::io::Result<String> {
    let is_key = |key: &&str| key.len() == KEY_LETTERS && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let before = std::fs::read_to_string(path).ok();
    let kept = before.as_deref().and_then(|text| text.split("const key = \"").nth(1)?.split('"').next()).filter(is_key);
    let key = kept.map_or_else(|| to_hex(&[Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat()), ToOwned::to_owned);
    let script = format!("const page = \"{url}kiosk\"; const key = \"{key}\";\n{}", include_str!("assets/start.js"));
    let text = html::kiosk::start_page(words, include_str!("assets/kiosk.css"), &script).into_string();
    if before.as_deref() != Some(text.as_str()) {
        files::replace(path, text.as_bytes())?;
    }
    Ok(key)
}

/// The browser that has the kiosk's key.
pub(super) struct AtKiosk(Arc<Lobby>);

impl FromRequestParts<Arc<Desks>> for AtKiosk {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, desks: &Arc<Desks>) -> Result<Self, Failed> {
        let said = parts.headers.get(KEY).map(|key| key.as_bytes()).unwrap_or_default();
        let is_it = |lobby: &&Arc<Lobby>| same(said, lobby.key.as_bytes());
        let lobby = desks.kiosk.as_ref().filter(is_it);
        let help = "start its browser with the file beside the store whose name ends in .kiosk.html";
        lobby.cloned().map(Self).ok_or_else(|| Failed::new(StatusCode::UNAUTHORIZED, "no_kiosk", "this browser is no kiosk's", help))
    }
}

/// Equal, in a time that does not tell where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

/// True where the request comes from a browser that is the kiosk's.
pub(super) fn is_of_kiosk(headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.flat_map(|cookie| cookie.split(';')).any(|cookie| cookie.trim() == COOKIE)
}

/// The answer to the kiosk's browser wherever else it looks.
pub(super) fn elsewhere() -> Response {
    let help = "whoever wants to open something else with it closes it first, and all of its windows";
    Failed::new(StatusCode::FORBIDDEN, "turned_down", "this browser is the kiosk's", help).into_response()
}

pub(super) async fn page(State(desks): State<Arc<Desks>>) -> Answer {
    let none = || Failed::new(StatusCode::NOT_FOUND, "no_kiosk", "this site has no kiosk", "name its reader in [desk] kiosk");
    desks.kiosk.as_ref().map(|lobby| Html(lobby.page()).into_response()).ok_or_else(none)
}

/// The step at which the kiosk is, each time that it is another one.
pub(super) async fn events(AtKiosk(lobby): AtKiosk) -> Answer {
    let many = || Failed::new(StatusCode::SERVICE_UNAVAILABLE, "too_many", "too many pages are open", "close some of them");
    let place = lobby.following.clone().try_acquire_owned().map_err(|_| many())?;
    lobby.has_come.store(true, Relaxed);
    let mut changed = lobby.changed.subscribe();
    changed.mark_changed();
    let following = unfold((lobby, changed, place, String::new()), async |(lobby, mut changed, place, shown)| {
        loop {
            changed.changed().await.ok()?;
            let told = lobby.told();
            if told != shown {
                let event = Ok::<_, Infallible>(Sent::default().data(&told));
                return Some((event, (lobby, changed, place, told)));
            }
        }
    });
    let cookie = format!("{COOKIE}; Path=/; HttpOnly; SameSite=Strict");
    let stream = Sse::new(Box::pin(following)).keep_alive(KeepAlive::default());
    Ok(([(header::SET_COOKIE, cookie)], stream).into_response())
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    visit: u64,
    press: String,
    #[serde(default)]
    value: String,
}

/// Something was pressed.
pub(super) async fn press(AtKiosk(lobby): AtKiosk, api::body::Sent(pressed): api::body::Sent<Pressed>) -> Answer {
    let known = |language: &String| lobby.words.iter().any(|words| words.language == language);
    let press = match pressed.press.as_str() {
        "language" => Some(pressed.value).filter(known).map(Press::Language),
        "code" => Some(Press::Code(pressed.value)),
        "stay" => Some(Press::Stay),
        "leave" => Some(Press::Leave),
        _ => None,
    };
    let press = press.ok_or_else(|| Failed::usage("press", "there is nothing of that kind to press", ""))?;
    drop(lobby.post.send(Event::Pressed(pressed.visit, press)));
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// That there is a station: what the start file waits for. Nothing else of it can be read from another page.
pub(super) async fn there() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
