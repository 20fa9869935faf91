//! A port that is listened to before anybody knows what is spoken there: bytes out, line settings and questions in.
//!
//! It writes nothing but what it is given. When the port goes, the last thing heard is why.

use serialport::{ClearBuffer, SerialPort as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};
use tokio_serial::SerialStream;

use super::{
    serial::{WRITE_WAIT, cannot_open, set, settings},
    unplugged, unreadable, unwritable,
};
use crate::reader::LineSettings;

/// A port that is listened to; dropped, it is closed.
pub struct Listening {
    passed: UnboundedReceiver<Passed>,
    wishes: UnboundedSender<Wish>,
}

/// What happens at the port, in order.
enum Passed {
    Bytes(Vec<u8>),
    /// The line is set anew: what follows came at the new settings.
    Set,
    /// Nothing more will come, and why.
    Failed(String),
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
        let port = SerialStream::open(&settings(path, line)).map_err(|error| cannot_open(path, &error))?;
        port.clear(ClearBuffer::Input).map_err(|error| format!("{path} cannot be read: {error}"))?;
        let (wishes, wanted) = unbounded_channel();
        let (tell, passed) = unbounded_channel();
        let path = path.to_owned();
        tokio::spawn(async move {
            if let Err(why) = serve(&path, port, &tell, wanted).await {
                drop(tell.send(Passed::Failed(why)));
            }
        });
        Ok(Self { passed, wishes })
    }

    /// The bytes that come next.
    ///
    /// # Errors
    /// Why nothing will be heard any more.
    pub async fn heard(&mut self) -> Result<Vec<u8>, String> {
        loop {
            match self.passed.recv().await {
                Some(Passed::Bytes(bytes)) => return Ok(bytes),
                Some(Passed::Set) => {}
                Some(Passed::Failed(why)) => return Err(why),
                None => return Err("the port is no longer listened to".to_owned()),
            }
        }
    }

    /// Sets the line anew and waits until it is: a card that is shown once this returns is heard at the new settings. What came at
    /// the old ones and was not heard yet is dropped.
    ///
    /// # Errors
    /// Why nothing will be heard any more.
    pub async fn set(&mut self, line: LineSettings) -> Result<(), String> {
        drop(self.wishes.send(Wish::Set(line)));
        loop {
            match self.passed.recv().await {
                Some(Passed::Bytes(_)) => {}
                Some(Passed::Set) => return Ok(()),
                Some(Passed::Failed(why)) => return Err(why),
                None => return Err("the port is no longer listened to".to_owned()),
            }
        }
    }

    /// Writes these bytes.
    pub fn say(&self, bytes: Vec<u8>) {
        drop(self.wishes.send(Wish::Say(bytes)));
    }
}

/// Serves the port until nobody listens; or says why it failed.
async fn serve(
    path: &str,
    mut port: SerialStream,
    tell: &UnboundedSender<Passed>,
    mut wanted: UnboundedReceiver<Wish>,
) -> Result<(), String> {
    let mut buffer = [0; 4096];
    loop {
        tokio::select! {
            read = port.read(&mut buffer) => match read {
                Ok(0) => return Err(unplugged(path)),
                Ok(count) => drop(tell.send(Passed::Bytes(buffer.get(..count).unwrap_or_default().to_vec()))),
                Err(error) => return Err(unreadable(path, &error)),
            },
            wish = wanted.recv() => match wish {
                None => return Ok(()),
                Some(Wish::Set(line)) => {
                    let done = set(&mut port, line).and_then(|()| port.clear(ClearBuffer::Input));
                    done.map_err(|error| format!("{path} cannot be set: {error}"))?;
                    drop(tell.send(Passed::Set));
                }
                Some(Wish::Say(bytes)) => if let Ok(Err(error)) = timeout(WRITE_WAIT, port.write_all(&bytes)).await {
                    return Err(unwritable(path, &error));
                },
            },
        }
    }
}
