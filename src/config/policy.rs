//! `policy.toml` beside the store: what people have answered for the site, read after the configuration. Each line is one answer with
//! when it was given and by whom; a line that is deleted is taken back.
//!
//! In: the file. Out: the answers, or findings with line and column. Never: a line that changes what the configuration says.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use chrono::{DateTime, SecondsFormat, Utc};
use toml_span::Value;

use super::{ConfigError, LARGEST_FILE};
use crate::{
    enroll::kept::{Kept, NOT},
    file,
    protocols::Protocols,
    sheet::{At, Finding, Keys, Sheet},
};

/// The file of a site whose store is this one.
#[must_use]
pub fn path(store: &Path) -> PathBuf {
    store.with_file_name("policy.toml")
}

/// What a new file begins with.
pub const HEADER: &str = "# What people have answered here for the whole site, each line with when and by whom.\n\
                          # Delete a line to take an answer back: the station notices.\n";

/// A line of the file.
#[must_use]
pub fn line(kept: &Kept, at: DateTime<Utc>, by: &str) -> String {
    let (table, key) = kept.key();
    let said = format!("{} {}", at.to_rfc3339_opts(SecondsFormat::Secs, true), by);
    let quoted = |text: &str| {
        let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
    };
    format!("{table}.{} = {}\n", quoted(&key), quoted(&said))
}

/// Reads the file; without one nothing was answered.
///
/// # Errors
/// It cannot be read, or something in it is wrong: all of it, at once.
pub fn read(path: &Path, protocols: &Protocols) -> Result<Vec<Kept>, ConfigError> {
    match file::text(path, LARGEST_FILE) {
        Ok(text) => parse(&path.display().to_string(), &text, protocols).map_err(ConfigError::Wrong),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(ConfigError::Unreadable { path: path.to_owned(), cause }),
    }
}

/// Reads the file's text.
///
/// # Errors
/// Everything that is wrong.
pub fn parse(file: &str, text: &str, protocols: &Protocols) -> Result<Vec<Kept>, Vec<Finding>> {
    let sheet = Sheet::new(file, text);
    let mut kept = Vec::new();
    if let Some(mut root) = sheet.root() {
        answers(&mut root, "facility_codes", &mut kept, |key| {
            key.parse().map(Kept::FacilityCode).map_err(|_| "it must be a facility code, a whole number".to_owned())
        });
        answers(&mut root, "formats", &mut kept, |key| format(key, protocols).map(Kept::Format));
        answers(&mut root, "choices", &mut kept, |key| {
            let (chosen, not) = key.split_once(NOT).ok_or_else(|| format!("it must be a card format{NOT}others"))?;
            let not = not.split(", ").map(|other| format(other, protocols)).collect::<Result<_, _>>()?;
            Ok(Kept::Choice { format: format(chosen, protocols)?, not })
        });
        root.finish();
    }
    if sheet.is_clean() { Ok(kept) } else { Err(sheet.into_findings()) }
}

/// The answers of one table, whose keys say what was answered.
fn answers(root: &mut Keys<'_, '_>, table: &'static str, kept: &mut Vec<Kept>, read: impl Fn(&str) -> Result<Kept, String>) {
    let Some(mut keys) = root.table(table) else { return };
    for (At { value: key, span }, said) in keys.rest() {
        match read(&key) {
            _ if Value::as_str(&said).is_none() => {
                keys.complain(
                    said.span,
                    format!("`{table}.\"{key}\"` must be a text that says when and by whom; delete the line to take it back"),
                );
            }
            Ok(answer) => kept.push(answer),
            Err(why) => keys.complain(span, format!("`{table}` has {key:?}: {why}; delete the line, and the question is asked again")),
        }
    }
}

fn format(name: &str, protocols: &Protocols) -> Result<String, String> {
    let found = protocols.format(name).map(|format| format.format.id.to_string());
    found.ok_or_else(|| format!("no card format is named `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Kept>, String> {
        let told = |findings: Vec<Finding>| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        parse("policy.toml", text, &Protocols::built_in()).map_err(told)
    }

    #[test]
    fn each_answer_is_a_line_that_is_read_as_it_was_written_and_taken_back_by_deleting_it() {
        let choice = Kept::Choice { format: "hid-h10301".to_owned(), not: vec!["indala-26".to_owned()] };
        let all = [Kept::FacilityCode(123), Kept::FacilityCode(0), Kept::Format("csn-4-byte".to_owned()), choice];
        let by = "Kim \"the\\desk\"\n[site]";
        let lines: Vec<String> = all.iter().map(|kept| line(kept, DateTime::UNIX_EPOCH, by)).collect();
        assert!(lines.iter().all(|line| line.matches('\n').count() == 1), "{lines:?}");
        assert_eq!(lines[0], "facility_codes.\"123\" = \"1970-01-01T00:00:00Z Kim \\\"the\\\\desk\\\" [site]\"\n");
        let mixed = [&lines[3], &lines[0], &lines[2], &lines[1]].map(String::as_str).concat();
        assert_eq!(parsed(&format!("{HEADER}{mixed}")).unwrap(), [all[0].clone(), all[1].clone(), all[2].clone(), all[3].clone()]);
        assert_eq!(parsed(&format!("{HEADER}{}", lines[2])).unwrap(), [all[2].clone()]);
        assert_eq!(parsed("").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_named_by_file_and_line() {
        for (text, said) in [
            ("facility_codes.\"12x\" = \"now Kim\"", "policy.toml:2:17: `facility_codes` has \"12x\": it must be a facility code"),
            ("facility_codes.\"12\" = 3", "policy.toml:2:23: `facility_codes.\"12\"` must be a text"),
            ("formats.\"no-such\" = \"now Kim\"", "policy.toml:2:10: `formats` has \"no-such\": no card format is named"),
            (
                "choices.\"hid-h10301\" = \"now Kim\"",
                "policy.toml:2:10: `choices` has \"hid-h10301\": it must be a card format, not others",
            ),
            ("site = 3", "policy.toml:2:1"),
            ("facility_codes.\"1\" = \"now Kim\"\nfacility_codes.\"1\" = \"then Lou\"", "policy.toml:3"),
            ("facility_codes.\"1", "policy.toml:2"),
        ] {
            let why = parsed(&format!("# answers\n{text}\n")).unwrap_err();
            assert!(why.contains(said), "{text}: {why}");
        }
    }
}
