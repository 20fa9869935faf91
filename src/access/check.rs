//! What a call is judged by before it is written down: what BluSKY's pages demand, and what would be lost on the way.
//!
//! In: a model. Out: nothing, or everything that is wrong with it. Never: a value corrected, cut or left out to make it fit.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{AddUser, Moment, UpdateUserCard, members::Members};

/// Why a call is not made: every reason at once. The words name members, and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct Wrong(pub Vec<String>);

/// How wide BluSKY's integers are: not known until a site confirms it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerWidth {
    /// Up to 2³¹−1.
    Bits32,
    /// Up to 2⁶³−1.
    Bits64,
}

impl IntegerWidth {
    /// The largest integer.
    #[must_use]
    pub const fn max(self) -> i64 {
        match self {
            Self::Bits32 => i32::MAX as i64,
            Self::Bits64 => i64::MAX,
        }
    }

    /// What to do about a larger one.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Bits32 => "BluSKY may store a larger one as 0; set blusky.integer_width = 64 once the site has confirmed it",
            Self::Bits64 => "BluSKY's integers cannot hold it",
        }
    }

    /// Judges every integer member of a model.
    ///
    /// # Errors
    /// The members that BluSKY's integers may not hold.
    pub fn judge(self, model: &impl Serialize) -> Result<(), Wrong> {
        let members = Members::of(model).map_err(|error| Wrong(vec![error.to_string()]))?;
        let fits = |value: &Value| value.as_i64().is_some_and(|number| number <= self.max() && number >= -self.max());
        let wide = members.0.iter().filter(|(_, value)| value.is_number() && !fits(value));
        wrong(wide.map(|(name, _)| format!("{name} does not lie within ±{}, and {}", self.max(), self.help())).collect())
    }
}

/// A GUID, and not the all-zero one, which BluSKY takes as a value.
///
/// # Errors
/// It is none.
pub fn guid(text: &str) -> Result<Uuid, String> {
    match Uuid::try_parse(text.trim()) {
        Ok(id) if id.is_nil() => Err("the all-zero GUID is nothing's key; give the thing's own".to_owned()),
        Ok(id) => Ok(id),
        Err(_) => Err("not a GUID; write it as 0f83442e-a446-4577-8cdd-8ffdd51ab9c1".to_owned()),
    }
}

/// Most characters a member takes, as .NET counts them: in UTF-16 units, of which an emoji has two.
const LENGTHS: [(&str, usize); 3] = [("FirstName", 60), ("LastName", 60), ("MiddleInitial", 2)];

impl AddUser {
    /// Judges it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn judge(&self) -> Result<(), Wrong> {
        let mut found = lengths(self);
        for (name, value) in [("FirstName", &self.first_name), ("LastName", &self.last_name)] {
            if value.trim().is_empty() {
                found.push(format!("{name} is required and empty"));
            }
        }
        let login = self.login.as_ref().is_some_and(|login| !login.trim().is_empty());
        let missing = |given: bool, option: &str| (!given).then(|| format!("HasLoginRights wants {option}"));
        if self.has_login_rights {
            found.extend(missing(login, "--login"));
            found.extend(missing(self.password.is_some(), "--password-file"));
        } else if self.login.is_some() || self.password.is_some() {
            found.push("a login or password is for users with --has-login-rights only; add it, or leave them out".to_owned());
        }
        found.extend(window("StartDatetime", self.start_datetime, "EndDatetime", self.end_datetime));
        found.extend(suspension(
            "AccessRightsSuspended",
            self.access_rights_suspended,
            self.access_rights_suspended_start,
            self.access_rights_suspended_end,
        ));
        found.extend(suspension(
            "WebSiteRightsSuspended",
            self.web_site_rights_suspended,
            self.web_site_rights_suspended_start,
            self.web_site_rights_suspended_end,
        ));
        wrong(found)
    }
}

impl UpdateUserCard {
    /// Judges it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn judge(&self) -> Result<(), Wrong> {
        let dates = (self.card_activation_start_date_time, self.card_deactivation_start_date_time);
        let mut found: Vec<String> =
            window("CardActivationStartDateTime", dates.0, "CardDeactivationStartDateTime", dates.1).into_iter().collect();
        if dates != (None, None) && self.modify_activation_dates == Some(false) {
            found.push(
                "times are given, and --modify-activation-dates false would have BluSKY ignore them; leave out one or the other".into(),
            );
        }
        wrong(found)
    }
}

/// A window that ends before it starts.
pub fn window(start: &str, from: Option<Moment>, end: &str, to: Option<Moment>) -> Option<String> {
    let (from, to) = from.zip(to).filter(|(from, to)| to <= from)?;
    Some(format!("{end} ({to}) is not after {start} ({from})"))
}

fn suspension(name: &str, suspended: bool, from: Option<Moment>, to: Option<Moment>) -> Vec<String> {
    let mut found: Vec<String> = window(&format!("{name}Start"), from, &format!("{name}End"), to).into_iter().collect();
    if !suspended && (from.is_some() || to.is_some()) {
        found.push(format!("{name} is false, and a time of the suspension is given; say that it is true, or leave the time out"));
    }
    found
}

fn lengths(model: &impl Serialize) -> Vec<String> {
    let members = Members::of(model).map(|members| members.0).unwrap_or_default();
    let mut found = Vec::new();
    for (name, most) in LENGTHS {
        let value = members.iter().find(|(member, _)| member == name).and_then(|(_, value)| value.as_str());
        let length = value.map_or(0, |text| text.encode_utf16().count());
        if length > most {
            found.push(format!("{name} has {length} characters, and {most} is the most BluSKY takes (an emoji counts as two)"));
        }
    }
    found
}

fn wrong(found: Vec<String>) -> Result<(), Wrong> {
    if found.is_empty() { Ok(()) } else { Err(Wrong(found)) }
}
