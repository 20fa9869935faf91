//! Who gets the next card, as it is typed: everybody who may be meant, the likeliest first.
//!
//! In: the site's people, and letters. Out: a few names to choose from, and the one that is chosen. Never: somebody who was not shown.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    enroll::people::{People, Person, folded},
    roster::Row,
};

/// So many are shown.
const SHOWN: usize = 6;

/// What is found by what is typed.
pub struct Picker {
    people: Arc<People>,
    /// Everybody's name and number as they are compared.
    texts: Vec<(String, Uuid)>,
    found: Vec<Row>,
    at: usize,
}

impl Picker {
    /// Everybody can be found.
    pub fn of(people: Arc<People>) -> Self {
        let text = |person: &Person| folded(&format!("{} {}", person.name(), person.employee_number));
        let texts = people.all().map(|person| (text(&person), person.user_id)).collect();
        Self { people, texts, found: Vec::new(), at: 0 }
    }

    /// Looks for what is typed now: every word of it must begin a word.
    pub fn look(&mut self, typed: &str) {
        let typed = folded(typed);
        let words: Vec<&str> = typed.split(' ').filter(|word| !word.is_empty()).collect();
        let is_meant = |text: &str| !words.is_empty() && words.iter().all(|word| text.split([' ', '-']).any(|part| part.starts_with(word)));
        let is_likely = |text: &str| text.starts_with(&typed) || text.rsplit(' ').next() == Some(typed.as_str());
        let (mut first, mut then) = (Vec::new(), Vec::new());
        for (text, id) in self.texts.iter().filter(|(text, _)| is_meant(text)) {
            let place = if is_likely(text) { &mut first } else { &mut then };
            if place.len() < SHOWN {
                place.push(*id);
            }
        }
        self.found = first.into_iter().chain(then).take(SHOWN).filter_map(|id| self.row(id)).collect();
        self.at = 0;
    }

    fn row(&self, user_id: Uuid) -> Option<Row> {
        let person = self.people.person(user_id)?;
        Some(Row { user_id, name: person.name(), employee_number: person.employee_number, ..Row::default() })
    }

    /// The next one of those, or the one before.
    pub fn step(&mut self, forward: bool) {
        let count = self.found.len().max(1);
        self.at = (self.at + if forward { 1 } else { count - 1 }) % count;
    }

    /// Those who are found, the one who is chosen marked.
    pub fn shown(&self) -> Vec<String> {
        let mark = |at: usize| if at == self.at { '>' } else { ' ' };
        self.found.iter().enumerate().map(|(at, row)| format!("{} {}", mark(at), row.called())).collect()
    }

    /// The one who is chosen; where nobody is found by beginnings, whoever is meant by the whole.
    ///
    /// # Errors
    /// Nobody is, or several are.
    pub fn take(&mut self, typed: &str) -> Result<Row, String> {
        let chosen = self.found.get(self.at).cloned();
        self.found.clear();
        chosen.map_or_else(|| self.meant(typed), Ok)
    }

    /// Whoever is meant by a whole line.
    ///
    /// # Errors
    /// Nobody is, or several are.
    pub fn meant(&self, who: &str) -> Result<Row, String> {
        let user_id = self.people.find(who).map_err(|error| error.to_string())?;
        Ok(self.row(user_id).unwrap_or_else(|| Row { user_id, name: format!("user {user_id}"), ..Row::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "user_id,first_name,last_name,employee_number\n\
        0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n\
        309fbabb-0642-44e1-b262-67442dc491ed,Grace,Hopper,1906\n\
        d8f00538-00a9-4db3-acc8-e64d728390f2,Zoë,Müller-Hopper,181\n";

    #[test]
    fn whoever_is_typed_is_found_by_the_beginnings_of_names_and_numbers() {
        let mut picker = Picker::of(Arc::new(People::read(LIST.as_bytes()).unwrap()));
        for (typed, found) in [
            ("ad", vec!["> Ada Lovelace (1815)"]),
            ("181", vec!["> Zoë Müller-Hopper (181)", "  Ada Lovelace (1815)"]),
            ("hopper", vec!["> Grace Hopper (1906)", "  Zoë Müller-Hopper (181)"]),
            ("mul zo", vec!["> Zoë Müller-Hopper (181)"]),
            ("", vec![]),
            ("x", vec![]),
        ] {
            picker.look(typed);
            assert_eq!(picker.shown(), found, "{typed}");
        }
        picker.look("hop");
        picker.step(true);
        assert_eq!(picker.take("hop").unwrap().name, "Zoë Müller-Hopper");
        assert!(picker.meant("Turing").is_err() && picker.take("Turing").is_err());
        assert_eq!(picker.meant("8991f3ac-26cd-4c60-9a78-ecca8f441631").unwrap().name, "user 8991f3ac-26cd-4c60-9a78-ecca8f441631");
    }
}
