//! The demo shows the main job on any machine, and ends well only where every card ended as it said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::process::{Command, Stdio};

use support::{Ended, pcscd};

const DEMO: &str = env!("CARGO_BIN_EXE_cardbridge");
const ENDS: [&str; 9] = [
    "accepted by BluSKY",
    "not enrolled: damaged",
    "accepted by BluSKY",
    "accepted by BluSKY",
    "not enrolled: a tie",
    "refused by BluSKY",
    "accepted by BluSKY",
    "not enrolled: cannot be",
    "not enrolled: cannot be",
];

/// How each card ended, by the closing table.
fn table(demo: &Ended) -> Vec<&str> {
    let lines = demo.stdout.lines().skip_while(|line| !line.trim_start().starts_with("CARD"));
    let rows = lines.skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| row.rsplit("  ").find(|cell| !cell.trim().is_empty()).unwrap_or_default().trim()).collect()
}

#[test]
fn the_demo_of_make_demo_shows_nine_cards_and_each_ends_as_it_says() {
    let port = pcscd::free_port().to_string();
    let with_pcscd = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/with-pcscd");
    let mut command = Command::new(with_pcscd);
    command.arg(pcscd::handler()).args([&port, DEMO, "demo", "--virtual-card", &format!("127.0.0.1:{port}")]);
    let demo = Ended::after(command.stdin(Stdio::null()));
    assert_eq!(demo.code, 0, "{}\n{}", demo.stdout, demo.stderr);
    assert_eq!(table(&demo), ENDS, "{}", demo.stdout);
    assert!(demo.stdout.contains("Every card ended as it should."), "{}", demo.stdout);
    let recipe = "tests/support/with-pcscd $(TARGET)/release/libvirtual_reader.so $(CARD_PORT) \
                  $(TARGET)/release/cardbridge demo --virtual-card 127.0.0.1:$(CARD_PORT)";
    assert!(include_str!("../Makefile").contains(recipe), "make demo runs something else");
}

#[test]
fn without_a_smart_card_reader_the_demo_says_so_and_shows_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("pcscd.comm");
    let demo = Ended::after(Command::new(DEMO).arg("demo").env("PCSCLITE_CSOCK_NAME", nowhere).stdin(Stdio::null()));
    assert_eq!(demo.code, 0, "{}\n{}", demo.stdout, demo.stderr);
    assert!(demo.stdout.contains("The smart-card part is left out"), "{}", demo.stdout);
    assert_eq!(table(&demo), ENDS[..6], "{}", demo.stdout);
}
