//! A smart card that is inserted by connecting to a virtual reader and removed by hanging up.
//!
//! In: the messages of vpcd, from Debian's vpcd or from `tests/virtual-reader`: a big-endian u16
//! length and a body. A body of one byte is 0 power off, 1 power on, 2 reset, or 4 "your ATR?"; any
//! longer body is an APDU.
//!
//! Out: the answers of a [`CardScript`], and what was asked ([`VirtualCard::apdus`]).
//!
//! Never: it knows no card of its own and computes nothing. What a script does not list gets its
//! one other answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a reader that is just starting is waited for.
const READER_PATIENCE: Duration = Duration::from_secs(2);
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// What a card says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardScript {
    /// The answer to reset. An empty one makes a mute card.
    pub atr: Vec<u8>,
    /// C-APDUs and the R-APDU of each, status word included; the first that is equal counts.
    pub answers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The R-APDU to everything else, such as `6A 81`. An empty one is a fault of the card.
    pub otherwise: Vec<u8>,
    /// How long the card thinks before each R-APDU.
    pub delay: Duration,
}

impl CardScript {
    fn answer(&self, apdu: &[u8]) -> &[u8] {
        let listed = self.answers.iter().find(|(command, _)| command == apdu);
        listed.map_or(&self.otherwise, |(_, response)| response)
    }
}

/// A card in a reader. Dropping it removes it.
///
/// It stays out once its reader is gone: a card in a reader that starts again is inserted again.
#[derive(Debug)]
pub struct VirtualCard {
    line: TcpStream,
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
    held: Option<(Sender<()>, JoinHandle<io::Result<()>>)>,
}

impl VirtualCard {
    /// Puts a card into the reader whose cards connect to `addr`. A reader that is not there yet is
    /// tried again for 2 s.
    ///
    /// It returns when the connection stands; the reader notices the card a moment later.
    pub fn insert(addr: SocketAddr, script: CardScript) -> io::Result<Self> {
        let line = connect(addr)?;
        line.set_nodelay(true)?;
        let asked = Arc::default();
        let (hold, held) = channel();
        let card = Card { line: line.try_clone()?, script, asked: Arc::clone(&asked), held };
        let thread = thread::Builder::new().name("virtual card".to_owned()).spawn(move || card.serve())?;
        Ok(Self { line, asked, held: Some((hold, thread)) })
    }

    /// The APDUs asked so far, oldest first, also the one still being answered.
    pub fn apdus(&self) -> Vec<Vec<u8>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the card out, in the middle of an answer if need be.
    pub fn remove(self) {}
}

impl Drop for VirtualCard {
    fn drop(&mut self) {
        let _ = self.line.shutdown(Shutdown::Both);
        if let Some((hold, thread)) = self.held.take() {
            drop(hold);
            let _ = thread.join();
        }
    }
}

fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let deadline = Instant::now() + READER_PATIENCE;
    loop {
        match TcpStream::connect_timeout(&addr, READER_PATIENCE) {
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => thread::sleep(RETRY_PAUSE),
            Ok(line) => return Ok(line),
        }
    }
}

/// The card's own side, in its thread.
struct Card {
    line: TcpStream,
    script: CardScript,
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
    held: Receiver<()>,
}

impl Card {
    /// Until the line closes, from either end.
    fn serve(mut self) -> io::Result<()> {
        loop {
            let message = self.hear()?;
            match message.as_slice() {
                [] | [0..=2] => {}
                [4] => say(&mut self.line, &self.script.atr)?,
                apdu => {
                    self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(apdu.to_vec());
                    self.think()?;
                    say(&mut self.line, self.script.answer(apdu))?;
                }
            }
        }
    }

    fn hear(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 2];
        self.line.read_exact(&mut length)?;
        acknowledge(&self.line)?;
        let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
        self.line.read_exact(&mut body)?;
        acknowledge(&self.line)?;
        Ok(body)
    }

    /// Waits, but not once the card is out.
    fn think(&self) -> io::Result<()> {
        if self.script.delay.is_zero() {
            return Ok(());
        }
        match self.held.recv_timeout(self.script.delay) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            _ => Err(ErrorKind::ConnectionAborted.into()),
        }
    }
}

/// One write: the reader's end may not acknowledge the first of two before 44 ms are over.
fn say(line: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    let length = u16::try_from(body.len()).map_err(|_| ErrorKind::InvalidInput)?;
    line.write_all(&[&length.to_be_bytes(), body].concat())
}

/// Debian's vpcd writes length and body apart, and would wait 44 ms for each acknowledgement.
#[cfg(target_os = "linux")]
fn acknowledge(line: &TcpStream) -> io::Result<()> {
    std::os::linux::net::TcpStreamExt::set_quickack(line, true)
}

#[cfg(not(target_os = "linux"))]
fn acknowledge(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    fn script(delay: Duration) -> CardScript {
        CardScript {
            atr: vec![0x3B, 0x80, 0x80, 0x01, 0x01],
            answers: vec![(vec![0xFF, 0xCA, 0, 0, 0], vec![1, 2, 3, 4, 0x90, 0])],
            otherwise: vec![0x6A, 0x81],
            delay,
        }
    }

    fn insert(delay: Duration) -> io::Result<(VirtualCard, TcpStream)> {
        let reader = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let card = VirtualCard::insert(reader.local_addr()?, script(delay))?;
        Ok((card, reader.accept()?.0))
    }

    fn ask(reader: &mut TcpStream, body: &[u8]) -> io::Result<Vec<u8>> {
        say(reader, body)?;
        let mut length = [0; 2];
        reader.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        reader.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn a_card_answers_by_its_script_and_remembers_the_apdus() -> io::Result<()> {
        let (card, mut reader) = insert(Duration::ZERO)?;
        for power in [1, 0, 2] {
            say(&mut reader, &[power])?;
        }
        assert_eq!(ask(&mut reader, &[4])?, [0x3B, 0x80, 0x80, 0x01, 0x01]);
        assert_eq!(ask(&mut reader, &[0xFF, 0xCA, 0, 0, 0])?, [1, 2, 3, 4, 0x90, 0]);
        assert_eq!(ask(&mut reader, &[0, 0xA4, 4, 0])?, [0x6A, 0x81]);
        assert_eq!(card.apdus(), [vec![0xFF, 0xCA, 0, 0, 0], vec![0, 0xA4, 4, 0]]);
        Ok(())
    }

    #[test]
    fn a_card_removed_while_it_thinks_is_out_at_once_and_answers_no_more() -> io::Result<()> {
        let (card, mut reader) = insert(Duration::from_secs(60))?;
        say(&mut reader, &[0, 0xA4, 4, 0])?;
        while card.apdus().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        card.remove();
        assert_eq!(reader.read(&mut [0; 8])?, 0);
        Ok(())
    }

    #[test]
    fn a_reader_that_is_not_there_is_an_error() -> io::Result<()> {
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let error = VirtualCard::insert(addr, CardScript::default()).map(VirtualCard::remove);
        assert_eq!(error.map_err(|error| error.kind()), Err(ErrorKind::ConnectionRefused));
        Ok(())
    }
}
