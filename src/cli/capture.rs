//! `cardbridge capture`: records what passes between a reader and cardbridge into a text file.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use chrono::Utc;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Globals, capture_file,
    out::{self, Failure},
    redact,
    site::{self, Look},
};
use crate::{
    capture::{self, Attached, Capture, Head, Record, evtest},
    config::ReaderConfig,
    drivers::{keyboard, pcsc, serial},
    host::{
        platform::files,
        shell::{Shell, Tapped},
    },
    reader::{Port, ReaderCommand, ReaderEvent, is_device_of},
    station::{Notice, ReaderKind},
    views,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge capture --reader desk --timeout 60 strange-card.capture\n  \
                        cardbridge capture --reader desk --redact strange-card.capture\n  \
                        cardbridge capture --redact strange-card.capture to-send.capture")]
pub struct Arguments {
    /// The reader
    #[arg(long, value_name = "NAME", value_parser = out::some_text, required_unless_present = "redact")]
    reader: Option<String>,
    /// The file to make; one that is there already is left alone. With --redact and without --reader: a capture, and the
    /// redacted one to make of it
    #[arg(value_name = "FILE", num_args = 1..=2, required = true)]
    files: Vec<PathBuf>,
    /// Put other cards' numbers in the place of the real ones: a replay says the same of them, and nobody learns whose
    /// cards they are. The file is written when the recording ends. Comments are left out; the names of readers stay
    #[arg(long)]
    redact: bool,
    /// End after this many cards
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after this many seconds [default: at Ctrl-C]
    #[arg(long, value_name = "S", value_parser = out::seconds())]
    timeout: Option<u64>,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    match (&arguments.reader, arguments.files.as_slice()) {
        (None, [old, new]) => redact::file(&site::load(globals, Look::Anywhere)?.protocols, old, new),
        (Some(name), [file]) => record(globals, &arguments, name, file).await,
        _ => {
            let help = "`capture --reader NAME FILE` records; `capture --redact OLD NEW` redacts what is recorded";
            Err(Failure::usage("usage", "a recording makes one file; a redaction has an old one and a new one", help))
        }
    }
}

async fn record(globals: &Globals, arguments: &Arguments, name: &str, path: &Path) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let Some(reader) = site.config.readers.iter().find(|reader| is_device_of(name, &reader.name)) else {
        let names: Vec<&str> = site.config.readers.iter().map(|reader| reader.name.as_str()).collect();
        let help = match names.as_slice() {
            [] => "no [[reader]] is configured; `cardbridge readers` shows what is plugged in".to_owned(),
            names => format!("the readers are {}", names.join(", ")),
        };
        return Err(Failure::usage("unknown_reader", format!("no reader is named {name:?}"), help));
    };
    let devices = devices(reader, &site.protocols.models);
    if devices > 1 && !name.contains('#') {
        let (name, help) = (&reader.name, "a capture is of one reader");
        return Err(Failure::usage("several_readers", format!("{name} means {devices} readers; name one, such as {name}#1"), help));
    }
    if arguments.redact && matches!(reader.port, Port::Keyboard { .. }) {
        let help = "record without --redact, and give the file to nobody";
        return Err(Failure::usage("usage", "what a keyboard reader types cannot be redacted", help));
    }
    let failed = |error: std::io::Error| Failure::impossible("file", format!("{}: {error}", path.display()), "");
    let mut file = files::create(path).map_err(failed)?;
    let mut shell = Shell::new(&site, None);
    let (tap, mut tapped) = mpsc::unbounded_channel();
    shell.tap(tap);
    shell.open_readers(Some(name));
    let attached = match (&reader.port, &reader.kind) {
        (_, ReaderKind::Serial(dialect, _)) if dialect.is_template() => Some(Attached::Lines(dialect.name.clone())),
        (_, ReaderKind::Serial(dialect, _)) => Some(Attached::Serial(dialect.id.clone())),
        (Port::Pcsc { pattern, .. }, _) => Some(Attached::Pcsc(pattern.clone())),
        (Port::Osdp { address, .. }, _) => Some(Attached::Osdp(*address)),
        // What is typed is written as evtest prints it, and that has no header.
        (Port::Serial { .. } | Port::Keyboard { .. }, _) => None,
    };
    let recorded = Utc::now();
    let head = |attached| Head { reader: reader.name.clone(), attached, attached_at: 0, told: reader.kind.told(), recorded };
    let mut recorder = Recorder { head: attached.map(head), began: Instant::now(), with_key: None };
    // What is to be redacted is not written down before it is.
    let mut kept = Vec::new();
    let end = recorder.began + Duration::from_secs(arguments.timeout.unwrap_or(0));
    // Why the reader is not there, while it is not.
    let (mut cards, mut gone) = (0, None);
    while arguments.count.is_none_or(|count| cards < count) {
        tokio::select! {
            numbered = shell.next() => match numbered.notice {
                Notice::Read(reading) => {
                    cards += 1;
                    out::print(&views::reading::text_without_keys(&reading));
                }
                Notice::Ready(_) => {
                    gone = None;
                    out::hint("recording; show cards, Ctrl-C ends it");
                }
                Notice::Lost(reader, why) => {
                    let why = format!("{reader}: {why}");
                    out::hint(&why);
                    gone.get_or_insert(why);
                }
                Notice::Failed(reader, why) | Notice::Note(reader, why) => out::hint(&format!("{reader}: {why}")),
                _ => {}
            },
            Some(what) = tapped.recv() => recorder.write(if arguments.redact { &mut kept as &mut dyn Write } else { &mut file }, &what).map_err(failed)?,
            () = sleep_until(end), if arguments.timeout.is_some() => break,
            () = out::interrupted() => break,
        }
    }
    while let Ok(what) = tapped.try_recv() {
        recorder.write(if arguments.redact { &mut kept as &mut dyn Write } else { &mut file }, &what).map_err(failed)?;
    }
    recorder.begin(if arguments.redact { &mut kept as &mut dyn Write } else { &mut file }).map_err(failed)?;
    if arguments.redact {
        let capture = Capture::parse(&String::from_utf8_lossy(&kept)).map_err(|error| capture_file::failed(path, &error))?;
        let text = redact::text(&site.protocols, path, &capture)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    out::hint(&format!("{} cards recorded in {}", cards, path.display()));
    match gone {
        Some(why) if cards == 0 => Err(Failure::impossible("reader_lost", format!("no card was recorded ({why})"), "plug the reader in")),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// How many devices a configured reader means now.
fn devices(reader: &ReaderConfig, models: &[std::sync::Arc<crate::smartcard::reader::Model>]) -> usize {
    match &reader.port {
        Port::Serial { device, .. } => serial::matching(device).len(),
        Port::Keyboard { device } => keyboard::matching(device, &keyboard::list()).len(),
        Port::Osdp { .. } => 1,
        Port::Pcsc { pattern, .. } => {
            let wanted = pcsc::ReaderPattern { pattern: pattern.clone(), name: reader.name.as_str().into(), keys_file: None };
            pcsc::name_devices(&[wanted], models, &pcsc::list().unwrap_or_default()).len()
        }
    }
}

struct Recorder {
    /// The header, until it is written: a PC/SC reader's own name is known at the first card only.
    head: Option<Head>,
    began: Instant,
    /// A command with a key, of which all but the key is recorded once it was said: where there is no such key, it is not.
    with_key: Option<(Duration, Record)>,
}

impl Recorder {
    fn begin(&mut self, file: &mut dyn Write) -> std::io::Result<()> {
        self.head.take().map_or(Ok(()), |head| file.write_all(head.text().as_bytes()))
    }

    fn write(&mut self, file: &mut dyn Write, what: &Tapped) -> std::io::Result<()> {
        if let (Some(head), Tapped::From(_, ReaderEvent::CardIn { device, .. })) = (&mut self.head, what) {
            head.attached = Attached::Pcsc(device.clone());
        }
        if let Tapped::From(_, ReaderEvent::Typed(events)) = what {
            return events.iter().try_for_each(|event| writeln!(file, "{}", evtest::line(event)));
        }
        let record = match what {
            Tapped::From(_, event) => capture::of_event(event),
            Tapped::To(_, ReaderCommand::Write(bytes)) => Some(Record::To(bytes.clone())),
            Tapped::To(_, ReaderCommand::WriteWithKey(bytes, _)) => {
                self.with_key = Some((self.began.elapsed(), Record::To(bytes.clone())));
                return Ok(());
            }
            Tapped::To(_, ReaderCommand::Release | ReaderCommand::Signal(_)) => None,
        };
        let Some(record) = record else { return Ok(()) };
        let with_key = self.with_key.take();
        if matches!(&record, Record::From(bytes) if bytes.is_empty()) {
            return Ok(());
        }
        self.begin(file)?;
        if let Some((at, command)) = with_key {
            writeln!(file, "{}", capture::text::line(at, &command))?;
        }
        writeln!(file, "{}", capture::text::line(self.began.elapsed(), &record))
    }
}
