//! The site's files: the configuration, its own protocol files, its secrets, its list of people.
//!
//! In: what was found in them. Out: findings with row and column. Never: what stands in a secret, or who is in the list.

use super::{
    Finding,
    words::{detail, path, plain, words},
};
use crate::{enroll::people, sheet};

/// What was seen of the site's files.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The configuration file; none where there is none.
    pub file: Option<String>,
    /// Why it cannot be read.
    pub unreadable: Option<String>,
    /// It can be, and is no text.
    pub is_no_text: bool,
    /// What is wrong in it.
    pub wrong: Vec<sheet::Finding>,
    /// Why the folder of the site's own protocol files cannot be read.
    pub folder: Option<String>,
    /// What is wrong in protocol files.
    pub protocols: Vec<sheet::Finding>,
    /// The files with secrets and keys that it names.
    pub secrets: Vec<SecretFile>,
    /// The list of people.
    pub people: Option<PeopleFile>,
    /// The kiosk page; none where there is none.
    pub kiosk: Option<Kiosk>,
}

/// What was seen of a kiosk page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kiosk {
    /// The employee number alone is enough there.
    pub without_code: bool,
    /// Whoever sits at this machine can work at the desk page without a PIN.
    pub desk_is_open: bool,
}

/// A file with a secret, which nobody else should read.
#[derive(Debug, Clone)]
pub struct SecretFile {
    /// The key that names it.
    pub key: &'static str,
    /// The file.
    pub path: String,
    /// Why it holds no secret, without the path.
    pub trouble: Option<String>,
    /// It is there.
    pub is_there: bool,
    /// It is, and this user may not read it.
    pub is_denied: bool,
    /// Others than this user can read it.
    pub is_open: bool,
    /// Everybody on this machine can, and commands refuse it.
    pub is_public: bool,
}

/// The list of people.
#[derive(Debug, Clone)]
pub struct PeopleFile {
    /// The file.
    pub path: String,
    /// Why nobody can be read from it.
    pub unreadable: Option<String>,
    /// How many people it has.
    pub people: usize,
    /// How many of them have a kiosk code; none where it has no such column.
    pub codes: Option<usize>,
    /// What is said of codes that are so short that they can be guessed.
    pub short_codes: Option<people::Finding>,
    /// The rows that are left out, and why.
    pub rows: Vec<people::Finding>,
}

/// So many rows are named one by one.
const MOST_ROWS: usize = 5;

pub(super) fn judge(facts: &Facts, findings: &mut Vec<Finding>) {
    let config = facts.file.clone().unwrap_or_default();
    if facts.file.is_none() {
        let what = "there is no configuration file: only what is plugged in was looked at";
        findings.push(
            Finding::note("no_configuration", what)
                .matters("without one no reader is known here and nothing is enrolled")
                .mended_by("write cardbridge.toml here, or name a file with --config; the README has one to start from"),
        );
    }
    if let Some(why) = &facts.unreadable {
        findings.push(
            Finding::broken("configuration_unreadable", words("the configuration {} cannot be read: {}", [path(&config), detail(why)]))
                .matters("no command works without it")
                .mended_by(if facts.is_no_text {
                    words("put a file of text in its place, saved as UTF-8; what it is says: file {}", [path(&config)])
                } else {
                    words("check the path, the owner and the mode: ls -l {}", [path(&config)])
                }),
        );
    }
    for wrong in &facts.wrong {
        let what = words("{}, line {}, column {}: {}", [path(&wrong.file), plain(wrong.line), plain(wrong.column), detail(&wrong.message)]);
        findings.push(
            Finding::broken("configuration_wrong", what)
                .matters("no command works until it is corrected; what else could be looked at was")
                .mended_by(words("correct that line: ${EDITOR:-nano} +{} {}", [plain(wrong.line), path(&wrong.file)])),
        );
    }
    protocols(facts, findings);
    facts.secrets.iter().for_each(|file| secret(file, findings));
    if let Some(people) = &facts.people {
        judge_people(people, findings);
    }
    if let Some(kiosk) = facts.kiosk {
        judge_kiosk(kiosk, facts.people.as_ref(), findings);
    }
}

fn judge_kiosk(kiosk: Kiosk, people: Option<&PeopleFile>, findings: &mut Vec<Finding>) {
    if let Some(people) = people.filter(|people| people.unreadable.is_none() && people.codes.unwrap_or(0) == 0 && !kiosk.without_code) {
        let what = if people.codes.is_none() {
            "the list of people {} has no column kiosk_code"
        } else {
            "nobody in the list of people {} has a kiosk_code"
        };
        findings.push(
            Finding::broken("kiosk_no_codes", words(what, [path(&people.path)]))
                .matters("the kiosk serves nobody, and sends everybody to the front desk")
                .mended_by(
                    "give each person whom it serves a kiosk_code of 8 digits or more, made by chance; or write kiosk_without_code = true",
                ),
        );
    }
    if let Some(short) = people.and_then(|people| people.short_codes.as_ref()) {
        let what = words("the list of people, row {}, column {}: {}", [plain(short.row), plain(short.column), detail(&short.message)]);
        findings.push(
            Finding::warning("kiosk_short_codes", what)
                .matters("a code is worth a card in that person's name")
                .mended_by("give those people a kiosk_code of 8 digits or more, made by chance"),
        );
    }
    if kiosk.desk_is_open {
        findings.push(
            Finding::warning("kiosk_open_desk", "the desk page asks nobody for a PIN, and strangers stand at this machine")
                .matters("whoever gets out of the kiosk's page can give and take cards under any name")
                .mended_by("add an [[operator]] with a pin_file for everybody who works at the desk"),
        );
    }
}

fn protocols(facts: &Facts, findings: &mut Vec<Finding>) {
    if let Some(why) = &facts.folder {
        findings.push(
            Finding::broken("protocol_folder", words("the folder of --protocols cannot be used: {}", [detail(why)]))
                .matters("the site's own card formats and readers are not known then")
                .mended_by("give a folder with cards/, serial/, keyboards/, smartcards/, readers/ or advice/ in it"),
        );
    }
    for wrong in &facts.protocols {
        let what = words("{}, line {}, column {}: {}", [path(&wrong.file), plain(wrong.line), plain(wrong.column), detail(&wrong.message)]);
        findings.push(
            Finding::warning("protocol_file", what)
                .matters("the file is left out: what it says about cards or readers is not known here")
                .mended_by("`cardbridge check FOLDER` shows all findings of a folder; correct the file"),
        );
    }
}

fn secret(file: &SecretFile, findings: &mut Vec<Finding>) {
    // A secret that is there is not to be emptied by whoever does what is said here.
    let mend = match (file.is_there, file.is_denied) {
        (false, _) => "put it there, for this user alone: install -m 600 /dev/null {} and write it into the file",
        (true, true) => "as the user that cardbridge runs as, so that nobody else reads it: sudo chown \"$USER\" {} && sudo chmod 600 {}",
        (true, false) => "write it into the file, as one line and nothing else: ${EDITOR:-nano} {}",
    };
    if let Some(why) = &file.trouble {
        findings.push(
            Finding::broken("secret_file", words("{} = {}: {}", [plain(file.key), path(&file.path), detail(why)]))
                .matters("what needs it does not work; what is saved waits")
                .mended_by(words(mend, [path(&file.path), path(&file.path)])),
        );
    } else if file.is_public {
        let what = words("{} = {}: everybody on this machine can read it", [plain(file.key), path(&file.path)]);
        findings.push(
            Finding::broken("secret_public", what)
                .matters("whoever reads it can act in this site's name; commands refuse to use it")
                .mended_by(words("chmod 600 {} and, where others use this machine, take a new secret", [path(&file.path)])),
        );
    } else if file.is_open {
        findings.push(
            Finding::warning("secret_open", words("{} = {}: its owner's group can read it", [plain(file.key), path(&file.path)]))
                .matters("whoever reads it can act in BluSKY, or read cards, in this site's name")
                .mended_by(words("chmod 600 {}", [path(&file.path)])),
        );
    }
}

fn judge_people(people: &PeopleFile, findings: &mut Vec<Finding>) {
    if let Some(why) = &people.unreadable {
        findings.push(
            Finding::broken("people_unreadable", words("the list of people {}: {}", [path(&people.path), detail(why)]))
                .matters("nobody can be found by name or employee number; a user's GUID still works")
                .mended_by(words(
                    "write it as a table with the headings user_id, first_name, last_name, employee_number: {}",
                    [path(&people.path)],
                )),
        );
    }
    for row in people.rows.iter().take(MOST_ROWS) {
        let what = words("the list of people, row {}, column {}: {}", [plain(row.row), plain(row.column), detail(&row.message)]);
        findings.push(
            Finding::warning("people_row", what)
                .matters("nobody is found by what is left out there")
                .mended_by(words("correct that row: {}", [path(&people.path)])),
        );
    }
    if people.rows.len() > MOST_ROWS {
        let (more, all) = (people.rows.len() - MOST_ROWS, people.rows.len() + people.people);
        findings.push(
            Finding::warning("people_row", words("the list of people: {} further rows of {} are left out", [plain(more), plain(all)]))
                .matters("those people are not found by name or number")
                .mended_by("correct the first rows and look again; often one column is wrong for all"),
        );
    }
}
