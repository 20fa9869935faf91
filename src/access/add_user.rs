//! `POST api/Person/AddUser`: a new user.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Moment, Secret, check::guid};

/// AddUser, and the options of `user add`. Members are sorted as a data contract is, by the code points of their names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(rename_all = "PascalCase")]
pub struct AddUser {
    /// The access-control system (`cardbridge lookup systems`)
    #[arg(long, value_name = "GUID", value_parser = guid)]
    #[serde(rename = "ACSystemId")]
    pub ac_system_id: Uuid,
    /// The access rights are suspended
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub access_rights_suspended: bool,
    /// Until when they are suspended
    #[arg(long, value_name = "T")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub access_rights_suspended_end: Option<Moment>,
    /// From when on they are suspended
    #[arg(long, value_name = "T")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub access_rights_suspended_start: Option<Moment>,
    /// The badge template (`cardbridge lookup badges`)
    #[arg(long, value_name = "GUID", value_parser = guid)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub badge_template_id: Option<Uuid>,
    /// The occupancy, vendor, owner or integrator the user belongs to (`cardbridge lookup occupancies`, …)
    #[arg(long, value_name = "GUID", value_parser = guid)]
    pub company_instance_id: Uuid,
    /// Which of them it is: 1 an occupancy, 2 a vendor, 3 a system owner, 4 an integrator
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=4))]
    pub company_instance_type: i64,
    /// The floor of the desk
    #[arg(long, value_name = "GUID", value_parser = guid)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_floor_id: Option<Uuid>,
    /// The floor stop of an elevator that is told where to go
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_floor_stop_id: Option<i64>,
    /// The employee number
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub employee_number: Option<String>,
    /// When the record ends to be valid
    #[arg(long, value_name = "T")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end_datetime: Option<Moment>,
    /// The facility (`cardbridge lookup facilities`)
    #[arg(long, value_name = "GUID", value_parser = guid)]
    pub facility_id: Uuid,
    /// The given name, 60 characters at most
    #[arg(long, value_name = "TEXT")]
    pub first_name: String,
    /// The user gets a login: --login and --password-file are required then
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub has_login_rights: bool,
    /// The family name, 60 characters at most
    #[arg(long, value_name = "TEXT")]
    pub last_name: String,
    /// The login
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub login: Option<String>,
    /// The middle initial, 2 characters at most
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub middle_initial: Option<String>,
    /// The password, which comes from a file.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub password: Option<Secret>,
    /// When the record begins to be valid
    #[arg(long, value_name = "T")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub start_datetime: Option<Moment>,
    /// The login is suspended
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub web_site_rights_suspended: bool,
    /// Until when it is suspended
    #[arg(long, value_name = "T")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub web_site_rights_suspended_end: Option<Moment>,
    /// From when on it is suspended
    #[arg(long, value_name = "T")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub web_site_rights_suspended_start: Option<Moment>,
    /// 1 female, 2 male, 3 unspecified
    #[arg(long, value_name = "N", visible_alias = "gender-id", value_parser = clap::value_parser!(i64).range(1..=3))]
    #[serde(rename = "sGenderId", skip_serializing_if = "Option::is_none", default)]
    pub s_gender_id: Option<i64>,
}

/// Shows where the user belongs, and nothing about the person.
impl fmt::Debug for AddUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddUser").field("facility_id", &self.facility_id).finish_non_exhaustive()
    }
}
