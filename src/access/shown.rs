//! What a system shows of a thing, member by member: a card, a person.
//!
//! In: members with the values they are shown with. Out: a member as a key, a number, a text; and whether it is what was sent. Never:
//! a difference where only the spelling differs: of names their case and underscores, of values the way a GUID, a time or a number is
//! written.

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{DateTime, FixedOffset};
use serde_json::Value;
use uuid::Uuid;

use super::{Moment, Secret};

/// Members and what each one is shown as.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Shown(BTreeMap<String, Is>);

/// What a member is shown as.
#[derive(Clone, PartialEq, Eq)]
pub enum Is {
    /// Null, or an empty text.
    Empty,
    /// True or false.
    Flag(bool),
    /// An integer.
    Number(i64),
    /// A text, which may be a number written as one.
    Text(String),
    /// A secret, for comparing only.
    Hidden(Secret),
    /// A value of a kind that means nothing here: a list or an object.
    Unreadable,
}

/// How what was sent is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// As it was sent.
    Yes,
    /// Otherwise.
    No,
    /// Not at all, or as a name whose meaning is not known here.
    NotShown,
}

/// Case and underscores of a member's name have no meaning.
fn spelled(name: &str) -> String {
    let letters = name.chars().filter(|letter| *letter != '_');
    // A list of cards has dozens of names for each card, and hardly one with another letter.
    if name.is_ascii() {
        letters.map(|letter| letter.to_ascii_lowercase()).collect()
    } else {
        letters.flat_map(char::to_lowercase).collect()
    }
}

impl Shown {
    /// Members as they are shown. Of two with one name the first counts.
    pub fn of<'n>(members: impl IntoIterator<Item = (&'n str, Is)>) -> Self {
        let mut shown = BTreeMap::new();
        for (name, is) in members {
            shown.entry(spelled(name)).or_insert(is);
        }
        Self(shown)
    }

    /// A member; none where it is not there at all.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Is> {
        self.0.get(&spelled(name))
    }

    /// A member as text; `None` if it is empty, unreadable or a secret.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.get(name)? {
            Is::Text(text) => Some(text.into()),
            Is::Number(number) => Some(number.to_string().into()),
            Is::Flag(flag) => Some(flag.to_string().into()),
            Is::Empty | Is::Hidden(_) | Is::Unreadable => None,
        }
    }

    /// A member that is a GUID other than the all-zero one.
    #[must_use]
    pub fn guid(&self, name: &str) -> Option<Uuid> {
        let Is::Text(text) = self.get(name)? else { return None };
        text.trim().parse::<Uuid>().ok().filter(|id| !id.is_nil())
    }

    /// A member that is an integer, or a text that is one.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.number()
    }

    /// True where a member is a secret that is shown.
    #[must_use]
    pub fn shows_secret(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Is::Hidden(_)))
    }

    /// Takes a member away: it is not shown.
    pub fn hide(&mut self, name: &str) {
        self.0.remove(&spelled(name));
    }

    /// True where a member says true, however it is written.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Is::Flag(flag)) => *flag,
            Some(Is::Number(number)) => *number == 1,
            Some(Is::Text(text)) => matches!(text.trim(), "true" | "True" | "TRUE" | "1"),
            _ => false,
        }
    }

    /// Whether a member is shown as it was sent.
    #[must_use]
    pub fn is_as_sent(&self, name: &str, sent: &Value) -> Same {
        self.get(name).map_or(Same::NotShown, |is| is.is_as_sent(sent))
    }
}

impl Is {
    /// The value as an integer, written as a number or as text, with or without a fraction of zero.
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
            _ => None,
        }
    }

    fn is_as_sent(&self, sent: &Value) -> Same {
        let is = match (sent, self) {
            (Value::String(sent), Self::Hidden(shown)) => sent == shown.expose(),
            (Value::Null, shown) => *shown == Self::Empty,
            (Value::Number(sent), Self::Empty) => sent.as_i64().is_some_and(i64::is_negative),
            (Value::Number(sent), shown) => match shown.number() {
                Some(shown) => sent.as_i64() == Some(shown),
                // A name of an enumeration that is not known here.
                None if matches!(shown, Self::Text(_)) => return Same::NotShown,
                None => false,
            },
            (Value::String(sent), Self::Text(shown)) => is_same_text(sent, shown),
            (Value::String(sent), Self::Empty) => sent.is_empty(),
            (Value::Bool(sent), Self::Flag(shown)) => sent == shown,
            _ => false,
        };
        if is { Same::Yes } else { Same::No }
    }
}

fn is_same_text(sent: &str, shown: &str) -> bool {
    let guids = || Some(Uuid::try_parse(sent).ok()? == Uuid::try_parse(shown).ok()?);
    let times = || Some(sent.parse::<Moment>().ok()?.is_about(time(shown)?));
    sent == shown || guids().or_else(times).unwrap_or(false)
}

/// A time with its offset; one without is taken as UTC.
fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// A time as it is shown; none where it is no time, or .NET's word for none.
#[must_use]
pub fn moment(text: &str) -> Option<Moment> {
    if text.starts_with("0001-") { None } else { text.parse().or_else(|_| format!("{text}Z").parse()).ok() }
}

/// An integer that was written with a fraction of zero, as far as such a number is exact.
#[must_use]
pub fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_is_compared_however_it_is_written() {
        let text = |text: &str| Is::Text(text.to_owned());
        let id = Uuid::from_u128(0xABC_DEF).to_string();
        for (sent, shown, same) in [
            (json!(4567), text("4567.0"), Same::Yes),
            (json!(4567), Is::Number(4568), Same::No),
            (json!(1), text("SomeFlag"), Same::NotShown),
            (json!(0), Is::Empty, Same::No),
            (json!(-1), Is::Empty, Same::Yes),
            (json!(null), Is::Empty, Same::Yes),
            (json!(null), text("2027-01-01T00:00:00Z"), Same::No),
            (json!(id), text(&id.to_uppercase()), Same::Yes),
            (json!(id), text(&Uuid::from_u128(9).to_string()), Same::No),
            (json!("2026-01-01T08:00:00+01:00"), text("2026-01-01T07:00:00.0000000"), Same::Yes),
            (json!("Łódź"), text("L?dz"), Same::No),
            (json!("x"), Is::Unreadable, Same::No),
            (json!("0417"), Is::Hidden(Secret::new("0417")), Same::Yes),
            (json!("0417"), Is::Empty, Same::No),
            (json!("0417"), Is::Hidden(Secret::new("417")), Same::No),
        ] {
            assert_eq!(Shown::of([("Member", shown)]).is_as_sent("member", &sent), same, "{sent}");
        }
        assert_eq!(Shown::default().is_as_sent("member", &json!(1)), Same::NotShown);
    }

    #[test]
    fn a_name_is_found_however_it_is_spelled_and_a_secret_is_told_to_nobody() {
        let shown = Shown::of([("CardACSystemId", Is::Number(3)), ("PIN", Is::Hidden(Secret::new("0417")))]);
        assert_eq!((shown.number("card_ac_system_id"), shown.number("cardACSystemID"), shown.text("pin")), (Some(3), Some(3), None));
    }

    #[test]
    fn a_member_is_text_number_or_key_only_where_it_is_one() {
        let text = |text: &str| Is::Text(text.to_owned());
        let key = Uuid::from_u128(9);
        let shown = Shown::of([("flag", Is::Flag(true)), ("number", Is::Number(7)), ("text", text("7")), ("empty", Is::Empty)]);
        assert_eq!(
            ["flag", "number", "text", "empty", "none"].map(|name| shown.text(name).map(Cow::into_owned)),
            [Some("true".to_owned()), Some("7".to_owned()), Some("7".to_owned()), None, None]
        );
        for (is, found) in
            [(text(&key.to_string()), Some(key)), (text(&Uuid::nil().to_string()), None), (text("x"), None), (Is::Number(9), None)]
        {
            assert_eq!(Shown::of([("id", is)]).guid("id"), found);
        }
        for (is, said) in [
            (Is::Flag(true), true),
            (Is::Flag(false), false),
            (Is::Number(1), true),
            (Is::Number(2), false),
            (text(" TRUE "), true),
            (text("no"), false),
        ] {
            assert_eq!(Shown::of([("is", is)]).is_true("is"), said);
        }
        assert!(shown.number("flag").is_none() && Shown::of([("pin", Is::Hidden(Secret::new("1")))]).shows_secret("PIN"));
        let mut shown = shown;
        shown.hide("Number");
        assert!(shown.get("number").is_none() && !shown.shows_secret("text"));
    }

    #[test]
    fn an_empty_member_is_what_was_sent_only_where_nothing_was() {
        for (sent, is, same) in [
            (json!(""), Is::Empty, Same::Yes),
            (json!("x"), Is::Empty, Same::No),
            (json!(true), Is::Flag(true), Same::Yes),
            (json!(true), Is::Flag(false), Same::No),
            (json!(true), Is::Empty, Same::No),
            (json!(1), Is::Flag(true), Same::No),
        ] {
            assert_eq!(Shown::of([("member", is)]).is_as_sent("member", &sent), same, "{sent}");
        }
    }

    #[test]
    fn a_fraction_of_zero_is_an_integer_as_far_as_such_a_number_is_exact() {
        assert_eq!((whole(4567.0), whole(0.5)), (Some(4567), None));
        let exact = 9_007_199_254_740_992.0;
        assert_eq!([exact, -exact, exact * 2.0].map(|number| whole(number).is_some()), [true, true, false]);
    }

    #[test]
    fn a_time_is_shown_with_or_without_an_offset_and_the_year_one_is_none() {
        let time = |text: &str| moment(text).map(|time| time.to_string());
        assert_eq!(time("2026-01-01T08:00:00"), time("2026-01-01T08:00:00Z"));
        assert!(time("2026-01-01T08:00:00Z").is_some_and(|time| time.starts_with("2026-01-01")));
        assert_eq!((time("0001-01-01T00:00:00"), time("soon")), (None, None));
        for (text, said) in [("true", true), ("True", true), ("1", true), ("0", false)] {
            assert_eq!(Shown::of([("is", Is::Text(text.to_owned()))]).is_true("is"), said, "{text}");
        }
    }
}
