//! A BluSKY that answers as a test tells it to, byte for byte, and keeps what it was sent.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// What is answered.
pub enum Reply {
    /// A status line without its version, a media type and a body.
    Says(&'static str, &'static str, Vec<u8>),
    /// Nothing: the connection is closed.
    Closes,
    /// 200 and this many bytes of a JSON text, as fast as they are taken.
    Floods(usize),
    /// Exactly these bytes, and then the connection is closed.
    Raw(Vec<u8>),
}

impl Reply {
    pub fn json(body: &Value) -> Self {
        Self::Says("200 OK", "application/json; charset=utf-8", body.to_string().into_bytes())
    }

    /// `ResultCode` 0 with a key.
    pub fn success() -> Self {
        Self::json(&json!({"Value": "dddd4d04-131d-4614-bf4b-553a7b803994", "ResultCode": 0, "Description": "Success"}))
    }

    pub fn not_found() -> Self {
        Self::Says("404 Not Found", "application/json", b"{\"Message\":\"No HTTP resource was found.\"}".to_vec())
    }
}

pub struct Peer {
    pub base_url: String,
    heard: Arc<Mutex<Vec<Request>>>,
    taken: Arc<Mutex<usize>>,
}

impl Peer {
    pub fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1:0", answer)
    }

    /// Answers every request as it is told to; the number counts requests of this method and path from 1.
    pub fn on(address: &str, answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::over(address, "http", Some, answer)
    }

    /// The same over TLS.
    pub fn tls(config: Arc<rustls::ServerConfig>, answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let secure = move |stream: TcpStream| {
            let connection = rustls::ServerConnection::new(config.clone()).ok()?;
            Some(rustls::StreamOwned::new(connection, stream))
        };
        Self::over("127.0.0.1:0", "https", secure, answer)
    }

    fn over<S: Read + Write + 'static>(
        address: &str,
        scheme: &str,
        stream_of: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
        answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let base_url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (heard, taken): (Arc<Mutex<Vec<Request>>>, Arc<Mutex<usize>>) = Default::default();
        let (hears, takes, shared) = (heard.clone(), taken.clone(), Arc::new((stream_of, answer)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (hears, takes, shared) = (hears.clone(), takes.clone(), shared.clone());
                thread::spawn(move || {
                    let (stream_of, answer) = &*shared;
                    if let Some(stream) = stream_of(stream) {
                        serve(stream, &hears, &takes, answer);
                    }
                });
            }
        });
        Self { base_url, heard, taken }
    }

    /// The requests so far.
    pub fn heard(&self) -> Vec<Request> {
        self.heard.lock().unwrap().clone()
    }

    /// The requests that change something.
    pub fn writes(&self) -> Vec<Request> {
        self.heard().into_iter().filter(|request| request.method != "GET" && !request.path.contains("Authenticate")).collect()
    }

    /// How many bytes of a flood were taken.
    pub fn taken(&self) -> usize {
        *self.taken.lock().unwrap()
    }
}

fn serve<S: Read + Write>(stream: S, heard: &Mutex<Vec<Request>>, taken: &Mutex<usize>, answer: &dyn Fn(&Request, usize) -> Reply) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let count = {
            let mut heard = heard.lock().unwrap();
            heard.push(request.clone());
            heard.iter().filter(|other| (&other.method, &other.path) == (&request.method, &request.path)).count()
        };
        let stream = reader.get_mut();
        match answer(&request, count) {
            Reply::Says(status, media, body) => {
                let head = format!("HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n", body.len());
                // Whoever asked may have gone.
                drop(stream.write_all(&[head.as_bytes(), &body].concat()));
            }
            Reply::Closes => return,
            Reply::Raw(bytes) => return drop(stream.write_all(&bytes)),
            Reply::Floods(bytes) => return flood(stream, bytes, taken),
        }
    }
}

fn flood(stream: &mut impl Write, bytes: usize, taken: &Mutex<usize>) {
    let chunk = [b" ".repeat(0x1_0000 - 2), b"\r\n".to_vec()].concat();
    drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for _ in 0..bytes / chunk.len() {
        let sent = stream.write_all(b"fffe\r\n").and_then(|()| stream.write_all(&chunk));
        if sent.is_err() {
            return;
        }
        *taken.lock().unwrap() += chunk.len();
    }
    drop(stream.write_all(b"0\r\n\r\n"));
}

fn read<S: Read>(reader: &mut BufReader<S>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut request = Request { method, path, headers, body: String::new() };
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}
