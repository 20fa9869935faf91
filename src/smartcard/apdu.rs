//! Command and response APDUs: which commands a script may say, and what status words mean (ISO 7816-4; PC/SC part 3).
//!
//! In: bytes. Out: a judgement. Never: a command that could change a card; the allow-list is short and closed.

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

/// Why a command may not be in a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too short to be a command.
    #[error("a command has at least four bytes: CLA INS P1 P2")]
    Short,
    /// Not on the list.
    #[error(
        "{0} is not on the list of commands that only read a card: 00 A4, 00 B0, 00 B2, 00 CA, 00 CB, 00 C0, FF CA, FF B0, FF 86, 90 60, 90 AF, \
         FF 70 07 6B with a GET template; a key never stands in a protocol file"
    )]
    NotReading(String),
}

/// Judges a command of a protocol file: a file can read a card and can do nothing else to it.
///
/// # Errors
/// Why it is refused.
pub fn allowed(command: &[u8]) -> Result<(), Refused> {
    let [class, instruction, p1, p2, body @ ..] = command else { return Err(Refused::Short) };
    let reads = match (class, instruction, p1, p2) {
        (0x00, 0xA4 | 0xB0 | 0xB2 | 0xC0 | 0xCA | 0xCB, _, _) | (0xFF, 0xCA | 0xB0 | 0x86, _, _) | (0x90, 0x60 | 0xAF, 0x00, 0x00) => true,
        (0xFF, 0x70, 0x07, 0x6B) => is_get(body),
        _ => false,
    };
    if reads { Ok(()) } else { Err(Refused::NotReading(words(command))) }
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

fn words(command: &[u8]) -> String {
    command.iter().take(5).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_can_read_and_can_do_nothing_else() {
        let reading: [&[u8]; 5] = [
            &[0xFF, 0xCA, 0, 0, 0],
            &[0x00, 0xA4, 0x04, 0x00],
            &[0x90, 0x60, 0, 0, 0],
            &[0xFF, 0x70, 0x07, 0x6B, 0x07, 0xA0, 0x05, 0xA1, 0x03, 0x80, 0x01, 0x04, 0x00],
            &[0xFF, 0x70, 0x07, 0x6B, 0x06, 0xA2, 0x04, 0xA0, 0x02, 0x8B, 0x00, 0x00],
        ];
        assert!(reading.iter().all(|command| allowed(command).is_ok()));
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
        assert!(others.iter().all(|command| allowed(command).is_err()));
        assert_eq!(allowed(&[0xFF]), Err(Refused::Short));
    }
}
