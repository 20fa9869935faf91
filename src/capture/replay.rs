//! A capture played back through the station, at its own times.
//!
//! In: a capture's head, then its records one after the other. Out: the very notices that the station gave at the desk, of
//! each record before the next is played. Never: a clock, or more in memory than the station holds.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Attached, Capture, CaptureError, Head, Record};
use crate::{
    access::check::IntegerWidth,
    decode::catalog::SharedCatalog,
    enroll::{evidence::PROOF, policy::SitePolicy},
    protocols::Protocols,
    reader::{KeyEvent, ReaderCommand, ReaderEvent, ReaderName},
    station::{Effect, Event, Notice, ReaderKind, ReaderSetup, Setup, Station},
};

/// How long after the last record a replay looks for what is still to come; noise is told once a minute.
const AFTERWARDS: TimeDelta = TimeDelta::seconds(70);

/// What is said of a record, with its time.
pub type TimedNotices = Vec<(DateTime<Utc>, Notice)>;

/// Plays records of one reader.
pub struct Player {
    station: Station,
    reader: ReaderName,
    /// None for a reader that types.
    attached: Option<Attached>,
    recorded: DateTime<Utc>,
    last: DateTime<Utc>,
    /// The command that waits for the next answer.
    asked: Option<Vec<u8>>,
    /// It needs a key of the site. If the capture goes on without it, the site had no such key.
    wants_key: bool,
    said: TimedNotices,
}

impl Player {
    /// A player of this reader's records.
    ///
    /// # Errors
    /// A dialect that is not known here.
    pub fn of(head: &Head, protocols: &Protocols, catalog: SharedCatalog, policy: SitePolicy) -> Result<Self, CaptureError> {
        let kind = match &head.attached {
            Attached::Serial(_) | Attached::Lines(_) => ReaderKind::Serial(head.dialect(protocols)?, head.told),
            Attached::Pcsc(_) => ReaderKind::Pcsc(head.told),
            Attached::Osdp(_) => ReaderKind::Osdp(head.told),
        };
        let station = station((&head.reader, kind), protocols, catalog, policy);
        let (reader, attached) = (head.reader.as_str().into(), Some(head.attached.clone()));
        Ok(Self {
            station,
            reader,
            attached,
            recorded: head.recorded,
            last: head.recorded,
            asked: None,
            wants_key: false,
            said: Vec::new(),
        })
    }

    /// A player of what this reader typed.
    #[must_use]
    pub fn of_keys((reader, kind): (&str, ReaderKind), protocols: &Protocols, catalog: SharedCatalog, policy: SitePolicy) -> Self {
        let station = station((reader, kind), protocols, catalog, policy);
        let began = DateTime::UNIX_EPOCH;
        Self {
            station,
            reader: reader.into(),
            attached: None,
            recorded: began,
            last: began,
            asked: None,
            wants_key: false,
            said: Vec::new(),
        }
    }

    /// Plays a record; what is said of it, and what was still to come before it.
    pub fn play(&mut self, at: Duration, record: Record) -> TimedNotices {
        self.last = self.recorded + TimeDelta::from_std(at).unwrap_or_default();
        self.deadlines_until(self.last);
        while self.wants_key && !self.is_said_with_key(&record) {
            self.handle(Event::Reader(self.reader.clone(), ReaderEvent::Answer(Vec::new())), self.last);
        }
        if let Some(event) = self.event(record) {
            self.handle(Event::Reader(self.reader.clone(), event), self.last);
        }
        std::mem::take(&mut self.said)
    }

    /// Plays a key; what is said of it, and what was still to come before it.
    pub fn play_key(&mut self, event: KeyEvent) -> TimedNotices {
        self.last = event.at;
        self.deadlines_until(self.last);
        self.handle(Event::Reader(self.reader.clone(), ReaderEvent::Typed(vec![event])), self.last);
        std::mem::take(&mut self.said)
    }

    /// The capture has ended; what was still to come.
    pub fn end(mut self) -> TimedNotices {
        self.deadlines_until(self.last + AFTERWARDS);
        self.said
    }

    fn is_said_with_key(&self, record: &Record) -> bool {
        match record {
            Record::To(said) => self.asked.as_ref() == Some(said),
            Record::From(_) => true,
            _ => false,
        }
    }

    fn event(&self, record: Record) -> Option<ReaderEvent> {
        Some(match (record, self.attached.as_ref()?) {
            (Record::From(bytes), Attached::Serial(_) | Attached::Lines(_)) => ReaderEvent::Bytes(bytes),
            (Record::From(bytes), Attached::Pcsc(_)) => ReaderEvent::Answer(bytes),
            (Record::CardIn(atr), Attached::Pcsc(device)) => ReaderEvent::CardIn { atr, device: device.clone(), lay_there: false },
            (Record::CardOut, _) => ReaderEvent::CardOut,
            (Record::Failed(why), _) => ReaderEvent::CardFailed { why },
            (Record::To(said), Attached::Pcsc(_)) if self.asked.as_ref() != Some(&said) => {
                let why = "the capture's conversation is another one than today's scripts hold; capture the card again".to_owned();
                ReaderEvent::CardFailed { why }
            }
            (Record::Bits(card), Attached::Osdp(_)) => ReaderEvent::OsdpCard(card),
            (Record::Keys(codes), Attached::Osdp(_)) => ReaderEvent::OsdpKeys(codes),
            (Record::Text(text), Attached::Osdp(_)) => ReaderEvent::OsdpFormatted(text),
            (_, _) => return None,
        })
    }

    fn deadlines_until(&mut self, now: DateTime<Utc>) {
        while let Some(at) = self.station.deadline(now.into()).filter(|at| *at <= now) {
            self.handle(Event::Time, at);
        }
    }

    fn handle(&mut self, event: Event, now: DateTime<Utc>) {
        self.wants_key = false;
        for effect in self.station.handle(event, now) {
            match effect {
                Effect::Tell(notice) => self.said.push((now, notice)),
                Effect::Command(_, ReaderCommand::Write(command)) => self.asked = Some(command),
                Effect::Command(_, ReaderCommand::WriteWithKey(command, _)) => {
                    self.asked = Some(command);
                    self.wants_key = true;
                }
                _ => {}
            }
        }
    }
}

fn station((reader, kind): (&str, ReaderKind), protocols: &Protocols, catalog: SharedCatalog, policy: SitePolicy) -> Station {
    Station::new(Setup {
        catalog,
        scripts: protocols.scripts.clone(),
        policy,
        width: IntegerWidth::Bits32,
        proof: PROOF,
        parallel: 1,
        readers: vec![ReaderSetup { name: reader.to_owned(), kind, proof: None }],
        kiosk: None,
    })
}

impl Capture {
    /// Plays the whole capture: for each record what it says, and at the end what was still to come.
    ///
    /// # Errors
    /// A dialect that is not known here.
    pub fn replay(
        &self,
        protocols: &Protocols,
        catalog: SharedCatalog,
        policy: SitePolicy,
    ) -> Result<impl Iterator<Item = TimedNotices>, CaptureError> {
        let mut player = Some(Player::of(&self.head, protocols, catalog, policy)?);
        let records = self.records.iter().map(Some).chain([None]);
        Ok(records.filter_map(move |next| match next {
            Some((at, record)) => player.as_mut().map(|player| player.play(*at, record.clone())),
            None => player.take().map(Player::end),
        }))
    }
}
