//! How sure is sure, measured: what would be enrolled without a question, of noise, of damaged cards, of keypads and of
//! intact cards. Seeded, so that it is the same every time. `make calibrate` prints the table.
//!
//! Nothing but the bits speaks for a card here: one reading, no check of the transport, nothing seen before, no print.
//! "Enrolled" is what the policy chooses and no question is left open for. "Certain" is the verdict.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may stop, and this one prints a table"
)]

use std::collections::BTreeMap;

use cardbridge::{
    card::{CERTAIN, Credential, Kind, PacsBits, Presentation, Reading, Verdict},
    decode::{catalog::Catalog, format::Format},
    enroll::{
        evidence::{Circumstances, PROOF, Seen, Word, judge},
        policy::{CardType, Hints, SitePolicy, choose},
    },
    protocols::{Protocols, cards::CardFormat},
};
use uuid::Uuid;

/// Random frames of every length from 1 to 64, of each one in eight of the others up to 256.
const FRAMES_OF_A_LENGTH: usize = 1000;
/// Intact cards of every format; each of them is also damaged in every single bit.
const CARDS_OF_A_FORMAT: usize = 60;

struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bits(&mut self, len: usize) -> PacsBits {
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.next().to_be_bytes()).collect();
        PacsBits::from_left_aligned(&bytes, len).unwrap()
    }

    /// A card of that format, with numbers that it can have.
    fn card(&mut self, format: &Format) -> Option<(PacsBits, Credential)> {
        for _ in 0..200 {
            let mut credential = Credential::default();
            for field in format.fields.iter() {
                let wide = u128::from(self.next()) << 64 | u128::from(self.next());
                credential.set(&field.name, field.nth(wide));
            }
            if let Ok(bits) = format.encode(&credential) {
                // What is not understood may be anything.
                let filled = bits;
                if format.fit(&filled).is_ok() {
                    return Some((filled, format.credential(&filled)));
                }
            }
        }
        None
    }
}

/// A site, with the catalog it decodes with.
struct Site {
    policy: SitePolicy,
    catalog: Catalog,
    seen: Seen,
}

/// What becomes of one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Becomes {
    Enrolled,
    SecondReading,
    FirstSeen,
    Refused,
}

impl Site {
    fn of(protocols: &Protocols, formats: &[String], types: &[String]) -> Self {
        let card_type = |(at, id): (usize, &String)| CardType {
            blusky: at as i64 + 1,
            name: id.clone(),
            formats: vec![id.clone()],
            system: Uuid::from_u128(1),
            requires: Vec::new(),
            external_number: None,
        };
        let card_types = types.iter().enumerate().map(card_type).collect();
        let policy = SitePolicy { formats: formats.to_vec(), facility_codes: Vec::new(), card_types, ..SitePolicy::default() };
        let catalog = protocols.catalog(&policy.named_formats());
        Self { policy, catalog, seen: Seen::default() }
    }

    /// One card type for each format that is on by itself, and nothing said about formats.
    fn open(protocols: &Protocols) -> Self {
        let ids: Vec<String> = on(protocols).map(|format| format.format.id.to_string()).collect();
        Self::of(protocols, &[], &ids)
    }

    fn read(&self, kind: Kind, bits: PacsBits) -> (Reading, Becomes) {
        let mut reading = self.catalog.read(Presentation { bits: Some(bits), ..Presentation::of(kind) });
        choose(&mut reading, &self.policy, &Hints::default());
        let about = Circumstances { check_bits: 0, readings: 1, seen: &self.seen, printed: None, word: Word::None, proof: PROOF };
        let becomes = match judge(&reading, &self.catalog, &self.policy, &about) {
            None => Becomes::Refused,
            Some(judgement) => match judgement.question.map(|question| question.name()) {
                None => Becomes::Enrolled,
                Some("second_reading") => Becomes::SecondReading,
                Some(_) => Becomes::FirstSeen,
            },
        };
        (reading, becomes)
    }
}

fn on(protocols: &Protocols) -> impl Iterator<Item = &CardFormat> {
    protocols.formats.iter().filter(|format| format.is_on(&[]) && format.kinds.contains(&Kind::Wiegand))
}

/// A row of the table: how many were shown, and what became of them.
#[derive(Default, Clone, Copy)]
struct Row {
    shown: usize,
    verdicts: [usize; 6],
    enrolled: usize,
    wrong: usize,
    asked_again: usize,
    asked_first: usize,
}

const VERDICTS: [(&str, &[Verdict]); 6] = [
    ("certain", &[Verdict::Certain]),
    ("likely", &[Verdict::Likely]),
    ("ambiguous", &[Verdict::Ambiguous]),
    ("unchecked", &[Verdict::Unchecked]),
    ("damaged", &[Verdict::Damaged]),
    ("none", &[Verdict::NoFit, Verdict::Keypad]),
];

impl Row {
    fn add(&mut self, site: &Site, bits: PacsBits, truth: Option<&Credential>) {
        let (reading, becomes) = site.read(Kind::Wiegand, bits);
        self.shown += 1;
        for (count, (_, verdicts)) in self.verdicts.iter_mut().zip(VERDICTS) {
            *count += usize::from(verdicts.contains(&reading.verdict));
        }
        match becomes {
            Becomes::Enrolled => {
                self.enrolled += 1;
                self.wrong += usize::from(reading.chosen().map(|fit| &fit.credential) != truth);
            }
            Becomes::SecondReading => self.asked_again += 1,
            Becomes::FirstSeen => self.asked_first += 1,
            Becomes::Refused => {}
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.shown += other.shown;
        self.verdicts.iter_mut().zip(other.verdicts).for_each(|(one, other)| *one += other);
        self.enrolled += other.enrolled;
        self.wrong += other.wrong;
        self.asked_again += other.asked_again;
        self.asked_first += other.asked_first;
        self
    }

    fn print(&self, source: &str, length: &str) {
        let verdicts: Vec<String> = self.verdicts.iter().map(|count| format!("{count:>9}")).collect();
        let Self { shown, enrolled, wrong, asked_again, asked_first, .. } = self;
        println!("{source:<8} {length:>7} {shown:>8} {} {asked_again:>11} {asked_first:>10} {enrolled:>8} {wrong:>6}", verdicts.join(" "));
    }
}

fn head(site: &str) {
    println!("\n{site}");
    let verdicts: Vec<String> = VERDICTS.iter().map(|(name, _)| format!("{name:>9}")).collect();
    println!(
        "{:<8} {:>7} {:>8} {} {:>11} {:>10} {:>8} {:>6}",
        "source",
        "bits",
        "shown",
        verdicts.join(" "),
        "read again",
        "first seen",
        "enrolled",
        "wrong"
    );
}

/// At most one in a thousand.
fn is_rare(few: usize, of: usize) -> bool {
    few * 1000 <= of
}

fn random_frames(site: &Site) -> BTreeMap<usize, Row> {
    let mut seeded = Seeded(0x2545_F491_4F6C_DD1D);
    let mut rows = BTreeMap::<usize, Row>::new();
    for len in 1..=256 {
        let frames = if len <= 64 { FRAMES_OF_A_LENGTH } else { FRAMES_OF_A_LENGTH / 8 };
        for _ in 0..frames {
            rows.entry(len).or_default().add(site, seeded.bits(len), None);
        }
    }
    rows
}

/// Intact cards of every format, and each with every single bit turned over.
fn cards(protocols: &Protocols, site: &Site) -> (BTreeMap<usize, Row>, BTreeMap<usize, Row>) {
    let mut seeded = Seeded(0x9E37_79B9_7F4A_7C15);
    let (mut intact, mut flips) = (BTreeMap::<usize, Row>::new(), BTreeMap::<usize, Row>::new());
    for format in on(protocols).map(|format| &format.format) {
        for _ in 0..CARDS_OF_A_FORMAT {
            let Some((bits, credential)) = seeded.card(format) else { continue };
            intact.entry(bits.len()).or_default().add(site, bits, Some(&credential));
            for at in 0..bits.len() {
                flips.entry(bits.len()).or_default().add(site, bits.flipped(at), None);
            }
        }
    }
    (intact, flips)
}

/// What keypads send: every key of four, six and eight bits, and PINs of up to five digits as a card of 26 or 30 bits.
fn keypads(site: &Site) -> BTreeMap<usize, Row> {
    let mut rows = BTreeMap::<usize, Row>::new();
    let mut add = |bits: PacsBits| rows.entry(bits.len()).or_default().add(site, bits, None);
    for len in [4, 6, 8] {
        for key in 0..1_u64 << len {
            add(PacsBits::from_left_aligned(&(key << (64 - len)).to_be_bytes(), len as usize).unwrap());
        }
    }
    for pin in (0..100_000_u64).step_by(7) {
        for data in [24, 28] {
            let bits: Vec<bool> = (0..data).rev().map(|at| pin >> at & 1 == 1).collect();
            let (left, right) = bits.split_at(data / 2);
            let odd = |half: &[bool]| half.iter().filter(|bit| **bit).count() % 2 == 1;
            add(PacsBits::from_bits([odd(left)].into_iter().chain(bits.iter().copied()).chain([!odd(right)])).unwrap());
        }
    }
    rows
}

fn all(rows: &BTreeMap<usize, Row>) -> Row {
    rows.values().fold(Row::default(), |all, row| all.and(*row))
}

#[test]
fn at_most_one_in_a_thousand_is_enrolled_without_a_question_that_should_not_be() {
    let protocols = Protocols::built_in();
    let site = Site::open(&protocols);
    head("A site with one card type for each format:");
    let random = random_frames(&site);
    let (intact, flips) = cards(&protocols, &site);
    let keypads = keypads(&site);
    for (source, rows) in [("random", &random), ("flips", &flips), ("keypads", &keypads), ("intact", &intact)] {
        for (len, row) in rows.iter().filter(|(_, row)| row.verdicts[..4].iter().any(|count| *count > 0)) {
            row.print(source, &len.to_string());
        }
        all(rows).print(source, "all");
    }
    let certain = all(&random);
    assert!(is_rare(certain.verdicts[0], certain.shown), "{} of {} random frames are certain", certain.verdicts[0], certain.shown);
    for (source, rows) in [("random", &random), ("flips", &flips), ("keypads", &keypads)] {
        let row = all(rows);
        assert!(is_rare(row.enrolled, row.shown), "{source}: {} of {} are enrolled", row.enrolled, row.shown);
    }
    let row = all(&intact);
    assert!(row.enrolled > 0 && is_rare(row.wrong, row.enrolled), "{} of {} intact cards enrolled are wrong", row.wrong, row.enrolled);
}

/// Two ways to write the number of one card: the same bits, the same checks and the same date, and agency, system and credential
/// apart or as one number. Their odds are so small that no question is asked, and none could tell them apart: a site that names
/// one of them has said how it writes its numbers.
fn are_never_told_apart(one: &str, other: &str) -> bool {
    matches!((one, other), ("piv-75", "pivclass-75") | ("pivclass-75", "piv-75"))
}

#[test]
fn that_holds_where_a_site_names_any_one_format() {
    let protocols = Protocols::built_in();
    let (mut noise, mut intact) = (Row::default(), Row::default());
    let mut pairs = BTreeMap::<String, usize>::new();
    head("Sites that name one format each, all of them together:");
    for format in protocols.formats.iter().filter(|format| format.kinds.contains(&Kind::Wiegand)) {
        let id = [format.format.id.to_string()];
        let site = Site::of(&protocols, &id, &id);
        let mut seeded = Seeded(0xD1B5_4A32_D192_ED03);
        let len = format.format.len();
        let mut own = Row::default();
        for _ in 0..400 {
            own.add(&site, seeded.bits(len), None);
        }
        // Cards of every format of that length: intact, and each with one bit turned over.
        let is_other = |other: &&Format| other.len() == len && !are_never_told_apart(&format.format.id, &other.id);
        for other in protocols.formats.iter().map(|other| &other.format).filter(is_other) {
            for _ in 0..10 {
                let Some((bits, credential)) = seeded.card(other) else { continue };
                let before = intact.wrong;
                intact.add(&site, bits, Some(&credential));
                if intact.wrong > before {
                    *pairs.entry(format!("{} as {}", other.id, format.format.id)).or_default() += 1;
                }
                for at in 0..len {
                    own.add(&site, bits.flipped(at), None);
                }
            }
        }
        noise = noise.and(own);
    }
    noise.print("noise", "all");
    intact.print("intact", "all");
    assert!(is_rare(noise.enrolled, noise.shown), "{} of {} are enrolled", noise.enrolled, noise.shown);
    assert!(is_rare(intact.wrong, intact.enrolled), "{} of {} intact cards enrolled are wrong: {pairs:?}", intact.wrong, intact.enrolled);
}

/// The chance that random bits of a length fit any format that could make them certain, added up: no length may be the
/// one where strict formats are so many that one of them fits too often.
#[test]
fn for_no_length_do_all_strict_formats_together_fit_noise_too_often() {
    let catalog = Protocols::built_in().catalog(&[]);
    let mut sums = BTreeMap::<usize, f64>::new();
    for format in catalog.of_kind(Kind::Wiegand).filter(|format| format.odds() <= CERTAIN) {
        *sums.entry(format.len()).or_default() += format.odds();
    }
    assert!(!sums.is_empty());
    let above: Vec<_> = sums.iter().filter(|(_, sum)| **sum > 2.0 * CERTAIN).collect();
    assert!(above.is_empty(), "{above:?}");
}

/// Counted, not estimated: every frame of each short length.
#[test]
fn the_odds_of_every_short_format_are_exact() {
    let protocols = Protocols::built_in();
    for format in protocols.formats.iter().map(|format| &format.format).filter(|format| format.len() <= 16) {
        let len = format.len();
        let frame = |at: u64| PacsBits::from_left_aligned(&(at << (64 - len)).to_be_bytes(), len).unwrap();
        let fits = (0..1_u64 << len).filter(|at| format.fit(&frame(*at)).is_ok()).count();
        assert_eq!(fits as f64 / (1_u64 << len) as f64, format.odds(), "{}", format.id);
    }
}

/// Longer formats: the odds of what a frame must be besides its checks, measured on frames whose checks are made to hold.
#[test]
fn the_odds_of_every_format_are_those_of_its_checks_and_limits() {
    const FRAMES: usize = 3000;
    let protocols = Protocols::built_in();
    let mut seeded = Seeded(0x1234_5678_9ABC_DEF1);
    for format in protocols.formats.iter().map(|format| &format.format) {
        let judged = format.drawing().checks.iter().filter(|check| !check.warns);
        let own: Vec<usize> = judged.flat_map(|check| check.own.clone()).collect();
        let given: Vec<usize> = {
            // The bits that are the same in all cards: fixed, or of a field with one value.
            let cards: Vec<PacsBits> = (0..40).filter_map(|_| seeded.card(format).map(|(bits, _)| bits)).collect();
            let same = |at: &usize| cards.iter().all(|card| card.get(*at) == cards[0].get(*at)) && !own.contains(at);
            let is_fixed =
                |at: &usize| matches!(format.drawing().cells[*at], cardbridge::decode::drawing::Cell::Fixed(_)) || is_required(format, *at);
            (0..format.len()).filter(|at| same(at) && is_fixed(at)).collect()
        };
        let card = seeded.card(format).expect("a format has cards").0;
        let fits = (0..FRAMES).filter(|_| {
            let random = seeded.bits(format.len());
            let mut bits: Vec<bool> = random.iter().collect();
            given.iter().for_each(|at| bits[*at] = card.get(*at));
            for check in &format.drawing().checks {
                let computed = check.computed(|at| bits[at]);
                computed.into_iter().for_each(|(at, bit)| bits[at] = bit);
            }
            format.fit(&PacsBits::from_bits(bits).unwrap()).is_ok()
        });
        let fits = fits.count() as f64 / FRAMES as f64;
        let expected = format.odds() * 2_f64.powi((own.len() + given.len()) as i32);
        let error = 4.0 * (expected * (1.0 - expected) / FRAMES as f64).sqrt() + 1e-9;
        // What a format leaves out is not counted in its odds.
        let left_out = if format.leaves_out() { expected * 0.02 } else { 0.0 };
        assert!((-error..=error + left_out).contains(&(expected - fits)), "{}: {fits} of what must fit, {expected} expected", format.id);
    }
}

fn is_required(format: &Format, at: usize) -> bool {
    format.fields.iter().any(|field| field.required.is_some() && field.positions.contains(&at))
}
