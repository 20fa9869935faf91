//! The grammar of templates.
//!
//! In: a template as a file writes it. Out: its pieces, or the character that is wrong. Never: a frame.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while1},
    character::complete::{alpha1, char, digit1},
    combinator::{map, map_opt, map_res, opt},
    multi::many1,
    sequence::{delimited, preceded, separated_pair},
};

use super::{Encoding, Piece, Template, Width};

/// Reads a whole template.
pub(super) fn template(text: &str) -> Result<Template, String> {
    let (rest, pieces) = many1(piece).parse(text).unwrap_or((text, Vec::new()));
    if rest.is_empty() {
        return Ok(Template { text: text.to_owned(), pieces });
    }
    let at = text.chars().count() - rest.chars().count() + 1;
    Err(format!(
        "character {at}: expected text, bytes such as {{=02 0D}}, or a part such as {{bits:hex}}, {{card_number:dec5}} or {{id:byte@len}}"
    ))
}

fn piece(input: &str) -> IResult<&str, Piece> {
    let text = map(take_while1(|c| c != '{' && c != '}'), |text: &str| Piece::Literal(text.as_bytes().to_vec()));
    alt((delimited(char('{'), alt((masked, literal, part)), char('}')), text)).parse(input)
}

fn literal(input: &str) -> IResult<&str, Piece> {
    map(preceded(char('='), bytes), Piece::Literal).parse(input)
}

fn masked(input: &str) -> IResult<&str, Piece> {
    let pair = preceded(char('='), separated_pair(bytes, char('/'), bytes));
    map_opt(pair, |(value, mask)| match (value.as_slice(), mask.as_slice()) {
        ([value], [mask]) if value & mask == *value => Some(Piece::Masked(*value, *mask)),
        _ => None,
    })
    .parse(input)
}

fn bytes(input: &str) -> IResult<&str, Vec<u8>> {
    let digits = take_while1(|c: char| c.is_ascii_hexdigit() || c == ' ');
    map_opt(digits, |digits: &str| crate::card::from_hex(digits).filter(|bytes| !bytes.is_empty())).parse(input)
}

fn part(input: &str) -> IResult<&str, Piece> {
    let (rest, (name, (encoding, width))) = separated_pair(name, char(':'), (encoding, width)).parse(input)?;
    Ok((rest, Piece::Part { name: name.to_owned(), encoding, width }))
}

fn name(input: &str) -> IResult<&str, &str> {
    take_while1(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_').parse(input)
}

fn encoding(input: &str) -> IResult<&str, Encoding> {
    map_opt(alpha1, |word| match word {
        "hex" => Some(Encoding::Hex),
        "dec" => Some(Encoding::Dec),
        "bin" => Some(Encoding::Bin),
        "byte" => Some(Encoding::Byte),
        "le" => Some(Encoding::Le),
        "char" => Some(Encoding::Char),
        "text" => Some(Encoding::Text),
        "space" => Some(Encoding::Space),
        _ => None,
    })
    .parse(input)
}

fn width(input: &str) -> IResult<&str, Width> {
    let fixed = map_res(digit1, |digits: &str| digits.parse().map(Width::Fixed));
    let told = map(preceded(tag("@"), name), |name: &str| Width::Told(name.to_owned()));
    map(opt(alt((fixed, told))), |width| width.unwrap_or(Width::Open)).parse(input)
}
