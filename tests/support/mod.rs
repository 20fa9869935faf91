//! What the tests of the shipped binary share: a site in a folder of its own, a simulated BluSKY beside it, and ptys.
//!
//! Everything is real: the binary, HTTP on loopback, SQLite files, kernel ttys. Nothing waits for a fixed time where it
//! can wait for an event.

#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

pub mod pcscd;
pub mod users;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use serialport::{SerialPort, TTYPort};

pub const ADA: &str = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1";
pub const GRACE: &str = "8991f3ac-26cd-4c60-9a78-ecca8f441631";
pub const SYSTEM: &str = "309fbabb-0642-44e1-b262-67442dc491ed";
/// H10301, facility code 123, card number 4567 (proxmark3, pm3_tests.sh).
pub const CARD: &str = "{26}BD88EB80";

/// The program that is tested; `PROGRAM` names another one, such as the released one.
pub fn program() -> PathBuf {
    let built = || env!("CARGO_BIN_EXE_cardbridge").into();
    std::env::var_os("PROGRAM").map_or_else(built, |path| fs::canonicalize(path).expect("PROGRAM is there"))
}

/// A site: a folder with a configuration, a token and a store.
pub struct Site {
    pub folder: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Site {
    /// A site that believes H10301 and enrolls it as card type 3, at the BluSKY of this address; `more` is added to its
    /// configuration.
    pub fn at(base_url: &str, more: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), env: Vec::new() };
        site.keep("token", "simulator\n");
        // The simulator shows at once what it has done.
        site.configure(&format!(
            "[blusky]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\nshows_within_s = 1\n\
             [site]\nformats = [\"H10301\"]\n\
             [[card_type]]\nblusky = 3\nname = \"HID 26-bit\"\nformats = [\"hid-h10301\"]\nsystem = \"{SYSTEM}\"\nrequires = [\"facility_code\"]\n{more}"
        ));
        site
    }

    /// Writes the whole configuration anew.
    pub fn configure(&self, text: &str) {
        fs::write(self.path("cardbridge.toml"), text).unwrap();
    }

    /// Writes a file that nobody else can read.
    pub fn keep(&self, name: &str, secret: &str) {
        fs::write(self.path(name), secret).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds an environment variable for every command of this site.
    pub fn env(&mut self, (name, value): (String, String)) {
        self.env.push((name, value));
    }

    /// A command of the shipped binary, in the site's folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).arg("--config").arg(self.path("cardbridge.toml")).current_dir(self.folder.path());
        command.envs(self.env.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Starts a command and goes on.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running(Some(child))
    }

    /// A station of this site that takes orders. A command that comes while it starts would be one by itself.
    pub fn station(&self) -> Running {
        let running = self.start(&["run"]);
        wait_for("the station", || UnixStream::connect(self.path("cardbridge.db.sock")).ok());
        running
    }

    /// The entries of the outbox, as JSON.
    pub fn outbox(&self) -> Vec<Value> {
        let listed = self.run(&["outbox", "list", "--json"]);
        assert_eq!(listed.code, 0, "{}", listed.stderr);
        listed.lines()
    }

    /// Waits until the outbox holds what is asked for.
    pub fn wait_for_outbox(&self, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        wait_for("the outbox", || Some(self.outbox()).filter(|entries| wanted(entries)))
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Every line of standard output as JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// The last line of standard output as JSON.
    pub fn last(&self) -> Value {
        self.lines().pop().unwrap_or_else(|| panic!("nothing on standard output; standard error: {}", self.stderr))
    }

    /// The states shown, in order.
    pub fn states(&self) -> Vec<String> {
        self.lines().iter().filter_map(|line| line["state"].as_str().map(ToOwned::to_owned)).collect()
    }
}

/// A command that still runs; killed when it is dropped.
pub struct Running(Option<Child>);

impl Running {
    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        Ended::of(self.0.take().unwrap().wait_with_output().unwrap())
    }

    /// Asks it to end (SIGTERM, SIGINT) and waits for its end.
    pub fn signal(self, signal: &str) -> Ended {
        let pid = self.0.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([format!("-{signal}"), pid]).status().unwrap().success());
        self.end()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Kills it with SIGKILL, as a power cut would.
    pub fn kill(mut self) {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Its standard output, line by line.
    pub fn stdout(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.0.as_mut().unwrap().stdout.take().unwrap())
    }

    /// Waits for a line on standard error that holds this text; what comes after it is read away.
    pub fn wait_for_stderr(&mut self, text: &str) {
        let mut lines = BufReader::new(self.0.as_mut().unwrap().stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            if line.contains(text) {
                std::thread::spawn(move || lines.for_each(drop));
                return;
            }
            seen.push(line);
        }
        panic!("{text:?} was never said; said was {seen:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A simulated BluSKY: the shipped binary on a port of its own.
pub struct Simulator {
    running: Option<Running>,
    pub base_url: String,
}

impl Simulator {
    pub fn start(arguments: &[&str]) -> Self {
        Self::on("127.0.0.1:0", arguments)
    }

    pub fn on(address: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(["simulator", "--listen", address]).args(arguments).stdin(Stdio::null());
        let mut running = Running(Some(command.stdout(Stdio::piped()).spawn().unwrap()));
        let mut lines = running.stdout().lines();
        let said = lines.by_ref().map(Result::unwrap).find(|line| line.contains("base_url")).expect("the simulator says where it listens");
        let base_url = said.split('"').nth(1).unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { running: Some(running), base_url }
    }

    /// Ends it at once; its address is free then.
    pub fn kill(mut self) -> String {
        self.running.take().unwrap().kill();
        self.base_url.clone()
    }

    /// The same, where another one comes in its place.
    pub fn goes(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill();
        }
    }

    /// What it holds and what it was sent (`GET /simulator`).
    pub fn shows(&self) -> Value {
        let address = self.base_url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET /simulator HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// The cards it holds.
    pub fn cards(&self) -> Vec<Value> {
        self.shows()["cards"].as_array().unwrap().clone()
    }

    /// How often it was sent an AddUserCard.
    pub fn sent(&self) -> usize {
        let shows = self.shows();
        shows["requests"].as_array().unwrap().iter().filter(|request| request["method"] == "POST").count()
    }
}

/// A serial reader: the kernel's tty on one side, this test on the other.
pub struct SerialReader {
    master: TTYPort,
    pub path: String,
}

impl SerialReader {
    pub fn plug_in() -> Self {
        // The other side is the reader's port; whoever tests opens it, so it is not kept open here.
        let (mut master, slave) = TTYPort::pair().unwrap();
        master.set_timeout(Duration::from_secs(5)).unwrap();
        Self { master, path: slave.name().unwrap() }
    }

    /// The configuration of this reader. Unless `more` says otherwise, no card lies there: each frame is one that is shown.
    pub fn configuration(&self, name: &str, dialect: &str, more: &str) -> String {
        let more = if more.contains("card_left_ms") { more.to_owned() } else { format!("card_left_ms = 0\n{more}") };
        // One frame is enough, unless `more` says otherwise.
        let more = if more.contains("proof") { more } else { format!("proof = 1\n{more}") };
        format!("[[reader]]\nname = \"{name}\"\nserial = \"{}\"\ndialect = \"{dialect}\"\n{more}\n", self.path)
    }

    /// Sends bytes as the reader would.
    pub fn send(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).unwrap();
        self.master.flush().unwrap();
    }

    /// Sends hex bytes.
    pub fn send_hex(&mut self, hex: &str) {
        let bytes: Vec<u8> = hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        self.send(&bytes);
    }

    /// Waits until another process has the port open and is done with setting it, as far as that can be seen from outside:
    /// the port is emptied then. What says "hold the card to the reader" is waited for by that.
    pub fn wait_until_open(&self) {
        let is_open = || {
            let target = Path::new(&self.path);
            let processes = fs::read_dir("/proc").unwrap().flatten();
            let others = processes.filter(|entry| entry.file_name() != *std::process::id().to_string());
            let files = others.flat_map(|entry| fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten());
            files.filter(|file| fs::read_link(file.path()).is_ok_and(|link| link == target)).count() == 1
        };
        let mut looks = 0;
        wait_for("the port to be opened", || {
            looks = if is_open() { looks + 1 } else { 0 };
            (looks > 2).then_some(())
        });
    }
}

/// How often something is done: so many times, or as often as this variable of the environment says (`make soak`).
pub fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |times| times.parse().unwrap())
}

/// Waits for something: longer than any pause of the program that may stand before it, on a machine that is busy.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited in vain for {what}");
}

// ---- what the tests of enrolling, the outbox and refusals add

/// True where a text tells this number. A part of an id, of a time or of a longer number, which are other ones each time, is none.
pub fn tells(text: &str, number: &str) -> bool {
    let is_part = |beside: Option<char>| beside.is_some_and(|beside| beside.is_alphanumeric() || beside == '-');
    text.match_indices(number).any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + number.len()..].chars().next()))
}

/// The literal of an H10301 card.
pub fn h10301(facility_code: u32, card_number: u32) -> String {
    let data = facility_code << 16 | card_number;
    let (even, odd) = ((data >> 12).count_ones() & 1, !(data & 0xFFF).count_ones() & 1);
    format!("{{26}}{:08X}", (even << 25 | data << 1 | odd) << 6)
}

impl Simulator {
    /// The body of every AddUserCard it was sent, oldest first.
    pub fn bodies(&self) -> Vec<Value> {
        let shows = self.shows();
        let posts = shows["requests"].as_array().unwrap().iter().filter(|request| request["method"] == "POST");
        posts.map(|request| request["body"].clone()).collect()
    }

    /// Takes a card from its holder, as an operator at the console would.
    pub fn unassign(&self, card_id: &str) {
        let address = self.base_url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let path = format!("/simulator/cards/{card_id}/unassign");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: simulator\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("\"unassigned\":true"), "{answer}");
    }
}

impl Ended {
    /// Runs any command to its end.
    pub fn after(command: &mut Command) -> Self {
        Self::of(command.output().unwrap())
    }

    /// The one JSON error line, which is all there is on standard output.
    pub fn error(&self) -> Value {
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "one line on standard output: {self:?}");
        let error = lines[0]["error"].clone();
        for member in ["code", "message", "help"] {
            assert!(error[member].is_string(), "{member} in {self:?}");
        }
        assert!(error["code"] != "" && error["message"] != "", "{self:?}");
        error
    }
}

impl Site {
    /// Starts a command with a terminal as its standard input.
    pub fn start_at(&self, terminal: &SerialReader, arguments: &[&str]) -> Running {
        let stdin = fs::File::open(&terminal.path).unwrap();
        let child = self.command(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running(Some(child))
    }
}

impl Running {
    /// Starts any command and goes on.
    pub fn begin(command: &mut Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    /// Waits until it has opened this file, or has ended.
    pub fn wait_until_open(&self, path: &Path) {
        let folder = format!("/proc/{}/fd", self.0.as_ref().unwrap().id());
        let is_open = || {
            let Ok(files) = fs::read_dir(&folder) else { return Some(()) };
            let mut files = files.flatten().peekable();
            let has_ended = files.peek().is_none();
            (has_ended || files.any(|file| fs::read_link(file.path()).is_ok_and(|link| link == path))).then_some(())
        };
        wait_for("the file to be opened", is_open);
    }
}
