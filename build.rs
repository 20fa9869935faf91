//! Builds the protocol files in anew whenever one of them comes, goes or changes: the macro that embeds them cannot tell.

#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=protocols");
}
