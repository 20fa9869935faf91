//! Serial lines, OSDP lines and keyboards: whether they are there, may be opened, and are free.
//!
//! In: what was seen of each without opening it. Out: findings. Never: a guess about who holds a port.

use super::{
    Finding,
    words::{Piece, path, plain, reader, user, words},
};

/// What was seen of ports.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The user that this runs as.
    pub user: String,
    /// One for each device file that a configured reader means; one without a path where it means none.
    pub ports: Vec<Port>,
    /// Keyboards that are readers and could be something better.
    pub typists: Vec<Typist>,
}

/// A configured reader's device file.
#[derive(Debug, Clone, Default)]
pub struct Port {
    /// The reader's name.
    pub reader: String,
    /// The file; none where nothing that is plugged in is meant.
    pub path: Option<String>,
    /// What the configuration says.
    pub wanted: String,
    /// The file is there.
    pub is_there: bool,
    /// It is a device. A link that was copied, or another path, is a file that no card comes from.
    pub is_device: bool,
    /// Why this user may not open it; none where they may.
    pub denied: Option<Denied>,
    /// The other processes that have it open; a station that runs here is none of them.
    pub holders: Vec<Holder>,
}

/// Why a file may not be opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Denied {
    /// The group of the file, where it has a name.
    pub group: Option<String>,
    /// The group may open it.
    pub group_may: bool,
    /// The user is in the group, and this login is older than that.
    pub joined: bool,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub process: u32,
    /// Its program.
    pub program: String,
}

/// A keyboard that is known as a reader.
#[derive(Debug, Clone)]
pub struct Typist {
    /// What it is, as its protocol file calls it.
    pub known: String,
    /// Its USB ids.
    pub usb: String,
    /// How it is made to speak something better than keys.
    pub switch: String,
}

pub(super) fn judge(facts: &Facts, findings: &mut Vec<Finding>) {
    for port in &facts.ports {
        findings.extend(judge_port(port, &facts.user));
    }
    for typist in &facts.typists {
        let what = words("{} ({}) types its cards like a keyboard", [plain(&typist.known), plain(&typist.usb)]);
        findings.push(
            Finding::note("keyboard_could_be_better", what)
                .matters("keys carry no check, and the reader may leave out bits that count")
                .mended_by(words("{}", [plain(&typist.switch)])),
        );
    }
}

fn judge_port(port: &Port, this_user: &str) -> Option<Finding> {
    let name = || reader(&port.reader);
    let Some(file) = port.path.as_ref().filter(|_| port.is_there) else {
        let what = words("the reader {} is not plugged in: {} is not there", [name(), path(&port.wanted)]);
        return Some(
            Finding::broken("reader_missing", what)
                .matters("no card can be read at it")
                .mended_by("plug it in; `cardbridge readers` shows what is there and what it is called"),
        );
    };
    if !port.is_device {
        let what = words("the reader {}: {} is no device", [name(), path(file)]);
        return Some(
            Finding::broken("no_device", what)
                .matters("no card can be read at it")
                .mended_by("`cardbridge readers` shows what is plugged in and what it is called"),
        );
    }
    if let Some(denied) = &port.denied {
        let what = words("the reader {}: {} may not be opened by the user {}", [name(), path(file), user(this_user)]);
        return Some(
            Finding::broken("port_not_allowed", what).matters("no card can be read at it").mended_by(allowed(denied, file, this_user)),
        );
    }
    (!port.holders.is_empty()).then(|| {
        let what = words("the reader {}: {} is held by {}", [name(), path(file), holders(&port.holders)]);
        Finding::broken("port_held", what)
            .matters("one program at a time can read it, and it takes the cards")
            .mended_by(words("end it (kill {}), or use the reader through it", [processes(&port.holders)]))
    })
}

/// What lets a user open a file: the group where there is one, and a rule of udev where the group may not either.
fn allowed(denied: &Denied, file: &str, this_user: &str) -> super::words::Words {
    match &denied.group {
        Some(group) if denied.joined => words(
            "{} is in the group {} since this login: log out and in again, or: newgrp {}",
            [user(this_user), plain(group), plain(group)],
        ),
        Some(group) if denied.group_may && group != "root" => {
            words("sudo usermod -aG {} {} and log in again", [plain(group), user(this_user)])
        }
        _ => words("its owner has to let you: sudo setfacl -m u:{}:rw {} (a udev rule makes it last)", [user(this_user), path(file)]),
    }
}

/// Processes as people see them.
pub(super) fn holders(holders: &[Holder]) -> Piece {
    let named: Vec<String> = holders.iter().map(|holder| format!("{} (process {})", holder.program, holder.process)).collect();
    plain(named.join(" and "))
}

/// Their numbers, for `kill`.
fn processes(holders: &[Holder]) -> Piece {
    plain(holders.iter().map(|holder| holder.process.to_string()).collect::<Vec<_>>().join(" "))
}
