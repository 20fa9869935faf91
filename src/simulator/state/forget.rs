//! What a fault can make the memory forget.

use rusqlite::Transaction;

/// A member of AddUserCard, UpdateUserCard or ReplaceCardIfExists that can be forgotten, under its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgettable(&'static str);

impl Forgettable {
    /// The member's name.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// The member with this name, whatever its case.
    pub fn named(name: &str) -> Option<Forgettable> {
        Forgettable::names().find(|member| member.eq_ignore_ascii_case(name)).map(Forgettable)
    }

    /// All there are.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FORGETTABLE.iter().map(|(member, _)| *member)
    }
}

/// Stores 0 or null in place of these members of an assignment and its card.
pub fn forget(tx: &Transaction, key: &str, members: &[Forgettable]) -> rusqlite::Result<()> {
    for (member, sql) in FORGETTABLE {
        if members.iter().any(|forgotten| forgotten.name() == *member) {
            tx.execute(sql, [key])?;
        }
    }
    Ok(())
}

/// The members, and what forgetting does to the card and assignment just stored (`?1` is the UserCard).
const FORGETTABLE: &[(&str, &str)] = &[
    ("CardType", "UPDATE cards SET card_type = 0 WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    (
        "CardACSystemId",
        "UPDATE cards SET system_id = '00000000-0000-0000-0000-000000000000' \
         WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)",
    ),
    ("InternalCardNumber", "UPDATE cards SET number = 0 WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("ExternalCardNumber", "UPDATE cards SET external = '' WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("CardSerialNumber", "UPDATE cards SET serial = NULL WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("FacilityCode", "UPDATE cards SET facility = NULL WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("IssueCode", "UPDATE cards SET issue = NULL WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("PIN", "UPDATE assignments SET has_pin = 0 WHERE user_card_id = ?1"),
    ("CardActivationStartDateTime", "UPDATE assignments SET activation = NULL WHERE user_card_id = ?1"),
    ("CardDeactivationStartDateTime", "UPDATE assignments SET deactivation = NULL WHERE user_card_id = ?1"),
    ("CardUserFlags", "UPDATE assignments SET flags = 0 WHERE user_card_id = ?1"),
    ("NumberOfCardUses", "UPDATE assignments SET uses = NULL WHERE user_card_id = ?1"),
    ("PublicNotes", "UPDATE assignments SET notes = NULL WHERE user_card_id = ?1"),
    ("CredentialTypeId", "UPDATE assignments SET credential_type = 1 WHERE user_card_id = ?1"),
];
