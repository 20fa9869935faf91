//! A reader's slot: a TCP port into which one card client at a time is put.
//!
//! In: connections to 127.0.0.1. A client that connects is a card inserted, one that goes is a card
//! removed; the next waits in the backlog meanwhile, and the slot is seen empty between the two.
//!
//! Out: vpcd's messages, so that the same client works with Debian's vpcd too: a big-endian u16
//! length and a body. A body of one byte is 0 power off, 1 power on, 2 reset, or 4 "your ATR?",
//! which the card answers with its ATR (a mute one with an empty body). Any longer body is an APDU,
//! which it answers with the response.
//!
//! Never: it does not look on a timer, and it does not go on with a card that broke off a conversation: what
//! came next would answer another question.

use std::ffi::{c_int, c_short, c_ulong};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::TcpStreamExt;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A card that has not answered by then counts as removed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Only [`Slot::wait`] puts a card in or takes it out, one change a call: so pcscd, which looks
/// after each call, misses none.
pub struct Slot {
    port: TcpListener,
    card: Mutex<Option<Arc<Card>>>,
    atr: Mutex<Vec<u8>>,
    bell: (UnixStream, UnixStream),
}

impl Slot {
    pub fn open(port: u16) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let bell = UnixStream::pair()?;
        port.set_nonblocking(true)?;
        bell.0.set_nonblocking(true)?;
        bell.1.set_nonblocking(true)?;
        Ok(Self { port, card: Mutex::new(None), atr: Mutex::new(Vec::new()), bell })
    }

    pub fn card(&self) -> Option<Arc<Card>> {
        lock(&self.card).clone()
    }

    pub fn atr(&self) -> Vec<u8> {
        lock(&self.atr).clone()
    }

    pub fn keep_atr(&self, atr: &[u8]) {
        *lock(&self.atr) = atr.to_vec();
    }

    /// Until a card comes or goes, or the bell rings, or the time is over.
    pub fn wait(&self, milliseconds: c_int) {
        let held = self.card();
        let change = match &held {
            Some(card) => (card.0.as_raw_fd(), POLLRDHUP),
            None => (self.port.as_raw_fd(), POLLIN),
        };
        let [changed, rung] = poll_for([change, (self.bell.1.as_raw_fd(), POLLIN)], milliseconds);
        if rung {
            let _ = (&self.bell.1).read(&mut [0; 64]);
        }
        if changed {
            *lock(&self.card) = if held.is_some() { None } else { self.accept().ok() };
        }
    }

    /// Ends the wait of another thread, or else the next one. A bell that is full rings already.
    pub fn ring(&self) {
        let _ = (&self.bell.0).write(&[1]);
    }

    fn accept(&self) -> io::Result<Arc<Card>> {
        let (card, _) = self.port.accept()?;
        card.set_nodelay(true)?;
        card.set_read_timeout(Some(PATIENCE))?;
        card.set_write_timeout(Some(PATIENCE))?;
        Ok(Arc::new(Card(card)))
    }
}

/// A card client's connection.
pub struct Card(TcpStream);

impl Card {
    pub fn is_there(&self) -> bool {
        poll_for([(self.0.as_raw_fd(), POLLRDHUP)], 0) == [false]
    }

    /// The ATR, empty if the card is mute.
    pub fn power_on(&self) -> io::Result<Vec<u8>> {
        self.send(&[1])?;
        self.ask(&[4])
    }

    /// The ATR, empty if the card is mute.
    pub fn reset(&self) -> io::Result<Vec<u8>> {
        self.send(&[2])?;
        self.ask(&[4])
    }

    pub fn power_off(&self) -> io::Result<()> {
        self.send(&[0])
    }

    /// The response. Less than a header is refused here: the card would take it for a power command.
    pub fn transmit(&self, apdu: &[u8]) -> io::Result<Vec<u8>> {
        if apdu.len() < 4 {
            return Err(ErrorKind::InvalidInput.into());
        }
        let response = self.ask(apdu)?;
        if response.is_empty() { Err(ErrorKind::InvalidData.into()) } else { Ok(response) }
    }

    fn ask(&self, body: &[u8]) -> io::Result<Vec<u8>> {
        self.send(body)?;
        let mut length = [0; 2];
        self.fill(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        self.fill(&mut answer)?;
        Ok(answer)
    }

    fn send(&self, body: &[u8]) -> io::Result<()> {
        let length = u16::try_from(body.len()).map_err(|_| ErrorKind::InvalidInput)?;
        let message = [&length.to_be_bytes(), body].concat();
        (&self.0).write_all(&message).inspect_err(|_| self.put_out())
    }

    /// Acknowledges at once: a client that writes length and body apart would wait for it, 44 ms.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.0.set_quickack(true)?;
        (&self.0).read_exact(bytes).inspect_err(|_| self.put_out())
    }

    fn put_out(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const POLLIN: c_short = 0x0001;
/// On Linux: the other end has closed, whatever is still unread. Errors are reported unasked.
const POLLRDHUP: c_short = 0x2000;

#[repr(C)]
struct PollFd {
    fd: RawFd,
    events: c_short,
    revents: c_short,
}

unsafe extern "C" {
    fn poll(fds: *mut PollFd, count: c_ulong, milliseconds: c_int) -> c_int;
}

fn poll_for<const N: usize>(events: [(RawFd, c_short); N], milliseconds: c_int) -> [bool; N] {
    let mut fds = events.map(|(fd, events)| PollFd { fd, events, revents: 0 });
    // SAFETY: poll(2) on an array of our own, with its true length.
    unsafe { poll(fds.as_mut_ptr(), fds.len() as c_ulong, milliseconds) };
    fds.map(|fd| fd.revents != 0)
}
