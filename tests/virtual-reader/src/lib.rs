//! An IFD handler (a driver for the stock pcscd, interface version 3) whose cards come in over TCP.
//!
//! In: pcscd's calls. `DEVICENAME /dev/null:PORT` in reader.conf says where a reader's cards
//! connect, see `slot`; up to 16 readers share this library.
//!
//! Out: presence as it changes, as nothing is polled; ATRs and responses as the card gives them.
//! An escape command to the reader comes back as it was sent.
//!
//! Never: it logs nothing, keeps nothing but the ATR, invents no answer and does not panic: every
//! fault is a return code.
//!
//! Names and numbers are those of pcsc-lite's public header and its documentation,
//! `PCSC/ifdhandler.h`.

#![allow(non_snake_case)] // pcscd looks the functions up by these names.

mod slot;

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_ulong};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};

use slot::{Slot, lock};

type Dword = c_ulong;
type Answer = c_long;

const SUCCESS: Answer = 0;
const ERROR_TAG: Answer = 600;
const ERROR_POWER_ACTION: Answer = 608;
const COMMUNICATION_ERROR: Answer = 612;
const RESPONSE_TIMEOUT: Answer = 613;
const NOT_SUPPORTED: Answer = 614;
const ICC_PRESENT: Answer = 615;
const ICC_NOT_PRESENT: Answer = 616;
const NO_SUCH_DEVICE: Answer = 617;
const INSUFFICIENT_BUFFER: Answer = 618;

const TAG_ATR: Dword = 0x0303;
const TAG_ATTR_ATR_STRING: Dword = 0x0009_0303; // As SCardGetAttrib asks for it, reader.h.
const TAG_SLOT_THREAD_SAFE: Dword = 0x0FAC;
const TAG_THREAD_SAFE: Dword = 0x0FAD;
const TAG_SLOTS_NUMBER: Dword = 0x0FAE;
const TAG_SIMULTANEOUS_ACCESS: Dword = 0x0FAF;
const TAG_POLLING_THREAD_KILLABLE: Dword = 0x0FB1;
const TAG_STOP_POLLING_THREAD: Dword = 0x0FB2;
const TAG_POLLING_THREAD_WITH_TIMEOUT: Dword = 0x0FB3;

const POWER_UP: Dword = 500;
const POWER_DOWN: Dword = 501;
const RESET: Dword = 502;
const ATR_AT_MOST: usize = 33;
/// pcscd itself serves no more.
const READERS_AT_MOST: u8 = 16;
/// A command for the reader itself: SCARD_CTL_CODE(1), and (3500) as on Windows.
const ESCAPES: [Dword; 2] = [0x4200_0001, 0x4200_0000 + 3500];

/// By the logical unit number that pcscd gives each reader.
static SLOTS: Mutex<BTreeMap<Dword, Arc<Slot>>> = Mutex::new(BTreeMap::new());

#[unsafe(no_mangle)]
unsafe extern "C" fn IFDHCreateChannelByName(lun: Dword, device: *const c_char) -> Answer {
    if device.is_null() {
        return NO_SUCH_DEVICE;
    }
    // SAFETY: pcscd passes a string that ends in NUL and outlives the call.
    let device = unsafe { CStr::from_ptr(device) }.to_string_lossy();
    match device.rsplit_once(':').and_then(|(_, port)| port.parse().ok()) {
        Some(port) => IFDHCreateChannel(lun, port),
        None => NO_SUCH_DEVICE,
    }
}

#[unsafe(no_mangle)]
extern "C" fn IFDHCreateChannel(lun: Dword, port: Dword) -> Answer {
    match u16::try_from(port).map(Slot::open) {
        Ok(Ok(slot)) => {
            lock(&SLOTS).insert(lun, Arc::new(slot));
            SUCCESS
        }
        Ok(Err(_)) => COMMUNICATION_ERROR,
        Err(_) => NO_SUCH_DEVICE,
    }
}

#[unsafe(no_mangle)]
extern "C" fn IFDHCloseChannel(lun: Dword) -> Answer {
    lock(&SLOTS).remove(&lun).map_or(NO_SUCH_DEVICE, |_| SUCCESS)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn IFDHGetCapabilities(lun: Dword, tag: Dword, length: *mut Dword, value: *mut c_uchar) -> Answer {
    let bytes = match tag {
        TAG_ATR | TAG_ATTR_ATR_STRING => match slot(lun) {
            Some(slot) => slot.atr(),
            None => return NO_SUCH_DEVICE,
        },
        TAG_SIMULTANEOUS_ACCESS => vec![READERS_AT_MOST],
        TAG_THREAD_SAFE | TAG_SLOTS_NUMBER => vec![1],
        TAG_SLOT_THREAD_SAFE | TAG_POLLING_THREAD_KILLABLE => vec![0],
        TAG_POLLING_THREAD_WITH_TIMEOUT => address(wait_for_change as *const ()),
        TAG_STOP_POLLING_THREAD => address(stop_waiting as *const ()),
        _ => return ERROR_TAG,
    };
    // SAFETY: pcscd passes a buffer and its length.
    unsafe { hand_over(&bytes, value, length) }
}

#[unsafe(no_mangle)]
extern "C" fn IFDHSetCapabilities(_: Dword, _: Dword, _: Dword, _: *const c_uchar) -> Answer {
    ERROR_TAG
}

/// The way to the card is the same whichever protocol was agreed.
#[unsafe(no_mangle)]
extern "C" fn IFDHSetProtocolParameters(
    _lun: Dword,
    _protocol: Dword,
    _flags: c_uchar,
    _pts1: c_uchar,
    _pts2: c_uchar,
    _pts3: c_uchar,
) -> Answer {
    SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn IFDHPowerICC(lun: Dword, action: Dword, atr: *mut c_uchar, length: *mut Dword) -> Answer {
    let Some(slot) = slot(lun) else {
        return NO_SUCH_DEVICE;
    };
    let Some(card) = slot.card() else {
        return ERROR_POWER_ACTION;
    };
    let powered = match action {
        POWER_UP => card.power_on(),
        RESET => card.reset(),
        POWER_DOWN => card.power_off().map(|()| Vec::new()),
        _ => return NOT_SUPPORTED,
    };
    let (bytes, failure) = match powered {
        Ok(atr) if action == POWER_DOWN || (1..=ATR_AT_MOST).contains(&atr.len()) => (atr, None),
        Ok(_) => (Vec::new(), Some(ERROR_POWER_ACTION)),
        Err(error) => (Vec::new(), Some(code_of(&error))),
    };
    slot.keep_atr(&bytes);
    // SAFETY: pcscd passes a buffer and its length.
    let handed = unsafe { hand_over(&bytes, atr, length) };
    failure.unwrap_or(handed)
}

/// SCARD_IO_HEADER.
#[repr(C)]
#[derive(Clone, Copy)]
struct IoHeader {
    protocol: Dword,
    length: Dword,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn IFDHTransmitToICC(
    lun: Dword,
    sent: IoHeader,
    command: *const c_uchar,
    command_length: Dword,
    response: *mut c_uchar,
    response_length: *mut Dword,
    received: *mut IoHeader,
) -> Answer {
    if !received.is_null() {
        // SAFETY: pcscd passes null or a header of its own.
        unsafe { *received = sent };
    }
    // SAFETY: pcscd passes a buffer and its length.
    let command = unsafe { bytes_at(command, command_length) };
    let answer = match slot(lun).and_then(|slot| slot.card()) {
        Some(card) => card.transmit(command).map_err(|error| code_of(&error)),
        None => Err(ICC_NOT_PRESENT),
    };
    // SAFETY: pcscd passes a buffer and its length.
    let handed = unsafe { hand_over(answer.as_deref().unwrap_or_default(), response, response_length) };
    answer.map_or_else(|failure| failure, |_| handed)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn IFDHControl(
    lun: Dword,
    code: Dword,
    command: *const c_uchar,
    command_length: Dword,
    response: *mut c_uchar,
    mut room: Dword,
    returned: *mut Dword,
) -> Answer {
    let known = slot(lun).is_some() && ESCAPES.contains(&code);
    let length = if known { command_length } else { 0 };
    // SAFETY: pcscd passes a buffer and its length.
    let command = unsafe { bytes_at(command, length) };
    // SAFETY: pcscd passes a buffer and its length, which is our own copy.
    let handed = unsafe { hand_over(command, response, &raw mut room) };
    if !returned.is_null() {
        // SAFETY: pcscd passes null or a number of its own.
        unsafe { *returned = room };
    }
    if known { handed } else { NOT_SUPPORTED }
}

#[unsafe(no_mangle)]
extern "C" fn IFDHICCPresence(lun: Dword) -> Answer {
    match slot(lun).map(|slot| slot.card().is_some_and(|card| card.is_there())) {
        Some(true) => ICC_PRESENT,
        Some(false) => ICC_NOT_PRESENT,
        None => NO_SUCH_DEVICE,
    }
}

/// pcscd calls it in a thread of its own, and asks for the presence each time it returns. After any
/// answer but success pcscd sleeps 400 ms, so that is the answer to a time-out as well.
extern "C" fn wait_for_change(lun: Dword, milliseconds: c_int) -> Answer {
    slot(lun).map(|slot| slot.wait(milliseconds)).map_or(NO_SUCH_DEVICE, |()| SUCCESS)
}

extern "C" fn stop_waiting(lun: Dword) -> Answer {
    slot(lun).map(|slot| slot.ring()).map_or(NO_SUCH_DEVICE, |()| SUCCESS)
}

fn slot(lun: Dword) -> Option<Arc<Slot>> {
    lock(&SLOTS).get(&lun).cloned()
}

fn address(function: *const ()) -> Vec<u8> {
    function.addr().to_ne_bytes().to_vec()
}

fn code_of(error: &io::Error) -> Answer {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => RESPONSE_TIMEOUT,
        _ => COMMUNICATION_ERROR,
    }
}

/// # Safety
/// `at` is null, or `length` bytes can be read there for as long as the result is used.
unsafe fn bytes_at<'a>(at: *const c_uchar, length: Dword) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: see above.
        Ok(length) if !at.is_null() => unsafe { std::slice::from_raw_parts(at, length) },
        _ => &[],
    }
}

/// Copies into the caller's buffer, all or nothing, and says how many bytes that were.
///
/// # Safety
/// `length` is null or the caller's number; `to` is null or has room for so many bytes.
unsafe fn hand_over(bytes: &[u8], to: *mut c_uchar, length: *mut Dword) -> Answer {
    if length.is_null() {
        return INSUFFICIENT_BUFFER;
    }
    // SAFETY: not null, so it is the caller's number.
    let room = unsafe { length.replace(0) };
    match Dword::try_from(bytes.len()) {
        Ok(0) => SUCCESS,
        Ok(count) if count <= room && !to.is_null() => {
            // SAFETY: `to` has room for `count`; `copy_from` allows the two to overlap.
            unsafe { to.copy_from(bytes.as_ptr(), bytes.len()) };
            // SAFETY: as above.
            unsafe { *length = count };
            SUCCESS
        }
        _ => INSUFFICIENT_BUFFER,
    }
}
