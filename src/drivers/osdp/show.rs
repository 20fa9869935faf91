//! What a reader shows for each signal, as OSDP commands to its first light and its sounder.
//!
//! In: a signal and what the reader says it can do. Out: commands that end by themselves. Never: a command that the
//! reader does not claim to know; it would answer with a NAK.

use libosdp::{OsdpCommand, OsdpCommandBuzzer, OsdpCommandLed, OsdpLedColor, OsdpLedParams};

use super::packet::Capabilities;
use crate::reader::Signal;

/// A light and a sound; all times in tenths of a second.
struct Show {
    color: OsdpLedColor,
    on: u8,
    off: u8,
    lasts: u16,
    beep: u8,
    beeps: u8,
}

const fn show(signal: Signal) -> Show {
    match signal {
        Signal::Read => Show { color: OsdpLedColor::Amber, on: 3, off: 0, lasts: 3, beep: 1, beeps: 1 },
        // Until BluSKY has answered.
        Signal::Saved => Show { color: OsdpLedColor::Amber, on: 2, off: 2, lasts: 50, beep: 0, beeps: 0 },
        Signal::Accepted => Show { color: OsdpLedColor::Green, on: 20, off: 0, lasts: 20, beep: 5, beeps: 1 },
        Signal::Refused => Show { color: OsdpLedColor::Red, on: 20, off: 0, lasts: 20, beep: 2, beeps: 3 },
    }
}

/// The commands of a signal, as far as the reader has what they need.
pub fn commands(signal: Signal, capabilities: &Capabilities) -> Vec<OsdpCommand> {
    let show = show(signal);
    let light = capabilities.has_timed_light().then(|| OsdpCommand::Led(light(&show)));
    let sound = (capabilities.has_timed_sounder() && show.beeps > 0).then(|| OsdpCommand::Buzzer(sound(&show)));
    light.into_iter().chain(sound).collect()
}

fn light(show: &Show) -> OsdpCommandLed {
    const SET_AND_START: u8 = 2;
    let temporary = OsdpLedParams {
        control_code: SET_AND_START,
        on_count: show.on,
        off_count: show.off,
        on_color: show.color,
        off_color: OsdpLedColor::None,
        timer_count: show.lasts,
    };
    OsdpCommandLed { reader: 0, led_number: 0, temporary, permanent: OsdpLedParams::default() }
}

const fn sound(show: &Show) -> OsdpCommandBuzzer {
    const DEFAULT_TONE: u8 = 2;
    OsdpCommandBuzzer { reader: 0, control_code: DEFAULT_TONE, on_count: show.beep, off_count: show.beep, rep_count: show.beeps }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_signals_differ_and_a_reader_is_sent_only_what_it_can() {
        let all = Capabilities::read(&[4, 4, 1, 5, 2, 1]).unwrap();
        let shown: Vec<_> = Signal::ALL.iter().map(|signal| commands(*signal, &all)).collect();
        for (at, one) in shown.iter().enumerate() {
            assert!(shown.iter().skip(at + 1).all(|other| other != one), "{one:?}");
        }
        let silent = Capabilities::read(&[4, 2, 1]).unwrap();
        assert!(matches!(commands(Signal::Refused, &silent).as_slice(), [OsdpCommand::Led(_)]));
        assert!(commands(Signal::Refused, &Capabilities::default()).is_empty());
    }
}
