//! What `user add` takes: every member of a new user as an option.
//!
//! In: the command line. Out: the user. Never: a password, which comes from a file.

use uuid::Uuid;

use crate::access::{AddUser, Moment, Secret, check::guid};

/// The options of a new user. A member that has no option here does not compile below.
#[derive(Debug, clap::Args)]
pub struct UserOptions {
    /// The access-control system (`cardbridge lookup systems`)
    #[arg(long, value_name = "GUID", value_parser = guid)]
    ac_system_id: Uuid,
    /// The access rights are suspended
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    access_rights_suspended: bool,
    /// Until when they are suspended
    #[arg(long, value_name = "T")]
    access_rights_suspended_end: Option<Moment>,
    /// From when on they are suspended
    #[arg(long, value_name = "T")]
    access_rights_suspended_start: Option<Moment>,
    /// The badge template (`cardbridge lookup badges`)
    #[arg(long, value_name = "GUID", value_parser = guid)]
    badge_template_id: Option<Uuid>,
    /// The occupancy, vendor, owner or integrator the user belongs to (`cardbridge lookup occupancies`, …)
    #[arg(long, value_name = "GUID", value_parser = guid)]
    company_instance_id: Uuid,
    /// Which of them it is: 1 an occupancy, 2 a vendor, 3 a system owner, 4 an integrator
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=4))]
    company_instance_type: i64,
    /// The floor of the desk
    #[arg(long, value_name = "GUID", value_parser = guid)]
    default_floor_id: Option<Uuid>,
    /// The floor stop of an elevator that is told where to go
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    default_floor_stop_id: Option<i64>,
    /// The employee number
    #[arg(long, value_name = "TEXT")]
    employee_number: Option<String>,
    /// When the record ends to be valid
    #[arg(long, value_name = "T")]
    end_datetime: Option<Moment>,
    /// The facility (`cardbridge lookup facilities`)
    #[arg(long, value_name = "GUID", value_parser = guid)]
    facility_id: Uuid,
    /// The given name, 60 characters at most
    #[arg(long, value_name = "TEXT")]
    first_name: String,
    /// The user gets a login: --login and --password-file are required then
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    has_login_rights: bool,
    /// The family name, 60 characters at most
    #[arg(long, value_name = "TEXT")]
    last_name: String,
    /// The login
    #[arg(long, value_name = "TEXT")]
    login: Option<String>,
    /// The middle initial, 2 characters at most
    #[arg(long, value_name = "TEXT")]
    middle_initial: Option<String>,
    /// What friends say; with `add_user = "v2"` under [blusky] only
    #[arg(long, value_name = "TEXT")]
    nickname: Option<String>,
    /// When the record begins to be valid
    #[arg(long, value_name = "T")]
    start_datetime: Option<Moment>,
    /// The login is suspended
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    web_site_rights_suspended: bool,
    /// Until when it is suspended
    #[arg(long, value_name = "T")]
    web_site_rights_suspended_end: Option<Moment>,
    /// From when on it is suspended
    #[arg(long, value_name = "T")]
    web_site_rights_suspended_start: Option<Moment>,
    /// 1 female, 2 male, 3 unspecified
    #[arg(long, value_name = "N", visible_alias = "gender-id", value_parser = clap::value_parser!(i64).range(1..=3))]
    s_gender_id: Option<i64>,
}

impl UserOptions {
    /// The user, with this password.
    pub fn user(self, password: Option<Secret>) -> AddUser {
        AddUser {
            ac_system_id: self.ac_system_id,
            access_rights_suspended: self.access_rights_suspended,
            access_rights_suspended_end: self.access_rights_suspended_end,
            access_rights_suspended_start: self.access_rights_suspended_start,
            badge_template_id: self.badge_template_id,
            company_instance_id: self.company_instance_id,
            company_instance_type: self.company_instance_type,
            default_floor_id: self.default_floor_id,
            default_floor_stop_id: self.default_floor_stop_id,
            employee_number: self.employee_number,
            end_datetime: self.end_datetime,
            facility_id: self.facility_id,
            first_name: self.first_name,
            has_login_rights: self.has_login_rights,
            last_name: self.last_name,
            login: self.login,
            middle_initial: self.middle_initial,
            nickname: self.nickname,
            start_datetime: self.start_datetime,
            web_site_rights_suspended: self.web_site_rights_suspended,
            web_site_rights_suspended_end: self.web_site_rights_suspended_end,
            web_site_rights_suspended_start: self.web_site_rights_suspended_start,
            s_gender_id: self.s_gender_id,
            password,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    #[test]
    fn every_member_of_a_new_user_has_an_option_of_its_name() {
        let id = Uuid::from_u128(1).to_string();
        let required = ["x", "--facility-id", &id, "--ac-system-id", &id, "--company-instance-id", &id, "--company-instance-type", "1"];
        let names = ["--first-name", "Ada", "--last-name", "Lovelace"];
        let command = UserOptions::augment_args(Command::new("x"));
        let longs: Vec<String> = command.get_arguments().filter_map(|argument| argument.get_long().map(ToOwned::to_owned)).collect();
        let matches = command.get_matches_from(required.into_iter().chain(names));
        let user = UserOptions::from_arg_matches(&matches).unwrap().user(None);
        let members = serde_json::to_value(&user).unwrap();
        let members: Vec<String> = members.as_object().unwrap().keys().map(|name| name.replace('_', "-")).collect();
        let missing: Vec<&String> = members.iter().filter(|name| *name != "password" && !longs.contains(name)).collect();
        assert!(missing.is_empty() && members.len() == 24, "{missing:?}");
    }
}
