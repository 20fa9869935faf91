//! A capture being played through the station, at its own times.
//!
//! In: a capture's records, one after the other. Out: what the station said of each. Never: a clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{AFTERWARDS, Attached, Capture, Record};
use crate::{
    reader::{ReaderCommand, ReaderEvent, ReaderName},
    station::{Effect, Event, Notice, Station},
};

/// A capture being played: for each record what it says, and at the end what was still to come.
pub struct Replay<'a> {
    capture: &'a Capture,
    player: Player,
    played: usize,
}

impl Iterator for Replay<'_> {
    type Item = Vec<(DateTime<Utc>, Notice)>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = |at: Duration| self.capture.recorded + TimeDelta::from_std(at).unwrap_or_default();
        match self.capture.records.get(self.played) {
            Some((time, record)) => {
                self.player.deadlines_until(at(*time));
                self.player.play(self.capture, record, at(*time));
            }
            None if self.played == self.capture.records.len() => {
                let last = self.capture.records.last().map_or(Duration::ZERO, |(at, _)| *at);
                self.player.deadlines_until(at(last) + AFTERWARDS);
            }
            None => return None,
        }
        self.played += 1;
        Some(std::mem::take(&mut self.player.notices))
    }
}

struct Player {
    station: Station,
    reader: ReaderName,
    /// The command that waits for the next answer.
    asked: Option<Vec<u8>>,
    notices: Vec<(DateTime<Utc>, Notice)>,
}

impl Player {
    fn play(&mut self, capture: &Capture, record: &Record, now: DateTime<Utc>) {
        let event = match (record, &capture.attached) {
            (Record::From(bytes), Attached::Serial(_) | Attached::Lines(_)) => ReaderEvent::Bytes(bytes.clone()),
            (Record::From(bytes), Attached::Pcsc(_)) => ReaderEvent::Answer(bytes.clone()),
            (Record::CardIn(atr), Attached::Pcsc(device)) => {
                ReaderEvent::CardIn { atr: atr.clone(), device: device.clone(), lay_there: false }
            }
            (Record::CardOut, _) => ReaderEvent::CardOut,
            (Record::Failed(why), _) => ReaderEvent::CardFailed { why: why.clone() },
            (Record::To(said), Attached::Pcsc(_)) if self.asked.as_ref() != Some(said) => {
                let why = "the capture's conversation is another one than today's scripts hold; capture the card again".to_owned();
                ReaderEvent::CardFailed { why }
            }
            (Record::Bits(card), Attached::Osdp(_)) => ReaderEvent::OsdpCard(card.clone()),
            (Record::Keys(codes), Attached::Osdp(_)) => ReaderEvent::OsdpKeys(codes.clone()),
            (Record::Text(text), Attached::Osdp(_)) => ReaderEvent::OsdpFormatted(text.clone()),
            (_, _) => return,
        };
        self.handle(Event::Reader(self.reader.clone(), event), now);
    }

    fn deadlines_until(&mut self, now: DateTime<Utc>) {
        while let Some(at) = self.station.deadline().filter(|at| *at <= now) {
            self.handle(Event::Time, at);
        }
    }

    fn handle(&mut self, event: Event, now: DateTime<Utc>) {
        for effect in self.station.handle(event, now) {
            match effect {
                Effect::Tell(notice) => self.notices.push((now, notice)),
                Effect::Command(_, ReaderCommand::Write(command)) => self.asked = Some(command),
                _ => {}
            }
        }
    }
}

impl<'a> Replay<'a> {
    /// The capture, not yet begun.
    pub(super) fn new(capture: &'a Capture, station: Station) -> Self {
        let player = Player { station, reader: capture.reader.as_str().into(), asked: None, notices: Vec::new() };
        Self { capture, player, played: 0 }
    }
}
