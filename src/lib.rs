//! cardbridge: the bridge between card readers and the BluSKY access-control web API.
//!
//! The code reads as one sentence:
//!
//! ```text
//! frame → bits → credential → enrollment → outbox → BluSKY
//! ```
//!
//! A card is presented. A reader ([`drivers`]) hands over bytes. A framer cuts them into frames and a frame yields PACS
//! bits ([`decode`]); a smart card is asked for them by APDUs ([`smartcard`]). Every known format gives its verdict on
//! the bits. The site's policy, or the operator, chooses ([`enroll`]); that is an enrollment. It is written down
//! ([`store`]) before it is announced, and delivered ([`host::deliver`]) until BluSKY's own record shows it ([`blusky`]).
//!
//! Invariants, kept everywhere:
//!
//! - A room uses the rooms below it and never one above. The ground floor are words: [`card`], [`reader`], [`access`], and what others
//!   write in: [`sheet`], [`text`]. The middle is pure: [`decode`], [`smartcard`], [`protocols`], [`enroll`], [`outbox`], [`station`],
//!   [`roster`], [`kiosk`], [`capture`], [`views`] and [`doctor`] touch no file, socket, device, thread or clock; how a value looks as
//!   JSON they may say (serde, and utoipa's `ToSchema`), and not who answers it. Time is an argument. Events in, effects out. The edges
//!   touch the world: [`mod@file`], [`drivers`], [`store`], [`blusky`], [`config`], [`simulator`], [`host`]. `tests/house.rs` reads the
//!   sources and says which line broke this.
//! - What a card format, a reader dialect or a card script *is* stands in the files of `protocols/` and nowhere else;
//!   each file proves itself with its own samples before it is used ([`protocols`]).
//! - No candidate is dropped silently and no enrollment is ever guessed: a tie is shown, and a site policy or a person
//!   decides, and it is recorded which.
//! - An enrollment exists once it is on disk. Only then does anything say "saved".
//! - What was sent and not answered is in doubt: BluSKY's own record decides, and nothing is sent twice blindly.
//! - Card numbers, PINs, tokens and passwords never appear in a log; the types that hold them keep them out of `Debug`. PINs and
//!   passwords wait on disk sealed, and are gone once their entry has come to its end ([`store::seal`]).
//!
//! The seams are few: a byte stream for a serial line (a pty or a capture is one too), a card that answers APDUs,
//! [`access::AccessControl`], and the [`store::Store`].

// The words.
pub mod card;
pub mod reader;
pub mod access;
pub mod sheet;
pub mod text;

// The pure middle.
pub mod decode;
pub mod smartcard;
pub mod protocols;
pub mod enroll;
pub mod outbox;
pub mod station;
pub mod roster;
pub mod kiosk;
pub mod capture;
pub mod views;
pub mod doctor;

// The edges; a site's files are read through the first of them.
pub mod file;
pub mod drivers;
pub mod store;
pub mod blusky;
pub mod config;
pub mod host;
pub mod simulator;

// The faces.
pub mod desk;
pub mod cli;
