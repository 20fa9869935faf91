//! `cardbridge decode`: literals in, every fit and refusal out.

mod lines;

use std::{io, process::ExitCode};

use serde_json::Value;

use super::{
    Globals,
    out::{self, Failure},
    site::{self, Look},
};
use crate::{
    card::{Literal, LiteralError, PacsBits, Presentation, Reading},
    enroll::policy::{self, Hints},
    host::Site,
    views,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge decode '{26}BD88EB80'\n  cardbridge decode 26#2F623AE em4100:0C000621A5 csn:04A2B3C4D5E6F7\n  \
                        cardbridge decode --printed 4567 '{26}BD88EB80'\n  cardbridge decode --json - < frames.txt"
)]
pub struct Arguments {
    /// {26}BD88EB80, bits as 0 and 1, 26#2F623AE, csn:04A2B3C4 or em4100:0C000621A5; `-` reads one a line
    #[arg(required = true, value_name = "LITERAL")]
    literals: Vec<String>,
    /// The number printed on the card
    #[arg(long, value_name = "S", value_parser = out::some_text)]
    printed: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub fn run(globals: &Globals, arguments: &Arguments) -> Result<ExitCode, Failure> {
    // The process ends with this command: nothing is gained by taking apart what it has loaded.
    let load = || load(globals, arguments).map(|site| &*Box::leak(Box::new(site)));
    let site: &'static Site = load()?;
    let hints = Hints { card_type: None, printed: arguments.printed.clone() };
    if arguments.literals == ["-"] {
        // A second worker with formats of its own: two that count the references to the same names stand in each other's way.
        let sites = [site, load().unwrap_or(site)];
        return match lines::answer(&sites, &hints, arguments.json) {
            // Whoever read the answers has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            other => other.map_err(|error| Failure::impossible("io", format!("the lines cannot be read or answered: {error}"), "")),
        };
    }
    let mut code = ExitCode::SUCCESS;
    for text in &arguments.literals {
        match read(site, &hints, text.trim(), false) {
            Ok(reading) if arguments.json => out::print_json(&views::reading::json(&reading, text)),
            Ok(reading) => out::print(&views::reading::text(&reading)),
            Err(error) if arguments.json => {
                out::print_json(&error_line(text, &error));
                code = ExitCode::from(2);
            }
            Err(error) => {
                out::hint(&format!("{text}: {error}\n{}", LiteralError::HELP));
                code = ExitCode::from(2);
            }
        }
    }
    Ok(code)
}

/// What the literals of the command line are held against is soon loaded; what has to be explained wants all there is.
fn load(globals: &Globals, arguments: &Arguments) -> Result<Site, Failure> {
    let literals: Result<Vec<Literal>, _> = arguments.literals.iter().map(|text| text.trim().parse()).collect();
    let some = literals.ok().filter(|_| arguments.printed.is_none()).and_then(|literals| {
        let bits: Vec<PacsBits> = literals.iter().map(Literal::bits).collect();
        let is_plain = |site: &Site| {
            let mut readings = literals.iter().map(|literal| site.catalog.read(Presentation::of_literal(literal)));
            readings.all(|reading| !reading.verdict.reads_nothing())
        };
        site::load_for(globals, &bits).filter(is_plain)
    });
    some.map_or_else(|| site::load(globals, Look::Anywhere), Ok)
}

/// Reads a literal. Explanations for what looks wrong are looked for where somebody asks: with a print, for a literal of its
/// own, or at a site that names its formats; not for every line of a long list.
fn read(site: &Site, hints: &Hints, text: &str, is_one_of_many: bool) -> Result<Reading, LiteralError> {
    let literal: Literal = text.parse()?;
    let policy = &site.config.policy;
    let mut reading = site.catalog.read(Presentation::of_literal(&literal));
    policy::choose(&mut reading, policy, hints);
    if hints.printed.is_some() || !is_one_of_many || !policy.formats.is_empty() {
        policy::explain(&mut reading, &site.catalog, policy, hints.printed.as_deref());
    }
    Ok(reading)
}

fn error_line(text: &str, error: &LiteralError) -> Value {
    let failure = Failure::usage("literal", error.to_string(), LiteralError::HELP);
    let mut line = out::error_json(&failure);
    if let Some(line) = line.as_object_mut() {
        line.insert("input".to_owned(), Value::from(text));
    }
    line
}
