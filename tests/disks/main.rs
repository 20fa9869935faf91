//! Power cuts, played from what an enrollment wrote and when it told the disk to keep it: what was not told to be kept is lost, torn or
//! turned round, and the guarantee holds after each of them.
//!
//! After every call in the enrollment's own process (the store is opened as the next process would open it); and with the shipped binary
//! and BluSKY before each call that keeps something: every fourth of them, all in `make torture`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stdout, reason = "it counts")]

mod disk;
mod record;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use cardbridge::{
    host::FILES,
    outbox::{Next, State},
    store::{Store, seal::Sealer, sqlite::Database},
};
use chrono::Utc;
use disk::{Disk, Survives};
use record::{CALLS, Happened, read};
use support::{ADA, CARD, GRACE, Simulator, Site, h10301, times};

const ALL: [Survives; 4] = [Survives::Nothing, Survives::AllButHalfTheLast, Survives::All, Survives::EverySecond];

/// An enrollment with a PIN, to its end: the disk before it, and what happened then.
fn recorded(site: &Site, bits: &str) -> (Disk, Vec<Happened>) {
    site.keep("pin", "90417\n");
    let before = Disk::of(site.folder.path());
    let log = tempfile::NamedTempFile::new().unwrap();
    let enroll = site.command(&["enroll", "--user", ADA, "--bits", bits, "--pin-file", "pin", "--json"]);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-y", "-xx", "-s", "1000000", "-e", &format!("trace={CALLS}"), "-o"]).arg(log.path());
    traced.arg(enroll.get_program()).args(enroll.get_args()).current_dir(site.folder.path()).stdin(Stdio::null());
    let output = traced.output().expect("strace is there (`make test` installs it)");
    assert!(output.status.success(), "{output:?}");
    let folder = fs::canonicalize(site.folder.path()).unwrap();
    (before, read(&fs::read_to_string(log.path()).unwrap(), folder.to_str().unwrap()))
}

/// What people and BluSKY had been told by then.
#[derive(Default, Debug, Clone, Copy)]
struct Told {
    saved: bool,
    sent: bool,
    accepted: bool,
}

impl Told {
    fn takes(&mut self, happened: &Happened) {
        match happened {
            Happened::Said(line) if line.contains("\"state\":\"saved\"") => self.saved = true,
            Happened::Said(line) if line.contains("\"state\":\"accepted\"") => self.accepted = true,
            Happened::Sent => self.sent = true,
            _ => {}
        }
    }
}

/// The store after the cut, as the next process opens it; gives how many entries it holds.
fn judge(folder: &Path, base_url: &str, earlier: usize, told: Told, place: &str) -> usize {
    let path = folder.join("cardbridge.db");
    if !path.exists() {
        // The next process makes a new one.
        assert!(earlier == 0 && !told.saved, "{place}: the store is gone");
        return earlier;
    }
    let sealer = Sealer::new(folder.join("cardbridge.db.key"), None, FILES);
    let mut store = Database::open(&path, base_url, sealer).unwrap_or_else(|error| panic!("{place}: {error}"));
    let entries = store.page_after(0).unwrap();
    assert!(entries.len() <= earlier + 1, "{place}: {entries:?}");
    assert!(entries.len() == earlier + 1 || !told.saved, "{place}: it was announced as saved, and is gone");
    assert_eq!(store.findings().unwrap(), [""; 0], "{place}: a power cut is no damage");
    for (_, mut entry) in entries {
        let (state, now) = (entry.progress().state, Utc::now());
        if state != State::Accepted {
            assert!(store.secret(entry.id).unwrap().is_some(), "{place}: its PIN is gone");
        }
        if let Some(step) = entry.abandoned() {
            entry.add(now, step);
        }
        let goes_on = entry.due(now);
        assert!(!told.sent || !matches!(goes_on, Next::Send { .. }), "{place}: sent, and to be sent again: {state:?}");
        assert!(!told.accepted || matches!(state, State::Accepted | State::InDoubt), "{place}: {state:?}");
    }
    earlier
}

/// After each call, whatever survives of what was not told to be kept.
fn after_each_call(site: &Site, base_url: &str, (mut disk, happened): (Disk, Vec<Happened>), earlier: usize) -> usize {
    let (mut told, mut cuts) = (Told::default(), 0);
    for (number, next) in happened.iter().enumerate() {
        disk.takes(next);
        told.takes(next);
        for survives in ALL {
            let folder = tempfile::tempdir_in(site.folder.path()).unwrap();
            disk.after_a_cut(survives, folder.path());
            make_private(folder.path());
            judge(folder.path(), base_url, earlier, told, &format!("cut after call {number} ({}), {survives:?}", kind(next)));
            cuts += 1;
        }
    }
    assert!(told.saved && told.sent && told.accepted && cuts > 400, "{told:?}, {cuts}");
    cuts
}

fn kind(happened: &Happened) -> String {
    format!("{happened:?}").chars().take(40).collect()
}

/// Files of a store are nobody else's.
fn make_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for file in fs::read_dir(folder).unwrap().flatten() {
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn wherever_the_power_goes_and_whatever_the_disk_forgets_what_was_announced_is_there_and_nothing_is_sent_unlooked() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let first = recorded(&site, CARD);
    let cuts = after_each_call(&site, &blusky.base_url, first, 0);
    // The same in a store that is there already.
    let second = recorded(&site, &h10301(31, 337));
    let more = after_each_call(&site, &blusky.base_url, second, 1);
    println!("{} power cuts, nothing lost and nothing sent twice", cuts + more);
}

#[test]
fn after_a_power_cut_the_next_command_delivers_what_was_saved_once() {
    let every = if times("EVERY_CALL", 0) > 0 { 1 } else { 4 };
    let blusky = Simulator::start(&["--allow-double"]);
    let site = Site::at(&blusky.base_url, "");
    let (mut disk, happened) = recorded(&site, CARD);
    let (mut told, mut keeps, mut cuts) = (Told::default(), 0, 0);
    for next in &happened {
        let is_kept = matches!(next, Happened::Kept(_));
        keeps += usize::from(is_kept);
        if is_kept && keeps % every == 0 {
            for survives in [Survives::Nothing, Survives::AllButHalfTheLast] {
                delivered(&blusky, &disk, survives, told);
                cuts += 1;
            }
        }
        disk.takes(next);
        told.takes(next);
    }
    assert!(cuts > 4, "{cuts}");
    println!("{cuts} power cuts with the shipped binary, {keeps} calls that keep something");
}

/// What comes of it with the shipped binary, at a BluSKY that has the card where it was sent.
fn delivered(blusky: &Simulator, disk: &Disk, survives: Survives, told: Told) {
    let held = || blusky.cards().into_iter().filter(|card| card["Assignment"]["UserId"] == ADA).collect::<Vec<_>>();
    held().iter().for_each(|card| blusky.unassign(card["CardId"].as_str().unwrap()));
    if told.sent {
        let before = Site::at(&blusky.base_url, "");
        before.keep("pin", "90417\n");
        assert_eq!(before.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin"]).code, 0);
    }
    let after = Site::at(&blusky.base_url, "");
    disk.after_a_cut(survives, after.folder.path());
    make_private(after.folder.path());
    let entries = support::wait_for("every entry to end", || {
        after.run(&["outbox", "deliver"]);
        Some(after.outbox()).filter(|entries| entries.iter().all(|entry| entry["state"] == "accepted"))
    });
    assert!(entries.len() == 1 || (entries.is_empty() && !told.saved), "{survives:?} {told:?}: {entries:?}");
    assert_eq!(held().len(), entries.len(), "{survives:?} {told:?}: {entries:#?}");
    // And it goes on from there.
    assert_eq!(after.run(&["enroll", "--user", GRACE, "--bits", &h10301(31, 337)]).code, 0);
    assert_eq!(after.run(&["audit", "verify"]).code, 0, "{survives:?} {told:?}");
}
