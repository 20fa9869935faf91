//! A long list, taken apart while it arrives: its records one after the other, and what stands around them.
//!
//! In: the bytes of a text, JSON or XML, told apart by its first character. Out: each record as soon as it is whole, without what is too
//! long to be a name; at the end the text without its records, by which a list is told from a refusal. Never: more of it in memory than
//! one record and a little frame.

/// A longer text in a record is a picture: it is left out, and the record is read.
pub(super) const LONGEST_TEXT: usize = 16 << 10;
/// No record is larger; one that is gets left out.
pub(super) const LARGEST_RECORD: usize = 256 << 10;
/// So much is left out of one record at most.
const LARGEST_LEFT_OUT: usize = 8 << 20;
/// What stands around the records is a result at most.
const LARGEST_FRAME: usize = 64 << 10;
/// Lists are not wrapped deeper.
const DEEPEST: usize = 8;

pub(super) const NO_LIST: &str = "BluSKY's answer is no list of people";
const TOO_LARGE: &str = "a record in BluSKY's list of people is larger than any record should be";

/// Takes a list apart.
#[derive(Default)]
pub(super) struct Cutter {
    kind: Kind,
    frame: Vec<u8>,
    record: Vec<u8>,
    /// How deep in a record this is.
    depth: usize,
    /// How long the text is that is being read.
    text: usize,
    /// How much of the record was left out.
    left_out: usize,
    /// The record itself is left out.
    is_too_large: bool,
    /// The frame shows by an empty record that the list that is open has some.
    is_shown: bool,
}

/// What has come to its end.
pub(super) enum Cut<'a> {
    /// A record.
    Record(&'a [u8]),
    /// A record that was too large to be kept.
    TooLarge,
}

#[derive(Default)]
enum Kind {
    #[default]
    Unknown,
    Json {
        open: Vec<u8>,
        in_text: bool,
        escaped: bool,
    },
    Xml {
        tag: Vec<u8>,
        /// How many elements are open around a record.
        outside: usize,
        is_list: bool,
    },
}

impl Cutter {
    /// Takes the next byte; gives a record that has become whole by it.
    pub(super) fn take(&mut self, byte: u8) -> Result<Option<Cut<'_>>, &'static str> {
        if matches!(self.kind, Kind::Unknown) {
            match byte {
                // A mark at the front says that it is UTF-8.
                0xEF | 0xBB | 0xBF => return Ok(None),
                space if space.is_ascii_whitespace() => return Ok(None),
                b'<' => self.kind = Kind::Xml { tag: Vec::new(), outside: 0, is_list: false },
                _ => self.kind = Kind::Json { open: Vec::new(), in_text: false, escaped: false },
            }
        }
        match self.kind {
            Kind::Json { .. } => self.json(byte)?,
            Kind::Xml { .. } => self.xml(byte)?,
            Kind::Unknown => {}
        }
        if self.left_out > LARGEST_LEFT_OUT {
            return Err(TOO_LARGE);
        }
        if self.frame.len() > LARGEST_FRAME {
            return Err(NO_LIST);
        }
        let is_whole = self.depth == 0 && (self.is_too_large || !self.record.is_empty());
        Ok(is_whole.then_some(if self.is_too_large { Cut::TooLarge } else { Cut::Record(&self.record) }))
    }

    /// The record has been looked at.
    pub(super) fn forget(&mut self) {
        self.record.clear();
        (self.left_out, self.is_too_large) = (0, false);
    }

    /// A byte of a record: nothing is kept of a long text, nor of a record that is too large.
    fn keep(&mut self, byte: u8, is_text: bool) {
        self.text = if is_text { self.text + 1 } else { 0 };
        if self.text == LONGEST_TEXT {
            self.record.truncate((self.record.len() + 1).saturating_sub(LONGEST_TEXT));
        }
        if self.record.len() >= LARGEST_RECORD {
            self.is_too_large = true;
            self.record.clear();
        }
        if self.text >= LONGEST_TEXT || self.is_too_large {
            self.left_out += 1;
        } else {
            self.record.push(byte);
        }
    }

    /// What stood around the records.
    pub(super) fn frame(self) -> Vec<u8> {
        self.frame
    }

    fn json(&mut self, byte: u8) -> Result<(), &'static str> {
        let Kind::Json { open, in_text, escaped } = &mut self.kind else { return Ok(()) };
        let was_text = *in_text;
        match byte {
            _ if *escaped => *escaped = false,
            b'\\' if *in_text => *escaped = true,
            b'"' => *in_text = !*in_text,
            _ => {}
        }
        let is_text = was_text || *in_text;
        let (inside, is_content) = (self.depth > 0, was_text && *in_text);
        let in_list = !is_text && !inside && open.last() == Some(&b'[');
        if byte == b'{' && in_list && !self.is_shown {
            self.frame.extend(b"{}");
            self.is_shown = true;
        }
        match byte {
            b'{' if !is_text && open.last() == Some(&b'[') => self.depth += 1,
            b'{' | b'[' if !is_text && inside => self.depth += 1,
            b'}' | b']' if !is_text && inside => self.depth -= 1,
            b'{' | b'[' if !is_text => {
                open.push(byte);
                self.is_shown = false;
            }
            b'}' | b']' if !is_text => {
                open.pop();
                self.is_shown = false;
            }
            // What stands between records, and a null among them, says nothing.
            b',' | b'n' | b'u' | b'l' if in_list => return Ok(()),
            space if space.is_ascii_whitespace() && !is_text && !inside => return Ok(()),
            _ => {}
        }
        if open.len() > DEEPEST {
            return Err(NO_LIST);
        }
        if inside || self.depth > 0 {
            self.keep(byte, is_content);
        } else {
            self.frame.push(byte);
        }
        Ok(())
    }

    fn xml(&mut self, byte: u8) -> Result<(), &'static str> {
        let Kind::Xml { tag, outside, is_list } = &mut self.kind else { return Ok(()) };
        match (byte, tag.is_empty()) {
            (b'<', _) => tag.push(byte),
            (space, true) if self.depth == 0 && *is_list && space.is_ascii_whitespace() => {}
            (_, true) if self.depth > 0 => self.keep(byte, true),
            (_, true) => self.frame.push(byte),
            (b'>', false) => {
                tag.push(byte);
                let tag = std::mem::take(tag);
                let (closes, is_alone) = (tag.starts_with(b"</"), tag.ends_with(b"/>"));
                match self.depth {
                    // A declaration or a comment says nothing.
                    _ if tag.starts_with(b"<?") || tag.starts_with(b"<!") => {}
                    0 if closes => {
                        *outside = outside.saturating_sub(1);
                        self.frame.extend(tag);
                    }
                    0 if *outside == 1 && *is_list => {
                        self.depth = usize::from(!is_alone);
                        tag.into_iter().for_each(|byte| self.keep(byte, false));
                    }
                    0 => {
                        *is_list = *outside == 0 && tag.starts_with(b"<ArrayOf");
                        *outside += usize::from(!is_alone);
                        self.frame.extend(tag);
                    }
                    _ => {
                        self.depth = if closes { self.depth - 1 } else { self.depth + usize::from(!is_alone) };
                        tag.into_iter().for_each(|byte| self.keep(byte, false));
                    }
                }
            }
            (_, false) if tag.len() > LARGEST_FRAME => return Err(NO_LIST),
            (_, false) => tag.push(byte),
        }
        Ok(())
    }
}
