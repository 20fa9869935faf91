//! The members that the second version of a call adds.

use crate::simulator::{
    state::assign::Extras,
    wire::members::{Members, Null},
};

/// Reads them.
pub fn read(members: &mut Members) -> Extras {
    Extras {
        uses: members.integer("NumberOfCardUses", Null::Absent),
        notes: members.text("PublicNotes"),
        credential_type: members.integer("CredentialTypeId", Null::Absent),
    }
}
