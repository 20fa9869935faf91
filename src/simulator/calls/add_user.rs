//! `POST api/Person/AddUser`: makes a user.
//!
//! In: the 23 members of a body. Out: the user's key, or a refusal. The JSON of a body is what the simulator remembers of a user. The
//! password ends here: it is only known that there was one.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::context::Context;
use crate::simulator::{
    state::{store::Stop, users::NewUser},
    wire::{
        body::{Body, ModelState},
        contract::{self, API_WEB_ROLE, BLUSKY_WEB_API, Contract},
        members::{Members, Null},
        outcome::{Outcome, ResultModel},
        reading::Model,
    },
    words::result_code::{Refusal, ResultCode, names},
};

/// What it answers.
pub const ANSWER: ResultModel =
    ResultModel { root: "ResultWithGuid", namespace: BLUSKY_WEB_API, tail: &[], has_status: false, has_value: true, has_users: false };

/// What its second version answers.
pub const ANSWER_V2: ResultModel =
    ResultModel { root: "ResultWithGuid", namespace: API_WEB_ROLE, tail: &["Value"], has_status: true, has_value: true, has_users: false };

/// `AddUserViewModel`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddUser {
    first_name: Option<String>,
    last_name: Option<String>,
    middle_initial: Option<String>,
    #[serde(rename = "sGenderId")]
    gender: Option<i64>,
    default_floor_id: Option<Uuid>,
    default_floor_stop_id: Option<i64>,
    facility_id: Option<Uuid>,
    company_instance_type: Option<i64>,
    company_instance_id: Option<Uuid>,
    #[serde(rename = "ACSystemId")]
    system_id: Option<Uuid>,
    start_datetime: Option<DateTime<Utc>>,
    end_datetime: Option<DateTime<Utc>>,
    access_rights_suspended: Option<bool>,
    access_rights_suspended_start: Option<DateTime<Utc>>,
    access_rights_suspended_end: Option<DateTime<Utc>>,
    web_site_rights_suspended: Option<bool>,
    web_site_rights_suspended_start: Option<DateTime<Utc>>,
    web_site_rights_suspended_end: Option<DateTime<Utc>>,
    badge_template_id: Option<Uuid>,
    employee_number: Option<String>,
    has_login_rights: Option<bool>,
    login: Option<String>,
    /// `(hidden)` if there was one.
    password: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
}

/// The same, as its second version takes it.
pub struct AddUserV2(AddUser);

impl Model for AddUserV2 {
    const CONTRACT: Contract = contract::ADD_USER_V2;

    fn read(members: &mut Members) -> AddUserV2 {
        AddUserV2(AddUser { nickname: members.text("Nickname"), ..AddUser::read(members) })
    }
}

impl AddUserV2 {
    /// What the attributes of its members say: required, and how long at most.
    pub fn valid(self) -> Result<AddUser, ModelState> {
        let user = self.0;
        let required = user.missing();
        let long = [("FirstName", &user.first_name, 60), ("LastName", &user.last_name, 60), ("MiddleInitial", &user.middle_initial, 2)];
        let long = long.iter().filter(|(_, text, most)| is_longer(text, *most)).map(|(name, _, most)| {
            let words = format!("The field {name} must be a string or array type with a maximum length of '{most}'.");
            (format!("model.{name}"), vec![words])
        });
        let missing = required.split(", ").filter(|name| !name.is_empty());
        let missing = missing.map(|name| (format!("model.{name}"), vec![format!("The {name} field is required.")]));
        let wrong: ModelState = missing.chain(long).collect();
        if wrong.is_empty() { Ok(user) } else { Err(wrong) }
    }
}

/// What CompanyInstanceType 1 to 4 mean, under the names of their lookups.
const COMPANIES: [&str; 4] = ["Occupancy", "Vendor", "SystemOwner", "Integrator"];

impl Model for AddUser {
    const CONTRACT: Contract = contract::ADD_USER;

    fn read(members: &mut Members) -> AddUser {
        AddUser {
            first_name: members.text("FirstName"),
            last_name: members.text("LastName"),
            middle_initial: members.text("MiddleInitial"),
            gender: members.integer("sGenderId", Null::Absent),
            default_floor_id: members.guid("DefaultFloorId", Null::Absent),
            default_floor_stop_id: members.integer("DefaultFloorStopId", Null::Absent),
            facility_id: members.guid("FacilityId", Null::Absent),
            company_instance_type: members.integer("CompanyInstanceType", Null::Wrong),
            company_instance_id: members.guid("CompanyInstanceId", Null::Absent),
            system_id: members.guid("ACSystemId", Null::Absent),
            start_datetime: members.time("StartDatetime"),
            end_datetime: members.time("EndDatetime"),
            access_rights_suspended: members.boolean("AccessRightsSuspended"),
            access_rights_suspended_start: members.time("AccessRightsSuspendedStart"),
            access_rights_suspended_end: members.time("AccessRightsSuspendedEnd"),
            web_site_rights_suspended: members.boolean("WebSiteRightsSuspended"),
            web_site_rights_suspended_start: members.time("WebSiteRightsSuspendedStart"),
            web_site_rights_suspended_end: members.time("WebSiteRightsSuspendedEnd"),
            badge_template_id: members.guid("BadgeTemplateId", Null::Absent),
            employee_number: members.text("EmployeeNumber"),
            has_login_rights: members.boolean("HasLoginRights"),
            login: members.text("Login"),
            password: members.text("Password").filter(|password| !password.is_empty()).map(|_| "(hidden)"),
            nickname: None,
        }
    }
}

/// Makes the user.
pub fn carry_out(context: &Context, call: AddUser) -> Result<Body, Stop> {
    call.judge()?;
    let user = NewUser {
        named: [
            ("Facility", call.facility_id),
            ("ACSystem", call.system_id),
            ("BadgeTemplate", call.badge_template_id),
            (call.company().unwrap_or_default(), call.company_instance_id),
        ],
        members: serde_json::to_value(&call).unwrap_or_default(),
        first_name: call.first_name.unwrap_or_default(),
        last_name: call.last_name.unwrap_or_default(),
        employee_number: call.employee_number.unwrap_or_default(),
    };
    Ok(Body::Outcome(Outcome::success(&ANSWER, Some(context.store.add_user(&user)?))))
}

impl AddUser {
    /// Judges what the body says about itself.
    fn judge(&self) -> Result<(), Refusal> {
        let required = self.missing();
        if !required.is_empty() {
            return Err(ResultCode::MemberMissing.because(format!("Required: {required}")));
        }
        let login = names([("Login", is_blank(&self.login)), ("Password", self.password.is_none())]);
        if self.has_login_rights == Some(true) && !login.is_empty() {
            return Err(ResultCode::MemberMissing.because(format!("Required when HasLoginRights is true: {login}")));
        }
        let too_long = names([
            ("FirstName (60)", is_longer(&self.first_name, 60)),
            ("LastName (60)", is_longer(&self.last_name, 60)),
            ("MiddleInitial (2)", is_longer(&self.middle_initial, 2)),
        ]);
        if !too_long.is_empty() {
            return Err(ResultCode::TextTooLong.because(format!("Longer than it may be: {too_long}")));
        }
        let impossible = names([
            ("sGenderId", self.gender.is_some_and(|gender| !(1..=3).contains(&gender))),
            ("CompanyInstanceType", self.company().is_none()),
            ("DefaultFloorId", self.default_floor_id.is_some_and(|id| id.is_nil())),
            ("BadgeTemplateId", self.badge_template_id.is_some_and(|id| id.is_nil())),
        ]);
        if !impossible.is_empty() {
            return Err(ResultCode::ValueNotAllowed.because(format!("No user can have this value: {impossible}")));
        }
        let backwards = names([
            ("EndDatetime", is_backwards(self.start_datetime, self.end_datetime)),
            ("AccessRightsSuspendedEnd", is_backwards(self.access_rights_suspended_start, self.access_rights_suspended_end)),
            ("WebSiteRightsSuspendedEnd", is_backwards(self.web_site_rights_suspended_start, self.web_site_rights_suspended_end)),
        ]);
        match backwards.is_empty() {
            true => Ok(()),
            false => Err(ResultCode::EndBeforeStart.because(format!("Before the start that belongs to it: {backwards}"))),
        }
    }

    /// The lookup that lists the user's company.
    fn company(&self) -> Option<&'static str> {
        let at = usize::try_from(self.company_instance_type?).ok()?.checked_sub(1)?;
        COMPANIES.get(at).copied()
    }

    fn missing(&self) -> String {
        let is_no_id = |id: Option<Uuid>| id.is_none_or(|id| id.is_nil());
        names([
            ("FirstName", is_blank(&self.first_name)),
            ("LastName", is_blank(&self.last_name)),
            ("FacilityId", is_no_id(self.facility_id)),
            ("CompanyInstanceType", self.company_instance_type.is_none()),
            ("CompanyInstanceId", is_no_id(self.company_instance_id)),
            ("ACSystemId", is_no_id(self.system_id)),
            ("AccessRightsSuspended", self.access_rights_suspended.is_none()),
            ("WebSiteRightsSuspended", self.web_site_rights_suspended.is_none()),
            ("HasLoginRights", self.has_login_rights.is_none()),
        ])
    }
}

fn is_blank(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(|text| text.trim().is_empty())
}

/// In the units .NET counts text in.
fn is_longer(text: &Option<String>, longest: usize) -> bool {
    text.as_deref().is_some_and(|text| text.encode_utf16().count() > longest)
}

fn is_backwards(start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> bool {
    start.zip(end).is_some_and(|(start, end)| end < start)
}
