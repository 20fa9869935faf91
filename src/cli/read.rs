//! `cardbridge read`: decodes and prints each card shown; submits nothing.

use std::{process::ExitCode, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::{
    Globals,
    follow::{GONE, HELD, HOLD},
    out::{self, Failure},
    session::Session,
    site::{self, Look},
    wait::Readers,
};
use crate::{host::client::Said, reader::is_device_of};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge read\n  cardbridge read --reader desk --count 1 --timeout 30 --json")]
pub struct Arguments {
    /// This reader only [default: all]
    #[arg(long, value_name = "NAME", value_parser = out::some_text)]
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
    let mut session = Session::open(&site, "read", None).await?;
    let read = read(&mut session, &arguments).await;
    session.end().await;
    match (read?, arguments.count) {
        (Read::Interrupted, _) => Ok(ExitCode::SUCCESS),
        (Read::Cards(0), _) => {
            Err(Failure::impossible("no_card", "no card was shown", "hold a card to the reader, or give it more time with --timeout"))
        }
        (Read::Cards(seen), Some(count)) if seen < count => {
            Err(Failure::impossible("no_card", format!("{seen} of {count} cards were shown"), "give it more time with --timeout"))
        }
        (Read::Cards(_), _) => Ok(ExitCode::SUCCESS),
    }
}

enum Read {
    Cards(u64),
    Interrupted,
}

/// Shows cards until there were enough of them, or time is up; at the next station where one ends meanwhile.
async fn read(session: &mut Session<'_>, arguments: &Arguments) -> Result<Read, Failure> {
    let end = Instant::now() + Duration::from_secs(arguments.timeout.unwrap_or(0));
    let far = || Instant::now() + Duration::from_secs(86_400);
    let (mut seen, mut readers, mut hold_said) = (0, Readers::default(), false);
    let reader = arguments.reader.as_deref();
    let mut notices = session.asks(async |client| client.readings(reader.unwrap_or("*")).await).await?;
    if session.is_elsewhere() {
        out::hint(HELD);
    }
    while arguments.count.is_none_or(|count| seen < count) {
        let give_up = readers.give_up();
        let notice = tokio::select! {
            notice = notices.next() => notice,
            () = session.handed_over() => None,
            () = sleep_until(end), if arguments.timeout.is_some() => match give_up {
                Some(_) => return Err(readers.all_gone()),
                None => break,
            },
            () = sleep_until(give_up.unwrap_or_else(far)), if give_up.is_some() => return Err(readers.all_gone()),
            () = out::interrupted() => return Ok(Read::Interrupted),
        };
        let Some(notice) = notice else {
            out::hint(GONE);
            session.again().await?;
            notices = session.asks(async |client| client.readings(reader.unwrap_or("*")).await).await?;
            continue;
        };
        let words = notice.text("words");
        match notice.text("kind") {
            "reading" if is_at(notice.at("reader"), reader) => {
                seen += 1;
                if arguments.json { out::print_json(notice.at("reading")) } else { out::print(words) }
            }
            "up" => readers.up(notice.at("reader")),
            "ready" if !std::mem::replace(&mut hold_said, true) => out::hint(HOLD),
            "lost" => {
                out::hint(words);
                readers.lost(&notice, session.is_elsewhere());
            }
            "noise" => readers.noise(&notice),
            "failed" | "note" => out::hint(words),
            _ => {}
        }
    }
    Ok(Read::Cards(seen))
}

/// A card at the reader that is asked for, or at one of its devices.
fn is_at(device: &Value, wanted: Option<&str>) -> bool {
    let device = device.as_str().unwrap_or_default();
    wanted.is_none_or(|wanted| device == wanted || is_device_of(device, wanted))
}
