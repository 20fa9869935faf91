//! `[[reader]]`: where the readers are attached and what is spoken there.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use toml_span::value::ValueInner;

use super::ReaderConfig;
use crate::{
    decode::dialect::{Cut, Dialect},
    protocols::{self, Protocols},
    reader::{Bus, ByteOrder, InputDevice, KeypadHints, Port, ReaderHints, SerialDevice},
    sheet::{At, Keys, nearest},
    station::ReaderKind,
};

pub(super) fn readers(keys: &mut Keys<'_, '_>, folder: &Path, protocols: &Protocols) -> Vec<ReaderConfig> {
    let mut readers: Vec<ReaderConfig> = Vec::new();
    for table in keys.tables("reader") {
        let span = table.span();
        let Some(reader) = reader(table, folder, protocols) else { continue };
        if readers.iter().any(|other| other.name == reader.name) {
            keys.complain(span, format!("two readers are named {:?}; give each its own name", reader.name));
        }
        if let Some(message) = readers.iter().find_map(|other| quarrel(&other.port, &reader.port)) {
            keys.complain(span, message);
        }
        readers.push(reader);
    }
    readers
}

/// What two readers on one line cannot both have.
fn quarrel(one: &Port, other: &Port) -> Option<String> {
    match (one, other) {
        (Port::Osdp { bus, address, .. }, Port::Osdp { bus: other, address: same, .. }) if bus.device == other.device => {
            if bus.baud != other.baud {
                Some(format!("two OSDP readers on {} have different `baud`; one line has one", bus.device))
            } else {
                (address == same).then(|| format!("two OSDP readers on {} have the address {address}; give each its own", bus.device))
            }
        }
        (Port::Osdp { bus, .. }, Port::Serial { device, .. }) | (Port::Serial { device, .. }, Port::Osdp { bus, .. })
            if bus.device == *device =>
        {
            Some(format!("{device} has an OSDP reader and a serial one; a line is one or the other"))
        }
        // Of two devices that say the same of themselves, each reader takes another one; a path is one device.
        (Port::Serial { device: device @ SerialDevice::Path(_), .. }, Port::Serial { device: same, .. }) if device == same => {
            Some(format!("two serial readers are on {device}; one line has one"))
        }
        (Port::Keyboard { device }, Port::Keyboard { device: same }) => {
            let path = device.path.as_ref().filter(|path| same.path.as_ref() == Some(path))?;
            Some(format!("two readers that type are at {path}; one device is one reader"))
        }
        _ => None,
    }
}

fn reader(mut keys: Keys<'_, '_>, folder: &Path, protocols: &Protocols) -> Option<ReaderConfig> {
    let span = keys.span();
    let name = keys.text("name");
    if let Some(name) = name.as_ref().filter(|name| name.value.contains('#')) {
        keys.complain(name.span, "a reader's name has no #; that is how the second of two devices is told from the first".to_owned());
    }
    if let Some(name) = name.as_ref().filter(|name| name.value.trim().is_empty()) {
        keys.complain(name.span, "a reader's name is what people and messages call it; give it one".to_owned());
    }
    let serial = keys.optional_text("serial");
    let usb = keys.optional_text("usb");
    let usb_serial = keys.optional_text("usb_serial").map(|serial| serial.value);
    let pcsc = keys.optional_text("pcsc");
    let osdp = osdp(&mut keys, folder, usb_serial.as_ref());
    let keys_file = keys.optional_text("keys_file");
    if let Some(file) = keys_file.as_ref().filter(|_| pcsc.is_none()) {
        keys.complain(file.span, "`keys_file` belongs to PC/SC readers: `pcsc = \"*NAME*\"`".to_owned());
    }
    let typing = keys.optional_text("keyboard").and_then(|device| input_device(&keys, &device, usb_serial.clone()));
    let dialect = keys.optional_text("dialect");
    let template = keys.optional_text("template");
    let baud = keys.number("baud", 50, 4_000_000);
    let parity = protocols::serial::parity(&mut keys);
    let data_bits = keys.number("data_bits", 7, 8);
    let stop_bits = keys.number("stop_bits", 1, 2);
    let (dtr, rts) = (pin(&mut keys, "dtr"), pin(&mut keys, "rts"));
    let told = told(&mut keys);
    let proof = super::proof(&mut keys);
    let only_serial =
        stop_bits.is_some() || data_bits.is_some() || dtr.is_some() || rts.is_some() || told.settle.is_some() || told.repeats.is_some();
    let device = match (serial, usb) {
        (Some(path), None) => Some(SerialDevice::Path(path.value)),
        (None, Some(usb)) => usb_port(&keys, &usb, usb_serial),
        (Some(_), Some(_)) => {
            keys.complain(span, "a reader has a `serial` path or a `usb` identity, not both".to_owned());
            None
        }
        (None, None) => None,
    };
    let attached = match (device, pcsc, osdp, typing) {
        (Some(device), None, None, None) => {
            let dialect = spoken(&keys, dialect, template, protocols)?;
            let mut line = dialect.line;
            line.baud = baud.map_or(line.baud, |baud| baud.value);
            line.data_bits = data_bits.map_or(line.data_bits, |bits| bits.value);
            line.parity = parity.unwrap_or(line.parity);
            line.dtr = dtr.unwrap_or(line.dtr);
            line.rts = rts.unwrap_or(line.rts);
            line.stop_bits = stop_bits.map_or(line.stop_bits, |bits| bits.value);
            Some((Port::Serial { device, line }, ReaderKind::Serial(dialect, told)))
        }
        (None, Some(pattern), None, None) => {
            if dialect.is_some()
                || template.is_some()
                || baud.is_some()
                || parity.is_some()
                || only_serial
                || told.bits.is_some()
                || told.kind.is_some()
            {
                let message = "`dialect`, `template`, `baud`, `data_bits`, `parity`, `stop_bits`, `dtr`, `rts`, `settle_ms`, `repeats_ms`, `bits` and \
                               `kind` belong to serial readers; a PC/SC reader tells them itself";
                keys.complain(span, message.to_owned());
            }
            if told.keypad != KeypadHints::default() {
                keys.complain(span, "`keypad` belongs to readers that hand over keys; a PC/SC reader does not".to_owned());
            }
            let keys_file = keys_file.map(|file| folder.join(file.value));
            Some((Port::Pcsc { pattern: pattern.value, keys_file }, ReaderKind::Pcsc(told)))
        }
        (None, None, None, Some(device)) => {
            if baud.is_some() || parity.is_some() || only_serial {
                let message = "`baud`, `data_bits`, `parity`, `stop_bits`, `dtr`, `rts`, `settle_ms` and `repeats_ms` belong to serial readers; a \
                               keyboard has none";
                keys.complain(span, message.to_owned());
            }
            let dialect = typed(&keys, spoken(&keys, dialect, template, protocols)?)?;
            Some((Port::Keyboard { device }, ReaderKind::Keyboard(dialect, told)))
        }
        (None, None, Some(Osdp { device, address, scbk_file }), None) => {
            if dialect.is_some() || template.is_some() || parity.is_some() || only_serial || told.bits.is_some() {
                let message = "`dialect`, `template`, `data_bits`, `parity`, `stop_bits`, `dtr`, `rts`, `settle_ms`, `repeats_ms` and `bits` belong to \
                               serial readers; OSDP settles them";
                keys.complain(span, message.to_owned());
            }
            let bus = Bus { device, baud: osdp_baud(&keys, baud) };
            Some((Port::Osdp { bus, address, scbk_file }, ReaderKind::Osdp(told)))
        }
        _ => {
            keys.complain(span, "a reader has one of `serial`, `usb`, `pcsc` or `osdp`, or `keyboard`".to_owned());
            None
        }
    };
    keys.finish();
    let (port, kind) = attached?;
    Some(ReaderConfig { name: name?.value, port, kind, proof })
}

/// The keys that only OSDP readers have.
struct Osdp {
    device: SerialDevice,
    address: u8,
    scbk_file: Option<PathBuf>,
}

fn osdp(keys: &mut Keys<'_, '_>, folder: &Path, usb_serial: Option<&String>) -> Option<Osdp> {
    let line = keys.optional_text("osdp");
    let address = keys.number("address", 0_u8, 126);
    let scbk_file = keys.optional_text("scbk_file");
    if let Some(span) = address.map(|address| address.span).or(scbk_file.as_ref().map(|file| file.span)).filter(|_| line.is_none()) {
        keys.complain(span, "`address` and `scbk_file` belong to OSDP readers: `osdp = \"/dev/ttyUSB0\"`".to_owned());
    }
    let scbk_file = scbk_file.map(|file| folder.join(file.value));
    let line = line?.value;
    let device = match usb_ids(&line) {
        Some((vid, pid)) => SerialDevice::Usb { vid, pid, serial: usb_serial.cloned() },
        None => SerialDevice::Path(line),
    };
    Some(Osdp { device, address: address.map_or(0, |address| address.value), scbk_file })
}

fn osdp_baud(keys: &Keys<'_, '_>, baud: Option<At<u32>>) -> u32 {
    const BAUDS: [u32; 6] = [9600, 19_200, 38_400, 57_600, 115_200, 230_400];
    let Some(baud) = baud else { return 9600 };
    if !BAUDS.contains(&baud.value) {
        let known = BAUDS.map(|baud| baud.to_string()).join(", ");
        keys.complain(baud.span, format!("`reader.baud` of an OSDP reader is one of {known}"));
    }
    baud.value
}

fn told(keys: &mut Keys<'_, '_>) -> ReaderHints {
    let bits = keys.number("bits", 1, 256).map(|bits| bits.value);
    let kind = keys.optional_text("kind").and_then(|kind| protocols::kind(keys, &kind));
    let byte_order = match keys.optional_text("byte_order") {
        None => ByteOrder::AsSent,
        Some(At { value, .. }) if value == "as_sent" => ByteOrder::AsSent,
        Some(At { value, .. }) if value == "reversed" => ByteOrder::Reversed,
        Some(At { span, .. }) => {
            keys.complain(span, "`reader.byte_order` must be \"as_sent\" or \"reversed\"".to_owned());
            ByteOrder::AsSent
        }
    };
    let card_left = keys.number("card_left_ms", 0_u64, 3_600_000).map(|millis| Duration::from_millis(millis.value));
    let repeats = keys.number("repeats_ms", 0_u64, 3_600_000).map(|millis| Duration::from_millis(millis.value));
    let settle = keys.number("settle_ms", 0_u64, 60_000).map(|millis| Duration::from_millis(millis.value));
    let keypad = protocols::keypad(keys);
    ReaderHints { bits, kind, byte_order, card_left, repeats, settle, keypad }
}

/// What a line that the host drives is to be: on, off, or as opening the port leaves it.
fn pin(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<Option<bool>> {
    let mut value = keys.any(key)?;
    let span = value.span;
    match value.take() {
        ValueInner::Boolean(flag) => Some(Some(flag)),
        ValueInner::String(text) if text == "leave" => Some(None),
        _ => {
            keys.complain(span, format!("`{}` must be true, false or \"leave\"", keys.name(key)));
            None
        }
    }
}

fn usb_port(keys: &Keys<'_, '_>, usb: &At<String>, serial: Option<String>) -> Option<SerialDevice> {
    let ids = usb_ids(&usb.value);
    if ids.is_none() {
        keys.complain(usb.span, "`reader.usb` must be vendor and product in hex, such as \"0403:6001\"".to_owned());
    }
    ids.map(|(vid, pid)| SerialDevice::Usb { vid, pid, serial })
}

/// Vendor and product, a pattern for the name, or both; or a path.
fn input_device(keys: &Keys<'_, '_>, device: &At<String>, serial: Option<String>) -> Option<InputDevice> {
    let text = device.value.trim();
    let (first, rest) = text.split_once(' ').map_or((text, ""), |(first, rest)| (first, rest.trim()));
    let found = match usb_ids(first) {
        _ if text.starts_with('/') => InputDevice { path: Some(text.to_owned()), serial, ..InputDevice::default() },
        Some(usb) => InputDevice { usb: Some(usb), name: Some(rest.to_owned()).filter(|rest| !rest.is_empty()), serial, path: None },
        None => InputDevice { name: Some(text.to_owned()), serial, ..InputDevice::default() },
    };
    // The keyboard that somebody types on must not be taken by mistake.
    if found.name.as_ref().is_some_and(|name| !name.chars().any(char::is_alphanumeric)) {
        let message = "`reader.keyboard` would take every keyboard; write its USB ids such as \"0c27:3bfa\", or more of its name: `cardbridge readers` shows both";
        keys.complain(device.span, message.to_owned());
        return None;
    }
    Some(found)
}

/// What a serial reader speaks, and a reader that types.
fn spoken(keys: &Keys<'_, '_>, dialect: Option<At<String>>, template: Option<At<String>>, protocols: &Protocols) -> Option<Arc<Dialect>> {
    match (dialect, template) {
        (dialect, None) => dialect_named(keys, dialect, protocols),
        (None, Some(template)) => line_of(keys, &template),
        (Some(_), Some(template)) => {
            keys.complain(template.span, "a reader speaks a `dialect` or sends lines of a `template`, not both".to_owned());
            None
        }
    }
}

/// A dialect that can be typed: lines of text, and nothing is said to the reader.
fn typed(keys: &Keys<'_, '_>, dialect: Arc<Dialect>) -> Option<Arc<Dialect>> {
    let can_be_typed = matches!(dialect.cut, Cut::Line { .. }) && dialect.host.is_none();
    if !can_be_typed {
        keys.complain(
            keys.span(),
            format!("`{}` is nothing that a keyboard types; it needs a dialect of text lines, or a `template`", dialect.id),
        );
    }
    can_be_typed.then_some(dialect)
}

/// Vendor and product in hex.
fn usb_ids(text: &str) -> Option<(u16, u16)> {
    let (vid, pid) = text.split_once(':')?;
    Some((u16::from_str_radix(vid, 16).ok()?, u16::from_str_radix(pid, 16).ok()?))
}

fn dialect_named(keys: &Keys<'_, '_>, name: Option<At<String>>, protocols: &Protocols) -> Option<Arc<Dialect>> {
    let Some(name) = name else {
        keys.missing("dialect");
        return None;
    };
    let found = protocols.dialect(&name.value).cloned();
    if found.is_none() {
        let names = protocols.dialects.iter().flat_map(|dialect| dialect.aliases.iter().map(String::as_str).chain([dialect.id.as_str()]));
        let hint = nearest(&name.value, names)
            .map_or_else(|| "`cardbridge formats --dialects` shows them all".to_owned(), |near| format!("did you mean `{near}`?"));
        keys.complain(name.span, format!("no serial dialect is named `{}`; {hint}", name.value));
    }
    found
}

/// The dialect of a device that a site has built itself: lines of one template.
fn line_of(keys: &Keys<'_, '_>, template: &At<String>) -> Option<Arc<Dialect>> {
    let read = protocols::serial::template_of(keys, template)?;
    if let Some(unknown) = protocols::serial::unknown_part(&read) {
        keys.complain(template.span, format!("`reader.template`: {unknown}"));
        return None;
    }
    let dialect = Dialect::of_lines(read);
    if dialect.is_none() {
        let message = "`reader.template` names nothing of a card; write {bits:hex}, {id:hex}, {facility_code:dec} and {card_number:dec}, or {keys:char}";
        keys.complain(template.span, message.to_owned());
    }
    dialect.map(Arc::new)
}
