//! What a site says about its BluSKY: where it is, how it is signed in to, and how it is spoken with.
//!
//! In: the configuration. Out: plain data. Never: a secret; those stand in files.

use std::{path::PathBuf, time::Duration};

use super::{
    answer::{AnswerRules, SuccessCodes},
    wire::{Media, Wire},
};

/// What a site says about its BluSKY.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What stands before `api/…`, in the one form in which it is compared: without a slash at its end.
    pub base_url: String,
    /// How the site signs in.
    pub sign_in: SignIn,
    /// The header that carries the token.
    pub token_header: String,
    /// The word before the token; empty for the bare token.
    pub token_scheme: String,
    /// The result codes that mean success.
    pub success_codes: SuccessCodes,
    /// The time a call may take.
    pub timeout: Duration,
    /// How long after a call BluSKY's lists may still lack what it has done.
    pub shows_within: Duration,
    /// JSON or XML.
    pub wire: Wire,
    /// `application/…` or `text/…`.
    pub media: Media,
    /// Where a card is to be taken from its holder, ReplaceCardIfExists is called instead of AddUserCard.
    pub replace_card_if_exists: bool,
    /// A new user is made by the second version of AddUser.
    pub add_user_v2: bool,
    /// Certificates, proxy, the time until a connection stands.
    pub connecting: Connecting,
}

/// How a site signs in.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// A token in a file.
    TokenFile(PathBuf),
    /// An e-mail address, and a password in a file.
    Password {
        /// The address.
        email: String,
        /// The file.
        password_file: PathBuf,
    },
}

impl Settings {
    /// What answers are sorted by.
    #[must_use]
    pub const fn terms(&self) -> AnswerRules<'_> {
        let key = match self.sign_in {
            SignIn::TokenFile(_) => "blusky.token_file, token_header and token_scheme",
            SignIn::Password { .. } => "blusky.email and password_file, token_header and token_scheme, and what this user may do",
        };
        AnswerRules { success: &self.success_codes, key }
    }
}

/// The site's own say about its connections.
#[derive(Debug, Clone, Default)]
pub struct Connecting {
    /// A PEM file of authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// A PEM file with a certificate that this side shows, and one with its key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// A proxy; without one those of the environment are used.
    pub proxy: Option<String>,
    /// The proxy's user, and a file with the password.
    pub proxy_user: Option<(String, PathBuf)>,
    /// The time until a connection stands; five seconds where nothing is said.
    pub connect_timeout: Option<Duration>,
}
