//! A card's conversation as a pure machine: the ATR, then answers in; commands out, at last a presentation.
//!
//! Every script that applies speaks in turn; one that yields a number or a serial number adds it, one whose answer is not
//! as wanted adds nothing. Once there is a number, scripts for another one are left out. More data waiting (61xx) and a
//! wrong length (6Cxx) are followed up here. The same card can be asked a second time ([`Conversation::again`]). Never: a partial answer taken for a whole one, a key (only its name), and
//! never more than [`MOST_COMMANDS`] commands to one card.

use std::{collections::VecDeque, sync::Arc};

use super::{
    apdu::Response,
    script::{Piece, Script, Step},
    taking::{Taken, take_from, take_from_atr},
};
use crate::card::{Csn, Kind, PROTECTED, Presentation, SmartCard, WORTHLESS, to_hex};

/// ISO 7816-4: the security status does not allow it.
const NOT_ALLOWED: u16 = 0x6982;
/// The most commands said to one card: a card that never ends is given up.
pub const MOST_COMMANDS: usize = 256;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Say this command and come back with the answer.
    Say(Vec<u8>),
    /// Say this command with the site's key of this name behind it, and come back with the answer. Where there is no such
    /// key, the answer is empty.
    SayWithKey(Vec<u8>, String),
    /// The card has been read.
    Done(Box<Presentation>),
}

/// One card's conversation.
pub struct Conversation {
    /// All scripts that apply to the card.
    all: Vec<Arc<Script>>,
    /// Those that have not yet come to their end.
    scripts: VecDeque<Arc<Script>>,
    atr: Vec<u8>,
    step: usize,
    said: Vec<u8>,
    collected: Vec<u8>,
    kept: Vec<(String, Vec<u8>)>,
    commands: usize,
    heard: Vec<u8>,
    /// The card, as far as it is known.
    found: Option<Presentation>,
    csn: Option<(Csn, u8)>,
    /// What was read stands in the ATR.
    is_in_atr: bool,
    is_protected: bool,
    about: SmartCard,
}

impl Conversation {
    /// Begins with a card: the scripts that apply to its ATR in this reader, in their order.
    #[must_use]
    pub fn new(scripts: &[Arc<Script>], atr: &[u8], reader: &str) -> Self {
        let mut scripts: Vec<_> = scripts.iter().filter(|script| script.applies(atr, reader)).cloned().collect();
        scripts.sort_by(|a, b| a.order.cmp(&b.order).then_with(|| a.id.cmp(&b.id)));
        Self::with(scripts, atr.to_vec())
    }

    /// The same conversation from its beginning, to read the same card a second time while it lies there. Once it is done,
    /// its presentation is another reading of the card: equal to the first one, or one of the two is wrong. None where the
    /// number stands in the ATR, or nothing was asked: no command would read it again, only lifting the card.
    #[must_use]
    pub fn again(&self) -> Option<Self> {
        (!self.is_in_atr && self.commands > 0).then(|| Self::with(self.all.clone(), self.atr.clone()))
    }

    fn with(all: Vec<Arc<Script>>, atr: Vec<u8>) -> Self {
        Self {
            scripts: all.clone().into(),
            all,
            about: SmartCard { atr: to_hex(&atr), ..SmartCard::default() },
            atr,
            step: 0,
            said: Vec::new(),
            collected: Vec::new(),
            kept: Vec::new(),
            commands: 0,
            heard: Vec::new(),
            found: None,
            csn: None,
            is_in_atr: false,
            is_protected: false,
        }
    }

    /// The first command, or the end where there is nothing to ask.
    pub fn begin(&mut self) -> Next {
        loop {
            let Some(script) = self.scripts.front().cloned() else { return self.done() };
            if script.kind != Kind::Csn && self.found.is_some() {
                self.scripts.pop_front();
                continue;
            }
            if let Some(said) = &script.atr {
                let Some(card) = take_from_atr(said, &self.atr, script.atr_check_bits) else {
                    self.scripts.pop_front();
                    continue;
                };
                self.heard.clone_from(&self.atr);
                self.is_in_atr |= self.found.is_none() && card.kind != Kind::Csn;
                self.take(card);
            }
            match script.steps.first() {
                Some(step) => return self.say_step(step),
                None => self.script_ends(&script),
            }
        }
    }

    /// Takes an answer and says what comes next.
    pub fn answer(&mut self, answer: &[u8]) -> Next {
        let Some(response) = Response::parse(answer) else { return self.give_up("no answer") };
        self.collected.extend_from_slice(response.data);
        let [_, low] = response.status.to_be_bytes();
        match response.status >> 8 {
            0x61 => self.say(vec![0x00, 0xC0, 0x00, 0x00, low]),
            // The right length is told, by some readers as C0xx; the same command again with it.
            0x6C | 0xC0 if has_le(&self.said) && self.said.last() != Some(&low) => {
                let mut again = self.said.clone();
                again.pop();
                again.push(low);
                self.collected.clear();
                self.say(again)
            }
            _ => self.step_ends(response.status),
        }
    }

    fn step_ends(&mut self, status: u16) -> Next {
        let answer = std::mem::take(&mut self.collected);
        let Some(script) = self.scripts.front().cloned() else { return self.done() };
        let Some(step) = script.steps.get(self.step) else { return self.done() };
        if status != step.want {
            // The application is there, and what it holds is not told to everybody.
            self.is_protected |= status == NOT_ALLOWED && self.step > 0;
            return self.give_up(&format!("{status:04X}"));
        }
        match take_from(step, script.kind, &answer) {
            None => return self.give_up("another answer"),
            Some(Taken::Nothing) => {}
            Some(Taken::Kept(name, value)) => self.kept.insert(0, (name, value)),
            Some(Taken::Card(card)) => {
                self.heard.extend_from_slice(&answer);
                self.take(*card);
            }
            Some(Taken::Worthless(mut card)) => {
                self.heard.extend_from_slice(&answer);
                card.warnings.push(WORTHLESS.to_owned());
                self.take(*card);
            }
        }
        self.step += 1;
        match script.steps.get(self.step) {
            Some(step) => self.say_step(step),
            None => {
                self.script_ends(&script);
                self.begin()
            }
        }
    }

    /// What is found first is the card's; a serial number stands beside a number.
    fn take(&mut self, card: Presentation) {
        if card.kind == Kind::Csn {
            let check_bits = card.check_bits;
            self.csn = self.csn.take().or(card.csn.map(|csn| (csn, check_bits)));
        } else {
            self.found.get_or_insert(card);
        }
    }

    /// The script came to its end: the card is what it says.
    fn script_ends(&mut self, script: &Script) {
        let words = script.card.clone().or_else(|| script.chips.words(&self.atr));
        self.about.is = self.about.is.take().or(words);
        self.is_protected |= script.protected;
        self.next_script();
    }

    fn give_up(&mut self, why: &str) -> Next {
        if let Some(script) = self.scripts.front() {
            self.about.tried.push(format!("{}: {why}", script.id));
        }
        self.next_script();
        self.begin()
    }

    fn next_script(&mut self) {
        self.collected.clear();
        self.kept.clear();
        self.step = 0;
        self.scripts.pop_front();
    }

    fn say_step(&mut self, step: &Step) -> Next {
        let mut command = Vec::new();
        for piece in &step.say {
            match piece {
                Piece::Bytes(bytes) => command.extend_from_slice(bytes),
                Piece::Kept(name) => match self.kept.iter().find(|(kept, _)| kept == name) {
                    Some((_, value)) => command.extend_from_slice(value),
                    None => return self.give_up("another answer"),
                },
                // The loader lets a key stand at a command's end only.
                Piece::Key(name) => {
                    self.said.clone_from(&command);
                    self.commands += 1;
                    return if self.commands > MOST_COMMANDS { self.done() } else { Next::SayWithKey(command, name.clone()) };
                }
            }
        }
        self.say(command)
    }

    fn say(&mut self, command: Vec<u8>) -> Next {
        self.commands += 1;
        if self.commands > MOST_COMMANDS {
            return self.done();
        }
        self.said.clone_from(&command);
        Next::Say(command)
    }

    fn done(&mut self) -> Next {
        let is_serial_only = self.found.is_none();
        let mut card = self.found.take().unwrap_or_else(|| Presentation::of(Kind::Csn));
        if let Some((csn, check_bits)) = self.csn.take() {
            if is_serial_only {
                card.bits = Some(csn.bits());
                card.check_bits = check_bits;
            }
            card.csn = Some(csn);
        }
        if is_serial_only {
            card.warnings.extend(self.is_protected.then(|| PROTECTED.to_owned()));
        }
        card.raw = to_hex(&self.heard);
        card.smart_card = Some(Box::new(std::mem::take(&mut self.about)));
        Next::Done(Box::new(card))
    }
}

/// True where a command's last byte says how much it wants (ISO 7816-4, cases 2 and 4, short).
fn has_le(command: &[u8]) -> bool {
    match command {
        [_, _, _, _, _] => true,
        [_, _, _, _, lc, data @ ..] => data.len() == usize::from(*lc) + 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::Protocols;

    /// A storage card with a processor's answers to none of these commands.
    const MIFARE: [u8; 20] = [0x3B, 0x8F, 0x80, 1, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6, 3, 0, 1, 0, 0, 0, 0, 0x6A];
    /// Low frequency: HID Prox in an OMNIKEY reader.
    const PROX: [u8; 20] = [0x3B, 0x8F, 0x80, 1, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6, 0x40, 0, 0, 0, 0, 0, 0, 0x28];

    fn begin(atr: &[u8]) -> Conversation {
        Conversation::new(&Protocols::built_in().scripts, atr, "OMNIKEY")
    }

    /// Whatever is asked, this answers where a command begins so; anything else is refused.
    fn read(conversation: &mut Conversation, answers: &[(&[u8], &[u8])]) -> Presentation {
        let mut next = conversation.begin();
        loop {
            match next {
                Next::Done(read) => return *read,
                Next::SayWithKey(..) => next = conversation.answer(&[]),
                Next::Say(said) => {
                    let answer = answers.iter().find(|(command, _)| said.starts_with(command));
                    next = conversation.answer(answer.map_or(&[0x6A, 0x81], |(_, answer)| answer));
                }
            }
        }
    }

    #[test]
    fn a_serial_number_and_a_tagged_answer_come_with_the_check_of_the_cards_frames() {
        let uid: (&[u8], &[u8]) = (&[0xFF, 0xCA, 0, 0], &[0x66, 0xCF, 0x4D, 0xC2, 0x90, 0]);
        let card = read(&mut begin(&MIFARE), &[uid]);
        assert_eq!((card.csn.is_some(), card.check_bits), (true, 16));
        let bits: (&[u8], &[u8]) = (&[0xFF, 0x70], &[0x9D, 8, 3, 6, 5, 0x81, 0xED, 0xBE, 0x15, 0x60, 0x90, 0]);
        let card = read(&mut begin(&PROX), &[bits]);
        assert_eq!((card.bits.map(|bits| bits.len()), card.check_bits), (Some(35), 16));
        assert_eq!(read(&mut begin(&MIFARE), &[]).check_bits, 0, "nothing was read");
    }

    #[test]
    fn text_of_a_reader_and_bits_in_an_atr_have_the_check_that_the_script_says() {
        let text = b"FAC 27\x0040037\x00CSN \x90\x00";
        let card = read(&mut begin(&PROX), &[(&[0xFF, 0xCA, 1], text)]);
        assert_eq!((card.kind, card.check_bits), (Kind::Number, 0));
        assert_eq!(read(&mut begin(&[0x3B, 5, 0, 0, 2, 0x25, 0x64]), &[]).check_bits, 0);
        // Behind this one stands an exclusive or of 8 bits.
        let checked = [0x3B, 0x88, 1, 0, 3, 5, 6, 0x80, 0x86, 0x98, 0xC0, 0xD7];
        assert_eq!(read(&mut begin(&checked), &[]).check_bits, 8);
    }

    #[test]
    fn a_card_is_read_a_second_time_from_the_beginning_and_may_answer_otherwise() {
        let mut first = begin(&MIFARE);
        assert!(first.again().is_none(), "it has not been read yet");
        let (one, other) = ([0x66, 0xCF, 0x4D, 0xC2, 0x90, 0], [0x66, 0xCF, 0x4D, 0xC3, 0x90, 0]);
        let card = read(&mut first, &[(&[0xFF, 0xCA], &one)]);
        let again = |answer: &[u8]| read(&mut first.again().unwrap(), &[(&[0xFF, 0xCA], answer)]);
        assert_eq!(again(&one), card);
        assert_ne!(again(&other).identity(), card.identity());
    }

    #[test]
    fn a_number_in_the_atr_is_not_read_a_second_time_by_asking() {
        let mut first = begin(&[0x3B, 5, 0, 0, 2, 0x25, 0x64]);
        read(&mut first, &[]);
        assert!(first.again().is_none());
    }
}
