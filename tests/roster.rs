//! What is promised of `enroll --roster`, through real ttys: a serial reader on one, the operator's terminal on another.

#![allow(clippy::print_stderr, reason = "a test may say what it measures")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use cardbridge::{card::Credential, protocols::Protocols, simulator::virtual_card::VirtualCard};
use cards::{Followed, GET_PAC_BITS, LF_ATR, card};
use nix::pty::{Winsize, openpty};
use serde_json::Value;
use support::{ADA, GRACE, SYSTEM, SerialReader, Simulator, Site, pcscd::Pcscd, wait_for};
use uuid::Uuid;

const KAY: &str = "d8f00538-00a9-4db3-acc8-e64d728390f2";

/// The frame of H10301 with facility code 123 and this number.
fn frame(number: u32) -> Vec<u8> {
    let literal = support::h10301(123, number);
    format!("1A{}\r", literal.trim_start_matches("{26}")).into_bytes()
}

/// A program at a terminal of 80 columns.
struct Terminal {
    keys: File,
    text: Arc<(Mutex<String>, Condvar)>,
    /// What came before is not waited for again.
    seen: usize,
    child: Child,
    /// Ends once the terminal is closed.
    reader: Option<thread::JoinHandle<()>>,
}

impl Terminal {
    fn start(command: Command) -> Self {
        Self::sized(command, (30, 80))
    }

    fn sized(mut command: Command, (ws_row, ws_col): (u16, u16)) -> Self {
        let size = Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let end = |slave: &OwnedFd| Stdio::from(slave.try_clone().unwrap());
        command.stdin(end(&pty.slave)).stdout(end(&pty.slave)).stderr(end(&pty.slave));
        let child = command.env("TERM", "xterm").env("LC_ALL", "C.UTF-8").spawn().unwrap();
        drop((command, pty.slave));
        let text = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let (mut out, heard) = (File::from(pty.master.try_clone().unwrap()), text.clone());
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                heard.0.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
                heard.1.notify_all();
            }
        });
        Self { keys: File::from(pty.master), text, seen: 0, child, reader: Some(reader) }
    }

    /// Waits until this stands on the screen after all that was waited for before.
    fn shows(&mut self, wanted: &str) {
        let (text, changed) = &*self.text;
        let end = Instant::now() + Duration::from_secs(30);
        let mut shown = text.lock().unwrap();
        loop {
            if let Some(at) = shown[self.seen..].find(wanted) {
                self.seen += at + wanted.len();
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{wanted:?} was never shown; shown was {}", &shown[self.seen..]);
            shown = changed.wait_timeout(shown, left).unwrap().0;
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// The exit code, and all that was shown.
    fn end(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        self.reader.take().unwrap().join().unwrap();
        let shown = self.text.0.lock().unwrap().clone();
        (code, shown)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A site with one serial reader at which every frame is a card of its own.
struct Desk {
    blusky: Simulator,
    site: Site,
    reader: SerialReader,
}

const ASK: &str = "[enroll]\nreassign = \"ask\"\n";

impl Desk {
    fn new(more: &str) -> Self {
        Self::at(Simulator::start(&[]), more)
    }

    fn at(blusky: Simulator, more: &str) -> Self {
        let reader = SerialReader::plug_in();
        let site = Site::at(&blusky.base_url, &format!("{}{more}", reader.configuration("desk", "twn3-hidprox", "card_left_ms = 0")));
        let desk = Self { blusky, site, reader };
        desk.list(&[(ADA, "Ada Lovelace", "1815"), (GRACE, "Grace Hopper", "1906"), (KAY, "Kay McNulty", "1921")]);
        desk
    }

    fn list(&self, people: &[(&str, &str, &str)]) {
        let mut text = "user_id,first_name,last_name,employee_number\n".to_owned();
        for (id, name, number) in people {
            let (first, last) = name.split_once(' ').unwrap();
            text += &format!("{id},{first},{last},{number}\n");
        }
        fs::write(self.site.path("people.csv"), text).unwrap();
    }

    fn start(&self, more: &[&str]) -> Terminal {
        Terminal::start(self.site.command(&[&["enroll", "--roster", "people.csv"], more].concat()))
    }

    /// Whose card each one is, by its number.
    fn holders(&self) -> BTreeMap<u64, String> {
        let holder = |card: &Value| {
            let assigned = card["Assignment"]["UserID"].as_str().or_else(|| card["Assignment"]["UserId"].as_str());
            Some((card["InternalCardNumber"].as_u64()?, assigned?.to_owned()))
        };
        self.blusky.cards().iter().filter_map(holder).collect()
    }

    fn report(&self, name: &str) -> Vec<Vec<String>> {
        let mut reader = csv::Reader::from_path(self.site.path(name)).unwrap();
        reader.records().map(|row| row.unwrap().iter().map(ToOwned::to_owned).collect()).collect()
    }
}

#[test]
fn one_person_after_the_other_gets_a_card_for_a_tap_each_and_no_key() {
    let mut desk = Desk::new("");
    let mut terminal = desk.start(&["--report", "done.csv"]);
    for (person, number) in [("Ada Lovelace   1815", 11), ("Grace Hopper   1906", 12), ("Kay McNulty   1921", 13)] {
        terminal.shows(person);
        terminal.shows("hold the card to the reader");
        desk.reader.send(&frame(number));
        terminal.shows(&format!("123:{number} hid-h10301 (parity"));
    }
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    let holders = desk.holders();
    assert_eq!(holders.values().map(String::as_str).collect::<Vec<_>>(), [ADA, GRACE, KAY], "{:?}", desk.blusky.cards());
    let report = desk.report("done.csv");
    let outcomes: Vec<(&str, &str)> = report.iter().map(|row| (row[1].as_str(), row[6].as_str())).collect();
    assert_eq!(outcomes, [("Ada Lovelace", "accepted"), ("Grace Hopper", "accepted"), ("Kay McNulty", "accepted")]);
    assert!(shown.contains("\x07"), "a sound for each card");
}

#[test]
fn a_terminal_that_does_not_know_how_large_it_is_shows_the_person_all_the_same() {
    let desk = Desk::new("");
    let mut terminal = Terminal::sized(desk.site.command(&["enroll", "--roster", "people.csv"]), (0, 0));
    terminal.shows("Ada Lovelace   1815");
    terminal.shows("hold the card to the reader");
}

#[test]
fn a_card_of_this_run_is_nobody_elses_unasked_and_another_one_goes_on_without_a_key() {
    let mut desk = Desk::new("");
    let mut terminal = desk.start(&[]);
    terminal.shows("Ada Lovelace   1815");
    terminal.shows("hold the card");
    desk.reader.send(&frame(11));
    terminal.shows("Grace Hopper   1906");
    terminal.shows("hold the card");
    // Ada's card once more, by mistake.
    desk.reader.send(&frame(11));
    terminal.shows("give it to Grace Hopper (1906) instead?");
    desk.reader.send(&frame(12));
    terminal.shows("Kay McNulty   1921");
    terminal.shows("hold the card");
    terminal.press("s");
    terminal.shows("one is left without a card");
    terminal.press("q");
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("skipped"));
    assert_eq!(desk.holders().into_iter().collect::<Vec<_>>(), [(11, ADA.to_owned()), (12, GRACE.to_owned())]);
}

#[test]
fn the_last_card_is_taken_back_with_a_key_and_its_person_has_their_turn_again() {
    let mut desk = Desk::new("");
    let mut terminal = desk.start(&["--report", "done.csv"]);
    terminal.shows("Ada Lovelace   1815");
    terminal.shows("hold the card");
    desk.reader.send(&frame(12));
    terminal.shows("1 of 3 accepted");
    terminal.shows("undo Ada Lovelace");
    terminal.press("u");
    terminal.shows("is taken back from Ada Lovelace (1815)");
    terminal.shows("Ada Lovelace   1815");
    terminal.shows("hold the card");
    desk.reader.send(&frame(11));
    terminal.shows("Grace Hopper   1906");
    terminal.shows("hold the card");
    // It was given to Ada in this run, so it is asked about once.
    desk.reader.send(&frame(12));
    terminal.shows("instead?");
    terminal.press("y");
    terminal.shows("Kay McNulty   1921");
    terminal.shows("hold the card");
    desk.reader.send(&frame(13));
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(desk.holders().into_values().collect::<Vec<_>>(), [ADA, GRACE, KAY]);
    let outcomes: Vec<String> = desk.report("done.csv").iter().map(|row| row[6].clone()).collect();
    assert_eq!(outcomes, ["undone", "accepted", "accepted", "accepted"]);
}

#[test]
fn fifty_people_get_their_own_card_through_an_outage_and_a_kill() {
    let record = tempfile::tempdir().unwrap();
    let record = record.path().join("blusky.db");
    let kept = ["--data", record.to_str().unwrap()];
    let mut desk = Desk::at(Simulator::start(&kept), "");
    let people = crowd(50);
    let borrowed: Vec<(&str, &str, &str)> = people.iter().map(|(id, name, number)| (id.as_str(), name.as_str(), number.as_str())).collect();
    desk.list(&borrowed);
    let mut terminal = desk.start(&["--report", "done.csv"]);
    let (mut slowest, mut address) = (Duration::ZERO, String::new());
    for (at, (_, name, number)) in people.iter().enumerate() {
        if at == 15 {
            // BluSKY goes.
            address = desk.blusky.base_url.trim_start_matches("http://").trim_end_matches('/').to_owned();
            desk.blusky.goes();
        }
        if at == 25 {
            // The power goes, and comes back.
            std::mem::replace(&mut terminal, desk.start(&["--resume", "--report", "done.csv"])).kill();
            terminal.shows("25 of 50 are done");
        }
        if at == 35 {
            desk.blusky = Simulator::on(&address, &kept);
        }
        terminal.shows(&format!("{name}   {number}"));
        terminal.shows("hold the card");
        let begin = Instant::now();
        desk.reader.send(&frame(1000 + u32::try_from(at).unwrap()));
        terminal.shows(&format!("123:{} hid-h10301 (parity", 1000 + at));
        slowest = slowest.max(begin.elapsed());
    }
    eprintln!("the slowest card took {slowest:?} from its tap to the line that it is saved");
    // What came while BluSKY was away is sent when it is back.
    let entries = desk.site.outbox();
    assert_eq!(entries.len(), 50);
    drop(terminal);
    desk.site.run(&["outbox", "deliver"]);
    let entries = desk.site.wait_for_outbox(|entries| entries.iter().all(|entry| entry["state"] == "accepted"));
    for (entry, (at, (id, ..))) in entries.iter().zip(people.iter().enumerate()) {
        assert_eq!((entry["user_id"].as_str(), entry["card"]["card_number"].as_u64()), (Some(id.as_str()), Some(1000 + at as u64)));
    }
    let holders: Vec<String> = desk.holders().into_values().collect();
    assert_eq!(holders, people.iter().map(|(id, ..)| id.clone()).collect::<Vec<_>>(), "50 of 50 are right");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

#[test]
fn a_card_that_somebody_holds_is_asked_about_once_all_had_their_turn() {
    let mut desk = Desk::new(ASK);
    let held = desk.site.run(&["enroll", "--user", KAY, "--bits", &support::h10301(123, 11), "--json"]);
    assert_eq!(held.code, 0, "{held:?}");
    desk.list(&[(ADA, "Ada Lovelace", "1815"), (GRACE, "Grace Hopper", "1906")]);
    let mut terminal = desk.start(&[]);
    for (person, number) in [("Ada Lovelace   1815", 11), ("Grace Hopper   1906", 12)] {
        terminal.shows(person);
        terminal.shows("hold the card");
        desk.reader.send(&frame(number));
    }
    terminal.shows("Ada Lovelace instead?");
    terminal.press("y");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(desk.holders().into_values().collect::<Vec<_>>(), [ADA, GRACE]);
}

#[test]
fn without_a_terminal_it_is_plain_lines_and_nobody_is_asked() {
    let mut desk = Desk::new("");
    let mut running = desk.site.start(&["enroll", "--roster", "people.csv", "--timeout", "2"]);
    let mut lines = std::io::BufRead::lines(running.stdout());
    let mut line = || lines.next().unwrap().unwrap();
    let mut all = Vec::new();
    let mut wait = |wanted: &str| loop {
        let now = line();
        all.push(now.clone());
        if now.contains(wanted) {
            break;
        }
    };
    wait("1 of 3: Ada Lovelace (1815): hold the card to the reader");
    desk.reader.send(&frame(11));
    wait("2 of 3: Grace Hopper (1906): hold the card to the reader");
    desk.reader.send(&frame(12));
    // Nobody shows Kay's.
    wait("3 of 3: Kay McNulty (1921)");
    wait("no card was shown within 2 s");
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(running.end().code, 1);
    assert!(rest.iter().any(|line| line.contains("set aside")) && !all.iter().any(|line| line.contains('\x1b')), "{all:#?} {rest:#?}");
    assert!(all.iter().any(|line| line.trim() == "next: Grace Hopper (1906), Kay McNulty (1921)"), "{all:#?}");
    let ours = wait_for("the cards", || Some(desk.holders()).filter(|holders| holders.len() == 2));
    assert_eq!(ours.into_values().collect::<Vec<_>>(), [ADA, GRACE]);
}

#[test]
fn plain_lines_name_whoever_is_before_the_list_at_its_reader() {
    let mut desk = Desk::new("[people]\nfile = \"people.csv\"\n");
    let mut first = Followed::start(desk.site.command(&["enroll", "--user", "1921", "--timeout", "60"]));
    first.hears("hold the card");
    let mut list = desk.site.start(&["enroll", "--roster", "people.csv", "--timeout", "60"]);
    let mut lines = std::io::BufRead::lines(list.stdout()).map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line.contains("Kay McNulty (1921) waits for a card")));
    desk.reader.send(&frame(13));
    assert!(lines.by_ref().any(|line| line.contains("1 of 3: Ada Lovelace (1815): hold the card")));
    assert!(lines.by_ref().any(|line| line.trim() == "next: Grace Hopper (1906), Kay McNulty (1921)"));
}

#[test]
fn whoever_comes_by_is_found_by_a_few_letters_and_gets_the_next_card() {
    let mut desk = Desk::new("[people]\nfile = \"people.csv\"\n");
    let mut terminal = Terminal::start(desk.site.command(&["enroll", "--repeat", "--report", "done.csv"]));
    terminal.shows("who gets the next card?");
    for (typed, found, name, number) in [
        ("ada", "> Ada Lovelace (1815)", "Ada Lovelace   1815", 11),
        ("hop", "> Grace Hopper (1906)", "Grace Hopper   1906", 12),
        ("1921", "> Kay McNulty (1921)", "Kay McNulty   1921", 13),
    ] {
        terminal.press(typed);
        terminal.shows(found);
        terminal.press("\n");
        terminal.shows(name);
        terminal.shows("hold the card");
        desk.reader.send(&frame(number));
        terminal.shows(", saved");
        terminal.shows("who gets the next card?");
    }
    // The last one was wrong.
    terminal.shows("undo Kay McNulty");
    terminal.press("-");
    terminal.shows("Kay McNulty   1921");
    terminal.shows("hold the card");
    desk.reader.send(&frame(14));
    terminal.shows("who gets the next card?");
    terminal.press("\x1b");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(desk.holders().into_iter().collect::<Vec<_>>(), [(11, ADA.to_owned()), (12, GRACE.to_owned()), (14, KAY.to_owned())]);
    assert_eq!(desk.report("done.csv").len(), 4);
}

#[test]
fn a_program_names_one_person_a_line() {
    let mut desk = Desk::new("[people]\nfile = \"people.csv\"\n");
    let mut command = desk.site.command(&["enroll", "--repeat"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut people = child.stdin.take().unwrap();
    people.write_all(b"1815\nnobody\nGrace Hopper\n").unwrap();
    drop(people);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap())).map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line.contains("Ada Lovelace (1815): hold the card")));
    desk.reader.send(&frame(11));
    assert!(lines.by_ref().any(|line| line.contains("\"nobody\"")), "who is not known is said");
    assert!(lines.by_ref().any(|line| line.contains("Grace Hopper (1906): hold the card")));
    desk.reader.send(&frame(12));
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:#?}");
    assert_eq!(desk.holders().into_values().collect::<Vec<_>>(), [ADA, GRACE]);
}

/// So many people, each with a name of its own.
fn crowd(count: u128) -> Vec<(String, String, String)> {
    let person = |at: u128| {
        (Uuid::from_u128(0xB000_0000_0000_4000_8000_0000_0000_0001 + at).to_string(), format!("Person Nr{at:02}"), format!("{}", 100 + at))
    };
    (0..count).map(person).collect()
}

#[test]
fn fifty_smart_cards_at_a_real_pcscd_are_a_tap_each() {
    let (blusky, pcscd) = (Simulator::start(&[]), Pcscd::start(1));
    let mut site = Site::at(&blusky.base_url, "");
    site.env(pcscd.env());
    site.configure(&format!(
        "[blusky]\nbase_url = \"{}\"\ntoken_file = \"token\"\nshows_within_s = 1\n\
         [site]\nformats = [\"C1k35s\"]\nfacility_codes = [123]\n\
         [[card_type]]\nblusky = 3\nformats = [\"C1k35s\"]\nsystem = \"{SYSTEM}\"\n\
         [[reader]]\nname = \"desk\"\npcsc = \"cardbridge virtual reader*\"\n",
        blusky.base_url
    ));
    let protocols = Protocols::built_in();
    let format = protocols.format("C1k35s").unwrap();
    let answer = |number: u64| {
        let mut credential = Credential::default();
        credential.set("facility_code", 123);
        credential.set("card_number", number.into());
        let bits = format.encode(&credential).unwrap().to_string();
        let hex = format!("{:0<10}", bits.trim_start_matches("{35}"));
        format!("9D 08 03 06 05 {hex} 90 00")
    };
    let people = crowd(50);
    let mut list = "user_id,first_name,last_name,employee_number\n".to_owned();
    for (id, name, number) in &people {
        let (first, last) = name.split_once(' ').unwrap();
        list += &format!("{id},{first},{last},{number}\n");
    }
    fs::write(site.path("people.csv"), list).unwrap();
    let mut terminal = Terminal::start(site.command(&["enroll", "--roster", "people.csv"]));
    let mut slowest = Duration::ZERO;
    for (at, (_, name, number)) in (0..).zip(&people) {
        terminal.shows(&format!("{name}   {number}"));
        terminal.shows("hold the card");
        let begin = Instant::now();
        let held = VirtualCard::insert(pcscd.addr(0), card(LF_ATR, &[(GET_PAC_BITS, &answer(5000 + at))])).unwrap();
        terminal.shows(&format!("123:{} ", 5000 + at));
        slowest = slowest.max(begin.elapsed());
        held.remove();
    }
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    eprintln!("the slowest smart card took {slowest:?} from its tap to the line that it is saved");
    let holder = |card: &Value| (card["InternalCardNumber"].as_u64().unwrap(), card["Assignment"].to_string());
    let holders: BTreeMap<u64, String> = blusky.cards().iter().map(holder).collect();
    assert_eq!(holders.len(), 50);
    assert!(holders.values().zip(&people).all(|(holder, (id, ..))| holder.contains(id)), "{holders:?}");
}

const FACILITY: &str = "f2b7d1a0-7d6e-4c55-9a43-1f2e5d0c1a01";

#[test]
fn whoever_is_new_in_the_list_is_added_with_their_card_and_resumed_as_the_same() {
    let mut desk = Desk::new("");
    let list = format!(
        "first_name,last_name,employee_number,user_id,company_instance_id\nAda,King,1,,{FACILITY}\nGrace,Hopper,2,{GRACE},\nKay,McNulty,3,,{FACILITY}\n"
    );
    fs::write(desk.site.path("people.csv"), list).unwrap();
    let shared = ["--facility-id", FACILITY, "--ac-system-id", SYSTEM, "--company-instance-type", "1"];
    let mut terminal = desk.start(&shared);
    for (name, number) in [("Ada King   1", 11), ("Grace Hopper   2", 12)] {
        terminal.shows(name);
        terminal.shows("hold the card");
        desk.reader.send(&frame(number));
        terminal.shows(", saved");
    }
    terminal.shows("2 of 3 accepted");
    terminal.kill();
    let mut terminal = desk.start(&[&shared[..], &["--resume", "--report", "done.csv"]].concat());
    terminal.shows("2 of 3 are done");
    terminal.shows("Kay McNulty   3");
    terminal.shows("hold the card");
    desk.reader.send(&frame(13));
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    let shows = desk.blusky.shows();
    let added: Vec<&str> =
        shows["users"].as_array().unwrap().iter().filter_map(|user| user["added"].as_object().and(user["last_name"].as_str())).collect();
    assert_eq!(added, ["King", "McNulty"]);
    let report = desk.report("done.csv");
    assert!(report.iter().all(|row| row[6] == "accepted" && Uuid::parse_str(&row[3]).is_ok()), "{report:?}");
    assert_eq!(desk.holders().len(), 3);
}

#[test]
fn a_list_of_new_people_that_is_used_twice_adds_nobody_twice_nor_does_a_card_that_is_taken_back() {
    let mut desk = Desk::new("");
    fs::write(desk.site.path("people.csv"), "first_name,last_name,employee_number\nAda,King,1\nKay,McNulty,3\n").unwrap();
    let shared = ["--facility-id", FACILITY, "--ac-system-id", SYSTEM, "--company-instance-type", "1", "--company-instance-id", FACILITY];
    let mut terminal = desk.start(&shared);
    terminal.shows("Ada King   1");
    terminal.shows("hold the card");
    desk.reader.send(&frame(11));
    terminal.shows("1 of 2 accepted");
    terminal.press("u");
    terminal.shows("is taken back from Ada King (1)");
    terminal.shows("Ada King   1");
    terminal.shows("hold the card");
    desk.reader.send(&frame(12));
    terminal.shows("Kay McNulty   3");
    terminal.shows("hold the card");
    desk.reader.send(&frame(13));
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    let mut terminal = desk.start(&shared);
    terminal.shows("2 of these people were added here before");
    for (name, number) in [("Ada King   1", 14), ("Kay McNulty   3", 15)] {
        terminal.shows(name);
        terminal.shows("hold the card");
        desk.reader.send(&frame(number));
        terminal.shows(", saved");
    }
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    let shows = desk.blusky.shows();
    let added: Vec<&str> =
        shows["users"].as_array().unwrap().iter().filter_map(|user| user["added"].as_object().and(user["last_name"].as_str())).collect();
    assert_eq!(added, ["King", "McNulty"]);
    assert_eq!(desk.holders().len(), 4, "a second card is theirs");
}
