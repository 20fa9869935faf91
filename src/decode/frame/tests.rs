use std::time::Duration;

use super::*;
use crate::decode::dialect::Code;

const LINE: Cut = Cut::Line { idle: None };

fn stx() -> Cut {
    Cut::Delimited { start: vec![2], end: b"\r\n\x03".to_vec(), trailer: 0, stuffing: None }
}

fn any(cut: &Cut, waiting: &[u8], longest: usize) -> Found {
    next(cut, waiting, longest, false, |_| true)
}

#[test]
fn a_frame_is_found_after_noise_and_cut_where_it_ends() {
    assert_eq!(any(&stx(), b"xx\x02AB\r\n\x03\x02C", 20), Found::Frame { skip: 2, len: 6 });
    assert_eq!(&*body(&stx(), b"\x02AB\r\n\x03"), b"AB");
}

#[test]
fn half_a_frame_waits_and_noise_is_dropped() {
    assert_eq!(any(&stx(), b"xx\x02AB\r", 20), Found::Wait { skip: 2 });
    assert_eq!(any(&stx(), b"xxx", 20), Found::Wait { skip: 3 });
    assert_eq!(any(&LINE, b"\r\n\nab", 20), Found::Wait { skip: 3 });
}

#[test]
fn a_frame_that_never_ends_is_given_up_and_the_next_one_found() {
    let mut bytes = vec![2];
    bytes.extend([b'x'; 30]);
    bytes.extend(b"\x02AB\r\n\x03");
    assert_eq!(any(&stx(), &bytes, 20), Found::Frame { skip: 31, len: 6 });
}

#[test]
fn within_a_frame_that_says_nothing_known_the_next_one_is_found() {
    let known = |frame: &[u8]| frame.len() == 6;
    assert_eq!(next(&stx(), b"\x02A\x02BC\r\n\x03", 20, false, known), Found::Frame { skip: 2, len: 6 });
}

#[test]
fn a_line_ends_with_cr_or_lf_and_the_lf_after_a_cr_begins_none() {
    assert_eq!(any(&LINE, b"AB\rCD\n", 20), Found::Frame { skip: 0, len: 3 });
    assert_eq!(any(&LINE, b"\nAB\n", 20), Found::Frame { skip: 1, len: 3 });
    assert_eq!(&*body(&LINE, b"AB\r"), b"AB");
    assert_eq!(next(&LINE, b"AB\r", 20, false, |_| false), Found::Unknown { skip: 0, len: 3 });
}

#[test]
fn a_line_without_an_end_ends_with_silence_where_the_dialect_says_so() {
    let idle = Cut::Line { idle: Some(Duration::from_millis(50)) };
    assert_eq!(any(&idle, b"AB", 20), Found::Wait { skip: 0 });
    assert_eq!(next(&idle, b"AB", 20, true, |_| true), Found::Frame { skip: 0, len: 2 });
    assert_eq!(&*body(&idle, b"AB"), b"AB");
    assert_eq!(next(&LINE, b"AB", 20, true, |_| true), Found::Wait { skip: 0 });
}

#[test]
fn the_end_of_a_line_that_is_too_long_is_no_line() {
    assert_eq!(any(&LINE, b"0123456789\rAB\r", 5), Found::Frame { skip: 11, len: 3 });
    assert_eq!(any(&LINE, b"0123456789", 5), Found::Overlong);
}

#[test]
fn a_fixed_frame_has_one_of_its_lengths_and_its_end() {
    let cut = Cut::Fixed { start: vec![0xAA], end: Vec::new(), lengths: vec![3] };
    assert_eq!(any(&cut, &[1, 0xAA, 2, 3, 4], 20), Found::Frame { skip: 1, len: 3 });
    let two = Cut::Fixed { start: vec![2], end: vec![3], lengths: vec![6, 5] };
    assert_eq!(any(&two, &[2, 9, 9, 9, 3], 20), Found::Frame { skip: 0, len: 5 });
    assert_eq!(any(&two, &[2, 9, 9, 9, 9, 3], 20), Found::Frame { skip: 0, len: 6 });
    assert_eq!(any(&two, &[2, 9, 9, 9, 9], 20), Found::Wait { skip: 0 });
    assert_eq!(&*body(&two, &[2, 9, 9, 9, 3]), &[9, 9, 9]);
}

#[test]
fn a_counted_frame_tells_its_length_in_either_order() {
    let high_first = Cut::Counted { start: vec![2], at: 1, width: 2, low_first: false, add: 0 };
    assert_eq!(any(&high_first, &[9, 2, 0, 5, 7, 7, 2], 20), Found::Frame { skip: 1, len: 5 });
    assert_eq!(any(&high_first, &[2, 0, 5, 7], 20), Found::Wait { skip: 0 });
    assert_eq!(any(&high_first, &[2, 0, 1, 7], 20), Found::Wait { skip: 4 });
    let low_first = Cut::Counted { start: Vec::new(), at: 0, width: 2, low_first: true, add: 2 };
    assert_eq!(any(&low_first, &[2, 0, 8, 8, 1], 20), Found::Frame { skip: 0, len: 4 });
}

#[test]
fn a_trailer_follows_the_end_and_stuffed_bytes_are_as_they_were_meant() {
    let balluff = Cut::Delimited { start: vec![2], end: vec![3], trailer: 1, stuffing: None };
    assert_eq!(any(&balluff, b"\x0212\x03\x03\x02", 20), Found::Frame { skip: 0, len: 5 });
    assert_eq!(&*body(&balluff, b"\x0212\x03\x03"), b"12\x03");
    let stuffing = Some(Stuffing { escape: 0xF8, escaped: vec![0xF8, 0xFB, 0xFD, 0xFE], code: Code::Place });
    let stuffed = Cut::Delimited { start: vec![0xFB], end: vec![0xFE], trailer: 0, stuffing };
    assert_eq!(&*body(&stuffed, &[0xFB, 1, 0xF8, 3, 0xF8, 0, 0xFE]), &[1, 0xFE, 0xF8]);
}
