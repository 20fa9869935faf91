//! A reader that types, under Linux: finds its input device, takes it for itself, and passes its keys on.
//!
//! In: which device is meant. Out: what its keys did, with the kernel's times. The device is grabbed: while it is open
//! here, no other program sees its keys. Never: a meaning for a key. The machines that test this project cannot make an
//! input device; finding one is tested on a copy of /sys, and opening, grabbing and unplugging in `make test-usb` alone.

use std::{convert::Infallible, fs, io, path::Path, time::SystemTime};

use chrono::{DateTime, Utc};
use evdev::{
    EventSummary, InputEvent, KeyCode, SynchronizationCode,
    raw_stream::{EventStream, RawDevice},
};
use nix::unistd::{Gid, Group};

use super::{
    device::{Device, End, Link},
    holder,
    place::Place,
    unreadable,
};
use crate::reader::{self, InputDevice, KeyEvent, KeyMove, Port, ReaderEvent};

/// An input device of this machine that could be a reader: it has digits and Enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyboardDevice {
    /// Its path.
    pub path: String,
    /// Vendor and product.
    pub usb: (u16, u16),
    /// Its name, as the kernel shows it.
    pub name: String,
    /// Its serial number.
    pub serial_number: Option<String>,
}

/// Where the kernel tells about input devices, to everybody.
const SYS: &str = "/sys/class/input";
const DEV: &str = "/dev/input";

/// The input devices of this machine that have digits and Enter. A reader may show a second device without them.
#[must_use]
pub fn list() -> Vec<KeyboardDevice> {
    list_in(Path::new(SYS))
}

fn list_in(folder: &Path) -> Vec<KeyboardDevice> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("event")?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect();
    numbers.sort_unstable();
    numbers.into_iter().filter_map(|number| found(folder, number)).collect()
}

fn found(folder: &Path, number: u32) -> Option<KeyboardDevice> {
    let device = folder.join(format!("event{number}")).join("device");
    let text = |name: &str| fs::read_to_string(device.join(name)).ok().map(|text| text.trim_end_matches('\n').to_owned());
    let id = |name: &str| u16::from_str_radix(text(name)?.trim(), 16).ok();
    types_numbers(&text("capabilities/key")?).then_some(KeyboardDevice {
        path: format!("{DEV}/event{number}"),
        usb: (id("id/vendor")?, id("id/product")?),
        name: text("name")?,
        serial_number: text("uniq").filter(|serial| !serial.is_empty()),
    })
}

/// True where a set of keys, in hex words with the highest first, has every digit and Enter.
fn types_numbers(capabilities: &str) -> bool {
    let words: Vec<u64> = capabilities.split_whitespace().rev().map_while(|word| u64::from_str_radix(word, 16).ok()).collect();
    let has = |code: u16| words.get(usize::from(code / 64)).is_some_and(|word| word >> (code % 64) & 1 == 1);
    (KeyCode::KEY_1.0..=KeyCode::KEY_0.0).chain([KeyCode::KEY_ENTER.0]).all(has)
}

/// The paths of the devices that a configuration means.
#[must_use]
pub fn matching(device: &InputDevice, listed: &[KeyboardDevice]) -> Vec<String> {
    meant(device, listed.to_vec()).into_iter().map(|found| found.path).collect()
}

fn meant(device: &InputDevice, mut listed: Vec<KeyboardDevice>) -> Vec<KeyboardDevice> {
    let path = device.path.as_ref().map(|path| fs::canonicalize(path).map_or_else(|_| path.clone(), |real| real.display().to_string()));
    listed.retain(|found| {
        path.as_ref().is_none_or(|path| found.path == *path)
            && device.usb.is_none_or(|usb| found.usb == usb)
            && device.name.as_ref().is_none_or(|name| reader::matches(name.trim(), found.name.trim()))
            && device.serial.as_ref().is_none_or(|serial| found.serial_number.as_ref() == Some(serial))
    });
    listed
}

/// A reader that types, as a site describes it. It can be told nothing.
#[derive(Clone)]
pub(super) struct Keyboard(InputDevice);

impl Device for Keyboard {
    type Opened = EventStream;

    fn at(port: &Port) -> Option<Self> {
        if let Port::Keyboard { device } = port { Some(Self(device.clone())) } else { None }
    }

    fn can_be_several(&self) -> bool {
        self.0.path.is_none()
    }

    fn found(&self) -> Vec<Place> {
        let place = |found: KeyboardDevice| Place { path: found.path, serial: found.serial_number };
        meant(&self.0, list()).into_iter().map(place).collect()
    }

    fn missing(&self) -> String {
        format!("no keyboard {} is plugged in; `cardbridge readers` shows what is there", describe(&self.0))
    }

    fn open(&self, path: &str) -> Result<EventStream, String> {
        opened(path)?.into_event_stream().map_err(|error| format!("{path} cannot be read: {error}"))
    }

    async fn serve(path: &str, mut stream: EventStream, link: &mut Link) -> Result<Infallible, End> {
        loop {
            tokio::select! {
                event = stream.next_event() => match event {
                    Ok(event) => if let Some(event) = key_event(&event) {
                        link.report(ReaderEvent::Typed(vec![event]))?;
                    },
                    Err(error) => return Err(End::Failed(unreadable(path, &error))),
                },
                told = link.told() => drop(told?),
            }
        }
    }
}

/// Opens a device and takes it from everybody else.
fn opened(path: &str) -> Result<RawDevice, String> {
    let mut device = RawDevice::open(path).map_err(|error| cannot_open(path, &error))?;
    device.grab().map_err(|error| match holder::holders_of(path).as_slice() {
        [] => format!("{path} cannot be taken for this program alone: {error}"),
        holders => format!("{path} is held by {}; end it, or use the reader through it", holder::words(holders)),
    })?;
    Ok(device)
}

fn cannot_open(path: &str, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return format!("{path} cannot be opened: {error}");
    }
    let group = fs::metadata(path).ok().and_then(|file| {
        let gid = Gid::from_raw(std::os::unix::fs::MetadataExt::gid(&file));
        Group::from_gid(gid).ok().flatten()
    });
    let group = group.map_or_else(|| "input".to_owned(), |group| group.name);
    format!("{path} may not be opened by this user; add the user to the group {group} and log in again")
}

fn key_event(event: &InputEvent) -> Option<KeyEvent> {
    let moved = match event.destructure() {
        EventSummary::Key(_, key, 0) => KeyMove::Released(key.0),
        EventSummary::Key(_, key, 1) => KeyMove::Pressed(key.0),
        EventSummary::Synchronization(_, SynchronizationCode::SYN_DROPPED, _) => KeyMove::Dropped,
        // A key that is held repeats itself; that is no key.
        _ => return None,
    };
    Some(KeyEvent { at: time_of(event.timestamp()), moved })
}

/// The kernel's time; a clock that is set before 1970 is at its beginning.
fn time_of(time: SystemTime) -> DateTime<Utc> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    DateTime::from_timestamp(seconds, since.subsec_nanos()).unwrap_or_default()
}

/// What a configuration means, in words.
#[must_use]
pub fn describe(device: &InputDevice) -> String {
    let usb = device.usb.map(|(vid, pid)| format!("{vid:04x}:{pid:04x}"));
    let serial = device.serial.as_ref().map(|serial| format!("with serial number {serial}"));
    let words: Vec<String> = [usb, device.name.clone(), device.path.clone(), serial].into_iter().flatten().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a full keyboard shows in `capabilities/key`, and a mouse.
    const KEYS: &str = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe";
    const BUTTONS: &str = "1f0000 0 0 0 0";

    /// A copy of /sys/class/input with these devices: ids, name, serial number, keys.
    fn sys(devices: &[(&str, &str, &str, &str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (at, (vendor, product, name, serial, keys)) in devices.iter().enumerate() {
            let device = folder.path().join(format!("event{at}/device"));
            for (file, text) in
                [("id/vendor", vendor), ("id/product", product), ("name", name), ("uniq", serial), ("capabilities/key", keys)]
            {
                fs::create_dir_all(device.join(file).parent().unwrap()).unwrap();
                fs::write(device.join(file), format!("{text}\n")).unwrap();
            }
        }
        fs::create_dir_all(folder.path().join("mice")).unwrap();
        folder
    }

    #[test]
    fn of_several_devices_of_one_id_the_one_with_digits_and_enter_is_the_reader() {
        let folder = sys(&[
            ("413d", "2107", "HID 413d:2107", "", BUTTONS),
            ("413d", "2107", "HID 413d:2107", "", KEYS),
            ("413d", "2107", "PCsensor TEMPerGold", "", KEYS),
            ("0c27", "3bfa", "RFIDeas USB Keyboard", "A1", KEYS),
        ]);
        let listed = list_in(folder.path());
        let by = |usb, name: Option<&str>| {
            let name = name.map(ToOwned::to_owned);
            matching(&InputDevice { usb: Some(usb), name, ..InputDevice::default() }, &listed)
        };
        // An id proves nothing: a thermometer has this one too, and only its name tells.
        assert_eq!(by((0x413d, 0x2107), None), ["/dev/input/event1", "/dev/input/event2"]);
        assert_eq!(by((0x413d, 0x2107), Some("HID 413d*")), ["/dev/input/event1"]);
        assert_eq!(by((0x0c27, 0x3bfa), None), ["/dev/input/event3"]);
        let named = InputDevice { name: Some("rfideas*".to_owned()), serial: Some("A1".to_owned()), ..InputDevice::default() };
        assert_eq!(matching(&named, &listed), ["/dev/input/event3"]);
        assert!(matching(&InputDevice { serial: Some("A2".to_owned()), ..named }, &listed).is_empty());
        let path = InputDevice { path: Some("/dev/input/event3".to_owned()), ..InputDevice::default() };
        assert_eq!(matching(&path, &listed), ["/dev/input/event3"]);
    }

    #[test]
    fn a_set_of_keys_needs_every_digit_and_enter() {
        assert!(types_numbers(KEYS) && types_numbers("10000ffe"));
        for lacking in ["10000ffa", "ffe", "", BUTTONS, "xyz"] {
            assert!(!types_numbers(lacking), "{lacking}");
        }
    }
}
