//! The serial driver: a port opened for this process alone, bytes in, bytes out, opened again when it comes back.
//!
//! It is a task that waits for the port's file descriptor: no thread stands between the line and whoever decodes it.

mod marks;

use std::{collections::HashMap, io::ErrorKind, time::Duration};

use serialport::{ClearBuffer, DataBits, Parity, SerialPort as _, SerialPortBuilder, SerialPortType, StopBits};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_serial::SerialStream;

use self::marks::Marks;
use super::{AGAIN, Common, Driver, Setup, holder};
use crate::reader::{LineParity, LineSettings, Port, ReaderCommand, ReaderEvent, ReaderName, SerialDevice};

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

/// The ports that a configuration means: a path itself, or every USB device with that identity.
#[must_use]
pub fn matching(device: &SerialDevice) -> Vec<String> {
    match device {
        SerialDevice::Path(path) => vec![path.clone()],
        SerialDevice::Usb { vid, pid, serial } => {
            let is_meant = |found: &PortInfo| {
                found.usb == Some((*vid, *pid)) && serial.as_ref().is_none_or(|serial| found.serial_number.as_ref() == Some(serial))
            };
            let mut paths: Vec<String> = list().into_iter().filter(is_meant).map(|found| found.path).collect();
            paths.sort();
            paths
        }
    }
}

/// All serial readers. What one is told to write goes to its line.
pub struct SerialDriver {
    common: Common,
    /// The tasks that serve them; each ends when its channel is dropped.
    readers: HashMap<ReaderName, UnboundedSender<ReaderCommand>>,
}

impl SerialDriver {
    pub(super) fn new(common: Common) -> Self {
        Self { common, readers: HashMap::new() }
    }
}

impl Driver for SerialDriver {
    fn serves(&self, port: &Port) -> bool {
        matches!(port, Port::Serial { .. })
    }

    fn open(&mut self, readers: &[Setup]) {
        for setup in readers {
            let Port::Serial { device, line } = &setup.port else { continue };
            for (index, name) in setup.devices(matching(device).len()) {
                self.readers.entry(name.clone()).or_insert_with(|| {
                    let (commands, wanted) = unbounded_channel();
                    tokio::spawn(Reader { name, line: *line, common: self.common.clone(), wanted }.run(device.clone(), index));
                    commands
                });
            }
        }
    }

    fn command(&self, reader: &ReaderName, command: ReaderCommand) {
        if let Some(commands) = self.readers.get(reader) {
            drop(commands.send(command));
        }
    }
}

/// One reader, in a task of its own.
struct Reader {
    name: ReaderName,
    line: LineSettings,
    common: Common,
    wanted: UnboundedReceiver<ReaderCommand>,
}

/// Why a port is served no longer.
enum End {
    /// Nobody wants it.
    Unwanted,
    /// It failed.
    Failed(String),
}

impl Reader {
    async fn run(mut self, device: SerialDevice, index: usize) {
        let mut told = None;
        loop {
            let why = match self.open(&device, index).await {
                Ok((path, opened)) => {
                    told = None;
                    match self.serve(&path, opened).await {
                        End::Unwanted => return,
                        End::Failed(why) => why,
                    }
                }
                Err(why) => why,
            };
            // One message for one cause, however often it is tried again.
            if told.as_ref() != Some(&why) {
                told = Some(why.clone());
                if !self.report(ReaderEvent::Lost { why }) {
                    return;
                }
            }
            tokio::select! {
                () = sleep(AGAIN) => {}
                wanted = self.wanted.recv() => if wanted.is_none() { return },
            }
        }
    }

    fn report(&self, event: ReaderEvent) -> bool {
        self.common.events.send((self.name.clone(), event)).is_ok()
    }

    /// Opens the port; finding and opening it may take its time.
    async fn open(&self, device: &SerialDevice, index: usize) -> Result<(String, Opened), String> {
        let (device, line) = (device.clone(), self.line);
        let opening = spawn_blocking(move || match matching(&device).get(index) {
            Some(path) => opened(path, line).map(|port| (path.clone(), port)),
            None => Err(format!("no USB serial device {} is plugged in", describe(&device))),
        });
        opening.await.map_err(|error| error.to_string())?
    }

    /// Serves a port until it fails, or until nobody wants it.
    async fn serve(&mut self, path: &str, opened: Opened) -> End {
        if !self.report(ReaderEvent::Up) {
            return End::Unwanted;
        }
        let mut buffer = [0; 4096];
        let Opened { mut port, mut marks, notes } = opened;
        if !notes.into_iter().all(|words| self.report(ReaderEvent::Note(words))) {
            return End::Unwanted;
        }
        loop {
            tokio::select! {
                read = port.read(&mut buffer) => match read {
                    Ok(0) => return End::Failed(unplugged(path)),
                    Ok(count) => {
                        let heard = marks.read(buffer.get(..count).unwrap_or_default());
                        if !heard.into_iter().all(|event| self.report(event)) {
                            return End::Unwanted;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return End::Failed(unplugged(path)),
                    Err(error) => return End::Failed(format!("{path} cannot be read: {error}")),
                },
                wanted = self.wanted.recv() => match wanted {
                    None => return End::Unwanted,
                    // A device that takes nothing for so long answers nothing either, and that is told elsewhere.
                    Some(ReaderCommand::Write(bytes)) => if let Ok(Err(error)) = timeout(WRITE_WAIT, port.write_all(&bytes)).await {
                        return End::Failed(format!("{path} cannot be written: {error}"));
                    },
                    Some(_) => {}
                },
            }
        }
    }
}

/// An open port.
struct Opened {
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

fn describe(device: &SerialDevice) -> String {
    match device {
        SerialDevice::Path(path) => path.clone(),
        SerialDevice::Usb { vid, pid, serial } => match serial {
            Some(serial) => format!("{vid:04x}:{pid:04x} with serial number {serial}"),
            None => format!("{vid:04x}:{pid:04x}"),
        },
    }
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
