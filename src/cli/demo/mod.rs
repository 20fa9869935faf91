//! `cardbridge demo`: the main job on embedded defaults. Bytes of real devices go through real kernel ttys and, where a
//! virtual PC/SC reader is there, through the real smart-card service, into the very code that a desk runs, and over
//! real HTTP into the simulator. It ends well only if every card ended as the demo said it would.

mod cards;

use std::{collections::HashMap, fs, io::Write, net::SocketAddr, path::Path, process::ExitCode, time::Duration};

use comfy_table::{Table, presets};
use serde_json::Value;
use serialport::{SerialPort, TTYPort};
use tokio::{net::TcpListener, time::timeout};

use super::{
    out::{self, Failure},
    session::Session,
};
use crate::{
    config::Config,
    drivers::pcsc,
    host::{
        Site,
        api::body::OrderBody,
        client::{Notices, Said},
        platform::files,
    },
    protocols::Protocols,
    simulator::{Options, Simulator, virtual_card::VirtualCard},
};
use cards::{CARDS, Card, Ends, PEOPLE, SERIAL_READERS, SITE, ShownAt};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cardbridge demo")]
pub struct Arguments {
    /// Where the virtual PC/SC reader takes its card (Debian's vpcd, or the reader that `make demo` starts)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:35963")]
    virtual_card: SocketAddr,
}

/// No card takes longer than this.
const CARD_TIMEOUT: Duration = Duration::from_secs(20);

pub async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let failed = |what: &str, why: String| Failure::impossible("demo", format!("{what}: {why}"), "");
    let folder = tempfile::tempdir().map_err(|error| failed("no temporary folder", error.to_string()))?;
    let base_url = simulator(folder.path()).await.map_err(|why| failed("the simulator", why))?;
    let mut lines = serial_lines().map_err(|why| failed("no pseudo-terminal", why))?;
    let reader = virtual_reader();
    if let Err(why) = &reader {
        out::print(&format!("The smart-card part is left out: {why}.\n"));
    }
    let site = site(folder.path(), &base_url, &lines, reader.is_ok()).map_err(|why| failed("the demo's site", why))?;
    let mut stage = Stage::set(&site).await.map_err(|why| failed("the demo's station", why))?;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["CARD", "SHOWN AT", "READ AS", "ENDED"]);
    let mut surprises = 0;
    for (number, card) in CARDS.iter().enumerate().filter(|(_, card)| reader.is_ok() || matches!(card.shown, ShownAt::Serial(..))) {
        out::print(&format!("{}. {}", number + 1, card.title));
        let shown = stage.show(card, &mut lines, arguments.virtual_card).await.map_err(|why| failed(card.title, why))?;
        let as_said = shown.ends == Some(card.ends);
        surprises += usize::from(!as_said);
        let ended = shown.ends.map_or("something else", Ends::words);
        let ended = if as_said { ended.to_owned() } else { format!("{ended} (expected: {})", card.ends.words()) };
        table.add_row([(number + 1).to_string(), shown.reader, shown.verdict, ended]);
        out::print("");
    }
    stage.session.end().await;
    out::print(&table.to_string());
    if surprises > 0 {
        return Err(failed("the demo", format!("{surprises} cards did not end as expected")));
    }
    out::print("\nEvery card ended as it should. Next: the README's five-minute path from a plugged-in reader to a first enrolled card.");
    Ok(ExitCode::SUCCESS)
}

/// What became of a card.
struct Outcome {
    reader: String,
    verdict: String,
    ends: Option<Ends>,
}

/// The station of the demo, hosted here as a command hosts one.
struct Stage<'a> {
    session: Session<'a>,
}

impl<'a> Stage<'a> {
    async fn set(site: &'a Site) -> Result<Self, String> {
        let session = Session::open(site, "demo", None).await.map_err(|failure| failure.to_string())?;
        let mut notices = session.client.notices(Some("*")).await.map_err(|error| error.to_string())?;
        let mut ready = 0;
        while ready < site.config.readers.len() {
            let notice = timeout(CARD_TIMEOUT, notices.next()).await.ok().flatten().ok_or("a reader did not come up")?;
            match notice.text("kind") {
                "ready" => ready += 1,
                "lost" => return Err(notice.text("words").to_owned()),
                _ => {}
            }
        }
        Ok(Self { session })
    }

    /// Shows one card and follows it to its end.
    async fn show(&mut self, card: &Card, lines: &mut SerialLines, virtual_card: SocketAddr) -> Result<Outcome, String> {
        let order = OrderBody { user: card.user.to_owned(), same_card: card.same_card, ..OrderBody::default() };
        let mut notices = self.session.client.order(&order).await.map_err(|error| error.to_string())?;
        let waiting = timeout(CARD_TIMEOUT, notices.next()).await.ok().flatten().ok_or("the order was not taken")?;
        let inserted = match &card.shown {
            ShownAt::Serial(reader, bytes) => {
                let line = lines.get_mut(reader).ok_or("there is no such reader")?;
                line.reader.write_all(bytes).map_err(|error| error.to_string())?;
                None
            }
            ShownAt::Pcsc(script) => {
                let script = script();
                let insert = move || VirtualCard::insert(virtual_card, script);
                Some(tokio::task::spawn_blocking(insert).await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?)
            }
        };
        out::print(&format!("   for {}", waiting.text("person")));
        let outcome = timeout(CARD_TIMEOUT, follow(notices)).await.map_err(|_| "it took too long".to_owned())?;
        drop(inserted);
        outcome
    }
}

async fn follow(mut notices: Notices) -> Result<Outcome, String> {
    let (mut reading, mut shown) = (Value::Null, String::new());
    loop {
        let notice = notices.next().await.ok_or("the station has ended")?;
        let words = notice.text("words");
        let ends = match notice.text("kind") {
            "reading" => {
                let raw = bytes_of(notice.at("reading").text("raw")).join(" ");
                out::print(&indented(&format!("bytes {raw}\n{words}")));
                reading = notice.at("reading").clone();
                continue;
            }
            "not_enrolled" => {
                out::print(&indented(&format!("not enrolled: {}", notice.at("error").text("message"))));
                let settle: Vec<&str> =
                    notice.at("error").at("settle").as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if !settle.is_empty() {
                    out::print(&indented(&format!("one of these lines in the configuration would settle it:\n{}", settle.join("\n"))));
                }
                Some(match reading.text("verdict") {
                    "damaged" => Ends::Damaged,
                    "serial_only" => Ends::Nothing,
                    _ => Ends::Tie,
                })
            }
            "enrollment" => {
                if words != shown {
                    out::print(&indented(words));
                    words.clone_into(&mut shown);
                }
                match notice.at("end").text("code") {
                    "" => continue,
                    "accepted" => Some(Ends::Accepted),
                    "refused" => Some(Ends::Refused),
                    _ => None,
                }
            }
            "question" | "failed" | "lost" | "lay_there" => return Err(words.to_owned()),
            _ => continue,
        };
        let numbers = reading.at("credential").as_object().map(numbers);
        return Ok(Outcome {
            reader: reading.text("reader").to_owned(),
            verdict: numbers.unwrap_or_else(|| reading.text("verdict").replace('_', " ")),
            ends,
        });
    }
}

/// The numbers of a credential, in words.
fn numbers(fit: &serde_json::Map<String, Value>) -> String {
    let named = ["facility_code", "card_number", "issue_code"].iter().filter_map(|name| Some((name, fit.get(*name)?.as_u64()?)));
    named.map(|(name, number)| format!("{} {number}", name.replace('_', " "))).collect::<Vec<_>>().join(", ")
}

/// Starts the simulator in this process, on a port of its own. It loses its first reply.
async fn simulator(folder: &Path) -> Result<String, String> {
    let people = folder.join("people.csv");
    fs::write(&people, PEOPLE).map_err(|error| error.to_string())?;
    files::create(&folder.join("token")).and_then(|mut file| file.write_all(b"simulator")).map_err(|error| error.to_string())?;
    let faults = vec!["drop-after-commit:1".parse().map_err(|error: crate::simulator::FaultError| error.to_string())?];
    let options = Options { people: Some(people), data: Some(folder.join("simulator.db")), faults, ..Options::default() };
    let simulator = Simulator::open(options).map_err(|error| error.to_string())?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(simulator.serve(listener));
    Ok(format!("http://{address}"))
}

/// A reader's side of a pseudo-terminal, and the path of the kernel's tty on the other.
struct SerialLine {
    reader: TTYPort,
    path: String,
}

type SerialLines = HashMap<&'static str, SerialLine>;

fn serial_lines() -> Result<SerialLines, String> {
    SERIAL_READERS.iter().map(|(name, _)| serial_line().map(|line| (*name, line)).map_err(|error| error.to_string())).collect()
}

fn serial_line() -> serialport::Result<SerialLine> {
    let (mut reader, port) = TTYPort::pair()?;
    reader.set_timeout(CARD_TIMEOUT)?;
    Ok(SerialLine { reader, path: port.name().unwrap_or_default() })
}

/// The demo's site: its people, its rules, and readers on the lines and, where there is one, under PC/SC.
fn site(folder: &Path, base_url: &str, lines: &SerialLines, with_cards: bool) -> Result<Site, String> {
    let mut text = format!("[blusky]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\n[people]\nfile = \"people.csv\"\n{SITE}");
    for (name, dialect) in SERIAL_READERS {
        let path = lines.get(name).map_or("", |line| &line.path);
        text.push_str(&format!("[[reader]]\nname = \"{name}\"\nserial = \"{path}\"\ndialect = \"{dialect}\"\n"));
    }
    if with_cards {
        text.push_str("[[reader]]\nname = \"omnikey\"\npcsc = \"*virtual*\"\n");
    }
    let protocols = Protocols::built_in();
    let config = Config::parse("the demo's configuration", &text, folder, &protocols).map_err(|error| error.to_string())?;
    Ok(Site::new(config, protocols))
}

/// The virtual PC/SC reader, where there is one.
fn virtual_reader() -> Result<String, String> {
    let is_virtual = |name: &String| crate::reader::matches("*virtual*", name);
    pcsc::list()?.into_iter().find(is_virtual).ok_or_else(|| "no virtual PC/SC reader is there; `make demo` brings one".to_owned())
}

fn bytes_of(hex: &str) -> Vec<&str> {
    (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2)).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n")
}
