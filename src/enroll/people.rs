//! Who is meant: a GUID, an employee number, or a name from the site's list of people.
//!
//! In: the text of a CSV file with `user_id, first_name, last_name, employee_number`. Out: one person, or why not.
//! Never: the first of several; BluSKY's pages name no call that finds a user, so the list is the site's own.

use serde::Deserialize;
use uuid::Uuid;

/// One person of the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Person {
    /// BluSKY's key of the user.
    pub user_id: Uuid,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// The employee number, empty where there is none.
    #[serde(default)]
    pub employee_number: String,
}

/// The site's list of people.
#[derive(Debug, Clone, Default)]
pub struct People(Vec<Person>);

/// Why nobody is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhoError {
    /// The all-zero GUID, which BluSKY takes as a value.
    #[error("the all-zero GUID is nobody; give the user's own")]
    Zero,
    /// Not a GUID, and no list to look in.
    #[error("{0:?} is not a GUID; give the user's GUID, or name a list of people under [people] file = \"…\"")]
    NotAGuid(String),
    /// Nobody of that name or number.
    #[error("nobody in the list of people has the employee number or name {0:?}; give an employee number, \"First Last\", or a GUID")]
    Unknown(String),
    /// Several of that name.
    #[error("{0:?} is the name of several people; give one of the employee numbers or GUIDs: {1}")]
    Several(String, String),
}

impl WhoError {
    /// True where the word itself cannot be right, whatever the list says.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Zero | Self::NotAGuid(_))
    }
}

impl People {
    /// Reads the list.
    ///
    /// # Errors
    /// The first line that is wrong, with its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(false).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        reader.deserialize().collect::<Result<Vec<Person>, _>>().map(Self).map_err(|error| error.to_string())
    }

    /// The user that is meant.
    ///
    /// # Errors
    /// Nobody, or several.
    pub fn find(&self, who: &str) -> Result<Uuid, WhoError> {
        let who = who.trim();
        match Uuid::try_parse(who) {
            Ok(id) if id.is_nil() => return Err(WhoError::Zero),
            Ok(id) => return Ok(id),
            Err(_) if self.0.is_empty() => return Err(WhoError::NotAGuid(who.to_owned())),
            Err(_) => {}
        }
        let found: Vec<&Person> = self.0.iter().filter(|person| person.is(who)).collect();
        match found.as_slice() {
            [] => Err(WhoError::Unknown(who.to_owned())),
            [person] => Ok(person.user_id),
            several => {
                let ids = several.iter().map(|person| format!("{} ({})", person.employee_number, person.user_id));
                Err(WhoError::Several(who.to_owned(), ids.collect::<Vec<_>>().join(", ")))
            }
        }
    }

    /// The person with that key.
    #[must_use]
    pub fn person(&self, id: Uuid) -> Option<&Person> {
        self.0.iter().find(|person| person.user_id == id)
    }
}

impl Person {
    fn is(&self, who: &str) -> bool {
        let same = |name: String| name.to_lowercase() == who.to_lowercase();
        (!self.employee_number.is_empty() && self.employee_number == who)
            || same(format!("{} {}", self.first_name, self.last_name))
            || same(format!("{}, {}", self.last_name, self.first_name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "user_id,first_name,last_name,employee_number\n\
        0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n\
        309fbabb-0642-44e1-b262-67442dc491ed,Grace,Hopper,1906\n\
        d8f00538-00a9-4db3-acc8-e64d728390f2,Grace,Hopper,1907\n";

    #[test]
    fn a_person_is_found_by_number_name_or_guid_and_never_guessed() {
        let people = People::parse(LIST).unwrap();
        let ada = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1".parse().unwrap();
        for who in ["1815", "Ada Lovelace", "lovelace, ada", "{0F83442E-A446-4577-8CDD-8FFDD51AB9C1}"] {
            assert_eq!(people.find(who), Ok(ada), "{who}");
        }
        assert!(matches!(people.find("Grace Hopper"), Err(WhoError::Several(..))));
        assert!(matches!(people.find("Alan Turing"), Err(WhoError::Unknown(_))));
        assert_eq!(people.find("00000000-0000-0000-0000-000000000000"), Err(WhoError::Zero));
        assert!(matches!(People::default().find("0f83442e"), Err(WhoError::NotAGuid(_))));
    }

    #[test]
    fn a_wrong_line_of_the_list_is_named() {
        let error = People::parse("user_id,first_name,last_name,employee_number\nx,Ada,Lovelace,1\n").unwrap_err();
        assert!(error.contains("line: 2"), "{error}");
    }
}
