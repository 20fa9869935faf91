//! What the README says works as written.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::{fs, process::Command};

use serde_json::Value;
use support::{Ended, SerialReader, Simulator, Site};

const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n";

/// The README's TOML blocks, in order: the first configuration, the page (three), the card format.
fn blocks() -> Vec<String> {
    blocks_of(include_str!("../README.md"))
}

fn blocks_of(readme: &str) -> Vec<String> {
    let lines: Vec<&str> = readme.lines().collect();
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(start) = lines[at..].iter().position(|line| line.trim_start() == "```toml").map(|found| at + found) {
        let end = start + 1 + lines[start + 1..].iter().position(|line| line.trim_start() == "```").unwrap();
        let indent = lines[start].len() - lines[start].trim_start().len();
        let text: Vec<&str> = lines[start + 1..end].iter().map(|line| line.get(indent..).unwrap_or("")).collect();
        blocks.push(text.join("\n") + "\n");
        at = end + 1;
    }
    blocks
}

#[test]
fn the_five_minute_path_enrolls_a_card() {
    let blusky = Simulator::start(&[]);
    let mut reader = SerialReader::plug_in();
    let site = Site::at(&blusky.base_url, "");
    site.configure(&blocks()[0].replace("http://127.0.0.1:8900", &blusky.base_url).replace("/dev/ttyUSB0", &reader.path));
    assert!(include_str!("../README.md").contains(&PEOPLE.replace('\n', "\\n")));
    fs::write(site.path("people.csv"), PEOPLE).unwrap();
    let mut read = site.start(&["read", "--count", "1"]);
    read.wait_for_stderr("hold the card");
    reader.send(b"1ABD88EB80\r");
    let read = read.end();
    assert!(read.stdout.contains("▶ hid-h10301") && read.stdout.contains("decided by: the site's policy"), "{read:?}");
    let mut enroll = site.start(&["enroll", "--user", "1815"]);
    enroll.wait_for_stderr("hold the card to the reader (Ada Lovelace (1815))");
    reader.send(b"1ABD88EB80\r");
    let enroll = enroll.end();
    assert_eq!(enroll.code, 0, "{enroll:?}");
    assert!(enroll.stdout.contains("for Ada Lovelace (1815). BluSKY says “Success”."), "{enroll:?}");
    assert_eq!(blusky.cards().len(), 1);
}

#[test]
fn the_stations_api_answers_the_readmes_requests() {
    let blusky = Simulator::start(&[]);
    let reader = SerialReader::plug_in();
    let site = Site::at(&blusky.base_url, "");
    site.configure(&blocks()[0].replace("http://127.0.0.1:8900", &blusky.base_url).replace("/dev/ttyUSB0", &reader.path));
    fs::write(site.path("people.csv"), PEOPLE).unwrap();
    let mut station = site.station();
    station.wait_for_stderr("desk: there");
    let readme = include_str!("../README.md").replace("\\\n", "");
    let requests: Vec<&str> = readme.lines().filter(|line| line.starts_with("    curl ")).collect();
    let answer = |at: usize| -> Value {
        let ended = Ended::after(Command::new("sh").args(["-c", requests[at]]).current_dir(site.folder.path()));
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {} {ended:?}", requests[at]))
    };
    assert_eq!(requests.len(), 4, "{requests:?}");
    assert_eq!(answer(0)["readers"][0]["name"], "desk");
    assert_eq!(answer(1)["people"][0]["name"], "Ada Lovelace");
    assert_eq!(answer(2)["state"], "waiting");
    let entries = site.wait_for_outbox(|entries| entries.iter().any(|entry| entry["state"] == "accepted"));
    assert!(entries[0]["ordered_by"].as_str().unwrap().starts_with("reception ("), "{entries:?}");
    assert_eq!(answer(3)["entries"][0]["entry"], entries[0]);
}

#[test]
fn the_page_is_there_with_the_lines_that_the_readme_adds() {
    let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let site = Site::at(&blusky.base_url, "");
    let more = &blocks()[2];
    let (rosters, new_person) = more.split_once("[new_person]").unwrap();
    let desk = blocks()[1].replace("[desk]", &format!("{rosters}listen = \"127.0.0.1:0\"")) + "[new_person]" + new_person;
    let whole = blocks()[0].replace("http://127.0.0.1:8900", &blusky.base_url).replace("/dev/ttyUSB0", &reader.path) + &desk;
    site.configure(&whole);
    fs::write(site.path("people.csv"), PEOPLE).unwrap();
    site.keep("kim.pin", "0417\n");
    site.station().wait_for_stderr("the desk page is at http://127.0.0.1:");
}

#[test]
fn the_card_format_that_the_readme_adds_is_clean_and_can_be_shown() {
    let site = Site::at("http://127.0.0.1:9", "");
    fs::create_dir_all(site.path("site/cards")).unwrap();
    fs::write(site.path("site/cards/mine.toml"), &blocks()[4]).unwrap();
    let checked = site.run(&["check", "site"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let shown = site.run(&["--protocols", "site", "formats", "our-28-bit"]);
    assert!(shown.stdout.contains("facility_code    8 bits, at most 255"), "{shown:?}");
}

#[test]
fn the_dialect_that_the_protocols_readme_adds_is_clean_and_can_be_shown() {
    let site = Site::at("http://127.0.0.1:9", "");
    fs::create_dir_all(site.path("site/serial")).unwrap();
    fs::write(site.path("site/serial/gate.toml"), &blocks_of(include_str!("../protocols/README.md"))[0]).unwrap();
    let checked = site.run(&["check", "site"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let shown = site.run(&["--protocols", "site", "formats", "--dialects", "our-gate"]);
    assert!(shown.stdout.contains("asked every 200 ms: 025203"), "{shown:?}");
}
