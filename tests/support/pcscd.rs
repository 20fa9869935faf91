//! A pcscd of the test's own: the stock daemon with our virtual readers, away from the system's
//! daemon and from those of other tests (`with-pcscd --serve`, which needs root or `sudo -n`).
//!
//! In: how many readers. Cards are put into them by `cardbridge::simulator::VirtualCard`, which
//! connects to [`Pcscd::addr`].
//!
//! Out: the environment by which a child process finds the daemon. libpcsclite reads it once a
//! process, so one process can use one daemon only, and that a test should leave to a child.
//!
//! Never: it does not skip. Where pcscd cannot run the test fails and says what to install; and a
//! test that is killed leaves neither a daemon nor a directory behind.

#![allow(dead_code)] // Each test takes what it needs.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const WITH_PCSCD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/with-pcscd");
const START_PATIENCE: Duration = Duration::from_secs(10);

pub struct Pcscd {
    dir: tempfile::TempDir,
    ports: Vec<u16>,
    daemon: Option<Child>,
}

impl Pcscd {
    /// Starts a daemon with up to 16 readers, and waits until it serves.
    pub fn start(readers: usize) -> Self {
        assert!(readers <= 16, "pcscd serves 16 readers at most");
        // /tmp and not TMPDIR: a socket's path has 107 characters at most.
        let dir = tempfile::Builder::new().prefix("cardbridge-pcscd-").tempdir_in("/tmp").unwrap();
        symlink(handler(), dir.path().join("handler.so")).unwrap();
        let mut pcscd = Self { dir, ports: Vec::new(), daemon: None };
        for _ in 0..5 {
            pcscd.ports = (0..readers).map(|_| free_port()).collect();
            pcscd.configure();
            pcscd.launch();
            if !pcscd.log().contains("init failed") {
                return pcscd;
            }
            pcscd.stop(); // Another process took a port in between.
        }
        panic!("pcscd does not accept its readers:\n{}", pcscd.log());
    }

    /// What a child process needs to find this daemon.
    pub fn env(&self) -> (String, String) {
        ("PCSCLITE_CSOCK_NAME".to_owned(), self.path("pcscd.comm").to_str().unwrap().to_owned())
    }

    /// Where the cards of reader `i` connect.
    pub fn addr(&self, i: usize) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports[i]).into()
    }

    /// The PC/SC name of reader `i`. pcscd appends the reader's number among those of one driver
    /// and the slot's, both in hexadecimal: "cardbridge virtual reader 10 0A 00".
    pub fn name(&self, i: usize) -> String {
        format!("{} {i:02X} 00", friendly_name(i))
    }

    /// Ends it by SIGKILL: no farewell to its clients, stale files left behind.
    pub fn kill(&mut self) {
        self.end("KILL\n");
    }

    /// Ends it by SIGTERM.
    pub fn stop(&mut self) {
        self.end("TERM\n");
    }

    /// Starts it again with the same readers on the same ports. Cards have to be inserted again.
    pub fn restart(&mut self) {
        self.stop();
        self.launch();
        assert!(!self.log().contains("init failed"), "a reader is lost:\n{}", self.log());
    }

    /// What the daemon has complained of since it started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// LIBPATH is last: pcscd takes an entry for complete as soon as it can be.
    fn configure(&self) {
        let library = self.path("handler.so");
        let entries = self.ports.iter().enumerate().map(|(i, port)| {
            let (name, library) = (friendly_name(i), library.display());
            format!("FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:{port}\nLIBPATH {library}\n\n")
        });
        fs::write(self.path("reader.conf"), entries.collect::<String>()).unwrap();
    }

    fn launch(&mut self) {
        // A process may have taken the old one's number, and then pcscd would think it still runs.
        let _ = fs::remove_file(self.path("pcscd.pid"));
        let _ = fs::remove_file(self.path("pcscd.comm"));
        let log = File::create(self.path("log")).unwrap();
        let daemon = Command::new("sh")
            .args([WITH_PCSCD, "--serve"])
            .arg(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let daemon = self.daemon.insert(daemon);
        let deadline = Instant::now() + START_PATIENCE;
        while UnixStream::connect(self.dir.path().join("pcscd.comm")).is_err() {
            let ended = daemon.try_wait().unwrap().is_some();
            if ended || Instant::now() > deadline {
                panic!(
                    "no pcscd, which this test needs: apt-get install --no-install-recommends pcscd \
                     libpcsclite-dev util-linux, and be root or have sudo without a password\n{}",
                    self.log()
                );
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn end(&mut self, signal: &str) {
        if let Some(mut daemon) = self.daemon.take() {
            let leash = daemon.stdin.take();
            let _ = leash.map(|mut leash| leash.write_all(signal.as_bytes()));
            let _ = daemon.wait();
        }
    }
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        self.end("");
    }
}

fn friendly_name(i: usize) -> String {
    format!("cardbridge virtual reader {i:02}")
}

/// A port nobody listens on, from below those the kernel gives to outgoing connections.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id().wrapping_mul(61);
    loop {
        let n = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed).into());
        let port = 12_000 + u16::try_from(n % 20_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The driver, built once a process into the target directory that this test itself came from.
pub fn handler() -> &'static Path {
    static HANDLER: OnceLock<PathBuf> = OnceLock::new();
    HANDLER.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let out = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
        let profile = match out.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            profile => profile,
        };
        let built = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "-p", "virtual-reader", "--profile", profile])
            .arg("--target-dir")
            .arg(out.parent().unwrap())
            .status()
            .unwrap();
        assert!(built.success(), "cargo build -p virtual-reader failed");
        out.join("libvirtual_reader.so")
    })
}
