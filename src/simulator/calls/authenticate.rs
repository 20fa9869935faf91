//! `POST api/Account/Authenticate`: gives the token to whoever has the password.
//!
//! The password ends here.

use serde::Serialize;

use super::context::Context;
use crate::simulator::wire::{
    body::Body,
    contract::{self, BLUSKY_WEB_API, Contract},
    members::Members,
    reading::Model,
    shown::Shown,
    xml::Shape,
};

/// The body of Authenticate.
pub struct Authenticate {
    email: String,
    password: String,
}

/// The answer. No page tells its names in XML.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SignedIn {
    email: String,
    is_authenticated: bool,
    token: Option<String>,
}

impl Model for Authenticate {
    const CONTRACT: Contract = contract::AUTHENTICATE;

    fn read(members: &mut Members) -> Authenticate {
        Authenticate { email: members.text("Email").unwrap_or_default(), password: members.text("Password").unwrap_or_default() }
    }
}

impl Shown for SignedIn {
    fn shape(&self) -> Shape {
        Shape { root: "AuthenticateResult".into(), namespace: BLUSKY_WEB_API, item: "".into(), tail: &[] }
    }
}

/// Signs anybody in who has the password.
pub fn carry_out(context: &Context, call: Authenticate) -> Body {
    let is_authenticated = !call.email.trim().is_empty() && call.password == context.password;
    let token = is_authenticated.then(|| context.token.clone());
    Body::model(SignedIn { email: call.email, is_authenticated, token })
}
