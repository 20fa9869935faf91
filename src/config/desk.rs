//! `[desk]` and `[[operator]]`: the page, and who may work at it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use crate::sheet::Keys;

/// Where the page is, without a word about it.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8920);

/// The desk page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// Where it listens: an address of this machine alone.
    pub listen: SocketAddr,
    /// Its language, by its two letters.
    pub language: String,
    /// Who may work at it; with none, whoever sits at this machine, under the name they give.
    pub operators: Vec<Operator>,
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
pub(super) fn desk(keys: &mut Keys<'_, '_>, folder: &Path) -> Option<Desk> {
    let operators = operators(keys, folder);
    let mut table = keys.table("desk")?;
    let listen = table.optional_text("listen").and_then(|listen| match listen.value.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Some(address),
        Ok(_) => {
            let why =
                "`desk.listen` must be an address of this machine alone, such as \"127.0.0.1:8920\": the page is not served to others yet";
            table.complain(listen.span, why.to_owned());
            None
        }
        Err(_) => {
            table.complain(listen.span, "`desk.listen` must be an address with a port, such as \"127.0.0.1:8920\"".to_owned());
            None
        }
    });
    let language = table.optional_text("language").map_or_else(|| "en".to_owned(), |language| language.value);
    table.finish();
    Some(Desk { listen: listen.unwrap_or(LISTEN), language, operators })
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
    fn the_page_listens_on_this_machine_alone() {
        assert_eq!(parsed("[site]\n").unwrap(), None);
        let plain = parsed("[desk]\n").unwrap().unwrap();
        assert_eq!((plain.listen.to_string(), &*plain.language, plain.operators.len()), ("127.0.0.1:8920".to_owned(), "en", 0));
        assert_eq!(parsed("[desk]\nlisten = \"[::1]:80\"\n").unwrap().unwrap().listen.to_string(), "[::1]:80");
        for wrong in ["0.0.0.0:8920", "192.168.1.5:8920", "localhost:8920", "8920", "[::]:8920"] {
            let why = parsed(&format!("[desk]\nlisten = \"{wrong}\"\n")).unwrap_err();
            assert!(why.contains("`desk.listen` must be an address"), "{wrong}: {why}");
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
