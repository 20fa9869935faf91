//! What calls say about the way to BluSKY and what the store says about itself, and what people are told of it.
//!
//! In: what was heard, entry by entry. Out: a way that is open or closed, who is postponed, and why. Never: a call.

use super::*;

impl Sending {
    /// What a call says about how long BluSKY has been there, or not.
    fn reach(&mut self, heard: &Reached, now: DateTime<Utc>) {
        match heard {
            Reached::Answered => (self.reached, self.away_since) = (Some(now), None),
            Reached::Away(_) | Reached::Trouble => drop(self.away_since.get_or_insert(now)),
            Reached::Stopped => {}
        }
    }
}

impl Station {
    /// The calls for an entry are answered: others may be made while that is written down.
    pub(in crate::station) fn calls_answered(&mut self, id: Uuid, heard: Vec<Heard>, turn: &mut Turn) {
        self.heard(id, heard, turn);
        self.sending.schedule.answered(id);
        self.tell_whether_it_is_away(turn);
    }

    pub(in crate::station) fn called(&mut self, called: Called, turn: &mut Turn) {
        self.heard(called.id, called.heard, turn);
        match called.stands {
            Stands::As(entry) => self.finish(entry, turn),
            Stands::Later => self.sending.schedule.let_go(called.id, turn.now.steady),
            Stands::Lost(why) => self.lose(called.id, why, turn),
        }
        self.tell_whether_it_is_away(turn);
    }

    /// An entry that is damaged or gone holds up nobody, and nobody waits for it.
    fn lose(&mut self, id: Uuid, why: String, turn: &mut Turn) {
        self.sending.schedule.give_up(id);
        if self.sending.ordered.contains_key(&id) {
            self.signal_entry(id, Signal::Refused, turn);
            turn.tell(Notice::NotEnrolled(id, Box::new(Ended::Unreadable(why))));
        }
        self.sending.forget(id);
    }

    fn heard(&mut self, id: Uuid, heard: Vec<Heard>, turn: &mut Turn) {
        for (heard, why) in heard {
            match (&heard, why) {
                (Reached::Stopped, Some(why)) => self.stopped(why, turn),
                (Reached::Away(_), why) => self.sending.unreached = why.or(self.sending.unreached.take()),
                (Reached::Answered, _) => self.sending.stopped = None,
                _ => {}
            }
            self.sending.reach(&heard, turn.now.wall);
            self.sending.schedule.heard(id, &heard, turn.now.steady);
        }
    }

    fn tell_whether_it_is_away(&mut self, turn: &mut Turn) {
        let is_away = self.sending.schedule.is_away();
        if std::mem::replace(&mut self.sending.is_away, is_away) != is_away {
            turn.tell(Notice::Away(is_away, self.sending.unreached.clone().filter(|_| is_away)));
            if is_away {
                self.postpone_all(None, turn);
            }
        }
    }

    /// Something could not be written down.
    pub(in crate::station) fn unwritten(&mut self, why: String, now: Now) {
        self.store.unsaved = Some(why);
        self.sending.schedule.unwritten(now.steady);
    }

    /// Something is written down.
    pub(in crate::station) fn written(&mut self) {
        self.store.unsaved = None;
        self.sending.schedule.written();
    }

    /// Nothing can be delivered from here now, and why; none: it can.
    pub(in crate::station) fn cannot_deliver(&mut self, why: Option<String>, turn: &mut Turn) {
        let Some(why) = why else {
            self.sending.stopped = None;
            return;
        };
        self.stopped(why.clone(), turn);
        self.postpone_all(Some(why), turn);
    }

    fn stopped(&mut self, why: String, turn: &mut Turn) {
        if self.sending.stopped.as_ref() != Some(&why) {
            turn.tell(Notice::Stopped(why.clone()));
            self.sending.stopped = Some(why);
        }
    }

    /// Whoever waits for an outcome waits no longer.
    fn postpone_all(&self, why: Option<String>, turn: &mut Turn) {
        let is_new = |id: &Uuid| self.sending.ordered.get(id).is_some_and(|ordered| ordered.is_new);
        self.sending.followed.iter().filter(|id| !is_new(id)).for_each(|id| turn.tell(Notice::Postponed(*id, why.clone())));
    }
}
