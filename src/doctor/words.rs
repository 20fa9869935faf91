//! Sentences whose private pieces can be left out.
//!
//! In: a sentence with a `{}` for each piece. Out: the sentence whole, or as it can be shown to strangers: a path is `path 1` then, a
//! reader's name `R2`, and the same piece is called the same everywhere. Never: a piece that nobody has said the kind of.

use std::fmt;

/// What a piece of a sentence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Anybody may see it.
    Plain,
    /// A path on this machine, which can name a person or a customer.
    Path,
    /// A reader's name, as the site calls it.
    Reader,
    /// A BluSKY's address, which names the customer.
    Address,
    /// The name of a user of this machine.
    User,
    /// What stands in a file or comes from another program: it can hold anything.
    Detail,
    /// A number that belongs to the site, its cards or its devices.
    Number,
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece(Kind, String);

/// A piece that anybody may see.
pub fn plain(text: impl fmt::Display) -> Piece {
    Piece(Kind::Plain, text.to_string())
}

/// A path.
pub fn path(text: impl fmt::Display) -> Piece {
    Piece(Kind::Path, text.to_string())
}

/// A reader's name.
pub fn reader(text: impl fmt::Display) -> Piece {
    Piece(Kind::Reader, text.to_string())
}

/// A BluSKY's address.
pub fn address(text: impl fmt::Display) -> Piece {
    Piece(Kind::Address, text.to_string())
}

/// A user of this machine.
pub fn user(text: impl fmt::Display) -> Piece {
    Piece(Kind::User, text.to_string())
}

/// What can hold anything.
pub fn detail(text: impl fmt::Display) -> Piece {
    Piece(Kind::Detail, text.to_string())
}

/// A number of the site's.
pub fn number(text: impl fmt::Display) -> Piece {
    Piece(Kind::Number, text.to_string())
}

/// A sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<Piece>);

/// The sentence of a template, each `{}` of which is the next piece.
pub fn words<const N: usize>(template: &str, pieces: [Piece; N]) -> Words {
    let mut pieces = pieces.into_iter();
    let mut words = Vec::new();
    for (number, text) in template.split("{}").enumerate() {
        words.extend(if number > 0 { pieces.next() } else { None });
        words.push(plain(text));
    }
    Words(words)
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self(vec![plain(text)])
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|Piece(_, text)| f.write_str(text))
    }
}

/// What private pieces are called among strangers.
#[derive(Debug, Default)]
pub struct Aliases(Vec<(Kind, String)>);

impl Aliases {
    /// A sentence without its private pieces.
    pub fn shown(&mut self, words: &Words) -> String {
        words.0.iter().map(|piece| self.piece(piece)).collect()
    }

    /// What a piece is called.
    pub fn piece(&mut self, Piece(kind, text): &Piece) -> String {
        let word = match kind {
            Kind::Plain => return text.clone(),
            Kind::Detail => return "(left out)".to_owned(),
            Kind::Number => return "N".to_owned(),
            Kind::Path => "path",
            Kind::Reader => "R",
            Kind::Address => "address",
            Kind::User => "U",
        };
        let known = |(of, name): &(Kind, String)| of == kind && name == text;
        if !self.0.iter().any(known) {
            self.0.push((*kind, text.clone()));
        }
        let place = self.0.iter().filter(|(of, _)| of == kind).position(|(_, name)| name == text).unwrap_or_default();
        let gap = if word.len() == 1 { "" } else { " " };
        format!("{word}{gap}{}", place + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_piece_has_one_name_among_strangers_wherever_it_stands() {
        let mut aliases = Aliases::default();
        let one = words("{} is held by {} ({})", [path("/home/ada/x"), plain("minicom"), detail("1815")]);
        assert_eq!(one.to_string(), "/home/ada/x is held by minicom (1815)");
        assert_eq!(aliases.shown(&one), "path 1 is held by minicom ((left out))");
        let two = words("{} {} {}{}", [path("/y"), path("/home/ada/x"), reader("desk"), number(7)]);
        assert_eq!(aliases.shown(&two), "path 2 path 1 R1N");
    }
}
