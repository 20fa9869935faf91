//! What a key code types: the characters of the US layout, by the place of the key.
//!
//! In: codes as the Linux kernel numbers them. Out: a character, an end, or nothing that a reader types. Never: the
//! layout that the machine is set to, nor the state of its Caps Lock: a reader that presses Caps Lock undoes the machine's.

pub(super) const TAB: u16 = 15;
const ENTER: u16 = 28;
const NUMBER_PAD_ENTER: u16 = 96;
const SHIFT: [u16; 2] = [42, 54];
/// Ctrl, Alt and the system keys: with them a key types no character.
const CHORD: [u16; 6] = [29, 97, 56, 100, 125, 126];
const LOCKS: [u16; 3] = [58, 69, 70];

/// The keys in rows: the first code of a row, its characters, and those with Shift.
const ROWS: [(u16, &[u8], &[u8]); 7] = [
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (16, b"qwertyuiop[]", b"QWERTYUIOP{}"),
    (30, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    (57, b" ", b" "),
    // The number pad types the same with Shift and without.
    (71, b"789-456+1230.", b"789-456+1230."),
    (55, b"*", b"*"),
];
const NUMBER_PAD_SLASH: u16 = 98;

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A character.
    Character(u8),
    /// Enter or Tab.
    End,
    /// It changes other keys and is none itself.
    Modifier,
    /// Anything else.
    Foreign,
}

/// The keys held that change other keys, a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    shift: u8,
    chord: u8,
}

impl Modifiers {
    /// A key was pressed: what it is now.
    pub(super) fn pressed(&mut self, code: u16) -> Key {
        if let Some(bit) = bit_of(&SHIFT, code) {
            self.shift |= bit;
            return Key::Modifier;
        }
        if let Some(bit) = bit_of(&CHORD, code) {
            self.chord |= bit;
            return Key::Modifier;
        }
        match code {
            _ if LOCKS.contains(&code) => Key::Modifier,
            _ if self.chord != 0 => Key::Foreign,
            ENTER | NUMBER_PAD_ENTER | TAB => Key::End,
            _ => character(code, self.shift != 0).map_or(Key::Foreign, Key::Character),
        }
    }

    /// A key was released.
    pub(super) fn released(&mut self, code: u16) {
        self.shift &= !bit_of(&SHIFT, code).unwrap_or(0);
        self.chord &= !bit_of(&CHORD, code).unwrap_or(0);
    }
}

fn bit_of(codes: &[u16], code: u16) -> Option<u8> {
    codes.iter().position(|known| *known == code).map(|at| 1 << at)
}

fn character(code: u16, shift: bool) -> Option<u8> {
    if code == NUMBER_PAD_SLASH {
        return Some(b'/');
    }
    ROWS.iter().find_map(|(first, plain, shifted)| {
        let at = usize::from(code.checked_sub(*first)?);
        if shift { shifted.get(at) } else { plain.get(at) }.copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_types_what_is_printed_on_it() {
        let typed = |codes: &[u16], shift| codes.iter().filter_map(|code| character(*code, shift)).map(char::from).collect::<String>();
        assert_eq!(typed(&[11, 2, 10, 12, 13], false), "019-=");
        assert_eq!(typed(&[16, 25, 30, 38, 39, 43, 44, 50, 51, 52, 53, 57], false), "qpal;\\zm,./ ");
        assert_eq!(typed(&[30, 48, 46, 32, 18, 33, 39, 53, 6], true), "ABCDEF:?%");
        assert_eq!(typed(&[82, 79, 80, 81, 75, 76, 77, 71, 72, 73, 83, 98], false), "0123456789./");
        assert_eq!(typed(&[1, 14, 15, 28, 42, 54, 56, 58, 59, 69, 84, 86, 96, 103, 700], false), "");
    }
}
