//! From the last byte of a card's line on a tty to "saved", and on to BluSKY's record of it, as whoever ordered it hears it; beside one
//! commit of SQLite's, and the four commits, the POST and the GET that the whole takes at least, one after the other. Both take turns in one run, against one simulator:
//! `cargo bench --bench tap [-- TAPS]`. Only the ratio counts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "a benchmark may stop")]

mod support;

use std::{
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use cardbridge::{
    card::{CardNumber, Credential, FacilityCode},
    config::Config,
    host::{
        Site,
        api::body::OrderBody,
        client::{Client, Notices, Said as _},
        hosting::Host,
    },
    protocols::Protocols,
};
use serde_json::Value;
use serialport::{SerialPort as _, TTYPort};
use support::{SYSTEM, Simulator, committed, committer, get, http, post, write_token};
use uuid::Uuid;

const TAPS: u32 = 200;
/// Taps before anything is counted.
const WARM: u32 = 10;

fn main() {
    let taps = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(TAPS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let [saved, commit, ours, bare] = runtime.block_on(measured(taps + WARM));
    println!("{taps} cards, from the line to \"saved\", ms");
    shown("one commit", saved, commit);
    println!("{taps} cards, from the line to BluSKY's record of it, ms");
    shown("four commits, a POST and a GET", ours, bare);
}

fn shown(at_least: &str, ours: (f64, f64), bare: (f64, f64)) {
    println!("  {:<32} p50 {:>6.2}  p99 {:>6.2}", "cardbridge", ours.0, ours.1);
    println!("  {at_least:<32} p50 {:>6.2}  p99 {:>6.2}", bare.0, bare.1);
    println!("  {:<32} p50 {:>6.2}  p99 {:>6.2}", "ratio", ours.0 / bare.0, ours.1 / bare.1);
}

async fn measured(taps: u32) -> [(f64, f64); 4] {
    let (folder, simulator) = (tempfile::tempdir().unwrap(), Simulator::start());
    let (mut tty, slave) = TTYPort::pair().unwrap();
    let site = site(folder.path(), &simulator.1, &slave.name().unwrap());
    let station = Host::become_station(&site, "bench", None).await.unwrap().unwrap();
    let (client, _) = Client::connect(&site.config.store, None).await.unwrap();
    let commit = committer(&folder.path().join("bare.db"));
    let http = http();
    let [mut saved, mut one, mut ours, mut bare] = [const { Vec::new() }; 4];
    for number in 1..=taps {
        let (line, mut order) = (line(&site, number), ordered(&client, number).await);
        let began = Instant::now();
        tty.write_all(&line).unwrap();
        said(&mut order, |notice| notice.at("entry").text("state") == "saved").await;
        saved.push(began.elapsed());
        said(&mut order, |notice| notice.at("entry").text("state") == "accepted").await;
        ours.push(began.elapsed());
        let other = taps + number;
        let began = Instant::now();
        committed(&commit).await;
        one.push(began.elapsed());
        committed(&commit).await;
        post(&http, &simulator.1, other).await;
        committed(&commit).await;
        get(&http, &simulator.1, other).await;
        committed(&commit).await;
        bare.push(began.elapsed());
    }
    station.end(false).await;
    [saved, one, ours, bare].map(figures)
}

fn site(folder: &Path, base_url: &str, tty: &str) -> Site {
    write_token(folder);
    let text = format!(
        "[blusky]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\n[enroll]\nproof = 1\n\
         [[reader]]\nname = \"desk\"\nserial = \"{tty}\"\ndialect = \"twn3-hidprox\"\ncard_left_ms = 0\n\
         [site]\nformats = [\"hid-h10301\"]\nfacility_codes = [123]\n\
         [[card_type]]\nblusky = 3\nformats = [\"hid-h10301\"]\nsystem = \"{SYSTEM}\"\n"
    );
    let protocols = Protocols::built_in();
    Site::new(Config::parse("bench", &text, folder, &protocols).unwrap(), protocols)
}

/// An order whose card can be shown now.
async fn ordered(client: &Client, number: u32) -> Notices {
    let user = Uuid::from_u128(u128::from(number)).to_string();
    let mut order = client.order(&OrderBody { user, ..OrderBody::default() }).await.unwrap();
    said(&mut order, |notice| notice.text("kind") == "ready" || notice.at("ready") == &Value::Bool(true)).await;
    order
}

async fn said(order: &mut Notices, is_meant: impl Fn(&Value) -> bool) {
    loop {
        let notice = order.next().await.unwrap();
        assert!(!["not_enrolled", "question"].contains(&notice.text("kind")), "{notice}");
        if is_meant(&notice) {
            return;
        }
    }
}

/// The reader's line for a card.
fn line(site: &Site, number: u32) -> Vec<u8> {
    let numbers =
        Credential { facility_code: Some(FacilityCode(123)), card_number: Some(CardNumber(number.into())), ..Credential::default() };
    let bits = site.catalog.find("hid-h10301").unwrap().encode(&numbers).unwrap();
    format!("1A{:0<8}\r", bits.to_string().split_off(4)).into_bytes()
}

/// The middle one and that of the slowest hundredth, in milliseconds.
fn figures(mut took: Vec<Duration>) -> (f64, f64) {
    let mut took = took.split_off(WARM as usize);
    took.sort();
    let at = |share: usize| took.get((took.len() - 1) * share / 100).unwrap().as_secs_f64() * 1e3;
    (at(50), at(99))
}
