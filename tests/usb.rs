//! What is promised of readers on USB, in a guest of QEMU with Debian's kernel: `make test-usb`, and no part of `make test`.
//!
//! Real are the USB stack, usbhid and evdev, ftdi_sio and 8250, udev, libccid and pcscd, and the binary; the machine and the
//! devices are QEMU's. A keyboard, serial lines, an OSDP line and a CCID reader are plugged in and unplugged while the station reads. The
//! processor is emulated, so that times here are worse than a site's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stdout, reason = "the figures are shown")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

#[path = "support/osdp.rs"]
mod osdp;

use osdp::{OsdpLine, Peripheral};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SITE: &str = r#"
[blusky]
base_url = "http://127.0.0.1:9"
token_file = "token"

[[reader]]
name = "typing"
keyboard = "0627:0001"
template = "{card_number:dec10}"

[[reader]]
name = "line"
usb = "0403:6001"
usb_serial = "LINE"
dialect = "id12la-ascii"

[[reader]]
name = "door"
osdp = "0403:6001"
usb_serial = "DOOR"
card_left_ms = 0

[[reader]]
name = "wires"
serial = "/dev/ttyS1"
dialect = "twn3-binary"

[[reader]]
name = "card"
pcsc = "*"
"#;
/// How often each reader is unplugged and plugged in again, where `ROUNDS` of the environment does not say.
const ROUNDS: usize = 5;
/// A pcProx holds a key for 20 ms, and waits 20 ms for the next.
const HALF_A_KEY: Duration = Duration::from_millis(20);
/// What the emulated processor may take to find a device.
const BACK: Duration = Duration::from_secs(15);

#[test]
#[ignore = "boots a guest: make test-usb"]
fn readers_on_usb_are_read_after_every_replug() {
    let mut guest = Guest::boot();
    guest.wait_for("plug in the keyboard", Duration::from_secs(120));

    // Without the station: another program sees every key, and a user without rights is told which group has them.
    guest.plug("usb-kbd", "keyboard", json!({}));
    let told = guest.wait_for("nobody: ", Duration::from_secs(30));
    assert!(told.contains("may not be opened by this user; add the user to the group input"), "{told}");
    guest.wait_for("type", BACK);
    guest.types("12345\n", HALF_A_KEY);
    guest.wait_for("overheard 24 bytes", BACK);
    guest.unplug("keyboard");
    guest.wait_for("the station runs", Duration::from_secs(30));

    let mut back: Vec<(&str, Duration)> = Vec::new();
    let rounds = std::env::var("ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("ROUNDS is a number"));
    for round in 0..rounds {
        back.push(("typing", keyboard(&mut guest, round)));
        back.push(("line", line(&mut guest, round)));
        back.push(("door", door(&mut guest)));
        back.push(("card", card(&mut guest, round)));
    }
    broken_wire(&mut guest);
    for reader in ["typing", "line", "door", "card"] {
        let mut times: Vec<u128> = back.iter().filter(|(name, _)| *name == reader).map(|(_, time)| time.as_millis()).collect();
        times.sort_unstable();
        println!("{reader}: there after {times:?} ms");
    }
}

/// Plugged in, ten digits, a person's typing, a digit too few; unplugged. Nobody else sees any of it.
fn keyboard(guest: &mut Guest, round: usize) -> Duration {
    let plugged = Instant::now();
    guest.plug("usb-kbd", "keyboard", json!({}));
    let back = guest.wait_for_all(["typing: there", "overhearing"], BACK)[0] - plugged;
    let number = 9_351_929 + round;
    let reading = guest.typed(&format!("{number:010}\n"), "ambiguous");
    assert_eq!((&reading["transport"], &reading["fits"][0]["card_number"]), (&json!("keyboard"), &json!(number)), "{reading}");
    // What a person types is no reading: the next one is that of the burst behind it.
    guest.types("0461851553\n", Duration::from_millis(100));
    guest.typed("000935192\n", "damaged");
    guest.unplug("keyboard");
    guest.wait_for_all(["the reader was unplugged", "overheard 0 bytes"], BACK);
    back
}

/// A frame as its datasheet has it.
const FRAME: &[u8] = b"\x020C000621A58E\r\n\x03";

/// Plugged in, a frame; then a second one of the same kind beside it, which gets a name of its own; both unplugged.
fn line(guest: &mut Guest, round: usize) -> Duration {
    let mut wire = guest.connect("line.sock");
    let plugged = Instant::now();
    guest.plug("usb-serial", "line", json!({"chardev": "line", "serial": "LINE"}));
    guest.wait_for("line: there", BACK);
    let back = plugged.elapsed();
    wire.write_all(FRAME).unwrap();
    assert_eq!(guest.reading("line")["input"], "em4100:0C000621A5");

    let mut second = guest.connect("second.sock");
    let plugged = Instant::now();
    guest.plug("usb-serial", "second", json!({"chardev": "second", "serial": "LINE"}));
    guest.wait_for("line#2: there", BACK);
    println!("round {round}: the second line is there after {} ms", plugged.elapsed().as_millis());
    second.write_all(FRAME).unwrap();
    guest.reading("line#2");
    // Another card, as the first one may lie there still.
    wire.write_all(b"\x020415148F26AC\r\n\x03").unwrap();
    guest.reading("line");
    guest.unplug("second");
    guest.wait_for("line#2: ", BACK);
    guest.unplug("line");
    guest.wait_for("line: ", BACK);
    back
}

/// An OSDP line, known by what it is plugged in by: plugged in, a card; unplugged.
fn door(guest: &mut Guest) -> Duration {
    let wire = guest.connect("door.sock");
    wire.set_nonblocking(true).unwrap();
    let bus = OsdpLine::on(wire, "0403:6001".to_owned(), &[Peripheral::at(0)]);
    let plugged = Instant::now();
    guest.plug("usb-serial", "door", json!({"chardev": "door", "serial": "DOOR"}));
    guest.wait_for("door: there", BACK);
    let back = plugged.elapsed();
    bus.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    assert_eq!(guest.reading("door")["bits"], "{26}BD88EB80");
    guest.unplug("door");
    guest.wait_for("door: ", BACK);
    back
}

/// A line that stays plugged in, and breaks in the middle of a frame: the kernel reads the break as a byte 00, which is what the
/// reader would have sent there. The frame is a damaged one all the same, because the driver marks that byte.
fn broken_wire(guest: &mut Guest) {
    let mut wire = guest.connect("wires.sock");
    let frame = [0x0A, 0xFF, 0x11, 0x00, 0x80, 0x66, 0xCF, 0x4D, 0xC2, 0x42];
    let damaged = (0..10).find_map(|_| {
        wire.write_all(&frame[..3]).unwrap();
        // What is on the way arrives before the break does, and the rest before the frame is given up.
        thread::sleep(Duration::from_millis(10));
        guest.command(&json!({"execute": "chardev-send-break", "arguments": {"id": "wires"}}));
        wire.write_all(&frame[4..]).unwrap();
        guest.look_for("\"reader\":\"wires\"", Duration::from_secs(3))
    });
    let reading: Value = serde_json::from_str(&damaged.expect("the frame is shown")).unwrap();
    assert_eq!(reading["verdict"], "damaged", "{reading}");
    assert_eq!(reading["refusals"][0]["detail"], "a byte of it came with a parity or framing error");
    wire.write_all(&frame).unwrap();
    assert_eq!(guest.reading("wires")["input"], "csn:66CF4DC2");
}

/// A CCID reader is plugged in, a card is laid on it, and it is unplugged with the card there.
fn card(guest: &mut Guest, round: usize) -> Duration {
    let uid = [0x04, 0xA2, 0xB3, 0xC4, 0xD5, 0xE6, u8::try_from(round % 256).unwrap()];
    let plugged = Instant::now();
    guest.plug("usb-ccid", "ccid", json!({}));
    guest.plug("ccid-card-passthru", "chip", json!({"chardev": "card", "bus": "ccid.0"}));
    guest.wait_for("card: there", BACK);
    let back = plugged.elapsed();
    let wire = guest.connect("card.sock");
    let chip = wire.try_clone().unwrap();
    thread::spawn(move || drop(be_a_card(chip, &uid)));
    let reading = guest.reading("card");
    assert_eq!(reading["csn"], format!("04A2B3C4D5E6{:02X}", round % 256), "{reading}");
    guest.unplug("chip");
    guest.unplug("ccid");
    guest.wait_for("card: the reader was unplugged", BACK);
    // QEMU takes the next card's connection once this one has ended.
    wire.shutdown(Shutdown::Both).unwrap();
    back
}

/// Answers as a MIFARE card under a PC/SC reader: QEMU's messages are a type, a reader and a length, high bytes first.
fn be_a_card(mut wire: UnixStream, uid: &[u8]) -> std::io::Result<()> {
    const INIT: u32 = 1;
    const READER_ADD: u32 = 3;
    const ATR: u32 = 5;
    const APDU: u32 = 7;
    const MIFARE: [u8; 20] =
        [0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x6A];
    let mut say = {
        let mut wire = wire.try_clone()?;
        move |kind: u32, body: &[u8]| {
            let length = u32::try_from(body.len()).unwrap();
            wire.write_all(&[kind, 0, length].map(u32::to_be_bytes).concat())?;
            wire.write_all(body)
        }
    };
    say(INIT, b"VSCD\0\0\0\x02\0\0\0\0")?;
    say(READER_ADD, b"card\0")?;
    say(ATR, &MIFARE)?;
    loop {
        let mut header = [0; 12];
        wire.read_exact(&mut header)?;
        let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
        let mut body = vec![0; word(8) as usize];
        wire.read_exact(&mut body)?;
        if word(0) == APDU {
            let answer = if body.starts_with(&[0xFF, 0xCA, 0, 0]) { [uid, &[0x90, 0]].concat() } else { vec![0x6A, 0x81] };
            say(APDU, &answer)?;
        }
    }
}

/// The guest: its console line by line, and QEMU's own line of commands.
struct Guest {
    qemu: Child,
    console: Receiver<String>,
    commands: BufReader<UnixStream>,
    folder: PathBuf,
    seen: Vec<String>,
}

impl Guest {
    fn boot() -> Self {
        let made = PathBuf::from(ROOT).join("target/guest");
        let folder = tempfile::Builder::new().prefix("guest").tempdir_in(&made).unwrap().keep();
        let site = folder.join("site");
        fs::create_dir(&site).unwrap();
        fs::write(site.join("cardbridge.toml"), SITE).unwrap();
        fs::write(site.join("token"), "x\n").unwrap();
        fs::set_permissions(site.join("token"), PermissionsExt::from_mode(0o600)).unwrap();
        let shown = |path: &Path| path.display().to_string();
        let (program, inside) = (env!("CARGO_BIN_EXE_cardbridge"), format!("{ROOT}/tests/guest/inside"));
        let append = format!("console=ttyS0 quiet panic=-1 inside={inside} program={program} site={}", shown(&site));
        let socket = |name: &str| format!("socket,id={name},path={},server=on,wait=off", shown(&folder.join(format!("{name}.sock"))));
        let mut qemu = Command::new("qemu-system-x86_64")
            .args([
                "-machine",
                "pc",
                "-accel",
                "tcg,thread=multi",
                "-smp",
                "2",
                "-m",
                "1024",
                "-nodefaults",
                "-display",
                "none",
                "-no-reboot",
            ])
            .args(["-kernel", &shown(&made.join("vmlinuz")), "-initrd", &shown(&made.join("initramfs")), "-append", &append])
            .args(["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"])
            .args(["-device", "qemu-xhci,id=xhci", "-serial", "stdio"])
            .args(["-chardev", &socket("wires"), "-serial", "chardev:wires"])
            .args(["-chardev", &socket("line"), "-chardev", &socket("second"), "-chardev", &socket("door"), "-chardev", &socket("card")])
            .args(["-chardev", &socket("qmp"), "-mon", "chardev=qmp,mode=control"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("qemu-system-x86_64 is installed");
        let (tell, console) = channel();
        let stdout = BufReader::new(qemu.stdout.take().unwrap());
        thread::spawn(move || {
            // Whatever is no UTF-8 is the firmware's.
            for line in stdout.split(b'\n').map_while(Result::ok) {
                drop(tell.send(String::from_utf8_lossy(&line).trim().to_owned()));
            }
        });
        let commands = BufReader::new(connect(&folder.join("qmp.sock")));
        let mut guest = Self { qemu, console, commands, folder, seen: Vec::new() };
        guest.answer("QMP");
        guest.command(&json!({"execute": "qmp_capabilities"}));
        guest
    }

    fn connect(&self, name: &str) -> UnixStream {
        connect(&self.folder.join(name))
    }

    fn plug(&mut self, driver: &str, id: &str, more: Value) {
        let mut arguments = json!({"driver": driver, "id": id});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.command(&json!({"execute": "device_add", "arguments": arguments}));
    }

    fn unplug(&mut self, id: &str) {
        self.command(&json!({"execute": "device_del", "arguments": {"id": id}}));
    }

    /// Presses keys of digits and Enter, each for this long, with as long a pause.
    fn types(&mut self, text: &str, each: Duration) {
        for character in text.chars() {
            let key = if character == '\n' { "ret".to_owned() } else { character.to_string() };
            for down in [true, false] {
                let data = json!({"down": down, "key": {"type": "qcode", "data": key}});
                self.command(&json!({"execute": "input-send-event", "arguments": {"events": [{"type": "key", "data": data}]}}));
                // The time is what is tested.
                thread::sleep(each);
            }
        }
    }

    /// Types a burst and waits for its reading. Where the emulated machine has been slower than a reader's keys, and the
    /// burst is refused or damaged for it, it is typed again, as a card would be shown again.
    fn typed(&mut self, burst: &str, verdict: &str) -> Value {
        for _ in 0..10 {
            self.types(burst, HALF_A_KEY);
            if let Some(line) = self.look_for("\"reader\":\"typing\"", Duration::from_secs(3)) {
                let reading: Value = serde_json::from_str(&line).unwrap();
                if reading["verdict"] == verdict {
                    return reading;
                }
                assert_eq!(reading["verdict"], "damaged", "{reading}");
            }
            println!("typed again: the emulated machine was too slow");
        }
        panic!("ten bursts and no reading: {:#?}", self.seen);
    }

    fn command(&mut self, command: &Value) {
        writeln!(self.commands.get_mut(), "{command}").unwrap();
        self.answer("return");
    }

    /// Waits for an answer with this member; events are passed over.
    fn answer(&mut self, member: &str) {
        loop {
            let mut line = String::new();
            assert!(self.commands.read_line(&mut line).unwrap() > 0, "QEMU has ended: {:#?}", self.seen);
            let said: Value = serde_json::from_str(&line).unwrap();
            assert!(said["error"].is_null(), "{said}");
            if !said[member].is_null() {
                return;
            }
        }
    }

    /// Waits for a line of the console that holds this text.
    fn wait_for(&mut self, text: &str, at_most: Duration) -> String {
        self.look_for(text, at_most).unwrap_or_else(|| panic!("{text:?} was not said; said was {:#?}", self.seen))
    }

    /// Waits for lines that hold these texts, in any order, and says when each came.
    fn wait_for_all<const N: usize>(&mut self, texts: [&str; N], at_most: Duration) -> [Instant; N] {
        let end = Instant::now() + at_most;
        let mut came: [Option<Instant>; N] = [None; N];
        while came.contains(&None) {
            let line = self.look_for("", end.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|| panic!("{texts:?} were not all said; said was {:#?}", self.seen));
            for (_, came) in texts.iter().zip(&mut came).filter(|(text, _)| line.contains(**text)) {
                came.get_or_insert_with(Instant::now);
            }
        }
        came.map(Option::unwrap)
    }

    fn look_for(&mut self, text: &str, at_most: Duration) -> Option<String> {
        let end = Instant::now() + at_most;
        while let Ok(line) = self.console.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.seen.push(line.clone());
            if line.contains(text) {
                return Some(line);
            }
        }
        None
    }

    /// Waits for a reading at this reader.
    fn reading(&mut self, reader: &str) -> Value {
        let line = self.wait_for(&format!("\"reader\":\"{reader}\""), Duration::from_secs(20));
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        drop(self.qemu.kill());
        drop(self.qemu.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn connect(path: &Path) -> UnixStream {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() > end => panic!("{}: {error}", path.display()),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}
