//! A new person.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Moment, Secret,
    check::{lengths, suspension, window},
    members::Members,
    model::Model,
};

/// A new person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddUser {
    /// The access-control system.
    pub ac_system_id: Uuid,
    /// The access rights are suspended.
    pub access_rights_suspended: bool,
    /// Until when they are suspended.
    pub access_rights_suspended_end: Option<Moment>,
    /// From when on they are suspended.
    pub access_rights_suspended_start: Option<Moment>,
    /// The badge template.
    pub badge_template_id: Option<Uuid>,
    /// The occupancy, vendor, owner or integrator the user belongs to.
    pub company_instance_id: Uuid,
    /// Which of them it is: 1 an occupancy, 2 a vendor, 3 a system owner, 4 an integrator.
    pub company_instance_type: i64,
    /// The floor of the desk.
    pub default_floor_id: Option<Uuid>,
    /// The floor to which a destination elevator takes the user.
    pub default_floor_stop_id: Option<i64>,
    /// The employee number.
    pub employee_number: Option<String>,
    /// When the record stops being valid.
    pub end_datetime: Option<Moment>,
    /// The facility.
    pub facility_id: Uuid,
    /// The given name, 60 characters at most.
    pub first_name: String,
    /// The user gets a login: a login and a password are required then.
    pub has_login_rights: bool,
    /// The family name, 60 characters at most.
    pub last_name: String,
    /// The login.
    pub login: Option<String>,
    /// The middle initial, 2 characters at most.
    pub middle_initial: Option<String>,
    /// The nickname, 60 characters at most; only the second version of the call takes it.
    #[serde(default)]
    pub nickname: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// When the record starts being valid.
    pub start_datetime: Option<Moment>,
    /// The login is suspended.
    pub web_site_rights_suspended: bool,
    /// Until when it is suspended.
    pub web_site_rights_suspended_end: Option<Moment>,
    /// From when on it is suspended.
    pub web_site_rights_suspended_start: Option<Moment>,
    /// 1 female, 2 male, 3 unspecified.
    pub s_gender_id: Option<i64>,
}

/// The most characters a member takes, as the system counts them: in UTF-16 units, of which an emoji has two.
const LONGEST_NAME: usize = 60;
const LONGEST_INITIAL: usize = 2;

impl Model for AddUser {
    fn user(&self) -> Option<Uuid> {
        None
    }

    fn answers_value(&self) -> bool {
        true
    }

    fn wrong(&self) -> Vec<String> {
        let mut found = lengths([
            ("first_name", Some(&self.first_name), LONGEST_NAME),
            ("last_name", Some(&self.last_name), LONGEST_NAME),
            ("middle_initial", self.middle_initial.as_ref(), LONGEST_INITIAL),
            ("nickname", self.nickname.as_ref(), LONGEST_NAME),
        ]);
        for (name, value) in [("first_name", &self.first_name), ("last_name", &self.last_name)] {
            if value.trim().is_empty() {
                found.push(format!("{name} is required and empty"));
            }
        }
        let login = self.login.as_ref().is_some_and(|login| !login.trim().is_empty());
        let missing = |given: bool, option: &str| (!given).then(|| format!("has_login_rights wants {option}"));
        if self.has_login_rights {
            found.extend(missing(login, "--login"));
            found.extend(missing(self.password.is_some(), "--password-file"));
        } else if self.login.is_some() || self.password.is_some() {
            found.push("a login or password is for users with --has-login-rights only; add it, or leave them out".to_owned());
        }
        found.extend(window("start_datetime", self.start_datetime, "end_datetime", self.end_datetime));
        found.extend(suspension(
            "access_rights_suspended",
            self.access_rights_suspended,
            self.access_rights_suspended_start,
            self.access_rights_suspended_end,
        ));
        found.extend(suspension(
            "web_site_rights_suspended",
            self.web_site_rights_suspended,
            self.web_site_rights_suspended_start,
            self.web_site_rights_suspended_end,
        ));
        found
    }

    fn secret(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    fn secret_mut(&mut self) -> Option<&mut Option<Secret>> {
        Some(&mut self.password)
    }

    fn leaves(&self, _: Members) -> Members {
        Members::new()
    }
}

/// Shows where the user belongs, and nothing about the person.
impl fmt::Debug for AddUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddUser").field("facility_id", &self.facility_id).finish_non_exhaustive()
    }
}
