//! A site's own protocol files: they add, they replace by saying so, and what is broken is never used.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::fs;

use support::{ADA, CARD, Simulator, Site};

/// H10301 as this site draws it: 10 bits of facility code.
const OURS: &str = "id = \"our-26\"\nname = \"Our own 26 bits\"\nsource = \"the vendor\"\nconfidence = \"documented\"\n\
    layout = \"\"\"\nPFFFFFFFFFFNNNNNNNNNNNNNNP\nEXXXXXXXXXXXX.............\n.............XXXXXXXXXXXXO\n\"\"\"\n\
    [fields]\nF = \"facility_code\"\nN = \"card_number\"\n\
    [[sample]]\nsource = \"a card of ours\"\nbits = \"{26}BD88EB80\"\nfacility_code = 492\ncard_number = 4567\n";

fn write(site: &Site, name: &str, text: &str) {
    fs::create_dir_all(site.path("own/cards")).unwrap();
    fs::write(site.path("own/cards").join(name), text).unwrap();
}

/// A site with nothing configured but its BluSKY, so that every format speaks.
fn bare() -> Site {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure("");
    site
}

fn fits(site: &Site, literal: &str) -> Vec<String> {
    let read = site.run(&["decode", "--json", "--protocols", "own", literal]);
    assert_eq!(read.code, 0, "{read:?}");
    read.last()["fits"].as_array().unwrap().iter().map(|fit| fit["format"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_sites_own_format_stands_beside_the_built_in_ones() {
    let site = bare();
    write(&site, "ours.toml", OURS);
    assert_eq!(fits(&site, CARD), ["hid-h10301", "indala-26", "our-26"]);
}

#[test]
fn a_format_in_a_file_of_another_name_is_not_passed_over_in_silence_and_what_was_put_away_is() {
    let site = bare();
    for name in ["ours.toml.bak", "ours.toml~", ".ours.toml.swp", "README.md"] {
        write(&site, name, OURS);
    }
    write(&site, "notes.txt", "what these cards are");
    assert_eq!(site.run(&["check", "own"]).code, 0);
    for name in ["ours.txt", "ours.TOML", "ours"] {
        write(&site, name, OURS);
        let checked = site.run(&["check", "own"]);
        assert!(checked.code == 1 && checked.stdout.contains(&format!("{name}:1:1: this file is not read")), "{checked:?}");
        fs::remove_file(site.path("own/cards").join(name)).unwrap();
    }
    fs::create_dir(site.path("empty")).unwrap();
    let checked = site.run(&["check", "empty"]);
    assert!(checked.stderr.contains("empty cannot be read: it has none of these; give a folder with cards/"), "{checked:?}");
    write(&site, "ours.toml", OURS);
    let checked = site.run(&["check", "own/cards/ours.toml"]);
    assert!(checked.stderr.contains("ours.toml cannot be read: it is a file; give a folder with cards/"), "{checked:?}");
}

#[test]
fn a_file_that_stands_where_no_file_is_read_is_not_passed_over_in_silence() {
    let site = bare();
    write(&site, "ours.toml", OURS);
    fs::write(site.path("own/cardbridge.toml"), "[site]\n").unwrap();
    assert_eq!(site.run(&["check", "own"]).code, 0);
    for (folder, said) in [
        ("own", "put it into the folder of its kind: cards/, serial/, "),
        ("own/cards/sub", "put it into cards/ itself"),
        ("own/card", "no folder is called card/; did you mean cards/?"),
        ("own/Serial", "no folder is called Serial/; did you mean serial/?"),
        ("own/elsewhere", "no folder is called elsewhere/; there are cards/, serial/, "),
    ] {
        fs::create_dir_all(site.path(folder)).unwrap();
        fs::write(site.path(folder).join("mine.toml"), OURS.replace("our-26", "mine")).unwrap();
        let checked = site.run(&["check", "own"]);
        let finding = format!("{folder}/mine.toml:1:1: this file is not read: {said}");
        assert!(checked.code == 1 && checked.stdout.contains(&finding), "{finding}: {checked:?}");
        assert!(checked.stderr.starts_with("1 finding;"), "{checked:?}");
        fs::remove_file(site.path(folder).join("mine.toml")).unwrap();
    }
    assert_eq!(site.run(&["check", "own"]).code, 0, "a folder without protocol files is the site's own business");
}

#[test]
fn a_hidden_file_that_an_editor_leaves_is_not_read() {
    let site = bare();
    write(&site, "ours.toml", OURS);
    for name in [".#ours.toml", "._ours.toml", ".ours.toml"] {
        write(&site, name, "not a format");
    }
    std::os::unix::fs::symlink("kim@desk.1234", site.path("own/cards/.#other.toml")).unwrap();
    let checked = site.run(&["check", "own"]);
    assert!(checked.code == 0 && checked.stdout.starts_with("clean: "), "{checked:?}");
}

/// A serial line of this site's own.
const LINE: &str = "id = \"our-line\"\nname = \"Our own line\"\nsource = \"the vendor\"\nconfidence = \"documented\"\nkind = \"csn\"\n\
    [frame]\ncut = \"delimited\"\nstart = \"02\"\nend = \"03\"\nlongest = 16\n[[message]]\npayload = \"{id:hex8}\"\n\
    [[sample]]\nsource = \"a card of ours\"\ntext = \"\\u000204A1B2C3\\u0003\"\nreads = \"csn:04A1B2C3\"\n";

#[test]
fn what_is_wrong_in_a_dialect_is_said_once_in_plain_words_and_at_its_place() {
    let site = bare();
    fs::create_dir_all(site.path("own/serial")).unwrap();
    let checked = |text: &str| {
        fs::write(site.path("own/serial/ours.toml"), text).unwrap();
        site.run(&["check", "own"])
    };
    assert_eq!(checked(LINE).code, 0, "{:?}", checked(LINE));
    let whole = "the sample is not one whole frame of this dialect: ";
    for (there, wrong, said) in [
        ("\"{id:hex8}\"", "\"{id:hex\"", "ours.toml:12:12: character 1: expected text, bytes such as".to_owned()),
        ("\"{id:hex8}\"", "5", "ours.toml:12:11: `message.payload` is an integer; it must be a text in quotes".to_owned()),
        ("payload = \"{id:hex8}\"", "short = true", "ours.toml:11:1: `message.payload` is missing".to_owned()),
        ("\"{id:hex8}\"", "\"{id:hex10}\"", format!("{whole}nothing in it is cut as [frame] says and described by a [[message]]")),
        ("end = \"03\"", "end = \"04\"", format!("{whole}what begins at its byte 1 has no end")),
        ("\\u0003\"", "\\u0003\\u000204\"", "a sample is one frame, and this one has 3 bytes more behind its frame".to_owned()),
        ("text = \"", "text = \"12", format!("{whole}its first 2 bytes are not part of the frame that is found behind them")),
    ] {
        let checked = checked(&LINE.replace(there, wrong));
        assert!(checked.code == 1 && checked.stdout.contains(&said) && checked.stderr.starts_with("1 finding;"), "{said}: {checked:?}");
    }
}

/// A card script of this site's own.
const SCRIPT: &str = "id = \"our-card\"\nname = \"Our own card\"\nsource = \"the vendor\"\nconfidence = \"documented\"\nkind = \"csn\"\n\
    [[when]]\natr = \"3B 81 80 01 80 80\"\n[[step]]\nsay = \"FF CA 00 00 00\"\ntake = \"bytes\"\n\
    [[sample]]\nsource = \"a card of ours\"\natr = \"3B 81 80 01 80 80\"\nanswers = [\"04 A1 B2 C3 90 00\"]\nreads = \"csn:04A1B2C3\"\n";

#[test]
fn a_card_script_that_is_not_for_the_card_of_its_own_sample_does_not_load() {
    let site = bare();
    fs::create_dir_all(site.path("own/smartcards")).unwrap();
    let checked = |text: &str| {
        fs::write(site.path("own/smartcards/ours.toml"), text).unwrap();
        site.run(&["check", "own"])
    };
    assert_eq!(checked(SCRIPT).code, 0, "{:?}", checked(SCRIPT));
    // In which reader the card of the sample lay, nobody knows.
    let in_a_reader = SCRIPT.replace("80 80\"\n[[step]]", "80 80\"\nreader = \"OMNIKEY*\"\n[[step]]");
    assert_eq!(checked(&in_a_reader).code, 0);
    for wrong in [SCRIPT.replacen("80 80\"", "80 81\"", 1), SCRIPT.replace("[[when]]", "[[unless]]")] {
        let checked = checked(&wrong);
        assert!(checked.code == 1 && checked.stdout.contains("ours.toml:11:1: the script is not for this card"), "{checked:?}");
    }
}

#[test]
fn a_sites_own_format_replaces_a_built_in_one_by_saying_so() {
    let site = bare();
    write(&site, "ours.toml", &OURS.replace("layout", "replaces = \"hid-h10301\"\naliases = [\"H10301\"]\nlayout"));
    assert_eq!(fits(&site, CARD), ["indala-26", "our-26"]);
    let shown = site.run(&["formats", "H10301", "--protocols", "own"]);
    assert!(shown.stdout.starts_with("our-26"), "{shown:?}");
}

#[test]
fn replacing_what_is_not_there_is_a_finding_with_its_line() {
    let site = bare();
    write(&site, "ours.toml", &OURS.replace("layout", "replaces = \"hid-h1031\"\nlayout"));
    let checked = site.run(&["check", "own"]);
    assert_eq!(checked.code, 1);
    assert!(checked.stdout.contains("ours.toml:5:1: `replaces` names `hid-h1031`"), "{checked:?}");
}

#[test]
fn of_the_first_sample_of_a_new_format_either_half_is_enough_to_be_told_the_other() {
    let site = bare();
    let (head, _) = OURS.split_once("[[sample]]").unwrap();
    for (sample, told) in [
        ("", "give its `source`, and the `bits` that a card sends or its numbers"),
        ("[[sample]]\nsource = \"a card\"\nbits = \"{26}BD88EB80\"\n", "read as facility_code = 492, card_number = 4567; if that is right"),
        ("[[sample]]\nsource = \"a card\"\nfacility_code = 492\ncard_number = 4567\n", "`bits = \"{26}BD88EB80\"`: if a card sends that"),
        ("[[sample]]\nsource = \"a card\"\nfacility_code = 1024\ncard_number = 4567\n", "numbers cannot be encoded"),
    ] {
        write(&site, "ours.toml", &format!("{head}{sample}"));
        let checked = site.run(&["check", "own"]);
        assert!(checked.code == 1 && checked.stdout.contains(told), "{sample}: {checked:?}");
    }
}

#[test]
fn a_file_that_is_left_out_replaces_nothing() {
    let site = bare();
    write(&site, "ours.toml", &OURS.replace("layout", "replaces = \"hid-h10301\"\naliases = [\"ind26\"]\nlayout"));
    assert_eq!(fits(&site, CARD), ["hid-h10301", "indala-26"]);
}

#[test]
fn a_site_that_names_what_a_broken_file_replaces_is_refused() {
    let site = Site::at("http://127.0.0.1:9", "");
    let broken = OURS.replace("layout", "replaces = \"hid-h10301\"\nlayout").replace(".XXXXXXXXXXXXO", ".XXXXXXXXXXXO");
    write(&site, "ours.toml", &broken);
    let refused = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--protocols", "own"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("ours.toml, or is replaced there, and that file has findings"), "{refused:?}");
}

#[test]
fn a_broken_file_stops_a_site_that_names_it_and_warns_one_that_does_not() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    write(&site, "ours.toml", &OURS.replace("card_number = 4567", "card_number = 4568"));
    let enroll = ["enroll", "--user", ADA, "--bits", CARD, "--protocols", "own"];
    let warned = site.run(&enroll);
    assert_eq!(warned.code, 0, "{warned:?}");
    assert!(warned.stderr.contains("ours.toml") && warned.stderr.contains("left out"), "{warned:?}");
    let configuration = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&configuration.replace("formats = [\"H10301\"]", "formats = [\"H10301\", \"our-26\"]"));
    for command in [&enroll[..], &["run", "--protocols", "own"]] {
        let refused = site.run(command);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains("`our-26` stands in own/cards/ours.toml"), "{refused:?}");
    }
    assert_eq!(blusky.cards().len(), 1);
}

#[test]
fn a_format_known_from_a_table_speaks_once_the_site_or_a_card_type_names_it() {
    let site = bare();
    let literal = site
        .run(&[
            "encode",
            "--format",
            "TWIC58",
            "--field",
            "agency=9999",
            "--field",
            "system=1234",
            "--card-number",
            "567890",
            "--field",
            "series=1",
            "--issue-code",
            "2",
            "--json",
        ])
        .last()["bits"]
        .as_str()
        .unwrap()
        .to_owned();
    let reads = |site: &Site| site.run(&["decode", "--json", &literal]).last()["fits"].as_array().unwrap().len();
    assert_eq!(reads(&site), 0);
    site.configure("[site]\nformats = [\"TWIC58\"]\n");
    assert_eq!(reads(&site), 1);
    site.configure("[[card_type]]\nblusky = 9\nformats = [\"twic-58\"]\nsystem = \"309fbabb-0642-44e1-b262-67442dc491ed\"\n");
    assert_eq!(reads(&site), 1);
}

/// A file that draws this, and proves it with these bits and numbers.
fn file(id: &str, drawing: &str, sample: &str) -> String {
    format!(
        "id = \"{id}\"\nname = \"Ours\"\nsource = \"the vendor\"\nconfidence = \"documented\"\n{drawing}\n\
         [[sample]]\nsource = \"a card of ours\"\n{sample}\n"
    )
}

#[test]
fn every_word_of_the_drawing_language_is_read_and_written() {
    let site = bare();
    let number = "[fields]\nN = \"card_number\"\n";
    let day = format!("dates = [\"D\"]\nlayout = \"{}{}\"\n{number}D = \"expiry\"\n", "N".repeat(8), "D".repeat(25));
    for (id, drawing, sample) in [
        ("shifted", format!("layout = \"NNNNNNNN\"\n{number}[add]\nN = 1000\n"), "bits = \"00000111\"\ncard_number = 1007"),
        ("shifted-down", format!("layout = \"NNNNNNNN\"\n{number}[add]\nN = -5\n"), "bits = \"00000111\"\ncard_number = 2"),
        ("turned", format!("layout = \"NNNNNNNN\"\n{number}[xor]\nN = 0b10101010\n"), "bits = \"10101011\"\ncard_number = 1"),
        ("turned-and-shifted", format!("layout = \"NNNN\"\n{number}[xor]\nN = 15\n[add]\nN = 100\n"), "bits = \"1100\"\ncard_number = 103"),
        ("between", format!("layout = \"NNNN\"\n{number}[least]\nN = 3\n[most]\nN = 9\n"), "bits = \"0011\"\ncard_number = 3"),
        (
            "digits-reversed",
            format!("bcd = [\"N\"]\nlast_byte_first = [\"N\"]\nlayout = \"{}\"\n{number}", "N".repeat(24)),
            "bits = \"{24}563412\"\ncard_number = 123456",
        ),
        ("day", day.clone(), "bits = \"000001111001101011100010110101111\"\ncard_number = 7\nexpiry = 20301231"),
        ("no-day", day.clone(), "bits = \"000001111001101011100000111000111\"\ncard_number = 7\nexpiry = 20300231"),
        ("another", format!("never = [\"1000....\"]\nlayout = \"NNNNNNNN\"\n{number}"), "bits = \"10010000\"\ncard_number = 144"),
        ("unjudged", format!("layout = \"\"\"\nNNNNP\nXXXXe\n\"\"\"\n{number}"), "bits = \"00011\"\ncard_number = 1"),
        ("unjudged-wrong", format!("layout = \"\"\"\nNNNNP\nXXXXo\n\"\"\"\n{number}"), "bits = \"00011\"\ncard_number = 1"),
        (
            "digits",
            format!("kinds = [\"track2\"]\ntrack = \";N+?\"\n{number}"),
            "bits = \"0001101010000010001111111100\"\ncard_number = 12",
        ),
        (
            "pad",
            "never_a_card = true\nlayout = \"KKKK\"\n[fields]\nK = \"key\"\n[keys]\n\"0\" = 10\n\"5\" = 5\n".into(),
            "bits = \"1010\"\nkey = 0",
        ),
    ] {
        write(&site, &format!("{id}.toml"), &file(id, &drawing, sample));
    }
    let checked = site.run(&["check", "own"]);
    let findings: Vec<&str> = checked.stdout.lines().collect();
    // The one mistake: a day that there is not.
    assert_eq!(findings.len(), 1, "{checked:?}");
    assert!(findings[0].contains("no-day.toml") && findings[0].contains("expiry is no day from 2000 to 2099"), "{checked:?}");
}

#[test]
fn every_mistake_in_a_field_is_named() {
    let site = bare();
    let number = "[fields]\nN = \"card_number\"\n";
    for (id, drawing, finding) in [
        (
            "a",
            format!("last_byte_first = [\"N\"]\nlayout = \"NNNN\"\n{number}"),
            "`last_byte_first` cannot be said of `N`, which has 4 bits",
        ),
        ("b", format!("dates = [\"D\"]\nlayout = \"NNNN\"\n{number}"), "`dates` names `D`, which is no letter"),
        ("c", format!("never = [\"1\"]\nlayout = \"NNNN\"\n{number}"), "a row of `never` has 4 columns"),
        ("d", format!("layout = \"NNNN\"\n{number}[least]\nN = 9\n[most]\nN = 3\n"), "can have no value at all"),
        ("e", format!("layout = \"NNNN\"\n{number}[keys]\n\"5\" = 5\n"), "`keys` says what a field named `key` sends"),
        ("f", "layout = \"KKKK\"\n[fields]\nK = \"key\"\n".to_owned(), "add never_a_card = true"),
        ("g", format!("never_a_card = true\nlayout = \"NNNN\"\n{number}"), "has a field named key or pin, and none named card_number"),
        ("h", format!("track = \"NN?\"\n{number}"), "a track begins with ;"),
        ("i", format!("bcd = [\"N\"]\nlayout = \"NNNN\"\n{number}[xor]\nN = 1\n"), "`xor` turns over the bits of a binary number"),
    ] {
        write(&site, &format!("{id}.toml"), &file(id, &drawing, "bits = \"0001\"\ncard_number = 1"));
        let checked = site.run(&["check", "own"]);
        assert_eq!(checked.code, 1, "{id}");
        assert!(checked.stdout.contains(finding), "{id}: {checked:?}");
        fs::remove_file(site.path("own/cards").join(format!("{id}.toml"))).unwrap();
    }
}

/// H10301 as it is built in, with other letters and its rows in another order.
const SAME: &str = "id = \"ours\"\nname = \"Ours\"\nsource = \"the vendor\"\nconfidence = \"documented\"\n\
    layout = \"\"\"\nPAAAAAAAABBBBBBBBBBBBBBBBP\n.............XXXXXXXXXXXXO\nEXXXXXXXXXXXX.............\n\"\"\"\n\
    [fields]\nA = \"facility_code\"\nB = \"card_number\"\n\
    [[sample]]\nsource = \"a card of ours\"\nbits = \"{26}BD88EB80\"\nfacility_code = 123\ncard_number = 4567\n";

#[test]
fn a_format_that_is_a_built_in_one_under_another_name_is_said_and_is_no_finding() {
    let site = bare();
    write(&site, "ours.toml", SAME);
    let checked = site.run(&["check", "own"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.stdout.starts_with("clean:") && checked.stderr.contains("ours.toml: `ours` is `hid-h10301` under another name"));
    for other in [
        SAME.replace("A = \"facility_code\"", "A = \"system\"").replace("facility_code = 123", "system = 123"),
        SAME.replace("[fields]", "replaces = \"hid-h10301\"\n[fields]"),
        OURS.to_owned(),
    ] {
        write(&site, "ours.toml", &other);
        let checked = site.run(&["check", "own"]);
        assert!(checked.code == 0 && !checked.stderr.contains("under another name"), "{checked:?}");
    }
}

#[test]
fn files_that_an_editor_of_windows_saved_are_read() {
    let site = bare();
    let utf_16 = |text: &str| format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    fs::create_dir_all(site.path("own/cards")).unwrap();
    fs::write(site.path("own/cards/ours.toml"), utf_16(OURS)).unwrap();
    fs::write(site.path("cardbridge.toml"), utf_16("[site]\nformats = [\"our-26\"]\n")).unwrap();
    let read = site.run(&["decode", "--json", "--protocols", "own", CARD]);
    assert_eq!((read.code, read.last()["decided_by"].as_str()), (0, Some("policy")), "{read:?}");
    fs::write(site.path("cardbridge.toml"), [0x80, 0x81]).unwrap();
    let refused = site.run(&["decode", CARD]);
    assert!(refused.code == 2 && refused.stderr.contains("save it as UTF-8") && !refused.stderr.contains("--config"), "{refused:?}");
}
