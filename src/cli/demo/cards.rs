//! The demo's cards: bytes of real devices, and what is to become of each.

use crate::simulator::virtual_card::CardScript;

/// One card of the demo.
pub struct Card {
    /// What happens, for people.
    pub title: &'static str,
    /// Where it is shown.
    pub shown: ShownAt,
    /// The employee number it is for.
    pub user: &'static str,
    /// It was given to somebody else a moment ago, and is meant all the same (`--same-card`).
    pub same_card: bool,
    /// How it is to end.
    pub ends: Ends,
}

/// Where and how a card is shown.
pub enum ShownAt {
    /// On a serial line, by the reader of this name.
    Serial(&'static str, &'static [u8]),
    /// On the PC/SC reader.
    Pcsc(fn() -> CardScript),
}

/// How a card's way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// In BluSKY.
    Accepted,
    /// Refused by BluSKY.
    Refused,
    /// Not enrolled: the frame was damaged.
    Damaged,
    /// Not enrolled: a tie.
    Tie,
    /// Not enrolled: nothing on it can be.
    Nothing,
}

impl Ends {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Accepted => "accepted by BluSKY",
            Self::Refused => "refused by BluSKY",
            Self::Damaged => "not enrolled: damaged",
            Self::Tie => "not enrolled: a tie",
            Self::Nothing => "not enrolled: cannot be",
        }
    }
}

/// The serial readers: name and dialect.
pub const SERIAL_READERS: [(&str, &str); 3] = [("desk", "id12la-ascii"), ("gate", "twn3-hidprox"), ("arduino", "wiegandng-lines")];

/// What the demo's site says besides its readers. It lists its facility codes, so that one tap is enough; with five of them
/// for 26-bit cards at readers whose frames have no check, one frame of noise in two hundred would pass: it lives with that.
pub const SITE: &str = r#"
[site]
formats = ["hid-h10301", "hid-corporate-1000-35", "em4100-8-16", "hid-h10302", "hid-h10304"]
facility_codes = [0, 1, 6, 21, 123]

[enroll]
proof = 0.005

[[card_type]]
blusky = 3
name = "HID 26-bit"
formats = ["hid-h10301"]
system = "309fbabb-0642-44e1-b262-67442dc491ed"
requires = ["facility_code"]

[[card_type]]
blusky = 4
name = "HID 37-bit"
formats = ["hid-h10302", "hid-h10304"]
system = "309fbabb-0642-44e1-b262-67442dc491ed"

[[card_type]]
blusky = 5
name = "Corporate 1000"
formats = ["hid-corporate-1000-35"]
system = "309fbabb-0642-44e1-b262-67442dc491ed"
requires = ["facility_code"]
external_number = "{facility_code}-{card_number:08}"

[[card_type]]
blusky = 6
name = "EM4100 fob"
formats = ["em4100-8-16"]
system = "309fbabb-0642-44e1-b262-67442dc491ed"
external_number = "{facility_code:03},{card_number:05}"
"#;

/// The people of the demo's site.
pub const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n\
    0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n\
    8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906\n\
    d8f00538-00a9-4db3-acc8-e64d728390f2,Alan,Turing,1912\n";

/// The cards, in the order they are shown. The simulator loses its reply to the first one on purpose.
pub const CARDS: [Card; 9] = [
    Card {
        title: "An HID Prox card at a TWN3 reader; BluSKY's reply is lost, and its own record settles it",
        shown: ShownAt::Serial("gate", b"1A808001C0\r"),
        user: "1815",
        same_card: false,
        ends: Ends::Accepted,
    },
    Card {
        title: "An EM4100 fob at an ID-12LA reader, one bit of the frame damaged on the line",
        shown: ShownAt::Serial("desk", b"\x020C000621A58F\r\n\x03"),
        user: "1906",
        same_card: false,
        ends: Ends::Damaged,
    },
    Card {
        title: "The same fob, shown again",
        shown: ShownAt::Serial("desk", b"\x020C000621A58E\r\n\x03"),
        user: "1906",
        same_card: false,
        ends: Ends::Accepted,
    },
    Card {
        title: "A 26-bit card at an Arduino with WiegandNG, after its banner",
        shown: ShownAt::Serial("arduino", b"Ready...\r\nBits=26\r\nRAW Binary=10001010100111110000100100\r\n"),
        user: "1912",
        same_card: false,
        ends: Ends::Accepted,
    },
    Card {
        title: "A 37-bit card: two formats fit, this site uses both, nothing decides",
        shown: ShownAt::Serial("gate", b"250000181CD8\r"),
        user: "1912",
        same_card: false,
        ends: Ends::Tie,
    },
    Card {
        title: "Ada's card, shown for Grace at once (--same-card)",
        shown: ShownAt::Serial("gate", b"1A808001C0\r"),
        user: "1906",
        same_card: true,
        ends: Ends::Refused,
    },
    Card {
        title: "A Corporate 1000 card at an OMNIKEY, asked for its PAC bits",
        shown: ShownAt::Pcsc(corporate_1000),
        user: "1815",
        same_card: false,
        ends: Ends::Accepted,
    },
    Card {
        title: "A MIFARE card: a serial number only, which this site does not enroll",
        shown: ShownAt::Pcsc(mifare),
        user: "1815",
        same_card: false,
        ends: Ends::Nothing,
    },
    Card {
        title: "A phone: its serial number is a new one at every tap",
        shown: ShownAt::Pcsc(phone),
        user: "1815",
        same_card: false,
        ends: Ends::Nothing,
    },
];

/// The first six bytes are the same for every contactless storage card (PC/SC part 3).
const STORAGE: [u8; 12] = [0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06];

/// HID OMNIKEY 5025CL Software Developer Guide, 6.2: CIC 123, CN 456789.
fn corporate_1000() -> CardScript {
    let ask = vec![0xFF, 0x70, 0x07, 0x6B, 0x07, 0xA0, 0x05, 0xA1, 0x03, 0x80, 0x01, 0x04, 0x00];
    let answer = vec![0x9D, 0x08, 0x03, 0x06, 0x05, 0x81, 0xED, 0xBE, 0x15, 0x60, 0x90, 0x00];
    card(&[0x40, 0x00, 0x00, 0, 0, 0, 0, 0x28], vec![(ask, answer)])
}

fn mifare() -> CardScript {
    card(&[0x03, 0x00, 0x01, 0, 0, 0, 0, 0x6A], vec![(GET_UID.to_vec(), vec![0x66, 0xCF, 0x4D, 0xC2, 0x90, 0x00])])
}

fn phone() -> CardScript {
    card(&[0x03, 0x00, 0x01, 0, 0, 0, 0, 0x6A], vec![(GET_UID.to_vec(), vec![0x08, 0xA1, 0x5C, 0x37, 0x90, 0x00])])
}

const GET_UID: [u8; 5] = [0xFF, 0xCA, 0x00, 0x00, 0x00];

fn card(tail: &[u8], answers: Vec<(Vec<u8>, Vec<u8>)>) -> CardScript {
    let atr = [&STORAGE, tail].concat();
    CardScript { atr, answers, otherwise: vec![0x6A, 0x81], delay: std::time::Duration::ZERO }
}
