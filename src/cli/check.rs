//! `cardbridge check`: judges protocol files.

use std::{path::PathBuf, process::ExitCode};

use super::{
    Globals,
    out::{self, Failure},
};
use crate::protocols::Protocols;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge check\n  cardbridge check site-protocols/")]
pub struct Arguments {
    /// A folder with cards/, serial/, keyboards/ or smartcards/ [default: --protocols, else the built-in files]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub fn run(globals: &Globals, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut protocols = Protocols::built_in();
    if let Some(folder) = arguments.folder.as_ref().or(globals.protocols.as_ref()) {
        protocols.add_folder(folder).map_err(|error| Failure::usage("protocols", error.to_string(), ""))?;
    }
    for finding in &protocols.findings {
        out::print(&finding.to_string());
    }
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
