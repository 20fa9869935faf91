//! Formats read and written in both directions.

use super::*;

fn format(layout: &str, fields: &[(char, &str, bool)]) -> Format {
    let drawing = Drawing::parse(layout).unwrap();
    let field = |(letter, name, bcd): &(char, &str, bool)| Field { bcd: *bcd, ..Field::new(name, drawing.positions(*letter)) };
    let fields = fields.iter().map(field).collect();
    Format::compile("test".into(), Arc::from([]), drawing, fields)
}

fn bits(text: &str) -> PacsBits {
    text.parse().unwrap()
}

#[test]
fn a_format_reads_its_fields_or_says_which_check_does_not_hold() {
    let format = format("PFFN\nEXXX\n", &[('F', "facility_code", false), ('N', "card_number", false)]);
    assert_eq!(format.fit(&bits("0101")).unwrap()[..2], [2, 1]);
    assert_eq!(format.fit(&bits("1101")), Err((Reason::Parity, 0)));
}

#[test]
fn decimal_digits_read_and_write_as_digits() {
    let format = format("NNNNNNNN", &[('N', "card_number", true)]);
    assert_eq!(format.fit(&bits("01000010")).unwrap()[0], 42);
    assert_eq!(format.fit(&bits("10100010")), Err((Reason::Digits, 0)));
    let mut credential = Credential::default();
    credential.set("card_number", 42);
    assert_eq!(format.encode(&credential).unwrap(), bits("01000010"));
    credential.set("card_number", 100);
    assert_eq!(format.encode(&credential).unwrap_err().to_string(), "card_number is 100, and test holds at most 99");
}

#[test]
fn a_checksum_byte_is_the_exclusive_or_of_the_bytes_it_covers() {
    let layout = "NNNNNNNNNNNNNNNNPPPPPPPP\nXXXXXXXXXXXXXXXXCCCCCCCC\n";
    let format = format(layout, &[('N', "card_number", false)]);
    let frame = PacsBits::from_left_aligned(&[0xF0, 0x9C, 0x6C], 24).unwrap();
    assert_eq!(format.fit(&frame).unwrap()[0], 0xF09C);
    assert_eq!((format.checks().present, format.odds()), (1, 1.0 / 256.0));
    assert_eq!(format.encode(&format.credential(&frame)).unwrap(), frame);
    let wrong = PacsBits::from_left_aligned(&[0xF0, 0x9C, 0x6D], 24).unwrap();
    assert_eq!(format.fit(&wrong), Err((Reason::Checksum, 0)));
}

#[test]
fn a_field_of_128_bits_keeps_all_of_them() {
    let format = format(&"N".repeat(128), &[('N', "card_number", false)]);
    let mut credential = Credential::default();
    credential.set("card_number", u128::MAX - 5);
    let frame = format.encode(&credential).unwrap();
    assert_eq!(format.credential(&frame), credential);
}

#[test]
fn a_field_with_one_value_refuses_every_other() {
    let format = format("FFFF", &[('F', "facility_code", false)]);
    let mut fields = format.fields.to_vec();
    fields[0].required = Some(9);
    let format = Format::compile(format.id.clone(), format.aliases.clone(), format.drawing().clone(), fields);
    assert_eq!(format.fit(&bits("1001")).unwrap()[0], 9);
    assert_eq!(format.fit(&bits("1101")), Err((Reason::FixedBits, 1)));
    assert_eq!(&*format.detail(Reason::FixedBits, 1), "bit 1 is 1, and it must be 0");
    assert_eq!(format.encode(&Credential::default()).unwrap(), bits("1001"));
}

#[test]
fn a_stripped_format_lies_over_the_data_bits() {
    let format = format("PFPN\nEX..\n..OX\n", &[('F', "facility_code", false), ('N', "card_number", false)]);
    let stripped = format.stripped().unwrap();
    assert_eq!(stripped.len(), 2);
    assert_eq!(stripped.fit(&bits("01")).unwrap()[..2], [0, 1]);
    assert_eq!(stripped.checks().present, 0);
}
