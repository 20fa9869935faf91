//! The operations: what the outbox holds, and an access-control system is asked to do.
//!
//! In: an operation's members. Out: whom and what it is about, and what of it is secret. Never: a decision about whether or when it is
//! sent, or how it is said.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    AccessLevelGroup, AddUser, AddUserCard, RemoveUserCard, Secret, UpdateUserCard,
    check::{IntegerWidth, Wrong, wrong},
    members::{Members, NoMembers},
    model::{Identity, Model},
};

/// What the success of an operation comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// A result code.
    Nothing,
    /// The key of what was made.
    Key,
    /// A number other than 0, which is no key.
    Number,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Operation {
    /// A card for a user.
    AddUserCard(AddUserCard),
    /// Changes to a user's card.
    UpdateUserCard(UpdateUserCard),
    /// A card taken back from its holder.
    RemoveUserCard(RemoveUserCard),
    /// A new user.
    AddUser(Box<AddUser>),
    /// A group of access levels for a user.
    AddAccessLevelGroup(AccessLevelGroup),
    /// A group of access levels taken from a user.
    RemoveAccessLevelGroup(AccessLevelGroup),
}

impl Operation {
    fn model(&self) -> &dyn Model {
        match self {
            Self::AddUserCard(card) => card,
            Self::UpdateUserCard(card) => card,
            Self::RemoveUserCard(card) => card,
            Self::AddUser(user) => user.as_ref(),
            Self::AddAccessLevelGroup(group) | Self::RemoveAccessLevelGroup(group) => group,
        }
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        match self {
            Self::AddUserCard(card) => card,
            Self::UpdateUserCard(card) => card,
            Self::RemoveUserCard(card) => card,
            Self::AddUser(user) => user.as_mut(),
            Self::AddAccessLevelGroup(group) | Self::RemoveAccessLevelGroup(group) => group,
        }
    }

    /// Its name, as people and programs are told it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddUserCard(_) => "AddUserCard",
            Self::UpdateUserCard(_) => "UpdateUserCard",
            Self::RemoveUserCard(_) => "RemoveUserCard",
            Self::AddUser(_) => "AddUser",
            Self::AddAccessLevelGroup(_) => "AddAccessLevelGroup",
            Self::RemoveAccessLevelGroup(_) => "RemoveAccessLevelGroup",
        }
    }

    /// True where success comes with the key of what was made.
    #[must_use]
    pub fn answers_value(&self) -> bool {
        self.model().answers_value()
    }

    /// What success comes with.
    #[must_use]
    pub fn answers(&self) -> Answers {
        match self {
            Self::AddAccessLevelGroup(_) => Answers::Number,
            _ if self.answers_value() => Answers::Key,
            _ => Answers::Nothing,
        }
    }

    /// True where the user's cards show whether it was done.
    #[must_use]
    pub const fn is_about_a_card(&self) -> bool {
        match self {
            Self::AddUserCard(_) | Self::UpdateUserCard(_) | Self::RemoveUserCard(_) => true,
            Self::AddUser(_) | Self::AddAccessLevelGroup(_) | Self::RemoveAccessLevelGroup(_) => false,
        }
    }

    /// True where a present assignment is to be deleted.
    #[must_use]
    pub fn takes_from_its_holder(&self) -> bool {
        self.model().takes()
    }

    /// Says whether a present assignment is to be deleted, where there can be one.
    pub fn reassign(&mut self, take: bool) {
        self.model_mut().take(take);
    }

    /// Judges it before it is written down.
    ///
    /// # Errors
    /// What would be refused or lost.
    pub fn judge(&self, width: IntegerWidth) -> Result<(), Wrong> {
        wrong(self.model().wrong())?;
        width.judge(&self.members().map_err(|error| Wrong(vec![error.to_string()]))?)
    }

    /// The user it is about; `None` if it adds one.
    #[must_use]
    pub fn user(&self) -> Option<Uuid> {
        self.model().user()
    }

    /// What tells its card from all others; `None` if it is not about a card.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.model().identity()
    }

    /// A hash of the card it is about. Two cards with the same hash only wait for each other.
    #[must_use]
    pub fn card(&self) -> Option<u64> {
        self.identity().map(|identity| {
            let mut hasher = DefaultHasher::new();
            identity.hash(&mut hasher);
            hasher.finish()
        })
    }

    /// The members that the system must have stored once the operation is done. A cleared member is null.
    ///
    /// # Errors
    /// The operation has no members. No operation is like that.
    pub fn leaves(&self) -> Result<Members, NoMembers> {
        Ok(self.model().leaves(self.members()?))
    }

    /// Takes its secret out (a PIN, a password): what remains can be written down.
    pub fn take_secret(&mut self) -> Option<Secret> {
        self.model_mut().secret_mut().and_then(Option::take)
    }

    /// Puts its secret back in.
    pub fn put_secret(&mut self, secret: Secret) {
        if let Some(place) = self.model_mut().secret_mut() {
            *place = Some(secret);
        }
    }

    /// Its secret.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.model().secret()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const USER: Uuid = Uuid::from_u128(7);
    const CARD: Uuid = Uuid::from_u128(9);

    fn operation(kind: &str, body: &Value) -> Operation {
        serde_json::from_value(json!({"kind": kind, "body": body})).unwrap()
    }

    fn added() -> Operation {
        operation(
            "add_user_card",
            &json!({"card_type": 3, "card_user_flags": 1, "facility_code": 123, "internal_card_number": 4567, "pin": "0417",
                    "user_id": USER, "reassign_card_if_already_assigned": false}),
        )
    }

    fn new_user() -> Operation {
        operation(
            "add_user",
            &json!({"ac_system_id": CARD, "access_rights_suspended": false, "company_instance_id": CARD, "company_instance_type": 1,
                    "facility_id": CARD, "first_name": "Ada", "has_login_rights": true, "last_name": "Lovelace", "login": "ada",
                    "password": "engine", "web_site_rights_suspended": false}),
        )
    }

    fn group(kind: &str, number: i64) -> Operation {
        operation(kind, &json!({"access_level_group_id": number, "user_id": USER}))
    }

    fn changed(more: Value) -> Operation {
        let mut body = json!({"card_id": CARD, "user_id": USER});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        operation("update_user_card", &body)
    }

    fn taken_back() -> Operation {
        operation("remove_user_card", &json!({"card_id": CARD, "user_id": USER}))
    }

    #[test]
    fn each_operation_says_whom_and_which_card_it_is_about_and_what_comes_of_it() {
        for (operation, user, has_card, answers_value) in [
            (added(), Some(USER), true, true),
            (changed(json!({})), Some(USER), true, false),
            (taken_back(), Some(USER), true, false),
            (new_user(), None, false, true),
            (group("add_access_level_group", 4), Some(USER), false, false),
            (group("remove_access_level_group", 4), Some(USER), false, false),
        ] {
            let name = operation.name();
            assert_eq!(operation.user(), user, "{name}");
            assert_eq!(operation.answers_value(), answers_value, "{name}");
            let answers = match name {
                "AddAccessLevelGroup" => Answers::Number,
                _ if answers_value => Answers::Key,
                _ => Answers::Nothing,
            };
            assert_eq!(operation.answers(), answers, "{name}");
            assert_eq!((operation.identity().is_some(), operation.card().is_some()), (has_card, has_card), "{name}");
            assert_eq!(operation.is_about_a_card(), has_card, "{name}");
            operation.judge(IntegerWidth::Bits32).unwrap();
        }
        // The same card is the same number, and another one another.
        assert_eq!(changed(json!({})).card(), taken_back().card());
        assert_ne!(added().card(), taken_back().card());
    }

    #[test]
    fn a_secret_is_taken_out_whole_and_put_back_and_only_two_operations_have_one() {
        for (mut operation, text) in [(added(), "0417"), (new_user(), "engine")] {
            let before = operation.clone();
            assert_eq!(operation.secret().map(Secret::expose), Some(text));
            let secret = operation.take_secret().unwrap();
            assert!(operation.secret().is_none() && operation.take_secret().is_none() && operation != before);
            operation.put_secret(secret);
            assert!(operation == before, "{text}");
        }
        for mut operation in [changed(json!({})), taken_back(), group("add_access_level_group", 4)] {
            operation.put_secret(Secret::new("0417"));
            assert!(operation.secret().is_none() && operation.take_secret().is_none(), "{}", operation.name());
        }
    }

    #[test]
    fn only_a_card_that_is_given_can_be_taken_from_its_holder() {
        let mut operation = added();
        for take in [true, false] {
            operation.reassign(take);
            assert_eq!(operation.takes_from_its_holder(), take);
        }
        for mut operation in [changed(json!({})), taken_back(), new_user(), group("add_access_level_group", 4)] {
            operation.reassign(true);
            assert!(!operation.takes_from_its_holder(), "{}", operation.name());
        }
    }

    #[test]
    fn what_would_be_refused_or_lost_is_said_before_it_is_written_down() {
        let (morning, evening) = ("2026-01-01T08:00:00Z", "2026-01-01T18:00:00Z");
        let backwards = json!({"card_activation_start_date_time": evening, "card_deactivation_start_date_time": morning});
        let ignored = json!({"card_deactivation_start_date_time": evening, "modify_activation_dates": false});
        for (operation, words) in [
            (group("add_access_level_group", 0), "below 1"),
            (group("remove_access_level_group", -4), "below 1"),
            (operation("remove_access_level_group", &json!({"access_level_group_id": 1, "user_id": Uuid::nil()})), "nobody's"),
            (operation("remove_user_card", &json!({"card_id": Uuid::nil(), "user_id": USER})), "card_id is all zero"),
            (changed(backwards), "is not after"),
            (changed(ignored), "would have BluSKY ignore them"),
        ] {
            let wrong = operation.judge(IntegerWidth::Bits32).unwrap_err();
            assert!(wrong.to_string().contains(words), "{wrong}");
            if let Operation::UpdateUserCard(card) = operation {
                assert_eq!(card.judge(), Err(wrong));
            }
        }
        let Operation::AddUser(user) = new_user() else { panic!() };
        for (member, value, words) in [
            ("first_name", json!(" "), "first_name is required and empty"),
            ("last_name", json!(""), "last_name is required and empty"),
            ("first_name", json!("A".repeat(61)), "first_name has 61 characters"),
            ("last_name", json!("A".repeat(61)), "last_name has 61 characters"),
            ("middle_initial", json!("ABC"), "middle_initial has 3 characters"),
            ("nickname", json!("A".repeat(61)), "nickname has 61 characters"),
            ("login", json!(" "), "wants --login"),
            ("access_rights_suspended_start", json!(morning), "access_rights_suspended is false"),
            ("web_site_rights_suspended_end", json!(morning), "web_site_rights_suspended is false"),
        ] {
            let mut body = serde_json::to_value(user.as_ref()).unwrap();
            body[member] = value;
            let wrong = operation("add_user", &body).judge(IntegerWidth::Bits32).unwrap_err().to_string();
            assert!(wrong.contains(words), "{wrong}");
        }
        for right in [json!({"modify_activation_dates": false}), json!({"card_activation_start_date_time": morning})] {
            changed(right).judge(IntegerWidth::Bits32).unwrap();
        }
        for lacking in ["login", "password"] {
            let Operation::AddUser(user) = new_user() else { panic!() };
            let mut body = serde_json::to_value(user.as_ref()).unwrap();
            body[lacking] = Value::Null;
            assert!(operation("add_user", &body).judge(IntegerWidth::Bits32).is_err(), "{lacking}");
            // Without the rights to use it, what is left is no login either.
            body["has_login_rights"] = false.into();
            assert!(operation("add_user", &body).judge(IntegerWidth::Bits32).is_err(), "{lacking}");
        }
    }

    #[test]
    fn times_are_looked_for_only_where_they_were_changed_and_orders_never() {
        let times = json!({"card_deactivation_start_date_time": "2026-01-01T08:00:00Z", "public_notes": "spare"});
        let names = |operation: &Operation| operation.leaves().unwrap().into_iter().collect::<Vec<_>>();
        assert_eq!(names(&changed(times.clone())), [("card_id".to_owned(), json!(CARD)), ("public_notes".to_owned(), json!("spare"))]);
        let mut and_changed = times;
        and_changed["modify_activation_dates"] = true.into();
        let left = changed(and_changed).leaves().unwrap();
        assert_eq!(left["card_activation_start_date_time"], Value::Null, "a time that is left out is taken away");
        assert_eq!(left["card_deactivation_start_date_time"], "2026-01-01T08:00:00Z");
        assert_eq!(left.len(), 4);
        let left = added().leaves().unwrap();
        assert!(left.contains_key("pin") && !left.contains_key("user_id") && !left.contains_key("reassign_card_if_already_assigned"));
        for operation in [taken_back(), new_user(), group("add_access_level_group", 4)] {
            assert!(operation.leaves().unwrap().is_empty(), "{}", operation.name());
        }
    }
}
