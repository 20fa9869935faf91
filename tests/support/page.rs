//! A station with pages and a serial reader that can be unplugged, and what stands on its pages.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    cards::{Followed, Plugged},
    support::{Simulator, Site, pcscd},
};

/// One reading is enough, whatever it is worth.
pub const ONE_IS_ENOUGH: &str = "proof = 1";

/// Notes the pitches that the page would play, and what it would print.
pub const LISTENS: &str = "
    window.heard = [];
    window.printed = 0;
    window.print = () => { window.printed += 1; };
    const end = { connect: () => end };
    window.AudioContext = class {
      currentTime = 0;
      destination = end;
      createGain() { return { gain: {}, connect: () => end }; }
      createOscillator() {
        const tone = { frequency: {}, connect: () => end, start: () => window.heard.push(tone.frequency.value), stop: () => {} };
        return tone;
      }
    };";

/// What tells one station from another.
pub struct Setup<'a> {
    /// The reader's name, and what is configured of it beside its line.
    pub name: &'static str,
    pub reader: &'a str,
    /// The list of people.
    pub people: &'a str,
    /// What stands in `[desk]`, and behind it.
    pub desk: &'a str,
    /// What it says once its page is there.
    pub says: &'static str,
}

pub struct Station {
    pub run: Option<Followed>,
    pub address: String,
    reader: Option<Plugged>,
    plug: PathBuf,
    pub site: Site,
    pub blusky: Simulator,
    name: &'static str,
    says: &'static str,
}

impl Station {
    pub fn beside(blusky: Simulator, setup: &Setup<'_>) -> Self {
        let address = format!("127.0.0.1:{}", pcscd::free_port());
        let site = Site::at(&blusky.base_url, "");
        let plug = site.path("tty");
        let configured = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
        let Setup { name, reader, people, desk, says } = setup;
        site.configure(&format!(
            "{configured}[[reader]]\nname = \"{name}\"\nserial = \"{}\"\ndialect = \"twn3-hidprox\"\ncard_left_ms = 0\n{reader}\n\
             [people]\nfile = \"people.csv\"\n[desk]\nlisten = \"{address}\"\n{desk}",
            plug.display()
        ));
        fs::write(site.path("people.csv"), people).unwrap();
        let mut station = Self { run: None, address, reader: None, plug, site, blusky, name, says };
        station.plugs_in();
        station.starts();
        station
    }

    pub fn starts(&mut self) {
        let mut run = Followed::start(self.site.command(&["run"]));
        run.hears(self.says);
        run.hears(&format!("{}: there", self.name));
        self.run = Some(run);
    }

    pub fn is_killed(&mut self) {
        self.run.take().unwrap().kill();
    }

    pub fn unplugs(&mut self) {
        self.reader = None;
    }

    pub fn plugs_in(&mut self) {
        self.reader = Some(Plugged::plug_in(self.plug.clone()));
    }

    pub fn reads(&mut self, frame: &[u8]) {
        self.reader.as_mut().unwrap().send(frame);
    }

    /// What the entries say: for whom, and how it ended.
    pub fn entries(&self) -> Vec<(Value, Value)> {
        self.site.outbox().iter().map(|entry| (entry["user_id"].clone(), entry["state"].clone())).collect()
    }
}

/// The words of the pages in a language.
pub struct Words(String);

impl Words {
    pub fn of(language: &str) -> Self {
        Self(fs::read_to_string(format!("{}/src/desk/words/{language}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap())
    }

    /// What stands there under this name, up to the first gap.
    pub fn say(&self, name: &str) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")).unwrap_or_else(|| panic!("{name}"));
        line.trim_end_matches('"').split('{').next().unwrap()
    }
}
