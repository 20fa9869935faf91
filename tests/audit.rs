//! What is promised of the record: it says what happened, it is noticed when it is not whole, and one person can be erased from it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::fs;

use serde_json::Value;
use support::{ADA, GRACE, Simulator, Site, h10301};

const PIN: &str = "9041763";

fn site_with_people(base_url: &str, more: &str) -> Site {
    let site = Site::at(base_url, &format!("[people]\nfile = \"people.csv\"\n{more}"));
    let people =
        format!("user_id,first_name,last_name,employee_number\n{ADA},Adelheid,Loewenstein,181544\n{GRACE},Gracchus,Hopperton,190637\n");
    fs::write(site.path("people.csv"), people).unwrap();
    site
}

/// Enrolls a card of this number, with a PIN.
fn enroll(site: &Site, user: &str, number: u32) -> i32 {
    site.keep("pin", PIN);
    site.run(&["enroll", "--user", user, "--bits", &h10301(123, number), "--pin-file", "pin", "--json"]).code
}

fn verified(site: &Site, more: &[&str]) -> (i32, String) {
    let ended = site.run(&[&["audit", "verify"], more].concat());
    (ended.code, ended.stdout)
}

/// True where these bytes stand in a file of the store, in either case.
fn holds(site: &Site, wanted: &[u8]) -> bool {
    let files = fs::read_dir(site.folder.path()).unwrap().map(|file| file.unwrap().path());
    let of_store = files.filter(|path| path.is_file() && path.file_name().unwrap().to_str().unwrap().starts_with("cardbridge.db"));
    let lower = wanted.to_ascii_lowercase();
    of_store.into_iter().any(|path| fs::read(path).unwrap().to_ascii_lowercase().windows(lower.len()).any(|window| window == lower))
}

#[test]
fn the_record_says_who_when_for_whom_what_was_sent_and_what_was_answered_and_no_pin() {
    let blusky = Simulator::start(&[]);
    let site = site_with_people(&blusky.base_url, "");
    assert_eq!(enroll(&site, "181544", 4567), 0);
    let told = site.run(&["audit", "export", "--json"]);
    let records: Vec<Value> = told.lines();
    let (saved, last) = (&records[0], records.last().unwrap());
    let answered = records.iter().find(|record| record["event"] == "answered").unwrap();
    assert_eq!((saved["event"].as_str(), saved["call"].as_str()), (Some("saved"), Some("add_user_card")), "{saved}");
    assert_eq!(saved["origin"]["person"]["name"], "Adelheid Loewenstein");
    assert_eq!(saved["sent"]["user_id"], ADA);
    assert!(saved["origin"]["ordered_by"].is_string() && saved["origin"]["card"]["bits"].is_string(), "{saved}");
    assert_eq!(last["record"].as_u64(), Some(records.len() as u64), "{last}");
    assert!(answered["step"].to_string().contains("Success"), "{answered}");
    let table = site.run(&["audit", "export"]).stdout;
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let headings = rows.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), records.len());
    let column = |name: &str| headings.iter().position(|heading| heading == name).unwrap();
    assert_eq!(&rows[0][column("name")], "Adelheid Loewenstein");
    assert_eq!(&rows[0][column("card_number")], "4567");
    assert!(rows[0][column("fits")].contains("hid-h10301") && !rows[0][column("verdict")].is_empty(), "{:?}", rows[0]);
    assert!(!told.stdout.contains(PIN) && !table.contains(PIN));
}

#[test]
fn what_is_changed_taken_out_or_put_elsewhere_is_found() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    for number in 1..4 {
        assert_eq!(enroll(&site, ADA, number), 0);
    }
    let whole = fs::read(site.path("cardbridge.db")).unwrap();
    assert_eq!(verified(&site, &[]).0, 0);
    for spoil in [
        "UPDATE step SET body = body || ' ' WHERE seq = (SELECT max(seq) FROM step)",
        "UPDATE entry SET body = replace(body, '123', '321') WHERE number = 2",
        "DELETE FROM step WHERE entry = (SELECT id FROM entry WHERE number = 3) AND n = 1",
        "DELETE FROM entry WHERE number = 1",
        "UPDATE entry SET seq = seq + 1000 WHERE number = 2",
        "INSERT INTO list (name, at, body) VALUES ('people added at https://blusky.example', '2026-01-01T00:00:00Z', '')",
        "UPDATE step SET body = '', salt = NULL WHERE entry = (SELECT id FROM entry WHERE number = 2)",
    ] {
        fs::write(site.path("cardbridge.db"), &whole).unwrap();
        let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
        store.execute_batch(&format!("PRAGMA foreign_keys = OFF; {spoil}")).unwrap();
        drop(store);
        let (code, said) = verified(&site, &[]);
        assert!(code == 1 && !said.is_empty(), "{spoil}: {said}");
    }
}

#[test]
fn a_record_whose_end_was_cut_off_is_found_with_an_anchor_alone() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    assert_eq!(enroll(&site, ADA, 1), 0);
    let earlier = fs::read(site.path("cardbridge.db")).unwrap();
    assert_eq!(enroll(&site, ADA, 2), 0);
    assert_eq!(site.run(&["audit", "verify", "--anchor", "anchor"]).code, 1, "there is none yet");
    assert_eq!(site.run(&["audit", "accept", "--anchor", "anchor"]).code, 0);
    assert_eq!(verified(&site, &["--anchor", "anchor"]).0, 0);
    assert_eq!(enroll(&site, ADA, 3), 0);
    assert_eq!(verified(&site, &["--anchor", "anchor"]).0, 0, "a record goes on behind its anchor");
    fs::write(site.path("cardbridge.db"), earlier).unwrap();
    assert_eq!(verified(&site, &[]).0, 0, "nobody can tell without the anchor");
    let (code, said) = verified(&site, &["--anchor", "anchor"]);
    assert!(code == 1 && said.contains("cut off"), "{said}");
}

#[test]
fn a_store_older_than_its_anchor_sends_nothing_until_a_person_accepts_it() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[store]\nanchor = \"elsewhere/anchor\"\n");
    fs::create_dir(site.path("elsewhere")).unwrap();
    assert_eq!(enroll(&site, ADA, 1), 0);
    let earlier = fs::read(site.path("cardbridge.db")).unwrap();
    assert_eq!(enroll(&site, ADA, 2), 0);
    fs::write(site.path("cardbridge.db"), earlier).unwrap();
    let sent = blusky.sent();
    for command in [&["enroll", "--user", ADA, "--bits", &h10301(123, 3)][..], &["outbox", "deliver"], &["run"]] {
        let refused = site.run(command);
        assert!(refused.code == 1 && refused.stderr.contains("cardbridge audit accept"), "{command:?}: {refused:?}");
    }
    assert_eq!(blusky.sent(), sent);
    assert_eq!(site.run(&["audit", "accept"]).code, 0);
    assert_eq!(enroll(&site, ADA, 3), 0);
    assert_eq!(blusky.sent(), sent + 1);
}

#[test]
fn what_waits_in_a_store_that_was_put_back_is_looked_for_before_anything_of_it_is_sent() {
    let mut blusky = Simulator::start(&["--allow-double"]);
    let (address, anchor) = (blusky.base_url.trim_start_matches("http://").to_owned(), "[store]\nanchor = \"elsewhere/anchor\"\n");
    let site = Site::at(&blusky.base_url, anchor);
    fs::create_dir(site.path("elsewhere")).unwrap();
    blusky.goes();
    assert_eq!(enroll(&site, ADA, 1), 3);
    let earlier = fs::read(site.path("cardbridge.db")).unwrap();
    let blusky = Simulator::on(&address, &["--allow-double"]);
    let delivered =
        |site: &Site| site.wait_for_outbox(|entries| site.run(&["outbox", "deliver"]).code < 2 && entries[0]["state"] == "accepted");
    delivered(&site);
    assert_eq!(blusky.sent(), 1);
    fs::write(site.path("cardbridge.db"), earlier).unwrap();
    let accepted = site.run(&["audit", "accept"]);
    assert!(accepted.code == 0 && accepted.stderr.contains("one entry may have been sent already"), "{accepted:?}");
    assert_eq!(site.outbox()[0]["state"], "in_doubt");
    delivered(&site);
    assert_eq!((blusky.sent(), blusky.cards().len()), (1, 1));
    assert_eq!(verified(&site, &["--anchor", "elsewhere/anchor"]).0, 0);
}

#[test]
fn nothing_of_an_erased_person_is_left_and_the_chain_holds() {
    let blusky = Simulator::start(&[]);
    let site = site_with_people(&blusky.base_url, "");
    for number in 0..30 {
        assert_eq!(enroll(&site, if number % 3 == 0 { ADA } else { GRACE }, 41000 + number), 0);
    }
    // What BluSKY was asked last.
    let list = format!("INSERT INTO list (name, at, body) VALUES ('cards', '2026-01-01T00:00:00Z', '[\"{}\"]')", ADA.to_uppercase());
    rusqlite::Connection::open(site.path("cardbridge.db")).unwrap().execute_batch(&list).unwrap();
    let (name, card) = (b"Loewenstein", h10301(123, 41003));
    let card = card.split('}').nth(1).unwrap();
    assert!(holds(&site, name) && holds(&site, ADA.as_bytes()) && holds(&site, card.as_bytes()), "it is there before");
    let before = verified(&site, &[]).1;
    let erased = site.run(&["audit", "erase", "--user", "181544", "--as", "the data protection officer"]);
    assert_eq!(erased.code, 0, "{erased:?}");
    assert!(erased.stdout.contains("10 entries erased"), "{erased:?}");
    for gone in [&name[..], b"Adelheid", b"181544", ADA.as_bytes(), card.as_bytes(), b"41003"] {
        assert!(!holds(&site, gone), "{}", String::from_utf8_lossy(gone));
    }
    assert!(holds(&site, GRACE.as_bytes()), "the others stay");
    let after = verified(&site, &[]);
    assert!(after.0 == 0 && after.1 != before, "{after:?}");
    assert_eq!(site.outbox().len(), 20);
    assert_eq!(site.run(&["outbox", "list"]).stderr, "", "nothing is damaged");
    let told = site.run(&["audit", "export", "--json"]).lines();
    let by = told.iter().filter(|record| record["event"] == "erased").map(|record| record["step"]["by"].as_str().unwrap());
    assert_eq!(by.collect::<Vec<_>>(), ["the data protection officer"; 10]);
    assert_eq!(enroll(&site, GRACE, 42000), 0, "the record goes on");
    assert_eq!(verified(&site, &[]).0, 0);
    assert_eq!(site.run(&["audit", "erase", "--user", ADA]).stdout, "0 entries erased\n", "once is enough");
}

#[test]
fn an_erased_person_is_gone_from_the_kept_list_of_people_and_the_others_stay_in_it() {
    let blusky = Simulator::start(&[]);
    let company = "6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8";
    let site = Site::at(&blusky.base_url, &format!("[people]\nblusky = {{ occupancy = [\"{company}\"] }}\n"));
    let add = |first: &str, last: &str, number: &str| {
        let who = ["user", "add", "--first-name", first, "--last-name", last, "--employee-number", number, "--facility-id", company];
        let of = ["--ac-system-id", company, "--company-instance-type", "1", "--company-instance-id", company, "--json"];
        let ended = site.run(&[&who[..], &of[..]].concat());
        ended.last()["value"].as_str().unwrap().to_owned()
    };
    let (gone, stays) = (add("Adelheid", "Loewenstein", "181544"), add("Grace", "Hopper", "190644"));
    assert_eq!(site.run(&["lookup", "users"]).code, 0);
    assert!(holds(&site, b"Loewenstein") && holds(&site, gone.as_bytes()), "it is there before");
    let erased = site.run(&["audit", "erase", "--user", &gone, "--json"]);
    assert_eq!((erased.code, &erased.last()["was_listed"]), (0, &serde_json::json!(true)), "{erased:?}");
    for text in [&b"Loewenstein"[..], b"Adelheid", b"181544", gone.as_bytes()] {
        assert!(!holds(&site, text), "{}", String::from_utf8_lossy(text));
    }
    let kept = site.run(&["lookup", "users", "--max-age", "600", "--json"]).lines();
    assert_eq!(kept.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), [&stays]);
    // They are in BluSKY still, and its next list says so.
    assert_eq!(site.run(&["lookup", "users", "--json"]).lines().len(), 2);
    assert!(holds(&site, b"Loewenstein"));
}

#[test]
fn an_erased_person_is_blotted_out_of_what_was_answered_to_others_and_the_answer_stays() {
    let people = tempfile::NamedTempFile::new().unwrap();
    let ada = format!("user_id,first_name,last_name,employee_number\n{ADA},Ada,Lovelace,181544\n");
    fs::write(people.path(), format!("{ada}{GRACE},Grace,Hopper,190637\n")).unwrap();
    let blusky = Simulator::start(&["--people", people.path().to_str().unwrap()]);
    let site = site_with_people(&blusky.base_url, "");
    fs::write(site.path("people.csv"), ada).unwrap();
    assert_eq!((enroll(&site, "181544", 1), enroll(&site, GRACE, 1)), (0, 1));
    let held = |site: &Site| site.outbox().into_iter().find(|entry| entry["user_id"] == GRACE).unwrap();
    let before = held(&site);
    assert!(before["description"].as_str().unwrap().contains("Lovelace, Ada"), "it is there before: {before}");
    let erased = site.run(&["audit", "erase", "--user", "181544", "--as", "the officer", "--json"]);
    let told = erased.last();
    assert_eq!((erased.code, &told["entries"], &told["blotted"], &told["open"]), (0, &1.into(), &1.into(), &0.into()), "{erased:?}");
    assert!(!holds(&site, b"Lovelace") && !holds(&site, ADA.as_bytes()));
    let after = held(&site);
    assert_eq!((&after["state"], &after["attempts"]), (&before["state"], &before["attempts"]));
    assert_eq!(after["description"].as_str().unwrap(), before["description"].as_str().unwrap().replace("Lovelace, Ada", "•••"));
    assert_eq!((verified(&site, &[]).0, site.run(&["outbox", "list"]).stderr.as_str()), (0, ""));
    let records = site.run(&["audit", "export", "--json"]).lines();
    assert!(records.iter().any(|record| record["event"] == "blotted" && record["step"]["by"] == "the officer"), "{records:?}");
    assert_eq!(site.run(&["audit", "erase", "--user", "181544", "--json"]).last()["blotted"], 0, "once is enough");
    // What was blotted is held against its own digest: who changes it is found.
    let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    assert_eq!(store.execute("UPDATE step SET body = replace(body, 'Assigned', 'assigned') WHERE instr(body, '•••') > 0", []).unwrap(), 1);
    drop(store);
    assert_eq!(verified(&site, &[]).0, 1);
}

#[test]
fn everything_that_was_saved_before_a_day_and_has_come_to_its_end_is_erased_and_what_is_open_stays() {
    let mut blusky = Simulator::start(&[]);
    let site = site_with_people(&blusky.base_url, "");
    assert_eq!((enroll(&site, "181544", 41001), enroll(&site, "190637", 41002)), (0, 0));
    blusky.goes();
    let open = ["enroll", "--user", "190637", "--bits", &h10301(123, 41003), "--outcome-timeout", "0"];
    assert_eq!(site.run(&open).code, 3);
    let before = |at: &str| site.run(&["audit", "erase", "--before", at, "--json"]);
    assert_eq!(before("2020-01-01").last()["entries"], 0);
    assert_eq!(before("2020-01-01T00:00:00+01:00").code, 0);
    for wrong in ["2999-01-01", "2020-13-01", "yesterday"] {
        assert_eq!(before(wrong).code, 2, "{wrong}");
    }
    assert_eq!(site.run(&["audit", "erase"]).code, 2, "it is said what to erase");
    assert_eq!(site.run(&["audit", "erase", "--user", ADA, "--before", "2020-01-01"]).code, 2, "one of them");
    let now = chrono::Utc::now().to_rfc3339();
    let erased = before(&now);
    assert_eq!((erased.code, &erased.last()["entries"], &erased.last()["open"]), (0, &2.into(), &1.into()), "{erased:?}");
    assert!(!holds(&site, b"Loewenstein") && holds(&site, b"Hopperton"), "what may still be sent says for whom");
    assert_eq!((verified(&site, &[]).0, site.outbox().len()), (0, 1));
    assert_eq!(site.run(&["outbox", "discard", site.outbox()[0]["enrollment"].as_str().unwrap()]).code, 0);
    assert_eq!(before(&now).last()["entries"], 1);
    assert!(!holds(&site, b"Hopperton"));
    assert_eq!(verified(&site, &[]).0, 0);
}

#[test]
fn the_store_of_before_an_erasing_is_older_than_its_anchor_and_nothing_is_erased_in_it() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[store]\nanchor = \"elsewhere/anchor\"\n");
    fs::create_dir(site.path("elsewhere")).unwrap();
    assert_eq!(enroll(&site, ADA, 1), 0);
    let earlier = fs::read(site.path("cardbridge.db")).unwrap();
    assert_eq!(site.run(&["audit", "erase", "--user", ADA]).code, 0);
    assert_eq!(verified(&site, &[]).0, 0);
    fs::write(site.path("cardbridge.db"), earlier).unwrap();
    let (code, said) = verified(&site, &[]);
    assert!(code == 1 && said.contains("anchor"), "{said}");
    let refused = site.run(&["audit", "erase", "--user", ADA]);
    assert!(refused.code == 1 && refused.stderr.contains("cardbridge audit accept"), "{refused:?}");
}

#[test]
fn a_damaged_head_is_found_among_the_others_and_is_no_error_of_its_own() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[store]\nanchor = \"anchor\"\n");
    assert_eq!(enroll(&site, ADA, 1), 0);
    let spoil = "UPDATE head SET records = 99; UPDATE entry SET body = body || ' '";
    rusqlite::Connection::open(site.path("cardbridge.db")).unwrap().execute_batch(spoil).unwrap();
    let found = site.run(&["audit", "verify", "--json"]);
    let findings = found.last()["findings"].as_array().unwrap().clone();
    assert!(found.code == 1 && findings.iter().any(|finding| finding.as_str().unwrap().contains("the head")), "{found:?}");
    assert!(findings.iter().any(|finding| finding.as_str().unwrap().contains("entry 1")), "{findings:?}");
}

#[test]
fn a_damaged_head_is_made_anew_on_a_persons_word_where_the_rest_is_whole() {
    let site = Site::at("http://127.0.0.1:9", "[store]\nanchor = \"anchor\"\n");
    let spoil = |sql: &str| rusqlite::Connection::open(site.path("cardbridge.db")).unwrap().execute_batch(sql).unwrap();
    assert_eq!((enroll(&site, ADA, 1), enroll(&site, GRACE, 2)), (3, 3), "they are saved, and wait");
    spoil("UPDATE head SET open_sum = open_sum + 1");
    let refused = site.run(&["enroll", "--user", ADA, "--bits", &h10301(123, 3)]);
    assert!(refused.code == 1 && refused.stderr.contains("`cardbridge audit accept` makes it anew"), "{refused:?}");
    let accepted = site.run(&["audit", "accept", "--json"]);
    assert_eq!(
        (accepted.code, &accepted.last()["has_new_head"], &accepted.last()["in_doubt"]),
        (0, &true.into(), &0.into()),
        "{accepted:?}"
    );
    assert_eq!((verified(&site, &[]).0, enroll(&site, ADA, 3)), (0, 3));
    // Without an anchor nobody can tell what stood behind the last record, and whether it was sent.
    fs::remove_file(site.path("anchor")).unwrap();
    spoil("DELETE FROM head");
    let accepted = site.run(&["audit", "accept", "--json"]);
    assert_eq!((accepted.code, &accepted.last()["in_doubt"]), (0, &3.into()), "{accepted:?}");
    assert_eq!((verified(&site, &[]).0, site.outbox()[0]["state"].as_str()), (0, Some("in_doubt")));
    // Of an older copy an anchor that has not come to its end cannot tell what it lacks.
    fs::write(site.path("old"), fs::read(site.path("anchor")).unwrap()).unwrap();
    assert_eq!(enroll(&site, GRACE, 4), 3);
    spoil("DELETE FROM head");
    let accepted = site.run(&["audit", "accept", "--anchor", "old", "--json"]);
    assert_eq!((accepted.code, &accepted.last()["in_doubt"]), (0, &4.into()), "{accepted:?}");
}

#[test]
fn no_head_is_made_for_a_chain_that_is_broken_or_lacks_something() {
    let site = Site::at("http://127.0.0.1:9", "[store]\nanchor = \"anchor\"\n");
    assert_eq!((enroll(&site, ADA, 1), enroll(&site, GRACE, 2)), (3, 3));
    let sound = fs::read(site.path("cardbridge.db")).unwrap();
    for (spoil, said) in [
        ("UPDATE entry SET body = replace(body, '123', '124') WHERE number = 1", "the chain is broken at entry"),
        (
            "DELETE FROM step WHERE entry = (SELECT id FROM entry WHERE number = 2); DELETE FROM entry WHERE number = 2",
            "does not lead to all",
        ),
        ("UPDATE step SET seq = 0 WHERE seq = (SELECT max(seq) FROM step)", "does not lead to all"),
    ] {
        fs::write(site.path("cardbridge.db"), &sound).unwrap();
        let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
        store.execute_batch(&format!("DELETE FROM head; {spoil}")).unwrap();
        drop(store);
        let refused = site.run(&["audit", "accept"]);
        assert!(refused.code == 1 && refused.stderr.contains(said), "{spoil}: {refused:?}");
    }
}

#[test]
fn the_beginning_of_a_key_means_an_entry_only_where_no_other_one_begins_so_whatever_became_of_it() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    assert_eq!((enroll(&site, ADA, 1), enroll(&site, GRACE, 2)), (0, 0));
    let begin = site.outbox()[0]["enrollment"].as_str().unwrap()[..2].to_owned();
    assert_eq!(site.run(&["audit", "erase", "--user", GRACE]).code, 0);
    let undo = |site: &Site| site.run(&["outbox", "undo", &begin]);
    let refused = undo(&site);
    assert!(refused.code != 0 && refused.stderr.contains("several entries begin with"), "{refused:?}");
    assert_eq!(enroll(&site, ADA, 3), 0);
    let spoil = "PRAGMA foreign_keys = OFF; DELETE FROM entry WHERE number = 2; UPDATE entry SET body = '{}' WHERE number = 3";
    rusqlite::Connection::open(site.path("cardbridge.db")).unwrap().execute_batch(spoil).unwrap();
    let refused = undo(&site);
    assert!(refused.code != 0 && refused.stderr.contains("several entries begin with"), "{refused:?}");
    assert_eq!(blusky.cards().len(), 3, "nothing was taken back");
}

#[test]
fn an_anchor_that_is_a_pipe_is_refused_and_not_waited_for() {
    let site = Site::at("http://127.0.0.1:9", "[store]\nanchor = \"anchor\"\n");
    assert_eq!(enroll(&site, ADA, 1), 3);
    fs::remove_file(site.path("anchor")).unwrap();
    nix::unistd::mkfifo(&site.path("anchor"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for arguments in [&["audit", "verify"][..], &["outbox", "list"], &["status"]] {
        let refused = site.run(arguments);
        assert!(refused.code != 0 && refused.stderr.contains("a pipe or a device"), "{refused:?}");
    }
}

#[test]
fn whoever_erases_a_person_is_told_of_entries_that_cannot_be_read() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    assert_eq!((enroll(&site, ADA, 1), enroll(&site, ADA, 2)), (0, 0));
    let spoil = "UPDATE entry SET body = body || ' ' WHERE number = 1";
    rusqlite::Connection::open(site.path("cardbridge.db")).unwrap().execute_batch(spoil).unwrap();
    for arguments in [&["audit", "erase", "--user", ADA][..], &["audit", "erase", "--before", "2026-01-01"]] {
        let ended = site.run(arguments);
        assert!(ended.code == 1 && ended.stderr.contains("one entry of whomever cannot be read"), "{ended:?}");
    }
}

#[test]
fn a_pin_that_is_gone_or_changed_while_its_entry_waits_is_found() {
    let site = Site::at("http://127.0.0.1:9", "");
    assert_eq!(enroll(&site, ADA, 1), 3, "it is saved, and waits");
    assert_eq!(verified(&site, &[]).0, 0);
    let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    for (spoil, said) in [
        ("UPDATE secret SET sealed = zeroblob(length(sealed))", "was sealed with another key"),
        ("UPDATE secret SET sealed = NULL", "the PIN or password of entry"),
        ("DELETE FROM secret", "the PIN or password of entry"),
    ] {
        store.execute_batch(spoil).unwrap();
        let (code, findings) = verified(&site, &[]);
        assert!(code == 1 && findings.contains(said), "{spoil}: {findings}");
        let sealed = site.run(&["status", "--json"]).last()["outbox"]["sealed"].clone();
        assert!(sealed.is_string() || spoil.ends_with("NULL"), "{spoil}: {sealed}");
    }
    // One that was put back is found.
    assert_eq!(site.run(&["outbox", "discard", site.outbox()[0]["enrollment"].as_str().unwrap()]).code, 0);
    assert_eq!(verified(&site, &[]).0, 0);
    store.execute_batch("INSERT INTO secret SELECT id, x'00' FROM entry").unwrap();
    let (code, findings) = verified(&site, &[]);
    assert!(code == 1 && findings.contains("is kept, and nothing of it is sent"), "{findings}");
}

#[test]
fn an_anchor_that_is_missing_is_said_and_only_a_person_makes_it_anew() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[store]\nanchor = \"anchor\"\n");
    assert_eq!(enroll(&site, ADA, 1), 0);
    assert!(site.path("anchor").exists(), "the first store makes it");
    fs::remove_file(site.path("anchor")).unwrap();
    let listed = site.run(&["outbox", "list"]);
    assert!(listed.code == 0 && listed.stderr.contains("is missing") && listed.stderr.contains("cardbridge audit accept"), "{listed:?}");
    assert_eq!(enroll(&site, ADA, 2), 0, "it is no proof that the store is older");
    assert!(!site.path("anchor").exists());
    assert_eq!(verified(&site, &[]).0, 1);
    assert_eq!(site.run(&["audit", "accept"]).code, 0);
    assert_eq!((enroll(&site, ADA, 3), verified(&site, &[]).0, site.run(&["outbox", "list"]).stderr.as_str()), (0, 0, ""));
}

#[test]
fn an_anchor_that_cannot_be_read_is_made_anew_by_a_person_and_what_waits_is_looked_up_first() {
    let site = Site::at("http://127.0.0.1:9", "[store]\nanchor = \"anchor\"\n");
    assert_eq!(enroll(&site, ADA, 1), 3, "it is saved, and waits");
    fs::write(site.path("anchor"), "").unwrap();
    let refused = site.run(&["outbox", "list"]);
    assert!(refused.code == 1 && refused.stderr.contains("anchor"), "{refused:?}");
    let accepted = site.run(&["audit", "accept"]);
    assert!(accepted.code == 0 && accepted.stderr.contains("one entry may have been sent already"), "{accepted:?}");
    assert_eq!((verified(&site, &[]).0, site.outbox()[0]["state"].as_str()), (0, Some("in_doubt")));
}

#[test]
fn an_anchor_that_root_writes_anew_stays_its_users() {
    use std::os::unix::fs::{MetadataExt, chown};
    let site = Site::at("http://127.0.0.1:9", "[store]\nanchor = \"elsewhere/anchor\"\n");
    let owner = if nix::unistd::geteuid().is_root() { 65_534 } else { nix::unistd::geteuid().as_raw() };
    fs::create_dir(site.path("elsewhere")).unwrap();
    chown(site.path("elsewhere"), Some(owner), None).unwrap();
    let owner_of_anchor = || fs::metadata(site.path("elsewhere/anchor")).unwrap().uid();
    assert_eq!((enroll(&site, ADA, 1), owner_of_anchor()), (3, owner));
    assert_eq!((enroll(&site, ADA, 2), owner_of_anchor()), (3, owner), "it goes on with the store");
    assert_eq!((site.run(&["audit", "accept"]).code, owner_of_anchor()), (0, owner));
}

#[test]
fn a_power_cut_leaves_the_anchor_of_before_or_the_new_one() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    assert_eq!(enroll(&site, ADA, 1), 0);
    fs::create_dir(site.path("elsewhere")).unwrap();
    let accept = site.command(&["audit", "accept", "--anchor", "elsewhere/anchor"]);
    let mut traced = std::process::Command::new("strace");
    traced.args(["-f", "-qq", "-y", "-e", "trace=fsync,rename,renameat,renameat2", "-o", "calls"]);
    traced.arg(accept.get_program()).args(accept.get_args()).current_dir(site.folder.path());
    assert_eq!(support::Ended::after(&mut traced).code, 0);
    let calls = fs::read_to_string(site.path("calls")).unwrap();
    let of_anchor: Vec<&str> = calls.lines().filter(|call| call.contains("elsewhere")).collect();
    let kinds = of_anchor.iter().map(|call| if call.contains("fsync(") { "kept" } else { "moved" });
    assert_eq!(kinds.collect::<Vec<_>>(), ["kept", "moved", "kept"], "the file is kept, moved, and then its folder: {calls}");
}

#[test]
fn what_may_still_be_sent_is_not_erased() {
    let site = site_with_people("http://127.0.0.1:9", "");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", &h10301(123, 7), "--outcome-timeout", "0"]).code, 3);
    let refused = site.run(&["audit", "erase", "--user", ADA, "--json"]);
    assert_eq!((refused.code, refused.error()["code"].as_str()), (1, Some("not_settled")), "{refused:?}");
    let entry = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    assert!(refused.stdout.contains(&entry), "{refused:?}");
    assert_eq!(site.run(&["outbox", "discard", &entry]).code, 0);
    assert_eq!(site.run(&["audit", "erase", "--user", ADA]).code, 0);
    assert!(!holds(&site, ADA.as_bytes()));
}

#[test]
fn a_person_is_erased_beside_a_station_that_runs() {
    let blusky = Simulator::start(&[]);
    let site = site_with_people(&blusky.base_url, "");
    let station = site.station();
    assert_eq!(enroll(&site, ADA, 8), 0);
    let erased = site.run(&["audit", "erase", "--user", ADA]);
    assert_eq!(erased.code, 0, "{erased:?}");
    assert!(!holds(&site, ADA.as_bytes()));
    assert_eq!(enroll(&site, GRACE, 9), 0);
    assert_eq!(station.signal("INT").code, 0);
    assert_eq!(verified(&site, &[]).0, 0);
}
