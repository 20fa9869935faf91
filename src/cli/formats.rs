//! `cardbridge formats`: what is known about cards and readers, as tables; with an id, one of them whole.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{
    Globals,
    out::{self, Failure},
    site, table,
};
use crate::{
    card::Kind,
    card::to_hex,
    decode::dialect::Dialect,
    protocols::{Protocols, cards::CardFormat},
    sheet::nearest,
    smartcard::script::Script,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge formats\n  cardbridge formats hid-h10301\n  cardbridge formats --dialects\n  cardbridge formats --scripts --json"
)]
pub struct Arguments {
    /// Show this one whole
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Serial dialects instead of card formats
    #[arg(long)]
    dialects: bool,
    /// Smart-card scripts instead of card formats
    #[arg(long, conflicts_with = "dialects")]
    scripts: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// One known thing: a row of the table, its JSON, and its page.
struct Item {
    names: Vec<String>,
    row: Vec<String>,
    json: Value,
    page: String,
}

pub fn run(globals: &Globals, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let protocols = site::protocols(globals)?;
    let list = match arguments {
        Arguments { dialects: true, .. } => List::Dialects,
        Arguments { scripts: true, .. } => List::Scripts,
        _ => List::Formats,
    };
    match &arguments.id {
        Some(id) => one(&protocols, list, id, arguments.json),
        None => all(list.head(), list.items(&protocols), arguments.json),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Formats,
    Dialects,
    Scripts,
}

impl List {
    const ALL: [Self; 3] = [Self::Formats, Self::Dialects, Self::Scripts];

    const fn head(self) -> &'static [&'static str] {
        match self {
            Self::Formats => &["id", "aliases", "bits", "reads", "checks", "confidence", "name"],
            Self::Dialects => &["id", "aliases", "yields", "confidence", "name"],
            Self::Scripts => &["id", "yields", "confidence", "name"],
        }
    }

    fn items(self, protocols: &Protocols) -> Vec<Item> {
        match self {
            Self::Formats => formats(protocols),
            Self::Dialects => protocols.dialects.iter().map(|dialect| of_dialect(dialect)).collect(),
            Self::Scripts => protocols.scripts.iter().map(|script| of_script(script)).collect(),
        }
    }

    /// What one of it is, and the command that shows it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Formats => ("a card format", "cardbridge formats"),
            Self::Dialects => ("a serial dialect", "cardbridge formats --dialects"),
            Self::Scripts => ("a card script", "cardbridge formats --scripts"),
        }
    }
}

fn named<'a>(items: &'a [Item], id: &str) -> Option<&'a Item> {
    items.iter().find(|item| item.names.iter().any(|name| name.eq_ignore_ascii_case(id)))
}

/// Nothing of the list has this name: one of another list, or what comes near it.
fn unknown(protocols: &Protocols, list: List, id: &str) -> Failure {
    let others: Vec<(List, Vec<Item>)> =
        List::ALL.into_iter().filter(|other| *other != list).map(|other| (other, other.items(protocols))).collect();
    let elsewhere = others.iter().find(|(_, items)| named(items, id).is_some());
    if let Some((what, command)) = elsewhere.map(|(other, _)| other.words()) {
        let message = format!("{id:?} is {what}, and not {}", list.words().0);
        return Failure::impossible("unknown_format", message, format!("`{command} {id}` shows it"));
    }
    if protocols.keyboards.iter().any(|keyboard| keyboard.id.eq_ignore_ascii_case(id)) {
        let help = "a [[reader]] names the dialect of what it types; `cardbridge formats --dialects` shows them all";
        return Failure::impossible("unknown_format", format!("{id:?} is a reader that types, and not {}", list.words().0), help);
    }
    let own = list.items(protocols);
    let near = nearest(id, own.iter().flat_map(|item| item.names.iter().map(String::as_str)));
    let help = near.map_or_else(|| "without an ID, all of them are shown".to_owned(), |near| format!("did you mean `{near}`?"));
    Failure::impossible("unknown_format", format!("nothing is named {id:?}"), help)
}

fn one(protocols: &Protocols, list: List, id: &str, json: bool) -> Result<(), Failure> {
    let items = list.items(protocols);
    let Some(item) = named(&items, id) else { return Err(unknown(protocols, list, id)) };
    if json {
        out::print_json(&item.json)
    } else {
        out::print(&item.page)
    }
    Ok(())
}

fn all(head: &[&str], items: Vec<Item>, json: bool) -> Result<(), Failure> {
    if json {
        items.iter().for_each(|item| out::print_json(&item.json));
        return Ok(());
    }
    table::print(head, &items.into_iter().map(|item| item.row).collect::<Vec<_>>());
    Ok(())
}

fn formats(protocols: &Protocols) -> Vec<Item> {
    let mut formats: Vec<&CardFormat> = protocols.formats.iter().collect();
    formats.sort_by(|a, b| a.format.len().cmp(&b.format.len()).then_with(|| a.format.id.cmp(&b.format.id)));
    formats.iter().map(|format| of_format(format, protocols)).collect()
}

fn of_format(format: &CardFormat, protocols: &Protocols) -> Item {
    let compiled = &format.format;
    let kinds: Vec<&str> = format.kinds.iter().copied().map(Kind::name).collect();
    let fields: Vec<&str> = compiled.fields.iter().map(|field| &*field.name).collect();
    let like = never_told_from(format, protocols);
    let samples: Vec<Value> = format
        .samples
        .iter()
        .map(|sample| {
            let numbers: serde_json::Map<String, Value> =
                sample.credential.numbers().map(|(name, value)| (name.to_owned(), Value::from(value.to_string()))).collect();
            json!({"source": sample.source, "constructed": sample.constructed, "bits": sample.bits.to_string(), "numbers": numbers})
        })
        .collect();
    let page = [
        format!("{}  {}\naliases: {}", compiled.id, format.name, compiled.aliases.join(", ")),
        format!("\n{}", format.layout.trim_end()),
        compiled
            .fields
            .iter()
            .map(|field| format!("\n  {:<16} {} bits, at most {}", field.name, field.positions.len(), field.max()))
            .collect(),
        format!("\nsource: {}\nconfidence: {}\nfile: {}", format.source, format.confidence.name(), format.file),
        format.caveat.as_ref().map(|caveat| format!("caveat: {caveat}")).unwrap_or_default(),
        if format.is_on(&[]) { String::new() } else { "off until [site] formats or a [[card_type]] names it".to_owned() },
        format!("cannot be told from: {}", if like.is_empty() { "(nothing)".to_owned() } else { like.join(", ") }),
        format.samples.iter().map(|sample| format!("\nsample {}  {}", sample.bits, sample.source)).collect(),
    ];
    Item {
        names: compiled.aliases.iter().cloned().chain([compiled.id.to_string()]).collect(),
        row: vec![
            compiled.id.to_string(),
            compiled.aliases.join(" "),
            compiled.len().to_string(),
            kinds.join(" "),
            compiled.checks().present.to_string(),
            if format.is_on(&[]) { format.confidence.name().to_owned() } else { "table (off)".to_owned() },
            format.name.clone(),
        ],
        json: json!({
            "id": &*compiled.id, "name": format.name, "aliases": &*compiled.aliases, "bits": compiled.len(), "kinds": kinds, "fields": fields,
            "checks": compiled.checks().present, "odds": compiled.odds(), "layout": format.layout, "source": format.source,
            "confidence": format.confidence.name(), "on_by_default": format.is_on(&[]), "caveat": format.caveat, "file": format.file, "cannot_be_told_from": like, "samples": samples
        }),
        page: page.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n"),
    }
}

/// The formats that accept every frame this one accepts: same kind and length, and no check or fixed bit of their own.
fn never_told_from(format: &CardFormat, protocols: &Protocols) -> Vec<String> {
    let shares = |other: &&CardFormat| {
        other.format.id != format.format.id
            && other.format.len() == format.format.len()
            && other.kinds.iter().any(|kind| format.kinds.contains(kind))
            && other.format.always_fits_where(&format.format)
    };
    protocols.formats.iter().filter(shares).map(|other| other.format.id.to_string()).collect()
}

fn of_dialect(dialect: &Dialect) -> Item {
    let says = dialect.messages.iter().map(|message| {
        let kind = if message.is_card() { message.kind.name() } else { "talk" };
        format!("  {kind:<18}{}", message.payload.text)
    });
    let host = dialect.host.as_ref().map_or_else(String::new, |host| {
        let asked = host
            .poll
            .as_ref()
            .and_then(|poll| poll.first(dialect))
            .map(|poll| format!("asked every {} ms: {}", host.every.as_millis(), to_hex(&poll)));
        let signals: Vec<&str> = host.signals.iter().map(|(signal, _)| signal.name()).collect();
        let shown = (!signals.is_empty()).then(|| format!("shows: {}", signals.join(", ")));
        [asked, shown].into_iter().flatten().collect::<Vec<_>>().join("\n")
    });
    let samples = dialect.samples.iter().map(|sample| format!("sample {}: {}  {}", to_hex(&sample.frame), sample.reads, sample.source));
    let page = [
        format!("{}  {}\naliases: {}\n", dialect.id, dialect.name, dialect.aliases.join(", ")),
        says.collect::<Vec<_>>().join("\n"),
        String::new(),
        host,
        format!("yields: {}\nline: {} baud", dialect.kind.name(), dialect.line.baud),
        format!("source: {}\nconfidence: {}\nfile: {}", dialect.source, dialect.confidence.name(), dialect.file),
        dialect.caveat.as_ref().map_or_else(String::new, |caveat| format!("caveat: {caveat}")),
        samples.collect::<Vec<_>>().join("\n"),
    ];
    Item {
        names: dialect.aliases.iter().cloned().chain([dialect.id.clone()]).collect(),
        row: vec![
            dialect.id.clone(),
            dialect.aliases.join(" "),
            dialect.kind.name().to_owned(),
            dialect.confidence.name().to_owned(),
            dialect.name.clone(),
        ],
        json: json!({
            "id": dialect.id, "name": dialect.name, "aliases": dialect.aliases, "kind": dialect.kind, "baud": dialect.line.baud,
            "asked": dialect.host.as_ref().is_some_and(|host| host.poll.is_some()), "card_left_ms": dialect.card_left.as_millis() as u64,
            "source": dialect.source, "confidence": dialect.confidence.name(), "caveat": dialect.caveat, "file": dialect.file
        }),
        page: page.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n"),
    }
}

fn of_script(script: &Script) -> Item {
    let says: Vec<String> =
        script.steps.iter().map(|step| step.say.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).collect();
    Item {
        names: vec![script.id.clone()],
        row: vec![script.id.clone(), script.kind.name().to_owned(), script.confidence.name().to_owned(), script.name.clone()],
        json: json!({
            "id": script.id, "name": script.name, "kind": script.kind, "order": script.order, "says": says, "source": script.source,
            "confidence": script.confidence.name(), "file": script.file
        }),
        page: format!(
            "{}  {}\nyields: {}\nsays: {}\nsource: {}\nconfidence: {}\nfile: {}",
            script.id,
            script.name,
            script.kind.name(),
            says.join("; "),
            script.source,
            script.confidence.name(),
            script.file
        ),
    }
}
