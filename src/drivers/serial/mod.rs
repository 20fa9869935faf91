//! The serial driver: a port opened for this process alone, bytes in, bytes out, opened again when it comes back.
//!
//! It is a task that waits for the port's file descriptor: no thread stands between the line and whoever decodes it.

mod marks;

use std::{convert::Infallible, io::ErrorKind, path::Path, time::Duration};

use serialport::{ClearBuffer, DataBits, Parity, SerialPort as _, SerialPortBuilder, SerialPortType, StopBits};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tokio_serial::SerialStream;

use self::marks::Marks;
use super::{
    device::{Device, End, Link},
    holder,
    place::Place,
    unplugged, unreadable, unwritable,
};
use crate::reader::{LineParity, LineSettings, Port, ReaderCommand, ReaderEvent, SerialDevice};

/// How long a device may take no byte before what was to be said to it is dropped.
pub(super) const WRITE_WAIT: Duration = Duration::from_secs(1);

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

/// The paths of the ports that a configuration means: a path itself, or every USB device with that identity.
#[must_use]
pub fn matching(device: &SerialDevice) -> Vec<String> {
    places(device).into_iter().map(|place| place.path).collect()
}

pub(super) fn places(device: &SerialDevice) -> Vec<Place> {
    match device {
        SerialDevice::Path(path) => vec![Place { path: path.clone(), serial: None }],
        SerialDevice::Usb { vid, pid, serial } => {
            let is_meant = |found: &PortInfo| {
                found.usb == Some((*vid, *pid)) && serial.as_ref().is_none_or(|serial| found.serial_number.as_ref() == Some(serial))
            };
            let found = list().into_iter().filter(is_meant);
            let mut places: Vec<Place> = found.map(|found| Place { path: found.path, serial: found.serial_number }).collect();
            places.sort_by(|a, b| a.path.cmp(&b.path));
            places
        }
    }
}

/// Says that no such device is there, and what to do.
pub(super) fn missing(device: &SerialDevice) -> String {
    format!("no USB serial device {device} is plugged in; `cardbridge readers` shows what is there")
}

/// A serial reader, as a site describes it. What it is told to write goes to its line.
#[derive(Clone)]
pub(super) struct Line {
    device: SerialDevice,
    settings: LineSettings,
}

impl Device for Line {
    type Opened = Opened;

    fn at(port: &Port) -> Option<Self> {
        if let Port::Serial { device, line } = port { Some(Self { device: device.clone(), settings: *line }) } else { None }
    }

    fn can_be_several(&self) -> bool {
        matches!(self.device, SerialDevice::Usb { .. })
    }

    fn found(&self) -> Vec<Place> {
        places(&self.device)
    }

    fn missing(&self) -> String {
        missing(&self.device)
    }

    fn open(&self, path: &str) -> Result<Opened, String> {
        opened(path, self.settings)
    }

    async fn serve(path: &str, opened: Opened, link: &mut Link) -> Result<Infallible, End> {
        let mut buffer = [0; 4096];
        let Opened { mut port, mut marks, notes } = opened;
        notes.into_iter().try_for_each(|words| link.report(ReaderEvent::Note(words)))?;
        loop {
            tokio::select! {
                read = port.read(&mut buffer) => match read {
                    Ok(0) => return Err(End::Failed(unplugged(path))),
                    Ok(count) => marks.read(buffer.get(..count).unwrap_or_default()).into_iter().try_for_each(|event| link.report(event))?,
                    Err(error) => return Err(End::Failed(unreadable(path, &error))),
                },
                // A device that takes nothing for so long answers nothing either, and that is told elsewhere.
                told = link.told() => if let ReaderCommand::Write(bytes) = told?
                    && let Ok(Err(error)) = timeout(WRITE_WAIT, port.write_all(&bytes)).await
                {
                    return Err(End::Failed(unwritable(path, &error)));
                },
            }
        }
    }
}

/// An open port.
pub(super) struct Opened {
    port: SerialStream,
    marks: Marks,
    /// What could not be set, in words.
    notes: Vec<String>,
}

/// Opens a port. What a reader sent before anybody listened is nobody's card.
fn opened(path: &str, line: LineSettings) -> Result<Opened, String> {
    // Opened before the port itself, which nobody else can open then.
    let tty = marks::tty(path);
    let mut port = SerialStream::open(&settings(path, line)).map_err(|error| cannot_open(path, &error))?;
    let notes = drive(&mut port, line).into_iter().map(|pin| format!("{path} has no {pin}: `{pin}` of this reader is not set")).collect();
    let marks = Marks::of(tty.is_some_and(|tty| marks::mark_errors(&tty)));
    port.clear(ClearBuffer::Input).map_err(|error| format!("{path} cannot be read: {error}"))?;
    Ok(Opened { port, marks, notes })
}

/// Sets DTR and RTS as the reader wants them; which of them the port does not have.
fn drive(port: &mut SerialStream, line: LineSettings) -> Vec<&'static str> {
    let dtr = line.dtr.is_some_and(|on| port.write_data_terminal_ready(on).is_err()).then_some("dtr");
    let rts = line.rts.is_some_and(|on| port.write_request_to_send(on).is_err()).then_some("rts");
    dtr.into_iter().chain(rts).collect()
}

/// The settings a port is opened with.
pub(super) fn settings(path: &str, line: LineSettings) -> SerialPortBuilder {
    let (data_bits, parity, stop_bits) = words_of(line);
    serialport::new(path, line.baud).data_bits(data_bits).parity(parity).stop_bits(stop_bits)
}

/// Sets an open port anew.
pub(super) fn set(port: &mut SerialStream, line: LineSettings) -> serialport::Result<()> {
    let (data_bits, parity, stop_bits) = words_of(line);
    port.set_baud_rate(line.baud)?;
    port.set_data_bits(data_bits)?;
    port.set_parity(parity)?;
    port.set_stop_bits(stop_bits)?;
    drive(port, line);
    Ok(())
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

pub(super) fn cannot_open(path: &str, error: &serialport::Error) -> String {
    let holders = holder::holders_of(path);
    if !holders.is_empty() {
        return format!("{path} is held by {}; end it, or use the reader through it", holder::words(&holders));
    }
    match error.kind() {
        // So it is called, too, where another user's program has it for itself.
        serialport::ErrorKind::NoDevice if Path::new(path).exists() => {
            format!("{path} is in use by a program that this user cannot see; `sudo fuser -v {path}` names it")
        }
        serialport::ErrorKind::NoDevice | serialport::ErrorKind::Io(ErrorKind::NotFound) => {
            format!("{path} is not there; plug the reader in, `cardbridge readers` shows what is there")
        }
        serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => {
            format!("{path} may not be opened by this user; add the user to the group dialout and log in again")
        }
        _ => format!("{path} cannot be opened: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_there_and_taken_is_not_said_to_be_gone() {
        let taken = serialport::Error::new(serialport::ErrorKind::NoDevice, "Device or resource busy");
        let port = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        assert!(cannot_open(port.to_str().unwrap(), &taken).contains(" is in use by a program"));
        assert!(cannot_open("/dev/ttyNONE", &taken).starts_with("/dev/ttyNONE is not there"));
    }
}
