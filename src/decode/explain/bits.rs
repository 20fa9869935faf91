//! What may have happened to a card's bits: each way to undo it.

use super::Attempt;
use crate::card::{Kind, PacsBits};

const INVERTED: &str = "all bits are turned over (swap the two data wires, D0 and D1, at the reader)";
const BITS_REVERSED: &str = "the last bit comes first (set the reader or converter to send the most significant bit first)";
const BYTES_REVERSED: &str = "the bytes come in the other order (set byte_order = \"reversed\" for this reader)";
const STRIPPED: &str = "the reader takes the parity bits away (set kind = \"wiegand_stripped\" for it, or let it send them)";
const DOUBLED: &str = "the reader puts parity bits around a frame that has its own (set it to send the card's bits as they are)";
const LOST_AT_START: &str = "one bit is lost at the beginning (check the common ground and the cable between reader and converter)";
const LOST_AT_END: &str = "one bit is lost at the end (check the cable, and how long the converter waits for the next pulse)";
const GAINED_AT_START: &str = "there is one bit too many at the beginning (check the cable: a pulse as the reader is switched on)";
const GAINED_AT_END: &str = "there is one bit too many at the end (check the cable, and how long the converter waits for the next pulse)";

/// Every way to undo something, the commonest first.
pub(super) fn attempts(kind: Kind, bits: &PacsBits) -> Vec<Attempt> {
    let len = bits.len();
    if len < 2 {
        return Vec::new();
    }
    let mut attempts = Vec::new();
    let mut add = |transform, words, rank, kind, bits: Option<PacsBits>, chosen| {
        attempts.extend(bits.map(|bits| Attempt { transform, words, rank, kind, bits, chosen }));
    };
    add("inverted", INVERTED, 0, kind, of(bits.iter().map(|bit| !bit)), 1.0);
    add("bits_reversed", BITS_REVERSED, 1, kind, of((0..len).rev().map(|at| bits.get(at))), 1.0);
    if len.is_multiple_of(8) && len > 8 {
        let place = |at: usize| len - 8 - at / 8 * 8 + at % 8;
        add("bytes_reversed", BYTES_REVERSED, 1, kind, of((0..len).map(|at| bits.get(place(at)))), 1.0);
    }
    if kind != Kind::Wiegand {
        return attempts;
    }
    let part = |from: usize, to: usize| of((from..to).map(|at| bits.get(at)));
    add("parity_stripped", STRIPPED, 2, Kind::WiegandStripped, Some(*bits), 1.0);
    add("parity_doubled", DOUBLED, 2, kind, part(1, len - 1), 1.0);
    add("bit_gained_at_start", GAINED_AT_START, 3, kind, part(1, len), 1.0);
    add("bit_gained_at_end", GAINED_AT_END, 3, kind, part(0, len - 1), 1.0);
    // The lost bit is chosen so that it suits: a check that covers it says nothing any more.
    for lost in [false, true] {
        add("bit_lost_at_start", LOST_AT_START, 3, kind, of([lost].into_iter().chain(bits.iter())), 2.0);
        add("bit_lost_at_end", LOST_AT_END, 3, kind, of(bits.iter().chain([lost])), 2.0);
    }
    attempts
}

fn of(bits: impl IntoIterator<Item = bool>) -> Option<PacsBits> {
    PacsBits::from_bits(bits).ok()
}
