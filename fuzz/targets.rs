//! What is fuzzed, one function a target. `make fuzz` feeds them with what libFuzzer makes up; `make test` with what stands
//! in `corpus/`.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "each target takes its own; a fuzzer wants to see a panic")]

use std::sync::{Arc, LazyLock};

use cardbridge::{
    access::{Answers, Outcome},
    blusky::{
        answer::{AnswerRules, SuccessCodes, sort_cards, sort_write},
        lookup::{self, sort_lookup},
    },
    card::{Kind, Literal, MAX_BITS, PacsBits, Presentation},
    decode::{
        catalog::Catalog,
        dialect::Dialect,
        drawing::Drawing,
        line::{Input, Line, Output},
        payload::Template,
    },
    protocols::Protocols,
    reader::ReaderHints,
    views::reading,
};
use chrono::{DateTime, TimeDelta, Utc};

static DIALECTS: LazyLock<Vec<Arc<Dialect>>> = LazyLock::new(|| Protocols::built_in().dialects);

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
    let terms = |success| AnswerRules { success, key: "" };
    for answers in [Answers::Key, Answers::Number, Answers::Nothing] {
        if let Outcome::Accepted(told) = sort_write(status, body, terms(&success), answers) {
            assert!(status < 300 && told.result_code == Some(0) && (told.value.is_some() || answers != Answers::Key));
            let text = String::from_utf8_lossy(body);
            assert!(text.contains("ResultCode"), "{text}");
        }
    }
    let _ = sort_cards(status, body, uuid::Uuid::from_u128(7), terms(&SuccessCodes::Any));
    let _ = sort_lookup(lookup::Kind::CardTypes, status, body, terms(&success));
}

/// Any text is a template or a clear error, and any frame is read by it or not.
pub fn template(data: &[u8]) {
    let Some((text, body)) = data.iter().position(|byte| *byte == 0).map(|at| (&data[..at], &data[at + 1..])) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match Template::parse(text) {
        Ok(template) => {
            let parts = template.read_after_noise(body, true).unwrap_or_default();
            assert!(parts.iter().all(|part| part.at + part.text.len() <= body.len()));
        }
        Err(error) => assert!(error.starts_with("character ")),
    }
}

/// Any bytes on the line of any dialect: what is read does not depend on how they are cut into pieces, nothing damaged
/// has a number, and no byte is counted as noise twice. The first byte is the dialect, the second the pieces' length.
pub fn line(data: &[u8]) {
    let [dialect, piece, bytes @ ..] = data else { return };
    let dialect = DIALECTS.iter().cycle().nth(usize::from(*dialect)).unwrap();
    let whole = play(dialect, bytes, bytes.len().max(1));
    let pieces = play(dialect, bytes, usize::from(*piece).max(1));
    assert_eq!(whole.presentations, pieces.presentations, "{}", dialect.id);
    assert_eq!(whole.noise, pieces.noise, "{}", dialect.id);
    assert!(whole.noise <= bytes.len());
    for presentation in &whole.presentations {
        let has_number = presentation.bits.is_some() || presentation.csn.is_some() || presentation.numbers.is_some();
        assert!(presentation.damage.is_none() || !has_number);
        assert!(!reading::text(&CATALOG.read(presentation.clone())).is_empty());
    }
}

/// All bytes at one time, in pieces; then silence.
fn play(dialect: &Arc<Dialect>, bytes: &[u8], piece: usize) -> Output {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(1);
    let mut line = Line::new(dialect.clone(), ReaderHints::default());
    let mut all = Output::default();
    let mut take = |output: Output| {
        all.presentations.extend(output.presentations);
        all.noise += output.noise;
    };
    bytes.chunks(piece).for_each(|piece| take(line.handle(Input::Bytes(piece), now)));
    take(line.handle(Input::Time, now + TimeDelta::seconds(60)));
    all
}
