//! One PC/SC reader and its cards, in a thread and with a context of its own: a slow card holds up nobody else.
//!
//! In: what the watch saw there, and what is to be said. Out: a card and its answers, in their order. Never: an answer of one
//! card behind the announcement of the next, and a key anywhere but in the command to the card.

use std::{
    ffi::CString,
    sync::{
        Arc,
        mpsc::{Receiver, RecvError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use pcsc::{Card, Context, Disposition, Error, MAX_BUFFER_SIZE_EXTENDED, Protocols, ShareMode, ctl_code};

use super::{establish, explain_later, keys::Keys};
use crate::{
    drivers::Common,
    reader::{ReaderCommand, ReaderEvent, ReaderName, Signal},
    smartcard::reader::Model,
};

/// How long a card may be busy elsewhere before it is given up.
const SHARED_CARD_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a card may take to say its first word, or one that was seen too early to be there.
const SETTLING: Duration = Duration::from_millis(500);

/// Held while a card is talked to. Nothing is ever sent through it.
pub(super) type Talks = Sender<std::convert::Infallible>;

/// What a talking thread is told.
pub(super) enum Instruction {
    /// A card is there.
    CardIn {
        /// Its ATR, empty while it is mute.
        atr: Vec<u8>,
        /// It lay there when the reader was first looked at.
        lay_there: bool,
        /// Let go once nothing more is said to the card.
        talks: Talks,
    },
    /// It has gone.
    CardOut,
    /// Something is to be said.
    Command(ReaderCommand),
}

/// Talks to the cards on one reader.
pub(super) struct Talker {
    pub(super) name: ReaderName,
    pub(super) path: CString,
    pub(super) common: Common,
    pub(super) told: Receiver<Instruction>,
    pub(super) keys: Keys,
    pub(super) model: Option<Arc<Model>>,
}

/// The reader is no longer wanted.
struct Ended;

impl From<RecvError> for Ended {
    fn from(_: RecvError) -> Self {
        Self
    }
}

impl Talker {
    pub(super) fn run(self) {
        let mut session = Session {
            talker: &self,
            context: establish().ok(),
            talks: None,
            owed: false,
            skip: 0,
            buffer: vec![0; MAX_BUFFER_SIZE_EXTENDED],
        };
        // The watch lets go of a reader by hanging up.
        let Err(Ended) = session.serve();
    }
}

struct Session<'a> {
    talker: &'a Talker,
    context: Option<Context>,
    talks: Option<Talks>,
    /// A command is still to come, in answer to what was reported last.
    owed: bool,
    /// So many commands are still to come that were meant for cards which have gone.
    skip: usize,
    buffer: Vec<u8>,
}

impl Session<'_> {
    fn serve(&mut self) -> Result<std::convert::Infallible, Ended> {
        let mut next = self.next()?;
        loop {
            next = match next {
                Instruction::CardIn { atr, lay_there, talks } => {
                    self.talks = Some(talks);
                    self.card(atr, lay_there)?
                }
                Instruction::CardOut => {
                    self.report(ReaderEvent::CardOut);
                    self.next()?
                }
                Instruction::Command(ReaderCommand::Signal(signal)) => {
                    self.show(signal);
                    self.next()?
                }
                Instruction::Command(_) => self.next()?,
            };
        }
    }

    /// What is told next. A command that was meant for a card which has gone is passed over.
    fn next(&mut self) -> Result<Instruction, Ended> {
        loop {
            if !self.owed {
                self.talks = None;
            }
            let talk = self.talker.told.recv()?;
            let is_answer =
                matches!(talk, Instruction::Command(ReaderCommand::Write(_) | ReaderCommand::WriteWithKey(..) | ReaderCommand::Release));
            match (is_answer, self.skip) {
                (false, _) => return Ok(talk),
                (true, 0) => {
                    self.owed = false;
                    return Ok(talk);
                }
                (true, _) => self.skip -= 1,
            }
        }
    }

    /// Serves one card until it is released, fails, or goes; says what comes then.
    fn card(&mut self, atr: Vec<u8>, lay_there: bool) -> Result<Instruction, Ended> {
        // Announced before it is connected to: what is to be asked is known by the time it is there. A mute card may still speak.
        let is_mute = atr.is_empty();
        if !is_mute {
            self.announce(atr, lay_there);
        }
        let mut card = match self.connect() {
            Ok(card) => card,
            Err(error) => return self.failed(error),
        };
        if is_mute {
            match card.status2_owned() {
                Ok(status) => self.announce(status.atr().to_vec(), lay_there),
                Err(error) => return self.failed(error),
            }
        }
        let mut was_reset = false;
        let next = loop {
            let talk = self.next()?;
            let said = match &talk {
                Instruction::Command(ReaderCommand::Write(command)) => self.say(&card, command),
                Instruction::Command(ReaderCommand::WriteWithKey(command, name)) => match self.talker.keys.get(name) {
                    Some(key) => self.say(&card, &[command.as_slice(), key].concat()),
                    None => {
                        self.answer(Vec::new());
                        Ok(())
                    }
                },
                Instruction::Command(ReaderCommand::Signal(_)) => Ok(()),
                Instruction::Command(ReaderCommand::Release) => {
                    // Dropping the card would reset it.
                    drop(card.disconnect(Disposition::LeaveCard));
                    return self.next();
                }
                Instruction::CardIn { .. } | Instruction::CardOut => break talk,
            };
            match said {
                Ok(()) => {}
                // Somebody else reset the card: begin anew, once.
                Err(Error::ResetCard) if !was_reset => {
                    was_reset = true;
                    match card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard).and_then(|()| card.status2_owned()) {
                        Ok(status) => self.announce(status.atr().to_vec(), lay_there),
                        Err(error) => break self.failed(error)?,
                    }
                }
                Err(error) => break self.failed(error)?,
            }
        };
        // What is still to come for this card is for no other.
        self.skip += usize::from(std::mem::take(&mut self.owed));
        drop(card.disconnect(Disposition::LeaveCard));
        Ok(next)
    }

    /// Connects, with patience for a card that another program holds, that was seen too early, or that is slow to wake up.
    fn connect(&mut self) -> Result<Card, Error> {
        let began = Instant::now();
        let context = match self.context.take() {
            Some(context) => context,
            None => establish()?,
        };
        let connected = loop {
            let again = match context.connect(&self.talker.path, ShareMode::Shared, Protocols::ANY) {
                Err(Error::SharingViolation) => SHARED_CARD_TIMEOUT,
                Err(Error::NoSmartcard | Error::NotTransacted | Error::CommDataLost | Error::UnresponsiveCard | Error::UnpoweredCard) => {
                    SETTLING
                }
                other => break other,
            };
            if began.elapsed() >= again {
                break context.connect(&self.talker.path, ShareMode::Shared, Protocols::ANY);
            }
            thread::sleep(Duration::from_millis(20));
        };
        // A context that saw the service die is of no use any more.
        let is_dead = matches!(connected, Err(Error::NoService | Error::ServiceStopped | Error::CommError | Error::InvalidHandle));
        self.context = (!is_dead).then_some(context);
        connected
    }

    fn say(&mut self, card: &Card, command: &[u8]) -> Result<(), Error> {
        let answer = card.transmit(command, &mut self.buffer)?.to_vec();
        self.answer(answer);
        Ok(())
    }

    fn announce(&mut self, atr: Vec<u8>, lay_there: bool) {
        self.owed = true;
        self.report(ReaderEvent::CardIn { atr, device: self.talker.path.to_string_lossy().into_owned(), lay_there });
    }

    fn answer(&mut self, answer: Vec<u8>) {
        self.owed = true;
        self.report(ReaderEvent::Answer(answer));
    }

    fn failed(&mut self, error: Error) -> Result<Instruction, Ended> {
        self.skip += usize::from(std::mem::take(&mut self.owed));
        self.report(ReaderEvent::CardFailed { why: explain_later(error) });
        self.next()
    }

    /// Shows something with the reader's lights and sounds. Not every system lets it, and a card is not the less read for it.
    fn show(&mut self, signal: Signal) {
        let Some(model) = &self.talker.model else { return };
        let said = model.signals.iter().filter(|(shown, _)| *shown == signal).flat_map(|(_, said)| said);
        let Some(context) = &self.context else { return };
        for command in said {
            let path = &self.talker.path;
            let by_card = context.connect(path, ShareMode::Shared, Protocols::ANY).and_then(|card| {
                let said = card.transmit(command, &mut self.buffer).map(drop);
                drop(card.disconnect(Disposition::LeaveCard));
                said
            });
            if by_card.is_ok() {
                continue;
            }
            let alone = context.connect(path, ShareMode::Direct, Protocols::UNDEFINED).and_then(|card| {
                // A command for the reader itself: 1 where libccid drives it, 3500 under Windows.
                let said = card.control(ctl_code(if cfg!(windows) { 3500 } else { 1 }), command, &mut self.buffer).map(drop);
                drop(card.disconnect(Disposition::LeaveCard));
                said
            });
            if let Err(error) = alone {
                tracing::debug!(reader = %self.talker.name, %error, "the reader cannot show anything");
                return;
            }
        }
    }

    fn report(&self, event: ReaderEvent) {
        drop(self.talker.common.events.send((self.talker.name.clone(), event)));
    }
}
