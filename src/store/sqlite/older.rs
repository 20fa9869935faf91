//! Operations as programs before this one wrote them down: under the names that BluSKY has for their members.
//!
//! In: an operation's body as it lies on disk. Out: the same under our own names. Never: a value changed, or a row rewritten.

use serde_json::{Map, Value};

/// A body under our own names, whichever it was written down under.
pub(super) fn in_own_names(body: Value) -> Value {
    let Value::Object(members) = body else { return body };
    let is_older = members.keys().any(|name| name.contains(char::is_uppercase));
    if !is_older {
        return Value::Object(members);
    }
    Value::Object(members.into_iter().map(|(name, value)| (own(&name), value)).collect::<Map<_, _>>())
}

/// `CardACSystemId` is `card_ac_system_id`.
fn own(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let starts = letter.is_uppercase() && before.is_some_and(|before| before.is_lowercase() || after.is_some_and(|c| c.is_lowercase()));
        if starts {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_that_were_written_down_under_blusky_s_names_are_found_under_ours() {
        let older =
            json!({"CardACSystemId": 1, "PIN": 2, "ReassignCardIfAlreadyAssigned": false, "sGenderId": 3, "ACSystemId": 4, "Login": 5});
        let own = json!({
            "card_ac_system_id": 1, "pin": 2, "reassign_card_if_already_assigned": false, "s_gender_id": 3, "ac_system_id": 4, "login": 5,
        });
        assert_eq!((in_own_names(older), in_own_names(own.clone())), (own.clone(), own));
    }
}
