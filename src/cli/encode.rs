//! `cardbridge encode`: numbers in, bits out.

use std::process::ExitCode;

use serde_json::json;

use super::{
    Globals,
    out::{self, Failure},
    site,
};
use crate::{card::Credential, sheet::nearest};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge encode --format hid-h10301 --facility-code 123 --card-number 4567\n  \
                        cardbridge encode --format H10302 --card-number 98765 --json")]
pub struct Arguments {
    /// The format's id or one of its aliases
    #[arg(long, value_name = "ID")]
    format: String,
    /// The facility code
    #[arg(long, value_name = "N")]
    facility_code: Option<u128>,
    /// The card number
    #[arg(long, value_name = "N")]
    card_number: Option<u128>,
    /// The issue code [default: 0 where the format has one]
    #[arg(long, value_name = "N")]
    issue_code: Option<u128>,
    /// The OEM code [default: 0 where the format has one]
    #[arg(long, value_name = "N")]
    oem_code: Option<u128>,
    /// Any other field of the format
    #[arg(long = "field", value_name = "NAME=N", value_parser = field)]
    fields: Vec<(String, u128)>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

fn field(text: &str) -> Result<(String, u128), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=N")?;
    Ok((name.to_owned(), value.parse().map_err(|_| format!("{value:?} is not a whole number"))?))
}

pub fn run(globals: &Globals, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let protocols = site::protocols(globals)?;
    let Some(format) = protocols.format(&arguments.format) else {
        let ids = protocols.formats.iter().map(|format| &*format.format.id);
        let near = nearest(&arguments.format, ids).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let message = format!("no card format is named {:?}", arguments.format);
        return Err(Failure::usage("unknown_format", message, format!("{near}`cardbridge formats` shows them all")));
    };
    let mut credential = Credential::default();
    let named = [
        ("facility_code", arguments.facility_code),
        ("card_number", arguments.card_number),
        ("issue_code", arguments.issue_code),
        ("oem_code", arguments.oem_code),
    ];
    let given = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in given.chain(arguments.fields.iter().map(|(name, value)| (name.as_str(), *value))) {
        if u64::try_from(value).is_err() && matches!(name, "facility_code" | "issue_code" | "oem_code") {
            return Err(Failure::usage("encode", format!("{name} is {value}, and no format holds more than {}", u64::MAX), ""));
        }
        if credential.number(name).is_some() {
            return Err(Failure::usage("encode", format!("{name} is given twice"), "give each number once"));
        }
        credential.set(name, value);
    }
    let bits = format.encode(&credential).map_err(|error| Failure::usage("encode", error.to_string(), "correct the number"))?;
    let carried = format.format.carries();
    let literal = format.literal(&bits).map(|literal| literal.to_string());
    if arguments.json {
        let warnings: &[&str] = if carried { &["carried_bits_are_0"] } else { &[] };
        out::print_json(&json!({
            "format": &*format.format.id, "bits": bits.to_string(), "binary": bits.to_binary(), "length": bits.len(), "literal": literal,
            "warnings": warnings
        }));
        return Ok(ExitCode::SUCCESS);
    }
    out::print(&format!("{}\n{}", literal.as_ref().unwrap_or(&bits.to_string()), bits.to_binary()));
    if literal.is_none() {
        let kinds = format.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        out::hint(&format!(
            "note: {} is read from {kinds} only; `cardbridge decode` would take these bits for a Wiegand card's",
            format.format.id
        ));
    }
    if carried {
        out::hint("note: bits that nobody understands are written as 0; a real card may carry others");
    }
    Ok(ExitCode::SUCCESS)
}
