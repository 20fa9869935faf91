//! What whoever gives an entry up should know, where BluSKY may have done it all the same.
//!
//! In: what is known so far. Out: the same, given up. Never: silence about what may have arrived.

use super::{Phase, Progress};
use crate::{
    access::Operation,
    outbox::{Entry, State},
};

const GIVEN: &str =
    "BluSKY may have given the card all the same: look at the user's cards there; `cardbridge card remove` takes a card back";
const TAKEN: &str = "BluSKY may have taken the card back all the same: look at the user's cards there";
const CHANGED: &str = "BluSKY may have changed the card all the same: look at it there";
const ADDED: &str = "BluSKY may have added the user all the same: look among its people before somebody adds them again";
const ACCESS: &str = "BluSKY may have changed the user's access all the same: look at it there";

impl Entry {
    pub(super) fn given_up(&self, progress: &mut Progress) {
        // A person let it go on, and nobody has looked yet.
        let is_to_be_looked_for = progress.phase == Phase::LookFirst;
        let may_be_done = matches!(progress.state, State::Sending | State::InDoubt) || is_to_be_looked_for;
        let why = match self.operation {
            _ if !may_be_done => None,
            Operation::AddUserCard(_) => Some(GIVEN),
            Operation::RemoveUserCard(_) => Some(TAKEN),
            Operation::UpdateUserCard(_) => Some(CHANGED),
            Operation::AddUser(_) => Some(ADDED),
            Operation::AddAccessLevelGroup(_) | Operation::RemoveAccessLevelGroup(_) => Some(ACCESS),
        };
        progress.enter(State::Discarded, Phase::End, why);
    }
}
