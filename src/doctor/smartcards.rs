//! PC/SC: the service, who may use it, and who else holds its readers.
//!
//! In: what the service, /proc and /sys say. Out: findings. Never: which driver of the kernel takes which reader; that stands in
//! `protocols/readers`.

use super::{
    Finding,
    ports::{Holder, holders},
    words::{detail, plain, reader, user, words},
};

/// What was seen of PC/SC.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The configured PC/SC readers: name and pattern.
    pub wanted: Vec<(String, String)>,
    /// Whether the service answers; none where nobody has asked.
    pub service: Option<Service>,
    /// The daemon's program is on this machine.
    pub is_installed: bool,
    /// The readers that it lists.
    pub readers: Vec<CardReader>,
    /// A smart-card reader is plugged in, as USB tells.
    pub is_plugged_in: bool,
    /// The other programs that use smart cards.
    pub clients: Vec<Holder>,
    /// Readers that a driver of the kernel has taken.
    pub taken: Vec<Taken>,
    /// Whether the readers' driver lets commands for a reader itself through; none where nobody knows.
    pub escapes: Option<bool>,
    /// The user that this runs as.
    pub user: String,
}

/// How the service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// It lists its readers.
    Answers,
    /// It does not.
    Silent,
    /// It lets this user not in.
    NotAllowed,
    /// Something else, in its words.
    Other(String),
}

/// A reader that the service lists.
#[derive(Debug, Clone, Default)]
pub struct CardReader {
    /// Its PC/SC name.
    pub device: String,
    /// The configured reader that it is.
    pub configured: Option<String>,
    /// Another program uses the card there alone.
    pub is_held: bool,
    /// It has lights or sounds that it is told by commands for itself.
    pub shows: bool,
}

/// A reader that a driver of the kernel has taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Its name.
    pub reader: String,
    /// Its USB ids.
    pub usb: String,
    /// The driver.
    pub driver: String,
}

pub(super) fn judge(facts: &Facts, findings: &mut Vec<Finding>) {
    for taken in &facts.taken {
        let what = words("the kernel's driver {} holds the {} ({})", [plain(&taken.driver), plain(&taken.reader), plain(&taken.usb)]);
        findings.push(
            Finding::broken("kernel_driver", what)
                .matters("the smart-card service does not get the reader then, and no card is read at it")
                .mended_by(words(
                    "echo 'blacklist {}' | sudo tee /etc/modprobe.d/cardbridge.conf && sudo modprobe -r {} and plug the reader in again",
                    [plain(&taken.driver), plain(&taken.driver)],
                )),
        );
    }
    findings.extend(service(facts));
    if facts.service == Some(Service::Answers) {
        answered(facts, findings);
    }
}

fn service(facts: &Facts) -> Option<Finding> {
    let named: Vec<String> = facts.wanted.iter().map(|(name, _)| name.clone()).collect();
    let matters = "no card can be read at PC/SC readers";
    match facts.service.as_ref()? {
        Service::Answers => None,
        // Whoever has no such reader misses nothing.
        _ if named.is_empty() && !facts.is_plugged_in => None,
        Service::Silent => {
            let what = match named.is_empty() {
                true => words("a smart-card reader is plugged in, and the smart-card service (pcscd) does not run", []),
                false => words("the smart-card service (pcscd) does not run, and {} needs it", [reader(named.join(", "))]),
            };
            let mend = if facts.is_installed { "sudo systemctl enable --now pcscd.socket" } else { "sudo apt-get install pcscd" };
            let finding = if named.is_empty() { Finding::note("no_pcscd", what) } else { Finding::broken("no_pcscd", what) };
            Some(finding.matters(matters).mended_by(mend))
        }
        Service::NotAllowed => Some(
            Finding::broken("pcscd_not_allowed", words("the smart-card service does not let the user {} in", [user(&facts.user)]))
                .matters("it asks polkit, which lets in whoever sits at the screen, and no service and nobody over ssh")
                .mended_by(words(
                    "echo 'polkit.addRule(function(action, subject) { if (action.id.indexOf(\"org.debian.pcsc-lite.\") == 0 && subject.user == \
                     \"{}\") return polkit.Result.YES; });' | sudo tee /etc/polkit-1/rules.d/50-cardbridge.rules",
                    [user(&facts.user)],
                )),
        ),
        Service::Other(why) => Some(
            Finding::broken("pcscd", words("the smart-card service: {}", [detail(why)]))
                .matters(matters)
                .mended_by("sudo systemctl restart pcscd; journalctl -u pcscd shows what it says"),
        ),
    }
}

fn answered(facts: &Facts, findings: &mut Vec<Finding>) {
    for (name, pattern) in &facts.wanted {
        if facts.readers.iter().any(|found| found.configured.as_ref() == Some(name)) {
            continue;
        }
        findings.push(
            Finding::broken(
                "reader_missing",
                words("the reader {}: no PC/SC reader matches {}", [reader(name), detail(format!("{pattern:?}"))]),
            )
            .matters("no card can be read at it")
            .mended_by("plug it in; `cardbridge readers` shows what is there and what it is called"),
        );
    }
    for held in facts.readers.iter().filter(|found| found.is_held && found.configured.is_some()) {
        let name = reader(held.configured.as_deref().unwrap_or_default());
        let (what, mend) = match facts.clients.is_empty() {
            true => (
                words("the reader {} is held by another program, which cannot be seen from here", [name]),
                words("sudo cardbridge doctor names it", []),
            ),
            false => (
                words("the reader {} is held by another program; those that use smart cards: {}", [name, holders(&facts.clients)]),
                // Nobody tells which of them, and the others are not to be ended for it.
                words("end the one that has it, with kill and its number", []),
            ),
        };
        findings.push(
            Finding::broken("card_reader_held", what).matters("whoever holds a card alone keeps it from everybody else").mended_by(mend),
        );
    }
    let silent = facts.readers.iter().find(|found| found.shows && found.configured.is_some());
    if let Some(silent) = silent.filter(|_| facts.escapes == Some(false)) {
        let name = silent.configured.as_deref().unwrap_or_default();
        findings.push(
            Finding::note("escape_off", words("the reader {} cannot be told to light or beep while no card lies there", [reader(name)]))
                .matters("people at the desk do not hear when a card is saved or accepted")
                .mended_by(
                    "sudo sed -i '/<key>ifdDriverOptions/{n;s/0x0000/0x0001/}' /etc/libccid_Info.plist && sudo systemctl restart pcscd",
                ),
        );
    }
}
