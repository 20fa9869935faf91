//! `cardbridge service`: the station, and a kiosk's screen, as services of systemd: written after they were shown, and taken away again.
//!
//! What was written is listed with its checksums in `/etc/cardbridge/service.sha256` (`sha256sum -c` reads it), so that `remove` takes
//! away that and nothing else.

mod files;
mod kiosk;
mod machine;

use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use diffy::create_patch;
use serde_json::json;

use super::{
    Globals,
    out::{self, Failure},
};
use files::{File, KIOSK, Own, PROGRAM, STATE, STATION};
use machine::{CONFIGURATION, Machine, Manifest};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sudo cardbridge service install\n  sudo cardbridge service install --kiosk front --yes\n  \
                        sudo cardbridge service remove\n\n\
                        The station reads /etc/cardbridge/cardbridge.toml and writes to /var/lib/cardbridge alone, and its \
                        anchor where the configuration says.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Ask nothing
    #[arg(long, global = true)]
    yes: bool,
    /// One JSON object a line
    #[arg(long, global = true)]
    json: bool,
    /// The root folder of another system; no service is started there
    #[arg(long, global = true, hide = true, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show what would be written, then write it, and start the station
    #[command(after_help = "Examples:\n  sudo cardbridge service install\n  sudo cardbridge service install --kiosk front\n\n\
                            What is there already stays as it is; where a file differs, the difference is shown.")]
    Install {
        /// A kiosk at this reader of the configuration, with Chromium on this machine's screen
        #[arg(long, value_name = "READER")]
        kiosk: Option<String>,
    },
    /// Stop the services, and remove what `install` wrote; the store and the configuration stay
    #[command(after_help = "Example:\n  sudo cardbridge service remove")]
    Remove,
}

pub fn run(globals: &Globals, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let machine = Machine::at(&arguments.root)?;
    match &arguments.action {
        Action::Install { kiosk } => install(globals, arguments, &machine, kiosk.as_deref()),
        Action::Remove => remove(arguments, &machine),
    }
}

/// One file as it is to be, and as it is.
struct Change {
    path: &'static str,
    text: Vec<u8>,
    mode: u32,
    before: Option<Vec<u8>>,
    /// The configuration is the site's own: it is changed, and never removed.
    is_listed: bool,
}

impl Change {
    fn new(machine: &Machine, path: &'static str, text: Vec<u8>) -> Self {
        Self { before: machine.read(path), path, text, mode: 0o644, is_listed: true }
    }

    /// Changed, new or the same.
    fn state(&self) -> &'static str {
        match &self.before {
            None => "new",
            Some(before) if *before == self.text => "same",
            Some(_) => "changed",
        }
    }

    /// What is different, line by line; none for a program.
    fn difference(&self) -> Option<String> {
        let before = str::from_utf8(self.before.as_deref().unwrap_or_default()).ok()?;
        let text = str::from_utf8(&self.text).ok()?;
        // Which file it is stands above it.
        let lines = |patch: String| patch.lines().skip(2).map(|line| format!("{line}\n")).collect();
        (self.state() == "changed").then(|| lines(create_patch(before, text).to_string()))
    }
}

fn install(globals: &Globals, arguments: &Arguments, machine: &Machine, kiosk: Option<&str>) -> Result<ExitCode, Failure> {
    let mut changes = Vec::new();
    let program = program(machine, &mut changes)?;
    let config = machine.configuration(globals)?;
    let screen = match (kiosk, &config) {
        (None, _) => None,
        (Some(reader), Some(config)) => {
            machine.has_programs(&["usr/bin/cage", "usr/bin/Xwayland", "usr/sbin/seatd", "usr/bin/chromium"])?;
            let (screen, text) = kiosk::at(config, reader).map_err(|why| Failure::usage("kiosk", why, ""))?;
            changes.extend(text.map(|text| Change { is_listed: false, ..Change::new(machine, CONFIGURATION, text.into_bytes()) }));
            Some(screen)
        }
        (Some(reader), None) => {
            let help = "write it first; /usr/share/doc/cardbridge/examples/cardbridge.toml of the package is one to begin with";
            return Err(Failure::usage("no_configuration", format!("there is no /{CONFIGURATION} with a reader {reader}"), help));
        }
    };
    let anchor = config.as_ref().and_then(|config| config.anchor.as_deref()).filter(|anchor| !anchor.starts_with(STATE));
    let own = Own { program, protocols: globals.protocols.as_deref(), anchor, screen };
    let written = files::all(&own).into_iter().filter(|file| !is_packaged(machine, file));
    changes.extend(written.map(|file| Change::new(machine, file.path, file.text.into_bytes())));
    changes.iter().for_each(|change| show(machine, change, arguments.json));
    let is_changed = changes.iter().any(|change| change.state() != "same");
    let units: &[&str] = if kiosk.is_some() { &[STATION, KIOSK] } else { &[STATION] };
    let commands = machine.install_commands(units, is_changed, config.is_some());
    if is_changed {
        consent(arguments, &commands, "Write these files and run these commands?")?;
        write(machine, &changes)?;
    }
    machine.carry_out(&commands, arguments.json)?;
    if config.is_none() && !arguments.json {
        out::print(&format!("there is no /{CONFIGURATION} yet: write it, and `cardbridge service install` starts the station"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the program lies for the service: the package's, or a copy of this one, which a home folder may hide from a service.
fn program(machine: &Machine, changes: &mut Vec<Change>) -> Result<&'static str, Failure> {
    const OWN: &str = "usr/local/bin/cardbridge";
    let this = machine.this_program()?;
    if machine.read(PROGRAM).is_some_and(|packaged| packaged == this) {
        return Ok(PROGRAM);
    }
    changes.push(Change { mode: 0o755, ..Change::new(machine, OWN, this) });
    Ok(OWN)
}

/// True where Debian's package has this very file.
fn is_packaged(machine: &Machine, file: &File) -> bool {
    let packaged = file.packaged.and_then(|path| machine.read(path));
    // A file of the same name in /etc would stand before it.
    !machine.path(file.path).exists() && packaged.is_some_and(|packaged| packaged == file.text.as_bytes())
}

fn show(machine: &Machine, change: &Change, json: bool) {
    let (path, state, difference) = (machine.path(change.path).display().to_string(), change.state(), change.difference());
    if json {
        return out::print_json(&json!({"file": path, "state": state, "difference": difference}));
    }
    out::print(&format!("{state:<8} {path}"));
    match (state, str::from_utf8(&change.text)) {
        ("new", Ok(text)) => text.lines().for_each(|line| out::print(&format!("    {line}"))),
        _ => difference.iter().flat_map(|text| text.lines()).for_each(|line| out::print(&format!("    {line}"))),
    }
}

/// Somebody says yes, at a terminal or on the command line.
fn consent(arguments: &Arguments, commands: &[Vec<&str>], question: &str) -> Result<(), Failure> {
    if arguments.yes {
        return Ok(());
    }
    let refused = |why: &str| Err(Failure::impossible("unconfirmed", why, "nothing was changed; --yes asks nothing"));
    if arguments.json || !std::io::stdin().is_terminal() {
        return refused("nobody can be asked here");
    }
    commands.iter().for_each(|command| out::print(&format!("run      {}", command.join(" "))));
    out::hint(&format!("{question} [y/N]"));
    let mut line = String::new();
    drop(std::io::stdin().lock().read_line(&mut line));
    if matches!(line.trim(), "y" | "Y" | "yes") { Ok(()) } else { refused("the answer was no") }
}

/// Writes the files, and each into the list before it is there: what was written is never without its line.
fn write(machine: &Machine, changes: &[Change]) -> Result<(), Failure> {
    let mut manifest = Manifest::read(machine);
    for change in changes.iter().filter(|change| change.state() != "same") {
        if change.is_listed {
            manifest.list(change.path, &change.text);
            manifest.write(machine)?;
        }
        machine.write(change.path, &change.text, change.is_listed.then_some(change.mode))?;
    }
    Ok(())
}

fn remove(arguments: &Arguments, machine: &Machine) -> Result<ExitCode, Failure> {
    let manifest = Manifest::read(machine);
    let (ours, changed) = manifest.present(machine);
    let path = |path: &str| machine.path(path).display().to_string();
    let tell = |state: &str, file: &str| match arguments.json {
        true => out::print_json(&json!({"file": path(file), "state": state})),
        false => out::print(&format!("{state:<8} {}", path(file))),
    };
    ours.iter().for_each(|file| tell("remove", file));
    // Whoever changed it decides.
    changed.iter().for_each(|file| tell("keep", file));
    if manifest.is_empty() {
        if !arguments.json {
            out::print("nothing here was written by `cardbridge service install`");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (before, after) = machine.remove_commands();
    let commands = [before.clone(), after.clone()].concat();
    consent(arguments, &commands, "Stop the services and remove these files?")?;
    machine.carry_out(&before, arguments.json)?;
    ours.iter().try_for_each(|path| machine.remove(path))?;
    machine.remove(Manifest::PATH)?;
    machine.carry_out(&after, arguments.json)?;
    if !arguments.json {
        changed.iter().for_each(|file| out::print(&format!("{} was changed since it was written, and stays", path(file))));
        out::print("the store in /var/lib/cardbridge, the configuration in /etc/cardbridge and the users stay");
    }
    Ok(ExitCode::SUCCESS)
}
