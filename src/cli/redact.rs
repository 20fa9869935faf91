//! `cardbridge capture --redact`: a capture that can be sent to a stranger.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::ExitCode,
};

use rand::{
    SeedableRng,
    rngs::{StdRng, SysRng},
};

use super::out::{self, Failure};
use crate::{
    capture::{Capture, line, redact::redact},
    protocols::Protocols,
};

/// Makes a redacted capture of one that is there.
pub fn file(protocols: &Protocols, old: &Path, new: &Path) -> Result<ExitCode, Failure> {
    let unreadable = |error| Failure::usage("capture", format!("{}: {error}", old.display()), "");
    let redacted = text(protocols, old, &fs::read_to_string(old).map_err(unreadable)?)?;
    let failed = |error: std::io::Error| Failure::impossible("file", format!("{}: {error}", new.display()), "");
    let mut file = OpenOptions::new().write(true).create_new(true).open(new).map_err(failed)?;
    file.write_all(redacted.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    out::hint(&format!("{} is redacted; look it through before you send it", new.display()));
    Ok(ExitCode::SUCCESS)
}

/// The redacted text of a capture; `path` is what it is called in errors.
pub fn text(protocols: &Protocols, path: &Path, text: &str) -> Result<String, Failure> {
    let wrong = |error| Failure::usage("capture", format!("{}: {error}", path.display()), "");
    let capture = Capture::parse(text).map_err(wrong)?;
    let no_chance = |error| Failure::impossible("random", format!("this system gives no random numbers: {error}"), "");
    let mut random = StdRng::try_from_rng(&mut SysRng).map_err(no_chance)?;
    let redacted = redact(&capture, protocols, &mut random).map_err(wrong)?;
    if !redacted.says_the_same {
        out::hint("a replay says something else of the redacted capture than of the original; the numbers are hidden all the same");
    }
    let records = redacted.capture.records.iter().map(|(at, record)| line(*at, record) + "\n");
    Ok(redacted.capture.header() + &records.collect::<String>())
}
