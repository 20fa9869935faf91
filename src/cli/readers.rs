//! `cardbridge readers`: what is plugged in, and which configured reader each one is; with `--listen`, what is spoken.

use std::{process::ExitCode, sync::Arc};

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::{
    Globals, listen,
    out::{self, Failure},
    site::{self, Look},
};
use crate::{
    config::{Attached, ReaderConfig},
    readers::{pcsc, serial},
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
    if arguments.json {
        lines.iter().for_each(out::print_json);
    } else if rows.is_empty() {
        out::print("no serial port and no PC/SC reader is plugged in");
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["PORT", "USB", "PRODUCT", "SERIAL NUMBER", "CONFIGURED AS"]).add_rows(rows);
        out::print(&table.to_string());
    }
    if let Err(why) = cards {
        out::hint(&format!("PC/SC readers cannot be listed: {why}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn serial_reader(readers: &[ReaderConfig], path: &str) -> Option<String> {
    let mut names = readers.iter().filter_map(|reader| match &reader.attached {
        Attached::Serial { port, .. } => {
            let paths = serial::matching(port);
            let at = paths.iter().position(|meant| meant == path)?;
            Some(if paths.len() == 1 { reader.name.clone() } else { format!("{}#{}", reader.name, at + 1) })
        }
        Attached::Osdp { bus, .. } => (bus.path == path).then(|| reader.name.clone()),
        Attached::Pcsc { .. } => None,
    });
    // Several OSDP readers may share one line.
    let first = names.next()?;
    Some(names.fold(first, |all, name| format!("{all}, {name}")))
}

fn pcsc_readers(readers: &[ReaderConfig], models: &[Arc<Model>], devices: &[String]) -> Vec<(String, Option<String>)> {
    let wanted = readers.iter().filter_map(|reader| match &reader.attached {
        Attached::Pcsc { pattern, .. } => {
            Some(pcsc::Wanted { pattern: pattern.clone(), name: reader.name.as_str().into(), keys_file: None })
        }
        Attached::Serial { .. } | Attached::Osdp { .. } => None,
    });
    let named = pcsc::name_devices(&wanted.collect::<Vec<_>>(), models, devices);
    let name_of = |device: &String| named.iter().find(|(path, _)| path == device).map(|(_, name)| name.to_string());
    devices.iter().map(|device| (device.clone(), name_of(device))).collect()
}
