//! A port that is listened to before anybody knows what is spoken there: bytes out, line settings and questions in.
//!
//! It writes nothing but what it is given. When the port goes, the last thing heard is why.

use std::{
    io::{ErrorKind, Read, Write},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use serialport::{ClearBuffer, SerialPort, TTYPort};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::serial::{cannot_open, open, set, unplugged};
use crate::decode::dialect::LineSettings;

/// A port that is listened to; dropped, it is closed.
pub struct Listening {
    /// What is heard, or why nothing will be heard any more.
    pub heard: UnboundedReceiver<Result<Vec<u8>, String>>,
    wishes: Sender<Wish>,
}

enum Wish {
    Set(LineSettings),
    Say(Vec<u8>),
}

impl Listening {
    /// Opens the port for this process alone. What came before is nobody's card.
    ///
    /// # Errors
    /// Why it cannot be opened, and what to do.
    pub fn open(path: &str, line: LineSettings) -> Result<Self, String> {
        let port = open(path, line).map_err(|error| cannot_open(path, &error))?;
        port.clear(ClearBuffer::Input).map_err(|error| format!("{path} cannot be read: {error}"))?;
        let (wishes, wanted) = channel();
        let (tell, heard) = unbounded_channel();
        let path = path.to_owned();
        let run = move || {
            let why = serve(&path, port, &tell, &wanted);
            drop(tell.send(Err(why)));
        };
        thread::Builder::new().name("listening".to_owned()).spawn(run).map_err(|error| format!("no thread: {error}"))?;
        Ok(Self { heard, wishes })
    }

    /// Sets the line anew; what came at the old settings and was not heard yet is dropped.
    pub fn set(&self, line: LineSettings) {
        drop(self.wishes.send(Wish::Set(line)));
    }

    /// Writes these bytes.
    pub fn say(&self, bytes: Vec<u8>) {
        drop(self.wishes.send(Wish::Say(bytes)));
    }
}

/// Serves the port until it fails or nobody listens; says why it ended.
fn serve(path: &str, mut port: TTYPort, tell: &UnboundedSender<Result<Vec<u8>, String>>, wanted: &Receiver<Wish>) -> String {
    let mut buffer = [0; 4096];
    while !tell.is_closed() {
        for wish in wanted.try_iter() {
            let done = match wish {
                Wish::Set(line) => set(&mut port, line).and_then(|()| port.clear(ClearBuffer::Input)).map_err(|error| error.to_string()),
                Wish::Say(bytes) => port.write_all(&bytes).map_err(|error| error.to_string()),
            };
            if let Err(error) = done {
                return format!("{path} cannot be set or written: {error}");
            }
        }
        match port.read(&mut buffer) {
            Ok(0) => return unplugged(path),
            Ok(count) => drop(tell.send(Ok(buffer.get(..count).unwrap_or_default().to_vec()))),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return unplugged(path),
            Err(error) => return format!("{path} cannot be read: {error}"),
        }
    }
    "nobody listens any more".to_owned()
}
