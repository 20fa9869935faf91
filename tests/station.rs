//! What is promised of the station: `run` holds the readers, others take their cards from it, each card goes to one of
//! them, and no card's number ends up in a log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    fs,
    io::{Write, pipe},
};

use cardbridge::simulator::virtual_card::VirtualCard;
use cards::{Followed, Outcome, hex, pac_card, uid_card};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde_json::{Value, json};
use support::{ADA, CARD, GRACE, Running, SYSTEM, SerialReader, Simulator, Site, pcscd::Pcscd, tells, wait_for};

/// H10301, facility code 123, card number 4567; and 31/337 (V090), 67/1000 (V073).
const FIRST: &[u8] = b"1ABD88EB80\r";
const SECOND: &[u8] = b"1A8F80A8C0\r";
const THIRD: &[u8] = b"1AA181F440\r";
const HELD: &str = "a running station holds the readers; the next card is taken from it";

/// A site with a simulated BluSKY and one serial reader at which every frame is a card of its own.
struct Desk {
    blusky: Simulator,
    site: Site,
    reader: SerialReader,
}

impl Desk {
    fn new() -> Self {
        let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
        let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", "card_left_ms = 0"));
        Self { blusky, site, reader }
    }

    fn start(&self, arguments: &[&str]) -> Followed {
        Followed::start(self.site.command(arguments))
    }

    /// A station whose reader is there.
    fn run(&self, arguments: &[&str]) -> Followed {
        let mut run = self.start(&[&["run"], arguments].concat());
        run.hears("desk: there");
        run
    }

    /// A command that waits at the station for its card.
    fn waits(&self, arguments: &[&str]) -> Followed {
        let mut command = self.start(arguments);
        command.hears(HELD);
        command
    }

    /// Facility code, card number and holder of every card in BluSKY.
    fn cards(&self) -> Vec<(u64, u64, bool)> {
        let number = |card: &Value, name: &str| card[name].as_u64().unwrap();
        let cards = self.blusky.cards();
        cards
            .iter()
            .map(|card| (number(card, "FacilityCode"), number(card, "InternalCardNumber"), card["Assignment"].to_string().contains(ADA)))
            .collect()
    }
}

fn accepted(ended: &Outcome) {
    assert_eq!((ended.code, &ended.last()["state"]), (Some(0), &json!("accepted")), "{ended:#?}");
}

// ---- sharing the readers

#[test]
fn beside_a_running_station_enroll_takes_the_next_card_from_it() {
    let mut desk = Desk::new();
    let mut run = desk.run(&[]);
    let enroll = desk.waits(&["enroll", "--user", ADA, "--json"]);
    desk.reader.send(FIRST);
    let ended = enroll.end();
    accepted(&ended);
    let states: Vec<Value> = ended.lines().iter().map(|line| line["state"].clone()).collect();
    assert_eq!(states, ["saved", "sending", "accepted"]);
    assert_eq!(desk.cards(), [(123, 4567, true)]);
    // The station saw the card and goes on; a card that nobody waits for is enrolled for nobody.
    assert_eq!(run.line(), "desk: a card was read (hid-h10301)");
    desk.reader.send(SECOND);
    assert_eq!(run.line(), "desk: a card was read (hid-h10301)");
    assert_eq!(run.signal("TERM").code, Some(0));
    assert_eq!((desk.cards().len(), desk.site.outbox().len()), (1, 1));
}

#[test]
fn beside_a_running_station_read_shows_what_is_presented() {
    let mut desk = Desk::new();
    let _run = desk.run(&[]);
    let mut read = desk.waits(&["read", "--json", "--count", "2"]);
    for (frame, literal) in [(FIRST, "{26}BD88EB80"), (SECOND, "{26}8F80A8C0")] {
        desk.reader.send(frame);
        let reading = read.json();
        assert_eq!((&reading["input"], &reading["reader"], &reading["transport"]), (&json!(literal), &json!("desk"), &json!("serial")));
        assert!(reading["raw"].as_str().unwrap().starts_with("3141"), "{reading:#}");
        chrono::DateTime::parse_from_rfc3339(reading["at"].as_str().unwrap()).unwrap();
    }
    assert_eq!(read.end().code, Some(0));
}

#[test]
fn a_card_that_is_enrolled_is_shown_to_those_who_only_read() {
    let mut desk = Desk::new();
    let mut run = desk.run(&["--json"]);
    let mut read = desk.waits(&["read", "--json"]);
    let enroll = desk.waits(&["enroll", "--user", ADA, "--json"]);
    desk.reader.send(FIRST);
    accepted(&enroll.end());
    assert_eq!((&read.json()["input"], &run.json()["input"]), (&json!("{26}BD88EB80"), &json!("{26}BD88EB80")));
}

#[test]
fn two_who_wait_to_enroll_get_one_card_each_in_the_order_they_came() {
    let mut desk = Desk::new();
    let _run = desk.run(&[]);
    let first = desk.waits(&["enroll", "--user", ADA, "--json"]);
    let second = desk.waits(&["enroll", "--user", GRACE, "--json"]);
    desk.reader.send(FIRST);
    let ended = first.end();
    accepted(&ended);
    assert_eq!(ended.last()["user_id"], ADA);
    assert_eq!(desk.cards(), [(123, 4567, true)], "the second one has taken nothing yet");
    desk.reader.send(SECOND);
    let ended = second.end();
    accepted(&ended);
    assert_eq!(ended.last()["user_id"], GRACE);
    assert_eq!(desk.cards(), [(123, 4567, true), (31, 337, false)]);
}

#[test]
fn two_cards_that_come_joined_go_to_the_two_who_wait() {
    let mut desk = Desk::new();
    let _run = desk.run(&[]);
    let first = desk.waits(&["enroll", "--user", ADA, "--json"]);
    let second = desk.waits(&["enroll", "--user", GRACE, "--json"]);
    desk.reader.send(&[FIRST, SECOND, THIRD].concat());
    accepted(&first.end());
    accepted(&second.end());
    let mut cards = desk.cards();
    cards.sort_unstable();
    assert_eq!(cards, [(31, 337, false), (123, 4567, true)]);
}

#[test]
fn an_enroll_that_is_killed_takes_no_card_any_more() {
    let mut desk = Desk::new();
    let mut run = desk.run(&[]);
    let killed = desk.waits(&["enroll", "--user", GRACE, "--json"]);
    let waiting = desk.waits(&["enroll", "--user", ADA, "--json"]);
    killed.kill();
    // A command that has come and gone since then: the station has noticed by now.
    let _passed_by = desk.waits(&["read", "--json"]);
    desk.reader.send(FIRST);
    accepted(&waiting.end());
    assert_eq!(desk.cards(), [(123, 4567, true)]);
    run.line();
    // With nobody left, a card is enrolled for nobody.
    desk.reader.send(SECOND);
    run.line();
    assert_eq!((desk.cards().len(), desk.site.outbox().len()), (1, 1));
}

#[test]
fn an_enroll_that_gives_up_waiting_takes_no_card_any_more() {
    let mut desk = Desk::new();
    let mut run = desk.run(&[]);
    let ended = desk.start(&["enroll", "--user", GRACE, "--json", "--timeout", "1"]).end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("no_card")), "{ended:#?}");
    let waiting = desk.waits(&["enroll", "--user", ADA, "--json"]);
    desk.reader.send(FIRST);
    accepted(&waiting.end());
    run.line();
    assert_eq!(desk.cards(), [(123, 4567, true)]);
}

#[test]
fn a_tie_at_the_station_enrolls_nothing_and_shows_what_would_settle_it() {
    let mut desk = Desk::new();
    desk.site.configure(
        &std::fs::read_to_string(desk.site.path("cardbridge.toml"))
            .unwrap()
            .replace("formats = [\"H10301\"]", "formats = []")
            .replace("formats = [\"hid-h10301\"]", "formats = [\"hid-h10301\", \"indala-26\"]"),
    );
    let _run = desk.run(&[]);
    let enroll = desk.waits(&["enroll", "--user", ADA, "--json"]);
    desk.reader.send(FIRST);
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("ambiguous")), "{ended:#?}");
    let settle = ended.last()["error"]["settle"].to_string();
    assert!(settle.contains("hid-h10301") && settle.contains("indala-26"), "{ended:#?}");
    assert_eq!((desk.cards().len(), desk.site.outbox().len()), (0, 0));
}

#[test]
fn a_reader_that_the_station_does_not_have_is_refused_with_those_it_has() {
    let desk = Desk::new();
    let _run = desk.run(&[]);
    let ended = desk.start(&["read", "--json", "--reader", "gate"]).end();
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.last()["error"]["help"].as_str().unwrap().contains("desk"), "{ended:#?}");
}

#[test]
fn a_taker_at_one_reader_leaves_the_cards_at_the_others_alone() {
    let (blusky, mut desk, mut gate) = (Simulator::start(&[]), SerialReader::plug_in(), SerialReader::plug_in());
    let more = [("desk", &desk), ("gate", &gate)].map(|(name, reader)| reader.configuration(name, "twn3-hidprox", "card_left_ms = 0"));
    let site = Site::at(&blusky.base_url, &more.concat());
    let mut run = Followed::start(site.command(&["run", "--json"]));
    run.hears(": there");
    run.hears(": there");
    let mut enroll = Followed::start(site.command(&["enroll", "--user", ADA, "--reader", "gate", "--json"]));
    enroll.hears(HELD);
    desk.send(FIRST);
    assert_eq!(run.json()["reader"], "desk");
    gate.send(SECOND);
    assert_eq!(run.json()["reader"], "gate");
    accepted(&enroll.end());
    assert_eq!(blusky.cards()[0]["InternalCardNumber"], 337);
}

#[test]
fn a_card_in_a_smart_card_reader_is_taken_from_the_station_too() {
    let blusky = Simulator::start(&[]);
    let pcscd = Pcscd::start(1);
    let mut site = Site::at(&blusky.base_url, "");
    site.env(pcscd.env());
    site.configure(&smart_card_site(&blusky.base_url));
    let mut run = Followed::start(site.command(&["run"]));
    run.hears("desk: there");
    let mut enroll = Followed::start(site.command(&["enroll", "--user", ADA, "--json"]));
    enroll.hears(HELD);
    let card = VirtualCard::insert(pcscd.addr(0), pac_card()).unwrap();
    accepted(&enroll.end());
    assert_eq!(blusky.cards()[0]["InternalCardNumber"], 456_789);
    assert_eq!(card.apdus().len(), 1, "one process talks to the card");
}

fn smart_card_site(base_url: &str) -> String {
    format!(
        "[[reader]]\nname = \"desk\"\nproof = 1\npcsc = \"cardbridge virtual reader*\"\n\
         [blusky]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\n[site]\nformats = [\"hid-corporate-1000-35\"]\n\
         [[card_type]]\nblusky = 5\nformats = [\"hid-corporate-1000-35\"]\nsystem = \"{SYSTEM}\"\n"
    )
}

// ---- one station at a time

#[test]
fn a_second_station_is_refused_and_told_who_is_the_first() {
    let desk = Desk::new();
    let run = desk.run(&[]);
    let second = desk.start(&["run", "--json"]).end();
    assert_eq!(second.code, Some(1), "{second:#?}");
    let message = second.last()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("cardbridge run (process {})", run.id())), "{message}");
    // The first one is unharmed.
    let _read = desk.waits(&["read"]);
    assert_eq!(run.signal("INT").code, Some(0));
}

#[test]
fn a_station_that_has_ended_leaves_the_readers_to_whoever_comes() {
    let mut desk = Desk::new();
    for signal in ["TERM", "INT"] {
        let run = desk.run(&[]);
        assert_eq!(run.signal(signal).code, Some(0));
    }
    let mut enroll = desk.start(&["enroll", "--user", ADA, "--json"]);
    enroll.hears("hold the card");
    desk.reader.send(FIRST);
    accepted(&enroll.end());
}

#[test]
fn after_a_power_cut_a_new_station_starts_and_enroll_works_with_and_without_it() {
    let mut desk = Desk::new();
    desk.run(&[]).kill();
    // Without any station.
    let mut enroll = desk.start(&["enroll", "--user", ADA, "--json"]);
    enroll.hears("hold the card");
    desk.reader.send(FIRST);
    let ended = enroll.end();
    accepted(&ended);
    assert!(!ended.text().contains(HELD), "{ended:#?}");
    // With a new one.
    let _run = desk.run(&[]);
    let enroll = desk.waits(&["enroll", "--user", GRACE, "--json"]);
    desk.reader.send(SECOND);
    accepted(&enroll.end());
    assert_eq!(desk.cards(), [(123, 4567, true), (31, 337, false)]);
}

#[test]
fn a_command_that_waits_at_a_station_keeps_its_order_when_the_station_ends() {
    for how in ["KILL", "TERM"] {
        let mut desk = Desk::new();
        let run = desk.run(&[]);
        let mut enroll = desk.waits(&["enroll", "--user", ADA, "--json"]);
        if how == "KILL" {
            run.kill();
        } else {
            assert_eq!(run.signal(how).code, Some(0));
        }
        enroll.hears("the station has ended; this command goes on without it");
        enroll.hears("hold the card to the reader");
        desk.reader.send(FIRST);
        accepted(&enroll.end());
        assert_eq!(desk.cards(), [(123, 4567, true)]);
    }
}

#[test]
fn a_command_that_is_the_station_hands_it_over_to_run_and_keeps_its_order() {
    let mut desk = Desk::new();
    let mut enroll = desk.start(&["enroll", "--user", ADA, "--json"]);
    enroll.hears("hold the card to the reader");
    let _run = desk.run(&[]);
    enroll.hears(HELD);
    desk.reader.send(FIRST);
    accepted(&enroll.end());
    assert_eq!(desk.cards(), [(123, 4567, true)]);
}

#[test]
fn a_station_that_is_started_comes_before_all_commands_that_wait() {
    let mut desk = Desk::new();
    let mut first = desk.start(&["enroll", "--user", ADA, "--json"]);
    first.hears("hold the card to the reader");
    let others = [GRACE, "0f83442e-a446-4577-8cdd-8ffdd51ab9c9"].map(|user| desk.start(&["enroll", "--user", user, "--json"]));
    let mut others = others.map(|mut other| {
        other.hears("hold the card to the reader");
        other
    });
    let _run = desk.run(&[]);
    first.hears(HELD);
    others.iter_mut().for_each(|other| drop(other.hears("the station has ended")));
    others.iter_mut().for_each(|other| drop(other.hears(HELD)));
    desk.reader.send(FIRST);
    let ended = first.signal("INT");
    let changes = |ended: &Outcome| ended.err.iter().filter(|line| line.contains("the station has ended")).count();
    assert_eq!(changes(&ended), 1, "{ended:?}");
    for other in others {
        let ended = other.signal("INT");
        assert_eq!(changes(&ended), 1, "{ended:?}");
    }
}

#[test]
fn two_commands_without_a_station_share_one_reader_in_the_order_they_came() {
    let mut desk = Desk::new();
    let mut first = desk.start(&["enroll", "--user", ADA, "--json"]);
    first.hears("hold the card to the reader");
    let mut second = desk.start(&["enroll", "--user", GRACE, "--json"]);
    second.hears(&format!("user {ADA} waits for a card before this order"));
    desk.reader.send(FIRST);
    accepted(&first.end());
    second.hears("the station has ended; this command goes on without it");
    second.hears("hold the card to the reader");
    desk.reader.send(SECOND);
    accepted(&second.end());
    assert_eq!(desk.cards(), [(123, 4567, true), (31, 337, false)]);
}

#[test]
fn a_station_whose_output_nobody_reads_takes_cards_and_ends_when_it_is_told() {
    let mut desk = Desk::new();
    let (_unread, mut full) = pipe().unwrap();
    fcntl(&full, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while full.write(b"-").is_ok() {}
    fcntl(&full, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let mut command = desk.site.command(&["run", "--json"]);
    let run = Running::begin(command.env("CARDBRIDGE_LOG", "info").stdout(full.try_clone().unwrap()).stderr(full));
    let lock = desk.site.path("cardbridge.db.station");
    wait_for("the station's lock", || fs::read_to_string(&lock).ok().filter(|holder| holder.contains("run")));
    let enroll = desk.waits(&["enroll", "--user", ADA, "--json"]);
    desk.reader.send(FIRST);
    accepted(&enroll.end());
    assert_eq!(run.signal("TERM").code, 0);
}

#[test]
fn a_station_that_was_stopped_is_named_to_whoever_waits_for_it() {
    let desk = Desk::new();
    let run = desk.run(&[]);
    let signal = |name: &str| assert!(std::process::Command::new("kill").args([name, &run.id().to_string()]).status().unwrap().success());
    signal("-STOP");
    let mut enroll = desk.start(&["enroll", "--user", ADA, "--bits", "{26}BD88EB80", "--json"]);
    enroll.hears(&format!("waiting for cardbridge run (process {})", run.id()));
    signal("-CONT");
    accepted(&enroll.end());
}

#[test]
fn whoever_waits_at_a_station_that_is_stopped_then_is_told_so_once_their_time_is_over() {
    let desk = Desk::new();
    let run = desk.run(&[]);
    let waits = desk.waits(&["enroll", "--user", ADA, "--timeout", "2"]);
    let send = |signal: &str| assert!(std::process::Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap().success());
    send("-STOP");
    let ended = waits.end();
    send("-CONT");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.iter().any(|line| line.contains("the station does not answer any more")), "{ended:?}");
}

#[test]
fn a_store_that_goes_away_under_an_idle_station_is_missed_and_its_return_is_seen() {
    let desk = Desk::new();
    let mut run = desk.run(&[]);
    let (path, elsewhere) = (desk.site.path("cardbridge.db"), desk.site.path("elsewhere.db"));
    std::fs::rename(&path, &elsewhere).unwrap();
    // Also before the station has looked: what would be written into the file that is not there any more would be lost.
    let ended = desk.start(&["enroll", "--user", ADA, "--bits", "{26}BD88EB80", "--json"]).end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("store")), "{ended:#?}");
    run.hears("the store is gone, and nothing can be saved");
    let status = desk.site.run(&["status"]);
    assert!(status.code == 1 && status.stdout.contains("NOTHING CAN BE SAVED"), "{status:?}");
    std::fs::rename(&elsewhere, &path).unwrap();
    run.hears("the store is there again");
    accepted(&desk.start(&["enroll", "--user", ADA, "--bits", "{26}BD88EB80", "--json"]).end());
    assert_eq!(desk.site.run(&["status"]).code, 0);
}

#[test]
fn whoever_only_looks_as_root_leaves_the_store_to_the_user_whose_folder_it_is_in() {
    use std::os::unix::fs::{MetadataExt, chown};
    let site = Site::at("http://127.0.0.1:9", "");
    let owner = if nix::unistd::geteuid().is_root() { 65_534 } else { nix::unistd::geteuid().as_raw() };
    chown(&site.folder, Some(owner), None).unwrap();
    assert_eq!((site.run(&["status"]).code, site.run(&["outbox", "list"]).code), (0, 0));
    let made = fs::read_dir(&site.folder).unwrap().map(Result::unwrap).filter(|file| file.file_name().to_str().unwrap().contains(".db"));
    let owners: Vec<u32> = made.map(|file| file.metadata().unwrap().uid()).collect();
    assert!(owners.len() >= 2 && owners.iter().all(|of| *of == owner), "{owners:?}");
    // So is the socket of the station: its user's commands reach it.
    let _station = site.station();
    assert_eq!(fs::metadata(site.path("cardbridge.db.sock")).unwrap().uid(), owner);
}

#[test]
fn what_root_saves_in_another_users_folder_is_that_users_with_the_key_of_its_pin() {
    use std::os::unix::fs::{MetadataExt, chown};
    let site = Site::at("http://127.0.0.1:9", "");
    let owner = if nix::unistd::geteuid().is_root() { 65_534 } else { nix::unistd::geteuid().as_raw() };
    chown(&site.folder, Some(owner), None).unwrap();
    site.keep("pin", "90417\n");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--outcome-timeout", "0"]).code, 3);
    for file in ["cardbridge.db", "cardbridge.db.key"] {
        assert_eq!(fs::metadata(site.path(file)).unwrap().uid(), owner, "{file}");
    }
}

#[test]
fn a_command_whose_configuration_differs_from_the_stations_is_told_so() {
    let desk = Desk::new();
    let _run = desk.run(&[]);
    let text = std::fs::read_to_string(desk.site.path("cardbridge.toml")).unwrap();
    desk.site.configure(&format!("# changed while the station runs\n{text}"));
    let ended = desk.start(&["enroll", "--user", ADA, "--bits", "{26}BD88EB80", "--json"]).end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(2), &json!("other_site")), "{ended:#?}");
    let message = ended.last()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("another configuration") && message.contains("cardbridge run"), "{message}");
    desk.site.configure(&text);
    assert_eq!(desk.site.outbox().len(), 0);
}

#[test]
fn a_store_that_a_link_leads_to_has_one_station_all_the_same() {
    let desk = Desk::new();
    let _run = desk.run(&[]);
    std::os::unix::fs::symlink("cardbridge.db", desk.site.path("other.db")).unwrap();
    let text = std::fs::read_to_string(desk.site.path("cardbridge.toml")).unwrap();
    desk.site.configure(&format!("{text}\n[store]\npath = \"other.db\"\n"));
    let ended = desk.start(&["run"]).end();
    assert!(ended.code.is_some_and(|code| code > 0), "{ended:#?}");
    assert!(!desk.site.path("other.db.station").exists(), "what lies beside a store lies beside the store itself");
}

#[test]
fn the_stations_socket_belongs_to_this_user_alone() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let desk = Desk::new();
    let _run = desk.run(&[]);
    let entries = std::fs::read_dir(desk.site.folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    let sockets: Vec<u32> = entries.filter(|entry| entry.file_type().is_socket()).map(|entry| entry.permissions().mode() & 0o777).collect();
    assert_eq!(sockets, [0o600]);
}

#[test]
fn the_stations_socket_is_open_to_the_group_that_the_site_names() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let desk = Desk::new();
    let (bare, group) = (
        std::fs::read_to_string(desk.site.path("cardbridge.toml")).unwrap(),
        nix::unistd::Group::from_gid(nix::unistd::getegid()).unwrap().unwrap(),
    );
    desk.site.configure(&format!("{bare}\n[station]\ngroup = \"{}\"\n", group.name));
    let run = desk.run(&[]);
    let socket = std::fs::metadata(desk.site.path("cardbridge.db.sock")).unwrap();
    assert_eq!((socket.permissions().mode() & 0o777, socket.gid()), (0o660, group.gid.as_raw()));
    assert_eq!(desk.site.run(&["status"]).code, 0);
    drop(run.signal("TERM"));
    desk.site.configure(&format!("{bare}\n[station]\ngroup = \"no-such-group\"\n"));
    let refused = desk.site.run(&["run"]);
    assert!(refused.code == 2 && refused.stderr.contains("there is no group \"no-such-group\""), "{refused:?}");
    desk.site.configure(&format!("{bare}\n[station]\ngrup = \"x\"\n"));
    assert!(desk.site.run(&["run"]).stderr.contains("did you mean `group`?"));
}

#[test]
fn a_station_that_ends_leaves_the_socket_of_another_one_in_its_place() {
    let desk = Desk::new();
    let first = desk.run(&[]);
    let socket = desk.site.path("cardbridge.db.sock");
    let new = desk.site.path("another.sock");
    let _another = std::os::unix::net::UnixListener::bind(&new).unwrap();
    std::fs::rename(new, &socket).unwrap();
    drop(first.signal("TERM"));
    assert!(socket.exists());
}

#[test]
fn a_socket_that_somebody_removes_is_made_again_and_takes_orders() {
    let desk = Desk::new();
    let run = desk.run(&[]);
    let socket = desk.site.path("cardbridge.db.sock");
    std::fs::remove_file(&socket).unwrap();
    wait_for("the socket", || socket.exists().then_some(()));
    accepted(&desk.start(&["enroll", "--user", ADA, "--bits", "{26}BD88EB80", "--json"]).end());
    assert_eq!(run.signal("TERM").code, Some(0));
    assert!(!socket.exists(), "a station that has ended leaves none");
}

#[test]
fn a_stranger_at_the_socket_disturbs_nobody() {
    use std::{io::Write, os::unix::net::UnixStream};
    let mut desk = Desk::new();
    let _run = desk.run(&[]);
    let socket = desk.site.path("cardbridge.db.sock");
    let mut held = Vec::new();
    for words in [&b""[..], b"\n", b"GET / HTTP/1.1\r\n\r\n", b"{\"reader\":7}\n", b"\xFF\xFE\n", &[b'x'; 100_000]] {
        let mut stranger = UnixStream::connect(&socket).unwrap();
        // The station may hang up before all of it is said.
        drop(stranger.write_all(words));
        held.push(stranger);
    }
    let enroll = desk.waits(&["enroll", "--user", ADA, "--json"]);
    desk.reader.send(FIRST);
    accepted(&enroll.end());
}

#[test]
fn a_watcher_that_no_longer_listens_holds_nobody_up() {
    use std::{io::Write, os::unix::net::UnixStream};
    let mut desk = Desk::new();
    let mut run = desk.run(&[]);
    // A `read` that was suspended with Ctrl-Z: it stays connected and takes nothing in.
    let mut watcher = UnixStream::connect(desk.site.path("cardbridge.db.sock")).unwrap();
    watcher.write_all(b"GET /v1/notices HTTP/1.1\r\nHost: station\r\n\r\n").unwrap();
    let _passed_by = desk.waits(&["read"]);
    // More than its socket holds.
    for _ in 0..10 {
        desk.reader.send(&FIRST.repeat(100));
    }
    let mut seen = 0;
    while seen < 1000 {
        assert_eq!(run.line(), "desk: a card was read (hid-h10301)", "after {seen} cards");
        seen += 1;
    }
    let enroll = desk.waits(&["enroll", "--user", ADA, "--json"]);
    desk.reader.send(SECOND);
    accepted(&enroll.end());
}

// ---- what is kept out of the logs

/// What must not be found: numbers and hex that occur nowhere else by chance.
const H10302_CARD: &str = "{37}7A087582D0";
const NUMBER: &str = "32757995565";
const TOKEN: &str = "tok-9f8e7d6c5b4a-secret";

/// Every way in which the card of [`H10302_CARD`], the ID-12LA's 0C000621A5, V253's card and a MIFARE card can be written.
fn secrets() -> Vec<String> {
    let mut secrets: Vec<String> = [
        NUMBER,
        "7A087582D0",
        "7A 08 75 82 D0",
        "0111101000001000011101011000001011010",
        "0C000621A5",
        "0C 00 06 21 A5",
        "81EDBE1560",
        "81 ED BE 15 60",
        "456789",
        "66CF4DC2",
        "66 CF 4D C2",
        "1724861890",
        TOKEN,
    ]
    .map(str::to_owned)
    .to_vec();
    // Bytes as a list of decimal numbers, as Rust's `{:?}` writes them: of the frame's digits, of its bits, of the card's answers.
    for bytes in
        [b"257A087582D0".to_vec(), b"7A087582D0".to_vec(), hex("7A087582D0"), b"0C000621A5".to_vec(), hex("81EDBE1560"), hex("66CF4DC2")]
    {
        let list: Vec<String> = bytes.iter().map(ToString::to_string).collect();
        secrets.push(list.join(", "));
        secrets.push(bytes.iter().map(|byte| format!("{byte:02X}")).collect());
    }
    secrets
}

fn tells_nothing(what: &str, text: &str) {
    let told = text.to_uppercase();
    for secret in secrets() {
        // Six digits are a part of a time now and then.
        let is_told = if secret.len() < 8 { tells(&told, &secret) } else { told.contains(&secret.to_uppercase()) };
        assert!(!is_told, "{what} shows {secret}:\n{text}");
    }
}

/// Starts the station with these arguments and this log, shows it cards of every kind, enrolls some of them, and gives all
/// that the station and the others said.
fn a_day_at_the_station(log: &str, arguments: &[&str]) -> (Outcome, Vec<Outcome>) {
    let blusky = Simulator::start(&["--token", TOKEN, "--integer-width", "64"]);
    let pcscd = Pcscd::start(1);
    let (mut desk, mut gate) = (SerialReader::plug_in(), SerialReader::plug_in());
    let mut site = Site::at(&blusky.base_url, "");
    site.env(pcscd.env());
    site.env(("CARDBRIDGE_LOG".to_owned(), log.to_owned()));
    std::fs::write(site.path("token"), TOKEN).unwrap();
    site.configure(&format!(
        "[blusky]\nbase_url = \"{}\"\ntoken_file = \"token\"\ninteger_width = 64\n\
         [site]\nformats = [\"H10302\", \"C1k35s\"]\n\
         [[card_type]]\nblusky = 3\nformats = [\"H10302\", \"C1k35s\"]\nsystem = \"{SYSTEM}\"\n\
         [[reader]]\nname = \"cards\"\nproof = 1\npcsc = \"cardbridge virtual reader*\"\n{}{}",
        blusky.base_url,
        desk.configuration("desk", "twn3-hidprox", "card_left_ms = 0"),
        gate.configuration("gate", "id12la-ascii", "card_left_ms = 0")
    ));
    let mut run = Followed::start(site.command(&[&["run"], arguments].concat()));
    for _ in 0..3 {
        run.hears(": there");
    }
    let mut others = Vec::new();
    let mut enroll = |show: &mut dyn FnMut()| {
        let mut enroll = Followed::start(site.command(&["enroll", "--user", ADA, "--json"]));
        enroll.hears(HELD);
        show();
        others.push(enroll.end());
    };
    let frame = b"257A087582D0\r";
    enroll(&mut || desk.send(frame));
    let mut lying = Vec::new();
    enroll(&mut || lying.push(VirtualCard::insert(pcscd.addr(0), pac_card()).unwrap()));
    drop(lying);
    // A second time: the card is this user's already.
    enroll(&mut || desk.send(frame));
    run.line();
    run.line();
    run.line();
    // For nobody: a serial number, a tie, a damaged frame, noise and half a frame.
    let uid = VirtualCard::insert(pcscd.addr(0), uid_card("66 CF 4D C2")).unwrap();
    run.line();
    drop(uid);
    gate.send(b"\x020C000621A58E\r\n\x03");
    run.line();
    gate.send(b"\x020C000621A58F\r\n\x03");
    run.line();
    desk.send(b"x257A087582D0zz\r257A087582D0");
    run.hears("bytes that are no card");
    for ended in &others {
        assert_eq!(ended.code, Some(0), "{ended:#?}");
    }
    assert_eq!(blusky.cards().len(), 2);
    (run.signal("TERM"), others)
}

#[test]
fn the_station_prints_no_cards_number() {
    let (run, _) = a_day_at_the_station("warn", &[]);
    tells_nothing("the station", &run.text());
    assert_eq!(run.out.len(), 6, "one line for each card: {run:#?}");
}

#[test]
fn the_fullest_log_shows_no_cards_number_no_bits_and_no_token() {
    let (run, others) = a_day_at_the_station("trace", &[]);
    tells_nothing("the station", &run.text());
    for other in others {
        // Standard output may hold BluSKY's own words.
        tells_nothing("enroll's log", &other.err.join("\n"));
    }
    // Without a station a command has the reader itself, and more to log.
    let mut desk = Desk::new();
    desk.site.env(("CARDBRIDGE_LOG".to_owned(), "trace".to_owned()));
    let mut read = desk.start(&["read", "--json"]);
    read.hears("the reader is there");
    desk.reader.send(b"x257A087582D0zz\r257A087582D0\r257A08");
    assert_eq!(read.json()["input"], H10302_CARD);
    read.hears("noise on the line");
    tells_nothing("read's log", &read.signal("INT").err.join("\n"));
}

#[test]
fn a_reading_shown_for_debugging_shows_no_cards_number() {
    use cardbridge::{
        decode::message::{Heard, read_frame},
        protocols::Protocols,
        reader::ReaderHints,
    };
    let protocols = Protocols::built_in();
    for (dialect, frame) in [("twn3-hidprox", &b"257A087582D0\r"[..]), ("id12la-ascii", b"\x020C000621A58E\r\n\x03")] {
        let Some(Heard::Shown(presentation, _)) = read_frame(protocols.dialect(dialect).unwrap(), &ReaderHints::default(), frame) else {
            panic!("{dialect} reads no card")
        };
        tells_nothing("a presentation", &format!("{presentation:?} {presentation:#?}"));
        let reading = protocols.catalog(&[]).read(*presentation);
        tells_nothing("a reading", &format!("{reading:?}"));
    }
}

#[test]
fn the_station_shows_numbers_where_json_was_asked_for_and_still_not_in_the_log() {
    let (run, _) = a_day_at_the_station("trace", &["--json"]);
    let shown: Vec<String> = run.lines().iter().map(|reading| reading["input"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown.iter().filter(|input| *input == H10302_CARD).count(), 2, "{shown:?}");
    tells_nothing("the station's log", &run.err.join("\n"));
}

#[test]
fn a_card_that_blusky_refuses_or_a_token_it_denies_is_logged_without_either() {
    let blusky = Simulator::start(&["--token", "another"]);
    let mut reader = SerialReader::plug_in();
    let mut site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    site.env(("CARDBRIDGE_LOG".to_owned(), "trace".to_owned()));
    std::fs::write(site.path("token"), TOKEN).unwrap();
    let config = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    let config = config.replace("\"hid-h10301\"", "\"H10302\"").replace("\"H10301\"", "\"H10302\"").replace("[\"facility_code\"]", "[]");
    site.configure(&config.replace("token_file", "integer_width = 64\ntoken_file"));
    let mut run = Followed::start(site.command(&["run"]));
    run.hears("desk: there");
    let mut enroll = Followed::start(site.command(&["enroll", "--user", ADA, "--outcome-timeout", "3"]));
    enroll.hears(HELD);
    reader.send(b"257A087582D0\r");
    let ended = enroll.end();
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    // The person at the desk is told which card it was; a log is not.
    tells_nothing("enroll's log", &ended.err.join("\n"));
    tells_nothing("the station", &run.signal("TERM").text());
}
