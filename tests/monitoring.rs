//! What is promised to a service manager and to a monitoring system.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::{
    io::{Read, Write},
    os::unix::net::{UnixDatagram, UnixStream},
    time::Duration,
};

use support::{ADA, CARD, Running, Site, tells, wait_for};

/// A configuration of one reader that is not there, and a BluSKY that is away.
fn site() -> Site {
    Site::at("http://127.0.0.1:9", "[[reader]]\nname = \"desk \\\"1\\\"\"\nserial = \"/dev/ttyNONE\"\ndialect = \"twn3-hidprox\"\n")
}

/// A service manager, as far as a service sees it.
fn manager(site: &Site) -> UnixDatagram {
    let socket = UnixDatagram::bind(site.path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

fn heard(manager: &UnixDatagram) -> String {
    let mut said = [0; 4096];
    let count = manager.recv(&mut said).expect("the service says something");
    String::from_utf8_lossy(&said[..count]).trim_end().to_owned()
}

fn metrics(site: &Site) -> (String, String) {
    let mut stream = UnixStream::connect(site.path("cardbridge.db.sock")).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: station\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn a_service_manager_is_told_when_the_station_takes_orders_that_it_is_alive_and_when_it_ends() {
    let site = site();
    let manager = manager(&site);
    let mut command = site.command(&["run"]);
    command.env("NOTIFY_SOCKET", site.path("notify")).env("WATCHDOG_USEC", "200000");
    let station = Running::begin(&mut command);
    let mut first = Vec::new();
    while first.last().is_none_or(|said| said != "READY=1") {
        first.push(heard(&manager));
    }
    assert!(UnixStream::connect(site.path("cardbridge.db.sock")).is_ok(), "it takes orders");
    // Five times within the time after which it would be restarted, one after the other.
    for _ in 0..5 {
        assert_eq!(heard(&manager), "WATCHDOG=1");
    }
    std::process::Command::new("kill").args(["-TERM", &station.id().to_string()]).status().unwrap();
    while heard(&manager) != "STOPPING=1" {}
    assert_eq!(station.end().code, 0);
}

#[test]
fn a_station_that_is_not_watched_says_nothing_more_once_it_is_ready() {
    for watched in [None, Some("0")] {
        let site = site();
        let manager = manager(&site);
        let mut command = site.command(&["run"]);
        command.env("NOTIFY_SOCKET", site.path("notify")).env_remove("WATCHDOG_USEC");
        command.envs(watched.map(|time| ("WATCHDOG_USEC", time)));
        let station = Running::begin(&mut command);
        assert_eq!(heard(&manager), "READY=1");
        // Meanwhile it would say something.
        assert_eq!(site.run(&["outbox", "list"]).code, 0);
        std::process::Command::new("kill").args(["-TERM", &station.id().to_string()]).status().unwrap();
        assert_eq!(heard(&manager), "STOPPING=1");
        assert_eq!(station.end().code, 0);
    }
}

#[test]
fn a_monitoring_system_reads_how_the_station_is_and_nothing_of_whose_card() {
    let site = site();
    let mut station = site.station();
    station.wait_for_stderr("the station runs");
    let before = metrics(&site).1;
    assert!(before.contains("cardbridge_outbox_waiting 0\n") && !before.contains("oldest_waiting"), "{before}");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "0"]).code, 3);
    // Whoever is asked in the middle of a try says so.
    let is_sending = |text: &str| text.contains("cardbridge_outbox_sending 1\n");
    let (head, text) = wait_for("the end of a try", || Some(metrics(&site)).filter(|(_, text)| !is_sending(text)));
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    let lines = [
        "# TYPE cardbridge_outbox_waiting gauge",
        "# HELP cardbridge_outbox_waiting Entries that are saved and not yet sent.",
        "cardbridge_outbox_waiting 1",
        "cardbridge_outbox_for_a_person 0",
        "cardbridge_reader_up{reader=\"desk \\\"1\\\"\"} 0",
        "cardbridge_reader_cards_total{reader=\"desk \\\"1\\\"\"} 0",
    ];
    for line in lines {
        assert!(text.lines().any(|said| said == line), "{line}: {text}");
    }
    let age = text.lines().find_map(|line| line.strip_prefix("cardbridge_outbox_oldest_waiting_age_seconds ")).unwrap();
    assert!(age.parse::<u32>().unwrap() < 600, "{text}");
    assert!(text.ends_with("# EOF\n") && !text.contains("blusky_reached"), "{text}");
    for secret in [ADA, "4567", "Lovelace"] {
        assert!(!tells(&text, secret), "{text}");
    }
}
