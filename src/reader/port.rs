//! Where a reader is attached, and how its line is set, as a site says it.
//!
//! In: the configuration, or a dialect's file. Out: plain data. Never: a port opened, or a device looked for.

use std::{fmt, path::PathBuf};

/// Where a reader is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// A serial line.
    Serial {
        /// Which line.
        device: SerialDevice,
        /// How it is set.
        line: LineSettings,
    },
    /// A reader that types.
    Keyboard {
        /// Which input device.
        device: InputDevice,
    },
    /// The PC/SC readers whose name matches a pattern.
    Pcsc {
        /// What its PC/SC name looks like, `*` for any text.
        pattern: String,
        /// Where the site's keys for its cards stand.
        keys_file: Option<PathBuf>,
    },
    /// A reader on an OSDP bus.
    Osdp {
        /// The bus's line.
        bus: Bus,
        /// The reader's address there, 0 to 126.
        address: u8,
        /// The file with the key of its secure channel.
        scbk_file: Option<PathBuf>,
    },
}

/// Which serial line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SerialDevice {
    /// The one at this path.
    Path(String),
    /// The USB device with this vendor, product and, where given, serial number.
    Usb {
        /// Vendor.
        vid: u16,
        /// Product.
        pid: u16,
        /// Serial number.
        serial: Option<String>,
    },
}

/// Its path, or its USB ids as a configuration has them.
impl fmt::Display for SerialDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Usb { vid, pid, serial: None } => write!(f, "{vid:04x}:{pid:04x}"),
            Self::Usb { vid, pid, serial: Some(serial) } => write!(f, "{vid:04x}:{pid:04x} with serial number {serial}"),
        }
    }
}

/// Which input device: all that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputDevice {
    /// Its path in `/dev/input`, or one that leads there.
    pub path: Option<String>,
    /// USB vendor and product.
    pub usb: Option<(u16, u16)>,
    /// What its name matches, `*` for any text.
    pub name: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
}

/// A line with OSDP readers on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bus {
    /// Which line.
    pub device: SerialDevice,
    /// Bits a second.
    pub baud: u32,
}

/// The parity bit of a serial line (not of a card).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineParity {
    /// No parity bit.
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// How a serial line is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// Bits a second.
    pub baud: u32,
    /// 7 or 8.
    pub data_bits: u8,
    /// The line's parity bit.
    pub parity: LineParity,
    /// 1 or 2.
    pub stop_bits: u8,
    /// DTR on or off; none leaves it as opening the port does. Some boards restart by it, some readers are switched off.
    pub dtr: Option<bool>,
    /// RTS on or off; none leaves it as opening the port does.
    pub rts: Option<bool>,
}

impl LineSettings {
    /// 9600 bits a second, 8 data bits, no parity, 1 stop bit.
    pub const EIGHT_N_ONE: Self = Self { baud: 9600, data_bits: 8, parity: LineParity::None, stop_bits: 1, dtr: None, rts: None };
}
