//! A notice as one JSON object, with the words in it, so that whoever listens can show them as they are.
//!
//! In: a notice, and the site's policy, which knows what would settle a question. Out: JSON. Never: which keys were typed, for whoever
//! did not ask for them.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{in_the_way, not_new_words, question_words, text};
use crate::{
    card::{Reading, Verdict},
    enroll::{enrollment::Refused, policy::SitePolicy},
    outbox::InTheWay,
    station::{
        Ended, Notice, Question,
        notice::{
            Asked,
            QuestionKind::{self, Choose, FirstSeen, Holder, SecondReading},
        },
    },
    views::{
        end::{self, End},
        enrollment::{self, EntryJson},
        evidence,
        reading::{self, ReadingJson},
    },
};

/// What happened. Which members there are goes by `kind`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notice)]
pub struct NoticeJson<'a> {
    #[serde(flatten)]
    happened: Happened<'a>,
    /// The same for people, where there is more to say than `kind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    words: Option<String>,
    /// The notice's number; absent where it was not told as a notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    number: Option<u64>,
}

/// What happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Happened<'a> {
    /// A reader is there.
    Up { reader: &'a str },
    /// A card can be held to a reader now.
    Ready { reader: &'a str },
    /// A card that lay at a reader already is not taken.
    LayThere { reader: &'a str },
    /// A reader is not there.
    Lost { reader: &'a str, why: &'a str },
    /// Something to know, about a reader where it names one.
    Note {
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reader: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        why: Option<&'a str>,
    },
    /// A card could not be read.
    Failed { reader: &'a str, why: &'a str },
    /// Bytes that were no card.
    Noise { reader: &'a str, bytes: usize },
    /// A card was read; the reader is null for a card of none.
    Reading {
        reader: Option<&'a str>,
        #[schema(value_type = ReadingJson)]
        reading: Value,
    },
    /// An order waits for a card.
    Waiting {
        /// The order.
        enrollment: Uuid,
        /// For whom.
        person: Option<&'a str>,
        /// How many came before.
        ahead: usize,
        /// The first of those.
        first: Option<&'a str>,
        /// A card can be held to a reader now.
        ready: bool,
    },
    /// Something is asked about an order.
    Question { enrollment: Uuid, question: QuestionJson },
    /// Nothing is enrolled for an order, and why.
    NotEnrolled { enrollment: Uuid, error: ErrorJson },
    /// An entry as it is now.
    Enrollment {
        enrollment: Uuid,
        entry: EntryJson,
        /// The name of BluSKY's call.
        call: &'static str,
        /// What it is about, for people.
        about: Option<String>,
        question: Option<QuestionJson>,
        /// How it ended; null while it is on its way.
        end: Option<End>,
    },
    /// An entry waits for the one before it.
    WaitsFor { enrollment: Uuid, before: Uuid },
    /// An entry is saved, and nothing is sent for now; why, where BluSKY lets nothing through.
    Postponed { enrollment: Uuid, why: Option<&'a str> },
    /// The store is gone, and why; null: it is there again.
    Store { why: Option<&'a str> },
    /// BluSKY cannot be reached, or can be again.
    Away { away: bool, why: Option<&'a str> },
    /// What was answered for the site cannot be read, and why; null: it has changed.
    Policy { why: Option<&'a str> },
    /// BluSKY lets nothing through until somebody acts.
    Stopped { why: &'a str },
    /// A listener was away for too long, and so many notices are gone; null where they were an earlier station's, and nobody knows how many.
    Missed { count: Option<u64> },
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Question)]
struct QuestionJson {
    /// What an answer names.
    id: u64,
    kind: Asked,
    choices: Vec<Choice>,
    /// Lines of the configuration, each of which would settle it.
    settle: Vec<String>,
    words: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct Choice {
    choice: usize,
    format: String,
    words: String,
}

/// Why nothing was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorJson {
    /// What it is, for programs.
    code: &'static str,
    /// What it is, for people.
    message: String,
    /// What to do.
    help: String,
    /// The card that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ReadingJson)]
    reading: Option<Value>,
    /// Lines of the configuration, each of which would settle it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    settle: Option<Vec<String>>,
}

impl<'a> NoticeJson<'a> {
    /// A notice, with its number where it was told; of what was typed on a keypad, that it was typed and not what.
    #[must_use]
    pub fn of(notice: &'a Notice, number: Option<u64>, policy: &SitePolicy) -> Self {
        Self { happened: Happened::of(notice, policy), words: text(notice), number }
    }

    /// A reading as a notice, with the keys that were typed, for whoever asks for them.
    #[must_use]
    pub fn of_reading_with_keys(read: &'a Reading, number: Option<u64>) -> Self {
        let json = serde_json::to_value(reading::json(read, &reading::literal(read))).unwrap_or(Value::Null);
        let happened = Happened::Reading { reader: read.presentation.reader.as_deref(), reading: json };
        Self { happened, words: Some(reading::text(read)), number }
    }

    /// As JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// As a line of JSON.
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A notice as JSON ([`NoticeJson::of`]).
#[must_use]
pub fn json(notice: &Notice, number: Option<u64>, policy: &SitePolicy) -> Value {
    NoticeJson::of(notice, number, policy).value()
}

/// Something to know that is about no reader.
#[must_use]
pub fn note(words: String) -> Value {
    NoticeJson { happened: Happened::Note { reader: None, why: None }, words: Some(words), number: None }.value()
}

/// So many notices are gone, as far as that is known.
#[must_use]
pub fn missed(count: Option<u64>) -> Value {
    NoticeJson { happened: Happened::Missed { count }, words: None, number: None }.value()
}

impl<'a> Happened<'a> {
    fn of(notice: &'a Notice, policy: &SitePolicy) -> Self {
        match notice {
            Notice::Up(reader) => Self::Up { reader },
            Notice::Ready(reader) => Self::Ready { reader },
            Notice::LayThere(reader) => Self::LayThere { reader },
            Notice::Lost(reader, why) => Self::Lost { reader, why },
            Notice::Note(reader, why) => Self::Note { reader: Some(reader), why: Some(why) },
            Notice::Failed(reader, why) => Self::Failed { reader, why },
            Notice::Noise(reader, bytes) => Self::Noise { reader, bytes: *bytes },
            Notice::Read(read) => Self::Reading { reader: read.presentation.reader.as_deref(), reading: reading::json_without_keys(read) },
            Notice::Waiting { order, person, ahead, first, ready } => {
                let (person, first) = (person.as_deref(), first.as_deref());
                Self::Waiting { enrollment: *order, person, ahead: *ahead, first, ready: *ready }
            }
            Notice::Asked(order, asked) => Self::Question { enrollment: *order, question: question(asked, policy) },
            Notice::NotEnrolled(order, ended) => Self::NotEnrolled { enrollment: *order, error: error(ended, policy) },
            Notice::Entry(entry, asked) => Self::Enrollment {
                enrollment: entry.id,
                entry: enrollment::json(entry),
                call: entry.operation.name(),
                about: enrollment::about(entry),
                question: asked.as_ref().map(|asked| question(asked, policy)),
                end: end::end(entry),
            },
            Notice::WaitsFor(order, before) => Self::WaitsFor { enrollment: *order, before: *before },
            Notice::Postponed(order, why) => Self::Postponed { enrollment: *order, why: why.as_deref() },
            Notice::StoreGone(why) => Self::Store { why: why.as_deref() },
            Notice::Away(away, why) => Self::Away { away: *away, why: why.as_deref() },
            Notice::Policy(why) => Self::Policy { why: why.as_deref() },
            Notice::Stopped(why) => Self::Stopped { why },
        }
    }
}

fn question(question: &Question, policy: &SitePolicy) -> QuestionJson {
    let (choices, settle): (Vec<Choice>, Vec<String>) = match &question.kind {
        Choose(reading, choices) => {
            let fits = choices.iter().filter_map(|choice| Some((*choice, reading.fits.get(*choice)?)));
            let choices = fits.map(|(choice, fit)| Choice { choice, format: fit.format.to_string(), words: fit.credential.words() });
            (choices.collect(), policy.settling_lines(reading))
        }
        SecondReading(_, open) | FirstSeen(_, open) => (Vec::new(), open.settling_lines()),
        QuestionKind::InTheWay(..) | Holder(..) => (Vec::new(), Vec::new()),
    };
    QuestionJson { id: question.number, kind: question.kind.asked(), choices, settle, words: question_words(&question.kind) }
}

/// Why nothing is enrolled, as the `{"code","message","help"}` of an error.
fn error(ended: &Ended, policy: &SitePolicy) -> ErrorJson {
    match ended {
        Ended::Refused(reading, refused) => {
            let lines = if matches!(refused, Refused::Undecided(_)) { policy.settling_lines(reading) } else { Vec::new() };
            about(reading, refused_code(reading, refused), &refused.to_string(), lines)
        }
        Ended::Unproven(reading, open) => about(reading, "unproven", &evidence::unanswered(open), open.settling_lines()),
        Ended::InTheWay(other @ (InTheWay::Given(_) | InTheWay::Shown(_))) => plain(
            "same_card",
            &format!("{}. Nothing was enrolled.", in_the_way(other)),
            "if it is meant so, say --same-card; enroll.same_card_s says for how long this is asked",
        ),
        Ended::InTheWay(other @ InTheWay::Ordered(given)) => plain(
            "held_by_order",
            &format!("{}. Nothing was enrolled.", in_the_way(other)),
            &format!("if the older order is wrong, `cardbridge outbox discard {}`, then show the card again", given.entry),
        ),
        Ended::NotNew(not_new) => {
            let (code, message, help) = not_new_words(not_new);
            plain(code, message, &help)
        }
        Ended::NotSaved(why) => plain("store", why, "nothing was saved; try it again once that is mended"),
        Ended::Unreadable(why) => {
            plain("store", why, "nobody can tell what became of it; look at the card in BluSKY, and order it anew where it is not given")
        }
        Ended::NoCard(seconds) => plain(
            "no_card",
            &format!("no card was shown within {seconds} s"),
            "hold a card to the reader, or give it more time with --timeout",
        ),
        Ended::SaidNo => plain("said_no", "a person said no", "nothing was enrolled"),
        Ended::Withdrawn => plain("withdrawn", "the order was withdrawn before a card was shown", "nothing was enrolled"),
    }
}

fn plain(code: &'static str, message: &str, help: &str) -> ErrorJson {
    ErrorJson { code, message: message.to_owned(), help: help.to_owned(), reading: None, settle: None }
}

fn about(reading: &Reading, code: &'static str, why: &str, lines: Vec<String>) -> ErrorJson {
    let words = reading::text(reading);
    let help = match lines.as_slice() {
        [] => words,
        lines => format!("{words}\none of these lines in the configuration would settle it:\n{}", lines.join("\n")),
    };
    let (message, reading) = (format!("{why}; nothing was enrolled"), Some(reading::json_without_keys(reading)));
    ErrorJson { code, message, help, reading, settle: Some(lines) }
}

fn refused_code(reading: &Reading, refused: &Refused) -> &'static str {
    match refused {
        Refused::Undecided(_) if matches!(reading.verdict, Verdict::Ambiguous) => "ambiguous",
        Refused::OtherCardType { .. } => "other_card_type",
        Refused::OtherNumber(_) => "other_number",
        Refused::Undecided(_) => "undecided",
        Refused::Damaged => "damaged",
        Refused::Nothing(_) => reading.verdict.name(),
        Refused::NoCardType { .. } => "no_card_type",
        Refused::SeveralCardTypes { .. } => "several_card_types",
        Refused::UnknownCardType(..) => "unknown_card_type",
        Refused::MissingNumber { .. } => "missing_number",
        Refused::Zero => "card_number_zero",
        Refused::TooWide { .. } => "integer_width",
        Refused::Template(..) => "external_number",
        Refused::Window(..) => "window",
    }
}
