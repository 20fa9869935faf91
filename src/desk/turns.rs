//! People who have their turn one after the other at a desk: the same machine that a terminal uses, at this page.
//!
//! In: a list, what is pressed, the station's notices. Out: orders and what else the machine wants, as calls of the station's API, and a
//! picture for the page. Never: a decision; those are the machine's. Who is done stands in the outbox: a run that was cut off goes on
//! where it stopped, and whose turn it was and who was left out stands beside it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{Method, StatusCode},
    response::{Html, IntoResponse as _},
};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};
use uuid::Uuid;

use super::{
    calls::{Answer, ask, withdrawn},
    front::Desks,
    html,
    lists::{List, names},
    scene::{How, Ordered, Run},
    session::Session,
};
use crate::{
    enroll::origin::{Named, RosterRow},
    host::{
        api::body::{Failed, OrderBody, Sent},
        client::{Said as _, escaped},
        hear::{self, Hearing},
        notices::{Listener, NextNotice},
    },
    roster::{Effect, Event, Given, Key, Roster, Row, Rows, SeatState, Standing},
    station::Notice,
    views,
};

/// What stops it at the first person, as it would at each.
const FATAL: [&str; 5] = ["no_reader", "kiosk_reader", "unknown_reader", "reassign", "people"];
/// So many findings of a list are shown.
const FINDINGS: usize = 20;

/// A run that is put away takes back what it waits for within this time, unless the station hangs.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// What is pressed at a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pressed {
    /// A key of the machine's.
    Key(Key),
    /// The run is put away.
    Close,
    /// Nobody looks: it rests until somebody does.
    Rest,
}

/// Where what is pressed at the runs of all desks goes.
pub(super) type Keys = UnboundedSender<Pressed>;

/// The lists there are.
pub(super) async fn lists(State(desks): State<Arc<Desks>>, _: Session) -> Answer {
    let folder = desks.settings.rosters.clone();
    let names = folder.as_deref().map(names);
    Ok(Html(html::run::lists(names.as_deref(), &desks.room.words).into_string()).into_response())
}

#[derive(Deserialize)]
pub(super) struct Begin {
    /// A file of the folder; without one, the site's people.
    #[serde(default)]
    list: String,
    #[serde(default)]
    filter: String,
    /// `resume` goes on with an earlier run, `anew` does not.
    #[serde(default)]
    how: String,
}

/// Begins a run. Where an earlier one has not come to its end, it is asked first which of the two is meant.
pub(super) async fn begin(State(desks): State<Arc<Desks>>, session: Session, Sent(wish): Sent<Begin>) -> Answer {
    let list = List::chosen(&wish.list, &wish.filter);
    let mut rows = list.read(&desks).await?;
    let earlier = earlier(&desks, &session, &list, &rows.rows).await?;
    let done = |given: &[(usize, Given)]| given.iter().filter(|(_, given)| given.stands()).count();
    let (run, given) = match (wish.how.as_str(), earlier) {
        ("", Some((_, given))) if (1..rows.rows.len()).contains(&done(&given)) => {
            let offer = html::run::earlier(&wish.list, &wish.filter, (done(&given), rows.rows.len()), &desks.room.words);
            return Ok(Html(offer.into_string()).into_response());
        }
        ("resume", Some(earlier)) => earlier,
        _ => (Uuid::now_v7(), Vec::new()),
    };
    added_before(&desks, &session, &mut rows, &given).await?;
    let findings = rows.findings.iter().take(FINDINGS).map(ToString::to_string).collect();
    start(&desks, session, DeskRun::new(wish, run), Roster::new(rows.rows, given), findings).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// An earlier run of the list, and what was given in it.
async fn earlier(desks: &Desks, session: &Session, list: &List, rows: &[Row]) -> Result<Option<(Uuid, Vec<(usize, Given)>)>, Failed> {
    let path = format!("/v1/outbox?roster={}", escaped(&list.name()));
    let outbox = ask(desks, &session.operator, Method::GET, &path, None).await?;
    Ok(hear::earlier(&outbox, rows))
}

/// Nobody is added a second time because their list is used a second time.
async fn added_before(desks: &Desks, session: &Session, rows: &mut Rows, given: &[(usize, Given)]) -> Result<(), Failed> {
    if rows.rows.iter().any(|row| row.user_id.is_nil()) {
        let outbox = ask(desks, &session.operator, Method::GET, "/v1/outbox", None).await?;
        hear::added_before(&outbox, rows, given);
    }
    Ok(())
}

/// What of a run is remembered beside the outbox: which desk was at which list, and where it stood there.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct DeskRun {
    list: String,
    filter: String,
    run: Uuid,
    #[serde(default)]
    standing: Standing,
}

impl DeskRun {
    fn new(wish: Begin, run: Uuid) -> Self {
        Self { list: wish.list, filter: wish.filter, run, standing: Standing::default() }
    }
}

fn kept_as(desk: Uuid) -> String {
    format!("desk roster {desk}")
}

/// Goes on with the run of a desk that was cut off with its station.
pub(super) async fn resume(desks: Arc<Desks>, session: Session) {
    let store = desks.shared.store().clone();
    let Ok(Some((_, text))) = store.kept(&kept_as(session.desk)).await else { return };
    let Ok(kept) = serde_json::from_str::<DeskRun>(&text) else { return };
    let list = List::chosen(&kept.list, &kept.filter);
    let Ok(mut rows) = list.read(&desks).await else { return };
    let Ok(earlier) = earlier(&desks, &session, &list, &rows.rows).await else { return };
    // Before its first card there is nothing in the outbox.
    let given = earlier.filter(|(run, _)| *run == kept.run).map(|(_, given)| given).unwrap_or_default();
    if added_before(&desks, &session, &mut rows, &given).await.is_err() {
        return;
    }
    let findings = rows.findings.iter().take(FINDINGS).map(ToString::to_string).collect();
    let mut roster = Roster::new(rows.rows, given);
    roster.goes_on_at(&kept.standing);
    drop(start(&desks, session, kept, roster, findings).await);
}

async fn start(desks: &Arc<Desks>, session: Session, kept: DeskRun, roster: Roster, findings: Vec<String>) -> Result<(), Failed> {
    let (keys, pressed) = unbounded_channel();
    {
        let mut runs = desks.runs();
        if runs.get(&session.desk).is_some_and(|running| !running.is_closed()) {
            return Err(Failed::impossible("roster", desks.room.words.say("roster_first"), ""));
        }
        runs.retain(|_, running| !running.is_closed());
        runs.insert(session.desk, keys);
    }
    super::calls::take_back(desks, &session).await?;
    let notices = desks.shared.notices();
    let notices = notices.listen(notices.last());
    let name = List::chosen(&kept.list, &kept.filter).name();
    let turns =
        Turns { desks: desks.clone(), session, roster, kept, name, findings, hearing: Hearing::default(), trouble: None, is_over: false };
    turns.keep().await;
    tokio::spawn(turns.go(pressed, notices));
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct PressedKey {
    key: String,
}

/// What an operator decides.
pub(super) async fn key(State(desks): State<Arc<Desks>>, session: Session, Sent(pressed): Sent<PressedKey>) -> Answer {
    let pressed = match pressed.key.as_str() {
        "skip" => Pressed::Key(Key::Skip),
        "back" => Pressed::Key(Key::Back),
        "undo" => Pressed::Key(Key::Undo),
        "again" => Pressed::Key(Key::Again),
        "aside" => Pressed::Key(Key::Aside),
        "stop" => Pressed::Key(Key::Stop),
        "close" => Pressed::Close,
        _ => return Err(Failed::usage("key", "there is no such key", "")),
    };
    press(&desks, session.desk, pressed);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// True where a run of this desk took it.
pub(super) fn press(desks: &Desks, desk: Uuid, pressed: Pressed) -> bool {
    desks.runs().get(&desk).is_some_and(|keys| keys.send(pressed).is_ok())
}

/// Ends the run of this desk, and waits until nobody's card is waited for any more; true where there was one.
pub(super) async fn close(desks: &Desks, desk: Uuid) -> bool {
    let Some(keys) = desks.runs().get(&desk).cloned() else { return false };
    let is_there = keys.send(Pressed::Close).is_ok();
    drop(timeout(ENDS_WITHIN, keys.closed()).await);
    is_there
}

/// A run at work.
struct Turns {
    desks: Arc<Desks>,
    session: Session,
    roster: Roster,
    kept: DeskRun,
    /// The name of the list.
    name: String,
    findings: Vec<String>,
    hearing: Hearing,
    /// Why it was stopped.
    trouble: Option<String>,
    is_over: bool,
}

impl Turns {
    /// Goes through it until it is put away; where the station ends, it goes on with the next one.
    async fn go(mut self, mut pressed: UnboundedReceiver<Pressed>, mut notices: Listener) {
        // From here on what is ordered is the run's, and goes on with it.
        self.show();
        self.happens(Event::Begin).await;
        // Somebody may have left the desk, or it was forgotten.
        while self.show() {
            if self.kept.standing != self.roster.standing() {
                self.kept.standing = self.roster.standing();
                self.keep().await;
            }
            tokio::select! {
                heard = notices.next() => match heard {
                    Some(NextNotice::Notice(numbered)) => self.hears(&numbered.notice).await,
                    Some(NextNotice::Missed(_)) => {
                        self.happens(Event::Gone).await;
                        self.happens(Event::Back).await;
                    }
                    None => return,
                },
                pressed = pressed.recv() => match pressed {
                    Some(Pressed::Key(key)) => self.happens(Event::Key(key)).await,
                    Some(Pressed::Rest) if self.is_over => {}
                    Some(Pressed::Rest) => return self.rests().await,
                    Some(Pressed::Close) | None => break,
                },
            }
        }
        if !self.is_over {
            self.happens(Event::Key(Key::Stop)).await;
        }
        self.desks.room.change(|scene| scene.run(self.session.desk, None));
        drop(self.desks.shared.store().keep(&kept_as(self.session.desk), Utc::now(), String::new()).await);
    }

    /// Takes back what it waits for. Where it stands is remembered: it goes on there once somebody looks again.
    async fn rests(&mut self) {
        self.happens(Event::Key(Key::Stop)).await;
        self.desks.room.change(|scene| scene.run(self.session.desk, None));
    }

    /// Remembers where it stands, for the next station.
    async fn keep(&self) {
        let text = serde_json::to_string(&self.kept).unwrap_or_default();
        drop(self.desks.shared.store().keep(&kept_as(self.session.desk), Utc::now(), text).await);
    }

    async fn hears(&mut self, notice: &Notice) {
        // A card that was read is heard of by what becomes of it.
        if matches!(notice, Notice::Read(_) | Notice::Noise(..)) {
            return;
        }
        let json = views::notice::json(notice, None, &self.desks.shared.site().config.policy);
        for event in self.hearing.events(&json) {
            self.happens(event).await;
        }
    }

    /// Lets something happen, and does what follows.
    async fn happens(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.roster.handle(event, Uuid::now_v7()) {
                events.extend(self.carry_out(effect).await);
            }
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        let order_path = |id: Uuid| format!("/v1/enrollments/{id}");
        let (id, said) = match effect {
            Effect::Order(id, seat) => {
                let body = self.order(id, seat)?;
                let person = body.person.as_ref().map(Named::called).unwrap_or_default();
                let before = self.desks.room.change(|scene| scene.ordered(self.session.desk, Ordered { id, person, replaces: false }));
                // Its own orders the run takes back itself; somebody may have been chosen while it began.
                drop(withdrawn(&self.desks, &self.session, before.filter(|before| !self.roster.knows(*before))).await);
                (id, self.ask(Method::POST, "/v1/enrollments", serde_json::to_value(&body).ok()).await)
            }
            Effect::Follow(id) => {
                let known = OrderBody { id: Some(id), ..OrderBody::default() };
                (id, self.ask(Method::POST, "/v1/enrollments", serde_json::to_value(&known).ok()).await)
            }
            Effect::Withdraw(id) => (id, self.ask(Method::DELETE, &order_path(id), None).await.map(|_| Value::Null)),
            Effect::Undo(id) => match self.ask(Method::POST, &format!("/v1/outbox/{id}/undo"), Some(json!({}))).await {
                Ok(answer) => return Some(hear::undone(id, &answer)),
                refused => (id, refused),
            },
            Effect::Discard(id) => (id, self.ask(Method::POST, &format!("/v1/outbox/{id}/discard"), Some(json!({}))).await),
            Effect::Finish => {
                self.is_over = true;
                return None;
            }
            // The page shows what is asked in its own place and words, and takes the answers there.
            Effect::Answer(..) | Effect::Say(..) | Effect::Ring(_) => return None,
        };
        match said {
            Ok(said) => hear::entry(&said),
            Err(failed) if FATAL.contains(&failed.error.text("code")) => {
                self.trouble = Some(failed.error.text("message").to_owned());
                Some(Event::Key(Key::Stop))
            }
            // The notices end, too, and then it goes on at the next station.
            Err(failed) if failed.status == StatusCode::SERVICE_UNAVAILABLE.as_u16() => None,
            Err(failed) => Some(Event::Refused(id, failed.error.text("message").to_owned())),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failed> {
        ask(&self.desks, &self.session.operator, method, path, body).await
    }

    fn order(&self, id: Uuid, seat: usize) -> Option<OrderBody> {
        let row = &self.roster.seats().get(seat)?.row;
        let at = RosterRow { run: self.kept.run, file: self.name.clone(), row: row.number };
        let all =
            OrderBody { reader: self.session.reader.clone(), timeout_s: Some(hear::WHENEVER), can_be_asked: true, ..OrderBody::default() };
        Some(OrderBody::for_row(id, row, at, &all))
    }

    /// Shows how it stands; false where nobody looks any more.
    fn show(&self) -> bool {
        let run = self.picture();
        self.desks.room.change(|scene| scene.run(self.session.desk, Some(run)))
    }

    fn picture(&self) -> Run {
        let (screen, seats) = (self.roster.screen(), self.roster.seats());
        // The keys of orders grow with time.
        let given = seats.iter().flat_map(|seat| seat.given.iter().map(move |given| (given, seat)));
        let last = given.clone().max_by_key(|(given, _)| given.id).map(|(given, _)| given.id);
        let undo = given.filter(|(given, _)| given.stands()).max_by_key(|(given, _)| given.id).map(|(_, seat)| seat.row.called());
        let left = seats.iter().filter_map(|seat| match &seat.state {
            SeatState::Skipped => Some((seat.row.called(), How::Skipped)),
            SeatState::Aside(why) => Some((seat.row.called(), How::Aside(why.clone()))),
            SeatState::Due | SeatState::Done => None,
        });
        Run {
            list: self.name.clone(),
            tally: screen.tally,
            rests: self.roster.is_at_rest(),
            looks_at: screen.person.filter(|_| screen.keys.iter().any(|(key, _)| *key == 'r')).map(|person| person.name),
            next: screen.next,
            left: left.collect(),
            last,
            undo,
            keys: screen.keys.iter().map(|(key, _)| *key).collect(),
            findings: self.findings.clone(),
            trouble: self.trouble.clone(),
            is_over: self.is_over,
        }
    }
}
