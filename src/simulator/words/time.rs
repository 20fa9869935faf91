//! How a time is written.

use chrono::{DateTime, SecondsFormat, Utc};

/// A time as the API writes it: up to seven fractional digits, as many as are needed.
pub fn stamp(time: DateTime<Utc>) -> String {
    let text = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let ticks = text.get(..text.len().saturating_sub(3)).unwrap_or_default();
    format!("{}Z", ticks.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_as_many_digits_as_it_needs() {
        for (sent, answered) in [
            ("2025-10-12T21:13:06.7178225+00:00", "2025-10-12T21:13:06.7178225Z"),
            ("2025-10-12T21:13:06.5+02:00", "2025-10-12T19:13:06.5Z"),
            ("2025-10-12T21:13:00Z", "2025-10-12T21:13:00Z"),
        ] {
            let time = DateTime::parse_from_rfc3339(sent).map(|time| stamp(time.to_utc()));
            assert_eq!(time.as_deref(), Ok(answered));
        }
    }
}
