//! The station's socket: beside a running `run`, others take their next card from it instead of fighting for the reader.
//!
//! One JSON object a line. A client says what it wants: `{"reader":null,"take":true}`; the station answers with
//! `{"readers":["desk"]}`, then with `{"presentation":{…}}`: one, when it is taken (it is handed to nobody else), or
//! every one, when it is only watched. The socket stands beside the store and belongs to this user alone.

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::{sleep, timeout},
};

use super::lock::{Holder, Lock};
use crate::card::Presentation;

/// What a client wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wish {
    /// At this reader only.
    pub reader: Option<String>,
    /// Take the next card, so that nobody else gets it; else watch all.
    pub take: bool,
}

/// What the station says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    /// The readers it holds.
    Readers(Vec<String>),
    /// A card.
    Presentation(Box<Presentation>),
}

/// What comes from clients.
#[derive(Debug)]
pub enum Client {
    /// One has come; what is said to it goes into its own queue, so that a slow one holds up nobody.
    Came(u64, Wish, mpsc::Sender<Say>),
    /// One has gone.
    Gone(u64),
}

/// How many cards may wait for a client that does not read; one with more is let go.
const QUEUE: usize = 64;
/// How long the station may take to answer a client at first.
const GREETING: Duration = Duration::from_secs(3);

/// The station's side.
pub struct Server {
    _lock: Lock,
    path: PathBuf,
}

/// A client's side.
pub struct Connection {
    lines: Lines<BufReader<OwnedReadHalf>>,
    /// The readers that the station holds.
    pub readers: Vec<String>,
    _write: OwnedWriteHalf,
}

impl Server {
    /// Becomes the station beside this store, or says who is. Clients are reported to the channel.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn bind(store: &Path, clients: mpsc::UnboundedSender<Client>) -> io::Result<Result<Self, Holder>> {
        let lock = match Lock::try_take(&Lock::beside(store, "station"), "run")? {
            Ok(lock) => lock,
            Err(holder) => return Ok(Err(holder)),
        };
        let path = Lock::beside(store, "sock");
        // Whoever left it there has ended: the lock is ours.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        tokio::spawn(accept(listener, clients));
        Ok(Ok(Self { _lock: lock, path }))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

async fn accept(listener: UnixListener, clients: mpsc::UnboundedSender<Client>) {
    let mut id = 0;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                id += 1;
                tokio::spawn(serve(id, stream, clients.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "the station cannot take a connection");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn serve(id: u64, stream: UnixStream, clients: mpsc::UnboundedSender<Client>) {
    let (read, write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let Ok(Some(line)) = lines.next_line().await else { return };
    let Ok(wish) = serde_json::from_str(&line) else { return };
    let (say, said) = mpsc::channel(QUEUE);
    if clients.send(Client::Came(id, wish, say)).is_err() {
        return;
    }
    tokio::spawn(write_all(write, said));
    // Nothing more is said: the next thing to come is the end.
    while let Ok(Some(_)) = lines.next_line().await {}
    drop(clients.send(Client::Gone(id)));
}

/// Writes what is said to a client; one that has gone is told nothing more.
async fn write_all(mut write: OwnedWriteHalf, mut said: mpsc::Receiver<Say>) {
    while let Some(words) = said.recv().await {
        if write_line(&mut write, &words).await.is_err() {
            return;
        }
    }
}

async fn write_line(write: &mut OwnedWriteHalf, words: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(words)?;
    line.push(b'\n');
    write.write_all(&line).await
}

impl Connection {
    /// Connects to the station beside this store; none where there is none.
    pub async fn to(store: &Path, wish: &Wish) -> Option<Self> {
        let stream = UnixStream::connect(Lock::beside(store, "sock")).await.ok()?;
        let (read, mut write) = stream.into_split();
        write_line(&mut write, wish).await.ok()?;
        let mut lines = BufReader::new(read).lines();
        let first = timeout(GREETING, lines.next_line()).await.ok()?.ok()??;
        match serde_json::from_str(&first).ok()? {
            Say::Readers(readers) => Some(Self { lines, readers, _write: write }),
            Say::Presentation(_) => None,
        }
    }

    /// The next card; none when the station has ended.
    pub async fn next(&mut self) -> Option<Presentation> {
        loop {
            let line = self.lines.next_line().await.ok()??;
            if let Ok(Say::Presentation(presentation)) = serde_json::from_str(&line) {
                return Some(*presentation);
            }
        }
    }
}
