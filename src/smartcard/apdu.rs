//! Command and response APDUs: which commands a script may say, and what status words mean (ISO 7816-4; PC/SC part 3).
//!
//! In: bytes. Out: a judgement. Never: a command that could change a card; the allow-list is short and closed.

use super::script::Piece;

/// A response: its data and its status word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// The data.
    pub data: &'a [u8],
    /// SW1 and SW2.
    pub status: u16,
}

impl<'a> Response<'a> {
    /// Splits a response; none when it is shorter than a status word.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (data, status) = bytes.split_last_chunk::<2>()?;
        Some(Self { data, status: u16::from_be_bytes(*status) })
    }
}

/// Why a command may not be in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too short to be a command.
    #[error("a command has at least four bytes: CLA INS P1 P2")]
    Short,
    /// Not on the list.
    #[error(
        "{0} is not on the list of commands that only read a card: 00 A4, 00 B0, 00 B2, 00 CA, 00 CB, 00 C0, FF CA, FF B0, FF 82 00 (a key by its name), FF 86, \
         90 60, 90 AF, FF 70 07 6B with a GET template, 80 80 00 01 of PKOC"
    )]
    NotReading(String),
    /// A key in the file.
    #[error("a key never stands in a protocol file: write {{key:NAME}} behind FF 82 00 SLOT 06, and the key in the reader's keys_file")]
    Key,
    /// Not a light and not a sound.
    #[error(
        "{0} is not on the list of documented commands for lights and sounds: FF 00 40 P2 04, E0 00 00 28 01, E0 00 00 29 01, 58 1C, 58 1E"
    )]
    NotShowing(String),
}

/// Judges a command of a script: a file can read a card and can do nothing else to it.
///
/// # Errors
/// Why it is refused.
pub fn allowed(command: &[Piece]) -> Result<(), Refused> {
    let fixed = match command.first() {
        Some(Piece::Bytes(bytes)) => bytes.as_slice(),
        _ => &[],
    };
    let whole = command.len() <= 1;
    let total = fixed.len() + command.get(1..).unwrap_or_default().len();
    let has_key = command.iter().any(|piece| matches!(piece, Piece::Key(_)));
    if total < 4 {
        return Err(if has_key { Refused::Key } else { Refused::Short });
    }
    if fixed.starts_with(&[0xFF, 0x82]) {
        return match command {
            [_, Piece::Key(_)] if matches!(fixed, [_, _, 0x00, _, 0x06]) => Ok(()),
            _ => Err(Refused::Key),
        };
    }
    let reads = match fixed {
        [0x00, 0xA4 | 0xB0 | 0xB2 | 0xC0 | 0xCA | 0xCB, ..] | [0xFF, 0xCA | 0xB0 | 0x86, ..] => true,
        [0x90, 0x60 | 0xAF, 0x00, 0x00, ..] => true,
        [0xFF, 0x70, 0x07, 0x6B, body @ ..] => whole && is_get(body),
        [0x80, 0x80, 0x00, 0x01, 0x38, ..] => is_pkoc(command),
        _ => false,
    };
    if has_key {
        return Err(Refused::Key);
    }
    if reads { Ok(()) } else { Err(Refused::NotReading(words(fixed))) }
}

/// Judges a command to a reader: its documented lights and sounds.
///
/// # Errors
/// Why it is refused.
pub fn shows(command: &[u8]) -> Result<(), Refused> {
    match command {
        [0xFF, 0x00, 0x40, _, 0x04, _, _, _, _] | [0xE0, 0x00, 0x00, 0x28 | 0x29, 0x01, _] | [0x58, 0x1C, _, _] | [0x58, 0x1E, ..] => {
            Ok(())
        }
        _ => Err(Refused::NotShowing(words(command))),
    }
}

/// OMNIKEY's vendor command holds one template, and it is a GET: the PACS bits, or below A2 a single A0 (A1 would set).
fn is_get(body: &[u8]) -> bool {
    let Some((template, le)) = body.split_first().and_then(|(len, rest)| rest.split_at_checked(usize::from(*len))) else { return false };
    let is_whole = |len: u8, inner: &[u8]| usize::from(len) == inner.len();
    let reads = match template {
        [0xA0, 0x05, 0xA1, 0x03, 0x80, 0x01, _] => true,
        [0xA2, outer, 0xA0, inner, data @ ..] => usize::from(*outer) == data.len() + 2 && is_whole(*inner, data),
        _ => false,
    };
    reads && le.len() <= 2
}

/// PKOC's authentication asks the card for its public key: 4C a transaction, 5C the version (a value the card has told), 4D
/// a reader. The card changes nothing by it.
fn is_pkoc(command: &[Piece]) -> bool {
    match command {
        [Piece::Bytes(before), Piece::Kept(_), Piece::Bytes(after)] => {
            matches!(before.get(5..), Some([0x4C, 0x10, rest @ ..]) if rest.len() == 18 && rest.ends_with(&[0x5C, 0x02]))
                && matches!(after.as_slice(), [0x4D, 0x20, rest @ ..] if matches!(rest.len(), 32 | 33))
        }
        _ => false,
    }
}

fn words(command: &[u8]) -> String {
    command.iter().take(5).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(command: &[u8]) -> Result<(), Refused> {
        allowed(&[Piece::Bytes(command.to_vec())])
    }

    #[test]
    fn a_script_can_read_and_can_do_nothing_else() {
        let reading: [&[u8]; 5] = [
            &[0xFF, 0xCA, 0, 0, 0],
            &[0x00, 0xA4, 0x04, 0x00],
            &[0x90, 0x60, 0, 0, 0],
            &[0xFF, 0x70, 0x07, 0x6B, 0x07, 0xA0, 0x05, 0xA1, 0x03, 0x80, 0x01, 0x04, 0x00],
            &[0xFF, 0x70, 0x07, 0x6B, 0x06, 0xA2, 0x04, 0xA0, 0x02, 0x8B, 0x00, 0x00],
        ];
        assert!(reading.iter().all(|command| bytes(command).is_ok()));
        let others: [&[u8]; 9] = [
            &[0xFF, 0xD6, 0, 4, 0x10],
            &[0xFF, 0x00, 0x00, 0x00, 0x02, 0xD4, 0x02],
            &[0xFF, 0xCC, 0, 0, 1],
            &[0xFF, 0x82, 0x20, 0x00, 0x06],
            &[0xFF, 0x82, 0x00, 0x00, 0x06, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5],
            &[0xFF, 0x70, 0x07, 0x6B, 0x0E, 0xA2, 4, 0xA0, 2, 0x8B, 0, 0xA2, 6, 0xA1, 4, 0x8B, 2, 1, 2, 0],
            &[0xFF, 0x70, 0x07, 0x6B, 0x10, 0xA0, 5, 0xA1, 3, 0x80, 1, 4, 0xA2, 7, 0xA1, 5, 0x8B, 3, 1, 2, 3, 0],
            &[0xFF, 0x70, 0x07, 0x6B, 0x07, 0xA2, 0x05, 0xA1, 0x03, 0x8B, 0x01, 0x01, 0x00],
            &[0x00, 0xD6, 0, 0, 1],
        ];
        assert!(others.iter().all(|command| bytes(command).is_err()));
        assert_eq!(bytes(&[0xFF]), Err(Refused::Short));
    }

    /// Every class that is used, with every instruction: the list is all there is.
    #[test]
    fn of_all_instructions_only_those_of_the_list_are_allowed() {
        let list = [
            (0x00, vec![0xA4, 0xB0, 0xB2, 0xC0, 0xCA, 0xCB]),
            (0x80, vec![]),
            (0x84, vec![]),
            (0x90, vec![0x60, 0xAF]),
            (0xA0, vec![]),
            (0xE0, vec![]),
            (0xFF, vec![0xCA, 0xB0, 0x86]),
        ];
        for class in 0..=255_u8 {
            let wanted = list.iter().find(|(listed, _)| *listed == class).map_or(&[][..], |(_, instructions)| instructions);
            let found: Vec<u8> = (0..=255).filter(|instruction| bytes(&[class, *instruction, 0, 0, 0]).is_ok()).collect();
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "class {class:02X}");
        }
        // What the list asks of P1 and P2 is asked.
        for (p1, p2) in [(0, 1), (1, 0), (0xFF, 0xFF)] {
            assert!((0..=255).all(|instruction| bytes(&[0x90, instruction, p1, p2, 0]).is_err()));
        }
    }

    #[test]
    fn a_key_is_loaded_by_its_name_into_the_volatile_slot_and_no_other_way() {
        let key = Piece::Key("site".into());
        let load = |header: &[u8]| allowed(&[Piece::Bytes(header.to_vec()), key.clone()]);
        assert_eq!(load(&[0xFF, 0x82, 0x00, 0x01, 0x06]), Ok(()));
        // Another place, another length, a command that is none for keys, a key from an answer.
        for header in
            [&[0xFF, 0x82, 0x20, 0x01, 0x06][..], &[0xFF, 0x82, 0x00, 0x01, 0x10], &[0xFF, 0x82, 0x00, 0x01], &[0x00, 0xA4, 4, 0, 6]]
        {
            assert_eq!(load(header), Err(Refused::Key), "{header:02X?}");
        }
        assert_eq!(allowed(&[Piece::Bytes(vec![0xFF, 0x82, 0, 1, 6]), Piece::Kept("x".into())]), Err(Refused::Key));
        assert_eq!(allowed(&[key.clone(), key.clone(), key.clone(), key]), Err(Refused::Key));
    }

    #[test]
    fn a_value_of_the_card_fills_a_command_but_never_says_which_command_it_is() {
        let kept = Piece::Kept("place".into());
        assert_eq!(allowed(&[Piece::Bytes(vec![0x00, 0xB0]), kept.clone(), Piece::Bytes(vec![0x00])]), Ok(()));
        assert!(allowed(&[kept.clone(), Piece::Bytes(vec![0xB0, 0, 0, 0])]).is_err());
        assert!(allowed(&[Piece::Bytes(vec![0x00]), kept.clone(), Piece::Bytes(vec![0, 0, 0])]).is_err());
        assert!(allowed(&[Piece::Bytes(vec![0x90, 0x60]), kept.clone(), Piece::Bytes(vec![0])]).is_err());
        assert!(allowed(&[Piece::Bytes(vec![0xFF, 0x70, 0x07, 0x6B]), kept]).is_err());
    }

    #[test]
    fn a_reader_is_told_to_shine_and_to_sound_and_nothing_else() {
        for command in
            [&[0xFF, 0, 0x40, 0x0E, 4, 1, 0, 1, 0][..], &[0xE0, 0, 0, 0x28, 1, 5], &[0xE0, 0, 0, 0x29, 1, 2], &[0x58, 0x1C, 1, 0]]
        {
            assert_eq!(shows(command), Ok(()), "{command:02X?}");
        }
        for command in [&[0xFF, 0, 0, 0, 4, 1, 0, 1, 0][..], &[0xFF, 0, 0x51, 0xFF, 0], &[0xE0, 0, 0, 0x18, 0], &[0xFF, 0xCA, 0, 0, 0], &[]]
        {
            assert!(shows(command).is_err(), "{command:02X?}");
        }
    }
}
