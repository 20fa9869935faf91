//! What the fuzzers have found, and what they begin with, goes through today's code.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::{fs, path::Path};

#[path = "../fuzz/targets.rs"]
mod targets;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5, "{target} has a corpus");
    files.iter().for_each(|file| run(&fs::read(file).unwrap()));
}

#[test]
fn any_text_is_a_literal_or_a_clear_error() {
    replay("literal", targets::literal);
}

#[test]
fn any_text_is_a_drawing_or_a_list_of_complaints() {
    replay("drawing", targets::drawing);
}

#[test]
fn any_bits_get_a_verdict() {
    replay("decode", targets::decode);
}

#[test]
fn any_text_is_a_template_or_a_clear_error() {
    replay("template", targets::template);
}

#[test]
fn any_bytes_on_any_line_are_read_the_same_however_they_are_cut() {
    replay("line", targets::line);
}
