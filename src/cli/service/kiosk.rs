//! A kiosk in the configuration, and where its browser finds the page.
//!
//! In: a configuration and a reader's name. Out: the page's address, and the configuration with the kiosk in it. Never: a kiosk at another
//! reader than the configuration says.

use std::net::Ipv4Addr;

use super::files::Screen;
use crate::config::{Config, desk::Desk};

/// The screen of the kiosk at this reader, and the configuration's new text where it has no kiosk yet.
///
/// # Errors
/// The reader is not there, another one is the kiosk's, or the browser does not find the page.
pub fn at(config: &Config, reader: &str) -> Result<(Screen, Option<String>), String> {
    if !config.readers.iter().any(|known| known.name == reader) {
        let known: Vec<&str> = config.readers.iter().map(|reader| &*reader.name).collect();
        return Err(format!(
            "the configuration has no reader {reader}; it has {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        ));
    }
    let page = page(config.desk.as_ref())?;
    let value = toml_span::parse(&config.text).map_err(|error| error.to_string())?;
    let is_said = value.pointer("/desk/kiosk_without_code").and_then(toml_span::Value::as_bool) == Some(true);
    if config.people.file.is_none() && (!is_said || config.people.of.is_empty()) {
        let words = "a kiosk serves people by the `kiosk_code` of their row in a list: name it under [people], file = \"people.csv\"";
        return Err(format!(
            "{words}; where the employee numbers of BluSKY's people are enough, write kiosk_without_code = true under [desk]"
        ));
    }
    let kiosk = value.pointer("/desk/kiosk").and_then(toml_span::Value::as_str);
    let text = with(&config.text, kiosk.filter(|kiosk| !kiosk.is_empty()), config.desk.is_some(), reader)?;
    Ok((Screen { page, store: config.store.display().to_string() }, text))
}

/// Where a browser on this machine finds the page. It reaches no other machine, and takes every name for this one.
fn page(desk: Option<&Desk>) -> Result<String, String> {
    let Some(desk) = desk else { return Ok("http://127.0.0.1:8920/".to_owned()) };
    let address = desk.listen.ip();
    if !address.is_unspecified() && address != Ipv4Addr::LOCALHOST {
        return Err(format!("the kiosk's browser looks for the page at 127.0.0.1, and `desk.listen` is {address}; 0.0.0.0 takes both in"));
    }
    let name = desk.names.first().filter(|_| desk.tls.is_some()).cloned();
    let scheme = if desk.tls.is_some() { "https" } else { "http" };
    Ok(format!("{scheme}://{}:{}/", name.unwrap_or_else(|| address.to_string()), desk.listen.port()))
}

/// The configuration with a kiosk at this reader; none where it has that one already.
fn with(text: &str, kiosk: Option<&str>, has_desk: bool, reader: &str) -> Result<Option<String>, String> {
    // A JSON string of a name is a TOML string.
    let line = format!("kiosk = {}\n", serde_json::Value::from(reader));
    match kiosk {
        Some(other) if other == reader => Ok(None),
        Some(other) => Err(format!("the configuration has a kiosk at the reader {other}: change `kiosk` under [desk] to {reader:?} first")),
        None if !has_desk => Ok(Some(format!("{text}\n[desk]\n{line}"))),
        None => {
            let is_heading = |line: &&str| line.split('#').next().is_some_and(|line| line.trim() == "[desk]");
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            let heading = lines.iter().position(is_heading);
            let heading = heading.ok_or_else(|| format!("write {} under `desk` in the configuration", line.trim_end()))?;
            let newline = if text.ends_with('\n') || heading + 1 < lines.len() { "" } else { "\n" };
            lines.splice(heading + 1..heading + 1, [newline, &line]);
            Ok(Some(lines.concat()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::protocols::Protocols;

    #[test]
    fn a_kiosk_is_written_into_the_configuration_once_and_takes_nobodys_place() {
        let with = |text: &str, kiosk, has_desk| super::with(text, kiosk, has_desk, "front");
        assert_eq!(with("a = 1\n", None, false).unwrap().unwrap(), "a = 1\n\n[desk]\nkiosk = \"front\"\n");
        let desk = "[desk]   # the page\nlanguage = \"de\"\n";
        assert_eq!(with(desk, None, true).unwrap().unwrap(), "[desk]   # the page\nkiosk = \"front\"\nlanguage = \"de\"\n");
        assert_eq!(with("#[desk]\n[desk]\n", None, true).unwrap().unwrap(), "#[desk]\n[desk]\nkiosk = \"front\"\n");
        assert_eq!(with("[desk]", None, true).unwrap().unwrap(), "[desk]\nkiosk = \"front\"\n");
        assert_eq!(with(desk, Some("front"), true), Ok(None));
        assert!(with(desk, Some("back"), true).unwrap_err().contains("at the reader back"));
        assert!(with("desk = {}\n", None, true).unwrap_err().contains("kiosk = \"front\" under `desk`"));
    }

    #[test]
    fn the_browser_of_the_kiosk_finds_the_page_on_this_machine() {
        let text = "[desk]\ntls_cert = \"a\"\ntls_key = \"b\"\nnames = [\"desk\"]\n[[operator]]\nname = \"Kim\"\npin_file = \"p\"\n";
        let desk = |listen: &str| {
            let text = text.replacen("[desk]\n", &format!("[desk]\nlisten = \"{listen}\"\n"), 1);
            Config::parse("site.toml", &text, Path::new(""), &Protocols::built_in()).unwrap().desk
        };
        assert_eq!(page(None).unwrap(), "http://127.0.0.1:8920/");
        let plain = Config::parse("site.toml", "[desk]\nlisten = \"127.0.0.1:80\"\n", Path::new(""), &Protocols::built_in());
        assert_eq!(page(plain.unwrap().desk.as_ref()).unwrap(), "http://127.0.0.1:80/");
        assert_eq!(page(desk("0.0.0.0:81").as_ref()).unwrap(), "https://desk:81/");
        assert!(page(desk("192.168.1.5:80").as_ref()).unwrap_err().contains("0.0.0.0 takes both in"));
    }
}
