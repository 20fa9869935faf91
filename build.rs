//! Builds the protocol files in, each with what can be known of it without reading it whole: its names, and how many bits its
//! drawing has. So a command that reads one card reads the files that can speak about it, and no others; and what it reads is a file's
//! values, taken out of its text here.
//!
//! In: the files of `protocols/`, and those with the desk page's words. Out: a table of them, as Rust. Never: a fact of a file's own; what is wrong in one is said when it
//! is read, and a test reads them all.

#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use toml_span::{Value, value::ValueInner};

/// The bits of a character on a track.
const CHARACTER: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=protocols");
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu") {
        // Where the addresses in its tables stand takes 4 KB instead of 670, all of which is read at every start.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("protocols");
    let (mut table, mut texts) = ("[\n".to_owned(), String::new());
    for room in entries(&folder)?.iter().filter(|room| room.is_dir()) {
        for path in entries(room)?.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
            let text = fs::read_to_string(path)?;
            let mut value = toml_span::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            let values = without_samples(&mut value)?;
            let (names, length, file) = (names(&value), length(&value), path.strip_prefix(&folder)?);
            let from = texts.len();
            texts.push_str(&text);
            writeln!(table, "BuiltIn {{ path: {file:?}, text: {from}..{}, values: {values:?},", texts.len())?;
            let digest: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02X}")).collect();
            writeln!(table, "digest: {digest:?}, names: &{names:?}, length: {length:?} }},")?;
        }
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("built_in.rs"), table + "]\n")?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("texts"), texts)?;
    languages()
}

/// The languages of the desk page: a file each, of its two letters. English is the first.
fn languages() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/desk/words");
    let mut files = entries(&Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("src/desk/words"))?;
    files.sort_by_key(|path| (!path.ends_with("en.toml"), path.clone()));
    let (mut table, mut names) = ("&[\n".to_owned(), Vec::new());
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
        let language = path.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(table, "({language:?}, include_str!({path:?})),")?;
        names.push(language.into_owned());
    }
    // The configuration, which stands below the page, knows their names alone.
    fs::write(Path::new(&env::var("OUT_DIR")?).join("language_names.rs"), format!("&{names:?}"))?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("languages.rs"), table + "]\n")?;
    Ok(())
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// All that a file says, as JSON; what proves it is proved by a test.
fn without_samples(value: &mut Value<'_>) -> Result<String, serde_json::Error> {
    let mut said = value.take();
    if let ValueInner::Table(table) = &mut said {
        table.remove("sample");
    }
    value.set(said);
    serde_json::to_string(&InOrder(value))
}

/// A value whose tables are written in the order in which they stand in the file.
struct InOrder<'v>(&'v Value<'v>);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.as_ref() {
            ValueInner::String(text) => to.serialize_str(text),
            ValueInner::Integer(number) => to.serialize_i64(*number),
            ValueInner::Float(number) => to.serialize_f64(*number),
            ValueInner::Boolean(is) => to.serialize_bool(*is),
            ValueInner::Array(items) => to.collect_seq(items.iter().map(InOrder)),
            ValueInner::Table(table) => {
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_by_key(|(key, _)| key.span.start);
                to.collect_map(entries.into_iter().map(|(key, value)| (&key.name, InOrder(value))))
            }
        }
    }
}

/// Its id and its aliases.
fn names<'t>(value: &'t Value<'_>) -> Vec<&'t str> {
    let aliases = value.pointer("/aliases").and_then(Value::as_array).into_iter().flatten();
    value.pointer("/id").into_iter().chain(aliases).filter_map(Value::as_str).collect()
}

/// How many bits its picture has; none where it draws none, or a track of any length.
fn length(value: &Value<'_>) -> Option<usize> {
    let text = |key| value.pointer(key).and_then(Value::as_str);
    let track = || text("/track").filter(|track| !track.contains('+')).map(|track| (track.len() + 1) * CHARACTER);
    text("/layout").and_then(|layout| layout.lines().find(|row| !row.trim().is_empty())).map(|row| row.trim_end().len()).or_else(track)
}
