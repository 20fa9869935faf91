//! The machine that the service is for: its files, its programs, its configuration, and the commands that make them known.
//!
//! In: a root folder, paths in it. Out: files read, written and removed, commands run. Never: a service started in another root folder than
//! the one that runs.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ring::digest::{SHA256, digest};
use serde_json::json;

use super::{
    super::{
        Globals,
        out::{self, Failure},
        site::{self, Look},
    },
    files,
};
use crate::{
    config::Config,
    host::platform::{access, files as disk},
};

/// The configuration that the service reads.
pub const CONFIGURATION: &str = "etc/cardbridge/cardbridge.toml";

/// A machine, by its root folder. Paths in it are given without the slash before them.
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// This machine, or another system in a folder.
    pub fn at(root: &Path) -> Result<Self, Failure> {
        if root == Path::new("/") && !access::is_root() {
            let help = "begin the command with sudo, or become root";
            return Err(Failure::impossible("root", "only root may change the services of this machine", help));
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Where a path of the machine is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A file's bytes; none where it is not there.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.path(path)).ok()
    }

    /// The program that runs here.
    pub fn this_program(&self) -> Result<Vec<u8>, Failure> {
        let read = env::current_exe().and_then(fs::read);
        read.map_err(|error| Failure::impossible("program", format!("this program cannot be read: {error}"), ""))
    }

    /// These programs are there.
    pub fn has_programs(&self, paths: &[&str]) -> Result<(), Failure> {
        let missing: Vec<&str> = paths.iter().filter(|path| !self.path(path).exists()).filter_map(|path| path.rsplit('/').next()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let words = missing.join(" ");
        Err(Failure::impossible(
            "missing_program",
            format!("a kiosk's screen needs {words}"),
            format!("apt-get install {}", words.to_lowercase()),
        ))
    }

    /// The configuration of the station; none where it is not written yet.
    pub fn configuration(&self, globals: &Globals) -> Result<Option<Config>, Failure> {
        let path = self.path(CONFIGURATION);
        if globals.config.as_ref().is_some_and(|config| *config != path) {
            return Err(Failure::usage("configuration", format!("the service reads {}", path.display()), "put the configuration there"));
        }
        if !path.exists() {
            return Ok(None);
        }
        let config = site::load(&Globals { config: Some(path), ..globals.clone() }, Look::Needed)?.config;
        if !config.store.starts_with(files::STATE) {
            let help = format!("[store]\npath = \"{}/cardbridge.db\"", files::STATE);
            return Err(Failure::usage("store", format!("the service may write to {} alone; put its store there", files::STATE), help));
        }
        Ok(Some(config))
    }

    /// Writes a whole file; one that is there already, and has no mode here, keeps its own.
    pub fn write(&self, path: &str, text: &[u8], mode: Option<u32>) -> Result<(), Failure> {
        let path = self.path(path);
        let written = match mode {
            Some(mode) => disk::install(&path, text, mode),
            None => disk::replace(&path, text),
        };
        written.map_err(|error| Failure::impossible("write", format!("{} cannot be written: {error}", path.display()), ""))
    }

    /// Removes a file, which may be gone already.
    pub fn remove(&self, path: &str) -> Result<(), Failure> {
        let path = self.path(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::impossible("remove", format!("{} cannot be removed: {error}", path.display()), ""))
            }
            _ => Ok(()),
        }
    }

    /// What makes new files known, and starts the services where they can start.
    pub fn install_commands(&self, units: &[&'static str], is_changed: bool, is_configured: bool) -> Vec<Vec<&'static str>> {
        if !self.is_this_one() {
            return Vec::new();
        }
        let with = |command: &[&'static str]| [command, units].concat();
        let mut commands = vec![vec!["systemd-sysusers"], vec!["systemd-tmpfiles", "--create", "cardbridge.conf"]];
        if !self.is_running() {
            commands.push(with(&["systemctl", "enable"]));
            return commands;
        }
        if is_changed {
            commands.push(vec!["systemctl", "daemon-reload"]);
        }
        if is_changed && self.has_udev() {
            commands.push(vec!["udevadm", "control", "--reload"]);
            commands.push(vec!["udevadm", "trigger", "--subsystem-match=usb", "--subsystem-match=tty", "--subsystem-match=input"]);
        }
        commands.push(with(if is_configured { &["systemctl", "enable", "--now"] } else { &["systemctl", "enable"] }));
        if is_changed && is_configured {
            commands.push(with(&["systemctl", "try-restart"]));
        }
        commands
    }

    /// What stops the services, and what makes it known that they are gone.
    pub fn remove_commands(&self) -> (Vec<Vec<&'static str>>, Vec<Vec<&'static str>>) {
        let units = [files::KIOSK, files::STATION];
        if !self.is_this_one() {
            return (Vec::new(), Vec::new());
        }
        if !self.is_running() {
            return (vec![[&["systemctl", "disable"], &units[..]].concat()], Vec::new());
        }
        let mut after = vec![vec!["systemctl", "daemon-reload"]];
        if self.has_udev() {
            after.push(vec!["udevadm", "control", "--reload"]);
        }
        (vec![[&["systemctl", "disable", "--now"], &units[..]].concat()], after)
    }

    /// Runs commands, one after the other, and says each.
    pub fn carry_out(&self, commands: &[Vec<&str>], json: bool) -> Result<(), Failure> {
        for command in commands {
            let words = command.join(" ");
            let (Some(program), arguments) = (command.first(), command.iter().skip(1)) else { continue };
            let ended = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
            let why = match ended {
                Ok(status) if status.success() => None,
                Ok(status) => Some(status.to_string()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = why {
                return Err(Failure::impossible("command", format!("`{words}` failed: {why}"), "the files are written; run it yourself"));
            }
            match json {
                true => out::print_json(&json!({"command": words, "state": "done"})),
                false => out::print(&format!("done     {words}")),
            }
        }
        Ok(())
    }

    fn is_this_one(&self) -> bool {
        self.root == Path::new("/")
    }

    /// True where systemd runs this machine, and not only lies on it.
    fn is_running(&self) -> bool {
        self.path("run/systemd/system").is_dir()
    }

    /// True where udev runs, which it does not in a container.
    fn has_udev(&self) -> bool {
        self.path("run/udev/control").exists()
    }
}

/// What `install` wrote: a line for each file, as `sha256sum` writes it.
pub struct Manifest(Vec<(String, String)>);

impl Manifest {
    /// Where it lies.
    pub const PATH: &str = "etc/cardbridge/service.sha256";

    /// As it stands on the machine; empty where there is none.
    pub fn read(machine: &Machine) -> Self {
        let text = machine.read(Self::PATH).and_then(|text| String::from_utf8(text).ok()).unwrap_or_default();
        let line = |line: &str| line.split_once("  /").map(|(sum, path)| (sum.to_owned(), path.to_owned()));
        Self(text.lines().filter_map(line).collect())
    }

    /// Takes a file in, or its new text.
    pub fn list(&mut self, path: &str, text: &[u8]) {
        self.0.retain(|(_, listed)| listed != path);
        self.0.push((sum(text), path.to_owned()));
    }

    /// Writes it down.
    pub fn write(&self, machine: &Machine) -> Result<(), Failure> {
        let lines: String = self.0.iter().map(|(sum, path)| format!("{sum}  /{path}\n")).collect();
        machine.write(Self::PATH, lines.as_bytes(), Some(0o644))
    }

    /// True where nothing was written.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The files that are still there: those that are as they were written, and those that somebody changed.
    pub fn present(&self, machine: &Machine) -> (Vec<&str>, Vec<&str>) {
        let (mut ours, mut changed) = (Vec::new(), Vec::new());
        for (listed, path) in &self.0 {
            match machine.read(path) {
                Some(text) if *listed == sum(&text) => ours.push(&**path),
                Some(_) => changed.push(&**path),
                None => {}
            }
        }
        (ours, changed)
    }
}

fn sum(text: &[u8]) -> String {
    digest(&SHA256, text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
