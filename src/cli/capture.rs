//! `cardbridge capture`: records what passes between a reader and cardbridge into a text file.

use std::{fs::OpenOptions, io::Write, path::PathBuf, process::ExitCode, time::Duration};

use chrono::Utc;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Globals,
    out::{self, Failure},
    site::{self, Look},
};
use crate::{
    bridge::Notice,
    capture::{self, Attached, Capture, Record},
    config,
    readers::{ReaderCommand, ReaderEvent},
    run::{Shell, Tapped},
    views,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cardbridge capture --reader desk --timeout 60 strange-card.capture")]
pub struct Arguments {
    /// The reader
    #[arg(long, value_name = "NAME")]
    reader: String,
    /// The file to make; one that is there already is left alone
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// End after this many cards
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after this many seconds [default: at Ctrl-C]
    #[arg(long, value_name = "S")]
    timeout: Option<u64>,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let Some(reader) = site.config.readers.iter().find(|reader| reader.name == arguments.reader) else {
        let names: Vec<&str> = site.config.readers.iter().map(|reader| reader.name.as_str()).collect();
        let help = format!("the readers are {}", names.join(", "));
        return Err(Failure::usage("unknown_reader", format!("no reader is named {:?}", arguments.reader), help));
    };
    let failed = |error: std::io::Error| Failure::impossible("file", format!("{}: {error}", arguments.file.display()), "");
    let mut file = OpenOptions::new().write(true).create_new(true).open(&arguments.file).map_err(failed)?;
    let mut shell = Shell::new(&site, None);
    let (tap, mut tapped) = mpsc::unbounded_channel();
    shell.tap(tap);
    shell.open_readers(Some(&arguments.reader));
    out::hint("recording; show cards, Ctrl-C ends it");
    let attached = match &reader.attached {
        config::Attached::Serial { dialect, .. } => Attached::Serial(dialect.id.clone()),
        config::Attached::Pcsc(pattern) => Attached::Pcsc(pattern.clone()),
    };
    let recorded = Utc::now();
    let head = Capture { reader: reader.name.clone(), attached, told: reader.told, recorded, records: Vec::new() };
    let mut recorder = Recorder { head: Some(head), began: Instant::now() };
    let end = recorder.began + Duration::from_secs(arguments.timeout.unwrap_or(0));
    let mut cards = 0;
    while arguments.count.is_none_or(|count| cards < count) {
        tokio::select! {
            numbered = shell.next() => match numbered.notice {
                Notice::Read(reading) => {
                    cards += 1;
                    out::print(&views::reading::text(&reading));
                }
                Notice::Lost(reader, why) | Notice::Failed(reader, why) => out::hint(&format!("{reader}: {why}")),
                _ => {}
            },
            Some(what) = tapped.recv() => recorder.write(&mut file, &what).map_err(failed)?,
            () = sleep_until(end), if arguments.timeout.is_some() => break,
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    while let Ok(what) = tapped.try_recv() {
        recorder.write(&mut file, &what).map_err(failed)?;
    }
    recorder.begin(&mut file).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    out::hint(&format!("{} cards recorded in {}", cards, arguments.file.display()));
    Ok(ExitCode::SUCCESS)
}

struct Recorder {
    /// The header, until it is written: a PC/SC reader's own name is known at the first card only.
    head: Option<Capture>,
    began: Instant,
}

impl Recorder {
    fn begin(&mut self, file: &mut impl Write) -> std::io::Result<()> {
        self.head.take().map_or(Ok(()), |head| file.write_all(head.header().as_bytes()))
    }

    fn write(&mut self, file: &mut impl Write, what: &Tapped) -> std::io::Result<()> {
        if let (Some(head), Tapped::From(_, ReaderEvent::CardIn { device, .. })) = (&mut self.head, what) {
            head.attached = Attached::Pcsc(device.clone());
        }
        let record = match what {
            Tapped::From(_, event) => capture::of_event(event),
            Tapped::To(_, ReaderCommand::Write(bytes)) => Some(Record::To(bytes.clone())),
            Tapped::To(_, ReaderCommand::Release) => None,
        };
        let Some(record) = record else { return Ok(()) };
        self.begin(file)?;
        writeln!(file, "{}", capture::line(self.began.elapsed(), &record))
    }
}
