//! The scene with whoever looks at it: the station's notices go in, and each listener gets the pieces of the page that have changed.
//!
//! In: notices, sessions. Out: events for a browser. Never: a listener that holds anybody up; one that is slow gets the newest pieces
//! and misses only what is over.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::response::sse::Event;
use chrono::{DateTime, FixedOffset, Local, NaiveTime, Utc};
use serde_json::json;
use tokio::{sync::watch, time::interval};
use uuid::Uuid;

use super::{
    html,
    orders_before::{self, OrdersBefore},
    scene::{Desk, Ordered, Scene},
    session::Session,
    words::Words,
};
use crate::{
    host::{api::Shared, holder, known::KnownCards, notices::NextNotice},
    outbox::State,
    station::Notice,
    store::StoreError,
};

/// The pieces of the page.
const PIECES: usize = 6;
const HOUR: Duration = Duration::from_secs(3600);

/// The scene, shared by all who look.
pub(super) struct Room {
    scene: Mutex<Scene>,
    /// Counts the changes; gone once the station has ended.
    changed: watch::Sender<u64>,
    pub(super) words: Words,
    cards: KnownCards,
    /// What desks waited for before this station began.
    pub(super) orders_before: OrdersBefore,
}

impl Room {
    /// An empty room, which then fills by itself.
    pub(super) fn open(shared: &Arc<Shared>, words: Words) -> Arc<Self> {
        let scene = Scene::beside(shared.site().config.kiosk().map(|kiosk| kiosk.reader.clone()));
        let (changed, cards, orders_before) = (watch::Sender::new(0), KnownCards::of(shared), OrdersBefore::default());
        let room = Arc::new(Self { scene: Mutex::new(scene), changed, words, cards, orders_before });
        tokio::spawn(room.clone().fill(shared.clone()));
        room
    }

    /// Takes what the station tells until it ends.
    async fn fill(self: Arc<Self>, shared: Arc<Shared>) {
        let (mut notices, mut status) = (shared.notices().listen(0), shared.status());
        if let Err(error) = self.day(&shared).await {
            tracing::warn!(%error, "the day's list begins empty");
        }
        let mut hours = interval(HOUR);
        let renewal = self.clone();
        let renewal = tokio::spawn(async move { renewal.cards.keep_fresh().await });
        let keeping = tokio::spawn(orders_before::keep(self.clone(), shared.store().clone()));
        loop {
            let now = status.borrow_and_update().clone();
            self.change(|scene| scene.board.status = now);
            tokio::select! {
                heard = notices.next() => match heard {
                    Some(NextNotice::Notice(numbered)) => self.take(&numbered.notice, &shared),
                    Some(NextNotice::Missed(count)) => {
                        tracing::warn!(count, "notices came faster than the page could take them");
                        self.catch_up(&shared).await;
                    }
                    None => break,
                },
                _ = hours.tick() => self.change(Scene::hour_passed),
                changed = status.changed() => if changed.is_err() { break },
            }
        }
        renewal.abort();
        keeping.abort();
    }

    /// A notice; what is known of a card that was shown, or of who holds one, comes a moment later, and holds nobody up.
    fn take(self: &Arc<Self>, notice: &Notice, shared: &Arc<Shared>) {
        self.change(|scene| scene.take(notice));
        match notice {
            Notice::Entry(entry, _) => {
                self.cards.saw(entry);
                if entry.progress().state == State::Refused {
                    let (room, shared, entry) = (self.clone(), shared.clone(), entry.clone());
                    tokio::spawn(async move {
                        let holders = holder::of(&entry, shared.directory(), shared.store()).await.unwrap_or_default();
                        room.change(|scene| scene.board.held(entry.id, holders.iter().map(|holder| holder.words.clone()).collect()));
                    });
                }
            }
            Notice::Read(reading) if !reading.is_typed() => {
                let (room, reading) = (self.clone(), reading.clone());
                tokio::spawn(async move {
                    if let Some(known) = room.cards.about(&reading).await {
                        room.change(|scene| scene.known(&reading, &known));
                    }
                });
            }
            _ => {}
        }
    }

    /// What was saved today before this station began.
    async fn day(&self, shared: &Shared) -> Result<(), StoreError> {
        let (midnight, mut last) = (midnight(), 0);
        loop {
            let page = shared.store().page_after(last).await?;
            let Some((number, _)) = page.last() else { return Ok(()) };
            last = *number;
            page.iter().for_each(|(_, entry)| self.cards.saw(entry));
            let here = page.iter().map(|(_, entry)| entry).filter(|entry| entry.base_url == shared.store().base_url());
            self.change(|scene| here.for_each(|entry| scene.board.is_open(entry)));
            let today = page.iter().map(|(_, entry)| entry).filter(|entry| entry.saved_at >= midnight);
            self.change(|scene| today.for_each(|entry| scene.board.entry(entry)));
        }
    }

    /// Notices were missed: the record is read once more, and of each order that is shown it is asked how it stands. What is still kept of
    /// the notices is heard after that, and ends with what is true then.
    async fn catch_up(&self, shared: &Shared) {
        if let Err(error) = self.day(shared).await {
            tracing::warn!(%error, "the day's list stays as it was");
        }
        let shown = self.scene().shown_orders();
        for (order, before) in shown {
            let told = shared.notices().last_about(order).map(|numbered| numbered.notice.clone());
            let now = match (shared.store().entry(order).await.ok(), before) {
                (Some(entry), Some(before)) if entry == before => continue,
                // With what is asked about it.
                (Some(_), _) if matches!(told, Some(Notice::Entry(..))) => None,
                (Some(entry), _) => Some(Notice::Entry(Box::new(entry), None)),
                (None, _) => shared.stands(order).await,
            };
            match now.or(told) {
                Some(notice) => self.change(|scene| scene.take(&notice)),
                None => self.change(|scene| scene.lost(order)),
            }
        }
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the scene, and lets everybody who looks know.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Scene) -> T) -> T {
        let changed = change(&mut self.scene());
        self.changed.send_modify(|count| *count += 1);
        changed
    }

    /// The desk of a session, as it is now.
    pub(super) fn desk(&self, session: &Session) -> Desk {
        self.scene().desk(session.desk, &session.operator, session.reader.as_deref()).clone()
    }

    /// Wakes with each change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What each desk waits for, or has got last.
    pub(super) fn orders(&self) -> BTreeMap<Uuid, Ordered> {
        self.scene().orders()
    }

    /// The day's entries as rows of a table.
    pub(super) fn rows(&self) -> Vec<[String; 5]> {
        let board = &self.scene().board;
        board.today.iter().rev().map(|entry| html::today::cells(entry, board, &self.words)).collect()
    }

    /// The pieces of the page for a desk, by the id of their place; none where somebody was at it and has left.
    fn pieces(&self, session: &Session, has_begun: bool) -> Option<[(&'static str, String); PIECES]> {
        let mut scene = self.scene();
        if has_begun && !scene.has(session.desk) {
            return None;
        }
        let desk = scene.desk(session.desk, &session.operator, session.reader.as_deref()).clone();
        scene.board.begins_at(midnight());
        let other = scene.waited_for(session.desk);
        let (board, words, offset) = (&scene.board, &self.words, offset());
        Some([
            ("bar", html::bar::bar(&desk, board, words, offset).into_string()),
            ("stage", html::stage::stage(&desk, other.as_ref(), board, words, offset).into_string()),
            ("front-desk", html::front_desk::front_desk(&board.front_desk, words).into_string()),
            ("roster", html::run::run(desk.run.as_ref(), board, words).into_string()),
            ("outbox", html::outbox::outbox(board, words, offset).into_string()),
            ("today", html::today::today(board, words, offset).into_string()),
        ])
    }

    /// Follows a desk.
    pub(super) fn follow(self: &Arc<Self>, session: Session) -> Following {
        let mut changed = self.changed.subscribe();
        changed.mark_changed();
        Following { room: self.clone(), session, changed, has_begun: false, shown: Default::default() }
    }
}

/// One who looks at a desk.
pub(super) struct Following {
    room: Arc<Room>,
    session: Session,
    changed: watch::Receiver<u64>,
    has_begun: bool,
    shown: [String; PIECES],
}

impl Following {
    /// The pieces that have changed since the last time; none once somebody has left the desk.
    pub(super) async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            self.changed.changed().await.ok()?;
            let pieces = self.room.pieces(&self.session, self.has_begun)?;
            self.has_begun = true;
            let mut new = serde_json::Map::new();
            for (shown, (place, piece)) in self.shown.iter_mut().zip(pieces) {
                if *shown != piece {
                    new.insert(place.to_owned(), piece.clone().into());
                    *shown = piece;
                }
            }
            if !new.is_empty() {
                return Some((Ok(Event::default().data(json!(new).to_string())), self));
            }
        }
    }
}

fn offset() -> FixedOffset {
    *Local::now().offset()
}

fn midnight() -> DateTime<Utc> {
    let now = Local::now();
    now.with_time(NaiveTime::MIN).earliest().unwrap_or(now).with_timezone(&Utc)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        config::Config,
        desk::{scene::Stage, session::Seal},
        host::{Site, hosting::Control, notices::Notices, notices::Numbered},
        protocols::Protocols,
        station::Ended,
        store::{StoreHandle, memory::Memory},
    };

    const ORDERS: [Uuid; 3] = [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)];

    fn waits(order: Uuid, ahead: usize) -> Notice {
        Notice::Waiting { order, person: None, ahead, first: None, ready: true }
    }

    /// Three desks wait. While more happens than is kept, the order of the first ends, the second gets a place of its own, and the
    /// third's ends as the last thing that is kept.
    #[tokio::test]
    async fn a_page_that_has_missed_notices_shows_what_is_true_and_no_order_that_has_ended() {
        let site = Site::new(Config::none(), Protocols::default());
        let store = StoreHandle::over(Box::new(Memory::default().open("http://blusky.example/"))).unwrap();
        let (post, _posted) = mpsc::unbounded_channel();
        let (control, mut told) = mpsc::unbounded_channel();
        let (_status, status) = watch::channel(crate::host::api::Status::default());
        let notices = Arc::new(Notices::behind(0));
        let shared = Arc::new(Shared::new(&site, store, post, control, notices.clone(), status, "run"));
        tokio::spawn(async move {
            while let Some(control) = told.recv().await {
                if let Control::Stands(order, asked) = control {
                    drop(asked.send((order == ORDERS[1]).then(|| waits(order, 0))));
                }
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::of(&folder.path().join("key")).unwrap();
        let room = Room::open(&shared, Words::of("en").unwrap());
        let mut number = 0;
        let mut tell = |notice: Notice| {
            number += 1;
            notices.tell(Numbered { number, notice });
        };
        let sessions = ORDERS.map(|order| {
            let (session, _) = seal.begin("Kim".to_owned(), None, Utc::now()).unwrap();
            room.desk(&session);
            room.change(|scene| scene.ordered(session.desk, Ordered { id: order, person: "Ada".to_owned(), replaces: false }));
            session
        });
        let stage = |at: usize| room.desk(&sessions[at]).stage;
        let shows = async |at: usize, wanted: fn(&Stage) -> bool| {
            let shown = async {
                while !wanted(&stage(at)) {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), shown).await.unwrap_or_else(|_| panic!("{at}: {:?}", stage(at)));
        };
        ORDERS.into_iter().enumerate().for_each(|(ahead, order)| tell(waits(order, ahead)));
        shows(2, |stage| matches!(stage, Stage::Waits { ahead: 2, .. })).await;
        tell(Notice::NotEnrolled(ORDERS[0], Box::new(Ended::NoCard(60))));
        tell(waits(ORDERS[1], 0));
        (0..2000).for_each(|_| tell(Notice::Away(false, None)));
        tell(Notice::NotEnrolled(ORDERS[2], Box::new(Ended::NoCard(60))));
        shows(2, |stage| matches!(stage, Stage::Ended(_))).await;
        shows(0, |stage| matches!(stage, Stage::Dropped(crate::desk::scene::Dropped::Missed))).await;
        shows(1, |stage| matches!(stage, Stage::Waits { ahead: 0, .. })).await;
    }
}
