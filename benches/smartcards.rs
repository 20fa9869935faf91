//! From a card laid on a PC/SC reader to its number in another process, beside a bare program on the `pcsc` crate.
//!
//! The stock pcscd with virtual readers; both programs write a line for each card. First they take turns at a reader of
//! their own, then each has 16 readers on which cards are laid at once. `cargo bench --bench smartcards -- 500` takes as
//! many cards.

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
    {
        let programs = [(0, Program::start(&pcscd, &["bare", &names[0]])), (1, Program::start(&pcscd, &["bridge", &names[1]]))];
        let mut took = [Vec::new(), Vec::new()];
        for round in 0..cards + 20 {
            for ((reader, program), took) in programs.iter().zip(&mut took) {
                let (one, card) = program.shows(&pcscd, *reader);
                drop(card);
                if round >= 20 {
                    took.push(one);
                }
                thread::sleep(Duration::from_millis(3));
            }
        }
        report(&format!("{cards} cards, one reader"), took);
    }
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let took = [[vec!["bare"], all].concat(), vec!["bridge", "*"]].map(|arguments| {
        let program = Program::start(&pcscd, &arguments);
        let mut took = Vec::new();
        for round in 0..cards.div_ceil(READERS) + 2 {
            let many = program.shows_all(&pcscd);
            if round >= 2 {
                took.extend(many);
            }
            thread::sleep(Duration::from_millis(30));
        }
        took
    });
    report(&format!("{} cards, {READERS} readers at once", took[0].len()), took);
}

fn report(title: &str, [bare, bridge]: [Vec<Duration>; 2]) {
    let (bare, bridge) = (figures(bare), figures(bridge));
    println!("{title}, from the card to the line, µs");
    println!("  bare pcsc                 p50 {:>7.0}  p99 {:>7.0}", bare.0, bare.1);
    println!("  cardbridge, with verdict  p50 {:>7.0}  p99 {:>7.0}", bridge.0, bridge.1);
    println!("  ratio                     p50 {:>7.2}  p99 {:>7.2}", bridge.0 / bare.0, bridge.1 / bare.1);
}

fn figures(mut took: Vec<Duration>) -> (f64, f64) {
    took.sort();
    let at = |share: usize| took[took.len() * share / 100].as_secs_f64() * 1e6;
    (at(50), at(99))
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
