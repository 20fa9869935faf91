//! `cardbridge check`: judges protocol files.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use super::{
    Globals,
    out::{self, Failure},
};
use crate::{
    host::protocol_files::add_folder,
    protocols::{Protocols, cards::CardFormat},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge check\n  cardbridge check site-protocols/")]
pub struct Arguments {
    /// A folder with cards/, serial/, keyboards/ or smartcards/ [default: --protocols, else the built-in files]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub fn run(globals: &Globals, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut protocols = Protocols::built_in();
    let built_in: BTreeSet<String> = protocols.formats.iter().map(|format| format.format.id.to_string()).collect();
    if let Some(folder) = arguments.folder.as_ref().or(globals.protocols.as_ref()) {
        add_folder(&mut protocols, folder).map_err(|error| Failure::usage("protocols", error.to_string(), ""))?;
    }
    for finding in &protocols.findings {
        out::print(&finding.to_string());
    }
    hints(&protocols, &built_in).iter().for_each(|hint| out::hint(hint));
    let (formats, dialects, scripts) = (protocols.formats.len(), protocols.dialects.len(), protocols.scripts.len());
    match protocols.findings.len() {
        0 => {
            out::print(&format!(
                "clean: {formats} card formats, {dialects} serial dialects, {scripts} card scripts, each proven by its samples"
            ));
            Ok(ExitCode::SUCCESS)
        }
        count => {
            out::hint(&format!("{count} finding{}; a file with a finding is not loaded", if count == 1 { "" } else { "s" }));
            Ok(ExitCode::from(1))
        }
    }
}

/// The site's formats that are a known one under another name: nothing is wrong with them, and each of their cards then has two names.
fn hints(protocols: &Protocols, built_in: &BTreeSet<String>) -> Vec<String> {
    let mut hints = Vec::new();
    for (at, own) in protocols.formats.iter().enumerate().filter(|(_, format)| !built_in.contains(&*format.format.id)) {
        let is_same = |known: &&CardFormat| {
            let kinds = known.kinds.iter().any(|kind| own.kinds.contains(kind));
            kinds && known.others.is_empty() && own.others.is_empty() && known.format.is_same_as(&own.format)
        };
        for known in protocols.formats.iter().take(at).filter(is_same) {
            let (id, known) = (&own.format.id, &known.format.id);
            hints.push(format!(
                "hint: {}: `{id}` is `{known}` under another name, with the same bits, fields and checks; name `{known}` in the \
                 configuration, or write replaces = \"{known}\" into this file",
                own.file
            ));
        }
    }
    hints
}
