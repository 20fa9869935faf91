//! Another card's answers for a smart card's: what the scripts take from them is another card's, what nobody takes is
//! drawn.
//!
//! In: the commands and answers of a capture. Out: answers of the same length, with the same status words and the same
//! TLV headers. The place of the card's bits is found by flipping one bit after the other and reading again. Never: a
//! serial number or a card's bits, wherever in an answer they stand.

use std::{iter, time::Duration};

use super::{
    Redaction,
    frames::{ReadBy, number, overwrite, the_difference},
    mask,
};
use crate::{
    capture::{Capture, Record},
    card::{PacsBits, from_hex, to_hex},
    decode::{dialect::Dialect, message::Heard},
    reader::ReaderHints,
    smartcard::{
        apdu::Response,
        script::{Script, Step, Take},
        taking::{Taken, payload, take_from, values},
    },
};

/// The shortest number that is looked for everywhere: a shorter one would be found by chance.
const A_NUMBER: usize = 3;
/// Get response: the rest of an answer.
const GET_RESPONSE: [u8; 2] = [0x00, 0xC0];
/// Get data, PC/SC part 3: its answer is a serial number and no TLV.
const GET_DATA: [u8; 2] = [0xFF, 0xCA];

impl Redaction<'_> {
    /// The records of a smart-card reader.
    pub(super) fn smartcards(&mut self, capture: &Capture) -> Vec<(Duration, Record)> {
        let mut records = capture.records.clone();
        // What was asked first, and the answer so far with where each of its bytes stands.
        let (mut asked, mut data, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (_, record)) in capture.records.iter().enumerate() {
            match record {
                Record::To(command) if !command.starts_with(&GET_RESPONSE) || data.is_empty() => {
                    asked.clone_from(command);
                    data.clear();
                    places.clear();
                }
                Record::From(answer) => {
                    let (own, status) = Response::parse(answer).map_or((answer.as_slice(), 0), |response| (response.data, response.status));
                    data.extend_from_slice(own);
                    places.extend((0..own.len()).map(|byte| (at, byte)));
                    for ((record, place), byte) in places.iter().zip(self.answer(&asked, &data, status)) {
                        if let Some((_, Record::From(bytes))) = records.get_mut(*record) {
                            overwrite(bytes, *place, &[byte]);
                        }
                    }
                }
                _ => {}
            }
        }
        for (_, record) in &mut records {
            match record {
                Record::To(bytes) => self.overlay(bytes),
                Record::CardIn(atr) => {
                    *atr = self.atr(atr);
                    self.overlay(atr);
                }
                _ => {}
            }
        }
        records
    }

    /// What replaces the answer to a command.
    fn answer(&mut self, asked: &[u8], data: &[u8], status: u16) -> Vec<u8> {
        let name = (asked.to_vec(), data.to_vec());
        if let Some(known) = self.stands_for.bytes.get(&name) {
            return known.clone();
        }
        let protocols = self.protocols;
        let (mut new, mut counts) = (data.to_vec(), vec![false; data.len() * 8]);
        let mut hold_others = Vec::new();
        let steps = protocols.scripts.iter().flat_map(|script| script.steps.iter().map(move |step| (script, step)));
        for (script, step) in steps.filter(|(_, step)| step.want == status && step.may_say(asked)) {
            hold_others.extend(step.takes.iter().filter_map(|taking| taking.path.split_last()).flat_map(|(_, above)| above));
            self.take(script, step, data, &mut new, &mut counts);
        }
        let values = if asked.starts_with(&GET_DATA) { None } else { values(data, &hold_others) };
        let values = values.unwrap_or_else(|| iter::once(0..data.len()).collect());
        for at in values.into_iter().flat_map(|value| value.start * 8..value.end * 8) {
            if counts.get(at) == Some(&false) && self.random.draw() & 1 == 1 {
                turn(&mut new, at);
            }
        }
        self.stands_for.bytes.insert(name, new.clone());
        new
    }

    /// Puts another card where a step takes one, and says which bits count for it.
    fn take(&mut self, script: &Script, step: &Step, data: &[u8], new: &mut [u8], counts: &mut [bool]) {
        let Some(taken) = take_from(step, script.kind, data) else { return };
        let read = |taken: &Taken| if let Taken::Card(card) = taken { number(card, self.told.byte_order) } else { None };
        let old = read(&taken);
        let mut places = Vec::new();
        for (at, counts) in counts.iter_mut().enumerate() {
            let mut turned = data.to_vec();
            turn(&mut turned, at);
            let other = take_from(step, script.kind, &turned);
            if other.as_ref() != Some(&taken) {
                *counts = true;
                let difference = old.zip(other.as_ref().and_then(read)).and_then(|((_, old), (_, bits))| the_difference(&old, &bits));
                places.extend(difference.map(|bit| (at, bit)));
            }
        }
        if let Some((kind, old)) = old {
            let stays = (0..old.len()).filter(|bit| !places.iter().any(|(_, place)| place == bit)).collect::<Vec<_>>();
            let card = self.card(kind, old, &stays, &|_| true);
            // Several scripts may take the same card.
            let is_turned = |at: usize| new.get(at / 8).zip(data.get(at / 8)).is_some_and(|(new, old)| (new ^ old) & 0x80 >> (at % 8) != 0);
            let wrong: Vec<usize> =
                places.iter().filter(|(at, bit)| is_turned(*at) != (card.get(*bit) != old.get(*bit))).map(|(at, _)| *at).collect();
            wrong.into_iter().for_each(|at| turn(new, at));
            self.remember(&old, &card);
        }
        for taking in &step.takes {
            if let (Take::Payload(said), Some(range)) = (&taking.take, taking.place(data)) {
                let text = data.get(range.clone()).unwrap_or_default();
                let other = self.frame(in_card(said), text).unwrap_or_else(|| mask::unknown(text, &[], self.random));
                overwrite(new, range.start, &other);
                counts.iter_mut().skip(range.start * 8).take(range.len() * 8).for_each(|counts| *counts = true);
            }
        }
    }

    /// An ATR in which a reader has put a card's number, with another number; any other ATR as it is.
    fn atr(&mut self, atr: &[u8]) -> Vec<u8> {
        let text = to_hex(atr);
        let said = self.protocols.scripts.iter().filter_map(|script| script.atr.as_ref());
        let other = said.filter_map(|said| self.frame(in_card(said), text.as_bytes())).next();
        other.and_then(|other| from_hex(std::str::from_utf8(&other).ok()?)).unwrap_or_else(|| atr.to_vec())
    }

    /// Notes a number that may be found elsewhere too, in either byte order.
    fn remember(&mut self, old: &PacsBits, new: &PacsBits) {
        let turned = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<u8>>();
        let (old, new) = (old.to_bytes(), new.to_bytes());
        if old.len() >= A_NUMBER {
            self.stands_for.anywhere.extend([(turned(&old), turned(&new)), (old, new)]);
        }
    }

    /// Replaces the real numbers wherever they are found.
    fn overlay(&self, bytes: &mut [u8]) {
        for (old, new) in &self.stands_for.anywhere {
            let places = bytes.windows(old.len()).enumerate().filter(|(_, window)| window == old).map(|(at, _)| at);
            places.collect::<Vec<_>>().into_iter().for_each(|at| overwrite(bytes, at, new));
        }
    }
}

/// As the scripts read what a template finds.
fn in_card(said: &Dialect) -> ReadBy<'_> {
    ReadBy {
        dialect: said,
        told: ReaderHints::default(),
        by: |said, _, value| payload(said, value).map(|card| Heard::Shown(Box::new(card), None)),
    }
}

fn turn(bytes: &mut [u8], at: usize) {
    bytes.iter_mut().skip(at / 8).take(1).for_each(|byte| *byte ^= 0x80 >> (at % 8));
}
