//! `cardbridge demo`: the main job on embedded defaults. Bytes of real devices go through real kernel ttys and, where a
//! virtual PC/SC reader is there, through the real smart-card service, into the very code that a desk runs, and over
//! real HTTP into the simulator. It ends well only if every card ended as the demo said it would.

mod cards;

use std::{collections::HashMap, fs, io::Write, net::SocketAddr, path::Path, process::ExitCode, time::Duration};

use comfy_table::{Table, presets};
use serialport::{SerialPort, TTYPort};
use tokio::{net::TcpListener, time::timeout};
use uuid::Uuid;

use super::out::{self, Failure};
use crate::{
    blusky::client::Client,
    card::{Reading, Verdict},
    config::Config,
    drivers::pcsc,
    enroll::{enrollment::Order, people::Person, policy::SitePolicy},
    host::{
        Shell, Site,
        deliver::{Deliverer, Delivery, Rules},
        open_store,
    },
    outbox::State,
    protocols::Protocols,
    simulator::{Options, Simulator, virtual_card::VirtualCard},
    station::{Event, Notice, Purpose, Taker},
    store::StoreHandle,
    views,
};
use cards::{CARDS, Card, Ends, PEOPLE, SERIAL_READERS, SITE, Shown};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cardbridge demo")]
pub struct Arguments {
    /// Where the virtual PC/SC reader takes its card (Debian's vpcd, or the reader that `make demo` starts)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:35963")]
    virtual_card: SocketAddr,
}

/// No card takes longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

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
    for (number, card) in CARDS.iter().enumerate().filter(|(_, card)| reader.is_ok() || matches!(card.shown, Shown::Serial(..))) {
        out::print(&format!("{}. {}", number + 1, card.title));
        let shown = stage.show(card, &mut lines, arguments.virtual_card, &site).await.map_err(|why| failed(card.title, why))?;
        let as_said = shown.ends == Some(card.ends);
        surprises += usize::from(!as_said);
        let ended = shown.ends.map_or("something else", Ends::words);
        let ended = if as_said { ended.to_owned() } else { format!("{ended} (expected: {})", card.ends.words()) };
        table.add_row([(number + 1).to_string(), shown.reader, shown.verdict, ended]);
        out::print("");
    }
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

/// The station of the demo.
struct Stage {
    shell: Shell,
    store: StoreHandle,
    policy: SitePolicy,
    _delivery: Delivery,
}

impl Stage {
    async fn set(site: &Site) -> Result<Self, String> {
        let settings = site.config.blusky.clone().ok_or("it has no BluSKY")?;
        let store = open_store(&site.config.store, &settings.base_url, None).map_err(|error| error.to_string())?;
        let rules = Rules { parallel: site.config.parallel, shows_within: settings.shows_within };
        let client = Client::new(settings).map_err(|error| error.to_string())?;
        let delivery = Deliverer::start(store.clone(), &site.config.store, client, rules, "demo");
        let mut shell = Shell::new(site, Some(store.clone()));
        shell.open_readers(None);
        let mut ready = 0;
        while ready < site.config.readers.len() {
            match timeout(PATIENCE, shell.next()).await.map(|numbered| numbered.notice) {
                Ok(Notice::Ready(_)) => ready += 1,
                Ok(Notice::Up(_) | Notice::Note(..)) => {}
                Ok(Notice::Lost(reader, why)) => return Err(format!("{reader}: {why}")),
                _ => return Err("a reader did not come up".to_owned()),
            }
        }
        Ok(Self { shell, store, policy: site.config.policy.clone(), _delivery: delivery })
    }

    /// Shows one card and follows it to its end.
    async fn show(&mut self, card: &Card, lines: &mut SerialLines, virtual_card: SocketAddr, site: &Site) -> Result<Outcome, String> {
        let people = site.config.people()?;
        let user = people.find(card.user).map_err(|error| error.to_string())?;
        let person = people.person(user).map(Person::name);
        let order = Box::new(Order { same_card: card.same_card, ..Order::of(user) });
        let purpose = Purpose::Enroll(Uuid::now_v7(), order, site.config.reassign);
        self.shell.post(Event::Take(Taker { id: 0, reader: None, purpose })).await;
        let inserted = match &card.shown {
            Shown::Serial(reader, bytes) => {
                let line = lines.get_mut(reader).ok_or("there is no such reader")?;
                line.reader.write_all(bytes).map_err(|error| error.to_string())?;
                None
            }
            Shown::Pcsc(script) => {
                let script = script();
                let insert = move || VirtualCard::insert(virtual_card, script);
                Some(tokio::task::spawn_blocking(insert).await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?)
            }
        };
        out::print(&format!("   for {}", person.unwrap_or_default()));
        let outcome = timeout(PATIENCE, self.follow()).await.map_err(|_| "it took too long".to_owned())?;
        drop(inserted);
        outcome
    }

    async fn follow(&mut self) -> Result<Outcome, String> {
        let mut read: Option<Reading> = None;
        loop {
            let ends = match self.shell.next().await.notice {
                Notice::Read(reading) => {
                    let raw: Vec<&str> = bytes_of(&reading.presentation.raw);
                    out::print(&indented(&format!("bytes {}\n{}", raw.join(" "), views::reading::text(&reading))));
                    read = Some(*reading);
                    continue;
                }
                Notice::NotEnrolled(reading, refused) => {
                    out::print(&indented(&format!("not enrolled: {refused}")));
                    if reading.verdict == Verdict::Ambiguous {
                        let lines = self.policy.settling_lines(&reading).join("\n");
                        out::print(&indented(&format!("one of these lines in the configuration would settle it:\n{lines}")));
                    }
                    Some(match reading.verdict {
                        Verdict::Damaged => Ends::Damaged,
                        Verdict::SerialOnly => Ends::Nothing,
                        _ => Ends::Tie,
                    })
                }
                Notice::Saved(id) => self.delivered(id).await?,
                Notice::Failed(reader, why) | Notice::Lost(reader, why) => return Err(format!("{reader}: {why}")),
                Notice::NotSaved(_, why) => return Err(why),
                Notice::GivenBefore(given) => return Err(format!("the card was given to somebody else {} s ago", given.seconds)),
                Notice::Up(_) | Notice::Ready(_) | Notice::LayThere(_) | Notice::Noise(..) | Notice::Note(..) => continue,
            };
            let reading = read.ok_or("nothing was read")?;
            let numbers = reading.chosen().map(|fit| fit.credential.words());
            return Ok(Outcome {
                reader: reading.presentation.reader.clone().unwrap_or_default(),
                verdict: numbers.unwrap_or_else(|| reading.verdict.name().replace('_', " ")),
                ends,
            });
        }
    }

    /// Follows a saved entry to its end.
    async fn delivered(&self, id: Uuid) -> Result<Option<Ends>, String> {
        let mut seen = 0;
        loop {
            let entry = self.store.entry(id).await.map_err(|error| error.to_string())?;
            for then in views::enrollment::states_since(&entry, seen) {
                out::print(&indented(&views::enrollment::text(&then)));
            }
            seen = entry.steps().len() + 1;
            let progress = entry.progress();
            if progress.is_settled() {
                return Ok(match progress.state {
                    State::Accepted => Some(Ends::Accepted),
                    State::Refused => Some(Ends::Refused),
                    _ => None,
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Starts the simulator in this process, on a port of its own. It loses its first reply.
async fn simulator(folder: &Path) -> Result<String, String> {
    let people = folder.join("people.csv");
    fs::write(&people, PEOPLE).map_err(|error| error.to_string())?;
    fs::write(folder.join("token"), "simulator").map_err(|error| error.to_string())?;
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
    reader.set_timeout(PATIENCE)?;
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
