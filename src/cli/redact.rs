//! `cardbridge capture --redact`: a capture that can be sent to a stranger.

use std::{io::Write, path::Path, process::ExitCode};

use rand::{
    Rng, SeedableRng,
    rngs::{StdRng, SysRng},
};

use super::{
    capture_file,
    out::{self, Failure},
};
use crate::{
    capture::{Capture, redact::redact},
    host::platform::files,
    protocols::Protocols,
};

/// Makes a redacted capture of one that is there.
pub fn file(protocols: &Protocols, old: &Path, new: &Path) -> Result<ExitCode, Failure> {
    let redacted = text(protocols, old, &capture_file::whole(old)?)?;
    let failed = |error: std::io::Error| Failure::impossible("file", format!("{}: {error}", new.display()), "");
    let mut file = files::create(new).map_err(failed)?;
    file.write_all(redacted.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    out::hint(&format!("{} is redacted; look it through before you send it", new.display()));
    Ok(ExitCode::SUCCESS)
}

/// The redacted text of a capture; `path` is what it is called in errors.
pub fn text(protocols: &Protocols, path: &Path, capture: &Capture) -> Result<String, Failure> {
    let no_chance = |error| Failure::impossible("random", format!("this system gives no random numbers: {error}"), "");
    let mut random = StdRng::try_from_rng(&mut SysRng).map_err(no_chance)?;
    let redacted = redact(capture, protocols, &mut || random.next_u64()).map_err(|error| capture_file::failed(path, &error))?;
    if !redacted.says_the_same {
        out::hint("a replay says something else of the redacted capture than of the original; the numbers are hidden all the same");
    }
    Ok(redacted.capture.text())
}
