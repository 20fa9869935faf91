//! People as one text, a line each: as they come from a system, and as a store keeps them. A hundred thousand take the memory of their
//! names: they are never all parsed at once.
//!
//! In: people, one after the other; or a text that was kept. Out: the same people, one after the other. Never: more than one of them
//! parsed at a time.

use std::fmt;

use uuid::Uuid;

use super::Person;

/// People, a line of JSON each.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PeopleLines(String);

impl From<String> for PeopleLines {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl PeopleLines {
    /// Adds a person. (Every person can be written as JSON.)
    pub fn push(&mut self, person: &Person) {
        if let Ok(line) = serde_json::to_string(person) {
            self.0.push_str(&line);
            self.0.push('\n');
        }
    }

    /// Adds the people of another text. `are_new` says of each, in order, whether to add them.
    pub fn add(&mut self, others: Self, are_new: impl Iterator<Item = bool>) {
        let are_new: Vec<bool> = are_new.collect();
        if self.0.is_empty() && are_new.iter().all(|is_new| *is_new) {
            *self = others;
            return;
        }
        let lines = others.0.split_inclusive('\n').zip(are_new);
        self.0.extend(lines.filter(|(_, is_new)| *is_new).map(|(line, _)| line));
    }

    /// All people. A line that cannot be read is left out.
    pub fn iter(&self) -> impl Iterator<Item = Person> {
        self.0.lines().filter_map(|line| serde_json::from_str(line).ok())
    }

    /// The same people without this one; `None` if this person is not among them.
    #[must_use]
    pub fn without(&self, user: Uuid) -> Option<Self> {
        let key = user.to_string();
        let is_other = |line: &&str| !line.contains(&key);
        let rest: String = self.0.split_inclusive('\n').filter(is_other).collect();
        (rest.len() < self.0.len()).then_some(Self(rest))
    }

    /// The same without these, and with others behind them.
    #[must_use]
    pub fn changed(mut self, gone: &[Uuid], new: &Self) -> Self {
        for user in gone {
            self = self.without(*user).unwrap_or(self);
        }
        self.0.push_str(&new.0);
        self
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, taken out.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Shows how long it is, and nobody in it.
impl fmt::Debug for PeopleLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeopleLines").field("bytes", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_goes_without_a_trace_and_the_others_stay() {
        let person = |id: u128, name: &str| Person { user_id: Uuid::from_u128(id), first_name: name.to_owned(), ..Person::default() };
        let people = [person(1, "Ada"), person(2, "Grace\nHopper"), person(3, "Kay")];
        let mut lines = PeopleLines::default();
        people.iter().for_each(|person| lines.push(person));
        assert!(lines.iter().eq(people.clone()));
        let rest = lines.without(people[1].user_id).unwrap();
        assert!(rest.iter().eq([people[0].clone(), people[2].clone()]) && !rest.as_str().contains("Hopper"));
        assert_eq!(rest.without(people[1].user_id), None);
        // An older program kept all of them in one line.
        let older = PeopleLines::from(serde_json::to_string(&people).unwrap());
        assert_eq!((older.iter().count(), older.without(people[0].user_id)), (0, Some(PeopleLines::default())));
    }

    #[test]
    fn of_two_lists_only_the_people_who_are_new_are_added() {
        let lines = |ids: &[u128]| {
            let mut lines = PeopleLines::default();
            ids.iter().for_each(|id| lines.push(&Person { user_id: Uuid::from_u128(*id), ..Person::default() }));
            lines
        };
        let mut all = PeopleLines::default();
        all.add(lines(&[1, 2]), [true, false].into_iter());
        assert_eq!(all.as_str(), lines(&[1]).as_str());
        all.add(lines(&[2, 3]), [true, true].into_iter());
        assert_eq!(all.as_str(), lines(&[1, 2, 3]).as_str());
    }

    #[test]
    fn of_a_second_page_those_who_are_new_are_added_and_who_has_changed_stands_there_once() {
        let person = |id: u128, name: &str| Person { user_id: Uuid::from_u128(id), first_name: name.to_owned(), ..Person::default() };
        let lines = |people: &[(u128, &str)]| {
            let mut lines = PeopleLines::default();
            people.iter().for_each(|(id, name)| lines.push(&person(*id, name)));
            lines
        };
        let mut first_page = PeopleLines::default();
        first_page.add(lines(&[(1, "Ada"), (2, "Grace")]), [true, true].into_iter());
        assert_eq!(first_page.as_str(), lines(&[(1, "Ada"), (2, "Grace")]).as_str());
        first_page.add(lines(&[(2, "Grace"), (3, "Kay")]), [false, true].into_iter());
        assert_eq!(first_page.as_str(), lines(&[(1, "Ada"), (2, "Grace"), (3, "Kay")]).as_str());
        let gone = [1, 2, 9].map(Uuid::from_u128);
        let changed = first_page.changed(&gone, &lines(&[(2, "Grace Brewster"), (4, "Jean")]));
        assert!(changed.as_str().contains("Brewster") && changed.clone().into_text().contains("Brewster"));
        assert_eq!(changed.into_text(), lines(&[(3, "Kay"), (2, "Grace Brewster"), (4, "Jean")]).into_text());
    }
}
