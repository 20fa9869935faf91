//! What goes out: people's text and JSON lines on standard output, everything else on standard error.

mod line;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;
use serde_json::{Value, json};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::host::client::Said;
pub use crate::host::platform::process::{interrupted, listen_for_signals, unanswered};
use line::{Appending, Line, Log};
pub use line::{noted, wait_for_nobody};

/// A command that did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    code: String,
    message: String,
    help: String,
    exit: u8,
    more: Vec<(String, Value)>,
}

/// What went wrong, in a line.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// The thing asked for was refused or cannot be done: exit code 1.
    pub fn impossible(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), help: help.into(), exit: 1, more: Vec::new() }
    }

    /// Wrong usage or configuration: exit code 2.
    pub fn usage(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: 2, ..Self::impossible(code, message, help) }
    }

    /// Adds a member to the JSON of the error.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.push((name.to_owned(), value));
        self
    }

    /// True for wrong usage or configuration.
    pub const fn is_usage(&self) -> bool {
        self.exit == 2
    }

    /// An error that a station tells, as it stands.
    pub fn of_error(error: &Value, exit: u8) -> Self {
        let text = |name: &str| error.text(name).to_owned();
        let members = error.as_object().into_iter().flatten();
        let more = members.filter(|(name, _)| !["code", "message", "help"].contains(&name.as_str()));
        let more = more.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { code: text("code"), message: text("message"), help: text("help"), exit, more }
    }
}

/// A usage error of the argument parser's.
pub fn usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let about = text.split("\n\n").next().unwrap_or_default();
    let message = about.split_whitespace().collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned();
    Failure::usage("usage", message, "`--help` explains every command with an example")
}

/// Shows the argument parser's help, version or error; its exit code.
pub fn help(shown: &clap::Error) -> ExitCode {
    let written = shown.print();
    if !shown.use_stderr() {
        noted(written.and_then(|()| io::stdout().flush()));
    }
    ExitCode::from(u8::try_from(shown.exit_code()).unwrap_or(2))
}

/// A number of seconds that can be waited for: a year at most.
pub fn seconds() -> impl clap::builder::TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(..=31_536_000)
}

/// Text that says something: an empty one would be a name or a number that nobody has.
pub fn some_text(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("nothing stands there; leave it out, or write something") } else { Ok(text.to_owned()) }
}

/// The JSON of a failure: `{"error":{"code","message","help"}}`.
pub fn error_json(failure: &Failure) -> Value {
    let mut error = json!({"code": failure.code, "message": failure.message, "help": failure.help});
    for (name, value) in &failure.more {
        if let Some(error) = error.as_object_mut() {
            error.insert(name.clone(), value.clone());
        }
    }
    json!({ "error": error })
}

/// Says why a command failed, and gives its exit code.
pub fn fail(failure: &Failure, as_json: bool) -> ExitCode {
    if as_json {
        print_json(&error_json(failure));
    } else {
        let style = anstyle::AnsiColor::Red.on_default().bold();
        hint(&format!("{style}error:{style:#} {}", failure.message));
        if !failure.help.is_empty() {
            hint(&failure.help);
        }
    }
    ExitCode::from(failure.exit)
}

/// Ends the program's output, and gives its exit code: where what was asked for did not get out, that is no success.
pub fn end(code: ExitCode) -> ExitCode {
    line::finish();
    let Some(why) = line::unwritten() else { return code };
    let failure = Failure::impossible("output", format!("the output cannot be written: {why}"), "what was done is done all the same");
    // Standard output would not take the JSON of it.
    let failed = fail(&failure, false);
    if code == ExitCode::SUCCESS { failed } else { code }
}

/// A line of people's text.
pub fn print(text: &str) {
    Line::Text(text.to_owned()).put();
}

/// One JSON object on a line of its own, at once.
pub fn print_json(value: &impl Serialize) {
    if let Ok(mut line) = serde_json::to_vec(value) {
        line.push(b'\n');
        print_lines(&line);
    }
}

/// Appends a JSON object as a line.
pub fn append_json(lines: &mut Vec<u8>, value: &impl Serialize) {
    // Writing to memory does not fail.
    drop(serde_json::to_writer(Appending(lines), value));
    lines.push(b'\n');
}

/// Lines for programs, at once.
pub fn print_lines(lines: &[u8]) {
    line::put_json(lines);
}

/// A word beside the result: progress, hints, errors.
pub fn hint(text: &str) {
    Line::Hint(text.to_owned()).put();
}

/// Logs go to standard error: warnings, or what CARDBRIDGE_LOG, else RUST_LOG, asks for.
pub fn start_logging() {
    let asked = ["CARDBRIDGE_LOG", "RUST_LOG"].iter().find_map(|name| std::env::var(name).ok()?.parse::<Targets>().ok());
    let asked = asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    drop(tracing_subscriber::registry().with(fmt::layer().with_writer(|| Log)).with(asked).try_init());
}
