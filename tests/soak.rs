//! A long day: taps at a reader through the whole program while answers are lost and late, and an outage with a pile behind it. What the
//! program holds (memory, descriptors, threads) stays as it was, and what it writes while BluSKY is away is nothing.
//!
//! A hundred taps in `make test`; `make soak TAPS=50000`. So many people get them that each has a dozen cards at the end, for BluSKY
//! shows the cards of a person one list at a time, and the lists of two people with thousands would be what is measured.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stdout, reason = "it shows the curve")]

mod support;

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{SerialReader, Simulator, Site, h10301, times, wait_for};

/// Asks the station.
fn asks(site: &Site, request: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(site.path("cardbridge.db.sock")).unwrap();
    let head = format!("{request} HTTP/1.1\r\nHost: station\r\nConnection: close\r\nContent-Type: application/json");
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Orders the next card for somebody, shows it at the reader, and waits until it is saved.
fn taps(site: &Site, reader: &mut SerialReader, number: usize) {
    // So many that one whose answer was lost holds up few.
    let user = format!("0f83442e-a446-4577-8cdd-{:012x}", number % times("PEOPLE", 4000));
    let order = json!({"user": user}).to_string();
    let id = json_of(&asks(site, "POST /v1/enrollments", &order))["enrollment"].as_str().unwrap().to_owned();
    let bits = h10301(1 + number as u32 / 60_000, 1 + number as u32 % 60_000);
    reader.send(format!("1A{}\r", bits.trim_start_matches("{26}")).as_bytes());
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let state = json_of(&asks(site, &format!("GET /v1/enrollments/{id}"), ""));
        assert!(state["error"].is_null() && state["state"] != "not_enrolled" && Instant::now() < end, "{state}");
        if state["state"].as_str().is_some_and(|state| state != "waiting") {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn number(site: &Site, name: &str) -> i64 {
    let metrics = asks(site, "GET /metrics", "");
    metrics.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

/// Memory in KB, descriptors, threads.
fn held(process: u32) -> (u64, usize, u64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    (of("VmRSS:"), fs::read_dir(format!("/proc/{process}/fd")).unwrap().count(), of("Threads:"))
}

fn on_disk(site: &Site) -> u64 {
    let files = ["cardbridge.db", "cardbridge.db-wal"].map(|name| fs::metadata(site.path(name)).map_or(0, |file| file.len()));
    files.iter().sum()
}

#[test]
fn a_long_day_of_taps_and_faults_leaves_the_program_as_it_was_and_an_outage_writes_nothing() {
    let (taps_today, outage) = (times("TAPS", 100), Duration::from_secs(times("OUTAGE_S", 5) as u64));
    let faults = ["drop-after-commit:every=211", "drop-before-commit:every=307", "status=503:every=401", "delay=30:every=3"];
    let faults: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let mut blusky = Simulator::start(&[&["--allow-double"], &faults[..]].concat());
    let mut reader = SerialReader::plug_in();
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    let mut station = site.station();
    // What it says is read away, as a terminal would.
    let mut says = station.stdout();
    std::thread::spawn(move || std::io::copy(&mut says, &mut std::io::sink()));
    station.wait_for_stderr("the station runs");
    reader.wait_until_open();
    let (mut curve, began, mut last) = (Vec::new(), Instant::now(), Instant::now());
    let part = (taps_today / 10).max(1);
    for tap in 0..taps_today {
        taps(&site, &mut reader, tap);
        if (tap + 1) % part == 0 {
            let (memory, files, threads) = held(station.id());
            curve.push((memory, files, threads));
            let (passed, each) = (began.elapsed().as_secs(), last.elapsed().as_secs_f64() * 1000.0 / part as f64);
            let waiting = number(&site, "cardbridge_outbox_waiting");
            println!(
                "{:>6} taps {passed:>5} s, {each:>5.1} ms each: {memory:>7} KB, {files} descriptors, {threads} threads; {waiting} waiting",
                tap + 1
            );
            last = Instant::now();
        }
    }
    let open = ["waiting", "sending", "in_doubt"].map(|state| format!("cardbridge_outbox_{state}"));
    let is_drained = |site: &Site| open.iter().all(|name| number(site, name) == 0);
    let end = Instant::now() + Duration::from_secs(60 + taps_today as u64 / 10);
    while !is_drained(&site) {
        assert!(Instant::now() < end, "{}", asks(&site, "GET /metrics", ""));
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(blusky.cards().len(), taps_today, "each card once");
    let (first, last) = (curve[curve.len() / 3], *curve.last().unwrap());
    assert!(last.0 < first.0 + 8 * 1024, "memory: {curve:?}");
    assert!(last.1 < first.1 + 8 && last.2 < first.2 + 4, "descriptors and threads: {curve:?}");

    blusky.goes();
    let before = on_disk(&site);
    (taps_today..taps_today + 200).for_each(|tap| taps(&site, &mut reader, tap));
    let piled = on_disk(&site);
    std::thread::sleep(outage);
    let after = on_disk(&site);
    println!(
        "200 orders while BluSKY is away: {} KB; {} s of waiting: {} KB",
        (piled - before) / 1024,
        outage.as_secs(),
        (after - piled) / 1024
    );
    assert!(after - before < 20 << 20, "{before} {after}");
    assert!(after <= piled + (64 << 10), "an absence writes nothing for an entry and a try: {piled} {after}");
    let address = blusky.base_url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let back = Simulator::on(&address, &[]);
    let began = Instant::now();
    taps(&site, &mut reader, taps_today + 200);
    wait_for("the pile to be delivered", || is_drained(&site).then_some(()));
    println!("drained {} s after BluSKY was back, with a new card among them", began.elapsed().as_secs());
    assert_eq!(back.cards().len(), 201);
}
