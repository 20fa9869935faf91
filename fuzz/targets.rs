//! What is fuzzed, one function a target. `make fuzz` feeds them with what libFuzzer makes up; `make test` with what stands
//! in `corpus/`.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "each target takes its own; a fuzzer wants to see a panic")]

use std::sync::LazyLock;

use cardbridge::{
    blusky::{
        answer::{Outcome, SuccessCodes, sort_cards, sort_write},
        lookup::{self, sort_lookup},
    },
    card::{Kind, Literal, MAX_BITS, PacsBits, Presentation},
    decode::{catalog::Catalog, drawing::Drawing},
    protocols::Protocols,
    views::reading,
};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Protocols::built_in().catalog(&[]));

/// Any text is a literal or a clear error, and a literal is read again as it was written.
pub fn literal(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<Literal>() {
        Ok(literal) => assert_eq!(literal.to_string().parse::<Literal>().unwrap(), literal),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Any text is a drawing or a list of complaints, each within the text.
pub fn drawing(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Drawing::parse(text) {
        Ok(drawing) => assert!((1..=MAX_BITS).contains(&drawing.cells.len())),
        Err(complaints) => assert!(complaints.iter().all(|complaint| complaint.row <= text.lines().count())),
    }
}

/// Any bits of any length and kind get a verdict that can be shown.
pub fn decode(data: &[u8]) {
    let [kind, len, bytes @ ..] = data else { return };
    let kind = Kind::ALL.into_iter().cycle().nth(usize::from(*kind)).unwrap();
    let len = usize::from(*len).min(bytes.len() * 8);
    let bits = PacsBits::from_left_aligned(bytes, len).unwrap();
    let read = CATALOG.read(Presentation { bits: Some(bits), ..Presentation::of(kind) });
    assert!(!reading::text(&read).is_empty());
}

/// Any answer of any status is sorted, and is success only where it is a `Result` with the listed code and a key.
pub fn answer(data: &[u8]) {
    let [status, body @ ..] = data else { return };
    let status = [200, 204, 302, 400, 401, 404, 413, 429, 500, 504][usize::from(*status) % 10];
    let success = SuccessCodes::Listed(vec![0]);
    for answers_value in [true, false] {
        if let Outcome::Accepted(told) = sort_write(status, body, &success, answers_value) {
            assert!(status < 300 && told.result_code == Some(0) && (told.value.is_some() || !answers_value));
            let text = String::from_utf8_lossy(body);
            assert!(text.contains("ResultCode"), "{text}");
        }
    }
    let _ = sort_cards(status, body, uuid::Uuid::from_u128(7));
    let _ = sort_lookup(lookup::Kind::CardTypes, status, body, &success);
}
