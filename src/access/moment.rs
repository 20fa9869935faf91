//! A point in time as BluSKY can carry it.
//!
//! In: RFC 3339 text with its offset. Out: the same instant and offset, written with as many digits as were given. Never: a bare
//! local time, a leap second, or a fraction finer than .NET's 100 nanoseconds, which would be rounded on the way.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat, TimeDelta};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::ToSchema;

/// A point in time with its offset, of the years 1 to 9999, to 100 nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Moment(DateTime<FixedOffset>);

/// Why a text is no time for BluSKY.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write it with its offset, as 2026-01-01T08:00:00+01:00 or …Z")]
pub struct MomentError(String);

impl Moment {
    /// True where both are the same instant as far as a database keeps it: within one second.
    #[must_use]
    pub fn is_about(self, other: DateTime<FixedOffset>) -> bool {
        (self.0 - other).abs() < TimeDelta::seconds(1)
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let time = DateTime::parse_from_rfc3339(text.trim()).map_err(|error| MomentError(error.to_string()))?;
        match time.timestamp_subsec_nanos() {
            1_000_000_000.. => Err(MomentError("there is no second 60".to_owned())),
            _ if !(1..=9999).contains(&time.naive_utc().year()) => {
                Err(MomentError("as UTC it is outside the years 1 to 9999, which .NET has".to_owned()))
            }
            nanos if nanos % 100 != 0 => Err(MomentError("finer than BluSKY's seven digits of a second".to_owned())),
            _ => Ok(Self(time)),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.timestamp_subsec_nanos() == 0 {
            return f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true));
        }
        let text = self.0.to_rfc3339_opts(SecondsFormat::Nanos, true);
        // 2026-01-01T08:00:00.123456700+01:00: the last two of nine digits are zero.
        let (time, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = fraction.get(..7).unwrap_or(fraction).trim_end_matches('0');
        write!(f, "{time}.{digits}{}", fraction.get(9..).unwrap_or_default())
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_the_digits_and_the_offset_it_was_given() {
        for text in [
            "2025-10-12T21:13:06.7178225+00:00",
            "2016-12-13T23:32:15.220453-05:00",
            "2026-01-01T08:00:00.5+01:00",
            "2026-01-01T08:00:00+01:00",
            "2026-01-01T08:00:00Z",
        ] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text.replace("+00:00", "Z"));
        }
    }

    #[test]
    fn a_time_that_is_outside_the_years_of_dotnet_as_utc_is_refused() {
        for wrong in ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:30", "0000-06-01T00:00:00Z"] {
            assert!(wrong.parse::<Moment>().unwrap_err().to_string().contains("9999"), "{wrong}");
        }
        for right in ["0001-01-01T00:00:00-01:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z"] {
            assert!(right.parse::<Moment>().is_ok(), "{right}");
        }
    }

    #[test]
    fn what_would_be_guessed_or_rounded_is_refused() {
        for text in ["2026-01-01T08:00:00", "2026-01-01", "2026-01-01T23:59:60Z", "2026-01-01T08:00:00.12345678Z"] {
            assert!(text.parse::<Moment>().unwrap_err().to_string().contains("offset"), "{text}");
        }
    }

    #[test]
    fn two_times_are_the_same_instant_within_one_second() {
        let (eight, at) =
            ("2026-01-01T08:00:00+01:00".parse::<Moment>().unwrap(), |text: &str| DateTime::parse_from_rfc3339(text).unwrap());
        for near in ["2026-01-01T07:00:00Z", "2026-01-01T07:00:00.999Z", "2026-01-01T06:59:59.001Z"] {
            assert!(eight.is_about(at(near)), "{near}");
        }
        for far in ["2026-01-01T07:00:01Z", "2026-01-01T06:59:59Z", "2026-01-01T08:00:00Z"] {
            assert!(!eight.is_about(at(far)), "{far}");
        }
    }
}
