//! What is promised of the service: that it is written after it was shown, taken away without the site's own files, and hardened.
//!
//! It is installed into a folder; `make test-deb` installs the package into a Debian of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "../examples/manual.rs"]
mod manual;
mod support;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use nix::pty::openpty;
use support::{Ended, SYSTEM};

const STATION: &str = "etc/systemd/system/cardbridge.service";
const SCREEN: &str = "etc/systemd/system/cardbridge-kiosk.service";
const ANCHOR: &str = "etc/systemd/system/cardbridge.service.d/anchor.conf";
const RULES: &str = "etc/udev/rules.d/70-cardbridge.rules";
const CONFIGURATION: &str = "etc/cardbridge/cardbridge.toml";

/// Another system, in a folder.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One with a configured reader, and the programs of a kiosk's screen.
    fn with_reader(more: &str) -> Self {
        let machine = Self::new();
        machine.keep(
            CONFIGURATION,
            &format!(
                "[blusky]\nbase_url = \"https://blusky.example\"\ntoken_file = \"secrets/token\"\n\
             [[reader]]\nname = \"front\"\nserial = \"/dev/ttyUSB0\"\ndialect = \"twn3-hidprox\"\n\
             [[card_type]]\nblusky = 3\nformats = [\"hid-h10301\"]\nsystem = \"{SYSTEM}\"\n\
             [people]\nfile = \"people.csv\"\n\
             [store]\npath = \"/var/lib/cardbridge/cardbridge.db\"\n{more}"
            ),
        );
        ["usr/bin/cage", "usr/bin/Xwayland", "usr/sbin/seatd", "usr/bin/chromium"].iter().for_each(|program| machine.keep(program, ""));
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn keep(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardbridge"));
        command.arg("service").args(arguments).arg("--root").arg(self.0.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::after(&mut self.command(arguments))
    }

    /// Every file, by its path from the root.
    fn files(&self) -> BTreeSet<String> {
        let mut folders = vec![self.0.path().to_owned()];
        let mut files = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match path.is_dir() {
                    true => folders.push(path),
                    false => drop(files.insert(path.strip_prefix(self.0.path()).unwrap().display().to_string())),
                }
            }
        }
        files
    }
}

/// The state of each file as `--json` tells it.
fn states(ended: &Ended) -> Vec<(String, String)> {
    let lines = ended.lines();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    lines.iter().filter(|line| line["file"].is_string()).map(|line| (text(&line["file"]), text(&line["state"]))).collect()
}

#[test]
fn what_is_written_is_shown_first_and_nothing_is_written_without_a_yes() {
    let machine = Machine::new();
    for arguments in [&["install"][..], &["install", "--json"]] {
        let refused = machine.run(arguments);
        assert_eq!((refused.code, machine.files().len()), (1, 0), "{refused:?}");
        assert!(refused.stdout.contains("LoadCredential=") || refused.stdout.contains("\"state\":\"new\""), "{refused:?}");
    }
    assert_eq!(machine.run(&["install", "--json"]).last()["error"]["code"], "unconfirmed");
    let asked = |answer: &str| {
        let pty = openpty(None, None).unwrap();
        let mut child = machine.command(&["install"]).stdin(pty.slave).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut terminal, mut said) = (File::from(pty.master), child.stderr.take().unwrap());
        let mut heard = [0; 200];
        let count = said.read(&mut heard).unwrap();
        assert!(String::from_utf8_lossy(&heard[..count]).contains("Write these files"));
        writeln!(terminal, "{answer}").unwrap();
        child.wait().unwrap().code().unwrap()
    };
    assert_eq!((asked("n"), machine.files().len()), (1, 0));
    assert_eq!(asked("y"), 0);
    assert!(machine.text(STATION).contains("\nExecStart=/usr/local/bin/cardbridge run --config /etc/cardbridge/cardbridge.toml\n"));
    let mode = |path| fs::metadata(machine.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(STATION), mode("usr/local/bin/cardbridge"), mode("etc/systemd/system")), (0o644, 0o755, 0o755));
    assert_eq!(fs::read(machine.path("usr/local/bin/cardbridge")).unwrap(), fs::read(env!("CARGO_BIN_EXE_cardbridge")).unwrap());
}

#[test]
fn installing_again_changes_nothing_and_shows_what_somebody_changed() {
    let machine = Machine::new();
    assert_eq!(machine.run(&["install", "--yes"]).code, 0);
    // Nothing to write: nobody is asked.
    let again = machine.run(&["install", "--json"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(states(&again).iter().all(|(_, state)| state == "same") && states(&again).len() == 5, "{again:?}");
    machine.keep(RULES, &machine.text(RULES).replace("09d8|", ""));
    let changed = machine.run(&["install"]);
    assert_eq!(changed.code, 1, "{changed:?}");
    assert!(
        changed.stdout.contains("changed ")
            && changed.stdout.contains("    +SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ATTR{idVendor}==\"09d8|")
    );
    assert!(!changed.stdout.contains("LoadCredential"), "what is the same is not shown again: {changed:?}");
    assert_eq!(machine.run(&["install", "--yes"]).code, 0);
    assert!(machine.text(RULES).contains("09d8|"));
}

#[test]
fn removing_takes_what_was_installed_and_leaves_the_store_the_configuration_and_what_is_the_sites_own() {
    let machine = Machine::with_reader("");
    machine.keep("var/lib/cardbridge/cardbridge.db", "the store");
    machine.keep("usr/lib/udev/rules.d/50-other.rules", "");
    let before = machine.files();
    let nothing = machine.run(&["remove", "--yes"]);
    assert!(nothing.code == 0 && nothing.stdout.contains("nothing here was written"), "{nothing:?}");
    assert_eq!(machine.run(&["install", "--yes"]).code, 0);
    let installed: BTreeSet<String> = machine.files().difference(&before).cloned().collect();
    assert_eq!(installed.len(), 6, "{installed:?}");
    // The list is one that sha256sum reads.
    let listed = machine.text("etc/cardbridge/service.sha256");
    assert_eq!(listed.lines().count(), 5, "{listed}");
    fs::write(machine.path("sums"), listed.replace("  /", &format!("  {}/", machine.0.path().display()))).unwrap();
    assert!(Command::new("sha256sum").args(["-c", "--quiet"]).arg(machine.path("sums")).status().unwrap().success());
    fs::remove_file(machine.path("sums")).unwrap();
    machine.keep(RULES, "# our own now\n");
    assert_eq!(machine.run(&["remove"]).code, 1);
    assert_eq!(machine.files().len(), before.len() + 6, "nobody said yes");
    let removed = machine.run(&["remove", "--yes"]);
    assert!(removed.code == 0 && removed.stdout.contains("the store in /var/lib/cardbridge"), "{removed:?}");
    assert!(removed.stdout.contains("70-cardbridge.rules was changed since it was written, and stays"), "{removed:?}");
    let left: BTreeSet<String> = machine.files().difference(&before).cloned().collect();
    assert_eq!(left, BTreeSet::from([RULES.to_owned()]));
    assert!(before.is_subset(&machine.files()));
}

#[test]
fn a_station_whose_anchor_is_kept_elsewhere_may_write_it_there() {
    let machine = Machine::with_reader("anchor = \"/mnt/100% other/anchor\"\n");
    assert_eq!(machine.run(&["install", "--yes"]).code, 0);
    assert!(machine.text(ANCHOR).contains("\n[Service]\nReadWritePaths=\"-/mnt/100%% other\"\n"), "{}", machine.text(ANCHOR));
    assert_eq!(machine.run(&["remove", "--yes"]).code, 0);
    assert!(!machine.path(ANCHOR).exists());
    let machine = Machine::with_reader("anchor = \"/var/lib/cardbridge/anchor\"\n");
    assert_eq!(machine.run(&["install", "--yes"]).code, 0);
    assert!(!machine.path(ANCHOR).exists(), "there it may write already");
}

#[test]
fn a_kiosk_stands_at_a_reader_of_the_configuration_and_its_screen_shows_the_page() {
    let machine = Machine::with_reader("[desk]\nlisten = \"127.0.0.1:8999\"\n");
    let installed = machine.run(&["install", "--kiosk", "front", "--yes"]);
    assert_eq!(installed.code, 0, "{installed:?}");
    assert!(installed.stdout.contains("    +kiosk = \"front\""), "{installed:?}");
    assert!(machine.text(CONFIGURATION).contains("[desk]\nkiosk = \"front\"\nlisten ="));
    assert!(machine.text(SCREEN).contains("LoadCredential=start.html:/var/lib/cardbridge/cardbridge.db.kiosk.html\n"));
    assert!(machine.text("etc/chromium/policies/managed/cardbridge-kiosk.json").contains("\"http://127.0.0.1:8999/"));
    // Of the configuration nothing is taken away.
    let configuration = machine.text(CONFIGURATION);
    assert_eq!(machine.run(&["remove", "--yes"]).code, 0);
    assert_eq!(machine.text(CONFIGURATION), configuration);
    assert!(!machine.path(SCREEN).exists());
}

#[test]
fn what_cannot_work_is_said_before_anything_is_written() {
    let said = |machine: &Machine, arguments: &[&str]| {
        let before = machine.files();
        let ended = machine.run(&[arguments, &["--yes", "--json"]].concat());
        assert_eq!(machine.files(), before, "{ended:?}");
        (ended.code, ended.last()["error"].clone())
    };
    let kiosk = ["install", "--kiosk", "front"];
    let (code, error) = said(&Machine::new(), &kiosk);
    assert_eq!((code, error["code"].as_str()), (2, Some("no_configuration")), "{error}");
    let (code, error) = said(&Machine::with_reader(""), &["install", "--kiosk", "back"]);
    assert!(code == 2 && error["message"].as_str().unwrap().contains("has no reader back; it has front"), "{error}");
    let nobody = Machine::with_reader("");
    nobody.keep(CONFIGURATION, &nobody.text(CONFIGURATION).replace("[people]\nfile = \"people.csv\"\n", ""));
    let (code, error) = said(&nobody, &kiosk);
    assert!(code == 2 && error["message"].as_str().unwrap().contains("name it under [people]"), "{error}");
    let bare = Machine::with_reader("");
    fs::remove_file(bare.path("usr/bin/cage")).unwrap();
    let (code, error) = said(&bare, &kiosk);
    assert_eq!((code, error["help"].as_str()), (1, Some("apt-get install cage")), "{error}");
    let elsewhere = Machine::with_reader("");
    elsewhere.keep(CONFIGURATION, &elsewhere.text(CONFIGURATION).replace("/var/lib/cardbridge/", ""));
    let (code, error) = said(&elsewhere, &["install"]);
    assert!(code == 2 && error["help"].as_str().unwrap().contains("/var/lib/cardbridge/cardbridge.db"), "{error}");
    elsewhere.keep(CONFIGURATION, "[blusky]\nbase = 1\n");
    assert_eq!(said(&elsewhere, &["install"]).0, 2);
}

#[test]
fn only_root_changes_the_services_of_this_machine() {
    if !nix::unistd::geteuid().is_root() {
        let refused = Ended::after(Command::new(env!("CARGO_BIN_EXE_cardbridge")).args(["service", "install", "--yes"]));
        assert!(refused.code == 1 && refused.stderr.contains("only root") && refused.stderr.contains("sudo"), "{refused:?}");
        return;
    }
    // A copy that others can reach, run as somebody else.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("cardbridge");
    fs::copy(env!("CARGO_BIN_EXE_cardbridge"), &copy).unwrap();
    for action in ["install", "remove"] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).args(["service", action, "--yes"]);
        let refused = Ended::after(command.current_dir("/"));
        assert!(refused.code == 1 && refused.stderr.contains("only root") && refused.stderr.contains("sudo"), "{refused:?}");
    }
}

/// Runs one of Debian's own judges.
fn judged(program: &str, arguments: &[&str]) -> Ended {
    Ended::after(Command::new(program).args(arguments).env("SYSTEMD_PAGER", "").env("LC_ALL", "C.UTF-8"))
}

#[test]
fn the_units_are_right_and_the_station_is_exposed_to_little() {
    let exposed = judged("systemd-analyze", &["security", "--offline=true", "--threshold=15", "packaging/cardbridge.service"]);
    assert_eq!(exposed.code, 0, "{}", exposed.stdout);
    // The programs of the units lie in a root of their own.
    let machine = Machine::with_reader("anchor = \"/mnt/100% other/anchor\"\n");
    assert_eq!(machine.run(&["install", "--kiosk", "front", "--yes"]).code, 0);
    for program in ["usr/bin/cage", "usr/bin/Xwayland", "usr/sbin/seatd", "usr/bin/chromium"] {
        fs::set_permissions(machine.path(program), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for unit in ["sysinit", "basic", "multi-user", "shutdown", "network", "slices"] {
        machine.keep(&format!("etc/systemd/system/{unit}.target"), "[Unit]\nDescription=there\n");
    }
    machine.keep("etc/systemd/system/seatd.service", "[Service]\nExecStart=/usr/sbin/seatd\n");
    let root = format!("--root={}", machine.0.path().display());
    for unit in ["cardbridge.service", "cardbridge-kiosk.service"] {
        let verified = judged("systemd-analyze", &["verify", "--man=no", &root, unit]);
        assert_eq!((verified.code, &*verified.stderr), (0, ""), "{unit}: {verified:?}");
    }
}

#[test]
fn the_users_and_folders_are_made_as_the_units_name_them() {
    let machine = Machine::new();
    machine.keep("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    machine.keep("etc/group", "root:x:0:\n");
    assert_eq!(machine.run(&["install", "--yes"]).code, 0);
    let root = format!("--root={}", machine.0.path().display());
    let users = judged("systemd-sysusers", &[&root, "cardbridge.conf"]);
    assert_eq!(users.code, 0, "{users:?}");
    let (passwd, group) = (machine.text("etc/passwd"), machine.text("etc/group"));
    for user in ["cardbridge", "cardbridge-kiosk"] {
        assert!(passwd.lines().any(|line| line.starts_with(&format!("{user}:")) && line.ends_with("/usr/sbin/nologin")), "{passwd}");
        assert!(group.contains(&format!("{user}:x:")), "{group}");
    }
    let folders = judged("systemd-tmpfiles", &[&root, "--create", "cardbridge.conf"]);
    assert_eq!(folders.code, 0, "{folders:?}");
    let mode = |path| fs::metadata(machine.path(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("etc/cardbridge"), mode("etc/cardbridge/secrets"), mode("var/lib/cardbridge")), (0o2750, 0o700, 0o700));
}

#[test]
fn every_reader_that_is_known_by_its_usb_ids_stands_in_the_rules() {
    let rules = fs::read_to_string("packaging/cardbridge.udev").unwrap();
    let (mut known, mut missing) = (0, Vec::new());
    for path in fs::read_dir("protocols/keyboards").unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|line| line.starts_with("usb = ")).unwrap_or_default();
        for (vendor, product) in line.split('"').filter_map(|id| id.split_once(':')) {
            known += 1;
            let lets_in = |rule: &&str| {
                let has =
                    |key: &str, id: &str| rule.split(", ").any(|part| part.starts_with(key) && part.split(['"', '|']).any(|one| one == id));
                rule.starts_with("SUBSYSTEM==\"input\"")
                    && has("ATTRS{idVendor}==", vendor)
                    && (!rule.contains("idProduct") || has("ATTRS{idProduct}==", product))
            };
            if !rules.lines().any(|rule| lets_in(&rule)) {
                missing.push(format!("{}: {vendor}:{product}", path.display()));
            }
        }
    }
    assert!(known > 8 && missing.is_empty(), "{known} known, without a rule: {missing:?}");
}

#[test]
fn the_configuration_that_comes_with_the_package_is_right() {
    let machine = Machine::new();
    let text = fs::read_to_string("packaging/cardbridge.toml").unwrap();
    machine.keep(CONFIGURATION, &text);
    let installed = machine.run(&["install", "--yes"]);
    assert_eq!(installed.code, 0, "{installed:?}");
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    manual::write(folder.path());
    let commands: Vec<String> = cardbridge::cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert!(commands.len() > 19, "{commands:?}");
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for command in &commands {
        assert!(text("cardbridge.1").contains(&format!("cardbridge\\-{command}(1)")), "{command}");
        assert!(text(&format!("cardbridge-{command}.1")).contains(".SH SYNOPSIS"), "{command}");
        for completions in ["cardbridge.bash", "_cardbridge", "cardbridge.fish"] {
            assert!(text(completions).contains(command.as_str()), "{completions}: {command}");
        }
    }
    assert_eq!(judged("bash", &["-n", folder.path().join("cardbridge.bash").to_str().unwrap()]).code, 0);
    assert!(!text("cardbridge-service-install.1").contains("\\-\\-root"), "what is for tests alone is not told");
}
