//! Where a roster stands, so that it goes on there once its station has ended and another one has begun.
//!
//! In: a roster at work. Out: whose turn it is and who was left without a card, by the rows of the list. Never: a name or a card; those
//! stand in the list and in the outbox.

use serde::{Deserialize, Serialize};

use super::{
    SeatState,
    machine::{Desk, Roster, Then},
};

/// Where a roster stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The row of whoever has their turn; none where nobody has.
    pub row: Option<usize>,
    /// The rows of those who were skipped or set aside.
    pub left: Vec<usize>,
}

impl Roster {
    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let at = match &self.desk {
            Desk::Leaves(_, Then::To(seat)) | Desk::Looks(seat) => Some(*seat),
            Desk::Leaves(order, Then::Next) => Some(order.seat + 1),
            Desk::Ordered(order) | Desk::Waits(order) | Desk::Leaves(order, Then::Stop) => Some(order.seat),
            Desk::Empty | Desk::Rests | Desk::Over => None,
        };
        let is_left = |state: &SeatState| matches!(state, SeatState::Skipped | SeatState::Aside(_));
        let left = self.seats.iter().filter(|seat| is_left(&seat.state)).map(|seat| seat.row.number).collect();
        Standing { row: at.and_then(|at| self.seats.get(at)).map(|seat| seat.row.number), left }
    }

    /// Goes on there, once it begins: whoever was left without a card is not the next one, and whoever stands there is.
    pub fn goes_on_at(&mut self, standing: &Standing) {
        for seat in self.seats.iter_mut().filter(|seat| seat.state == SeatState::Due && standing.left.contains(&seat.row.number)) {
            seat.state = SeatState::Skipped;
        }
        self.begins_at = standing.row.and_then(|row| self.seats.iter().position(|seat| seat.row.number == row));
    }
}
