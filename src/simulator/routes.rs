//! Which call is it?
//!
//! In: the method and the path. Out: the call and the id in its path, or why there is none. Paths are compared without regard to case,
//! as ASP.NET does. It never looks at headers, query or body.

use super::lookups::{self, LOOKUPS, Lookup};

/// The calls this simulator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    AddUserCard,
    ReplaceCardIfExists,
    UpdateUserCard,
    AddUser,
    UserCards,
    UserCardsV2,
    Authenticate,
    Lookup(&'static Lookup),
    /// The simulator's own: everything it knows.
    Overview,
    /// The simulator's own: takes a card from its holder.
    Unassign,
}

/// What a method and a path lead to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// A call, with the `{id}` of its path where it has one.
    Call(Call, String),
    /// The path exists; these methods would do.
    WrongMethod(Vec<&'static str>),
    Unknown,
}

const ROUTES: &[(&str, &str, Call)] = &[
    ("POST", "api/v1/Users/{id}/UserCards", Call::AddUserCard),
    ("POST", "api/v2/Users/{id}/UserCards/ReplaceCardIfExists", Call::ReplaceCardIfExists),
    ("PUT", "api/v2/Users/{id}/UserCards", Call::UpdateUserCard),
    ("POST", "api/Person/AddUser", Call::AddUser),
    ("GET", "api/v1/Users/UserCards", Call::UserCards),
    ("GET", "api/v2/Users/UserCards", Call::UserCardsV2),
    ("POST", "api/Account/Authenticate", Call::Authenticate),
    ("GET", "simulator", Call::Overview),
    ("POST", "simulator/cards/{id}/unassign", Call::Unassign),
];

impl Call {
    /// The name of the call, for the journal and for faults. Both versions of the read-back are one call.
    pub(super) fn name(self) -> &'static str {
        match self {
            Call::AddUserCard => "AddUserCard",
            Call::ReplaceCardIfExists => "ReplaceCardIfExists",
            Call::UpdateUserCard => "UpdateUserCard",
            Call::AddUser => "AddUser",
            Call::Lookup(lookup) => lookup.call,
            Call::UserCards | Call::UserCardsV2 => "UserCards",
            Call::Authenticate => "Authenticate",
            Call::Overview | Call::Unassign => "simulator",
        }
    }

    /// Whether the token must be shown.
    pub(super) fn needs_token(self) -> bool {
        !matches!(self, Call::Authenticate | Call::Overview | Call::Unassign)
    }

    /// Whether a body with a media type is expected.
    pub(super) fn has_body(self) -> bool {
        matches!(self, Call::AddUserCard | Call::ReplaceCardIfExists | Call::UpdateUserCard | Call::AddUser | Call::Authenticate)
    }
}

/// The names of the API's calls.
pub(super) fn call_names() -> Vec<&'static str> {
    let mut names: Vec<_> = ROUTES.iter().filter(|(_, path, _)| path.starts_with("api/")).map(|(_, _, call)| call.name()).collect();
    names.dedup();
    names.extend(LOOKUPS.iter().map(|lookup| lookup.call));
    names
}

/// Looks the call up.
pub(super) fn find(method: &str, path: &str) -> Route {
    let mut allowed = Vec::new();
    for (route_method, pattern, call) in ROUTES {
        let Some(id) = matches(pattern, path) else { continue };
        if *route_method == method {
            return Route::Call(*call, id.to_owned());
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
        assert_eq!(find("PUT", "/api/v1/Users/1/UserCards"), Route::WrongMethod(vec!["POST"]));
        assert_eq!(find("POST", "/api/v1/Users//UserCards"), Route::Unknown);
        assert_eq!(find("GET", "/"), Route::Unknown);
    }
}
