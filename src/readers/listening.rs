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

use super::serial::{WRITE_WAIT, cannot_open, set, settings, unplugged};
use crate::decode::dialect::LineSettings;

/// A port that is listened to; dropped, it is closed.
pub struct Listening {
    /// What is heard, or why nothing will be heard any more.
    pub heard: UnboundedReceiver<Result<Vec<u8>, String>>,
    wishes: UnboundedSender<Wish>,
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
        let (tell, heard) = unbounded_channel();
        let path = path.to_owned();
        tokio::spawn(async move {
            if let Err(why) = serve(&path, port, &tell, wanted).await {
                drop(tell.send(Err(why)));
            }
        });
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

/// Serves the port until nobody listens; or says why it failed.
async fn serve(
    path: &str,
    mut port: SerialStream,
    tell: &UnboundedSender<Result<Vec<u8>, String>>,
    mut wanted: UnboundedReceiver<Wish>,
) -> Result<(), String> {
    let mut buffer = [0; 4096];
    loop {
        tokio::select! {
            read = port.read(&mut buffer) => match read {
                Ok(0) => return Err(unplugged(path)),
                Ok(count) => drop(tell.send(Ok(buffer.get(..count).unwrap_or_default().to_vec()))),
                Err(error) => return Err(format!("{path} cannot be read: {error}")),
            },
            wish = wanted.recv() => match wish {
                None => return Ok(()),
                Some(Wish::Set(line)) => {
                    let done = set(&mut port, line).and_then(|()| port.clear(ClearBuffer::Input));
                    done.map_err(|error| format!("{path} cannot be set: {error}"))?;
                }
                Some(Wish::Say(bytes)) => if let Ok(Err(error)) = timeout(WRITE_WAIT, port.write_all(&bytes)).await {
                    return Err(format!("{path} cannot be written: {error}"));
                },
            },
        }
    }
}
