//! What is explained, and how often chance alone is.

use super::*;
use crate::{
    card::{Credential, Literal, Verdict},
    protocols::Protocols,
};

struct Site {
    catalog: Catalog,
    named: Vec<String>,
}

fn site(named: &[&str]) -> Site {
    Site { catalog: Protocols::built_in().catalog(&[]), named: named.iter().map(ToString::to_string).collect() }
}

impl Site {
    fn explained(&self, literal: &str, print: Option<&str>) -> Vec<Suggestion> {
        let literal: Literal = literal.parse().unwrap();
        let reading = self.catalog.read(Presentation::of_literal(&literal));
        explain(&reading, &self.catalog, &Ask { named: &self.named, facility_codes: &[], print })
    }

    /// The transforms that explain it, and the numbers read then.
    fn said(&self, literal: &str, print: Option<&str>) -> Vec<(&'static str, Option<u128>, Option<u128>)> {
        let numbers = |credential: &Credential| (credential.number("facility_code"), credential.number("card_number"));
        let said = self.explained(literal, print).into_iter().map(|found| (found.transform, numbers(&found.fit.credential)));
        said.map(|(transform, (code, number))| (transform, code, number)).collect()
    }
}

fn h10301(code: u128, number: u128) -> String {
    let mut credential = Credential::default();
    credential.set("facility_code", code);
    credential.set("card_number", number);
    site(&[]).catalog.find("hid-h10301").unwrap().encode(&credential).unwrap().to_binary()
}

fn inverted(bits: &str) -> String {
    bits.chars().map(|bit| if bit == '0' { '1' } else { '0' }).collect()
}

#[test]
fn swapped_data_wires_are_said_without_a_print() {
    let site = site(&["hid-h10301"]);
    let said = site.explained("11110010111011111111100011", None);
    let first = &said[0];
    assert_eq!((first.transform, &*first.fit.format), ("inverted", "hid-h10301"));
    assert_eq!((first.fit.credential.number("facility_code"), first.fit.credential.number("card_number")), (Some(26), Some(8206)));
    assert_eq!(first.odds, 0.25, "one format, one way tried before any other");
    assert!(first.words.contains("swap the two data wires"));
}

#[test]
fn what_the_print_confirms_has_far_better_odds() {
    let site = site(&[]);
    // Five fobs at a reader with its data wires swapped, and what is printed on them.
    for (bits, print) in [
        ("11110110101101100001001110", "0001217496"),
        ("11110110101101100001100101", "0001217485"),
        ("00011001001011011000100110", "0013477100"),
        ("00011001001011010110000000", "0013477183"),
        ("00010000101001100111101010", "0014594826"),
    ] {
        let said = site.explained(bits, Some(print));
        assert_eq!(said[0].transform, "inverted", "{print}");
        assert!(said[0].odds < 0.001, "{print}: {}", said[0].odds);
    }
    assert_eq!(site.said(&inverted(&h10301(123, 4567)), Some("123-04567"))[0], ("inverted", Some(123), Some(4567)));
}

#[test]
fn each_way_in_which_bits_go_wrong_is_found_by_the_print() {
    let site = site(&[]);
    let card = h10301(123, 4567);
    let print = Some("123-04567");
    let reversed: String = card.chars().rev().collect();
    for (bits, transform) in [
        (reversed, "bits_reversed"),
        (card[1..].to_owned(), "bit_lost_at_start"),
        (card[..25].to_owned(), "bit_lost_at_end"),
        (format!("1{card}"), "bit_gained_at_start"),
        (format!("{card}0"), "bit_gained_at_end"),
        (card[1..25].to_owned(), "parity_stripped"),
        (format!("0{card}1"), "parity_doubled"),
    ] {
        let said = site.said(&bits, print);
        assert!(
            said.iter().any(|(found, code, number)| (*found, *code, *number) == (transform, Some(123), Some(4567))),
            "{transform}: {said:?}"
        );
    }
}

#[test]
fn each_way_in_which_digits_go_wrong_is_found_by_the_print() {
    let site = site(&[]);
    let transforms =
        |literal: &str, print: &str| -> Vec<&str> { site.said(literal, Some(print)).iter().map(|(found, ..)| *found).collect() };
    assert!(transforms("csn:63A6ED04", "71884036").contains(&"low_digits"));
    assert!(transforms(&h10301(123, 4567), "70103").contains(&"cut"), "70103 is 65536 more than 4567");
    assert!(transforms("11111111111100101001111010", "134210877").contains(&"cut"), "FFE53D are the low 24 bits of 134210877");
    assert!(transforms("csn:62B43423", "62B43423AABB80").contains(&"cut"), "the first four bytes of seven");
    assert!(transforms("csn:00BC614E", "305419896").contains(&"hex_as_decimal"), "12345678 are the hex digits of 305419896");
    assert!(transforms(&h10301(123, 4660), "1234").contains(&"printed_in_hex"));
    assert!(transforms("csn:01450AF0", "213,02000").contains(&"run_together"), "21302000 is 213,02000");
    assert!(transforms("csn:04A2B30C", "4A2B3C").contains(&"zeros_lost"));
}

#[test]
fn a_print_of_some_bytes_of_a_serial_number_is_explained_from_either_end_and_in_either_order() {
    let site = site(&[]);
    for (print, words) in [
        ("04A2B3C4", "the first 4 bytes of the number only (keep"),
        ("C4B3A204", "the first 4 bytes of the number only, turned round"),
        ("C4:D5:E6:F7", "the last 4 bytes of the number only (keep"),
        ("F7E6D5C4", "the last 4 bytes of the number only, turned round"),
        ("77771716", "the first 4 bytes of the number only (keep"),
        ("3300106756", "the first 4 bytes of the number only, turned round"),
        ("3302352631", "the last 4 bytes of the number only (keep"),
        ("4159100356", "the last 4 bytes of the number only, turned round"),
        ("213,59127", "the last 3 bytes of the number only (keep"),
        ("14018295", "the last 3 bytes of the number only (keep"),
    ] {
        let said = site.explained("csn:04A2B3C4D5E6F7", Some(print));
        let first = said.first().unwrap_or_else(|| panic!("{print} is not explained"));
        assert!(first.transform == "print_cut" && first.words.contains(words), "{print}: {}", first.words);
        assert_eq!(first.fit.credential.number("card_number"), Some(0x04_A2B3_C4D5_E6F7), "what was read stays: {print}");
        assert!(first.odds < 0.001, "{print}: {}", first.odds);
    }
    assert_eq!(site.said("csn:04A2B3C4D5E6F7", Some("A2B3C4D5")), [], "not from the middle");
    let cut = site.explained("csn:2334B462", Some("62B43423AABB80"));
    assert!(cut[0].words.contains("only the first 32 bits of the number arrive, turned round"), "{cut:?}");
}

#[test]
fn a_card_number_whose_two_bytes_are_swapped_is_explained() {
    let site = site(&["hid-h10301"]);
    for print in ["55057", "D711", "123-55057", "0xD711"] {
        let said = site.said(&h10301(123, 4567), Some(print));
        assert!(said.contains(&("bytes_swapped", Some(123), Some(55_057))), "{print}: {said:?}");
    }
    assert_eq!(site.said(&h10301(123, 4567), Some("124-55057")), [], "of another facility code");
}

#[test]
fn a_facility_code_of_the_site_explains_far_better() {
    let site = site(&["hid-h10301"]);
    let reading = |bits: &str| site.catalog.read(Presentation::of_literal(&bits.parse::<Literal>().unwrap()));
    let card = inverted(&h10301(123, 4567));
    let ask = |facility_codes| Ask { named: &site.named, facility_codes, print: None };
    let said = explain(&reading(&card), &site.catalog, &ask(&[123]));
    assert_eq!((said.len(), said[0].transform, said[0].odds), (1, "inverted", 0.25 / 256.0));
    assert_eq!(explain(&reading(&card), &site.catalog, &ask(&[31])), [], "no card of this site");
}

#[test]
fn two_that_explain_equally_well_are_both_shown_with_the_same_odds() {
    let site = site(&["hid-h10301"]);
    let mut seeded = Seeded(1);
    let ask = Ask { named: &site.named, facility_codes: &[], print: None };
    let (mut one, mut both) = (0, 0);
    for _ in 0..400 {
        let bits = seeded.bits(27);
        let reading = site.catalog.read(Presentation { bits: Some(bits), ..Presentation::of(Kind::Wiegand) });
        let said = explain(&reading, &site.catalog, &ask);
        assert!(said.iter().all(|found| found.odds == 0.5), "a bit too many at either end: two chances of a quarter each");
        match said.len() {
            1 => one += 1,
            2 => both += 1,
            _ => {}
        }
    }
    assert!(both > 5 && one > both, "{both} of 400 were explained in both ways, {one} in one");
}

#[test]
fn a_print_of_another_card_is_not_explained_away() {
    let site = site(&[]);
    assert_eq!(site.said("26#2f63234", Some("200581")), []);
}

/// Pseudo-random numbers of a fixed seed.
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
}

/// 12,000 random frames with a random print, 12,000 without one, and as many at a site that lists its facility codes.
#[test]
fn random_frames_are_explained_no_more_often_than_the_odds_say() {
    const FRAMES: u32 = 12_000;
    const LENGTHS: [usize; 12] = [24, 25, 26, 27, 30, 32, 34, 35, 36, 37, 40, 56];
    let mut seeded = Seeded(0x9E37_79B9_7F4A_7C15);
    let site = site(&[]);
    for (printed, facility_codes) in [(true, &[][..]), (false, &[]), (false, &[123, 31])] {
        let mut least = Vec::new();
        for at in 0..FRAMES {
            let bits = seeded.bits(LENGTHS[at as usize % LENGTHS.len()]);
            let reading = site.catalog.read(Presentation { bits: Some(bits), ..Presentation::of(Kind::Wiegand) });
            let print = format!("{:05}", seeded.next() % 65_536);
            let ask = Ask { named: &[], facility_codes, print: printed.then_some(print.as_str()) };
            least.extend(explain(&reading, &site.catalog, &ask).iter().map(|found| found.odds).reduce(f64::min));
        }
        for odds in [0.9, 0.5, 0.25, 0.1, 0.03, 0.01, 0.003] {
            let expected = odds * f64::from(FRAMES);
            let found = least.iter().filter(|found| **found <= odds).count() as f64;
            // Four standard deviations: one in 30,000 such tests would fail by chance, were the seed not fixed.
            assert!(found <= expected + 4.0 * expected.sqrt(), "odds {odds}: {found} of {FRAMES}, printed: {printed}");
        }
        assert!(printed || !least.is_empty(), "something is explained by chance, else nothing was tried");
    }
}

#[test]
fn a_damaged_frame_is_not_explained() {
    let site = site(&[]);
    let literal: Literal = "11110010111011111111100011".parse().unwrap();
    let damage = Some(crate::card::Damage { by: "a dialect".to_owned(), detail: String::new() });
    let reading = site.catalog.read(Presentation { damage, ..Presentation::of_literal(&literal) });
    assert_eq!(reading.verdict, Verdict::Damaged);
    assert!(explain(&reading, &site.catalog, &Ask { named: &[], facility_codes: &[], print: None }).is_empty());
}
