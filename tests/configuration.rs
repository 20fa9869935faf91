//! What a configuration cannot mean is said when it is read, with its file, line and column, and not when it is needed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::path::Path;

use cardbridge::{config::Config, protocols::Protocols};

fn parsed(text: &str) -> Result<Config, String> {
    Config::parse("site.toml", text, Path::new("/site"), &Protocols::built_in()).map_err(|error| error.to_string())
}

#[test]
fn a_language_that_the_page_does_not_speak_is_named_with_its_place() {
    for (language, more) in [("fr", ""), ("", ""), ("EN", ""), ("den", "; did you mean \"de\"?")] {
        let why = parsed(&format!("[desk]\nlanguage = \"{language}\"\n")).expect_err("nobody speaks it");
        let said = format!(": `desk.language` is {language:?}, and the page speaks en, de");
        assert!(why.starts_with("site.toml:2:1") && why.contains(&said) && why.contains(more), "{why}");
    }
    for language in ["en", "de"] {
        assert_eq!(parsed(&format!("[desk]\nlanguage = \"{language}\"\n")).unwrap().desk.unwrap().language, language);
    }
}

#[test]
fn two_readers_are_not_attached_to_one_device() {
    let reader = |name: &str, at: &str| format!("[[reader]]\nname = \"{name}\"\n{at}\ndialect = \"rdm6300\"\n");
    let two = |one: &str, other: &str| parsed(&format!("{}{}", reader("desk", one), reader("door", other)));
    let why = two("serial = \"/dev/ttyUSB0\"", "serial = \"/dev/ttyUSB0\"").expect_err("one line");
    assert!(why.contains("site.toml:5:1: two serial readers are on /dev/ttyUSB0; one line has one"), "{why}");
    two("serial = \"/dev/ttyUSB0\"", "serial = \"/dev/ttyUSB1\"").unwrap();
    // Of two devices that say the same of themselves each reader takes another one.
    two("usb = \"0403:6001\"", "usb = \"0403:6001\"").unwrap();
    let typist =
        |name: &str, at: &str| format!("[[reader]]\nname = \"{name}\"\nkeyboard = \"{at}\"\ntemplate = \"{{card_number:dec10}}\"\n");
    let typists = |one: &str, other: &str| parsed(&format!("{}{}", typist("desk", one), typist("door", other)));
    let why = typists("/dev/input/by-id/one", "/dev/input/by-id/one").expect_err("one device");
    assert!(why.contains("site.toml:5:1: two readers that type are at /dev/input/by-id/one; one device is one reader"), "{why}");
    typists("/dev/input/by-id/one", "/dev/input/by-id/two").unwrap();
    typists("0c27:3bfa", "0c27:3bfa").unwrap();
}
