//! Where each card will have to be shown twice, said before the first one is shown.
//!
//! In: a site. Out: a line for each such reader, and what would make one tap enough. Never: a word about a card that was not shown: of a
//! format's cards one is made up and judged as it would be.

use crate::{
    card::{CardNumber, Credential, FacilityCode, Kind, Presentation},
    enroll::{
        evidence::{Circumstances, Question, Seen, Word, judge},
        policy::{self, Hints},
    },
    host::Site,
    station::{ReaderKind, ReaderSetup},
};

/// What is to be said of the readers a run takes cards from.
pub fn hints(site: &Site, only: Option<&str>) -> Vec<String> {
    let readers = site.setup().readers;
    let wanted = readers.iter().filter(|reader| only.is_none_or(|only| reader.name == only));
    let has_codes = !site.config.policy.facility_codes.is_empty();
    wanted.filter_map(|reader| Some(line(&reader.name, &second_reading(site, reader)?.settling_lines(), has_codes))).collect()
}

/// The facility code of a card that is made up, where the site lists none.
const MADE_UP: u64 = 101;

/// What each of the lines means stands in the README.
fn line(reader: &str, settle: &[String], has_codes: bool) -> String {
    let bare = |line: &String| line.split('#').next().unwrap_or_default().trim_end().to_owned();
    let named = |line: String| if has_codes { line } else { line.replace(&MADE_UP.to_string(), "N") };
    let lines: Vec<String> = settle.iter().map(bare).map(named).collect();
    let lines = lines.join("\n    ");
    format!(
        "{reader}: each card may have to be shown twice, as one reading is no proof there;\none of these makes one tap enough:\n    {lines}"
    )
}

/// The question that a whole card of the site's would leave open there.
fn second_reading(site: &Site, reader: &ReaderSetup) -> Option<Question> {
    let (ReaderKind::Serial(dialect, hints) | ReaderKind::Keyboard(dialect, hints)) = &reader.kind else { return None };
    if hints.repeats_of(dialect).is_some() || hints.kind.unwrap_or(dialect.kind) != Kind::Wiegand {
        return None;
    }
    let check_bits = dialect.messages.iter().filter_map(|message| message.check).map(|check| check.bits()).max().unwrap_or(0);
    site.config.policy.named_formats().iter().find_map(|format| {
        let policy = &site.config.policy;
        let code = policy.facility_codes.first().copied().unwrap_or(MADE_UP);
        let card = Credential { facility_code: Some(FacilityCode(code)), card_number: Some(CardNumber(1234)), ..Credential::default() };
        let bits = site.catalog.find(format)?.encode(&card).ok()?;
        let mut reading = site.catalog.read(Presentation { bits: Some(bits), check_bits, ..Presentation::of(Kind::Wiegand) });
        policy::choose(&mut reading, policy, &Hints::default());
        let proof = reader.proof.unwrap_or(site.config.proof);
        let about = Circumstances { check_bits, readings: 1, seen: &Seen::default(), printed: None, word: Word::Confirmed, proof };
        judge(&reading, &site.catalog, policy, &about)?.question
    })
}
