//! A roster at work: the machine, the station, a keyboard and a face.
//!
//! In: notices, keys, time. Out: what the machine wants done, at the station and on the screen. Never: a decision; those are the machine's.

use std::{collections::VecDeque, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{
    face::Face,
    keys::{Keyboard, Pressed},
    who::Picker,
};
use crate::{
    cli::{
        out::{self, Failure, interrupted},
        session::{self, Session},
    },
    enroll::origin::RosterRow,
    host::{
        api::body::{AnswerBody, OrderBody, YesOrNo},
        client::{AskError, Notices, Said},
        hear::{self, Hearing},
    },
    roster::{Bell, Effect, Event, Key, Kind, Roster, Row},
    station::Answer,
};

/// What passes by sooner is not drawn: the panel would flicker with each card.
const PASSING: Duration = Duration::from_millis(150);
/// How long the last outcomes are waited for once somebody has stopped it.
const STOPPED: Duration = Duration::from_secs(3);
/// What stops it at the first person, as it would at each.
const FATAL: [&str; 6] = ["no_reader", "kiosk_reader", "unknown_reader", "reassign", "people", "station_ended"];

/// A roster at work.
pub struct Work<'a> {
    pub session: Session<'a>,
    pub roster: Roster,
    pub face: Face,
    /// What is the same for everybody.
    pub template: OrderBody,
    pub run: Uuid,
    /// The name of the list.
    pub file: String,
    /// The key of the listener that its orders belong to.
    pub listener: Uuid,
    pub json: bool,
    pub patience: Duration,
    pub hearing: Hearing,
    pub typed: String,
    /// Where people are added as they come: among whom.
    pub picker: Option<Picker>,
    /// Since when nobody's name is there.
    pub passing_since: Option<Instant>,
    /// Until when outcomes are waited for, once all have had their turn or it was stopped.
    pub until: Option<Instant>,
    pub is_stopped: bool,
    /// Nobody is there who could press a key.
    pub is_alone: bool,
    /// More people may come.
    pub has_more: bool,
}

impl Work<'_> {
    /// Goes through it to its end.
    pub async fn go(&mut self, mut keyboard: Option<Keyboard>) -> Result<(), Failure> {
        let mut notices = self.listen().await?;
        if self.is_alone {
            self.happens(Event::Alone).await?;
        }
        self.happens(Event::Begin).await?;
        while !self.is_over() {
            let passes = self.is_passing().then(|| *self.passing_since.get_or_insert_with(Instant::now) + PASSING);
            if passes.is_none_or(|until| until <= Instant::now()) {
                self.draw();
            }
            let far = Instant::now() + Duration::from_secs(86_400);
            tokio::select! {
                notice = notices.next() => match notice {
                    Some(notice) => self.notice(&notice).await?,
                    None => notices = self.again().await?,
                },
                // A line names the next one, and is read once it is their turn.
                pressed = pressed(&mut keyboard), if !self.roster.is_alone() || self.asks_who() => match pressed {
                    Some(pressed) if self.asks_who() => self.pressed_who(pressed).await?,
                    Some(pressed) => self.pressed(pressed).await?,
                    None => {
                        keyboard = None;
                        self.has_more = false;
                        self.happens(Event::Alone).await?;
                    }
                },
                () = sleep_until(self.until.unwrap_or(far)), if self.until.is_some() => break,
                () = sleep_until(passes.unwrap_or(far)), if passes.is_some_and(|until| until > Instant::now()) => {}
                () = self.session.handed_over() => notices = self.again().await?,
                () = interrupted() => match self.is_stopped {
                    true => break,
                    false => self.happens(Event::Key(Key::Stop)).await?,
                },
            }
        }
        self.face.close();
        Ok(())
    }

    async fn listen(&mut self) -> Result<Notices, Failure> {
        let (listener, reader) = (self.listener, self.template.reader.as_deref().unwrap_or("*"));
        self.session.asks(async |client| client.listen(listener, reader).await).await
    }

    /// True between two people.
    fn is_passing(&mut self) -> bool {
        let screen = self.roster.screen();
        let is_passing = screen.person.is_none() && !screen.is_question && screen.keys.is_empty() && !self.asks_who();
        if !is_passing {
            self.passing_since = None;
        }
        is_passing
    }

    fn draw(&mut self) {
        let found = self.picker.as_ref().map(Picker::shown).unwrap_or_default();
        self.face.draw(&self.roster.screen(), &self.typed, &found);
    }

    /// Somebody is asked for who gets the next card.
    fn asks_who(&self) -> bool {
        self.picker.is_some() && self.roster.is_at_rest() && !self.roster.screen().is_question && !self.is_stopped
    }

    /// What is pressed where somebody is asked for.
    async fn pressed_who(&mut self, pressed: Pressed) -> Result<(), Failure> {
        let Some(picker) = &mut self.picker else { return Ok(()) };
        let chosen = match pressed {
            Pressed::Letter('-') if self.typed.is_empty() => return self.happens(Event::Key(Key::Undo)).await,
            Pressed::Escape if self.typed.is_empty() => return self.happens(Event::Key(Key::Stop)).await,
            Pressed::Letter(letter) => {
                self.typed.push(letter);
                None
            }
            Pressed::Erase => {
                self.typed.pop();
                None
            }
            Pressed::Escape => {
                self.typed.clear();
                None
            }
            Pressed::Tab | Pressed::Down | Pressed::Up => {
                picker.step(pressed != Pressed::Up);
                return Ok(());
            }
            Pressed::Enter if self.typed.is_empty() => return Ok(()),
            Pressed::Enter => Some(picker.take(&self.typed)),
            Pressed::Line(line) if line.is_empty() => return Ok(()),
            Pressed::Line(line) => Some(picker.meant(&line)),
            Pressed::Resized => return Ok(()),
        };
        match chosen {
            None => {
                picker.look(&self.typed);
                Ok(())
            }
            Some(Ok(row)) => {
                self.typed.clear();
                picker.look("");
                let number = self.roster.seats().len() + 1;
                let seat = self.roster.add(Row { number, ..row });
                self.happens(Event::Turn(seat)).await
            }
            Some(Err(why)) => {
                self.face.line(Kind::Look, &why);
                self.face.ring(Bell::Look);
                Ok(())
            }
        }
    }

    fn is_over(&mut self) -> bool {
        let is_ending = self.is_stopped || (self.roster.is_at_rest() && self.roster.is_alone() && !self.has_more);
        if is_ending && !self.roster.awaits_outcomes() {
            return true;
        }
        if is_ending && self.until.is_none() {
            // While BluSKY is known to be away, nothing is waited for.
            let patience = if self.roster.is_held_up() { Duration::ZERO } else { self.patience };
            let patience = if self.roster.is_complete() || !self.is_stopped { patience } else { patience.min(STOPPED) };
            self.until = Some(Instant::now() + patience);
        }
        false
    }

    /// There is no station any more: the next one, with the same orders.
    async fn again(&mut self) -> Result<Notices, Failure> {
        self.happens(Event::Gone).await?;
        self.draw();
        self.session.again().await?;
        self.listener = Uuid::now_v7();
        let notices = self.listen().await?;
        self.happens(Event::Back).await?;
        Ok(notices)
    }

    async fn notice(&mut self, notice: &Value) -> Result<(), Failure> {
        let is_ours = || notice.text("enrollment").parse().is_ok_and(|id: Uuid| self.roster.knows(id));
        let was_ours = self.json && notice.text("kind") == "enrollment" && is_ours();
        for event in self.hearing.events(notice) {
            self.happens(event).await?;
        }
        if self.json
            && notice.text("kind") == "enrollment"
            && (was_ours || notice.text("enrollment").parse().is_ok_and(|id| self.roster.knows(id)))
        {
            out::print_json(notice.at("entry"));
        }
        Ok(())
    }

    async fn pressed(&mut self, pressed: Pressed) -> Result<(), Failure> {
        let screen = self.roster.screen();
        let key = match pressed {
            Pressed::Letter(letter) if screen.takes_text && (!self.typed.is_empty() || letter.is_ascii_digit()) => {
                self.typed.push(letter);
                None
            }
            Pressed::Letter(letter) if !screen.choices.is_empty() && letter.is_ascii_digit() => Some(Key::Typed(letter.to_string())),
            Pressed::Letter(letter) => key(letter),
            Pressed::Enter if !self.typed.is_empty() => Some(Key::Typed(std::mem::take(&mut self.typed))),
            Pressed::Line(line) => match line.chars().next() {
                Some(letter) if line.len() == 1 && !letter.is_ascii_digit() => key(letter),
                Some(_) => Some(Key::Typed(line)),
                None => None,
            },
            Pressed::Erase => {
                self.typed.pop();
                None
            }
            Pressed::Escape => {
                self.typed.clear();
                None
            }
            Pressed::Enter | Pressed::Tab | Pressed::Down | Pressed::Up | Pressed::Resized => None,
        };
        match key {
            Some(key) => {
                self.typed.clear();
                self.happens(Event::Key(key)).await
            }
            None => Ok(()),
        }
    }

    /// Lets something happen, and does what follows.
    async fn happens(&mut self, event: Event) -> Result<(), Failure> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.roster.handle(event, Uuid::now_v7()) {
                events.extend(self.carry_out(effect).await?);
            }
        }
        Ok(())
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<Option<Event>, Failure> {
        let client = &self.session.client;
        let (id, done) = match effect {
            Effect::Order(id, seat) => (id, client.place(&self.order(id, seat)).await),
            Effect::Follow(id) => {
                let known = OrderBody { id: Some(id), ..OrderBody::default() };
                (id, client.place(&known).await)
            }
            Effect::Withdraw(id) => (id, client.withdraw(id).await.map(|()| Value::Null)),
            Effect::Answer(id, question, answer) => (id, client.answer(id, &body(question, answer)).await.map(|()| Value::Null)),
            Effect::Undo(id) => return Ok(self.undo(id).await),
            Effect::Discard(id) => (id, client.discard(&id.to_string()).await),
            Effect::Say(kind, text) => {
                self.face.line(kind, &text);
                return Ok(None);
            }
            Effect::Ring(bell) => {
                self.face.ring(bell);
                return Ok(None);
            }
            Effect::Finish => {
                self.is_stopped = true;
                return Ok(None);
            }
        };
        match done {
            Ok(said) => Ok(hear::entry(&said)),
            Err(AskError::Refused(failed)) if FATAL.contains(&failed.error.text("code")) => {
                Err(session::refused(AskError::Refused(failed)))
            }
            Err(AskError::Refused(failed)) => Ok(Some(Event::Refused(id, failed.error.text("message").to_owned()))),
            // The notices end, too, and then it goes on at the next station.
            Err(AskError::Gone) => Ok(None),
        }
    }

    async fn undo(&self, id: Uuid) -> Option<Event> {
        match self.session.client.undo(&id.to_string()).await {
            Ok(answer) => Some(hear::undone(id, &answer)),
            Err(AskError::Refused(failed)) => Some(Event::Refused(id, failed.error.text("message").to_owned())),
            Err(AskError::Gone) => None,
        }
    }

    fn order(&self, id: Uuid, seat: usize) -> OrderBody {
        let Some(row) = self.roster.seats().get(seat).map(|seat| &seat.row) else { return OrderBody::default() };
        let at = RosterRow { run: self.run, file: self.file.clone(), row: row.number };
        let order = OrderBody::for_row(id, row, at, &self.template);
        OrderBody { can_be_asked: !self.roster.is_alone(), listener: Some(self.listener), ..order }
    }
}

async fn pressed(keyboard: &mut Option<Keyboard>) -> Option<Pressed> {
    match keyboard {
        Some(keyboard) => keyboard.next().await,
        None => std::future::pending().await,
    }
}

fn key(letter: char) -> Option<Key> {
    match letter.to_ascii_lowercase() {
        's' => Some(Key::Skip),
        'b' => Some(Key::Back),
        'u' => Some(Key::Undo),
        'a' => Some(Key::Aside),
        'r' => Some(Key::Again),
        'o' => Some(Key::Questions),
        'y' => Some(Key::Yes),
        'n' => Some(Key::No),
        'q' => Some(Key::Stop),
        _ => None,
    }
}

fn body(question: u64, answer: Answer) -> AnswerBody {
    let nothing = AnswerBody { question, answer: None, printed: None, choice: None, keep: false };
    match answer {
        Answer::Yes => AnswerBody { answer: Some(YesOrNo::Yes), ..nothing },
        Answer::No => AnswerBody { answer: Some(YesOrNo::No), ..nothing },
        Answer::Printed(print) => AnswerBody { printed: Some(print), ..nothing },
        Answer::Choice(choice) => AnswerBody { choice: Some(choice), ..nothing },
    }
}
