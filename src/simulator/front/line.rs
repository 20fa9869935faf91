//! The connection, made so that it can be cut: a fault that drops the connection must leave the client without one byte of an answer,
//! which no HTTP handler can do by itself.
//!
//! In: a TCP listener. Out: TCP streams that axum serves, and one [`Connection`] for each, which reaches the handler as connect info.
//! It never looks at the bytes.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// The listener axum serves from.
pub struct Lines(pub TcpListener);

/// One connection.
pub struct Line {
    tcp: TcpStream,
    cut: Cut,
}

/// The scissors of one connection.
#[derive(Clone, Debug, Default)]
pub struct Cut(Arc<AtomicBool>);

/// What a request knows of its connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub cut: Cut,
    /// The address it came to.
    pub address: Option<SocketAddr>,
}

impl Cut {
    /// From now on every write fails, so that hyper gives the connection up and closes it.
    pub fn now(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => Ok(()),
        }
    }
}

impl Connected<IncomingStream<'_, Lines>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        let line = stream.io();
        Connection { cut: line.cut.clone(), address: line.tcp.local_addr().ok() }
    }
}

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (tcp, addr) = Listener::accept(&mut self.0).await;
        tcp.set_nodelay(true).ok();
        (Line { tcp, cut: Cut::default() }, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.cut.check()?;
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cut.check()?;
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
