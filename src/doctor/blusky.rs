//! The way to BluSKY: whether it is there, believed, lets this site in, and goes by the same clock.
//!
//! In: what one reading call showed, and what the store has seen. Out: findings. Never: BluSKY's own words, which can hold anything.

use chrono::TimeDelta;

use super::{
    Finding,
    words::{address, detail, plain, words},
};
use crate::views::page::ago;

/// What was seen of BluSKY.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// There is a configuration that can be used.
    pub is_configured: bool,
    /// Its address; none where the configuration names none.
    pub base_url: Option<String>,
    /// Why no call can be made: a file of the configuration, a header's name.
    pub unusable: Option<String>,
    /// What one call showed.
    pub probe: Option<Probe>,
    /// What is to be checked where access is denied.
    pub key: &'static str,
    /// The site takes any result code for success until it has seen one.
    pub takes_any_code: bool,
    /// What is known of its calls.
    pub calls: Vec<Call>,
    /// Its list of people; none where the site does not have it asked for one.
    pub people: Option<PeopleList>,
}

/// A list of people that is asked for now and then, and kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleList {
    /// How old the kept one is, in seconds; none where there is none yet.
    pub age_s: Option<i64>,
}

/// What one reading call showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// The call.
    pub call: &'static str,
    /// What became of it.
    pub came: Came,
    /// How many milliseconds it took.
    pub millis: u64,
    /// How far this machine's clock is ahead of BluSKY's, in seconds.
    pub clock_ahead_s: Option<i64>,
    /// How many cards the account has that this site signs in with.
    pub cards: Option<usize>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// An answer, and whether it is a page for people.
    Answer(u16, bool),
    /// An answer of success that is not what the call answers, and what it does instead.
    Strange(u16, String),
    /// No connection, and why.
    NotReached(String),
    /// A connection, and no answer.
    NoAnswer(String),
    /// The sign-in failed before the call, and why.
    NotSignedIn(String),
}

impl Default for Came {
    fn default() -> Self {
        Self::NoAnswer(String::new())
    }
}

/// What is known of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// This BluSKY has it.
    pub exists: bool,
    /// The codes that came with success.
    pub success_codes: Vec<i64>,
    /// The same in a line for people.
    pub words: String,
}

/// A clock that is further off than this.
const OFF_S: i64 = 60;
/// A list of people that is older than a day.
const OLD_S: i64 = 86_400;

pub(super) fn judge(facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(base_url) = &facts.base_url else {
        if facts.is_configured {
            findings.push(
                Finding::warning("no_blusky", "the configuration has no [blusky]")
                    .matters("nothing can be enrolled; cards can only be read")
                    .mended_by("add [blusky] with base_url and token_file"),
            );
        }
        return;
    };
    if let Some(why) = &facts.unusable {
        findings.push(
            Finding::broken("blusky_settings", words("no call to BluSKY can be made: {}", [detail(why)]))
                .matters("nothing is delivered; what is saved waits")
                .mended_by("correct what it names under [blusky]"),
        );
    }
    if let Some(probe) = &facts.probe {
        let is_known = facts.calls.iter().any(|call| call.exists);
        findings.extend(came(probe, base_url, facts.key, is_known));
        findings.extend(clock(probe));
    }
    calls(facts, findings);
    findings.extend(facts.people.as_ref().and_then(people));
}

/// A list that is renewed once an hour, or by whoever looks for somebody who is not in it.
fn people(list: &PeopleList) -> Option<Finding> {
    let Some(age) = list.age_s else {
        return Some(
            Finding::warning("people_not_listed", "there is no list of people of BluSKY's yet")
                .matters("nobody of it is found by name or number")
                .mended_by("cardbridge lookup users asks for it, or says why there is none"),
        );
    };
    (age > OLD_S).then(|| {
        Finding::warning("people_list_old", words("BluSKY's list of people is {} old", [plain(ago(TimeDelta::seconds(age)))]))
            .matters("whoever was added or renamed since is not found while BluSKY is away")
            .mended_by("cardbridge lookup users renews it, or says why it cannot; cardbridge run renews it once an hour")
    })
}

fn came(probe: &Probe, base_url: &str, key: &'static str, is_known: bool) -> Option<Finding> {
    let here = || address(base_url);
    let waits = "nothing is delivered; what is saved waits";
    match &probe.came {
        Came::NotReached(why) if is_about_certificate(why) => Some(untrusted(why, base_url)),
        // What keeps a connection from being made names nobody.
        Came::NotReached(why) | Came::NoAnswer(why) => {
            Some(Finding::broken("blusky_not_reached", words("BluSKY at {}: {}", [here(), plain(why)])).matters(waits).mended_by(words(
                "check the network and blusky.base_url: curl -sv {} >/dev/null; a proxy is named in blusky.proxy",
                [here()],
            )))
        }
        Came::NotSignedIn(why) => Some(
            Finding::broken("sign_in", words("no call was made: {}", [detail(why)]))
                .matters(waits)
                .mended_by(words("check {}", [plain(key)])),
        ),
        Came::Answer(status @ (401 | 403), _) => Some(
            Finding::broken("token_refused", words("BluSKY does not let this site in (it answered {})", [plain(status)]))
                .matters(waits)
                .mended_by(words("check {}", [plain(key)])),
        ),
        Came::Answer(407, _) => Some(
            Finding::broken("proxy_refused", "the proxy on the way to BluSKY wants a user (it answered 407)")
                .matters(waits)
                .mended_by("set blusky.proxy_user and proxy_password_file"),
        ),
        Came::Answer(404 | 405 | 501, false) if is_known => Some(
            Finding::note("no_call_to_ask", "this BluSKY has none of the calls that could be asked without changing something")
                .matters("whether it still lets this site in was not seen; other calls worked here before")
                .mended_by("cardbridge card list --user GUID asks for a user's cards"),
        ),
        Came::Answer(status @ (300..=399 | 404 | 405 | 410), _) | Came::Answer(status, true) => Some(
            Finding::broken(
                "wrong_address",
                words("something answers at {}, and it is no BluSKY (it answered {})", [here(), plain(status)]),
            )
            .matters(waits)
            .mended_by("check blusky.base_url: it is what stands before api/…"),
        ),
        Came::Answer(429, _) => Some(
            Finding::warning("blusky_busy", "BluSKY asks to be left alone for now (it answered 429)")
                .matters("what is saved is sent a little later")
                .mended_by("wait; with several stations, lower [delivery] parallel"),
        ),
        Came::Answer(status @ 400.., _) => Some(
            Finding::warning("blusky_faulty", words("BluSKY is there and answered {}", [plain(status)]))
                .matters("what is saved is tried again until it answers as it should")
                .mended_by("look again in a minute; if it stays, tell whoever runs BluSKY"),
        ),
        Came::Answer(..) => None,
        Came::Strange(status, why) => Some(
            Finding::broken("blusky_strange", words("{} answered {}, and the answer {}", [plain(probe.call), plain(status), plain(why)]))
                .matters("no list of this BluSKY's can be read: whether a card arrived, who has it, who is there")
                .mended_by(words("check {}, blusky.success_codes and blusky.base_url; else ask whoever runs BluSKY", [plain(key)])),
        ),
    }
}

fn is_about_certificate(why: &str) -> bool {
    why.contains("ertificate")
}

/// TLS stands or falls with the certificate: who vouches for it, its name, its time.
fn untrusted(why: &str, base_url: &str) -> Finding {
    let host = host_and_port(base_url);
    let matters = "no token is sent to a server that cannot prove who it is; what is saved waits";
    if ["Expired", "NotValidYet"].iter().any(|word| why.contains(word)) {
        let what = words("BluSKY's certificate is not valid at this machine's time: {}", [detail(why)]);
        return Finding::broken("tls_time", what)
            .matters(matters)
            .mended_by("check this machine's clock first: timedatectl; if it is right, whoever runs BluSKY has to renew the certificate");
    }
    if why.contains("NotValidForName") {
        let what = words("BluSKY's certificate is for another name: {}", [detail(why)]);
        return Finding::broken("tls_name", what).matters(matters).mended_by("write the name of the certificate in blusky.base_url");
    }
    let what = words("nobody that this machine trusts vouches for BluSKY's certificate: {}", [detail(why)]);
    Finding::broken("tls_not_trusted", what).matters(matters).mended_by(words(
        "get the certificate of the authority from whoever runs BluSKY (openssl s_client -showcerts -connect {} </dev/null shows what is \
         sent; compare its fingerprint), put it beside the configuration and write ca_file = \"ca.pem\" under [blusky]",
        [address(host)],
    ))
}

/// `host:port` of an address.
fn host_and_port(base_url: &str) -> String {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    if host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) { host.to_owned() } else { format!("{host}:443") }
}

fn clock(probe: &Probe) -> Option<Finding> {
    let ahead = probe.clock_ahead_s.filter(|ahead| ahead.abs() > OFF_S)?;
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    Some(
        Finding::broken("clock_off", words("this machine's clock is {} s {} BluSKY's", [plain(ahead.abs()), plain(way)]))
            .matters("cards begin and end to work at wrong times, certificates fail, and a decision to take a card looks too old")
            .mended_by("sudo timedatectl set-ntp true; timedatectl shows whether it took hold"),
    )
}

/// What the answers so far have shown.
fn calls(facts: &Facts, findings: &mut Vec<Finding>) {
    let missing = |name: &str| facts.calls.iter().any(|call| call.name == name && !call.exists);
    if missing("AddUserCard") {
        findings.push(
            Finding::broken("no_add_user_card", "this BluSKY answered last that it has no call to give a card to a user")
                .matters("no card can be enrolled")
                .mended_by("check blusky.base_url: it is what stands before api/…"),
        );
    }
    if missing("UserCards") {
        findings.push(
            Finding::warning("no_read_back", "this BluSKY has no call that shows a user's cards")
                .matters("what was sent and not answered waits for a person, for nobody can look it up")
                .mended_by("ask whoever runs BluSKY for api/v1/Users/UserCards"),
        );
    }
    let seen: Vec<i64> = facts.calls.iter().filter(|call| call.name == "AddUserCard").flat_map(|call| call.success_codes.clone()).collect();
    if let ([code], true) = (seen.as_slice(), facts.takes_any_code) {
        findings.push(
            Finding::note("success_code_seen", words("success came with result code {} every time", [plain(code)]))
                .matters("with success_codes = \"any\" every card is read back before it counts as accepted")
                .mended_by(words("write success_codes = [{}] under [blusky]", [plain(code)])),
        );
    }
}
