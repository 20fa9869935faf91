//! What the station says of itself, in the page's language.
//!
//! In: a reason as the station gives it, in English. Out: the same in another language, where its file has a line for it. Never: words
//! that stand elsewhere; what fills a gap of a reason is looked for in the same way, and else stays as it is, as does the file, line and
//! column in front of it.

use std::collections::BTreeMap;

use super::filled;

/// The reasons of one language: English with gaps, and what that is here.
#[derive(Debug, Clone, Default)]
pub(super) struct Reasons(pub BTreeMap<String, String>);

impl Reasons {
    /// A reason in this language: the whole of it, or each of its lines, or what stands behind a place.
    pub fn say(&self, reason: &str) -> Option<String> {
        self.whole(reason).or_else(|| self.lines(reason)).or_else(|| self.placed(reason))
    }

    fn lines(&self, reason: &str) -> Option<String> {
        let lines = reason.contains('\n').then(|| reason.lines().map(|line| self.say(line)))?;
        lines.collect::<Option<Vec<_>>>().map(|lines| lines.join("\n"))
    }

    fn placed(&self, reason: &str) -> Option<String> {
        let (place, reason) = reason.split_once(": ").filter(|(place, _)| place.contains(['/', '.']))?;
        self.say(reason).map(|here| format!("{place}: {here}"))
    }

    /// Of several lines of the file that fit, the one of which most is fixed.
    fn whole(&self, reason: &str) -> Option<String> {
        let fits = self.0.iter().filter_map(|(english, here)| Some((fixed(english), here, gaps(english, reason)?)));
        let (_, here, gaps) = fits.max_by_key(|(fixed, ..)| *fixed)?;
        let inner = gaps.into_iter().map(|(name, text)| (name, self.say(text).unwrap_or_else(|| text.to_owned())));
        Some(filled(here, &inner.collect::<Vec<_>>()))
    }
}

/// How many characters of a line are no gap.
fn fixed(english: &str) -> usize {
    parts(english).map(|(before, _)| before.len()).sum()
}

/// What fills the gaps of a line, if the whole reason is that line.
fn gaps<'e, 'r>(english: &'e str, reason: &'r str) -> Option<Vec<(&'e str, &'r str)>> {
    let (mut found, mut rest, mut open) = (Vec::new(), reason, None);
    for (before, gap) in parts(english) {
        let at = match open {
            // Behind the last gap stands the end of the reason.
            Some(_) if gap.is_none() => rest.ends_with(before).then(|| rest.len() - before.len())?,
            Some(_) => rest.find(before)?,
            None => rest.starts_with(before).then_some(0)?,
        };
        let (content, behind) = rest.split_at_checked(at)?;
        found.extend(open.map(|name| (name, content)));
        rest = behind.strip_prefix(before)?;
        open = gap;
    }
    let is_all = rest.is_empty() && found.iter().all(|(_, content)| !content.is_empty());
    is_all.then_some(found)
}

/// A line's fixed parts, each with the name of the gap behind it.
fn parts(line: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let here = rest?;
        let gap = here.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)));
        rest = gap.map(|(_, (_, behind))| behind);
        Some(gap.map_or((here, None), |(before, (name, _))| (before, Some(name))))
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::{super::Words, *};

    /// Where reasons are given that reach the page.
    const SOURCES: [&str; 46] = [
        "access/outcome.rs",
        "blusky/answer.rs",
        "blusky/client.rs",
        "blusky/http.rs",
        "blusky/lookup.rs",
        "blusky/people/asked.rs",
        "blusky/secret_file.rs",
        "blusky/settings.rs",
        "blusky/sign_in.rs",
        "blusky/trouble.rs",
        "config/policy.rs",
        "decode/explain/bits.rs",
        "decode/explain/digits.rs",
        "drivers/device.rs",
        "drivers/holder.rs",
        "drivers/keyboard.rs",
        "drivers/listening.rs",
        "drivers/mod.rs",
        "drivers/osdp/heard.rs",
        "drivers/osdp/key.rs",
        "drivers/pcsc/keys.rs",
        "drivers/pcsc/mod.rs",
        "drivers/pcsc/names.rs",
        "drivers/pcsc/watch.rs",
        "drivers/serial/mod.rs",
        "enroll/people/file.rs",
        "file.rs",
        "host/deliver/call.rs",
        "host/directory.rs",
        "host/shell.rs",
        "outbox/look.rs",
        "outbox/progress.rs",
        "outbox/progress/answered.rs",
        "outbox/progress/given_up.rs",
        "outbox/progress/new_user.rs",
        "outbox/progress/read_back.rs",
        "outbox/progress/removal.rs",
        "outbox/progress/undone.rs",
        "roster/added.rs",
        "roster/rows.rs",
        "sheet.rs",
        "sheet/broken.rs",
        "station/stages.rs",
        "store/anchor.rs",
        "store/error.rs",
        "store/seal.rs",
    ];
    /// Where others are given, some of which reach the page.
    const MORE: [&str; 5] = ["access/add_user.rs", "access/check.rs", "config/mod.rs", "config/people.rs", "host/holder.rs"];
    /// What the operating system says.
    const SYSTEM: &str = "Permission denied (os error 13), No such file or directory (os error 2), Is a directory (os error 21), \
                          No space left on device (os error 28), Read-only file system (os error 30), \
                          Too many open files (os error 24), Input/output error (os error 5)";
    /// What stands there and is no reason for people at a page: what is looked for in others' words, what goes to a log or to a command,
    /// and what ends a start.
    const OTHERS: [&str; 18] = [
        " and ",
        "`{}` is ",
        "{table}.{} = {}\\n",
        "BluSKY's answer cannot be written down yet: {error}",
        "No HTTP resource was found",
        "an entry is left alone: {error}",
        "blusky.token_header is not a header's name",
        "blusky.{key} = {path:?}: {why}",
        "client error (",
        "connection closed before message completed",
        "error sending request",
        "error trying to connect",
        "it holds no certificate",
        "more than one card exists",
        "tcp connect error",
        "the HTTP client cannot be made: {0}",
        "the directory lacks somebody who was added: {error}",
        "the outbox cannot be written: {error}",
    ];

    /// The texts of a source, without its tests and comments.
    fn texts(source: &str) -> Vec<String> {
        let code = source.split("#[cfg(test)]").next().unwrap();
        let code = code.replace("'\"'", "").replace("\\\\", "\u{2}").replace("\\\"", "\u{1}");
        let code: String = code.lines().filter(|line| !line.trim().starts_with("//")).map(|line| format!("{line}\n")).collect();
        let texts = code.split('"').skip(1).step_by(2);
        let joined = |text: &str| text.split("\\\n").map(str::trim_start).collect::<String>();
        texts.map(|text| joined(text).replace('\u{1}', "\"").replace('\u{2}', "\\")).collect()
    }

    fn all(sources: &[&str]) -> BTreeSet<String> {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
        sources.iter().flat_map(|source| texts(&fs::read_to_string(folder.join(source)).unwrap())).collect()
    }

    #[test]
    fn whatever_the_station_says_of_itself_is_there_in_every_language() {
        let said = all(&SOURCES);
        let is_left = |text: &String| {
            text.split(' ').count() > 2
                && !text.contains("{path} has no {pin}")
                && !OTHERS.contains(&text.as_str())
                && !text.starts_with("with ")
                && !text.starts_with("# ")
        };
        for words in Words::all("en").iter().filter(|words| words.language != "en") {
            for text in said.iter().filter(|text| is_left(text)) {
                let pieces: Vec<&str> = parts(text).map(|(before, _)| before).collect();
                let whole = pieces.join("7");
                // A piece that is put behind another text.
                let whole = if whole.starts_with("; ") { format!("7{whole}") } else { whole };
                let whole = if whole.ends_with(": ") { format!("{whole}7") } else { whole };
                let is_there = [format!("7; {whole}"), whole].iter().any(|reason| words.reason(reason).is_some());
                assert!(is_there, "{}: no words for {text:?}", words.language);
            }
        }
    }

    #[test]
    fn every_language_has_the_same_reasons_with_the_same_gaps_and_each_is_given_somewhere() {
        let said = all(&[&SOURCES[..], &MORE].concat());
        let said: String = said.into_iter().chain([SYSTEM.to_owned()]).collect::<Vec<_>>().join("\n");
        let others: Vec<Words> = Words::all("en").into_iter().filter(|words| words.language != "en").collect();
        let names = |text: &str| parts(text).filter_map(|(_, gap)| gap.map(str::to_owned)).collect::<BTreeSet<_>>();
        for words in &others {
            assert!(words.reasons.0.keys().eq(others[0].reasons.0.keys()), "{}", words.language);
            for (english, here) in &words.reasons.0 {
                assert_eq!(names(english), names(here), "{}: {english}", words.language);
                for (before, _) in parts(english) {
                    assert!(said.contains(before.trim_start_matches([';', ',', ' '])), "nobody says {before:?} of {english:?}");
                }
            }
        }
    }

    #[test]
    fn a_reason_within_a_reason_is_said_in_the_pages_language_too() {
        let german = Words::of("de").unwrap();
        let said = |reason: &str| german.reason(reason);
        assert_eq!(
            said("BluSKY cannot be reached: nothing listens at its address (connection refused)").as_deref(),
            Some("BluSKY ist nicht erreichbar: unter seiner Adresse antwortet niemand (Verbindung abgelehnt)")
        );
        assert_eq!(
            said("/dev/ttyUSB0 is held by minicom (process 7); end it, or use the reader through it").as_deref(),
            Some("/dev/ttyUSB0 wird von minicom (Prozess 7) benutzt; das beenden, oder den Leser dort benutzen")
        );
        assert_eq!(
            said("BluSKY answered 404 (no such call): check blusky.base_url; saved entries wait").as_deref(),
            Some("BluSKY hat mit 404 geantwortet (diesen Aufruf gibt es nicht): blusky.base_url prüfen; was gespeichert ist, wartet")
        );
        assert_eq!(
            said("/v/policy.toml:2:1: not TOML: a text must stand in quotes\npolicy.toml:3:9: `formats` is a string; it must be a table")
                .as_deref(),
            Some(
                "/v/policy.toml:2:1: kein TOML: ein Text muss in Anführungszeichen stehen\npolicy.toml:3:9: `formats` ist ein Text; es muss eine Tabelle sein"
            )
        );
        assert_eq!(
            said("policy.toml:1:3: not TOML: here stands the end of the line, and there should be `=`").as_deref(),
            Some("policy.toml:1:3: kein TOML: hier steht das Ende der Zeile, und da müsste `=` stehen")
        );
        assert_eq!(
            said("/v/policy.toml: Permission denied (os error 13)").as_deref(),
            Some("/v/policy.toml: keine Berechtigung (os error 13)")
        );
        assert_eq!(said("/v/policy.toml:2:1: something of which nobody has heard"), None);
        assert_eq!(said("something of which nobody has heard"), None);
        assert_eq!(Words::of("en").unwrap().reason("as it is").as_deref(), Some("as it is"));
    }
}
