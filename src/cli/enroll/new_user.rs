//! The members of new people as options that need not be there: what all of a list share, or one person's own.
//!
//! In: the command line, and the columns of a row, both by the names of `user add`'s options. Out: a new person. Never: a password; a
//! login is given with `user add`.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};

use crate::{
    access::AddUser,
    cli::{out, user::options::UserOptions},
};

/// What is said of new people, by the names of the options.
#[derive(Debug, Clone, Default)]
pub struct NewUser(BTreeMap<String, String>);

impl NewUser {
    /// The headings under which a row can say something of a new person.
    pub fn headings() -> Vec<String> {
        members().iter().filter_map(Arg::get_long).map(|name| name.replace('-', "_")).collect()
    }

    /// The new person.
    ///
    /// # Errors
    /// What is missing or wrong, in words.
    pub fn user(&self) -> Result<AddUser, String> {
        self.making()(&[])
    }

    /// What makes one person after the other, each with what their row says besides, or says in words what is missing or wrong.
    pub fn making(&self) -> impl FnMut(&[(String, String)]) -> Result<AddUser, String> {
        let mut command = UserOptions::augment_args(Command::new("user").no_binary_name(true));
        move |row| {
            let mut said = self.0.clone();
            said.extend(row.iter().map(|(heading, text)| (heading.replace('_', "-"), text.clone())));
            let words = said.iter().map(|(name, text)| format!("--{name}={text}"));
            let options = command.try_get_matches_from_mut(words).and_then(|matches| UserOptions::from_arg_matches(&matches));
            options.map(|options| options.user(None)).map_err(|error| out::usage(&error).to_string())
        }
    }
}

fn members() -> Vec<Arg> {
    UserOptions::augment_args(Command::new("user")).get_arguments().cloned().collect()
}

impl Args for NewUser {
    fn augment_args(command: Command) -> Command {
        let optional = |member: Arg| member.required(false).hide_short_help(true).help_heading("New people");
        members().into_iter().fold(command, |command, member| command.arg(optional(member)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for NewUser {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |member: &Arg| {
            let id = member.get_id().as_str();
            let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
            let text = matches.get_raw(id).filter(|_| is_given)?.next().map_or("true".into(), |text| text.to_string_lossy().into_owned());
            Some((member.get_long()?.to_owned(), text))
        };
        Ok(Self(members().iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1";

    #[test]
    fn what_all_share_stands_on_the_command_line_and_the_rest_in_the_row() {
        let command = NewUser::augment_args(Command::new("enroll"));
        let shared = ["enroll", "--facility-id", ID, "--ac-system-id", ID, "--company-instance-type", "1", "--company-instance-id", ID];
        let shared = NewUser::from_arg_matches(&command.get_matches_from(shared)).unwrap();
        let row = |words: &[(&str, &str)]| words.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<Vec<_>>();
        let mut make = shared.making();
        let user = make(&row(&[("first_name", "Ada"), ("last_name", "--Lovelace"), ("employee_number", "1815")])).unwrap();
        assert_eq!(
            (user.first_name.as_str(), user.last_name.as_str(), user.employee_number.as_deref()),
            ("Ada", "--Lovelace", Some("1815"))
        );
        let missing = make(&row(&[("first_name", "Ada")])).unwrap_err();
        assert!(missing.contains("--last-name"), "{missing}");
        assert!(NewUser::headings().contains(&"s_gender_id".to_owned()) && NewUser::headings().len() == 23);
    }
}
