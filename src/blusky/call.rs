//! How an operation is said to BluSKY: where each one goes, and what it holds.
//!
//! In: an operation. Out: its call's method, path, contract and body. Never: a decision about whether or when it is sent.

use uuid::Uuid;

use super::wire::{Contract, Wire, WireError};
use crate::access::{
    AccessLevelGroup, Operation, RemoveUserCard,
    check::{IntegerWidth, Wrong},
};

/// An HTTP method that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

/// Where a call goes, and what its answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The call's name on BluSKY's pages.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// What follows the base URL.
    pub path: String,
    /// What its body holds.
    pub contract: Contract,
}

const NEWER: &str = "APIWebRole.Controllers";
const OLDER: &str = "BluSKYWebAPI.Controllers";
const ADD_USER_CARD: Contract = Contract { name: "AddUserCardViewModel", namespace: NEWER, derived: &["ReassignCardIfAlreadyAssigned"] };
const UPDATE_USER_CARD: Contract =
    Contract { name: "UpdateUserCardViewModelV2", namespace: NEWER, derived: &["CredentialTypeId", "NumberOfCardUses", "PublicNotes"] };
const REMOVE_USER_CARD: Contract = Contract { name: "RemoveUserCardViewModel", namespace: NEWER, derived: &[] };
/// The pages show no XML for it: it is always said in JSON.
const IN_JSON_ONLY: Contract = Contract { name: "", namespace: NEWER, derived: &[] };
const ADD_USER: Contract = Contract { name: "AddUserViewModel", namespace: OLDER, derived: &[] };

/// Where a new user goes where the site says so.
pub(super) const ADD_USER_V2: &str = "api/v2/Users";

/// Where it goes.
#[must_use]
pub fn endpoint(operation: &Operation) -> Endpoint {
    let cards = |version: u8, user: Uuid| format!("api/v{version}/Users/{user}/UserCards");
    let (method, path, contract) = match operation {
        Operation::AddUserCard(card) => (Method::Post, cards(1, card.user_id), ADD_USER_CARD),
        Operation::UpdateUserCard(card) => (Method::Put, cards(2, card.user_id), UPDATE_USER_CARD),
        Operation::RemoveUserCard(card) => (Method::Delete, removal_path(2, card), REMOVE_USER_CARD),
        Operation::AddUser(_) => (Method::Post, "api/Person/AddUser".to_owned(), ADD_USER),
        Operation::AddAccessLevelGroup(group) => (Method::Post, format!("api/v1/Users/{}/AccessLevelGroups", group.user_id), IN_JSON_ONLY),
        Operation::RemoveAccessLevelGroup(group) => (Method::Delete, access_removal_path(group), IN_JSON_ONLY),
    };
    Endpoint { name: operation.name(), method, path, contract }
}

/// Where it goes, where BluSKY is to replace the card's holder.
pub(super) fn replace_path(operation: &Operation) -> String {
    format!("api/v2/Users/{}/UserCards/ReplaceCardIfExists", operation.user().unwrap_or_default())
}

/// Where a card is taken back. The path that ends two segments before deletes the person: this is the one place that makes it, and what
/// is not two keys that are not all zero leads nowhere ([`Operation::judge`] has refused it before).
pub(super) fn removal_path(version: u8, card: &RemoveUserCard) -> String {
    let RemoveUserCard { user_id, card_id } = card;
    if user_id.is_nil() || card_id.is_nil() {
        "api/nowhere".to_owned()
    } else {
        format!("api/v{version}/Users/{user_id}/UserCards/{card_id}")
    }
}

/// The same for a group of access levels: the other path of this kind, with the same end if it were shorter.
fn access_removal_path(removal: &AccessLevelGroup) -> String {
    let AccessLevelGroup { user_id, access_level_group_id: group } = removal;
    if user_id.is_nil() || *group < 1 { "api/nowhere".to_owned() } else { format!("api/v1/Users/{user_id}/AccessLevelGroups/{group}") }
}

/// The wire on which it is said where the site speaks this one.
#[must_use]
pub const fn spoken(operation: &Operation, wire: Wire) -> Wire {
    match operation {
        // Shown in JSON, and a body that is empty has no wire.
        Operation::RemoveUserCard(_) | Operation::AddAccessLevelGroup(_) | Operation::RemoveAccessLevelGroup(_) => Wire::Json,
        Operation::AddUserCard(_) | Operation::UpdateUserCard(_) | Operation::AddUser(_) => wire,
    }
}

/// Its body; an empty one where the path says it all.
///
/// # Errors
/// The wire has no way to say it.
pub fn body(operation: &Operation, wire: Wire) -> Result<Vec<u8>, WireError> {
    match operation {
        Operation::RemoveAccessLevelGroup(_) => Ok(Vec::new()),
        _ => wire.write(endpoint(operation).contract, operation.members()?),
    }
}

/// Judges it, and whether it can be written at all, before it is written down.
///
/// # Errors
/// What BluSKY would refuse or lose.
pub fn judge(operation: &Operation, width: IntegerWidth, wire: Wire) -> Result<(), Wrong> {
    operation.judge(width)?;
    writable(operation, wire)
}

/// Judges whether it can be written at all.
///
/// # Errors
/// The wire has no way to say it.
pub fn writable(operation: &Operation, wire: Wire) -> Result<(), Wrong> {
    body(operation, spoken(operation, wire)).map(drop).map_err(|error| Wrong(vec![error.to_string()]))
}

#[cfg(test)]
mod tests;
