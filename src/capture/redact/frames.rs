//! Another frame for a frame: the same message, with another card in it.
//!
//! In: a frame and the dialect that reads it. Out: a frame of the same length that the dialect reads the same way: a
//! check that was right is right, one that was wrong is wrong by as much, what is not understood is masked. Never: a
//! frame that says something else than before, and never one with the real numbers.

use std::{collections::HashMap, sync::Arc};

use super::{Random, cards::Cards, mask::Masks};
use crate::{
    card::{Kind, Numbers, PacsBits, Presentation},
    decode::{
        check::Method,
        dialect::{Align, Cut, Dialect, Message},
        frame,
        message::{Heard, NUMBERS, ordered, read_frame},
        payload::{Encoding, Part, Piece, Width},
        write,
    },
    reader::{ByteOrder, ReaderHints},
};

/// So often a frame is drawn before it is masked as if nothing of it were understood.
const MOST_TRIES: usize = 60;

/// The frames of one dialect.
pub struct Frames {
    dialect: Arc<Dialect>,
    told: ReaderHints,
    /// The dialect with one message only, for each of its messages.
    alone: Vec<Dialect>,
    known: HashMap<Vec<u8>, Vec<u8>>,
    numbers: HashMap<Texts, Vec<Vec<u8>>>,
}

/// The numbers of a frame by their names, as it writes them.
type Texts = Vec<(String, Vec<u8>)>;

/// What a frame is drawn with.
pub struct Draw<'a> {
    /// The cards.
    pub cards: &'a mut Cards,
    /// What is not understood.
    pub masks: &'a mut Masks,
    /// Where new values come from.
    pub random: &'a mut dyn Random,
}

impl Frames {
    /// The frames of a dialect at a reader of which the site says this.
    #[must_use]
    pub fn of(dialect: &Arc<Dialect>, told: ReaderHints) -> Self {
        let only = |message: &Message| Dialect { messages: vec![message.clone()], talk: Vec::new(), ..(**dialect).clone() };
        let alone = dialect.messages.iter().map(only).collect();
        Self { dialect: dialect.clone(), told, alone, known: HashMap::new(), numbers: HashMap::new() }
    }

    /// The frame that stands for this one.
    pub fn frame(&mut self, old: &[u8], draw: &mut Draw<'_>) -> Vec<u8> {
        if let Some(known) = self.known.get(old) {
            return known.clone();
        }
        let Some((at, heard)) = self.read(old) else { return self.talk(old, draw) };
        let mut new = None;
        for _ in 0..MOST_TRIES {
            let drawn = self.draw(at, &heard, old, draw);
            if let Some(frame) = drawn.filter(|frame| self.says_the_same(at, &heard, old, frame)) {
                draw.cards.settle();
                new = Some(frame);
                break;
            }
            draw.cards.forget();
        }
        let new = new.unwrap_or_else(|| super::other(&self.dialect, old, draw));
        let holds_keys = matches!(&heard, Heard::Shown(presentation, _) if presentation.kind == Kind::Key);
        if !holds_keys {
            self.known.insert(old.to_vec(), new.clone());
        }
        new
    }

    /// The message that a frame is read as, and what it says; none for talk that is known by its beginning.
    fn read(&self, frame: &[u8]) -> Option<(usize, Heard)> {
        let heard = read_frame(&self.dialect, &self.told, frame)?;
        let at = self.alone.iter().position(|alone| read_frame(alone, &self.told, frame).as_ref() == Some(&heard))?;
        Some((at, heard))
    }

    /// A line that begins as the reader's talk does: its beginning stays.
    fn talk(&self, old: &[u8], draw: &mut Draw<'_>) -> Vec<u8> {
        let begins = |talk: &&String| frame::body(&self.dialect.cut, old).starts_with(talk.as_bytes());
        let kept = self.dialect.talk.iter().find(begins).map_or(0, |talk| self.dialect.cut.start().len() + talk.len());
        let (kept, rest) = old.split_at_checked(kept).unwrap_or((old, &[]));
        [kept.to_vec(), draw.masks.text(rest, draw.random)].concat()
    }

    fn draw(&mut self, at: usize, heard: &Heard, old: &[u8], draw: &mut Draw<'_>) -> Option<Vec<u8>> {
        let dialect = self.dialect.clone();
        let message = dialect.messages.get(at)?;
        let body = frame::body(&dialect.cut, old).into_owned();
        let begins = (0..body.len()).find(|at| body.get(*at..).is_some_and(|rest| message.payload.read(rest).is_some()))?;
        let parts = message.payload.read(body.get(begins..)?)?;
        let mut new = body.clone();
        overwrite(&mut new, 0, &draw.masks.text(body.get(..begins)?, draw.random));
        let shown = match heard {
            Heard::Shown(presentation, _) => Some(&**presentation),
            Heard::Talk => None,
        };
        let numbers = shown.and_then(|shown| self.numbers(&parts, shown, draw));
        for (place, part) in parts.iter().enumerate() {
            let text = match (part.name, numbers.as_ref().and_then(|numbers| numbers.get(place)).filter(|text| !text.is_empty())) {
                (_, Some(text)) => text.clone(),
                ("keys", _) => keys(part, draw.random),
                ("id" | "bits", _) if shown.is_some() => self.card(part, message, shown?, draw)?,
                ("same", _) => same(part, &parts, begins, &new)?,
                ("count" | "age", _) => continue,
                ("check", _) if !is_not_judged(message) => continue,
                (name, _) if tells_width(message, name) || self.tells_length(begins + part.at, part.text.len()) => continue,
                _ => draw.masks.digits(part.encoding, part.text, draw.random),
            };
            overwrite(&mut new, begins + part.at, &text);
        }
        if let Some(own) = parts.iter().find(|part| part.name == "check") {
            self.prove(message, own, begins + own.at, &body, &mut new);
        }
        Some(self.frame_of(message, &new, old))
    }

    /// The text of the card's part.
    fn card(&self, part: &Part<'_>, message: &Message, shown: &Presentation, draw: &mut Draw<'_>) -> Option<Vec<u8>> {
        if let (Kind::Csn, Some(csn)) = (shown.kind, &shown.csn) {
            let new = draw.cards.csn(csn, draw.random)?;
            return write::bytes(part, &ordered(new.bytes().to_vec(), self.told.byte_order));
        }
        let Some(old) = shown.bits else { return Some(draw.masks.digits(part.encoding, part.text, draw.random)) };
        let new = draw.cards.bits(shown.kind, old, staying(part, message, old), draw.random);
        if part.name == "id" {
            return write::bytes(part, &ordered(new.to_bytes(), self.told.byte_order));
        }
        if part.encoding == Encoding::Dec {
            let digits = format!("{:0width$}", new.number(0, new.len()), width = part.text.len());
            return Some(digits.into_bytes());
        }
        let mut digits = part.bits()?;
        let is_turned = self.told.byte_order == ByteOrder::Reversed && digits.len() % 8 == 0;
        if is_turned {
            digits = digits.chunks(8).rev().flatten().copied().collect();
        }
        place(&mut digits, old, new, message, draw.random)?;
        if is_turned {
            digits = digits.chunks(8).rev().flatten().copied().collect();
        }
        Some(write::digits(part, &digits))
    }

    /// The texts of all numbers that the reader has decoded; empty ones for other parts.
    fn numbers(&mut self, parts: &[Part<'_>], shown: &Presentation, draw: &mut Draw<'_>) -> Option<Vec<Vec<u8>>> {
        let old = shown.numbers.as_ref()?;
        let is_number = |part: &Part<'_>| NUMBERS.contains(&part.name);
        let key: Texts = parts.iter().filter(|part| is_number(part)).map(|part| (part.name.to_owned(), part.text.to_vec())).collect();
        let texts = match self.numbers.get(&key) {
            Some(known) => known.clone(),
            None => {
                let drawn = self.draw_numbers(parts, old, draw);
                self.numbers.insert(key, drawn.clone());
                drawn
            }
        };
        Some(texts)
    }

    fn draw_numbers(&self, parts: &[Part<'_>], old: &Numbers, draw: &mut Draw<'_>) -> Vec<Vec<u8>> {
        let is_free = |part: &Part<'_>| NUMBERS.contains(&part.name) && !draw.cards.is_required(old, part.name);
        let free: Vec<bool> = parts.iter().map(is_free).collect();
        let mut last = Vec::new();
        for _ in 0..1000 {
            let mut new = old.clone();
            let mut draw_one = |(part, free): (&Part<'_>, &bool)| {
                if !free {
                    return Vec::new();
                }
                let text = Masks::default().digits(part.encoding, part.text, draw.random);
                let drawn = Part { text: &text, ..part.clone() };
                if let Some(value) = drawn.number() {
                    new.credential.set(part.name, value.into());
                }
                text
            };
            last = parts.iter().zip(&free).map(&mut draw_one).collect();
            if new != *old && draw.cards.fits_as(old, &new) {
                break;
            }
        }
        last
    }

    /// The check anew: right where it was right, and wrong by as much where it was wrong.
    fn prove(&self, message: &Message, own: &Part<'_>, at: usize, old: &[u8], new: &mut [u8]) {
        let computed = |body: &[u8]| write::check(&self.dialect, message, body, at);
        let (Some(before), Some(now), Some(received)) = (computed(old), computed(new), own.bytes()) else { return };
        let anew: Vec<u8> = now.iter().zip(before.iter().zip(&received)).map(|(now, (before, received))| now ^ before ^ received).collect();
        if let Some(text) = write::bytes(own, &anew) {
            overwrite(new, at, &text);
        }
    }

    /// The frame of a body of as many bytes; a line ends as the old one did.
    fn frame_of(&self, message: &Message, body: &[u8], old: &[u8]) -> Vec<u8> {
        match &self.dialect.cut {
            Cut::Line { .. } => [body, old.get(body.len()..).unwrap_or_default()].concat(),
            cut => write::frame(cut, message, body),
        }
    }

    /// True for bytes of the body by which frames are cut.
    fn tells_length(&self, at: usize, len: usize) -> bool {
        match &self.dialect.cut {
            Cut::Counted { start, at: count, width, .. } => {
                let at = at + start.len();
                at < count + width && *count < at + len
            }
            _ => false,
        }
    }

    fn says_the_same(&self, at: usize, heard: &Heard, old: &[u8], new: &[u8]) -> bool {
        let is_card = matches!(heard, Heard::Shown(shown, _) if shown.kind != Kind::Key);
        if new.len() != old.len() || (new == old && is_card) {
            return false;
        }
        let known = |frame: &[u8]| read_frame(&self.dialect, &self.told, frame).is_some();
        let cut = |frame: &[u8]| frame::next(&self.dialect.cut, frame, self.dialect.longest, true, known);
        let Some((now, said)) = self.read(new).filter(|_| cut(new) == cut(old)) else { return false };
        let same = match (heard, &said) {
            (Heard::Shown(old, ago), Heard::Shown(new, now)) => ago == now && outline(old) == outline(new),
            (Heard::Talk, Heard::Talk) => true,
            _ => false,
        };
        same && now == at
    }
}

/// What a presentation says beside its numbers: of each the length, where it is there, and whether it is damaged.
fn outline(shown: &Presentation) -> (Kind, [Option<usize>; 5], &[String]) {
    let Presentation { kind, bits, csn, numbers, keys, damage, warnings, .. } = shown;
    let csn = csn.as_ref().map(|csn| csn.bytes().len());
    let others = [keys.as_ref().map(String::len), numbers.as_ref().map(|_| 0), damage.as_ref().map(|_| 0)];
    let [keys, numbers, damage] = others;
    (*kind, [bits.map(|bits| bits.len()), csn, keys, numbers, damage], warnings)
}

fn is_not_judged(message: &Message) -> bool {
    message.check.is_some_and(|check| check.method == Method::NotJudged)
}

fn tells_width(message: &Message, name: &str) -> bool {
    let told = |piece: &Piece| matches!(piece, Piece::Part { width: Width::Told(by), .. } if by == name);
    name != "_" && message.payload.pieces.iter().any(told)
}

/// The number of the new bits once more, where it has room; a number that differed before is another one that differs.
fn same(part: &Part<'_>, parts: &[Part<'_>], begins: usize, new: &[u8]) -> Option<Vec<u8>> {
    let bits = parts.iter().find(|part| part.name == "bits")?;
    let text = new.get(begins + bits.at..begins + bits.at + bits.text.len())?;
    let number = Part { text, ..bits.clone() }.number()?;
    let number = if part.number() == bits.number() { number } else { number ^ 1 };
    let digits = format!("{number:0width$}", width = part.text.len()).into_bytes();
    (digits.len() == part.text.len()).then_some(digits)
}

/// Keys for keys, none of them the real one; what is no digit (enter, clear) stays.
fn keys(part: &Part<'_>, random: &mut dyn Random) -> Vec<u8> {
    let another = |digit: u8, random: &mut dyn Random| (digit + random.between(1..=9)) % 10;
    let key = |byte: &u8| match byte {
        b'0'..=b'9' => b'0' + another(byte - b'0', random),
        0..=9 => another(*byte, random),
        byte => *byte,
    };
    part.text.iter().map(key).collect()
}

/// How many of the first bits must stay, so that the number needs as many digits as before.
fn staying(part: &Part<'_>, message: &Message, old: PacsBits) -> usize {
    let zeros = old.iter().take_while(|bit| !bit).count();
    match part.encoding {
        Encoding::Dec => zeros + 1,
        _ if message.short => old.len().saturating_sub(part.bits().map_or(0, |bits| bits.len())),
        _ => 0,
    }
}

/// Puts the new bits where the old ones are among the digits. Unused bits that may be anything are drawn.
fn place(digits: &mut [bool], old: PacsBits, new: PacsBits, message: &Message, random: &mut dyn Random) -> Option<()> {
    let unsent = if message.short { old.len().saturating_sub(digits.len()) } else { 0 };
    if new.iter().take(unsent).any(|bit| bit) {
        return None;
    }
    let kept = old.len() - unsent;
    let from = if message.align == Align::Right { digits.len().checked_sub(kept)? } else { 0 };
    for (at, digit) in digits.iter_mut().enumerate() {
        if at < from || at >= from + kept {
            *digit = if message.any_pad { random.bit() } else { *digit };
        } else {
            *digit = new.get(unsent + at - from);
        }
    }
    Some(())
}

fn overwrite(bytes: &mut [u8], at: usize, text: &[u8]) {
    bytes.iter_mut().skip(at).zip(text).for_each(|(byte, new)| *byte = *new);
}
