//! What `encode` prints, `decode` reads as the same card of the same format; what would be another card, it does not make.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use cardbridge::{
    card::{Kind, Literal, Presentation},
    protocols::Protocols,
};
use support::Site;

fn bare() -> Site {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure("");
    site
}

/// What the command prints first for one number.
fn encoded(site: &Site, format: &str, card_number: &str) -> String {
    let ended = site.run(&["encode", "--format", format, "--card-number", card_number]);
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout.lines().next().unwrap().to_owned()
}

#[test]
fn a_card_that_is_encoded_is_printed_as_decode_takes_its_kind() {
    let site = bare();
    for (format, number, literal) in
        [("em4100-32", "401829", "em4100:00000621A5"), ("csn-4-byte", "1724861890", "csn:66CF4DC2"), ("hid-h10302", "98765", "{37}")]
    {
        let printed = encoded(&site, format, number);
        assert!(printed.starts_with(literal), "{format}: {printed}");
        let decoded = site.run(&["decode", "--json", &printed]).last().clone();
        let fits = decoded["fits"].as_array().unwrap();
        let said = fits.iter().find(|fit| fit["format"] == format).unwrap_or_else(|| panic!("{decoded:#}"));
        assert_eq!(said["card_number"].to_string().trim_matches('"'), number);
        let json = site.run(&["encode", "--json", "--format", format, "--card-number", number]).last().clone();
        assert_eq!((&json["literal"], &json["bits"]), (&decoded["input"], &decoded["bits"]));
    }
    // What decode has no word for is said, so that nobody takes it for a Wiegand card.
    let ended = site.run(&["encode", "--format", "number-64", "--card-number", "98765"]);
    assert!(ended.code == 0 && ended.stdout.starts_with("{64}") && ended.stderr.contains("for a Wiegand card's"), "{ended:?}");
    assert!(site.run(&["encode", "--json", "--format", "number-64", "--card-number", "98765"]).last()["literal"].is_null());
}

#[test]
fn a_card_that_the_format_itself_refuses_is_not_made() {
    let site = bare();
    for number in ["134217728", "2281701376"] {
        let ended = site.run(&["encode", "--format", "csn-4-byte", "--card-number", number]);
        assert!(ended.code == 2 && ended.stdout.is_empty(), "{ended:?}");
        assert!(
            ended.stderr.contains("csn-4-byte refuses the card that these numbers make: the bits are those of another thing"),
            "{ended:?}"
        );
    }
}

#[test]
fn the_numbers_of_every_sample_of_every_format_are_encoded_to_what_decode_reads_as_the_same() {
    let protocols = Protocols::built_in();
    let every: Vec<String> = protocols.formats.iter().map(|format| format.format.id.to_string()).collect();
    let catalog = protocols.catalog(&every);
    let (mut count, mut wrong) = (0, Vec::new());
    for format in &protocols.formats {
        for sample in &format.samples {
            let Some(literal) = format.encode(&sample.credential).ok().and_then(|bits| format.literal(&bits)) else {
                let has_literals = [Kind::Wiegand, Kind::Csn, Kind::Em4100].iter().any(|kind| format.kinds.contains(kind));
                wrong.extend(has_literals.then(|| format!("{}: no literal", format.format.id)));
                continue;
            };
            let literal: Literal = literal.to_string().parse().unwrap();
            let reading = catalog.read(Presentation::of_literal(&literal));
            let is_same = |name: &str, value: u128| {
                reading.fits.iter().any(|fit| fit.format == format.format.id && fit.credential.number(name) == Some(value))
            };
            let differs = sample.credential.numbers().find(|(name, value)| !is_same(name, *value)).map(|(name, _)| name.to_string());
            wrong.extend(differs.map(|name| format!("{} {literal}: {name}", format.format.id)));
            count += 1;
        }
    }
    assert!(wrong.is_empty() && count > 100, "{count}:\n{}", wrong.join("\n"));
}
