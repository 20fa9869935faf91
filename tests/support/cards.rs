//! Cards and what is read of them: a command that is followed line by line while cards are shown, and cards for the
//! virtual readers.
//!
//! Whoever waits here waits for a line or for an event, twenty seconds at most, and says what came instead.

#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::{OpenOptionsExt, symlink},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use cardbridge::simulator::virtual_card::CardScript;
use nix::{
    fcntl::OFlag,
    pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr},
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

/// A contactless MIFARE Classic 1K (PC/SC part 3).
pub const MIFARE_ATR: &str = "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A";
/// A low-frequency card, the same ATR for all of them (V223).
pub const LF_ATR: &str = "3B 8F 80 01 80 4F 0C A0 00 00 03 06 40 00 00 00 00 00 00 28";
/// A CPU card without historical bytes (V225).
pub const CPU_ATR: &str = "3B 80 80 01 01";
/// PC/SC part 3: get data, the UID.
pub const GET_UID: &str = "FF CA 00 00 00";
/// HID OMNIKEY: get PAC bits.
pub const GET_PAC_BITS: &str = "FF 70 07 6B 07 A0 05 A1 03 80 01 04 00";
/// V253: Corporate 1000, CIC 123, CN 456789.
pub const PAC_ANSWER: &str = "9D 08 03 06 05 81 ED BE 15 60 90 00";

/// Hex with or without spaces.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A card with these answers; everything else it does not support (6A 81).
pub fn card(atr: &str, answers: &[(&str, &str)]) -> CardScript {
    CardScript {
        atr: hex(atr),
        answers: answers.iter().map(|(command, answer)| (hex(command), hex(answer))).collect(),
        otherwise: hex("6A 81"),
        delay: Duration::ZERO,
    }
}

/// A MIFARE card with this UID.
pub fn uid_card(uid: &str) -> CardScript {
    card(MIFARE_ATR, &[(GET_UID, &format!("{uid} 90 00"))])
}

/// The low-frequency card of V253.
pub fn pac_card() -> CardScript {
    card(LF_ATR, &[(GET_PAC_BITS, PAC_ANSWER)])
}

/// The same card, thinking for this long before each answer.
pub fn slow(script: CardScript, delay: Duration) -> CardScript {
    CardScript { delay, ..script }
}

/// A serial reader that can be unplugged, at a name that comes and goes with it, as udev has it: the kernel gives the
/// number of a line that ended to whoever wants one next. No child process inherits its end, else the line would stay up
/// with the child.
pub struct Plugged {
    master: PtyMaster,
    plug: PathBuf,
}

impl Plugged {
    pub fn plug_in(plug: PathBuf) -> Self {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname_r(&master).unwrap();
        let port = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&path).unwrap();
        let mut line = tcgetattr(&port).unwrap();
        cfmakeraw(&mut line);
        tcsetattr(&port, SetArg::TCSANOW, &line).unwrap();
        symlink(path, &plug).unwrap();
        Self { master, plug }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).unwrap();
    }
}

impl Drop for Plugged {
    /// The name goes first, and then the line: between the two, nobody else's line is at that name.
    fn drop(&mut self) {
        drop(fs::remove_file(&self.plug));
    }
}

/// A command whose output is followed while it runs; killed when it is dropped.
pub struct Followed {
    child: Child,
    out: Stream,
    err: Stream,
}

/// What has become of it.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    /// All of standard output, also what was followed before.
    pub out: Vec<String>,
    /// All of standard error.
    pub err: Vec<String>,
}

struct Stream {
    lines: Receiver<String>,
    seen: Vec<String>,
    /// How much of it has been given to whoever waits.
    given: usize,
}

impl Followed {
    /// Starts a command; standard input is what the command says.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (Stream::of(child.stdout.take().unwrap()), Stream::of(child.stderr.take().unwrap()));
        Self { child, out, err }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output.
    pub fn line(&mut self) -> String {
        match self.out.next() {
            Some(line) => line,
            None => panic!("no line came on standard output; before were {:#?}; on standard error {:#?}", self.out.seen, self.err.all()),
        }
    }

    /// The next line of standard output, as JSON.
    pub fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Waits for a line on standard error that holds this text, after those already waited for.
    pub fn hears(&mut self, text: &str) -> String {
        while let Some(line) = self.err.next() {
            if line.contains(text) {
                return line;
            }
        }
        panic!("{text:?} was never said; said was {:#?}; on standard output {:#?}", self.err.seen, self.out.all())
    }

    /// Waits for its end.
    pub fn end(mut self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(Instant::now() < deadline, "it does not end; {:#?} {:#?}", self.out.all(), self.err.all());
            thread::sleep(Duration::from_millis(5));
        };
        Outcome { code, out: self.out.whole(), err: self.err.whole() }
    }

    /// Asks it to end (`INT`, `TERM`) and waits for its end.
    pub fn signal(self, signal: &str) -> Outcome {
        assert!(Command::new("kill").args([format!("-{signal}"), self.id().to_string()]).status().unwrap().success());
        self.end()
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Outcome {
    /// The last line of standard output, as JSON.
    pub fn last(&self) -> Value {
        serde_json::from_str(self.out.last().unwrap_or_else(|| panic!("{self:#?}"))).unwrap()
    }

    /// Every line of standard output as JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.out.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// Everything it said.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.out.join("\n"), self.err.join("\n"))
    }
}

impl Stream {
    fn of(from: impl Read + Send + 'static) -> Self {
        let (send, lines) = channel();
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
                line.clear();
                if send.send(text).is_err() {
                    return;
                }
            }
        });
        Self { lines, seen: Vec::new(), given: 0 }
    }

    /// The next line; none at the end, or after twenty seconds without one.
    fn next(&mut self) -> Option<String> {
        if self.given == self.seen.len() {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
        self.given += 1;
        self.seen.get(self.given - 1).cloned()
    }

    /// What there is so far.
    fn all(&mut self) -> &[String] {
        self.seen.extend(self.lines.try_iter());
        &self.seen
    }

    /// Everything, once the command has ended.
    fn whole(&mut self) -> Vec<String> {
        self.seen.extend(self.lines.iter());
        self.seen.clone()
    }
}

/// The formats that fit a reading, by id.
pub fn formats(reading: &Value) -> Vec<&str> {
    reading["fits"].as_array().unwrap().iter().map(|fit| fit["format"].as_str().unwrap()).collect()
}

/// The fit of a format in a reading.
pub fn fit<'a>(reading: &'a Value, format: &str) -> &'a Value {
    let fits = reading["fits"].as_array().unwrap();
    fits.iter().find(|fit| fit["format"] == format).unwrap_or_else(|| panic!("{format} does not fit {reading:#}"))
}
