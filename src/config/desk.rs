//! `[desk]` and `[[operator]]`: the page, and who may work at it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use super::Config;
use crate::sheet::{At, Keys, nearest};

/// Where the page is, without a word about it.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8920);

/// The languages that the page speaks.
const LANGUAGES: &[&str] = include!(concat!(env!("OUT_DIR"), "/language_names.rs"));

/// The desk page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// Where it listens: an address of this machine alone, or another one over TLS.
    pub listen: SocketAddr,
    /// The names under which it is opened, beside its address.
    pub names: Vec<String>,
    /// Its certificate and key; none where it is served without TLS.
    pub tls: Option<Tls>,
    /// The folder of the lists that people can go through.
    pub rosters: Option<PathBuf>,
    /// Its language, by its two letters.
    pub language: String,
    /// Who may work at it; with none, whoever sits at this machine, under the name they give.
    pub operators: Vec<Operator>,
    /// The kiosk page beside it; none where the site wants none.
    pub kiosk: Option<Kiosk>,
}

/// The kiosk page, at which people help themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kiosk {
    /// Its reader, which is in nobody else's "all".
    pub reader: String,
    /// The employee number alone is enough to say who somebody is.
    pub without_code: bool,
    /// How long nothing may happen at it until it goes back to its start.
    pub timeout: Duration,
}

/// Time to find a card in a bag, with a word before it is over.
const KIOSK_TIMEOUT_S: u64 = 45;

/// What the page shows to prove what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificates, the page's own first, as PEM.
    pub cert: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
}

/// Somebody who may work at the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Their name, which stands in the record.
    pub name: String,
    /// Where their PIN stands; none: the name is enough.
    pub pin_file: Option<PathBuf>,
}

/// `[desk]` with `[[operator]]`; none where there is no `[desk]`.
pub(super) fn desk(keys: &mut Keys<'_, '_>, folder: &Path, config: &Config) -> Option<Desk> {
    let operators = operators(keys, folder);
    let mut table = keys.table("desk")?;
    let listen = table.optional_text("listen").and_then(|listen| {
        let address = listen.value.parse::<SocketAddr>().ok();
        if address.is_none() {
            table.complain(listen.span, "`desk.listen` must be an address with a port, such as \"127.0.0.1:8920\"".to_owned());
        }
        Some(At { value: address?, span: listen.span })
    });
    let file = |file: Option<At<String>>| file.map(|file| folder.join(file.value));
    let (cert, key) = (file(table.optional_text("tls_cert")), file(table.optional_text("tls_key")));
    if cert.is_some() != key.is_some() {
        table.complain(table.span(), "`desk.tls_cert` and `desk.tls_key` go together".to_owned());
    }
    let desk = Desk {
        listen: listen.map_or(LISTEN, |listen| listen.value),
        names: names(&mut table),
        tls: cert.zip(key).map(|(cert, key)| Tls { cert, key }),
        rosters: file(table.optional_text("rosters")),
        language: language(&mut table),
        operators,
        kiosk: kiosk(&mut table, config),
    };
    if let (Some(listen), Some(why)) = (listen, desk.why_not_there()) {
        table.complain(listen.span, why);
    }
    table.finish();
    Some(desk)
}

/// `kiosk` and what is said about it; an empty one is none.
fn kiosk(table: &mut Keys<'_, '_>, config: &Config) -> Option<Kiosk> {
    let reader = table.optional_text("kiosk").filter(|reader| !reader.value.is_empty());
    let without_code = table.flag("kiosk_without_code").unwrap_or(false);
    let timeout = table.number("kiosk_timeout_s", 5_u64, 3600).map_or(KIOSK_TIMEOUT_S, |seconds| seconds.value);
    let reader = reader?;
    let names = || config.readers.iter().map(|reader| reader.name.as_str());
    if !names().any(|name| name == reader.value) {
        let hint = nearest(&reader.value, names()).map_or_else(
            || {
                format!(
                    "name one [[reader]]; configured are {}",
                    if config.readers.is_empty() { "none".to_owned() } else { names().collect::<Vec<_>>().join(", ") }
                )
            },
            |near| format!("did you mean {near:?}?"),
        );
        table.complain(reader.span, format!("`desk.kiosk` names {:?}, and no reader is called so; {hint}", reader.value));
    }
    if config.people.file.is_none() && (!without_code || config.people.of.is_empty()) {
        let words = "`desk.kiosk` serves people by the `kiosk_code` of their row in `people.file`, and there is no such file; name one under [people], \
                     or write `kiosk_without_code = true` if the employee number alone is enough for BluSKY's people";
        table.complain(reader.span, words.to_owned());
    }
    Some(Kiosk { reader: reader.value, without_code, timeout: Duration::from_secs(timeout) })
}

/// The page's language, which must be one that it speaks.
fn language(table: &mut Keys<'_, '_>) -> String {
    let Some(language) = table.optional_text("language") else { return "en".to_owned() };
    if !LANGUAGES.contains(&language.value.as_str()) {
        let near = nearest(&language.value, LANGUAGES.iter().copied()).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
        let words = format!("`desk.language` is {:?}, and the page speaks {}{near}", language.value, LANGUAGES.join(", "));
        table.complain(language.span, words);
    }
    language.value
}

/// The names that a browser's address bar may show, without a port.
fn names(table: &mut Keys<'_, '_>) -> Vec<String> {
    let names = table.texts("names");
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter));
    for name in names.iter().filter(|name| !is_name(&name.value)) {
        table.complain(name.span, format!("`desk.names` has {:?}; a name stands there alone, such as \"desk.example.org\"", name.value));
    }
    names.into_iter().map(|name| name.value).collect()
}

impl Desk {
    /// Why the page is not served at its address; none where it is. Where others than this machine's users can reach it, they see that it
    /// is this page, and it sees who they are.
    fn why_not_there(&self) -> Option<String> {
        let has_pins = !self.operators.is_empty() && self.operators.iter().all(|operator| operator.pin_file.is_some());
        let address = self.listen.ip();
        let missing = match () {
            () if address.is_loopback() => return None,
            () if self.tls.is_none() => "`tls_cert` and `tls_key`",
            () if !has_pins => "an `[[operator]]` with a `pin_file` for everybody who works there",
            () if address.is_unspecified() && self.names.is_empty() => "`names`, the names under which it is opened",
            () => return None,
        };
        let here = "leave it at an address of this machine alone, such as \"127.0.0.1:8920\"";
        Some(format!("`desk.listen` is an address that others can reach, which needs {missing}; or {here}"))
    }
}

fn operators(keys: &mut Keys<'_, '_>, folder: &Path) -> Vec<Operator> {
    let mut operators: Vec<Operator> = Vec::new();
    for mut table in keys.tables("operator") {
        let span = table.span();
        let name = table.text("name").map(|name| name.value.trim().to_owned());
        let pin_file = table.optional_text("pin_file").map(|file| folder.join(file.value));
        table.finish();
        match name {
            Some(name) if name.is_empty() => {
                keys.complain(span, "`operator.name` is empty; give the name that stands in the record".to_owned())
            }
            Some(name) if operators.iter().any(|other| other.name == name) => {
                keys.complain(span, format!("two operators are called {name:?}; the record must tell them apart"));
            }
            Some(name) => operators.push(Operator { name, pin_file }),
            None => {}
        }
    }
    operators
}

#[cfg(test)]
mod tests {
    use super::{super::Config, *};
    use crate::protocols::Protocols;

    fn parsed(text: &str) -> Result<Option<Desk>, String> {
        let config = Config::parse("site.toml", text, Path::new("/site"), &Protocols::built_in());
        config.map(|config| config.desk).map_err(|error| error.to_string())
    }

    #[test]
    fn the_page_listens_on_this_machine_or_over_tls_to_people_with_pins() {
        assert_eq!(parsed("[site]\n").unwrap(), None);
        let plain = parsed("[desk]\n").unwrap().unwrap();
        assert_eq!((plain.listen.to_string(), &*plain.language, plain.operators.len()), ("127.0.0.1:8920".to_owned(), "en", 0));
        assert_eq!(parsed("[desk]\nlisten = \"[::1]:80\"\n").unwrap().unwrap().listen.to_string(), "[::1]:80");
        for wrong in ["localhost:8920", "8920", "[::]"] {
            let why = parsed(&format!("[desk]\nlisten = \"{wrong}\"\n")).unwrap_err();
            assert!(why.contains("must be an address with a port"), "{wrong}: {why}");
        }
        let tls = "tls_cert = \"desk.pem\"\ntls_key = \"desk.key\"\n";
        let (kim, lou) = ("[[operator]]\nname = \"Kim\"\npin_file = \"kim.pin\"\n", "[[operator]]\nname = \"Lou\"\n");
        let at = |listen: &str, more: &str| parsed(&format!("[desk]\nlisten = \"{listen}:8920\"\n{more}"));
        for (listen, more, missing) in [
            ("192.168.1.5", String::new(), "`tls_cert` and `tls_key`"),
            ("192.168.1.5", kim.to_owned(), "`tls_cert` and `tls_key`"),
            ("192.168.1.5", tls.to_owned(), "[[operator]]"),
            ("192.168.1.5", format!("{tls}{kim}{lou}"), "[[operator]]"),
            ("0.0.0.0", format!("{tls}{kim}"), "`names`"),
            ("[::]", format!("{tls}{kim}"), "`names`"),
            ("127.0.0.1", "tls_key = \"desk.key\"\n".to_owned(), "go together"),
            ("127.0.0.1", "names = [\"https://desk\"]\n".to_owned(), "stands there alone"),
        ] {
            let why = at(listen, &more).unwrap_err();
            assert!(why.contains(missing), "{listen} {more}: {why}");
        }
        let open = at("0.0.0.0", &format!("{tls}names = [\"desk.example.org\"]\n{kim}")).unwrap().unwrap();
        assert_eq!(open.tls, Some(Tls { cert: "/site/desk.pem".into(), key: "/site/desk.key".into() }));
        assert!(at("192.168.1.5", &format!("{tls}{kim}")).is_ok());
    }

    #[test]
    fn a_kiosk_has_a_reader_that_is_configured_and_a_list_with_codes() {
        let reader = "[[reader]]\nname = \"lobby\"\nserial = \"/dev/ttyUSB0\"\ndialect = \"rdm6300\"\n";
        let (file, listed) =
            ("[people]\nfile = \"p.csv\"\n", "[people]\nblusky = { vendor = [\"6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8\"] }\n");
        let with = |people: &str, desk: &str| parsed(&format!("{reader}{people}[desk]\n{desk}")).map(|desk| desk.unwrap().kiosk);
        let plain = with(file, "kiosk = \"lobby\"\n").unwrap().unwrap();
        assert_eq!(plain, Kiosk { reader: "lobby".to_owned(), without_code: false, timeout: Duration::from_secs(45) });
        assert_eq!(with("", "kiosk = \"\"\n").unwrap(), None, "an empty one is none");
        assert!(with(listed, "kiosk = \"lobby\"\nkiosk_without_code = true\n").unwrap().unwrap().without_code);
        for (people, desk, words) in [
            (file, "kiosk = \"loby\"\n", "did you mean \"lobby\""),
            (file, "kiosk = \"front\"\n", "no reader is called so"),
            (listed, "kiosk = \"lobby\"\n", "kiosk_without_code"),
            ("", "kiosk = \"lobby\"\nkiosk_without_code = true\n", "there is no such file"),
            (file, "kiosk = \"lobby\"\nkiosk_timeout_s = 1\n", "kiosk_timeout_s"),
        ] {
            let why = with(people, desk).unwrap_err();
            assert!(why.contains(words), "{people}{desk}: {why}");
        }
    }

    #[test]
    fn operators_are_told_apart() {
        let text = "[desk]\n[[operator]]\nname = \"Kim\"\npin_file = \"kim.pin\"\n[[operator]]\nname = \"Lou\"\n";
        let operators = parsed(text).unwrap().unwrap().operators;
        assert_eq!(operators[0], Operator { name: "Kim".to_owned(), pin_file: Some("/site/kim.pin".into()) });
        assert_eq!(operators[1].pin_file, None);
        assert!(parsed(&text.replace("Lou", "Kim")).unwrap_err().contains("two operators"));
        assert!(parsed(&text.replace("Lou", " ")).unwrap_err().contains("is empty"));
    }
}
