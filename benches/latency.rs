//! From the last byte of a line on a tty to the card's verdict, beside a bare program that only reads the port.
//!
//! Both wait in the same run on ttys of their own and take turns, card by card. A bare reader is a thread in the serialport
//! crate's blocking read that looks for the line's end and does nothing else. `cargo bench --bench latency -- 5000` takes
//! as many cards.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark is a program for one person")]

use std::{
    io::{Read as _, Write as _},
    path::Path,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use cardbridge::{
    config::Config,
    host::{Site, shell::Shell},
    protocols::Protocols,
    station::Notice,
};
use serialport::{SerialPort as _, TTYPort};

const CARDS: usize = 2000;

fn main() {
    let cards = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(CARDS);
    let (bare, bridge) = (Reader::plug_in(), Reader::plug_in());
    let bare_reads = read_bare(&bare.path);
    let bridge_reads = read_with_bridge(&bridge.path);
    let mut readers = [(bare, bare_reads, Vec::new()), (bridge, bridge_reads, Vec::new())];
    for card in 0..cards + 100 {
        for (reader, reads, took) in &mut readers {
            // Two cards in turn: the same one again would still be lying there.
            let line: &[u8] = if card % 2 == 0 { b"1ABD88EB80\r" } else { b"1A808001C0\r" };
            let began = Instant::now();
            reader.master.write_all(line).unwrap();
            let read = reads.recv().unwrap();
            if card >= 100 {
                took.push(read.duration_since(began));
            }
            thread::sleep(Duration::from_micros(300));
        }
    }
    let [(_, _, bare), (_, _, bridge)] = readers;
    let (bare, bridge) = (Figures::of(bare), Figures::of(bridge));
    println!("{cards} cards, from the line to the reader's thread, µs");
    println!("  a bare serialport read    p50 {:>7.1}  p99 {:>7.1}", bare.p50, bare.p99);
    println!("  cardbridge, with verdict  p50 {:>7.1}  p99 {:>7.1}", bridge.p50, bridge.p99);
    println!("  ratio                     p50 {:>7.2}  p99 {:>7.2}", bridge.p50 / bare.p50, bridge.p99 / bare.p99);
}

struct Reader {
    master: TTYPort,
    path: String,
}

impl Reader {
    fn plug_in() -> Self {
        let (master, slave) = TTYPort::pair().unwrap();
        Self { master, path: slave.name().unwrap() }
    }
}

fn read_bare(path: &str) -> Receiver<Instant> {
    let (send, reads) = channel();
    let mut port = serialport::new(path, 9600).timeout(Duration::from_secs(60)).open_native().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 256];
        loop {
            let Ok(count) = port.read(&mut buffer) else { return };
            let now = Instant::now();
            if buffer.iter().take(count).any(|byte| *byte == b'\r') {
                send.send(now).unwrap();
            }
        }
    });
    reads
}

fn read_with_bridge(path: &str) -> Receiver<Instant> {
    let (send, reads) = channel();
    let (up, is_up) = channel();
    let text = format!("[[reader]]\nname = \"desk\"\nserial = \"{path}\"\ndialect = \"twn3-hidprox\"\ncard_left_ms = 0\n");
    thread::spawn(move || {
        let protocols = Protocols::built_in();
        let config = Config::parse("bench", &text, Path::new("."), &protocols).unwrap();
        let site = Site::new(config, protocols);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // On one thread, as every command is.
        let task = async move {
            let mut shell = Shell::new(&site, None);
            shell.open_readers(None);
            loop {
                match shell.next().await.notice {
                    Notice::Up(_) => up.send(()).unwrap(),
                    Notice::Read(reading) => {
                        let now = Instant::now();
                        assert!(!reading.fits.is_empty());
                        send.send(now).unwrap();
                    }
                    _ => {}
                }
            }
        };
        runtime.block_on(task);
    });
    is_up.recv().unwrap();
    reads
}

struct Figures {
    p50: f64,
    p99: f64,
}

impl Figures {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort();
        let at = |share: usize| took.get(took.len() * share / 100).unwrap().as_secs_f64() * 1e6;
        Self { p50: at(50), p99: at(99) }
    }
}
