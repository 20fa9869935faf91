//! Card formats: one TOML file each, a drawing with samples that prove it.
//!
//! In: a file's name and text. Out: a [`CardFormat`] or findings with line and column. A file that fails its own samples
//! does not load.

mod fields;
mod samples;

use std::sync::Arc;

use ring::digest::SHA256;
use toml_span::value::ValueInner;

use self::fields::{Lettered, Letters};
pub use self::samples::Sample;
use crate::{
    card::{Credential, Kind, Literal, PacsBits, to_hex},
    decode::{
        dialect::Confidence,
        drawing::Drawing,
        field::Field,
        format::{EncodeError, Format},
        track,
    },
    sheet::{At, Keys, Sheet},
};

/// A card format with everything its file says.
#[derive(Debug, Clone)]
pub struct CardFormat {
    /// Its name for people.
    pub name: String,
    /// Where the facts come from.
    pub source: String,
    /// How far they can be believed.
    pub confidence: Confidence,
    /// What a reader of this file should know besides.
    pub caveat: Option<String>,
    /// The built-in format that this one stands in for, by id.
    pub replaces: Option<String>,
    /// The kinds of presentation it reads.
    pub kinds: Vec<Kind>,
    /// The picture as it stands in the file.
    pub layout: String,
    /// The compiled format: its id, aliases and fields. Where the file stands for several lengths, that of the first sample.
    pub format: Format,
    /// The same format in other lengths.
    pub others: Vec<Format>,
    /// It is a track of characters, and zeros may stand around it.
    pub is_track: bool,
    /// It is tried only where a site or a card type names it: it would speak about too many cards of others.
    pub only_named: bool,
    /// It reads what is typed on a keypad. That is never a card.
    pub never_a_card: bool,
    /// Its proofs.
    pub samples: Vec<Sample>,
    /// The file it stands in.
    pub file: String,
}

impl CardFormat {
    /// True where it is laid over every card. A format of which nothing but a published table is known, or which says so
    /// itself, is tried only where a site or a card type names it.
    #[must_use]
    pub fn is_on(&self, named: &[String]) -> bool {
        let is_named = || named.iter().any(|name| **name == *self.format.id);
        (self.confidence != Confidence::Table && !self.only_named) || is_named()
    }

    /// The format in every length that it has.
    pub fn formats(&self) -> impl Iterator<Item = &Format> {
        [&self.format].into_iter().chain(&self.others)
    }

    /// The bits of a credential, in the shortest length that holds it.
    ///
    /// # Errors
    /// What the first sample's length says against it, where none holds it and reads it back.
    pub fn encode(&self, credential: &Credential) -> Result<PacsBits, EncodeError> {
        let encoded = |format: &Format| {
            let bits = format.encode(credential)?;
            let refused = |(reason, at)| EncodeError::Refused { format: format.id.clone(), why: format.detail(reason, at) };
            format.fit(&bits).map(|_| bits).map_err(refused)
        };
        let all = self.formats().filter_map(|format| encoded(format).ok());
        all.min_by_key(PacsBits::len).map_or_else(|| encoded(&self.format), Ok)
    }

    /// The literal that is read as these bits of this format. There is none for a track of characters or for a number that a
    /// reader has decoded.
    #[must_use]
    pub fn literal(&self, bits: &PacsBits) -> Option<Literal> {
        // What a card says of itself comes before how a reader may write it as Wiegand bits.
        let kinds = [Kind::Em4100, Kind::Csn, Kind::Wiegand].into_iter().filter(|kind| self.kinds.contains(kind));
        kinds.filter_map(|kind| Literal::of(kind, bits)).next()
    }
}

/// What a file draws: a picture of bits, or of characters, of one length or several.
struct Shape {
    text: At<String>,
    drawings: Vec<(Drawing, Letters)>,
    is_track: bool,
}

/// Reads one file. Findings go to the sheet; the names that the file has or replaces go to `names`, also where it is broken.
#[must_use]
pub fn read(file: &str, sheet: &Sheet<'_>, names: &mut Vec<String>) -> Option<CardFormat> {
    let mut keys = sheet.root()?;
    let id = keys.text("id");
    let name = keys.text("name");
    let source = keys.text("source");
    let confidence = super::confidence(&mut keys);
    let caveat = keys.optional_text("caveat");
    let aliases: Vec<String> = keys.texts("aliases").into_iter().map(|alias| alias.value).collect();
    let replaces = keys.optional_text("replaces").map(|replaced| replaced.value);
    names.extend(id.iter().map(|id| id.value.clone()).chain(replaces.clone()).chain(aliases.iter().cloned()));
    let kinds = kinds(&mut keys);
    let only_named = keys.flag("only_named").unwrap_or(false);
    let never_a_card = keys.flag("never_a_card").unwrap_or(false);
    let shape = shape(&mut keys);
    let never = keys.texts("never");
    let fields = match shape.as_ref().and_then(|shape| Some((shape.drawings.first()?, shape.is_track))) {
        Some(((_, letters), is_track)) => self::fields::read(&mut keys, letters, is_track),
        None => {
            self::fields::pass_over(&mut keys);
            Vec::new()
        }
    };
    speaks_of_cards(&keys, &fields, never_a_card);
    let mut samples = samples::read(&mut keys, &kinds);
    let width = shape.as_ref().and_then(|shape| Some(shape.drawings.first()?.0.cells.len())).unwrap_or(0);
    let never = excluded(&keys, &never, width);
    keys.finish();
    if !sheet.is_clean() {
        return None;
    }
    let (id, aliases, shape): (Arc<str>, Arc<[String]>, Shape) = (id?.value.into(), Arc::from(aliases), shape?);
    let is_track = shape.is_track;
    let digest = sheet.digest().map_or_else(|| to_hex(ring::digest::digest(&SHA256, sheet.text().as_bytes()).as_ref()), ToOwned::to_owned);
    let digest: Arc<str> = digest.into();
    let compile = |(drawing, letters): (Drawing, Letters)| {
        let fields = fields.iter().map(|(letter, field)| in_length(*letter, field, &letters, is_track)).collect();
        let mut format = Format::compile(id.clone(), aliases.clone(), drawing, fields);
        format.digest = digest.clone();
        never.iter().fold(format, |format, bits| format.never(bits))
    };
    let mut formats: Vec<Format> = shape.drawings.into_iter().map(compile).collect();
    let length = samples.whole.first().map(|sample| sample.frame(is_track).len());
    let at = formats.iter().position(|format| Some(format.len()) == length).unwrap_or(0);
    let format = CardFormat {
        name: name?.value,
        source: source?.value,
        confidence: confidence?,
        caveat: caveat.map(|caveat| caveat.value),
        replaces,
        kinds,
        layout: shape.text.value,
        format: formats.swap_remove(at),
        others: formats,
        is_track,
        only_named,
        never_a_card,
        samples: std::mem::take(&mut samples.whole),
        file: file.to_owned(),
    };
    samples::prove(&format, &samples, sheet);
    sheet.is_clean().then_some(format)
}

fn kinds(keys: &mut Keys<'_, '_>) -> Vec<Kind> {
    let named = keys.texts("kinds");
    let mut kinds: Vec<Kind> = named.iter().filter_map(|name| super::kind(keys, name)).collect();
    if named.is_empty() {
        kinds.push(Kind::Wiegand);
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// `layout`, bits, or `track`, characters.
fn shape(keys: &mut Keys<'_, '_>) -> Option<Shape> {
    let lrc_warns = keys.flag("lrc_warns").unwrap_or(false);
    let Some(text) = keys.optional_text("track") else {
        let text = keys.text("layout")?;
        let drawing = drawing(keys, &text)?;
        let letters = drawing.letters().into_iter().map(|letter| (letter, drawing.positions(letter))).collect();
        return Some(Shape { text, drawings: vec![(drawing, letters)], is_track: false });
    };
    match track::tracks(&text.value, lrc_warns) {
        Ok(tracks) => {
            let drawings = tracks.into_iter().map(|track| (track.drawing, track.letters)).collect();
            Some(Shape { text, drawings, is_track: true })
        }
        Err((column, message)) => {
            let (line, at) = keys.sheet.place(text.span.start);
            keys.sheet.add_at(line, at + column, message);
            None
        }
    }
}

fn drawing(keys: &Keys<'_, '_>, layout: &At<String>) -> Option<Drawing> {
    match Drawing::parse(&layout.value) {
        Ok(drawing) => Some(drawing),
        Err(complaints) => {
            let (line, column) = keys.sheet.place(layout.span.start);
            // Behind """ and a line break, the rows stand at the margin.
            let multi = layout.value.contains('\n');
            for complaint in complaints {
                let column = if multi { complaint.column + 1 } else { column + complaint.column };
                keys.sheet.add_at(line + complaint.row, column, complaint.message);
            }
            None
        }
    }
}

/// The same field over a letter's bits in another length; bytes are turned, and bits ordered, in a drawing only.
fn in_length(letter: char, field: &Field, letters: &Letters, is_track: bool) -> Field {
    match letters.iter().find(|(drawn, _)| *drawn == letter).filter(|_| is_track) {
        Some((_, positions)) => Field { positions: positions.clone(), ..field.clone() },
        None => field.clone(),
    }
}

/// What is typed on a keypad is told from a card by its fields: `key` or `pin`, and no card number.
fn speaks_of_cards(keys: &Keys<'_, '_>, fields: &[Lettered], never_a_card: bool) {
    let has = |name: &str| fields.iter().any(|(_, field)| &*field.name == name);
    let message = match never_a_card {
        true if has("card_number") || !(has("key") || has("pin")) => {
            "a format that is never a card has a field named key or pin, and none named card_number"
        }
        false if has("key") || has("pin") => "a key or a PIN is no card; add never_a_card = true",
        _ => return,
    };
    keys.complain(keys.span(), message.to_owned());
}

/// `never`: rows as wide as the layout; a frame with these bits is another thing.
fn excluded(keys: &Keys<'_, '_>, rows: &[At<String>], width: usize) -> Vec<Vec<(usize, bool)>> {
    let mut excluded = Vec::new();
    for row in rows {
        let is_row = row.value.chars().count() == width && row.value.chars().all(|c| matches!(c, '0' | '1' | '.'));
        if width > 0 && !(is_row && row.value.contains(['0', '1'])) {
            keys.complain(row.span, format!("a row of `never` has {width} columns of 0, 1 and ., and not only ."));
        }
        excluded.push(row.value.chars().enumerate().filter(|(_, c)| *c != '.').map(|(at, c)| (at, c == '1')).collect());
    }
    excluded
}

/// The text of a value, where it is one.
pub(super) fn text(value: ValueInner<'_>) -> Option<String> {
    if let ValueInner::String(text) = value { Some(text.into_owned()) } else { None }
}
