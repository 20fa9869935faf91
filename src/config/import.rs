//! Card types as BluSKY lists them, turned into configuration.
//!
//! In: the items of a lookup. Out: a `[[card_type]]` for each, to be completed by a person. Never: a format guessed, or a
//! requirement that the list does not state.

use serde_json::Value;
use uuid::Uuid;

use crate::{blusky::lookup::Item, enroll::policy::Required};

/// The tables of the card types that are not known yet, and the names of what is no card type.
#[must_use]
pub fn card_types(items: &[Item], known: &[i64], system: Uuid) -> (Vec<String>, Vec<String>) {
    let (mut tables, mut left, mut seen) = (Vec::new(), Vec::new(), known.to_vec());
    for item in items {
        let number = item.id.as_ref().and_then(|id| id.parse::<i64>().ok()).filter(|number| (0..=i64::from(i32::MAX)).contains(number));
        match number {
            Some(number) if seen.contains(&number) => {}
            Some(number) => {
                seen.push(number);
                tables.push(table(number, item, system));
            }
            None => left.push(item.name.clone().or_else(|| item.id.clone()).unwrap_or_else(|| "an item".to_owned())),
        }
    }
    (tables, left)
}

fn table(number: i64, item: &Item, system: Uuid) -> String {
    // A JSON string is a TOML string, but for the one control character that JSON lets stand.
    let name = Value::String(item.name.clone().unwrap_or_default()).to_string().replace('\u{7f}', "\\u007F");
    let requires = [(Required::FacilityCode, "facilitycode"), (Required::Serial, "serialnumber"), (Required::IssueCode, "issuecode")];
    let stated: Vec<(&str, bool)> =
        requires.iter().filter_map(|(required, word)| Some((required.name(), says(&item.raw, word)?))).collect();
    let names: Vec<String> = stated.iter().filter(|(_, needed)| *needed).map(|(name, _)| format!("\"{name}\"")).collect();
    let comment = if stated.is_empty() { "   # of facility_code, serial, issue_code; BluSKY's list does not say" } else { "" };
    format!(
        "\n[[card_type]]\nblusky = {number}\nname = {name}\nformats = []   # those this card type takes; `cardbridge formats` shows them\n\
         system = \"{system}\"\nrequires = [{}]{comment}\n",
        names.join(", ")
    )
}

/// Whether a member about this number is true; none where no member says.
fn says(raw: &Value, word: &str) -> Option<bool> {
    let truth = |value: &Value| value.as_bool().or_else(|| value.as_str()?.to_lowercase().parse().ok());
    let members = raw.as_object()?.iter().filter(|(name, _)| name.to_lowercase().contains(word));
    members.filter_map(|(_, value)| truth(value)).reduce(|a, b| a || b)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_type_is_written_once_with_what_the_list_states() {
        let item = |id: &str, name: &str, raw: Value| Item { id: Some(id.to_owned()), name: Some(name.to_owned()), raw };
        let items = [
            item("3", "HID \"26\"", json!({"SupportsFacilityCode": true, "SupportsIssueCode": false})),
            item("3", "again", json!({})),
            item("5", "known", json!({})),
            item("x", "no number", json!({})),
            item("9", "si\u{7f}lent", json!({})),
        ];
        let (tables, left) = card_types(&items, &[5], Uuid::from_u128(1));
        assert_eq!((tables.len(), left), (2, vec!["no number".to_owned()]));
        assert!(
            tables[0].contains("name = \"HID \\\"26\\\"\"\n") && tables[0].contains("requires = [\"facility_code\"]\n"),
            "{}",
            tables[0]
        );
        assert!(tables[1].contains("requires = []   # of"), "{}", tables[1]);
        assert!(tables[1].contains("name = \"si\\u007Flent\"\n"), "{}", tables[1]);
    }
}
