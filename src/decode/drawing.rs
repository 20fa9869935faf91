//! The picture of a card format: one row for the bits, one row for every parity check.
//!
//! In: the text of a `layout`. Out: cells and checks, the checks in the order an encoder computes them, or every
//! complaint with its row and column. Never: a meaning for a letter; the file's `[fields]` names it.
//!
//! ```text
//! PFFFFFFFFNNNNNNNNNNNNNNNNP    a letter: a field's bit; P: a check bit; 0, 1: must be so; .: carried, not understood
//! EXXXXXXXXXXXX.............    E, O: the check's own bit, even or odd; X: a bit it covers
//! .............XXXXXXXXXXXXO
//! ```
//!
//! A small `e` or `o` is a check that is written and not judged: where it does not hold, that is a warning.
//! A row with eight `C` is a checksum byte: the exclusive or of the covered bits, taken eight at a time. With eight `B` it
//! is the same, and one more where its low digit is F (Barium Ferrite encoders). With eight `S` it is the low byte of their sum.

use nom::{
    IResult, Parser,
    branch::alt,
    character::complete::{char, one_of, satisfy},
    combinator::{map, value},
    multi::many0,
};

use crate::card::MAX_BITS;

/// What one bit of a format is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// A bit of the field of that letter.
    Field(char),
    /// A check bit.
    Check,
    /// A bit that must be so.
    Fixed(bool),
    /// A bit that is carried and not understood.
    Carried,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// How it is computed.
    pub kind: CheckKind,
    /// Its own bits: one, or eight of a checksum byte.
    pub own: Box<[usize]>,
    /// The bits covered, its own not among them.
    pub covers: Box<[usize]>,
    /// It is written, and a card on which it does not hold is warned of and not refused.
    pub warns: bool,
}

/// How a check is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// Its own bit makes the parity of itself and the covered bits even.
    Even,
    /// Its own bit makes it odd.
    Odd,
    /// Its own eight bits are the exclusive or of the covered bits, taken eight at a time.
    Xor8,
    /// The same, and one more where the low digit of that is F.
    Xor8Bumped,
    /// Its own eight bits are the low byte of the sum of the covered bits, taken eight at a time.
    Sum8,
}

impl CheckKind {
    /// True where each of its own bits is a parity of some of the others: nothing carries from one to the next.
    #[must_use]
    pub const fn is_linear(self) -> bool {
        matches!(self, Self::Even | Self::Odd | Self::Xor8)
    }
}

impl Check {
    /// True where the check holds.
    pub fn holds(&self, bit: impl Fn(usize) -> bool) -> bool {
        self.computed(&bit).into_iter().all(|(own, wanted)| bit(own) == wanted)
    }

    /// The bits that the check is to have, each with its position; `bit` tells the bits covered.
    pub fn computed(&self, bit: impl Fn(usize) -> bool) -> Vec<(usize, bool)> {
        if self.kind == CheckKind::Sum8 {
            let sum = self.sum(&bit);
            return self.own.iter().enumerate().map(|(at, own)| (*own, sum >> 7_usize.saturating_sub(at) & 1 == 1)).collect();
        }
        let is_odd = |covers: &[usize]| covers.iter().filter(|at| bit(**at)).count() % 2 == 1;
        let mut bits: Vec<(usize, bool)> =
            self.parities().map(|(own, covers)| (own, is_odd(&covers) != (self.kind == CheckKind::Odd))).collect();
        if self.kind == CheckKind::Xor8Bumped && bits.iter().rev().take(4).all(|(_, bit)| *bit) {
            // One more carries through the low digit's four ones, and on through those above them.
            for (_, bit) in bits.iter_mut().rev() {
                *bit = !*bit;
                if *bit {
                    break;
                }
            }
        }
        bits
    }

    /// The low byte of the sum of the covered bits, taken eight at a time.
    fn sum(&self, bit: impl Fn(usize) -> bool) -> u8 {
        let bits = self.covers.iter().enumerate();
        bits.fold(0_u8, |sum, (at, place)| sum.wrapping_add(u8::from(bit(*place)) << (7 - at % 8)))
    }

    /// True where a checksum byte is what the bits it covers make it. Nothing is allocated.
    #[must_use]
    pub fn checksum_holds(&self, bit: impl Fn(usize) -> bool) -> bool {
        let own = self.own.iter().fold(0_u8, |byte, place| byte << 1 | u8::from(bit(*place)));
        if self.kind == CheckKind::Sum8 {
            return own == self.sum(bit);
        }
        let folded = self.covers.iter().enumerate().fold(0_u8, |byte, (at, place)| byte ^ u8::from(bit(*place)) << (7 - at % 8));
        let is_bumped = self.kind == CheckKind::Xor8Bumped && folded & 0x0F == 0x0F;
        own == folded.wrapping_add(u8::from(is_bumped))
    }

    /// The check as parity bits: each of its own bits with the bits it covers.
    pub fn parities(&self) -> impl Iterator<Item = (usize, Vec<usize>)> + '_ {
        let every = self.own.len();
        self.own.iter().enumerate().map(move |(at, own)| (*own, self.covers.iter().skip(at).step_by(every).copied().collect()))
    }
}

/// A layout that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// What every bit is, first sent first.
    pub cells: Box<[Cell]>,
    /// The checks, in the order an encoder computes them.
    pub checks: Box<[Check]>,
}

/// Something wrong with a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The row of the layout, counted from 0.
    pub row: usize,
    /// The column, counted from 0.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Drawing {
    /// Reads a layout.
    ///
    /// # Errors
    /// Every complaint at once.
    pub fn parse(layout: &str) -> Result<Self, Vec<Complaint>> {
        let mut complaints = Vec::new();
        let mut rows = layout.lines().map(str::trim_end).enumerate().filter(|(_, row)| !row.is_empty());
        let Some((first, bits)) = rows.next() else {
            return Err(vec![complaint(0, 0, "the layout is empty; its first row says what every bit is".into())]);
        };
        let cells = row(first, bits, many0(cell), "a letter for a field, P for a check bit, 0, 1 or .", &mut complaints);
        if cells.len() > MAX_BITS {
            complaints.push(complaint(first, MAX_BITS, format!("{} bits are more than the {MAX_BITS} a frame can have", cells.len())));
        }
        let mut checks = Vec::new();
        for (at, text) in rows {
            let marks = row(
                at,
                text,
                many0(one_of("EOeoXCBS.")),
                "E or O for the check's own bit, C, B or S for a checksum byte's, X for a covered bit, or .",
                &mut complaints,
            );
            if marks.len() != cells.len() && marks.len() == text.chars().count() {
                complaints.push(complaint(
                    at,
                    marks.len().min(cells.len()),
                    format!(
                        "this row has {} columns and the first row has {}; every row must be as wide as the first",
                        marks.len(),
                        cells.len()
                    ),
                ));
            }
            checks.extend(check(at, &marks, &cells, &mut complaints).map(|check| (at, check)));
        }
        every_check_bit_once(first, &cells, &checks, &mut complaints);
        let checks = in_encode_order(checks, &mut complaints);
        if complaints.is_empty() { Ok(Self { cells: cells.into(), checks: checks.into() }) } else { Err(complaints) }
    }

    /// The positions of a letter's bits, first sent first.
    #[must_use]
    pub fn positions(&self, letter: char) -> Box<[usize]> {
        self.cells.iter().enumerate().filter(|(_, cell)| **cell == Cell::Field(letter)).map(|(at, _)| at).collect()
    }

    /// The letters used, each once, in the order they appear.
    #[must_use]
    pub fn letters(&self) -> Vec<char> {
        let mut letters = Vec::new();
        for cell in &self.cells {
            if let Cell::Field(letter) = cell
                && !letters.contains(letter)
            {
                letters.push(*letter);
            }
        }
        letters
    }

    /// The same drawing as a reader hands it over that takes the check bits away; none where there are none.
    #[must_use]
    pub fn stripped(&self) -> Option<Self> {
        let cells: Box<[Cell]> = self.cells.iter().copied().filter(|cell| *cell != Cell::Check).collect();
        (cells.len() < self.cells.len()).then(|| Self { cells, checks: Box::default() })
    }
}

fn cell(input: &str) -> IResult<&str, Cell> {
    alt((
        value(Cell::Check, char('P')),
        value(Cell::Fixed(false), char('0')),
        value(Cell::Fixed(true), char('1')),
        value(Cell::Carried, char('.')),
        map(satisfy(|c| c.is_ascii_alphabetic()), Cell::Field),
    ))
    .parse(input)
}

/// Reads one row; whatever its grammar leaves over is a complaint.
fn row<'t, T>(
    at: usize,
    text: &'t str,
    mut grammar: impl Parser<&'t str, Output = Vec<T>, Error = nom::error::Error<&'t str>>,
    expected: &str,
    complaints: &mut Vec<Complaint>,
) -> Vec<T> {
    let (rest, marks) = grammar.parse(text).unwrap_or((text, Vec::new()));
    if let Some(found) = rest.chars().next() {
        complaints.push(complaint(at, marks.len(), format!("{found:?} does not belong here; expected {expected}")));
    }
    marks
}

fn check(row: usize, marks: &[char], cells: &[Cell], complaints: &mut Vec<Complaint>) -> Option<Check> {
    let own = places(marks, |mark| matches!(mark, 'E' | 'O' | 'e' | 'o' | 'C' | 'B' | 'S'));
    let covers = places(marks, |mark| mark == 'X');
    let is_byte = |wanted: char| own.len() == 8 && own.iter().all(|at| marks.get(*at) == Some(&wanted));
    let kind = match (&*own, own.first().and_then(|at| marks.get(*at))) {
        ([_], Some('E' | 'e')) => CheckKind::Even,
        ([_], Some('O' | 'o')) => CheckKind::Odd,
        ([_, .., _], _) if is_byte('C') => CheckKind::Xor8,
        ([_, .., _], _) if is_byte('B') => CheckKind::Xor8Bumped,
        ([_, .., _], _) if is_byte('S') => CheckKind::Sum8,
        ([], _) => {
            complaints.push(complaint(row, 0, "this check has no bit of its own; mark it E (even) or O (odd)".into()));
            return None;
        }
        (_, Some('C' | 'B' | 'S')) => {
            complaints.push(complaint(
                row,
                *own.first()?,
                "a checksum byte has eight bits of its own, each marked C, or each B, or each S".into(),
            ));
            return None;
        }
        ([_, second, ..] | [second], _) => {
            let message = "this check has a second bit of its own; a check has one E or O, write one row for each check";
            complaints.push(complaint(row, *second, message.into()));
            return None;
        }
    };
    for at in own.iter().filter(|at| cells.get(**at).is_some_and(|cell| *cell != Cell::Check)) {
        complaints.push(complaint(row, *at, "the check's own bit is not a P in the first row; write P there".into()));
    }
    if covers.is_empty() || (own.len() == 8 && !covers.len().is_multiple_of(8)) {
        let message = if own.len() == 8 {
            "a checksum byte covers whole bytes: mark a multiple of eight bits X"
        } else {
            "this check covers no bit; mark the covered bits X"
        };
        complaints.push(complaint(row, *own.first()?, message.into()));
    }
    let warns = own.first().is_some_and(|at| matches!(marks.get(*at), Some('e' | 'o')));
    Some(Check { kind, own, covers, warns })
}

fn places(marks: &[char], wanted: impl Fn(char) -> bool) -> Box<[usize]> {
    marks.iter().enumerate().filter(|(_, mark)| wanted(**mark)).map(|(at, _)| at).collect()
}

fn every_check_bit_once(first: usize, cells: &[Cell], checks: &[(usize, Check)], complaints: &mut Vec<Complaint>) {
    for (at, _) in cells.iter().enumerate().filter(|(_, cell)| **cell == Cell::Check) {
        let mut rows = checks.iter().filter(|(_, check)| check.own.contains(&at));
        if rows.next().is_none() {
            complaints.push(complaint(first, at, "this P has no check row; add a row that marks it E or O, or write . here".into()));
        }
        if let Some((row, _)) = rows.next() {
            complaints.push(complaint(*row, at, "another row has marked this check bit already; a check bit has one row".into()));
        }
    }
}

/// A check bit that another check covers is computed first.
fn in_encode_order(checks: Vec<(usize, Check)>, complaints: &mut Vec<Complaint>) -> Vec<Check> {
    let mut waiting = checks;
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let open: Vec<usize> = waiting.iter().flat_map(|(_, check)| check.own.iter().copied()).collect();
        let ready = |check: &Check| !check.covers.iter().any(|at| open.contains(at));
        let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, check)| ready(check));
        if now.is_empty() {
            let message = "these checks cover each other's bits in a circle; one of them must be computed first";
            complaints.extend(later.iter().map(|(row, check)| complaint(*row, check.own.first().copied().unwrap_or(0), message.into())));
            return ordered;
        }
        ordered.extend(now.into_iter().map(|(_, check)| check));
        waiting = later;
    }
    ordered
}

const fn complaint(row: usize, column: usize, message: String) -> Complaint {
    Complaint { row, column, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(layout: &str) -> Vec<String> {
        let found = Drawing::parse(layout).unwrap_err();
        found.iter().map(|c| format!("{}:{} {}", c.row, c.column, c.message)).collect()
    }

    #[test]
    fn a_check_that_another_one_covers_is_computed_first() {
        let drawing = Drawing::parse("PPNN\nEXXX\n.OXX\n").unwrap();
        assert_eq!(drawing.checks.iter().map(|check| check.own[0]).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn a_checksum_byte_can_be_a_sum() {
        let check = &Drawing::parse("NNNNNNNNMMMMMMMMPPPPPPPP\nXXXXXXXXXXXXXXXXSSSSSSSS\n").unwrap().checks[0];
        let bits = |bytes: [u8; 3]| move |at: usize| bytes[at / 8] >> (7 - at % 8) & 1 == 1;
        for (bytes, holds) in [([0xF0, 0x20, 0x10], true), ([0xF0, 0x20, 0xD0], false), ([1, 2, 3], true), ([0xFF, 0xFF, 0xFE], true)] {
            assert_eq!((check.holds(bits(bytes)), check.checksum_holds(bits(bytes))), (holds, holds), "{bytes:?}");
        }
    }

    #[test]
    fn every_mistake_in_a_drawing_is_named_with_row_and_column() {
        assert!(complaints("PFF\nEXX.\n")[0].starts_with("1:3 this row has 4 columns and the first row has 3"));
        assert!(complaints("PFF\n")[0].starts_with("0:0 this P has no check row"));
        assert!(complaints("PFF\nXXX\n")[0].starts_with("1:0 this check has no bit of its own"));
        assert!(complaints("PPF\nEOX\n")[0].starts_with("1:1 this check has a second bit of its own"));
        assert!(complaints("PF\nEX\nEX\n")[0].starts_with("2:0 another row has marked"));
        assert!(complaints("FF\nEX\n")[0].starts_with("1:0 the check's own bit is not a P"));
        assert!(complaints("PPF\nEXX\nXEX\n")[0].contains("circle"));
        assert!(complaints("P#F\nEXX\n")[0].starts_with("0:1 '#' does not belong here"));
        assert!(complaints("\n \n")[0].contains("the layout is empty"));
        assert!(complaints("PF\nE.\n")[0].contains("covers no bit"));
        assert!(complaints("FFFFFFFFPPPPPPPP\nXXXXXXXXCCCCCCC.\n")[0].starts_with("1:8 a checksum byte has eight bits"));
        assert!(complaints("FFFFFFFFPPPPPPPP\nXXXXXXX.CCCCCCCC\n")[0].contains("covers whole bytes"));
        assert!(complaints(&"F".repeat(257))[0].contains("more than the 256"));
    }
}
