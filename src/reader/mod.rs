//! The words for readers: a reader's name, what it reports, what it can be told, its signals, its port and the site's hints.
//!
//! In and out: plain data, which drivers, the decoder and the station share. Never: a device, a clock or a decision.

mod event;
mod hints;
mod keypad;
mod name;
mod port;

pub use event::{KeyEvent, KeyMove, OsdpCard, ReaderCommand, ReaderEvent, Signal};
pub use hints::{ByteOrder, ReaderHints};
pub use keypad::{KeypadHints, KeypadRules};
pub use name::{ReaderName, configured_name, is_device_of, matches};
pub use port::{Bus, InputDevice, LineParity, LineSettings, Port, SerialDevice};
