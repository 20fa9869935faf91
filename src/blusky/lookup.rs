//! The lists that BluSKY's pages name and do not describe: card types, systems, facilities, people's companies, badges.
//!
//! In: an answer of any shape that holds a list. Out: its items with what looks like an id and a name, and the item as it came.
//! Never: a member made up; what does not look like an id or a name is none, and an answer without a list is said to have none.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    answer::{self, AnswerRules, SuccessCodes, denied},
    wire::{
        DEAREST, Document,
        names::{any_case, blotted},
    },
};
use crate::access::Secret;

/// What can be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Card types
    CardTypes,
    /// Access-control systems
    Systems,
    /// Facilities
    Facilities,
    /// Occupancies
    Occupancies,
    /// Cards
    Cards,
    /// Vendors
    Vendors,
    /// System owners
    Owners,
    /// Integrators
    Integrators,
    /// Badge templates
    Badges,
    /// Access levels: which doors at which times
    AccessLevels,
    /// Groups of access levels, which a person is given
    AccessLevelGroups,
    /// People of those whom `[people]` blusky names
    Users,
}

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its key: a GUID or a number, as text.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The item as it came.
    pub raw: Value,
}

/// What a lookup found.
#[derive(Debug, Clone, PartialEq)]
pub enum Listing {
    /// The items.
    Items(Vec<Item>),
    /// This BluSKY has no such call.
    Missing {
        /// Which.
        why: String,
    },
    /// BluSKY refused, or answered what cannot be read.
    Unreadable {
        /// Why. It may hold BluSKY's own words.
        why: String,
    },
    /// Not now.
    Later {
        /// Why.
        why: String,
    },
    /// Nothing will go through until somebody acts.
    Stopped {
        /// Why, and what to do.
        why: String,
    },
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::CardTypes,
        Self::Systems,
        Self::Facilities,
        Self::Occupancies,
        Self::Cards,
        Self::Vendors,
        Self::Owners,
        Self::Integrators,
        Self::Badges,
        Self::AccessLevels,
        Self::AccessLevelGroups,
        Self::Users,
    ];

    /// The name of its call on BluSKY's pages.
    #[must_use]
    pub fn call(self) -> &'static str {
        self.path().split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default()
    }

    /// The name under which a store keeps that a BluSKY has no such call.
    #[must_use]
    pub fn missing(self) -> String {
        format!("no {}", self.name())
    }

    /// What may follow the base URL, one after the other: the running help names some calls anew, and each BluSKY has what it has.
    #[must_use]
    pub const fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Systems => &["api/v1/ACSystems", "api/ACSystem/GetAllSystems"],
            Self::Occupancies => &["api/v1/Occupancies", "api/Occupancy/GetAllOccupancies"],
            Self::Badges => &["api/v1/Badges", "api/Badges/GetAllBadges"],
            Self::AccessLevelGroups => &["api/v2/AccessLevelGroups", "api/v1/AccessLevelGroups"],
            Self::CardTypes => &["api/Card/GetAllCardTypes"],
            Self::Facilities => &["api/Facility/GetAllFacilities"],
            Self::Cards => &["api/Card/GetAllCards"],
            Self::Vendors => &["api/Vendor/GetAllVendors"],
            Self::Owners => &["api/SystemOwner/GetAllOwners"],
            Self::Integrators => &["api/Integrator/GetAllIntegrators"],
            Self::AccessLevels => &["api/v1/AccessLevels?IncludeDeleted=False"],
            Self::Users => &["api/v2/Users"],
        }
    }

    /// The one of them by which its call is named.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::CardTypes => "api/Card/GetAllCardTypes",
            Self::Systems => "api/ACSystem/GetAllSystems",
            Self::Facilities => "api/Facility/GetAllFacilities",
            Self::Occupancies => "api/Occupancy/GetAllOccupancies",
            Self::Cards => "api/Card/GetAllCards",
            Self::Vendors => "api/Vendor/GetAllVendors",
            Self::Owners => "api/SystemOwner/GetAllOwners",
            Self::Integrators => "api/Integrator/GetAllIntegrators",
            Self::Badges => "api/Badges/GetAllBadges",
            Self::AccessLevels => "api/v1/AccessLevels?IncludeDeleted=False",
            Self::AccessLevelGroups => "api/v2/AccessLevelGroups",
            Self::Users => "api/v2/Users",
        }
    }

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CardTypes => "card-types",
            Self::Systems => "systems",
            Self::Facilities => "facilities",
            Self::Occupancies => "occupancies",
            Self::Cards => "cards",
            Self::Vendors => "vendors",
            Self::Owners => "owners",
            Self::Integrators => "integrators",
            Self::Badges => "badges",
            Self::AccessLevels => "access-levels",
            Self::AccessLevelGroups => "access-level-groups",
            Self::Users => "users",
        }
    }

    /// What its members' names begin with, lower case: `CardTypeId`, `ACSystemName`.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::CardTypes => &["cardtype", "scardtype"],
            Self::Systems => &["acsystem", "system", "accesscontrolsystem"],
            Self::Facilities => &["facility"],
            Self::Occupancies => &["occupancy", "occupant"],
            Self::Cards => &["card"],
            Self::Vendors => &["vendor"],
            Self::Owners => &["systemowner", "owner"],
            Self::Integrators => &["integrator"],
            Self::Badges => &["badgetemplate", "badge"],
            Self::AccessLevels => &["accesslevel"],
            Self::AccessLevelGroups => &["accesslevelgroup"],
            Self::Users => &["person", "user"],
        }
    }
}

impl Listing {
    /// The same with this secret blotted out of BluSKY's words: a server can repeat what it was sent.
    #[must_use]
    pub fn without(mut self, secret: Option<&Secret>) -> Self {
        if let (Self::Unreadable { why } | Self::Later { why } | Self::Stopped { why }, Some(secret)) = (&mut self, secret) {
            *why = secret.blot(why);
        }
        self
    }
}

/// Sorts the answer to a lookup.
#[must_use]
pub fn sort_lookup(kind: Kind, status: u16, body: &[u8], terms: AnswerRules<'_>) -> Listing {
    let document = Document::read(body);
    match status {
        200..=299 if Document::is_too_dear(body) => {
            let mebibytes = DEAREST >> 20;
            Listing::Unreadable { why: format!("the list is too large: it would take more than {mebibytes} MiB of memory to read it") }
        }
        200..=299 => document.map_or_else(
            || Listing::Unreadable { why: "BluSKY answered with something that is no list (a page, or a broken text)".to_owned() },
            |document| found(kind, &document, terms.success),
        ),
        401 | 403 => Listing::Stopped { why: denied(status, terms.key) },
        404 | 405 | 501 => Listing::Missing { why: format!("this BluSKY has no {} ({status})", kind.path()) },
        400 | 409 | 422 => Listing::Unreadable { why: refusal(status, document.as_ref()) },
        408 | 429 | 500..=599 => Listing::Later { why: format!("BluSKY answered {status}") },
        300..=399 => Listing::Stopped { why: format!("BluSKY answered {status}, a redirection; check blusky.base_url") },
        _ => Listing::Stopped { why: answer::wrong_address(status) },
    }
}

/// The words of a request that was turned down.
fn refusal(status: u16, document: Option<&Document>) -> String {
    let words = match document.and_then(|document| document.text("Description")) {
        Some(words) => words.to_owned(),
        None => document.and_then(answer::words).unwrap_or_else(|| "nothing that could be shown".to_owned()),
    };
    format!("BluSKY refuses the lookup ({status}): {words}")
}

fn found(kind: Kind, document: &Document, success: &SuccessCodes) -> Listing {
    let is_refusal = document.integer("ResultCode").is_some_and(|code| !success.may_be(code));
    let items = list(document, document.value(), 0).or_else(|| has_null(document, success).then(Vec::new));
    if let Some(items) = items.filter(|_| !is_refusal) {
        let is_there = |raw: &&Value| kind == Kind::Cards || !is_deleted(raw);
        return Listing::Items(items.into_iter().filter(is_there).map(|raw| item(kind, raw)).collect());
    }
    // A refusal has the shape of a result; its words are the best there is to say.
    let why = match (document.integer("ResultCode"), document.text("Description").or_else(|| document.text("Message"))) {
        (Some(code), words) => format!("BluSKY says (code {code}): {}", words.unwrap_or("nothing")),
        (None, Some(words)) => format!("BluSKY says: {words}"),
        (None, None) => "BluSKY's answer holds no list, or several".to_owned(),
    };
    Listing::Unreadable { why }
}

/// True where an item says of itself that it is deleted.
fn is_deleted(raw: &Value) -> bool {
    any_case(raw, "Deleted").is_some_and(|deleted| deleted == true || deleted.as_str().is_some_and(|text| text.trim() == "true"))
}

/// How deep a list may be wrapped.
const DEEPEST: usize = 4;

/// The list: the value itself, or the only one among its members, or the only one of them that has items.
fn list<'v>(document: &Document, value: &'v Value, depth: usize) -> Option<Vec<&'v Value>> {
    match value {
        // Texts and numbers may be a list of their own, but not one that was meant among other members.
        Value::Array(items) => (depth == 0 || items.iter().all(|item| item.is_object() || item == "")).then(|| items.iter().collect()),
        Value::Object(_) if depth == 0 && document.is_list() => document.items(value),
        Value::Object(members) if depth > 0 && document.is_xml() && members.len() == 1 && members.values().all(Value::is_object) => {
            document.items(value)
        }
        Value::Object(members) if depth < DEEPEST => {
            let mut lists: Vec<_> = members.values().filter_map(|member| list(document, member, depth + 1)).collect();
            if lists.len() > 1 {
                lists.retain(|list| !list.is_empty());
            }
            match lists.len() {
                1 => lists.pop(),
                0 if document.is_xml() && depth == 0 => has_empty(members).then(Vec::new),
                _ => None,
            }
        }
        Value::String(text) if depth == 0 && document.is_list() && text.trim().is_empty() => Some(Vec::new()),
        _ => None,
    }
}

/// In XML an empty list is an empty element: the only one beside those of a result.
fn has_empty(members: &Map<String, Value>) -> bool {
    only_own(members).is_some_and(|value| value == "")
}

/// A serializer writes an empty list as null: the only member beside those of a result. Where no code is known to mean success, a
/// result's null may be that of a refusal.
fn has_null(document: &Document, success: &SuccessCodes) -> bool {
    let is_doubtful = document.text("Message").is_some() || (*success == SuccessCodes::Any && document.member("ResultCode").is_some());
    !is_doubtful && document.value().as_object().and_then(only_own).is_some_and(Value::is_null)
}

/// The only member beside those of a result.
fn only_own(members: &Map<String, Value>) -> Option<&Value> {
    let is_own = |name: &str| !matches!(name, "Description" | "Message" | "HttpStatusCode" | "ResultCode");
    let mut others = members.iter().filter(|(name, _)| is_own(name));
    others.next().filter(|_| others.next().is_none()).map(|(_, value)| value)
}

fn item(kind: Kind, raw: &Value) -> Item {
    match raw {
        Value::Object(members) => Item { id: id(kind, members), name: name(kind, members), raw: blotted(raw) },
        other => Item { id: None, name: plain(other), raw: blotted(other) },
    }
}

/// The member that names the item's key: by the kind's own name, then by the usual ones, then the only one that ends in `Id`.
fn id(kind: Kind, members: &Map<String, Value>) -> Option<String> {
    let own = kind.words().iter().flat_map(|word| ["id", "pk", "key", "guid", ""].map(|end| format!("{word}{end}")));
    let usual = ["id", "pk", "key", "guid", "value"].map(ToOwned::to_owned);
    by_name(members, own.chain(usual)).or_else(|| only(members, |name| name.ends_with("id") || name.ends_with("pk")))
}

fn name(kind: Kind, members: &Map<String, Value>) -> Option<String> {
    let own = kind.words().iter().flat_map(|word| ["name", "description", "title"].map(|end| format!("{word}{end}")));
    let usual = ["name", "displayname", "description", "title", "label", "text", "externalcardnumber"].map(ToOwned::to_owned);
    by_name(members, own.chain(usual)).or_else(|| only(members, |name| name.ends_with("name")))
}

/// The first of these members that is there and simple. Case does not matter.
fn by_name(members: &Map<String, Value>, mut names: impl Iterator<Item = String>) -> Option<String> {
    names.find_map(|wanted| members.iter().find(|(name, _)| name.to_lowercase() == wanted).and_then(|(_, value)| plain(value)))
}

/// The only member whose lower-case name is so.
fn only(members: &Map<String, Value>, is: impl Fn(&str) -> bool) -> Option<String> {
    let mut found = members.iter().filter(|(name, _)| is(&name.to_lowercase()));
    let (_, value) = found.next()?;
    found.next().is_none().then(|| plain(value))?
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
