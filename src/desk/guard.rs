//! Which requests may come in: a browser can be made to send requests by every page that it shows.
//!
//! In: what a request says of where it goes and where it comes from. Out: let in, or why not. Never: a name that is looked up; the
//! addresses are those that the page was set up with, letter by letter.

use std::net::SocketAddr;

/// Judges requests to one address.
#[derive(Debug, Clone)]
pub struct Gate {
    hosts: Vec<String>,
    scheme: &'static str,
}

/// What a request says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asking<'a> {
    /// It may change something: everything but GET and HEAD.
    pub changes: bool,
    /// It opens the page itself, which shows nothing of anybody.
    pub opens: bool,
    /// Each `Host` header, and the host of the address where that names one.
    pub hosts: &'a [&'a str],
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a str>,
}

/// Why a request is turned down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedDown {
    /// It was sent to another name than this page's: a name that somebody made point here.
    Host,
    /// It was sent from another page.
    Origin,
}

impl Gate {
    /// A gate for a page at this address, which is opened under these names too, with or without TLS.
    #[must_use]
    pub fn of(listen: SocketAddr, names: &[String], has_tls: bool) -> Self {
        let (scheme, usual_port) = if has_tls { ("https://", 443) } else { ("http://", 80) };
        let own = if listen.ip().is_loopback() { Some("localhost".to_owned()) } else { None };
        // At all addresses there is none that could be written down here.
        let address = Some(listen.ip()).filter(|address| !address.is_unspecified()).map(|address| address.to_string());
        let bracketed = |name: String| if name.contains(':') { format!("[{name}]") } else { name };
        let names: Vec<String> = address.into_iter().chain(own).chain(names.iter().cloned()).map(bracketed).collect();
        // A browser leaves the usual port out.
        let bare = names.iter().filter(|_| listen.port() == usual_port).cloned();
        let hosts = names.iter().map(|name| format!("{name}:{}", listen.port())).chain(bare).collect();
        Self { hosts, scheme }
    }

    /// Judges a request.
    ///
    /// # Errors
    /// Why it is turned down.
    pub fn judge(&self, asking: &Asking<'_>) -> Result<(), TurnedDown> {
        let is_ours = |host: &str| self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host));
        let Some(host) = asking.hosts.first().filter(|_| asking.hosts.iter().all(|host| is_ours(host))) else {
            return Err(TurnedDown::Host);
        };
        let is_same_page = |origin: &str| origin.strip_prefix(self.scheme).is_some_and(|origin| origin.eq_ignore_ascii_case(host));
        let from_here = match (asking.changes, asking.origin) {
            (true, None) => false,
            (false, None) => true,
            (_, Some(origin)) => is_same_page(origin),
        };
        let by_this_page = match asking.site {
            None | Some("same-origin") => true,
            Some("none") => !asking.changes,
            Some(_) => asking.opens && !asking.changes,
        };
        if from_here && by_this_page { Ok(()) } else { Err(TurnedDown::Origin) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::of("127.0.0.1:8920".parse().unwrap(), &[], false)
    }

    #[test]
    fn only_this_pages_own_names_are_let_in() {
        let judged = |hosts: &[&str]| gate().judge(&Asking { hosts, ..Asking::default() });
        for ours in ["127.0.0.1:8920", "localhost:8920", "LOCALHOST:8920"] {
            assert_eq!(judged(&[ours]), Ok(()), "{ours}");
        }
        let strange = [
            "evil.example:8920",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:89200",
            "127.0.0.1:08920",
            "127.1:8920",
            "2130706433:8920",
            "0x7f.0.0.1:8920",
            "0.0.0.0:8920",
            "[::1]:8920",
            "[::ffff:127.0.0.1]:8920",
            "localhost.:8920",
            "localhost:8920.evil.example",
            "user@localhost:8920",
            "localhost:8920@evil.example",
            "localhost:8920 ",
            "localhost:8920,evil.example",
            "",
        ];
        for host in strange {
            assert_eq!(judged(&[host]), Err(TurnedDown::Host), "{host:?}");
        }
        assert_eq!(judged(&[]), Err(TurnedDown::Host), "no host at all");
        assert_eq!(judged(&["localhost:8920", "evil.example"]), Err(TurnedDown::Host), "two hosts");
    }

    #[test]
    fn what_changes_something_comes_from_this_page_alone() {
        let hosts = &["127.0.0.1:8920"][..];
        let judged = |changes, origin, site| gate().judge(&Asking { changes, opens: false, hosts, origin, site });
        assert_eq!(judged(true, Some("http://127.0.0.1:8920"), Some("same-origin")), Ok(()));
        assert_eq!(judged(true, Some("http://127.0.0.1:8920"), None), Ok(()), "an old browser");
        let strange = [
            (None, Some("same-origin")),
            (Some("null"), None),
            (Some("http://127.0.0.1:8921"), None),
            (Some("http://localhost:8920"), None),
            (Some("https://127.0.0.1:8920"), None),
            (Some("http://127.0.0.1:8920.evil.example"), None),
            (Some("http://evil.example"), None),
            (Some("http://127.0.0.1:8920"), Some("same-site")),
            (Some("http://127.0.0.1:8920"), Some("cross-site")),
            (Some("http://127.0.0.1:8920"), Some("none")),
        ];
        for (origin, site) in strange {
            assert_eq!(judged(true, origin, site), Err(TurnedDown::Origin), "{origin:?} {site:?}");
        }
        assert_eq!(judged(false, None, Some("cross-site")), Err(TurnedDown::Origin), "another page reads nothing either");
        assert_eq!(judged(false, Some("http://evil.example"), None), Err(TurnedDown::Origin));
    }

    #[test]
    fn a_link_from_elsewhere_opens_the_page_and_does_nothing() {
        let asking = Asking { opens: true, hosts: &["localhost:8920"], site: Some("cross-site"), ..Asking::default() };
        assert_eq!(gate().judge(&asking), Ok(()));
        assert_eq!(gate().judge(&Asking { changes: true, origin: Some("http://localhost:8920"), ..asking }), Err(TurnedDown::Origin));
    }

    #[test]
    fn the_usual_port_can_be_left_out_and_ipv6_stands_in_brackets() {
        let gate = Gate::of("[::1]:80".parse().unwrap(), &[], false);
        for host in ["[::1]", "[::1]:80", "localhost"] {
            assert_eq!(gate.judge(&Asking { hosts: &[host], ..Asking::default() }), Ok(()), "{host}");
        }
        assert_eq!(gate.judge(&Asking { hosts: &["::1"], ..Asking::default() }), Err(TurnedDown::Host));
    }

    #[test]
    fn a_page_for_others_has_the_names_that_the_site_gives_it_and_speaks_tls() {
        let gate = Gate::of("0.0.0.0:443".parse().unwrap(), &["desk.example.org".to_owned()], true);
        let judged = |host: &str, origin: &str| {
            gate.judge(&Asking { changes: true, opens: false, hosts: &[host], origin: Some(origin), site: Some("same-origin") })
        };
        assert_eq!(judged("desk.example.org", "https://desk.example.org"), Ok(()));
        assert_eq!(judged("desk.example.org", "http://desk.example.org"), Err(TurnedDown::Origin));
        for host in ["0.0.0.0", "0.0.0.0:443", "localhost", "127.0.0.1", "192.168.1.5", "desk.example.org.evil.example"] {
            assert_eq!(judged(host, &format!("https://{host}")), Err(TurnedDown::Host), "{host}");
        }
    }
}
