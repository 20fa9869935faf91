//! `[new_person]`: where people belong who are added at the desk page.
//!
//! In: the table. Out: what all of them share; with a name, a person to be added. Never: a login.

use uuid::Uuid;

use crate::{access::AddUser, sheet::Keys};

/// What all new people share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPeople {
    system: Uuid,
    facility: Uuid,
    company: Uuid,
    company_type: i64,
}

/// Whom they belong to, in the order of CompanyInstanceType.
const COMPANIES: [&str; 4] = ["occupancy", "vendor", "owner", "integrator"];

/// `[new_person]`; none where it is not there, or wrong.
pub(super) fn new_people(keys: &mut Keys<'_, '_>) -> Option<NewPeople> {
    let mut table = keys.table("new_person")?;
    let (system, facility) = (required(&mut table, "system"), required(&mut table, "facility"));
    let companies: Vec<(i64, Uuid)> = (1..).zip(COMPANIES).filter_map(|(number, name)| Some((number, guid(&mut table, name)?))).collect();
    if companies.len() != 1 {
        let words = "`new_person` needs one of `occupancy`, `vendor`, `owner` and `integrator`: whom new people belong to";
        table.complain(table.span(), words.to_owned());
    }
    table.finish();
    let (company_type, company) = companies.first().copied()?;
    Some(NewPeople { system: system?, facility: facility?, company, company_type })
}

fn required(table: &mut Keys<'_, '_>, name: &'static str) -> Option<Uuid> {
    let found = guid(table, name);
    if found.is_none() {
        table.missing(name);
    }
    found
}

fn guid(table: &mut Keys<'_, '_>, name: &'static str) -> Option<Uuid> {
    let text = table.optional_text(name)?;
    let id = Uuid::try_parse(&text.value).ok().filter(|id| !id.is_nil());
    if id.is_none() {
        table.complain(text.span, format!("`new_person.{name}` must be a GUID, and not all zero"));
    }
    id
}

impl NewPeople {
    /// A person of this name.
    #[must_use]
    pub fn user(&self, first_name: &str, last_name: &str, employee_number: &str) -> AddUser {
        AddUser {
            ac_system_id: self.system,
            access_rights_suspended: false,
            access_rights_suspended_end: None,
            access_rights_suspended_start: None,
            badge_template_id: None,
            company_instance_id: self.company,
            company_instance_type: self.company_type,
            default_floor_id: None,
            default_floor_stop_id: None,
            employee_number: Some(employee_number.trim().to_owned()).filter(|number| !number.is_empty()),
            end_datetime: None,
            facility_id: self.facility,
            first_name: first_name.trim().to_owned(),
            has_login_rights: false,
            last_name: last_name.trim().to_owned(),
            login: None,
            middle_initial: None,
            nickname: None,
            password: None,
            start_datetime: None,
            web_site_rights_suspended: false,
            web_site_rights_suspended_end: None,
            web_site_rights_suspended_start: None,
            s_gender_id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{config::Config, protocols::Protocols};

    #[test]
    fn new_people_belong_to_one_company_of_the_site() {
        let parsed = |text: &str| {
            let config = Config::parse("site.toml", &format!("[new_person]\n{text}"), Path::new(""), &Protocols::built_in());
            config.map(|config| config.new_people).map_err(|error| error.to_string())
        };
        let id = "6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8";
        let both = format!("system = \"{id}\"\nfacility = \"{id}\"\n");
        let people = parsed(&format!("{both}vendor = \"{id}\"\n")).unwrap().unwrap();
        let user = people.user(" Ada ", "Lovelace", " ");
        assert_eq!((user.company_instance_type, &*user.first_name, user.employee_number), (2, "Ada", None));
        for (wrong, words) in [
            (both.clone(), "needs one of"),
            (format!("{both}vendor = \"{id}\"\noccupancy = \"{id}\"\n"), "needs one of"),
            (format!("{both}vendor = \"00000000-0000-0000-0000-000000000000\"\n"), "not all zero"),
            (format!("system = \"{id}\"\nvendor = \"{id}\"\n"), "facility"),
        ] {
            let why = parsed(&wrong).unwrap_err();
            assert!(why.contains(words), "{wrong}: {why}");
        }
    }
}
