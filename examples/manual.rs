//! Writes the manual pages and the shells' completions into a folder, from the one definition of the command line: `make deb` packs them.

#![allow(clippy::expect_used, reason = "it is run by whoever builds the package, who sees why it stopped")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clap_complete::{Shell, generate_to};

/// Writes them.
pub fn write(folder: &Path) {
    fs::create_dir_all(folder).expect("the folder can be made");
    clap_mangen::generate_to(cardbridge::cli::command(), folder).expect("the manual pages can be written");
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut cardbridge::cli::command(), "cardbridge", folder).expect("the completions can be written");
    }
}

/// The folder is the first argument.
#[allow(dead_code, reason = "a test takes `write` alone")]
fn main() {
    write(&PathBuf::from(env::args_os().nth(1).expect("a folder is named")));
}
