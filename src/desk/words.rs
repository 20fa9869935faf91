//! What stands on the page, in a language: one file each, with a line for every key, and for every reason that the station gives.
//!
//! In: a language's two letters, a key, what is to stand in its gaps. Out: words. Never: words that stand anywhere else in this room.

mod reasons;

use std::{collections::BTreeMap, fmt::Display};

use toml_span::Value;

use crate::sheet::Sheet;
use reasons::Reasons;

/// The languages there are. A further one is a file beside these.
const LANGUAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// The words of one language.
#[derive(Debug, Clone)]
pub struct Words {
    /// Its two letters.
    pub language: &'static str,
    texts: BTreeMap<String, String>,
    reasons: Reasons,
}

impl Words {
    /// The words of a language; none where there is no such file.
    #[must_use]
    pub fn of(language: &str) -> Option<Self> {
        let (language, text) = *LANGUAGES.iter().find(|(known, _)| *known == language)?;
        let sheet = Sheet::new(language, text);
        let all = sheet.root().map(|mut keys| keys.rest()).unwrap_or_default();
        let mut words = Self { language, texts: BTreeMap::new(), reasons: Reasons::default() };
        for (key, value) in all {
            match value.as_str() {
                Some(text) => drop(words.texts.insert(key.value, text.to_owned())),
                None => words.reasons = Reasons(lines(&value)),
            }
        }
        Some(words)
    }

    /// The words of all languages; those of this one come first.
    #[must_use]
    pub fn all(first: &str) -> Vec<Self> {
        let mut all: Vec<Self> = LANGUAGES.iter().filter_map(|(language, _)| Self::of(language)).collect();
        all.sort_by_key(|words| words.language != first);
        all
    }

    /// The languages there are.
    #[must_use]
    pub fn languages() -> String {
        LANGUAGES.iter().map(|(language, _)| *language).collect::<Vec<_>>().join(", ")
    }

    /// The words for a key.
    #[must_use]
    pub fn say<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts.get(key).map_or(key, String::as_str)
    }

    /// The words for a key that may have none.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// The words for a key, with its gaps filled: `{name}` is a gap.
    #[must_use]
    pub fn fill(&self, key: &str, gaps: &[(&str, &dyn Display)]) -> String {
        filled(self.say(key), gaps)
    }

    /// What the station says of itself, in this language; none where this language has no words for it. The station speaks English.
    #[must_use]
    pub fn reason(&self, reason: &str) -> Option<String> {
        if self.language == "en" { Some(reason.to_owned()) } else { self.reasons.say(reason) }
    }
}

/// The lines of a table.
fn lines(table: &Value<'_>) -> BTreeMap<String, String> {
    let all = table.as_table().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.name.to_string(), value.as_str()?.to_owned()))).collect()
}

/// A text with its gaps filled; what fills one is not looked through for further gaps.
fn filled(mut rest: &str, gaps: &[(&str, impl Display)]) -> String {
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = after.split_once('}') else { break };
        if let Some((_, content)) = gaps.iter().find(|(gap, _)| *gap == name) {
            text.push_str(&content.to_string());
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::{protocols::Protocols, views::reading::words_of};

    fn gaps(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    #[test]
    fn every_language_has_the_same_keys_with_the_same_gaps() {
        let english = Words::of("en").unwrap();
        assert!(Words::of("xx").is_none());
        for (language, _) in LANGUAGES.iter().copied() {
            let other = Words::of(language).unwrap();
            assert!(other.texts.keys().eq(english.texts.keys()), "{language}");
            for (key, text) in &other.texts {
                assert_eq!(gaps(text), gaps(english.say(key)), "{language}: {key}");
                assert!(!text.trim().is_empty(), "{language}: {key}");
            }
        }
    }

    #[test]
    fn every_key_that_the_page_says_is_there_and_every_one_that_is_there_is_said() {
        let words = Words::of("en").unwrap();
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/desk"));
        let mut sources = String::new();
        for file in [folder.to_owned(), folder.join("html")].iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("words.rs") {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
        for call in [".say(\"", ".fill(\""] {
            for said in sources.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(words.texts.contains_key(said), "no words for {said:?}");
            }
        }
        // Those that are named after something else are there for each of it, and for nothing else.
        let advice = Protocols::built_in().advice.iter().map(|advice| format!("advice_{}", advice.advice.id)).collect::<BTreeSet<_>>();
        let ours = |stem: &str| words.texts.keys().filter(|key| key.starts_with(stem)).cloned().collect::<BTreeSet<_>>();
        assert_eq!(ours("advice_"), advice);
        for warning in ours("warning_") {
            let name = warning.trim_start_matches("warning_");
            let is_known = |name: &str| words_of(name) != name.replace('_', " ");
            assert!(is_known(name) || is_known(&format!("{name}: x")), "there is no warning {name:?}");
        }
        let api = fs::read_dir(folder.with_file_name("host").join("api")).unwrap();
        let api: String = api.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        for error in ours("error_") {
            let code = format!("\"{}\"", error.trim_start_matches("error_"));
            assert!(api.contains(&code) || sources.contains(&code), "nothing fails with {code}");
        }
        for key in words.texts.keys() {
            let stem =
                ["evidence", "verdict", "decided", "advice", "warning", "error"].iter().find(|stem| key.starts_with(&format!("{stem}_")));
            let is_said = sources.contains(&format!("\"{key}\"")) || stem.is_some();
            assert!(is_said, "nobody says {key:?}");
        }
        let names = |stem: &str, all: &[&str]| all.iter().map(|name| format!("{stem}{name}")).collect::<BTreeSet<_>>();
        let verdicts = [
            "certain",
            "likely",
            "ambiguous",
            "unchecked",
            "damaged",
            "unknown_format",
            "no_fit",
            "unknown_length",
            "serial_only",
            "keypad",
            "unreadable",
        ];
        assert_eq!(ours("verdict_"), names("verdict_", &verdicts));
        assert_eq!(ours("decided_"), names("decided_", &["policy", "printed", "operator"]));
        let evidence = [
            "checks",
            "transport_check",
            "read_twice",
            "facility_code_listed",
            "facility_code_seen",
            "format_seen",
            "kind_known",
            "printed",
            "operator",
        ];
        assert_eq!(ours("evidence_"), names("evidence_", &evidence));
    }

    #[test]
    fn what_fills_a_gap_is_not_looked_through() {
        let words = Words::of("en").unwrap();
        let said = words.fill("waits_ahead", &[("first", &"{count}"), ("count", &3)]);
        assert!(said.contains("{count}"), "{said}");
    }
}
