//! What BluSKY calls the members: its spelling of our names, its names for the values of an enumeration, and which members are secrets.
//!
//! In: a member of ours, or of an answer. Out: its name on the other side. Never: a guess at an enumeration's name.

use serde_json::Value;

use crate::access::BLOT;

/// Names that follow no rule.
const OTHERWISE: [(&str, &str); 1] = [("s_gender_id", "sGenderId")];
/// Words that are written in capitals.
const CAPITALS: [&str; 2] = ["ac", "pin"];

/// A member of ours as BluSKY spells it: `card_ac_system_id` is `CardACSystemId`.
#[must_use]
pub fn spelled(name: &str) -> String {
    let by_rule = || name.split('_').map(word).collect();
    OTHERWISE.iter().find(|(own, _)| *own == name).map_or_else(by_rule, |(_, theirs)| (*theirs).to_owned())
}

fn word(word: &str) -> String {
    if CAPITALS.contains(&word) {
        return word.to_uppercase();
    }
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A member by its name, in whatever case a serializer was told to write it.
#[must_use]
pub fn any_case<'v>(members: &'v Value, name: &str) -> Option<&'v Value> {
    let in_another_case = || members.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    members.get(name).or_else(in_another_case)
}

/// Enumerations: an integer in JSON is a name in XML. Source: the page of AddUserCard shows both forms of this one value.
pub const ENUMERATIONS: [(&str, i64, &str); 1] = [("CardUserFlags", 1, "ActiveCardholderRecord")];

/// The value of an enumeration's name.
#[must_use]
pub fn named_value(member: &str, name: &str) -> Option<i64> {
    ENUMERATIONS.iter().find(|(known, _, text)| known.eq_ignore_ascii_case(member) && *text == name).map(|(_, value, _)| *value)
}

/// A value with every member that is a secret by its name blotted out, however deep it stands.
#[must_use]
pub fn blotted(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match is_secret(name) && !value.is_null() {
                true => (name.clone(), Value::String(BLOT.to_owned())),
                false => (name.clone(), blotted(value)),
            })
            .collect(),
        Value::Array(items) => items.iter().map(blotted).collect(),
        simple => simple.clone(),
    }
}

/// A PIN, a password, a token; and the code by which a phone takes a credential over.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    name == "pin" || ["password", "token", "invitationcode"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_secrets_by_name_are_blotted_out_at_any_depth() {
        let value = serde_json::json!({"Cards": [{"PIN": 417, "Spin": 1, "HIDInvitationCode": "x", "Token": null}]});
        let wanted = serde_json::json!({"Cards": [{"PIN": "•••", "Spin": 1, "HIDInvitationCode": "•••", "Token": null}]});
        assert_eq!(blotted(&value), wanted);
    }

    #[test]
    fn our_names_are_spelled_as_blusky_s_pages_spell_them() {
        for (own, theirs) in [
            ("card_ac_system_id", "CardACSystemId"),
            ("ac_system_id", "ACSystemId"),
            ("pin", "PIN"),
            ("internal_card_number", "InternalCardNumber"),
            ("s_gender_id", "sGenderId"),
        ] {
            assert_eq!(spelled(own), theirs);
        }
    }
}
