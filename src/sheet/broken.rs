//! What makes a text no TOML.
//!
//! In: the library's error. Out: what is wrong there, in our words, which the pages have in every language. Never: the library's own.

use toml_span::{Error, ErrorKind};

/// What is wrong where the error stands.
pub(super) fn broken(error: &Error) -> String {
    match &error.kind {
        ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        ErrorKind::UnterminatedString => "a text is not closed: its second quote is missing".to_owned(),
        ErrorKind::UnquotedString => "a text must stand in quotes".to_owned(),
        ErrorKind::InvalidNumber => "this is no number".to_owned(),
        ErrorKind::Unexpected(letter) => format!("{letter:?} cannot stand here"),
        ErrorKind::Wanted { expected, found } => format!("here stands {}, and there should be {}", token(found), token(expected)),
        ErrorKind::DuplicateKey { key, .. } => format!("the key `{key}` stands there already"),
        ErrorKind::DuplicateTable { name, .. } => format!("the table `{name}` stands there already"),
        ErrorKind::InvalidCharInString(letter) => format!("{letter:?} cannot stand in a text"),
        ErrorKind::InvalidEscape(_) | ErrorKind::InvalidHexEscape(_) | ErrorKind::InvalidEscapeValue(_) => {
            "a backslash begins a special character, and this is none; put a text with backslashes in single quotes".to_owned()
        }
        ErrorKind::RedefineAsArray => "this table stands there already, in single brackets".to_owned(),
        ErrorKind::DottedKeyInvalidType { .. } => "what stands before the dot is no table".to_owned(),
        ErrorKind::MultilineStringKey => "a key stands in one line".to_owned(),
        ErrorKind::ExceededDepthLimit => "too many lists or tables stand in one another".to_owned(),
        // What a parser does not say.
        _ => error.to_string(),
    }
}

/// A part of a file, for what the library calls it.
fn token(name: &'static str) -> &'static str {
    match name.split_once(' ').map_or(name, |(_article, name)| name) {
        "identifier" => "a word",
        "value" => "its value",
        "comment" => "a comment (#)",
        "string" => "a text",
        "multiline string" => "a text of several lines",
        "whitespace" => "a blank",
        "newline" => "the end of the line",
        "eof" => "the end of the file",
        "equals" => "`=`",
        "period" => "`.`",
        "comma" => "`,`",
        "colon" => "`:`",
        "plus" => "`+`",
        "left brace" => "`{`",
        "right brace" => "`}`",
        "left bracket" => "`[`",
        "right bracket" => "`]`",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_makes_a_text_no_toml_is_said_in_plain_words() {
        for (text, words) in [
            ("a = ", "the file ends too early"),
            ("a = \"b", "a text is not closed: its second quote is missing"),
            ("a = b", "a text must stand in quotes"),
            ("a = 1x", "this is no number"),
            ("a b = 1", "here stands a word, and there should be `=`"),
            ("a\n", "here stands the end of the line, and there should be `=`"),
            ("a", "here stands the end of the file, and there should be `=`"),
            ("a = 1 b = 2", "here stands a word, and there should be the end of the line"),
            ("a = [1, 2\nb = 3", "here stands a word, and there should be `]`"),
            ("a = 1\na = 2", "the key `a` stands there already"),
            ("[a]\n[a]", "the table `a` stands there already"),
            ("a = \"\u{1}\"", "'\\u{1}' cannot stand in a text"),
            ("a = \"C:\\dev\"", "a backslash begins a special character, and this is none; put a text with backslashes in single quotes"),
            ("a = \"\\uD800\"", "a backslash begins a special character, and this is none; put a text with backslashes in single quotes"),
            ("[a.b]\n[[a]]", "this table stands there already, in single brackets"),
            ("a = 1\na.b = 2", "what stands before the dot is no table"),
            ("\"\"\"a\"\"\" = 1", "a key stands in one line"),
            (&format!("a = {}", "[".repeat(500)), "too many lists or tables stand in one another"),
            ("a = ?", "'?' cannot stand here"),
        ] {
            assert_eq!(broken(&toml_span::parse(text).unwrap_err()), words, "{text}");
        }
    }
}
