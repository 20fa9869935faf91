//! Framing: where a frame begins and ends in a stream of bytes that may hold anything.
//!
//! In: the bytes that wait and a dialect's cut. Out: a frame with what must be skipped before it, or "wait". Never: a
//! meaning. The grammar is nom's, streaming: `Incomplete` means wait for more.

use nom::{
    IResult, Parser,
    bytes::streaming::{tag, take, take_till, take_until},
    combinator::consumed,
    sequence::terminated,
};

use super::dialect::Cut;

/// What the bytes that wait hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A frame of `len` bytes after `skip` bytes that are not part of one.
    Frame {
        /// Bytes before it.
        skip: usize,
        /// Its bytes.
        len: usize,
    },
    /// No frame yet; `skip` bytes can never be part of one.
    Wait {
        /// Bytes to drop.
        skip: usize,
    },
    /// A line that is too long already: all of it is to be dropped, up to and with its end.
    Overlong,
}

/// Looks for the next frame. A frame is never longer than `longest` bytes: what grows beyond is skipped.
#[must_use]
pub fn next(cut: &Cut, waiting: &[u8], longest: usize) -> Found {
    let mut skip = start_of(cut, waiting, 0);
    while let Some(rest) = waiting.get(skip..).filter(|rest| !rest.is_empty()) {
        match frame(cut, rest) {
            Ok((_, len)) if len <= longest => return Found::Frame { skip, len },
            // The end of a line that is too long is no line of its own.
            Ok((_, len)) if *cut == Cut::Line => skip = start_of(cut, waiting, skip + len),
            Err(nom::Err::Incomplete(_)) if rest.len() <= longest => return Found::Wait { skip },
            Err(nom::Err::Incomplete(_)) if *cut == Cut::Line => return Found::Overlong,
            _ => skip = start_of(cut, waiting, skip + 1),
        }
    }
    Found::Wait { skip }
}

/// What the delimiters of a whole frame enclose.
#[must_use]
pub fn body<'a>(cut: &Cut, frame: &'a [u8]) -> &'a [u8] {
    let (before, after) = match cut {
        Cut::Line => (0, 1),
        Cut::Delimited { start, end } => (start.len(), end.len()),
        Cut::Fixed { start, .. } => (start.len(), 0),
    };
    frame.get(before..frame.len().saturating_sub(after)).unwrap_or_default()
}

/// The length of the frame at the very beginning of the bytes, delimiters included.
fn frame<'a>(cut: &Cut, bytes: &'a [u8]) -> IResult<&'a [u8], usize> {
    match cut {
        Cut::Line => length_of(terminated(take_till(is_line_end), take(1_usize)), bytes),
        Cut::Delimited { start, end } => length_of((tag(start.as_slice()), take_until(end.as_slice()), tag(end.as_slice())), bytes),
        Cut::Fixed { start, len } => length_of((tag(start.as_slice()), take(len.saturating_sub(start.len()))), bytes),
    }
}

fn length_of<'a, O>(
    grammar: impl Parser<&'a [u8], Output = O, Error = nom::error::Error<&'a [u8]>>,
    bytes: &'a [u8],
) -> IResult<&'a [u8], usize> {
    consumed(grammar).map(|(taken, _): (&[u8], O)| taken.len()).parse(bytes)
}

/// True for the bytes a line ends with. Of CR LF the CR ends the line, and the LF begins none.
#[must_use]
pub const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The first place from `from` on where a frame of this cut may begin.
fn start_of(cut: &Cut, bytes: &[u8], from: usize) -> usize {
    let begins = |at: &usize| match cut {
        Cut::Line => !bytes.get(*at).copied().is_some_and(is_line_end),
        Cut::Delimited { start, .. } | Cut::Fixed { start, .. } => {
            let rest = bytes.get(*at..).unwrap_or_default();
            let shown = rest.len().min(start.len());
            rest.get(..shown) == start.get(..shown)
        }
    };
    (from..bytes.len()).find(begins).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stx() -> Cut {
        Cut::Delimited { start: vec![2], end: b"\r\n\x03".to_vec() }
    }

    #[test]
    fn a_frame_is_found_after_noise_and_cut_where_it_ends() {
        assert_eq!(next(&stx(), b"xx\x02AB\r\n\x03\x02C", 20), Found::Frame { skip: 2, len: 6 });
        assert_eq!(body(&stx(), b"\x02AB\r\n\x03"), b"AB");
    }

    #[test]
    fn half_a_frame_waits_and_noise_is_dropped() {
        assert_eq!(next(&stx(), b"xx\x02AB\r", 20), Found::Wait { skip: 2 });
        assert_eq!(next(&stx(), b"xxx", 20), Found::Wait { skip: 3 });
        assert_eq!(next(&Cut::Line, b"\r\n\nab", 20), Found::Wait { skip: 3 });
    }

    #[test]
    fn a_frame_that_never_ends_is_given_up_and_the_next_one_found() {
        let mut bytes = vec![2];
        bytes.extend([b'x'; 30]);
        bytes.extend(b"\x02AB\r\n\x03");
        assert_eq!(next(&stx(), &bytes, 20), Found::Frame { skip: 31, len: 6 });
    }

    #[test]
    fn a_line_ends_with_cr_or_lf_and_the_lf_after_a_cr_begins_none() {
        assert_eq!(next(&Cut::Line, b"AB\rCD\n", 20), Found::Frame { skip: 0, len: 3 });
        assert_eq!(next(&Cut::Line, b"\nAB\n", 20), Found::Frame { skip: 1, len: 3 });
        assert_eq!(body(&Cut::Line, b"AB\r"), b"AB");
    }

    #[test]
    fn the_end_of_a_line_that_is_too_long_is_no_line() {
        assert_eq!(next(&Cut::Line, b"0123456789\rAB\r", 5), Found::Frame { skip: 11, len: 3 });
        assert_eq!(next(&Cut::Line, b"0123456789", 5), Found::Overlong);
    }

    #[test]
    fn a_fixed_frame_has_its_length() {
        let cut = Cut::Fixed { start: vec![0xAA], len: 3 };
        assert_eq!(next(&cut, &[1, 0xAA, 2, 3, 4], 20), Found::Frame { skip: 1, len: 3 });
    }
}
