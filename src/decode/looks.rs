//! What bytes look like that no dialect frames: for those who must describe a strange reader.
//!
//! In: bursts of bytes, between which the line was silent. Out: words, and where it is a line of text a template to try.
//! Never: a claim that the numbers in it are what the template calls them.

use super::{frame::is_line_end, payload::Template};

/// True where nearly all bytes are text or its usual controls: the line is set as the reader sends.
#[must_use]
pub fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && strange(bytes) * 10 <= bytes.len()
}

/// How many bytes are no text.
#[must_use]
pub fn strange(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0x02 | 0x03)).count()
}

/// What the bursts look like, one observation an item.
#[must_use]
pub fn words(bursts: &[Vec<u8>]) -> Vec<String> {
    let all: Vec<u8> = bursts.concat();
    if !is_text(&all) {
        let lost = format!("{} of {} bytes are no text: a binary protocol, or another baud rate or parity", strange(&all), all.len());
        return [Some(lost), lengths(bursts, "burst"), repeats(bursts)].into_iter().flatten().collect();
    }
    let lines = lines(&all);
    let end = if all.windows(2).any(|pair| pair == b"\r\n") {
        "lines that end with CR LF"
    } else if all.contains(&b'\r') {
        "lines that end with CR"
    } else if all.contains(&b'\n') {
        "lines that end with LF"
    } else {
        "text without a line end"
    };
    let enclosed = (all.contains(&0x02) && all.contains(&0x03)).then(|| "frames between STX (02) and ETX (03)".to_owned());
    let digits = lines.iter().flatten().copied().filter(|byte| !byte.is_ascii_control());
    let made_of = made_of(&digits.collect::<Vec<u8>>()).to_owned();
    [Some(end.to_owned()), enclosed, Some(made_of), lengths(&lines, "line"), repeats(&lines)].into_iter().flatten().collect()
}

/// A template for the first line that holds a number; none where there is no such line.
#[must_use]
pub fn template(bytes: &[u8]) -> Option<String> {
    if !is_text(bytes) || !bytes.iter().copied().any(is_line_end) {
        return None;
    }
    lines(bytes).iter().find_map(|line| template_of(line))
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split(|byte| is_line_end(*byte)).filter(|line| line.iter().any(|byte| byte.is_ascii_graphic())).map(<[u8]>::to_vec).collect()
}

fn made_of(bytes: &[u8]) -> &'static str {
    let all = |holds: fn(&u8) -> bool| bytes.iter().all(holds);
    if all(|byte| matches!(byte, b'0' | b'1')) {
        "nothing but 0 and 1: a card's bits, one character each"
    } else if all(u8::is_ascii_digit) {
        "decimal digits only"
    } else if all(u8::is_ascii_hexdigit) {
        "hex digits only"
    } else if bytes.iter().any(u8::is_ascii_digit) {
        "numbers with text around them"
    } else {
        "text without a number: a banner, perhaps"
    }
}

fn lengths(pieces: &[Vec<u8>], name: &str) -> Option<String> {
    let (shortest, longest) = (pieces.iter().map(Vec::len).min()?, pieces.iter().map(Vec::len).max()?);
    let long = if shortest == longest { format!("{longest}") } else { format!("{shortest} to {longest}") };
    Some(format!("{} {name}{} of {long} bytes", pieces.len(), if pieces.len() == 1 { "" } else { "s" }))
}

fn repeats(pieces: &[Vec<u8>]) -> Option<String> {
    let first = pieces.first().filter(|_| pieces.len() > 1)?;
    Some(if pieces.iter().all(|piece| piece == first) { "all of them alike" } else { "not all of them alike" }.to_owned())
}

/// A word of a line: letters and digits together, or what stands between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    Bits,
    Hex,
    Number,
    Text(&'a [u8]),
}

fn template_of(line: &[u8]) -> Option<String> {
    let words: Vec<Word<'_>> = line.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()).map(word).collect();
    let count = |wanted: Word<'_>| words.iter().filter(|word| **word == wanted).count();
    // One of them is the card: its bits, or else digits for bits, or else the last one or two numbers.
    let (bits, hex, numbers) = (count(Word::Bits), count(Word::Hex), count(Word::Number));
    let (mut bits_left, mut hex_left, mut numbers_left) = (bits, hex, numbers);
    let mut template = String::new();
    for word in words {
        match word {
            Word::Text(text) => text.iter().for_each(|byte| literal(*byte, &mut template)),
            Word::Bits => {
                bits_left -= 1;
                template.push_str(if bits_left == 0 { "{bits:bin}" } else { "{_:bin}" });
            }
            Word::Hex => {
                hex_left -= 1;
                template.push_str(if bits == 0 && hex_left == 0 { "{bits:hex}" } else { "{_:hex}" });
            }
            Word::Number => {
                numbers_left -= 1;
                template.push_str(match numbers_left {
                    _ if bits + hex > 0 => "{_:dec}",
                    0 => "{card_number:dec}",
                    1 => "{facility_code:dec}",
                    _ => "{_:dec}",
                });
            }
        }
    }
    let reads = Template::parse(&template).is_ok_and(|read| read.read(line).is_some());
    (bits + hex + numbers > 0 && reads).then_some(template)
}

fn word(bytes: &[u8]) -> Word<'_> {
    let all = |holds: fn(&u8) -> bool| bytes.iter().all(holds);
    match bytes.len() {
        20.. if all(|byte| matches!(byte, b'0' | b'1')) => Word::Bits,
        1.. if all(u8::is_ascii_digit) => Word::Number,
        6.. if all(u8::is_ascii_hexdigit) && bytes.iter().any(u8::is_ascii_digit) => Word::Hex,
        _ => Word::Text(bytes),
    }
}

fn literal(byte: u8, template: &mut String) {
    match byte {
        b'{' | b'}' => template.push_str(&format!("{{={byte:02X}}}")),
        b' '..=b'~' => template.push(char::from(byte)),
        _ => template.push_str(&format!("{{={byte:02X}}}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_numbers_in_it_gets_a_template() {
        assert_eq!(template(b"W26:123:04567\r\n").as_deref(), Some("W26:{facility_code:dec}:{card_number:dec}"));
        assert_eq!(template(b"Card No. 815\n").as_deref(), Some("Card No. {card_number:dec}"));
        assert_eq!(template(b"UID=04A2B3C4 t=17\r").as_deref(), Some("UID={bits:hex} t={_:dec}"));
        assert_eq!(template(b"\x02{7} 9\x03\r").as_deref(), Some("{=02}{=7B}{facility_code:dec}{=7D} {card_number:dec}{=03}"));
        assert_eq!(template(b"26 10111101100010001110101110\r").as_deref(), Some("{_:dec} {bits:bin}"));
    }

    #[test]
    fn what_is_no_line_of_text_or_holds_no_number_gets_none() {
        assert_eq!(template(b"W26:123:04567"), None);
        assert_eq!(template(b"Ready\r\n"), None);
        assert_eq!(template(&[0xFF, 0x80, 0x0D]), None);
    }

    #[test]
    fn bytes_of_a_wrong_baud_rate_are_no_text() {
        assert!(!is_text(&[0xE3, 0x80, 0xFE, 0x00, 0xFC]));
        assert!(is_text(b"\x020C00\r\n\x03"));
        assert_eq!(words(&[vec![0xE3, 0x80, 0xFE], vec![0xE3, 0x80, 0xFE]])[1..], ["2 bursts of 3 bytes", "all of them alike"]);
    }

    #[test]
    fn text_is_described_by_its_ends_its_characters_and_its_lengths() {
        let said = words(&[b"04A2B3\r\n".to_vec(), b"04A2B4\r\n".to_vec()]);
        assert_eq!(said, ["lines that end with CR LF", "hex digits only", "2 lines of 6 bytes", "not all of them alike"]);
    }
}
