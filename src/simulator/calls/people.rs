//! `GET api/v1|v2/Users?OccupancyId=` (or FacilityId, VendorId), and what the pages of 2016 call it: a list of people.
//!
//! In: whose people are wanted, in the query or the path. Out: a list of UserViewModel. That the running BluSKY has the
//! newer paths is derived from its other calls, and the members are those that its pages show. People of the people file belong
//! everywhere: nobody has said where they do.

use std::collections::HashMap;

use axum::{extract::Query, http::Uri};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{context::Context, lookups::Listed};
use crate::simulator::wire::{
    body::{Body, ModelState},
    members::guid,
};

/// Reads whose people are wanted: by the id of the path where it has one, else by the one parameter of the query.
pub fn asked(uri: &Uri, id: &str) -> Result<Uuid, ModelState> {
    let wrong = |name: &str, problem: &str| ModelState::from([(name.to_owned(), vec![problem.to_owned()])]);
    let parameters = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|query| query.0).unwrap_or_default();
    let known = ["occupancyid", "facilityid", "vendorid"];
    let named = match (id, parameters.as_slice()) {
        ("", [(name, value)]) if known.contains(&name.to_ascii_lowercase().as_str()) => guid(value),
        ("", _) => return Err(wrong("OccupancyId", "One of OccupancyId, FacilityId and VendorId is required.")),
        (id, _) => guid(id),
    };
    named.ok_or_else(|| wrong("id", "A GUID such as 6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8 is required."))
}

/// Lists them.
pub fn carry_out(context: &Context, of: Uuid) -> rusqlite::Result<Body> {
    let users = context.store.users()?;
    let mut names = HashMap::new();
    for kind in ["Facility", "Occupancy", "Vendor", "SystemOwner", "Integrator"] {
        for place in context.store.listed(kind, &[])? {
            let member = |end: &str| place.get(format!("{kind}{end}")).and_then(Value::as_str).map(ToOwned::to_owned);
            names.extend(member("Id").zip(member("Name")));
        }
    }
    let items = users.iter().filter(|user| belongs(user, of)).map(|user| shown(user, &names)).collect();
    Ok(Body::model(Listed { kind: "User", items, is_wrapped: context.wrap_lookups }))
}

fn belongs(user: &Value, of: Uuid) -> bool {
    let members = user.pointer("/added/members");
    let is = |name: &str| members.and_then(|members| members.get(name)?.as_str()?.parse().ok()) == Some(of);
    members.is_none() || is("CompanyInstanceId") || is("FacilityId")
}

fn shown(user: &Value, names: &HashMap<String, String>) -> Value {
    let member = |name: &str| user.pointer(&format!("/added/members/{name}"));
    let name_of = |name: &str| member(name).and_then(Value::as_str).and_then(|id| names.get(id));
    json!({
        "PersonId": user.get("user_id"),
        "FirstName": user.get("first_name"),
        "LastName": user.get("last_name"),
        "MiddleInitial": member("MiddleInitial"),
        "Nickname": null,
        "sGenderId": 3,
        "DefaultEmail": null,
        "EmployeeNumber": user.get("employee_number"),
        "FacilityId": member("FacilityId"),
        "FacilityName": name_of("FacilityId"),
        "CompanyInstanceType": member("CompanyInstanceType"),
        "CompanyName": name_of("CompanyInstanceId"),
        "ACSystemId": member("ACSystemId"),
    })
}
