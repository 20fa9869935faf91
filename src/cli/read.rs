//! `cardbridge read`: decodes and prints each card shown; submits nothing.

use std::{process::ExitCode, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::{
    Globals,
    out::{self, Failure},
    site::{self, Look},
    source::Source,
};
use crate::{bridge::Notice, enroll::policy, views};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge read\n  cardbridge read --reader desk --count 1 --timeout 30 --json")]
pub struct Arguments {
    /// This reader only [default: all]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// End after this many cards
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after this many seconds
    #[arg(long, value_name = "S", value_parser = out::seconds())]
    timeout: Option<u64>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let mut source = Source::open(&site, None, arguments.reader.as_deref(), false).await?;
    let end = Instant::now() + Duration::from_secs(arguments.timeout.unwrap_or(0));
    let mut seen = 0;
    while arguments.count.is_none_or(|count| seen < count) {
        let notice = tokio::select! {
            notice = source.next() => notice?,
            () = sleep_until(end), if arguments.timeout.is_some() => break,
            () = out::interrupted() => return Ok(ExitCode::SUCCESS),
        };
        match notice {
            Notice::Read(mut reading) => {
                seen += 1;
                policy::explain(&mut reading, &site.catalog, &site.config.policy, None);
                if arguments.json {
                    out::print_json(&views::reading::json(&reading, &views::reading::literal(&reading)));
                } else {
                    out::print(&views::reading::text(&reading));
                }
            }
            Notice::Failed(reader, why) => out::hint(&format!("{reader}: {why}")),
            _ => {}
        }
    }
    source.shell.end().await;
    match (seen, arguments.count) {
        (0, _) => {
            Err(Failure::impossible("no_card", "no card was shown", "hold a card to the reader, or give it more time with --timeout"))
        }
        (seen, Some(count)) if seen < count => {
            Err(Failure::impossible("no_card", format!("{seen} of {count} cards were shown"), "give it more time with --timeout"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
