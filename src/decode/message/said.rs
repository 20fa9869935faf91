//! What a whole frame says, once a message has found its parts in it.
//!
//! In: the parts, and what the site says that the device does not. Out: a presentation, or none where they contradict each
//! other. Never: a number that a failed check speaks against.

use super::{Heard, NUMBERS};
use crate::{
    card::{Csn, Damage, Kind, Numbers, PacsBits, Presentation, to_hex},
    decode::{
        check::{Covered, Method},
        dialect::{Align, Dialect, Message},
        frame,
        payload::{Encoding, Part},
    },
    reader::{ByteOrder, ReaderHints},
};

/// A frame with the parts that a message finds in it.
pub(super) struct Frame<'a> {
    pub dialect: &'a Dialect,
    pub told: &'a ReaderHints,
    pub message: &'a Message,
    pub bytes: &'a [u8],
    pub body: &'a [u8],
    pub parts: &'a [Part<'a>],
}

impl Frame<'_> {
    pub fn heard(&self) -> Option<Heard> {
        let damage = self.damage()?;
        if !self.message.is_card() {
            // Talk that does not prove itself is noise.
            return damage.is_none().then_some(Heard::Talk);
        }
        let mut presentation = Presentation::of(self.kind());
        presentation.raw = to_hex(self.bytes);
        if self.message.check.is_some_and(|check| check.method == Method::NotJudged) {
            presentation.warnings.push("check_not_judged".to_owned());
        }
        let is_empty = self.part("id").is_none() && self.part("count").is_some_and(|count| count.number() == Some(0));
        if is_empty && damage.is_none() {
            return Some(Heard::Talk);
        }
        self.hand_over(&mut presentation)?;
        if damage.is_some() {
            // What a damaged frame says is no number of a card.
            presentation = Presentation { raw: presentation.raw, damage, ..Presentation::of(presentation.kind) };
        }
        if let Some(check) = self.message.check.filter(|_| presentation.damage.is_none()) {
            presentation.check_bits = check.bits();
        }
        let unit = self.dialect.host.as_ref().and_then(|host| host.age);
        let ago = self.part("age").and_then(|age| unit?.checked_mul(u32::try_from(age.number()?).ok()?));
        Some(Heard::Shown(Box::new(presentation), ago))
    }

    fn part(&self, name: &str) -> Option<&Part<'_>> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// The parts that are numbers, where something is said to the reader that may repeat them.
    pub fn repeated(&self) -> Vec<(String, u64)> {
        let acknowledges = self.dialect.host.as_ref().is_some_and(|host| host.acknowledge.is_some());
        let parts = self.parts.iter().filter(|part| acknowledges && part.name != "_");
        parts.filter_map(|part| Some((part.name.to_owned(), part.number()?))).collect()
    }

    /// What the site says its reader hands over, where that is not a key.
    fn kind(&self) -> Kind {
        match self.message.kind {
            Kind::Key => Kind::Key,
            kind => self.told.kind.unwrap_or(kind),
        }
    }

    fn hand_over(&self, presentation: &mut Presentation) -> Option<()> {
        let kind = presentation.kind;
        let keys = || self.part("keys").map(|keys| keys.text.iter().copied().map(key).collect());
        if let Some(keys) = self.message.keys.clone().or_else(keys) {
            presentation.keys = Some(keys);
            return Some(());
        }
        if self.part("id").is_some() {
            // Between the bytes of a serial number there may stand something.
            let pieces: Option<Vec<Vec<u8>>> = self.parts.iter().filter(|part| part.name == "id").map(Part::bytes).collect();
            let id = pieces?.concat();
            // A number of bits that these bytes cannot be is that of another message, or of a damaged one.
            let bytes = u64::try_from(id.len()).ok()?;
            if self.part("count").is_some_and(|count| count.number().is_none_or(|count| count.div_ceil(8) != bytes)) {
                return None;
            }
            return identify(presentation, kind, &id, self.told.byte_order);
        }
        match self.part("bits") {
            Some(bits) if kind == Kind::Csn => identify(presentation, kind, &bits.bytes()?, self.told.byte_order),
            Some(bits) => self.bits(presentation, bits),
            None => {
                let mut numbers = Numbers { length: self.told.bits.or(self.message.bits), ..Numbers::default() };
                for part in self.parts.iter().filter(|part| NUMBERS.contains(&part.name)) {
                    numbers.credential.set(part.name, part.number()?.into());
                }
                if self.told.byte_order == ByteOrder::Reversed {
                    turn_round(&mut numbers)?;
                }
                presentation.numbers = Some(numbers);
                Some(())
            }
        }
    }

    fn bits(&self, presentation: &mut Presentation, part: &Part<'_>) -> Option<()> {
        if let Some(most) = self.message.marker {
            return self.bits_behind_marker(presentation, part, most);
        }
        let by_device = match (self.part("count"), self.part("unused")) {
            (Some(count), _) => Some(usize::try_from(count.number()?).ok()?),
            (None, Some(unused)) => Some(part.bits()?.len().checked_sub(usize::try_from(unused.number()?).ok()?)?),
            (None, None) => self.message.bits.map(usize::from).or_else(|| (part.encoding == Encoding::Bin).then_some(part.text.len())),
        };
        let Some(count) = by_device.or(self.told.bits.map(usize::from)) else { return Some(()) };
        presentation.bits = self.frame_bits(part, count);
        if presentation.bits.is_none() {
            // The device contradicts itself, or the site does: no frame of this message. A value of fixed width is one all the same.
            if by_device.is_some() || !part.is_fixed {
                return None;
            }
            presentation.warnings.push("bits_do_not_fit".to_owned());
        }
        Some(())
    }

    /// Bits behind a 1 that marks where they begin. A card of as many bits as there is room for has none, so that only the
    /// site can tell a short card from a long one with zeros in front; what it says is held against the marker.
    fn bits_behind_marker(&self, presentation: &mut Presentation, part: &Part<'_>, most: u16) -> Option<()> {
        let Some(count) = self.told.bits else { return Some(()) };
        let digits = part.bits()?;
        let begins = digits.len().checked_sub(usize::from(count.min(most)));
        let (before, bits) = digits.split_at_checked(begins?)?;
        let zeros = if count < most { before.split_last().filter(|(marker, _)| **marker).map(|(_, zeros)| zeros) } else { Some(before) };
        let fits = count <= most && zeros.is_some_and(|zeros| !zeros.contains(&true));
        presentation.bits = fits.then(|| PacsBits::from_bits(bits.iter().copied()).ok()).flatten();
        if presentation.bits.is_none() {
            presentation.warnings.push("bits_do_not_fit".to_owned());
        }
        Some(())
    }

    fn frame_bits(&self, part: &Part<'_>, count: usize) -> Option<PacsBits> {
        let mut digits = match part.encoding {
            Encoding::Dec => low_bits(part.number()?, count.next_multiple_of(8))?.iter().collect(),
            _ => part.bits()?,
        };
        let reversed = self.told.byte_order == ByteOrder::Reversed;
        let whole = if reversed { count.next_multiple_of(8) } else { count };
        if self.message.align == Align::Right && (self.message.short || reversed) && digits.len() < whole {
            digits.splice(0..0, vec![false; whole - digits.len()]);
        }
        if reversed {
            digits = turned(digits, whole, self.message.align)?;
        }
        let spare = digits.len().checked_sub(count)?;
        let (kept, unused) = match self.message.align {
            Align::Left => digits.split_at_checked(count)?,
            Align::Right => digits.split_at_checked(spare).map(|(unused, kept)| (kept, unused))?,
        };
        let fills = spare < 8 || (part.is_fixed && self.message.align == Align::Right) || self.message.short;
        let clean = fills && (self.message.any_pad || !unused.iter().any(|bit| *bit));
        clean.then(|| PacsBits::from_bits(kept.iter().copied()).ok()).flatten()
    }

    /// Whether the frame's check, or the reader itself, speaks against it; none where the check is not there to be
    /// judged, which is no frame of this message.
    fn damage(&self) -> Option<Option<Damage>> {
        let by = || self.dialect.id.clone();
        if let Some(detail) = &self.message.damaged {
            return Some(Some(Damage { by: by(), detail: detail.clone() }));
        }
        if let Some((same, bits)) = self.part("same").zip(self.part("bits"))
            && same.number() != bits.number()
        {
            return Some(Some(Damage { by: by(), detail: "the number is sent twice, and the two differ".to_owned() }));
        }
        let Some(check) = self.message.check else { return Some(None) };
        let own = self.part("check")?;
        let received = own.bytes()?;
        let sent = frame::sent(&self.dialect.cut, self.bytes);
        let (start, end) = (self.dialect.cut.start(), self.dialect.cut.end());
        let covered = Covered { start, body: self.body, sent: &sent, end, until: own.at };
        let Some(computed) = check.of_bytes(&check.covered(&covered)?) else { return Some(None) };
        let detail = || format!("the checksum computed is {} and the one received is {}", to_hex(&computed), to_hex(&received));
        Some((computed != received).then(|| Damage { by: by(), detail: detail() }))
    }
}

/// A key as it is printed on the keypad; OSDP sends 7F for `*` and 0D for `#`, and some readers bare numbers.
fn key(byte: u8) -> char {
    match byte {
        0..=9 => char::from(b'0' + byte),
        0x0D => '#',
        0x7F => '*',
        graphic if graphic.is_ascii_graphic() => char::from(graphic),
        _ => '?',
    }
}

fn identify(presentation: &mut Presentation, kind: Kind, id: &[u8], order: ByteOrder) -> Option<()> {
    let id = ordered(id.to_vec(), order);
    if kind == Kind::Csn {
        presentation.csn = Some(Csn::new(&id)?);
    }
    presentation.bits = PacsBits::from_left_aligned(&id, id.len() * 8).ok();
    presentation.bits.map(|_| ())
}

/// The bits of bytes that came last byte first. At the right stand as many as the bits need, and nothing above them.
fn turned(digits: Vec<bool>, whole: usize, align: Align) -> Option<Vec<bool>> {
    let above = if align == Align::Right { digits.len().checked_sub(whole)? } else { 0 };
    let (unused, bytes) = digits.split_at_checked(above)?;
    let clean = bytes.len().is_multiple_of(8) && !unused.iter().any(|bit| *bit);
    clean.then(|| bytes.chunks(8).rev().flatten().copied().collect())
}

/// A number whose bytes the reader has turned round before it printed them; none where it is not known how many they are.
fn turn_round(numbers: &mut Numbers) -> Option<()> {
    let length = usize::from(numbers.length?);
    let number = u64::try_from(numbers.credential.card_number?.0).ok()?;
    let bytes = low_bits(number, length).filter(|_| length.is_multiple_of(8))?.to_bytes();
    let turned = bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    numbers.credential.set("card_number", turned.into());
    Some(())
}

fn low_bits(number: u64, count: usize) -> Option<PacsBits> {
    let fits = count <= 64 && (count == 64 || number >> count == 0);
    fits.then(|| PacsBits::from_bits((0..count).rev().map(|at| number >> at & 1 == 1)).ok()).flatten()
}

/// Bytes in the site's order.
#[must_use]
pub fn ordered(mut bytes: Vec<u8>, order: ByteOrder) -> Vec<u8> {
    if order == ByteOrder::Reversed {
        bytes.reverse();
    }
    bytes
}
