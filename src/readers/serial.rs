//! The serial driver: a port opened for this process alone, bytes in, bytes out, opened again when it comes back.

use std::{
    io::{ErrorKind, Read, Write},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use serialport::{ClearBuffer, DataBits, Parity, SerialPort, SerialPortType, StopBits, TTYPort};

use super::{AGAIN, Events, ReaderCommand, ReaderEvent, ReaderName, Running, holder};
use crate::{
    config::Port,
    decode::dialect::{LineParity, LineSettings},
};

/// How long one read waits before the driver looks whether it is to end, or to write.
const READ_WAIT: Duration = Duration::from_millis(50);

/// A serial port of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortInfo {
    /// Its path.
    pub path: String,
    /// Vendor and product, where it is a USB device.
    pub usb: Option<(u16, u16)>,
    /// The USB device's serial number.
    pub serial_number: Option<String>,
    /// The USB device's product name.
    pub product: Option<String>,
}

/// The serial ports of this machine.
#[must_use]
pub fn list() -> Vec<PortInfo> {
    let ports = serialport::available_ports().unwrap_or_default();
    ports
        .into_iter()
        .map(|port| match port.port_type {
            SerialPortType::UsbPort(usb) => {
                PortInfo { path: port.port_name, usb: Some((usb.vid, usb.pid)), serial_number: usb.serial_number, product: usb.product }
            }
            _ => PortInfo { path: port.port_name, usb: None, serial_number: None, product: None },
        })
        .collect()
}

/// The ports that a configuration means: a path itself, or every USB device with that identity.
#[must_use]
pub fn matching(port: &Port) -> Vec<String> {
    match port {
        Port::Path(path) => vec![path.clone()],
        Port::Usb { vid, pid, serial } => {
            let is_meant = |found: &PortInfo| {
                found.usb == Some((*vid, *pid)) && serial.as_ref().is_none_or(|serial| found.serial_number.as_ref() == Some(serial))
            };
            let mut paths: Vec<String> = list().into_iter().filter(is_meant).map(|found| found.path).collect();
            paths.sort();
            paths
        }
    }
}

/// Starts the driver of one serial reader; what is sent into the returned channel is written to the line.
#[must_use]
pub fn start(name: ReaderName, port: Port, index: usize, line: LineSettings, events: Events, running: Running) -> Sender<ReaderCommand> {
    let (commands, wanted) = channel();
    let run = move || {
        let mut told = None;
        while !running.ended() {
            let why = match matching(&port).get(index) {
                Some(path) => serve(&name, path, line, &events, &wanted, &running, &mut told),
                None => format!("no USB serial device {} is plugged in", describe(&port)),
            };
            // One message for one cause, however often it is tried again.
            if told.as_ref() != Some(&why) {
                told = Some(why.clone());
                if events.send((name.clone(), ReaderEvent::Lost { why })).is_err() {
                    return;
                }
            }
            thread::sleep(AGAIN);
        }
    };
    // A process that cannot start a thread has no reader: the closed channel says so at the first write.
    drop(thread::Builder::new().name("serial".to_owned()).spawn(run));
    commands
}

fn describe(port: &Port) -> String {
    match port {
        Port::Path(path) => path.clone(),
        Port::Usb { vid, pid, serial } => match serial {
            Some(serial) => format!("{vid:04x}:{pid:04x} with serial number {serial}"),
            None => format!("{vid:04x}:{pid:04x}"),
        },
    }
}

/// Serves a port until it fails; says why it did.
fn serve(
    name: &ReaderName,
    path: &str,
    line: LineSettings,
    events: &Events,
    wanted: &Receiver<ReaderCommand>,
    running: &Running,
    told: &mut Option<String>,
) -> String {
    let mut port = match open(path, line) {
        Ok(port) => port,
        Err(error) => return cannot_open(path, &error),
    };
    *told = None;
    // What a reader sent before anybody listened is nobody's card.
    if let Err(error) = port.clear(ClearBuffer::Input) {
        return format!("{path} cannot be read: {error}");
    }
    let report = |event| events.send((name.clone(), event)).is_ok();
    if !report(ReaderEvent::Up) {
        running.end();
    }
    let mut buffer = [0; 4096];
    while !running.ended() {
        for command in wanted.try_iter() {
            if let ReaderCommand::Write(bytes) = command
                && let Err(error) = port.write_all(&bytes)
            {
                return format!("{path} cannot be written: {error}");
            }
        }
        match port.read(&mut buffer) {
            Ok(0) => return unplugged(path),
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                if !report(ReaderEvent::Bytes(bytes)) {
                    running.end();
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return unplugged(path),
            Err(error) => return format!("{path} cannot be read: {error}"),
        }
    }
    "the reader is no longer asked for".to_owned()
}

pub(super) fn open(path: &str, line: LineSettings) -> serialport::Result<TTYPort> {
    let (data_bits, parity, stop_bits) = words_of(line);
    serialport::new(path, line.baud).data_bits(data_bits).parity(parity).stop_bits(stop_bits).timeout(READ_WAIT).open_native()
}

/// Sets an open port anew.
pub(super) fn set(port: &mut TTYPort, line: LineSettings) -> serialport::Result<()> {
    let (data_bits, parity, stop_bits) = words_of(line);
    port.set_baud_rate(line.baud)?;
    port.set_data_bits(data_bits)?;
    port.set_parity(parity)?;
    port.set_stop_bits(stop_bits)
}

fn words_of(line: LineSettings) -> (DataBits, Parity, StopBits) {
    let parity = match line.parity {
        LineParity::None => Parity::None,
        LineParity::Even => Parity::Even,
        LineParity::Odd => Parity::Odd,
    };
    let data_bits = if line.data_bits == 7 { DataBits::Seven } else { DataBits::Eight };
    (data_bits, parity, if line.stop_bits == 2 { StopBits::Two } else { StopBits::One })
}

pub(super) fn unplugged(path: &str) -> String {
    format!("{path} is gone: the reader was unplugged; plug it in again")
}

pub(super) fn cannot_open(path: &str, error: &serialport::Error) -> String {
    let holders = holder::holders_of(path);
    if !holders.is_empty() {
        return format!("{path} is held by {}; end it, or use the reader through it", holders.join(" and "));
    }
    match error.kind() {
        serialport::ErrorKind::NoDevice | serialport::ErrorKind::Io(ErrorKind::NotFound) => {
            format!("{path} is not there; plug the reader in, `cardbridge readers` shows what is there")
        }
        serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => {
            format!("{path} may not be opened by this user; add the user to the group dialout and log in again")
        }
        _ => format!("{path} cannot be opened: {error}"),
    }
}
