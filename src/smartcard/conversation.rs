//! A card's conversation as a pure machine: the ATR, then answers in; commands out, at last a presentation.
//!
//! Every script that applies speaks in turn; one that yields bits or a serial number adds it, one whose answer is not
//! as wanted adds nothing. More data waiting (61xx) and a wrong length (6Cxx) are followed up here. Never: a partial
//! answer taken for a whole one, and never more than [`MOST_COMMANDS`] commands to one card.

use std::{collections::VecDeque, sync::Arc};

use iso7816_tlv::ber::{Tag, Tlv, Value};

use super::{
    apdu::Response,
    script::{Script, Step, Take},
};
use crate::card::{Csn, Kind, PacsBits, Presentation, to_hex};

/// The most commands said to one card: a card that never ends is given up.
pub const MOST_COMMANDS: usize = 256;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Say this command and come back with the answer.
    Say(Vec<u8>),
    /// The card has been read.
    Done(Box<Presentation>),
}

/// One card's conversation.
#[derive(Debug)]
pub struct Conversation {
    scripts: VecDeque<Arc<Script>>,
    step: usize,
    said: Vec<u8>,
    collected: Vec<u8>,
    commands: usize,
    heard: Vec<u8>,
    bits: Option<(Kind, PacsBits)>,
    csn: Option<Csn>,
}

impl Conversation {
    /// Begins with a card: the scripts that apply to its ATR in this reader, in their order.
    #[must_use]
    pub fn new(scripts: &[Arc<Script>], atr: &[u8], reader: &str) -> Self {
        let mut scripts: Vec<_> = scripts.iter().filter(|script| script.applies(atr, reader)).cloned().collect();
        scripts.sort_by(|a, b| a.order.cmp(&b.order).then_with(|| a.id.cmp(&b.id)));
        Self {
            scripts: scripts.into(),
            step: 0,
            said: Vec::new(),
            collected: Vec::new(),
            commands: 0,
            heard: Vec::new(),
            bits: None,
            csn: None,
        }
    }

    /// The first command, or the end where no script applies.
    pub fn begin(&mut self) -> Next {
        match self.current() {
            Some(step) => self.say(step.say),
            None => self.done(),
        }
    }

    /// Takes an answer and says what comes next.
    pub fn answer(&mut self, answer: &[u8]) -> Next {
        let Some(response) = Response::parse(answer) else { return self.next_script() };
        self.collected.extend_from_slice(response.data);
        let [_, low] = response.status.to_be_bytes();
        match response.status >> 8 {
            0x61 => self.say(vec![0x00, 0xC0, 0x00, 0x00, low]),
            // The right length is told; the same command again with it.
            0x6C if has_le(&self.said) && self.said.last() != Some(&low) => {
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
        let Some(step) = self.current() else { return self.done() };
        if status != step.want || !self.take(&step, &answer) {
            return self.next_script();
        }
        self.step += 1;
        match self.current() {
            Some(step) => self.say(step.say),
            None => self.next_script(),
        }
    }

    /// Takes what a step wants from its answer; false where it is not there.
    fn take(&mut self, step: &Step, answer: &[u8]) -> bool {
        let Some(kind) = self.scripts.front().map(|script| script.kind) else { return false };
        let Some(value) = walk(&step.path, answer) else { return false };
        let taken = match step.take {
            Take::Nothing => true,
            Take::Bytes => match Csn::new(&value) {
                Some(csn) => {
                    self.csn.get_or_insert(csn);
                    true
                }
                None => false,
            },
            Take::BitString => match bit_string(&value) {
                Some(bits) => {
                    self.bits.get_or_insert((kind, bits));
                    true
                }
                None => false,
            },
        };
        if taken {
            self.heard.extend_from_slice(answer);
        }
        taken
    }

    fn current(&self) -> Option<Step> {
        self.scripts.front().and_then(|script| script.steps.get(self.step)).cloned()
    }

    fn next_script(&mut self) -> Next {
        self.collected.clear();
        self.step = 0;
        self.scripts.pop_front();
        self.begin()
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
        let kind = self.bits.map_or(Kind::Csn, |(kind, _)| kind);
        let mut presentation = Presentation::of(kind);
        presentation.bits = self.bits.map(|(_, bits)| bits).or_else(|| self.csn.as_ref().map(Csn::bits));
        presentation.csn = self.csn.take();
        presentation.raw = to_hex(&self.heard);
        Next::Done(Box::new(presentation))
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

/// Goes down through the tags; the value of the last one, or all of the answer where no tags are named.
fn walk(path: &[u8], answer: &[u8]) -> Option<Vec<u8>> {
    let mut value = answer.to_vec();
    for tag in path {
        let wanted = Tag::try_from(*tag).ok()?;
        value = children(&value).into_iter().find(|tlv| *tlv.tag() == wanted).map(|tlv| contents(tlv.value()))?;
    }
    Some(value)
}

fn children(bytes: &[u8]) -> Vec<Tlv> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (parsed, after) = Tlv::parse(rest);
        let Ok(tlv) = parsed else { break };
        found.push(tlv);
        if after.len() >= rest.len() {
            break;
        }
        rest = after;
    }
    found
}

fn contents(value: &Value) -> Vec<u8> {
    match value {
        Value::Primitive(bytes) => bytes.clone(),
        Value::Constructed(inner) => inner.iter().flat_map(Tlv::to_vec).collect(),
    }
}

fn bit_string(value: &[u8]) -> Option<PacsBits> {
    let (unused, bytes) = value.split_first()?;
    let len = (bytes.len() * 8).checked_sub(usize::from(*unused)).filter(|_| *unused < 8)?;
    PacsBits::from_left_aligned(bytes, len).ok()
}
