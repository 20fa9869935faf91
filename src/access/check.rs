//! What a call is judged by before it is written down: what BluSKY's pages demand, and what would be lost on the way.
//!
//! In: an operation's members. Out: nothing, or everything that is wrong with them. Never: a value corrected, cut or left out to make it fit.

use serde_json::Value;
use uuid::Uuid;

use super::{Moment, members::Members};

/// Why a call is not made: every reason at once. The words name members, and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct Wrong(pub Vec<String>);

/// How wide BluSKY's integers are: not known until a site confirms it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerWidth {
    /// Up to 2³¹−1.
    Bits32,
    /// Up to 2⁶³−1.
    Bits64,
}

impl IntegerWidth {
    /// The largest integer.
    #[must_use]
    pub const fn max(self) -> i64 {
        match self {
            Self::Bits32 => i32::MAX as i64,
            Self::Bits64 => i64::MAX,
        }
    }

    /// What to do about a larger one.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Bits32 => "BluSKY may store a larger one as 0; set blusky.integer_width = 64 once the site has confirmed it",
            Self::Bits64 => "BluSKY's integers cannot hold it",
        }
    }

    /// Judges every integer among these members.
    ///
    /// # Errors
    /// The members that the system's integers may not hold.
    pub fn judge(self, members: &Members) -> Result<(), Wrong> {
        let (min, max) = (-self.max() - 1, self.max());
        let fits = |value: &Value| value.as_i64().is_some_and(|number| (min..=max).contains(&number));
        let wide = members.iter().filter(|(_, value)| value.is_number() && !fits(value));
        wrong(wide.map(|(name, _)| format!("{name} does not lie between {min} and {max}, and {}", self.help())).collect())
    }
}

/// A GUID, and not the all-zero one, which BluSKY takes as a value.
///
/// # Errors
/// It is none.
pub fn guid(text: &str) -> Result<Uuid, String> {
    match Uuid::try_parse(text.trim()) {
        Ok(id) if id.is_nil() => Err("the all-zero GUID is nothing's key; give the thing's own".to_owned()),
        Ok(id) => Ok(id),
        Err(_) => Err("not a GUID; write it as 0f83442e-a446-4577-8cdd-8ffdd51ab9c1".to_owned()),
    }
}

/// A window that ends before it starts.
pub fn window(start: &str, from: Option<Moment>, end: &str, to: Option<Moment>) -> Option<String> {
    let (from, to) = from.zip(to).filter(|(from, to)| to <= from)?;
    Some(format!("{end} ({to}) is not after {start} ({from})"))
}

/// What is wrong with a suspension.
pub(super) fn suspension(name: &str, suspended: bool, from: Option<Moment>, to: Option<Moment>) -> Vec<String> {
    let mut found: Vec<String> = window(&format!("{name}_start"), from, &format!("{name}_end"), to).into_iter().collect();
    if !suspended && (from.is_some() || to.is_some()) {
        found.push(format!("{name} is false, and a time of the suspension is given; say that it is true, or leave the time out"));
    }
    found
}

/// Texts that are longer than a system takes, counted as it counts: in UTF-16 units.
pub(super) fn lengths<const N: usize>(texts: [(&str, Option<&String>, usize); N]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text, most) in texts {
        let length = text.map_or(0, |text| text.encode_utf16().count());
        if length > most {
            found.push(format!("{name} has {length} characters, and {most} is the most BluSKY takes (an emoji counts as two)"));
        }
    }
    found
}

/// Nothing, or everything that is wrong.
pub(super) fn wrong(found: Vec<String>) -> Result<(), Wrong> {
    if found.is_empty() { Ok(()) } else { Err(Wrong(found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(hour: u32) -> Option<Moment> {
        Some(format!("2026-01-01T{hour:02}:00:00Z").parse().unwrap())
    }

    #[test]
    fn the_all_zero_guid_is_nothings_key() {
        assert_eq!(guid(" 0f83442e-a446-4577-8cdd-8ffdd51ab9c1 ").map(|id| id.is_nil()), Ok(false));
        assert!(guid("00000000-0000-0000-0000-000000000000").unwrap_err().contains("nothing's key"));
        assert!(guid("1815").unwrap_err().contains("not a GUID"));
    }

    #[test]
    fn a_window_needs_room_between_its_ends() {
        assert!(window("from", moment(8), "until", moment(9)).is_none());
        assert!(window("from", moment(9), "until", None).is_none());
        for until in [8, 9] {
            assert!(window("from", moment(9), "until", moment(until)).unwrap().contains("until"));
        }
    }

    #[test]
    fn a_time_of_a_suspension_that_is_none_is_said() {
        assert!(suspension("suspended", true, moment(8), moment(9)).is_empty());
        assert!(suspension("suspended", false, None, None).is_empty());
        for (from, to) in [(moment(8), None), (None, moment(9)), (moment(8), moment(9))] {
            assert_eq!(suspension("suspended", false, from, to).len(), 1, "{from:?} {to:?}");
        }
        assert_eq!(suspension("suspended", false, moment(9), moment(8)).len(), 2);
    }

    #[test]
    fn an_integer_is_judged_by_its_width_to_the_last_value_and_what_is_too_wide_is_named() {
        let judged = |width: IntegerWidth, number: Value| width.judge(&Members::from_iter([("number".to_owned(), number)]));
        for (width, last) in [(IntegerWidth::Bits32, i64::from(i32::MAX)), (IntegerWidth::Bits64, i64::MAX)] {
            assert_eq!((judged(width, last.into()), judged(width, (-last - 1).into())), (Ok(()), Ok(())));
        }
        for number in [Value::from(1_i64 << 31), Value::from(-(1_i64 << 31) - 1), Value::from(0.5)] {
            let wrong = judged(IntegerWidth::Bits32, number).unwrap_err().to_string();
            assert!(
                wrong.starts_with("number does not lie between -2147483648 and 2147483647") && wrong.contains("integer_width"),
                "{wrong}"
            );
        }
        assert!(judged(IntegerWidth::Bits64, u64::MAX.into()).unwrap_err().to_string().contains("cannot hold it"));
        assert_eq!(judged(IntegerWidth::Bits32, "99999999999".into()), Ok(()), "a text is no integer");
    }

    #[test]
    fn a_text_is_as_long_as_the_system_counts_it() {
        let texts = ["Ada".to_owned(), "Ad🦀".to_owned()];
        assert_eq!(lengths([("name", Some(&texts[0]), 3), ("nickname", None, 0)]), [""; 0]);
        let long = lengths([("name", Some(&texts[1]), 3)]);
        assert!(long.len() == 1 && long[0].starts_with("name has 4 characters, and 3 is the most"), "{long:?}");
    }
}
