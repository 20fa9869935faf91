//! `cardbridge readers`: what is plugged in, and which configured reader each one is; with `--listen`, what is spoken.

use std::{process::ExitCode, sync::Arc};

use serde_json::{Value, json};

use super::{
    Globals, listen,
    out::{self, Failure},
    site::{self, Look},
    table,
};
use crate::{
    config::ReaderConfig,
    drivers::{keyboard, pcsc, serial},
    protocols::Protocols,
    reader::Port,
    smartcard::reader::Model,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge readers\n  cardbridge readers --json\n  cardbridge readers --listen /dev/ttyUSB0")]
pub struct Arguments {
    #[command(flatten)]
    listen: listen::Arguments,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub fn run(globals: &Globals, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Anywhere)?;
    if let Some(port) = &arguments.listen.listen {
        return super::asynchronous(listen::run(&site, port, &arguments.listen, arguments.json));
    }
    let mut rows: Vec<[String; 5]> = Vec::new();
    let mut lines: Vec<Value> = Vec::new();
    for port in serial::list() {
        let reader = serial_reader(&site.config.readers, &port.path);
        let usb = port.usb.map(|(vid, pid)| format!("{vid:04x}:{pid:04x}"));
        lines.push(json!({
            "transport": "serial", "path": port.path, "usb": usb, "product": port.product, "serial_number": port.serial_number, "reader": reader
        }));
        let words = [port.path, usb.unwrap_or_default(), port.product.unwrap_or_default(), port.serial_number.unwrap_or_default()];
        let [path, usb, product, number] = words;
        rows.push([path, usb, product, number, reader.unwrap_or_default()]);
    }
    let cards = pcsc::list();
    for (device, reader) in pcsc_readers(&site.config.readers, &site.protocols.models, cards.as_deref().unwrap_or_default()) {
        lines.push(json!({"transport": "pcsc", "path": device, "usb": null, "product": device, "serial_number": null, "reader": reader}));
        rows.push([device, "PC/SC".to_owned(), String::new(), String::new(), reader.unwrap_or_default()]);
    }
    let mut strangers = Vec::new();
    for (found, reader, known) in typing_readers(&site.config.readers, &site.protocols) {
        let usb = format!("{:04x}:{:04x}", found.usb.0, found.usb.1);
        if reader.is_none() && known.is_empty() {
            strangers.push(format!("{usb} {}", found.name));
            continue;
        }
        let (path, product, number) = (found.path, found.name, found.serial_number);
        lines.push(json!({
            "transport": "keyboard", "path": path, "usb": usb, "product": product, "serial_number": number, "reader": reader, "known": known
        }));
        rows.push([path, usb, product, number.unwrap_or_default(), reader.unwrap_or_default()]);
    }
    if arguments.json {
        lines.iter().for_each(out::print_json);
    } else if rows.is_empty() {
        out::print("no serial port, no PC/SC reader and no keyboard that is known as a reader is plugged in");
    } else {
        let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
        table::print(&["port", "usb", "product", "serial number", "configured as"], &rows);
    }
    if !strangers.is_empty() {
        out::hint(&format!("other keyboards, of which one may be a reader that is not known here: {}", strangers.join(", ")));
    }
    if let Err(why) = cards {
        out::hint(&format!("PC/SC readers cannot be listed: {why}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Every keyboard, with the configured reader that it is and the readers that are known by its ids.
fn typing_readers(readers: &[ReaderConfig], protocols: &Protocols) -> Vec<(keyboard::KeyboardDevice, Option<String>, Vec<String>)> {
    let listed = keyboard::list();
    let named = |path: &String| {
        readers.iter().find_map(|reader| {
            let Port::Keyboard { device } = &reader.port else { return None };
            named(&reader.name, &keyboard::matching(device, &listed), path)
        })
    };
    let known = |found: &keyboard::KeyboardDevice| protocols.keyboards_with(found.usb).map(|known| known.id.clone()).collect();
    listed.iter().map(|found| (found.clone(), named(&found.path), known(found))).collect()
}

/// The name of one of the devices that a configured reader means.
fn named(name: &str, paths: &[String], path: &String) -> Option<String> {
    let at = paths.iter().position(|meant| meant == path)?;
    Some(if paths.len() == 1 { name.to_owned() } else { format!("{name}#{}", at + 1) })
}

fn serial_reader(readers: &[ReaderConfig], path: &String) -> Option<String> {
    let mut names = readers.iter().filter_map(|reader| match &reader.port {
        Port::Serial { device, .. } => named(&reader.name, &serial::matching(device), path),
        Port::Osdp { bus, .. } => named(&reader.name, &serial::matching(&bus.device), path),
        Port::Pcsc { .. } | Port::Keyboard { .. } => None,
    });
    // Several OSDP readers may share one line.
    let first = names.next()?;
    Some(names.fold(first, |all, name| format!("{all}, {name}")))
}

fn pcsc_readers(readers: &[ReaderConfig], models: &[Arc<Model>], devices: &[String]) -> Vec<(String, Option<String>)> {
    let wanted = readers.iter().filter_map(|reader| match &reader.port {
        Port::Pcsc { pattern, .. } => {
            Some(pcsc::ReaderPattern { pattern: pattern.clone(), name: reader.name.as_str().into(), keys_file: None })
        }
        Port::Serial { .. } | Port::Osdp { .. } | Port::Keyboard { .. } => None,
    });
    let named = pcsc::name_devices(&wanted.collect::<Vec<_>>(), models, devices);
    let name_of = |device: &String| named.iter().find(|(path, _)| path == device).map(|(_, name)| name.to_string());
    devices.iter().map(|device| (device.clone(), name_of(device))).collect()
}
