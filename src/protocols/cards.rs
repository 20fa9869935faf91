//! Card formats: one TOML file each, a drawing with samples that prove it.
//!
//! In: a file's name and text. Out: a [`CardFormat`] or findings with line and column. A file that fails its own samples
//! does not load.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml_span::{Span, value::ValueInner};

use crate::{
    card::{Credential, Kind, Literal, to_hex},
    decode::{
        dialect::Confidence,
        drawing::Drawing,
        format::{Field, Format, MAX_FIELDS},
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
    /// The compiled format: its id, aliases and fields.
    pub format: Format,
    /// Its proofs.
    pub samples: Vec<Sample>,
    /// The file it stands in.
    pub file: String,
}

/// Bits with the numbers they are to be read as.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Where it comes from.
    pub source: String,
    /// Composed by us rather than found.
    pub constructed: bool,
    /// The literal.
    pub bits: Literal,
    /// The numbers.
    pub credential: Credential,
    span: Span,
}

impl CardFormat {
    /// True where it is laid over every card. A format of which nothing but a published table is known is tried only where
    /// a site or a card type names it.
    #[must_use]
    pub fn is_on(&self, named: &[String]) -> bool {
        self.confidence != Confidence::Table || named.iter().any(|name| **name == *self.format.id)
    }
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
    let layout = keys.text("layout");
    let drawing = layout.as_ref().and_then(|layout| drawing(&keys, layout));
    let fields = drawing.as_ref().map(|drawing| fields(&mut keys, drawing));
    let samples = samples(&mut keys, &kinds);
    if fields.is_none() {
        // Without a drawing the letters cannot be judged; the keys are known all the same.
        drop(keys.texts("bcd"));
        for key in ["fields", "order", "require", "most"] {
            drop(keys.table(key).map(|mut table| table.rest()));
        }
    }
    keys.finish();
    if !sheet.is_clean() {
        return None;
    }
    let mut format = Format::compile(id?.value.into(), Arc::from(aliases), drawing?, fields?);
    format.digest = to_hex(&Sha256::digest(sheet.text().as_bytes())).into();
    let format = CardFormat {
        name: name?.value,
        source: source?.value,
        confidence: confidence?,
        caveat: caveat.map(|caveat| caveat.value),
        replaces,
        kinds,
        layout: layout?.value,
        format,
        samples,
        file: file.to_owned(),
    };
    prove(&format, sheet);
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

fn fields(keys: &mut Keys<'_, '_>, drawing: &Drawing) -> Vec<Field> {
    let decimal: Vec<At<String>> = keys.texts("bcd");
    let orders = keys.table("order").map(|mut table| table.rest()).unwrap_or_default();
    let required = keys.table("require").map(|mut table| table.rest()).unwrap_or_default();
    let most = keys.table("most").map(|mut table| table.rest()).unwrap_or_default();
    let Some(mut table) = keys.table("fields") else {
        keys.missing("fields");
        return Vec::new();
    };
    let span = table.span();
    let mut fields = Vec::new();
    let mut named = Vec::new();
    for (letter, mut value) in table.rest() {
        let Some(name) = text(value.take()) else {
            keys.complain(value.span, format!("`fields.{}` must be a field's name in quotes", letter.value));
            continue;
        };
        if !is_field_name(&name) {
            keys.complain(value.span, format!("`{name}` is no field name; use small letters, digits and _"));
        }
        let single = letter.value.chars().next().filter(|_| letter.value.chars().count() == 1);
        let positions = single.map(|letter| drawing.positions(letter)).unwrap_or_default();
        if positions.is_empty() {
            keys.complain(letter.span, format!("`{}` is no letter of the layout; draw it, or remove this line", letter.value));
        }
        let bcd = decimal.iter().any(|decimal| decimal.value == letter.value);
        if bcd && positions.len() % 4 != 0 {
            keys.complain(letter.span, format!("`{}` has {} bits; decimal digits take four bits each", letter.value, positions.len()));
        }
        named.extend(single);
        fields.push((letter.value, Field { name: name.into(), positions, bcd, required: None, most: None }));
    }
    for letter in drawing.letters().iter().filter(|letter| !named.contains(letter)) {
        keys.complain(span, format!("the layout's `{letter}` has no name; add {letter} = \"…\" under [fields]"));
    }
    for unknown in decimal.iter().filter(|decimal| !fields.iter().any(|(letter, _)| *letter == decimal.value)) {
        keys.complain(unknown.span, format!("`bcd` names `{}`, which is no letter of [fields]", unknown.value));
    }
    if fields.len() > MAX_FIELDS {
        keys.complain(span, format!("{} fields are more than the {MAX_FIELDS} a format can have", fields.len()));
    }
    reorder(keys, &mut fields, orders);
    limit(keys, &mut fields, "require", required, |field, value| field.required = Some(value));
    limit(keys, &mut fields, "most", most, |field, value| field.most = Some(value));
    widths(keys, &fields, span);
    fields.into_iter().map(|(_, field)| field).collect()
}

/// `[order]`: the positions of a letter's bits, most significant first, where they are not in the order drawn.
fn reorder(keys: &Keys<'_, '_>, fields: &mut [(String, Field)], orders: Vec<(At<String>, toml_span::Value<'_>)>) {
    for (letter, mut value) in orders {
        let span = value.span;
        let ValueInner::Array(items) = value.take() else {
            keys.complain(span, format!("`order.{}` must be a list of bit positions", letter.value));
            continue;
        };
        let order: Vec<usize> =
            items.iter().map(|item| item.as_integer().and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX)).collect();
        let Some((_, field)) = fields.iter_mut().find(|(known, _)| *known == letter.value) else {
            keys.complain(letter.span, format!("`order` names `{}`, which is no letter of [fields]", letter.value));
            continue;
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if sorted == field.positions {
            field.positions = order;
        } else {
            keys.complain(span, format!("`order.{}` must name each of its bits {:?} once", letter.value, field.positions));
        }
    }
}

/// `[require]` and `[most]`: the one value, or the largest value, that a letter can have.
fn limit(
    keys: &Keys<'_, '_>,
    fields: &mut [(String, Field)],
    key: &str,
    limits: Vec<(At<String>, toml_span::Value<'_>)>,
    set: impl Fn(&mut Field, u64),
) {
    for (letter, value) in limits {
        let field = fields.iter_mut().find(|(known, _)| *known == letter.value);
        let wanted = value.as_integer().and_then(|wanted| u64::try_from(wanted).ok());
        match (field, wanted) {
            (Some((_, field)), Some(wanted)) if u128::from(wanted) <= field.max() => set(field, wanted),
            (Some((_, field)), _) => {
                keys.complain(value.span, format!("`{key}.{}` must be a whole number of at most {}", letter.value, field.max()));
            }
            (None, _) => keys.complain(letter.span, format!("`{key}` names `{}`, which is no letter of [fields]", letter.value)),
        }
    }
}

fn widths(keys: &Keys<'_, '_>, fields: &[(String, Field)], span: Span) {
    for (at, (letter, field)) in fields.iter().enumerate() {
        let most = if matches!(&*field.name, "facility_code" | "issue_code" | "oem_code") { 64 } else { 128 };
        if field.positions.len() > most {
            keys.complain(span, format!("`{letter}` has {} bits; {} has at most {most}", field.positions.len(), field.name));
        }
        if fields.iter().take(at).any(|(_, before)| before.name == field.name) {
            keys.complain(span, format!("two letters are named {}; one field has one letter", field.name));
        }
    }
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn samples(keys: &mut Keys<'_, '_>, kinds: &[Kind]) -> Vec<Sample> {
    let top = keys.span();
    let tables = keys.tables("sample");
    if tables.is_empty() {
        keys.complain(top, "there is no [[sample]]; a format proves itself with at least one".to_owned());
    }
    tables.into_iter().filter_map(|table| sample(table, kinds)).collect()
}

fn sample(mut keys: Keys<'_, '_>, kinds: &[Kind]) -> Option<Sample> {
    let span = keys.span();
    let source = keys.text("source")?.value;
    let constructed = keys.flag("constructed").unwrap_or(false);
    let text = keys.text("bits")?;
    let mut credential = Credential::default();
    for (name, mut value) in keys.rest() {
        match number(&value.take()) {
            Some(number) => credential.set(&name.value, number),
            None => keys.complain(value.span, format!("`{}` must be a number, in quotes above 2^63", name.value)),
        }
    }
    match text.value.parse::<Literal>() {
        // Bare bits prove a drawing whatever is laid under it; not every kind has a literal of its own.
        Ok(bits) if bits.kind() == Kind::Wiegand || kinds.contains(&bits.kind()) => {
            Some(Sample { source, constructed, bits, credential, span })
        }
        Ok(bits) => {
            keys.complain(text.span, format!("the sample is of kind {}, which this format does not read", bits.kind().name()));
            None
        }
        Err(error) => {
            keys.complain(text.span, error.to_string());
            None
        }
    }
}

fn number(value: &ValueInner<'_>) -> Option<u128> {
    match value {
        ValueInner::Integer(number) => u128::try_from(*number).ok(),
        ValueInner::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// A sample passes when its bits decode to its numbers and its numbers encode to its bits, but for carried bits.
fn prove(format: &CardFormat, sheet: &Sheet<'_>) {
    for sample in &format.samples {
        let bits = sample.bits.bits();
        if let Err((reason, at)) = format.format.fit(&bits) {
            let detail = format.format.detail(reason, at);
            sheet.add(sample.span, format!("the sample does not fit its own format ({}): {detail}", reason.name()));
            continue;
        }
        let found = format.format.credential(&bits);
        if found != sample.credential {
            let read: Vec<String> = found.numbers().map(|(name, value)| format!("{name} = {value}")).collect();
            sheet.add(sample.span, format!("the sample's bits are read as {}, not as it says", read.join(", ")));
            continue;
        }
        match format.format.encode(&sample.credential) {
            Ok(encoded) => differ(format, &bits, &encoded, sheet, sample.span),
            Err(error) => sheet.add(sample.span, format!("the sample's numbers cannot be encoded: {error}")),
        }
    }
}

fn differ(format: &CardFormat, bits: &crate::card::PacsBits, encoded: &crate::card::PacsBits, sheet: &Sheet<'_>, span: Span) {
    use crate::decode::drawing::Cell;
    let cells = &format.format.drawing().cells;
    let known = |at: &usize| !matches!(cells.get(*at), Some(Cell::Carried));
    // A check that covers a carried bit is computed over the 0 that encode writes there.
    let covers_carried = |at: &usize| {
        let mut checks = format.format.drawing().checks.iter();
        checks.any(|check| check.own.contains(at) && check.covers.iter().any(|covered| !known(covered)))
    };
    let different = (0..bits.len()).filter(known).filter(|at| !covers_carried(at)).find(|at| bits.get(*at) != encoded.get(*at));
    if let Some(at) = different {
        sheet.add(span, format!("the sample's numbers encode to {encoded}, which differs from its bits at bit {at}"));
    }
}

fn text(value: ValueInner<'_>) -> Option<String> {
    if let ValueInner::String(text) = value { Some(text.into_owned()) } else { None }
}
