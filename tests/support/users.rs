//! The same command, run by a user who may do no more than the modes of files say.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use super::Site;

/// A command of this site: where root runs the tests, run by somebody else, who may look into the site's folder.
pub fn as_another(site: &Site, arguments: &[&str]) -> Command {
    let command = site.command(arguments);
    if !nix::unistd::geteuid().is_root() {
        return command;
    }
    fs::set_permissions(site.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut other = Command::new("setpriv");
    other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(command.get_program()).args(command.get_args());
    other.current_dir(site.folder.path()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other
}
