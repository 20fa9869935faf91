//! Who is meant: a GUID, an employee number, or a name from the site's list of people.
//!
//! In: the list ([`People::read`]), and a word. Out: one person, or why not. Names match in any case, with or without accents, however
//! those are composed; a family name alone where one person has it. Never: the first of several, or a number that is only nearly the
//! one given: a near miss is offered, and not taken.

mod file;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use uuid::Uuid;

pub use file::{Finding, decoded, delimiter, plain};

use crate::text;

/// One person of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// BluSKY's key of the user.
    pub user_id: Uuid,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// The employee number, empty where there is none.
    pub employee_number: String,
}

/// The site's list of people.
#[derive(Debug, Clone, Default)]
pub struct People {
    persons: Vec<Person>,
    /// What is wrong in which row, and whether it was left out.
    pub findings: Vec<Finding>,
}

/// Why nobody is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhoError {
    /// The all-zero GUID, which BluSKY takes as a value.
    #[error("the all-zero GUID is nobody; give the user's own")]
    Zero,
    /// Not a GUID, and no list to look in.
    #[error("\"{}\" is not a GUID; give the user's GUID, or name a list of people under [people] file = \"…\"", text::shown(.0))]
    NotAGuid(String),
    /// Nobody of that name or number.
    #[error("nobody in the list of people has the employee number or name \"{}\"; give an employee number, \"First Last\", or a GUID", text::shown(.0))]
    Unknown(String),
    /// Nobody of that number, and somebody of one that differs by zeros in front.
    #[error(
        "nobody has the employee number \"{}\"; {} has one that differs by zeros in front, which spreadsheets drop: say it as it stands there",
        text::shown(.0), .1
    )]
    Nearly(String, String),
    /// Several of that name.
    #[error("\"{}\" is the name of several people; give one of the employee numbers or GUIDs: {}", text::shown(.0), .1)]
    Several(String, String),
}

impl WhoError {
    /// True where the word itself cannot be right, whatever the list says.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Zero | Self::NotAGuid(_))
    }
}

/// The key that a word is, where it is one.
///
/// # Errors
/// The all-zero one, which BluSKY takes as a value.
pub fn key(who: &str) -> Result<Option<Uuid>, WhoError> {
    match Uuid::try_parse(who.trim()) {
        Ok(id) if id.is_nil() => Err(WhoError::Zero),
        Ok(id) => Ok(Some(id)),
        Err(_) => Ok(None),
    }
}

impl People {
    /// The user that is meant.
    ///
    /// # Errors
    /// Nobody, or several.
    pub fn find(&self, who: &str) -> Result<Uuid, WhoError> {
        let who = who.trim();
        if let Some(id) = key(who)? {
            return Ok(id);
        }
        if self.persons.is_empty() && self.findings.is_empty() {
            return Err(WhoError::NotAGuid(who.to_owned()));
        }
        let by = |is: &dyn Fn(&Person) -> bool| self.persons.iter().filter(|person| is(person)).collect::<Vec<&Person>>();
        let name = folded(who);
        let found = [
            by(&|person| person.employee_number == who && !who.is_empty()),
            by(&|person| person.names().contains(&name)),
            by(&|person| folded(&person.last_name) == name),
        ];
        match found.iter().find(|found| !found.is_empty()).map(Vec::as_slice) {
            Some([person]) => Ok(person.user_id),
            Some(several) => {
                let ids = several.iter().map(|person| format!("{} ({})", person.employee_number, person.user_id));
                Err(WhoError::Several(who.to_owned(), ids.collect::<Vec<_>>().join(", ")))
            }
            None => Err(self.near(who)),
        }
    }

    /// Nobody; or nobody but for zeros in front.
    fn near(&self, who: &str) -> WhoError {
        let bare = |number: &str| number.trim_start_matches('0').to_owned();
        let is_number = !bare(who).is_empty() && who.bytes().all(|byte| byte.is_ascii_digit());
        let near = self.persons.iter().find(|person| is_number && bare(&person.employee_number) == bare(who));
        match near {
            Some(person) => WhoError::Nearly(who.to_owned(), format!("{} ({})", person.name(), person.employee_number)),
            None => WhoError::Unknown(who.to_owned()),
        }
    }

    /// Everybody whose name or employee number holds this text, whatever its case and accents.
    pub fn search(&self, text: &str) -> impl Iterator<Item = &Person> {
        let text = folded(text);
        self.persons
            .iter()
            .filter(move |person| person.employee_number.contains(&text) || person.names().iter().any(|name| name.contains(&text)))
    }

    /// How many people there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.persons.len()
    }

    /// True where there is nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.persons.is_empty()
    }

    /// The person with that key.
    #[must_use]
    pub fn person(&self, id: Uuid) -> Option<&Person> {
        self.persons.iter().find(|person| person.user_id == id)
    }
}

impl Person {
    /// The name as people say it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).nfc().collect::<String>().trim().to_owned()
    }

    fn names(&self) -> [String; 2] {
        [format!("{} {}", self.first_name, self.last_name), format!("{}, {}", self.last_name, self.first_name)].map(|name| folded(&name))
    }
}

/// A name without case, accents and spare blanks.
#[must_use]
pub fn folded(name: &str) -> String {
    let plain: String = name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
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
        let people = People::read(LIST.as_bytes()).unwrap();
        let ada = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1".parse().unwrap();
        for who in ["1815", "Ada Lovelace", "lovelace, ada", "{0F83442E-A446-4577-8CDD-8FFDD51AB9C1}"] {
            assert_eq!(people.find(who), Ok(ada), "{who}");
        }
        assert!(matches!(people.find("Grace Hopper"), Err(WhoError::Several(..))));
        assert!(matches!(people.find("Alan Turing"), Err(WhoError::Unknown(_))));
        assert_eq!(people.find("00000000-0000-0000-0000-000000000000"), Err(WhoError::Zero));
        assert!(matches!(People::default().find("0f83442e"), Err(WhoError::NotAGuid(_))));
        let unusable = People::read(b"user_id;first_name;last_name;employee_number\nnobody;Ada;Lovelace;1815\n").unwrap();
        assert!(matches!(unusable.find("1815"), Err(WhoError::Unknown(_))), "there is a list, and nothing in it can be used");
    }

    #[test]
    fn a_name_is_found_in_any_case_and_with_or_without_its_accents() {
        let list = format!("{LIST}51c1aa5c-4e2f-4033-8174-3736816cb4a3,Zoe\u{308},Łukasiewicz-Gödel,007\n");
        let people = People::read(list.as_bytes()).unwrap();
        let zoe = "51c1aa5c-4e2f-4033-8174-3736816cb4a3".parse().unwrap();
        for who in ["Zoë Łukasiewicz-Gödel", "ZOE ŁUKASIEWICZ-GODEL", "zoe  łukasiewicz-go\u{308}del", "Łukasiewicz-Gödel", "007"] {
            assert_eq!(people.find(who), Ok(zoe), "{who}");
        }
        assert_eq!(people.person(zoe).unwrap().name(), "Zoë Łukasiewicz-Gödel");
        assert!(matches!(people.find("Hopper"), Err(WhoError::Several(..))), "a family name that two have");
        let near = people.find("7").unwrap_err();
        assert!(matches!(near, WhoError::Nearly(..)) && near.to_string().contains("007"), "{near}");
        assert!(matches!(people.find("0"), Err(WhoError::Unknown(_))) && matches!(people.find(""), Err(WhoError::Unknown(_))));
    }
}
