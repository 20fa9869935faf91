//! Which call is it?
//!
//! In: the method and the path. Out: the call and the id in its path, or why there is none. Paths are compared without regard to case,
//! as ASP.NET does. It never looks at headers, query or body.

use crate::simulator::calls::{call::Call, lookups};

/// What the simulator itself is asked, beyond the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Everything it knows.
    Overview,
    /// Takes a card from its holder.
    Unassign,
}

/// What a method and a path lead to.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// A call, with the `{id}` of its path where it has one.
    Call(Call, String),
    /// The same, of the simulator's own.
    Own(Own, String),
    /// The path exists; these methods would do.
    WrongMethod(Vec<&'static str>),
    Unknown,
}

/// Where a path leads.
#[derive(Clone, Copy)]
enum To {
    Call(Call),
    Own(Own),
}

const ROUTES: &[(&str, &str, To)] = &[
    ("POST", "api/v1/Users/{id}/UserCards", To::Call(Call::AddUserCard)),
    ("POST", "api/v1/Users/{id}/UserCards/ReplaceCardIfExists", To::Call(Call::ReplaceCardIfExists)),
    ("POST", "api/v2/Users/{id}/UserCards/ReplaceCardIfExists", To::Call(Call::ReplaceCardIfExists)),
    ("PUT", "api/v2/Users/{id}/UserCards", To::Call(Call::UpdateUserCard)),
    ("DELETE", "api/v1/Users/{id}/UserCards/{card}", To::Call(Call::RemoveUserCard)),
    ("DELETE", "api/v2/Users/{id}/UserCards/{card}", To::Call(Call::RemoveUserCard)),
    ("DELETE", "api/v1/Users/{id}/UserCards", To::Call(Call::RemoveUserCard)),
    ("DELETE", "api/v2/Users/{id}/UserCards", To::Call(Call::RemoveUserCard)),
    ("DELETE", "api/v1/Users/{id}", To::Call(Call::RemoveUser)),
    ("DELETE", "api/v2/Users/{id}", To::Call(Call::RemoveUser)),
    ("POST", "api/v1/Users/{id}/AccessLevelGroups", To::Call(Call::AddAccessLevelGroup)),
    ("DELETE", "api/v1/Users/{id}/AccessLevelGroups/{card}", To::Call(Call::RemoveAccessLevelGroup)),
    ("POST", "api/Person/AddUser", To::Call(Call::AddUser)),
    ("POST", "api/v2/Users", To::Call(Call::AddUserV2)),
    ("GET", "api/v1/Users/UserCards", To::Call(Call::UserCards)),
    ("GET", "api/v2/Users/UserCards", To::Call(Call::UserCardsV2)),
    ("GET", "api/v1/Users/GetLoggedInUsersCards", To::Call(Call::LoggedInUsersCards)),
    ("GET", "api/v2/Users/GetLoggedInUsersCards", To::Call(Call::LoggedInUsersCards)),
    ("GET", "api/v1/Users", To::Call(Call::Users)),
    ("GET", "api/v2/Users", To::Call(Call::Users)),
    ("GET", "api/Person/GetAllUsersByOccupancyId/{id}", To::Call(Call::Users)),
    ("GET", "api/Person/GetAllUsersByFacility/{id}", To::Call(Call::Users)),
    ("GET", "api/Person/GetAllUsersByVendorId/{id}", To::Call(Call::Users)),
    ("POST", "api/Account/Authenticate", To::Call(Call::Authenticate)),
    ("GET", "simulator", To::Own(Own::Overview)),
    ("POST", "simulator/cards/{id}/unassign", To::Own(Own::Unassign)),
];

impl Route {
    /// Its name, for the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Route::Call(call, _) => call.name(),
            Route::Own(..) => "simulator",
            Route::WrongMethod(_) => "wrong method",
            Route::Unknown => "unknown path",
        }
    }
}

/// Looks the call up.
pub fn find(method: &str, path: &str) -> Route {
    let mut allowed = Vec::new();
    for (route_method, pattern, to) in ROUTES {
        let Some(id) = matches(pattern, path) else { continue };
        if *route_method == method {
            return match *to {
                To::Call(call) => Route::Call(call, id.to_owned()),
                To::Own(own) => Route::Own(own, id.to_owned()),
            };
        }
        allowed.push(*route_method);
    }
    if let Some(lookup) = lookups::find(path) {
        allowed = vec!["GET", "POST"];
        if allowed.contains(&method) {
            return Route::Call(Call::Lookup(lookup), String::new());
        }
    }
    match allowed.is_empty() {
        true => Route::Unknown,
        false => Route::WrongMethod(allowed),
    }
}

/// The text that stands for `{id}` (empty where the pattern has none), if the path follows the pattern.
fn matches<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    let path = path.strip_prefix('/')?;
    let mut found = path.strip_suffix('/').unwrap_or(path).split('/');
    let mut id = "";
    for wanted in pattern.split('/') {
        let segment = found.next()?;
        match wanted {
            "{id}" if !segment.is_empty() => id = segment,
            "{card}" if !segment.is_empty() => {}
            _ if segment.eq_ignore_ascii_case(wanted) => {}
            _ => return None,
        }
    }
    found.next().is_none().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_whatever_its_case() {
        let id = "0f83442e".to_owned();
        assert_eq!(find("POST", "/API/V1/users/0f83442e/usercards"), Route::Call(Call::AddUserCard, id));
        assert_eq!(find("GET", "/api/v2/Users/UserCards/"), Route::Call(Call::UserCardsV2, String::new()));
    }

    #[test]
    fn a_wrong_method_is_told_the_right_one() {
        assert_eq!(find("PUT", "/api/v1/Users/1/UserCards"), Route::WrongMethod(vec!["POST", "DELETE"]));
        assert_eq!(find("DELETE", "/api/v2/Users/1/UserCards"), Route::Call(Call::RemoveUserCard, "1".to_owned()));
        let replace = "/api/v1/Users/1/UserCards/ReplaceCardIfExists";
        assert_eq!(find("POST", replace), Route::Call(Call::ReplaceCardIfExists, "1".to_owned()));
        assert_eq!(find("POST", "/api/v1/Users//UserCards"), Route::Unknown);
        assert_eq!(find("GET", "/"), Route::Unknown);
    }
}
