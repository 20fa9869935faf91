//! The outbox on disk: whether it can be written, has room, is whole, and what in it waits for a person.
//!
//! In: what the file system says, and how the outbox stands. Out: findings. Never: who or which card an entry is about.

use serde::Deserialize;

use super::{
    Finding, Level,
    words::{detail, number, path, plain, user, words},
};

/// What was seen of the store.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The file.
    pub path: String,
    /// Its folder, which holds its log and its locks too.
    pub folder: String,
    /// The folder is there.
    pub has_folder: bool,
    /// The file or its folder cannot be written by this user.
    pub is_read_only: bool,
    /// The file is there, and this user may not read it.
    pub is_denied: bool,
    /// The user that this runs as.
    pub user: String,
    /// The free bytes of its disk.
    pub free: Option<u64>,
    /// Everybody on this machine can read it.
    pub is_public: bool,
    /// The file with the key of its PINs and passwords, where others can read it.
    pub open_key: Option<String>,
    /// How the outbox stands.
    pub read: Read,
}

/// How the outbox stands, as far as it could be read without changing anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Read {
    /// There is no store yet.
    #[default]
    NotThere,
    /// It stands so.
    Stands(Box<Outbox>),
    /// It cannot be read, and why.
    Unreadable(String),
    /// An older program made it, and the next command brings it up.
    Older,
    /// A command that was killed has left a log of so many bytes, which the next command takes up.
    LogLeft(u64),
    /// It was written while it was read.
    Busy,
}

/// How an outbox stands: `outbox` of `GET /v1/station`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Outbox {
    /// Entries that are to be sent.
    pub waiting: u64,
    /// Entries that BluSKY's record decides about.
    pub in_doubt: u64,
    /// Refused since today began.
    pub refused_today: u64,
    /// Those that wait for a person.
    pub for_a_person: Vec<ForAPerson>,
    /// Those that wait for another BluSKY.
    pub elsewhere: u64,
    /// Why a PIN or password cannot be sent.
    pub sealed: Option<String>,
    /// Why the anchor cannot tell whether the store is an older one.
    pub anchor: Option<String>,
    /// What is damaged.
    pub findings: Vec<String>,
    /// Facility codes that the site lists and with which no card was ever accepted, where others were.
    pub facility_codes_never_seen: Vec<u64>,
}

/// An entry that waits for a person.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ForAPerson {
    /// Its key.
    pub enrollment: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub help: String,
}

/// With less room a day's work may not fit.
const LOW: u64 = 100 << 20;
/// With less, nothing can be saved soon.
const FULL: u64 = 10 << 20;

pub(super) fn judge(facts: &Facts, findings: &mut Vec<Finding>) {
    let unsaved = "an enrollment exists once it is on disk: nothing can be enrolled";
    if !facts.has_folder {
        findings.push(
            Finding::broken("store_folder", words("the folder of the store, {}, is not there", [path(&facts.folder)]))
                .matters(unsaved)
                .mended_by(words("mkdir -p {}", [path(&facts.folder)])),
        );
    } else if facts.is_read_only {
        let what = words("the store {} cannot be written by the user {}", [path(&facts.path), user(&facts.user)]);
        findings.push(Finding::broken("store_read_only", what).matters(unsaved).mended_by(words(
            "sudo chown -R {} {} && sudo chmod -R u+rwX {} (its folder too: a log and locks lie beside it)",
            [user(&facts.user), path(&facts.folder), path(&facts.folder)],
        )));
    }
    if let Some(free) = facts.free.filter(|free| *free < LOW) {
        let level = if free < FULL { Level::Broken } else { Level::Warning };
        let what = words("the disk of the store {} has {} MiB left", [path(&facts.path), plain(free >> 20)]);
        findings.push(
            Finding::new(level, "disk_low", what)
                .matters("on a full disk nothing can be saved, and BluSKY's answers cannot be written down")
                .mended_by(words("free some space: sudo du -xh {} | sort -h | tail", [path(&facts.folder)])),
        );
    }
    if facts.is_public {
        findings.push(
            Finding::warning("store_public", words("everybody on this machine can read the store {}", [path(&facts.path)]))
                .matters("it holds names and card numbers")
                .mended_by(words("chmod 600 {}", [path(&facts.path)])),
        );
    }
    if let Some(key) = &facts.open_key {
        findings.push(
            Finding::broken("key_open", words("others of this machine can read the key {}", [path(key)]))
                .matters("it unseals the PINs and passwords that wait; with such a key none is sealed or sent")
                .mended_by(words("chmod 600 {} and consider those PINs known", [path(key)])),
        );
    }
    match &facts.read {
        Read::NotThere | Read::Busy => {}
        Read::Stands(outbox) => judge_outbox(outbox, findings),
        // Nothing is wrong with what stands in it, as far as anybody could see.
        Read::Unreadable(_) if facts.is_denied => {}
        Read::Unreadable(why) => findings.push(
            Finding::broken("store_unreadable", words("{}", [detail(why)])).matters("what was saved in it is not delivered").mended_by(
                words("end the station and put a backup in its place, or name another file under [store] path: {}", [path(&facts.path)]),
            ),
        ),
        Read::Older => findings.push(
            Finding::note(
                "store_older",
                words("the store {} was made by an older cardbridge, and was not looked through", [path(&facts.path)]),
            )
            .matters("the next command brings it up to date; older programs cannot read it then")
            .mended_by("keep a copy of it, then: cardbridge status"),
        ),
        Read::LogLeft(bytes) => findings.push(
            Finding::note(
                "store_log",
                words("a command that was killed has left a log of {} KiB beside the store", [plain(bytes.div_ceil(1024))]),
            )
            .matters("nothing is lost by it; the store was not looked through, so as not to change it")
            .mended_by("any command takes it up: cardbridge status; then look again"),
        ),
    }
}

/// The outbox, wherever it was counted.
pub(super) fn judge_outbox(outbox: &Outbox, findings: &mut Vec<Finding>) {
    for entry in &outbox.for_a_person {
        findings.push(
            Finding::broken(
                "entry_for_a_person",
                words("entry {} waits for a person: {}", [number(&entry.enrollment), detail(&entry.why)]),
            )
            .matters("it is not known whether BluSKY has it, and nothing is sent again by itself")
            .mended_by(words("{}", [detail(&entry.help)])),
        );
    }
    if let Some(why) = &outbox.sealed {
        findings.push(
            Finding::broken("key_missing", words("{}", [detail(why)]))
                .matters("entries with a PIN or password wait until the key is back")
                .mended_by("put the key file back from your backup; without it: cardbridge outbox list, and discard those entries"),
        );
    }
    if let Some(why) = &outbox.anchor {
        findings.push(
            Finding::broken("anchor", words("{}", [detail(why)]))
                .matters("nobody notices then that the store was put back or cut off; one older than its anchor is not opened")
                .mended_by("put back what is missing; where this store is the right one: cardbridge audit accept"),
        );
    }
    for found in &outbox.findings {
        findings.push(
            Finding::broken("store_damaged", words("the store is damaged: {}", [detail(found)]))
                .matters("what is damaged is never sent")
                .mended_by(
                    "order those entries anew, or end the station and put a backup in its place; cardbridge outbox list shows the rest",
                ),
        );
    }
    if outbox.elsewhere > 0 {
        findings.push(
            Finding::warning("entries_elsewhere", words("{} of the outbox's entries are for another base_url", [plain(outbox.elsewhere)]))
                .matters("an entry is delivered only to the BluSKY it was saved for")
                .mended_by("cardbridge outbox list says for which; set blusky.base_url back, or discard them"),
        );
    }
    for code in &outbox.facility_codes_never_seen {
        findings.push(
            Finding::note(
                "facility_code_never_seen",
                words("no card with the listed facility code {} was ever accepted here", [number(code)]),
            )
            .matters("a mistyped code makes every card of that code a stranger")
            .mended_by("compare it with the box the cards came in; correct [site] facility_codes"),
        );
    }
}
