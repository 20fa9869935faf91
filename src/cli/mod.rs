//! The command line: one file per command, each from its arguments to an exit code.
//!
//! Exit codes: 0 done; 1 refused or impossible; 2 wrong usage or configuration; 3 saved, outcome not known yet.

mod access;
mod ask;
mod audit;
mod capture;
mod capture_file;
mod card;
mod check;
mod decode;
mod demo;
mod doctor;
mod encode;
mod enroll;
mod follow;
mod formats;
mod listen;
mod lookup;
mod out;
mod outbox;
mod progress;
mod read;
mod readers;
mod redact;
mod replay;
mod run;
mod service;
mod session;
mod simulator;
mod site;
mod status;
mod table;
mod user;
mod wait;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::host::platform::process;
use out::Failure;

/// The bridge between card readers and the BluSKY access-control web API.
#[derive(Debug, Parser)]
#[command(name = "cardbridge", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Examples:\n  cardbridge demo\n  cardbridge decode '{26}BD88EB80'\n  cardbridge enroll --user 1815")]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Options that stand before or after the command.
#[derive(Debug, Clone, Args)]
struct Globals {
    /// The configuration file [default: cardbridge.toml here, then the user's, then the system's]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A folder with the site's own cards/, serial/, keyboards/ and smartcards/
    #[arg(long, global = true, value_name = "DIR")]
    protocols: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the main job end to end, with no hardware and no BluSKY account
    Demo(demo::Arguments),
    /// List serial ports and PC/SC readers, and which configured reader each one is
    Readers(readers::Arguments),
    /// Decode and print each card shown; submit nothing
    Read(read::Arguments),
    /// Show every format that fits, and every one that does not
    Decode(decode::Arguments),
    /// Make the bits of a card
    Encode(encode::Arguments),
    /// List card formats, serial dialects or card scripts; with ID, show one
    Formats(formats::Arguments),
    /// Judge protocol files: all findings with file, line and column
    Check(check::Arguments),
    /// Wait for one card, enroll it, wait for the outcome
    Enroll(Box<enroll::Arguments>),
    /// Be the station: read all readers, deliver what is due
    Run(run::Arguments),
    /// Record what passes between a reader and cardbridge
    Capture(capture::Arguments),
    /// Play captures back through the same code
    Replay(replay::Arguments),
    /// Show how the station is: its readers, its outbox, its way to BluSKY
    Status(status::Arguments),
    /// Look what is wrong with this machine, its readers, its files, its way to BluSKY, and what mends it
    Doctor(doctor::Arguments),
    /// Show and settle what is due, in doubt and done
    Outbox(outbox::Arguments),
    /// Look whether the record is whole, tell it, erase a person from it
    Audit(audit::Arguments),
    /// Add users
    User(user::Arguments),
    /// Show and change the cards a user has
    Card(card::Arguments),
    /// Give people access to doors, and take it from them
    Access(access::Arguments),
    /// Show what BluSKY has: people, access levels, card types, systems, facilities, companies, badges
    Lookup(lookup::Arguments),
    /// Install the station and a kiosk's screen as services, and remove them
    Service(service::Arguments),
    /// Be a BluSKY to develop, demo and train against
    Simulator(simulator::Arguments),
}

/// The whole command line, for whoever writes about it: completions, manual pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && wants_json => return out::end(out::fail(&out::usage(&error), true)),
        Err(error) => return out::end(out::help(&error)),
    };
    out::start_logging();
    process::no_core_dump();
    out::end(dispatch(cli).unwrap_or_else(|failure| out::fail(&failure, wants_json)))
}

fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let globals = cli.globals;
    match cli.command {
        Command::Demo(arguments) => asynchronous(demo::run(arguments)),
        Command::Readers(arguments) => readers::run(&globals, &arguments),
        Command::Read(arguments) => asynchronous(read::run(&globals, arguments)),
        Command::Decode(arguments) => decode::run(&globals, &arguments),
        Command::Encode(arguments) => encode::run(&globals, &arguments),
        Command::Formats(arguments) => formats::run(&globals, &arguments),
        Command::Check(arguments) => check::run(&globals, &arguments),
        Command::Enroll(arguments) => asynchronous(enroll::run(&globals, *arguments)),
        Command::Run(arguments) => asynchronous(run::run(&globals, arguments)),
        Command::Capture(arguments) => asynchronous(capture::run(&globals, arguments)),
        Command::Replay(arguments) => asynchronous(replay::run(&globals, arguments)),
        Command::Status(arguments) => asynchronous(status::run(&globals, arguments)),
        Command::Doctor(arguments) => asynchronous(doctor::run(&globals, arguments)),
        Command::Outbox(arguments) => asynchronous(outbox::run(&globals, arguments)),
        Command::Audit(arguments) => asynchronous(audit::run(&globals, arguments)),
        Command::User(arguments) => asynchronous(user::run(&globals, arguments)),
        Command::Card(arguments) => asynchronous(card::run(&globals, arguments)),
        Command::Access(arguments) => asynchronous(access::run(&globals, arguments)),
        Command::Lookup(arguments) => asynchronous(lookup::run(&globals, arguments)),
        Command::Service(arguments) => service::run(&globals, &arguments),
        Command::Simulator(arguments) => asynchronous(simulator::run(arguments)),
    }
}

/// Runs a command on this thread and no other: a card at a reader wakes it, and nothing has to be handed over.
fn asynchronous(command: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::impossible("runtime", format!("no runtime: {error}"), ""))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = command => result,
            () = out::unanswered() => Err(Failure::impossible("interrupted", "interrupted", "what is saved stays saved")),
        }
    });
    // Threads that wait for a device or a terminal are not waited for.
    runtime.shutdown_background();
    result
}
