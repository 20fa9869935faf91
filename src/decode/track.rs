//! The second track of a magnetic stripe, and what speaks its language: clock-and-data readers, FASC-N.
//!
//! In: a layout in characters, and out comes the [`Drawing`] in bits; or bits as they came from a swipe or a reader, and
//! out comes the track alone, from its start sentinel to its check. Never: a digit; a format reads those.
//!
//! A character is four bits, the least significant first, and a bit that makes their number odd. The track is a start
//! sentinel `;`, characters, an end sentinel `?`, and the exclusive or of all characters (LRC). Zeros stand around it, and
//! a stripe can be drawn through a reader backwards.
//!
//! ```text
//! ;AAAA=NNNNNN?    a letter: a digit of a field; 0 to 9 : < = >: must be so; .: any character, carried
//! ;N+?             a letter and +: one digit or more; the file stands for a format of every length
//! ```

use super::drawing::{Cell, Check, CheckKind, Drawing};
use crate::card::PacsBits;

/// The bits of one character: four and their parity.
const CHARACTER: usize = 5;

/// The most characters on a track, sentinels and check among them (ISO/IEC 7811-2).
const LONGEST_TRACK: usize = 40;

/// The characters in the order of their values.
const CHARACTERS: &str = "0123456789:;<=>?";

/// A layout in characters that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The layout in bits.
    pub drawing: Drawing,
    /// Each letter with its bits, most significant first.
    pub letters: Vec<(char, Box<[usize]>)>,
}

/// Every track that a layout stands for, the shortest first: one, or one for each number of digits.
///
/// # Errors
/// What is wrong with the layout, and at which column.
pub fn tracks(layout: &str, lrc_warns: bool) -> Result<Vec<Track>, (usize, String)> {
    let characters = expand(layout)?;
    characters.into_iter().map(|characters| track(&characters, lrc_warns)).collect()
}

/// The layouts with a letter and `+` written out.
fn expand(layout: &str) -> Result<Vec<String>, (usize, String)> {
    let Some(plus) = layout.find('+') else { return Ok(vec![layout.to_owned()]) };
    let (before, after) = (layout.get(..plus).unwrap_or(""), layout.get(plus + 1..).unwrap_or(""));
    let letter = before.chars().last().filter(char::is_ascii_alphabetic);
    let letter = letter.ok_or((plus, "+ follows a letter: one digit or more of it".to_owned()))?;
    if let Some(second) = after.find('+') {
        return Err((plus + 1 + second, "one letter can have +; what follows it has a number of digits".to_owned()));
    }
    let fixed = before.len() + after.len() + 1;
    Ok((0..=LONGEST_TRACK.saturating_sub(fixed)).map(|more| format!("{before}{}{after}", letter.to_string().repeat(more))).collect())
}

fn track(layout: &str, lrc_warns: bool) -> Result<Track, (usize, String)> {
    if !(layout.starts_with(';') && layout.ends_with('?')) || layout.len() < 3 {
        return Err((0, "a track begins with ; and ends with ?; the check that follows is not written".to_owned()));
    }
    let count = layout.chars().count() + 1;
    if count > LONGEST_TRACK {
        return Err((LONGEST_TRACK, format!("{count} characters with the check are more than the {LONGEST_TRACK} of a track")));
    }
    let mut cells = Vec::with_capacity(count * CHARACTER);
    let mut letters: Vec<(char, Vec<usize>)> = Vec::new();
    for (at, character) in layout.chars().enumerate() {
        let from = at * CHARACTER;
        match CHARACTERS.find(character) {
            Some(value) => cells.extend(bits_of(value).into_iter().map(Cell::Fixed)),
            None if character.is_ascii_alphabetic() && character != 'P' => {
                cells.extend([Cell::Field(character); 4].into_iter().chain([Cell::Check]));
                let bits = (from..from + 4).rev();
                match letters.iter_mut().find(|(letter, _)| *letter == character) {
                    Some((_, positions)) => positions.extend(bits),
                    None => letters.push((character, bits.collect())),
                }
            }
            None if character == '.' => cells.extend([Cell::Carried; 4].into_iter().chain([Cell::Check])),
            None => {
                return Err((at, format!("{character:?} is no character of a track; write a letter but P, a digit, one of :;<=>? or .")));
            }
        }
    }
    let lrc = cells.len();
    cells.extend([Cell::Check; CHARACTER]);
    let lrc_bits = (0..4).map(|bit| Check {
        kind: CheckKind::Even,
        own: [lrc + bit].into(),
        covers: (bit..lrc).step_by(CHARACTER).collect(),
        warns: lrc_warns,
    });
    let parity = |from: usize| Check { kind: CheckKind::Odd, own: [from + 4].into(), covers: (from..from + 4).collect(), warns: false };
    let parities = (0..lrc).step_by(CHARACTER).filter(|from| cells.get(from + 4) == Some(&Cell::Check)).map(parity);
    let checks = parities.chain(lrc_bits).chain([parity(lrc)]).collect();
    let letters = letters.into_iter().map(|(letter, positions)| (letter, positions.into())).collect();
    Ok(Track { drawing: Drawing { cells: cells.into(), checks }, letters })
}

/// A character's bits as they are sent.
fn bits_of(value: usize) -> [bool; CHARACTER] {
    let bit = |at: usize| value >> at & 1 == 1;
    [bit(0), bit(1), bit(2), bit(3), value.count_ones().is_multiple_of(2)]
}

/// The track in bits that came from a reader: the zeros around it are taken away, and a stripe drawn backwards is turned
/// round. None where there is no start sentinel, or no end sentinel and check after it.
#[must_use]
pub fn find(bits: &PacsBits) -> Option<PacsBits> {
    let len = bits.len();
    forwards(len, |at| bits.get(at)).or_else(|| forwards(len, |at| at < len && bits.get(len - 1 - at)))
}

fn forwards(len: usize, bit: impl Fn(usize) -> bool) -> Option<PacsBits> {
    let start = (0..len).find(|at| bit(*at))?;
    let character = |from: usize| (from..from + CHARACTER).fold(0, |character, at| character << 1 | u8::from(bit(at)));
    if character(start) != 0b11010 {
        return None;
    }
    let end = (start..len).step_by(CHARACTER).find(|from| character(*from) == 0b11111)?;
    let after = end + 2 * CHARACTER;
    let is_track = end > start + CHARACTER && after <= len && (after..len).all(|at| !bit(at));
    if is_track { PacsBits::from_bits((start..after).map(bit)).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_DIGITS: &str = "1101000001100000100011001001001010101101111000001010011101101111100010";

    fn bits(text: &str) -> PacsBits {
        text.parse().unwrap()
    }

    #[test]
    fn a_track_is_found_between_zeros_and_backwards() {
        let track = bits(TEN_DIGITS);
        let backwards: String = TEN_DIGITS.chars().rev().collect();
        for swiped in [TEN_DIGITS.to_owned(), format!("0000000000{TEN_DIGITS}000000"), format!("000{backwards}0000000000")] {
            assert_eq!(find(&bits(&swiped)), Some(track), "{swiped}");
        }
    }

    #[test]
    fn what_is_no_track_is_none() {
        for other in ["1", "00000000", "11010", "1101011111", "1101000001", "10111101100010001110101110"] {
            assert_eq!(find(&bits(other)), None, "{other}");
        }
    }

    #[test]
    fn a_layout_in_characters_is_one_in_bits() {
        let track = tracks(";1N?", false).unwrap().remove(0);
        let row: String = track
            .drawing
            .cells
            .iter()
            .map(|cell| match cell {
                Cell::Field(letter) => *letter,
                Cell::Check => 'P',
                Cell::Fixed(bit) => {
                    if *bit {
                        '1'
                    } else {
                        '0'
                    }
                }
                Cell::Carried => '.',
            })
            .collect();
        assert_eq!(row, "1101010000NNNNP11111PPPPP");
        assert_eq!(track.letters, [('N', [13, 12, 11, 10].into())]);
        let own: Vec<usize> = track.drawing.checks.iter().flat_map(|check| check.own.clone()).collect();
        assert_eq!(own, [14, 20, 21, 22, 23, 24]);
    }

    #[test]
    fn a_letter_with_a_plus_stands_for_every_number_of_digits() {
        let lengths: Vec<usize> = tracks(";N+=?", false).unwrap().iter().map(|track| track.drawing.cells.len()).collect();
        assert_eq!((lengths.len(), lengths[0], lengths[35]), (36, 25, 200));
    }

    #[test]
    fn every_mistake_in_a_track_is_named() {
        assert!(tracks("NN?", false).unwrap_err().1.contains("begins with ;"));
        assert!(tracks(";N-?", false).unwrap_err().1.contains("no character"));
        assert!(tracks(";N+M+?", false).unwrap_err().1.contains("one letter"));
        assert!(tracks(";+?", false).unwrap_err().1.contains("follows a letter"));
        assert!(tracks(&format!(";{}?", "N".repeat(38)), false).unwrap_err().1.contains("more than the 40"));
    }
}
