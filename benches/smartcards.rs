//! From a card laid on a PC/SC reader to its number in another process, beside a bare program on the `pcsc` crate.
//!
//! The stock pcscd with virtual readers; both programs write a line for each card. They take turns, twenty each: at one
//! reader, then at 16 on which cards are laid at once. Processor is what the program's own threads were busy for each card.
//! `cargo bench --bench smartcards -- 500` takes as many cards. `taskset -c 0` before it keeps everything on one processor,
//! where a hand-over from thread to thread costs no more than that: in a virtual machine, waking another processor is dear.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark is a program for one person"
)]

#[path = "../tests/support/pcscd.rs"]
mod pcscd;

use std::{
    ffi::CString,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use cardbridge::{
    config::Config,
    host::{Site, shell::Shell},
    protocols::Protocols,
    simulator::virtual_card::{CardScript, VirtualCard},
    station::Notice,
};
use pcscd::Pcscd;

const CARDS: usize = 500;
const READERS: usize = 16;
/// So often the two programs take turns, each after so many rounds that do not count.
const TURNS: usize = 20;
const WARM_UP: usize = 2;
/// An NTAG and its serial number: a card that is asked one question.
const ATR: [u8; 20] = [0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6, 3, 0, 3, 0, 0, 0, 0, 0x68];
const GET_UID: [u8; 5] = [0xFF, 0xCA, 0, 0, 0];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bare", readers @ ..] => bare(readers),
        ["bridge", pattern] => bridge(pattern),
        _ => measure(arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(CARDS)),
    }
}

fn measure(cards: usize) {
    let pcscd = Pcscd::start(READERS);
    let names: Vec<String> = (0..READERS).map(|reader| pcscd.name(reader)).collect();
    let took = in_turns(&pcscd, &names[..1], cards / TURNS, |program| {
        let (took, card) = program.shows(&pcscd, 0);
        drop(card);
        thread::sleep(Duration::from_millis(3));
        vec![took]
    });
    report("one reader", took);
    let took = in_turns(&pcscd, &names, cards / READERS / TURNS + 1, |program| {
        let took = program.shows_all(&pcscd);
        thread::sleep(Duration::from_millis(30));
        took
    });
    report(&format!("{READERS} readers at once"), took);
}

/// What a program took: for each card from its coming to the line, and for all of them on the processors.
#[derive(Default)]
struct Took {
    cards: Vec<Duration>,
    busy: Duration,
}

/// The two programs take turns at these readers. The other one is stopped meanwhile: one that waits as well is woken by
/// every card.
fn in_turns(pcscd: &Pcscd, readers: &[String], rounds: usize, round: impl Fn(&Program) -> Vec<Duration>) -> [Took; 2] {
    let names = readers.iter().map(String::as_str);
    let bare = Program::start(pcscd, &["bare"].into_iter().chain(names).collect::<Vec<_>>());
    let bridge = Program::start(pcscd, &["bridge", if readers.len() > 1 { "*" } else { &readers[0] }]);
    [&bare, &bridge].into_iter().for_each(|program| program.is_told("STOP"));
    let mut took = [Took::default(), Took::default()];
    for _ in 0..TURNS {
        for (program, took) in [&bare, &bridge].into_iter().zip(&mut took) {
            program.is_told("CONT");
            thread::sleep(Duration::from_millis(30));
            (0..WARM_UP).for_each(|_| drop(round(program)));
            let before = program.busy();
            (0..rounds).for_each(|_| took.cards.extend(round(program)));
            took.busy += program.busy() - before;
            program.is_told("STOP");
        }
    }
    took
}

fn report(title: &str, [bare, bridge]: [Took; 2]) {
    println!("{} cards, {title}, from the card to the line, µs", bare.cards.len());
    let (bare, bridge) = (figures(bare), figures(bridge));
    println!("  bare pcsc                 p50 {:>7.0}  p99 {:>7.0}  processor {:>7.0}", bare.0, bare.1, bare.2);
    println!("  cardbridge, with verdict  p50 {:>7.0}  p99 {:>7.0}  processor {:>7.0}", bridge.0, bridge.1, bridge.2);
    println!(
        "  ratio                     p50 {:>7.2}  p99 {:>7.2}  processor {:>7.2}",
        bridge.0 / bare.0,
        bridge.1 / bare.1,
        bridge.2 / bare.2
    );
}

fn figures(Took { mut cards, busy }: Took) -> (f64, f64, f64) {
    cards.sort();
    let at = |share: usize| cards[cards.len() * share / 100].as_secs_f64() * 1e6;
    (at(50), at(99), busy.as_secs_f64() * 1e6 / cards.len() as f64)
}

/// One of the two programs, which says which reader it has read a card at.
struct Program {
    child: Child,
    said: Receiver<(usize, Instant)>,
}

impl Program {
    fn start(pcscd: &Pcscd, arguments: &[&str]) -> Self {
        let (key, value) = pcscd.env();
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.args(arguments).env(key, value).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, said) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let now = Instant::now();
                if say.send((line.parse().unwrap(), now)).is_err() {
                    return;
                }
            }
        });
        // Its first word: it waits for cards.
        said.recv().unwrap();
        thread::sleep(Duration::from_millis(300));
        Self { child, said }
    }

    /// Stops it, or lets it go on.
    fn is_told(&self, signal: &str) {
        let told = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// How long its threads have been on the processors.
    fn busy(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let nanoseconds = |text: String| text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
        Duration::from_nanos(threads.flatten().map(of).map(nanoseconds).sum())
    }

    fn shows(&self, pcscd: &Pcscd, reader: usize) -> (Duration, VirtualCard) {
        let began = Instant::now();
        let card = insert(pcscd, reader);
        let (_, at) = self.said.recv_timeout(Duration::from_secs(10)).expect("the card is read");
        (at - began, card)
    }

    fn shows_all(&self, pcscd: &Pcscd) -> Vec<Duration> {
        let laid: Vec<(Instant, VirtualCard)> = (0..READERS).map(|reader| (Instant::now(), insert(pcscd, reader))).collect();
        let read = laid.iter().map(|_| self.said.recv_timeout(Duration::from_secs(10)).expect("the card is read"));
        read.map(|(reader, at)| at - laid[reader].0).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn insert(pcscd: &Pcscd, reader: usize) -> VirtualCard {
    let uid = [0x04, 0x74, 0x48, 0x22, 0xA6, 0x14, reader as u8, 0x90, 0x00];
    let script = CardScript {
        atr: ATR.to_vec(),
        answers: vec![(GET_UID.to_vec(), uid.to_vec())],
        otherwise: vec![0x6A, 0x81],
        delay: Duration::ZERO,
    };
    VirtualCard::insert(pcscd.addr(reader), script).unwrap()
}

fn say(reader: usize) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{reader}").unwrap();
    out.flush().unwrap();
}

/// What a program does that only uses the crate: waits, connects, asks, says.
fn bare(readers: &[&str]) {
    let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
    let state = |name: &&str| pcsc::ReaderState::new(CString::new(*name).unwrap(), pcsc::State::UNAWARE);
    let mut states: Vec<pcsc::ReaderState> = readers.iter().map(state).collect();
    let mut buffer = [0; 258];
    say(0);
    loop {
        context.get_status_change(None, &mut states).unwrap();
        for state in &mut states {
            let came = state.event_state().contains(pcsc::State::CHANGED | pcsc::State::PRESENT);
            state.sync_current_state();
            let card = came.then(|| context.connect(state.name(), pcsc::ShareMode::Shared, pcsc::Protocols::ANY));
            let Some(Ok(card)) = card else { continue };
            if let Ok([.., reader, 0x90, 0x00]) = card.transmit(&GET_UID, &mut buffer) {
                say(usize::from(*reader));
            }
            drop(card.disconnect(pcsc::Disposition::LeaveCard));
        }
    }
}

fn bridge(pattern: &str) {
    let text = format!("[[reader]]\nname = \"desk\"\npcsc = \"{pattern}\"\n");
    let protocols = Protocols::built_in();
    let config = Config::parse("bench", &text, Path::new("."), &protocols).unwrap();
    let site = Site::new(config, protocols);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // On one thread, as every command is.
    runtime.block_on(async move {
        let mut shell = Shell::new(&site, None);
        shell.open_readers(None);
        let mut is_up = false;
        loop {
            match shell.next().await.notice {
                Notice::Up(_) if !is_up => {
                    is_up = true;
                    say(0);
                }
                Notice::Read(reading) => {
                    assert!(!reading.fits.is_empty());
                    say(reading.presentation.csn.and_then(|csn| csn.bytes().last().copied()).map_or(0, usize::from));
                }
                _ => {}
            }
        }
    });
}
