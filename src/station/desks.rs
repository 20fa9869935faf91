//! The people and programs that wait for a card: who gets which, what is still asked of them, and what becomes of it.
//!
//! In: orders, presentations, answers. Out: questions, entries to be saved, or why there is none. Never: a card for somebody who
//! asked after it was shown, or an entry of a card that is not sure enough.

use super::{
    about::{About, about},
    notice::QuestionKind,
    *,
};
use crate::{
    card::{DecidedBy, Verdict},
    enroll::{
        enrollment::{self, Refused},
        evidence::{self, Circumstances, Judgement, Word, is_repeat},
        origin::{Named, Origin},
        policy::{self, Hints},
    },
    outbox::Source,
};

/// Somebody who waits.
pub(super) struct Desk {
    pub(super) id: Uuid,
    pub(super) order: Order,
    pub(super) reassign: Reassign,
    pub(super) can_be_asked: bool,
    /// At this reader only.
    pub(super) reader: Option<String>,
    /// At any reader but this one, where they named none: a kiosk's.
    pub(super) but: Option<String>,
    /// The front desk was asked about their card: they have left the reader.
    pub(super) has_left: bool,
    /// What had happened when they came.
    pub(super) since: u64,
    /// How long they wait, and until when by the steady clock; none where no card is waited for.
    pub(super) within: TimeDelta,
    pub(super) until: Option<DateTime<Utc>>,
    /// When a second reading is asked for, where the reader has not said its card again by itself.
    pub(super) tells: Option<DateTime<Utc>>,
    /// So many stood before them when they were told last.
    pub(super) ahead: Option<usize>,
    /// They were told that a card lies at the reader which is not theirs.
    pub(super) is_told_to_lift: bool,
    pub(super) word: Word,
    /// The entry for the same card that is given up for theirs.
    pub(super) supersedes: Option<Uuid>,
    /// Whoever says that the answer to what is asked is one for the whole site.
    pub(super) keeps: Option<String>,
    /// The order as it came: answers about one card say nothing about the next.
    pub(super) came_as: Box<Order>,
    /// What it is about.
    pub(super) about: About,
    pub(super) state: State,
}

pub(super) enum State {
    /// For a card.
    Waits,
    /// For an answer, of the card or of a person.
    Asked(Got, Question),
    /// For its entry to be on disk.
    Saving(Got),
}

/// What somebody got.
pub(super) enum Got {
    /// A card that was read.
    Card(Box<ShownCard>),
    /// A card that BluSKY has already, by its key there.
    Existing(Uuid),
}

/// The card that somebody got.
#[derive(Clone)]
pub(super) struct ShownCard {
    pub(super) presentation: Presentation,
    /// How often it was read.
    pub(super) readings: u32,
    /// It came from a reader, not from a literal or a capture.
    pub(super) at_reader: bool,
    /// The fit that a person chose.
    pub(super) choice: Option<usize>,
}

impl Desk {
    /// True while its entry is on its way to the disk.
    pub(super) const fn is_saving(&self) -> bool {
        matches!(self.state, State::Saving(_))
    }

    /// True where a card for the one could be one for the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let takes_at = |one: &Self, two: &Self| two.reader.as_ref().is_some_and(|reader| one.wants(reader));
        (self.reader.is_none() && other.reader.is_none()) || takes_at(self, other) || takes_at(other, self)
    }

    pub(super) fn person(&self) -> Option<String> {
        self.order.person.as_ref().map(Named::called)
    }

    pub(super) fn wants(&self, device: &str) -> bool {
        let is = |reader: &String| device == reader || is_device_of(device, reader);
        self.reader.as_ref().map_or_else(|| !self.but.as_ref().is_some_and(is), is)
    }
}

/// When an order was first placed, as its key says; a key that says nothing came last.
fn came(id: Uuid) -> (u64, u32) {
    id.get_timestamp().map_or((u64::MAX, 0), |time| time.to_unix())
}

impl Got {
    /// A person chose this fit of it.
    pub(super) fn choose(&mut self, choice: usize) {
        if let Self::Card(shown) = self {
            shown.choice = Some(choice);
        }
    }
}

impl ShownCard {
    pub(super) const fn first(presentation: Presentation, at_reader: bool) -> Self {
        Self { presentation, readings: 1, at_reader, choice: None }
    }
}

impl Station {
    pub(super) fn order(&mut self, request: Request, turn: &mut Turn) {
        let Request { id, what, can_be_asked } = request;
        if self.was_withdrawn(id, turn) || self.knows(id, turn) {
            return;
        }
        let about = about(&what);
        let (order, card, reassign) = match what {
            What::Enroll { order, card, reassign } => (*order, card, reassign),
            What::Call { operation, origin } => {
                let entry = Entry { origin: *origin, ..Entry::of(id, turn.now.wall, *operation, Reassign::Never) };
                return self.save(entry, can_be_asked, about, None, turn);
            }
        };
        let word = if order.confirmed { Word::Confirmed } else { Word::None };
        let (since, within) = (self.happened, TimeDelta::zero());
        let came_as = Box::new(order.clone());
        let desk = Desk {
            id,
            order,
            reassign,
            can_be_asked,
            reader: None,
            but: self.setup.kiosk.clone(),
            has_left: false,
            since,
            within,
            until: None,
            tells: None,
            ahead: None,
            is_told_to_lift: false,
            word,
            supersedes: None,
            keeps: None,
            came_as,
            about,
            state: State::Waits,
        };
        match card {
            WhichCard::Existing(card) => self.existing(desk, card, turn),
            WhichCard::Named(card) => self.consider(Desk { word: Word::Given, ..desk }, ShownCard::first(*card, false), true, turn),
            WhichCard::Captured(card, readings) => {
                let word = if desk.order.confirmed { Word::Given } else { Word::None };
                self.consider(Desk { word, ..desk }, ShownCard { readings, ..ShownCard::first(*card, false) }, true, turn);
            }
            WhichCard::Shown { reader, within } => {
                let desk = Desk { reader, within, until: Some(turn.now.steady + within), ..desk };
                // Who ordered before keeps their place, also where another station had the order first.
                let is_later = |other: &Desk| matches!(other.state, State::Waits) && came(other.id) > came(id);
                let at = self.desks.iter().position(is_later).unwrap_or(self.desks.len());
                let lies = self.unclaimed.iter().find(|name| desk.wants(name)).cloned();
                self.desks.insert(at, desk);
                self.tell_places(turn);
                lies.into_iter().for_each(|name| turn.tell(Notice::LayThere(name)));
            }
        }
    }

    /// The same order again is the same order: how it stands is told once more.
    fn knows(&mut self, id: Uuid, turn: &mut Turn) -> bool {
        let Some(desk) = self.desks.iter_mut().find(|desk| desk.id == id) else { return self.sending.order(id).is_some() };
        desk.ahead = None;
        if let State::Asked(_, question) = &desk.state {
            turn.tell(Notice::Asked(id, Box::new(question.clone())));
        }
        self.tell_places(turn);
        true
    }

    /// Those who have waited long enough.
    pub(super) fn give_up(&mut self, turn: &mut Turn) {
        let now = turn.now.steady;
        let is_due = |desk: &Desk| desk.until.is_some_and(|until| until <= now) && !desk.is_saving();
        while let Some(desk) = self.desks.iter().position(is_due).and_then(|at| self.desks.remove(at)) {
            let ended = match &desk.state {
                State::Asked(_, question) => self.unanswered(&desk, &question.kind),
                State::Waits | State::Saving(_) => Ended::NoCard(desk.within.num_seconds()),
            };
            self.ended(desk.id, ended, turn);
        }
    }

    /// A card at a reader, which came after so much had happened: for whoever waits for a second reading there, or for the first who
    /// has waited for a card since before.
    pub(super) fn presented(&mut self, presentation: Presentation, came: u64, turn: &mut Turn) {
        let reader = presentation.reader.clone().unwrap_or_default();
        if let Some(at) = self.second_reading_at(&reader) {
            return self.second_reading(at, presentation, true, turn);
        }
        if let Some(at) = self.asked_about_another(&presentation, came) {
            return self.begin_anew(at, presentation, turn);
        }
        // While something is asked about a card, what comes from its reader is that card once more, or nothing that anybody could know.
        let is_free = !self.is_asked_at(&reader);
        let wants = |desk: &Desk| is_free && matches!(desk.state, State::Waits) && desk.wants(&reader);
        let is_shown = |desk: &Desk| !presentation.was_shown_before() && came > desk.since;
        let waiting = self.desks.iter().any(wants);
        let at = self.desks.iter().position(|desk| wants(desk) && is_shown(desk));
        if let Some(desk) = at.and_then(|at| self.desks.remove(at)) {
            return self.consider(desk, ShownCard::first(presentation, true), true, turn);
        }
        match self.stages.get(reader.as_str()) {
            _ if waiting => turn.tell(Notice::LayThere(reader.as_str().into())),
            // It says when it goes, so whoever comes before that can be told.
            Some(Stage::Card(_) | Stage::Read(_)) => drop(self.unclaimed.insert(reader.as_str().into())),
            _ => {}
        }
        turn.effects.extend(presentation.identity().map(|card| Effect::Seen(card, turn.now.wall)));
        self.read(presentation, turn);
    }

    /// The card that lies at a reader, read once more.
    pub(super) fn read_again(&mut self, presentation: Presentation, turn: &mut Turn) {
        let at = presentation.reader.as_deref().and_then(|reader| self.second_reading_at(reader));
        let is_same =
            |desk: &Desk| matches!(&desk.state, State::Asked(Got::Card(shown), _) if is_repeat(&shown.presentation, &presentation));
        if let Some(at) = at.filter(|at| self.desks.get(*at).is_some_and(is_same)) {
            return self.second_reading(at, presentation, false, turn);
        }
        self.lies_in_the_way(&presentation, turn);
    }

    /// The place of whoever waits for a second reading at this reader.
    pub(super) fn second_reading_at(&self, reader: &str) -> Option<usize> {
        self.desks.iter().position(|desk| match &desk.state {
            State::Asked(Got::Card(shown), question) => {
                matches!(question.kind, QuestionKind::SecondReading(..)) && shown.presentation.reader.as_deref() == Some(reader)
            }
            _ => false,
        })
    }

    /// An equal reading settles it, a different one begins anew.
    fn second_reading(&mut self, at: usize, presentation: Presentation, is_new: bool, turn: &mut Turn) {
        let first = self.desks.get(at).and_then(|desk| match &desk.state {
            State::Asked(Got::Card(first), _) if is_repeat(&first.presentation, &presentation) => Some((**first).clone()),
            _ => None,
        });
        let Some(first) = first else { return self.begin_anew(at, presentation, turn) };
        if let Some(desk) = self.desks.remove(at) {
            self.consider(desk, ShownCard { readings: first.readings + 1, ..first }, is_new, turn);
        }
    }

    /// Every format's verdict. What fits no format and came twice in the same bits is not damaged.
    fn laid(&mut self, presentation: Presentation) -> Reading {
        let mut reading = self.setup.catalog.read(presentation);
        let Some(reader) = reading.presentation.reader.clone() else { return reading };
        if let Some(earlier) = self.damaged.remove(&reader) {
            reading.compare_with(&earlier);
        }
        if matches!(reading.verdict, Verdict::Damaged | Verdict::UnknownFormat) {
            self.damaged.insert(reader, reading.presentation.clone());
        }
        reading
    }

    /// Every format's verdict on a card that nobody gets.
    pub(super) fn read(&mut self, presentation: Presentation, turn: &mut Turn) {
        let mut reading = self.laid(presentation);
        policy::choose(&mut reading, &self.setup.policy, &Hints::default());
        turn.tell(Notice::Read(Box::new(reading)));
    }

    /// Every format's verdict on a card that somebody got, the site's choice, and what is still to be asked.
    pub(super) fn consider(&mut self, desk: Desk, shown: ShownCard, is_new: bool, turn: &mut Turn) {
        let mut reading = self.laid(shown.presentation.clone());
        self.choose(&desk, &shown, &mut reading);
        let policy = &self.setup.policy;
        if desk.order.printed.is_some() {
            policy::explain(&mut reading, &self.setup.catalog, policy, desk.order.printed.as_deref());
        }
        if is_new {
            turn.tell(Notice::Read(Box::new(reading.clone())));
        }
        let call = match enrollment::add_user_card(&reading, &desk.order, policy, self.setup.width) {
            Ok(call) => call,
            Err(Refused::Damaged) if desk.order.waits_on && shown.at_reader => return self.show_again(desk, &reading, turn),
            Err(refused) => {
                let choices = if matches!(refused, Refused::Undecided(_)) { policy.choices(&reading) } else { Vec::new() };
                return match (choices.len(), self.reads_again_first(&desk, &shown, &reading, &choices)) {
                    (0 | 1, _) => self.ended(desk.id, Ended::Refused(Box::new(reading), refused), turn),
                    (_, Some(again)) => {
                        self.ask(desk, Got::Card(Box::new(shown)), QuestionKind::SecondReading(Box::new(reading), again), turn);
                    }
                    (_, None) => self.ask(desk, Got::Card(Box::new(shown)), QuestionKind::Choose(Box::new(reading), choices), turn),
                };
            }
        };
        if let Some(other) = self.shown_for_another(&desk, &reading, turn.now) {
            let person = desk.person();
            return self.ask(desk, Got::Card(Box::new(shown)), QuestionKind::InTheWay(other, person), turn);
        }
        let judged = self.judge(&desk, &shown, &reading).unwrap_or(Judgement { evidence: Vec::new(), question: None });
        match judged.question {
            Some(question @ evidence::Question::SecondReading { .. }) if shown.at_reader => {
                self.ask(desk, Got::Card(Box::new(shown)), QuestionKind::SecondReading(Box::new(reading), question), turn);
            }
            Some(question @ evidence::Question::FirstSeen { .. }) => {
                self.ask(desk, Got::Card(Box::new(shown)), QuestionKind::FirstSeen(Box::new(reading), question), turn);
            }
            Some(question) => self.ended(desk.id, Ended::Unproven(Box::new(reading), question), turn),
            None => {
                let reader = reading.presentation.reader.clone().filter(|_| shown.at_reader);
                let source = reading.presentation.identity().map(|card| Source { reader, card, seen_at: turn.now.wall });
                let format = reading.chosen().and_then(|fit| self.setup.catalog.find(&fit.format));
                let origin = Origin::of_reading(&desk.order, &reading, format.map_or("", |format| &format.digest));
                let origin = Origin { evidence: judged.evidence, ..origin };
                let entry = Entry::of_card(desk.id, turn.now.wall, call, desk.order.before.as_deref().cloned(), desk.reassign);
                let origin = Origin { card_after: entry.origin.card_after, ..origin };
                self.save(Entry { source, origin, ..entry }, desk.can_be_asked, desk.about, Some((desk, Got::Card(Box::new(shown)))), turn);
            }
        }
    }

    /// Writes a person's choice into the reading, else the site's.
    pub(super) fn choose(&self, desk: &Desk, shown: &ShownCard, reading: &mut Reading) {
        let hints = Hints { card_type: desk.order.card_type, printed: desk.order.printed.clone() };
        policy::choose(reading, &self.setup.policy, &hints);
        if let Some(choice) = shown.choice {
            reading.choice = Some((choice, DecidedBy::Operator));
        }
    }

    /// How sure the card is.
    pub(super) fn judge(&self, desk: &Desk, shown: &ShownCard, reading: &Reading) -> Option<Judgement> {
        let presentation = &reading.presentation;
        let proof = presentation.reader.as_deref().and_then(|reader| self.reader(reader)).and_then(|reader| reader.proof);
        let about = Circumstances {
            check_bits: presentation.check_bits,
            readings: shown.readings,
            seen: &self.seen,
            printed: desk.order.printed.as_deref(),
            word: if shown.choice.is_some() && desk.word == Word::None { Word::Confirmed } else { desk.word },
            proof: proof.unwrap_or(self.setup.proof),
        };
        evidence::judge(reading, &self.setup.catalog, &self.setup.policy, &about)
    }

    pub(super) fn existing(&mut self, desk: Desk, card: Uuid, turn: &mut Turn) {
        match enrollment::add_existing_card(card, &desk.order) {
            Ok(call) => {
                let entry = Entry::of_card(desk.id, turn.now.wall, call, desk.order.before.as_deref().cloned(), desk.reassign);
                let origin = Origin { card_after: entry.origin.card_after.clone(), ..Origin::of_order(&desk.order) };
                let source = Some(Source { reader: None, card: format!("existing {card}"), seen_at: turn.now.wall });
                self.save(Entry { origin, source, ..entry }, desk.can_be_asked, desk.about, Some((desk, Got::Existing(card))), turn);
            }
            Err(refused) => turn.tell(Notice::NotEnrolled(desk.id, Box::new(Ended::NotSaved(refused.to_string())))),
        }
    }
}
