//! What was heard of one peripheral since it was last spoken to anew, and what that says when it is not online.
//!
//! In: packets as they pass. Out: the reader's identity, its capabilities, and words on what to check. Never: a clock.

use std::time::{Duration, Instant};

use super::packet::{Capabilities, Identity, Packet, id};

/// What was heard of one peripheral.
#[derive(Debug, Default)]
pub struct BusEvents {
    /// What it says it is.
    pub identity: Option<Identity>,
    /// What it says it can do.
    pub capabilities: Option<Capabilities>,
    /// How many bits the check of its last answer had: 16 for a CRC, 8 for a checksum.
    pub check_bits: u8,
    /// Bytes that were no packet while it was spoken to.
    pub noise: usize,
    /// The command it was sent last.
    asked: Option<u8>,
    /// What it answered last, and when.
    answer: Option<(u8, Instant)>,
    /// The command it refuses, and the code of its refusal.
    refuses: Option<(u8, u8)>,
}

/// Where a peripheral is, for messages.
#[derive(Debug, Clone)]
pub struct Place {
    /// The line's path; what the configuration says of it while it is not open.
    pub path: String,
    /// The line's bits a second.
    pub baud: u32,
    /// The peripheral's address.
    pub address: u8,
}

impl BusEvents {
    /// Takes a packet from or to this peripheral.
    pub fn packet(&mut self, packet: &Packet, now: Instant) {
        if !packet.is_reply {
            self.asked = Some(packet.id);
            return;
        }
        self.answer = Some((packet.id, now));
        self.check_bits = packet.check_bits;
        let data = packet.data.as_deref().unwrap_or_default();
        self.refuses = None;
        match packet.id {
            id::NAK => self.refuses = self.asked.zip(Some(data.first().copied().unwrap_or_default())),
            id::IDENTITY => self.identity = Identity::read(data),
            id::CAPABILITIES => self.capabilities = Capabilities::read(data),
            _ => {}
        }
    }

    /// It has answered within this time.
    pub fn answers_within(&self, time: Duration, now: Instant) -> bool {
        self.answer.is_some_and(|(_, at)| now.saturating_duration_since(at) <= time)
    }

    /// It refuses to show something.
    pub fn refuses_signals(&self) -> bool {
        matches!(self.refuses, Some((id::LED | id::BUZZER, _)))
    }

    /// Why it is not online, and what to check.
    pub fn why(&self, place: &Place, has_key: bool) -> String {
        let Place { path, baud, address } = place;
        let reader = format!("the OSDP reader at address {address} on {path}");
        match (self.refuses, self.answer) {
            (Some((id::CHALLENGE | id::SERVER_CRYPTOGRAM, code)), _) => {
                format!("{reader} refuses the secure channel ({}): {OTHER_KEY}", nak(code))
            }
            (Some((_, 5 | 6)), _) if !has_key => {
                format!("{reader} wants a secure channel: put its key into a file and name it as scbk_file")
            }
            (Some((command, code)), _) => {
                format!("{reader} refuses command {command:02X} ({}); its firmware may have to be brought up to date", nak(code))
            }
            (None, Some((id::CLIENT_CRYPTOGRAM, _))) => format!("{reader} has another key than the one in scbk_file: {OTHER_KEY}"),
            (None, Some(_)) if has_key && self.capabilities.as_ref().is_some_and(|can| !can.has_secure_channel()) => {
                format!("{reader} knows no secure channel, and scbk_file asks for one; take scbk_file away, or use another reader")
            }
            (None, Some(_)) => format!("{reader} no longer answers: check its power and its wires"),
            (None, None) if self.noise > 0 => {
                format!("what comes from {path} is not OSDP: check the baud rate (now {baud}) and whether the wires A and B are swapped")
            }
            (None, None) => {
                format!("{reader} does not answer: check its power, the wires A and B, its address and its baud rate (now {baud})")
            }
        }
    }
}

const OTHER_KEY: &str = "check the key in scbk_file, or give the reader that key with its maker's tool";

fn nak(code: u8) -> String {
    let words = match code {
        1 => "wrong check",
        2 => "wrong length",
        3 => "unknown command",
        4 => "wrong sequence number",
        5 => "no secure channel",
        6 => "only within a secure channel",
        9 => "unable",
        _ => return format!("code {code}"),
    };
    format!("code {code}, {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(packets: &[(bool, u8, &[u8])]) -> BusEvents {
        let mut heard = BusEvents::default();
        for (is_reply, id, data) in packets {
            heard.packet(&Packet { address: 3, is_reply: *is_reply, id: *id, data: Some(data.to_vec()), check_bits: 16 }, Instant::now());
        }
        heard
    }

    #[test]
    fn what_was_heard_says_what_to_check() {
        let place = Place { path: "/dev/ttyUSB1".to_owned(), baud: 9600, address: 3 };
        let cases: [(BusEvents, bool, &str); 8] = [
            (BusEvents::default(), false, "check its power, the wires A and B, its address and its baud rate (now 9600)"),
            (BusEvents { noise: 7, ..BusEvents::default() }, false, "is not OSDP: check the baud rate (now 9600)"),
            (heard(&[(true, 0x40, &[])]), false, "no longer answers"),
            (heard(&[(false, 0x76, &[]), (true, 0x41, &[6])]), true, "refuses the secure channel (code 6"),
            (heard(&[(false, 0x76, &[]), (true, 0x76, &[])]), true, "another key than the one in scbk_file"),
            (heard(&[(true, 0x46, &[4, 4, 1])]), true, "knows no secure channel"),
            (heard(&[(false, 0x60, &[]), (true, 0x41, &[6])]), false, "wants a secure channel"),
            (heard(&[(false, 0x62, &[]), (true, 0x41, &[3])]), false, "refuses command 62 (code 3, unknown command)"),
        ];
        for (heard, has_key, words) in cases {
            let why = heard.why(&place, has_key);
            assert!(why.contains(words), "{why:?} does not say {words:?}");
        }
    }
}
