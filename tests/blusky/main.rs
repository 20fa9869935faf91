//! The promises about BluSKY's card and user API: the shipped binary against a simulated BluSKY that reads as strictly as .NET, and
//! against one that answers whatever a test wants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "../support/peer.rs"]
mod peer;
#[path = "../support/mod.rs"]
mod support;

mod alone;
mod answers;
mod behind;
mod calls;
mod lookups;
mod people;
mod removal;
mod secrets;
mod sign_in;
mod stored;
mod tls;
mod updates;
mod users;

use support::{SYSTEM, Site};

/// A site whose `[blusky]` has more to say.
fn site(base_url: &str, blusky: &str, more: &str) -> Site {
    let site = Site::at(base_url, "");
    site.configure(&format!(
        "[blusky]\nbase_url = \"{base_url}\"\n{blusky}\n[site]\nformats = [\"H10301\"]\n\
         [[card_type]]\nblusky = 3\nname = \"HID 26-bit\"\nformats = [\"hid-h10301\"]\nsystem = \"{SYSTEM}\"\nrequires = [\"facility_code\"]\n{more}"
    ));
    site
}

/// A site that signs in with a token and speaks this wire.
fn on_wire(base_url: &str, wire: &str) -> Site {
    site(base_url, &format!("token_file = \"token\"\nwire = \"{wire}\"\nshows_within_s = 1"), "")
}

/// Writes a file into the site's folder.
fn write(site: &Site, name: &str, text: &str) {
    site.keep(name, text);
}

const FACILITY: &str = "51c1aa5c-4e2f-4033-8174-3736816cb4a3";
const OCCUPANCY: &str = "6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8";
const CARD_ID: &str = "d8f00538-00a9-4db3-acc8-e64d728390f2";

/// What a user must have.
const USER: [&str; 14] = [
    "user",
    "add",
    "--first-name",
    "Ada",
    "--last-name",
    "Lovelace",
    "--facility-id",
    FACILITY,
    "--ac-system-id",
    SYSTEM,
    "--company-instance-type",
    "1",
    "--company-instance-id",
    OCCUPANCY,
];
