//! A card's conversation as a pure machine: the ATR, then answers in; commands out, at last a presentation.
//!
//! Every script that applies speaks in turn; one that yields a number or a serial number adds it, one whose answer is not
//! as wanted adds nothing. Once there is a number, scripts for another one are left out. More data waiting (61xx) and a
//! wrong length (6Cxx) are followed up here. Never: a partial answer taken for a whole one, a key (only its name), and
//! never more than [`MOST_COMMANDS`] commands to one card.

use std::{collections::VecDeque, sync::Arc};

use super::{
    apdu::Response,
    script::{Piece, Script, Step},
    taking::{Taken, take_from, take_from_atr},
};
use crate::card::{Csn, Kind, PROTECTED, Presentation, SmartCard, WORTHLESS, to_hex};

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
    csn: Option<Csn>,
    is_protected: bool,
    about: SmartCard,
}

impl Conversation {
    /// Begins with a card: the scripts that apply to its ATR in this reader, in their order.
    #[must_use]
    pub fn new(scripts: &[Arc<Script>], atr: &[u8], reader: &str) -> Self {
        let mut scripts: Vec<_> = scripts.iter().filter(|script| script.applies(atr, reader)).cloned().collect();
        scripts.sort_by(|a, b| a.order.cmp(&b.order).then_with(|| a.id.cmp(&b.id)));
        Self {
            scripts: scripts.into(),
            atr: atr.to_vec(),
            step: 0,
            said: Vec::new(),
            collected: Vec::new(),
            kept: Vec::new(),
            commands: 0,
            heard: Vec::new(),
            found: None,
            csn: None,
            is_protected: false,
            about: SmartCard { atr: to_hex(atr), ..SmartCard::default() },
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
                let Some(card) = take_from_atr(said, &self.atr) else {
                    self.scripts.pop_front();
                    continue;
                };
                self.heard.clone_from(&self.atr);
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
            self.csn = self.csn.take().or(card.csn);
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
        card.csn = self.csn.take();
        if is_serial_only {
            card.bits = card.csn.as_ref().map(Csn::bits);
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
