//! `cardbridge doctor`: what is wrong, why it matters, and the command that mends it. It changes nothing.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    Globals,
    out::{self, Failure, listen_for_signals},
    site::{self, Look},
};
use crate::{
    doctor::{self, Level, bundle, report},
    host::{
        looks::{self, Seen},
        platform::files,
    },
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge doctor\n  cardbridge doctor --json\n  cardbridge doctor --bundle ticket.txt\n\n\
                        Exit code 1 where something is broken. Nothing is changed, and BluSKY is asked one thing that changes nothing.")]
pub struct Arguments {
    /// One JSON object a line: the findings, and behind them what was looked at
    #[arg(long)]
    json: bool,
    /// Write a text for a support ticket, without numbers, names and secrets, into this new file
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    listen_for_signals();
    let file = site::path(globals, Look::Anywhere);
    let seen = looks::look(file.as_deref(), globals.protocols.as_deref(), site::credentials()).await;
    let findings = doctor::judge(&seen.facts);
    if arguments.json {
        report::json(&seen.facts, &findings).iter().for_each(out::print_json);
    } else {
        out::print(&report::text(&seen.facts, &findings));
    }
    if let Some(bundle) = &arguments.bundle {
        write(bundle, &seen, &findings)?;
    }
    Ok(ExitCode::from(u8::from(report::number_of(&findings, Level::Broken) > 0)))
}

fn write(path: &Path, seen: &Seen, findings: &[doctor::Finding]) -> Result<(), Failure> {
    let text = bundle::text(&seen.facts, findings, &looks::about(&seen.site), &looks::secrets(&seen.site));
    let failed = |error: std::io::Error| {
        Failure::impossible("bundle", format!("{} cannot be written: {error}", path.display()), "name a file that is not there yet")
    };
    let mut file = files::create(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    out::hint(&format!("{}: look it through before you send it", path.display()));
    Ok(())
}
