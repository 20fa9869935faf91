//! `cardbridge audit`: whether the record is whole, the record itself, and one person, or what is old, erased from it.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::{DateTime, Local, NaiveDate, NaiveTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    Globals,
    out::{self, Failure},
    site::{self, Look},
};
use crate::{
    host::{Site, anchor_file, platform::access},
    store::{
        Store, StoreError,
        sqlite::{Accepted, Database},
    },
    text::cell,
    views::audit,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge audit verify\n  cardbridge audit export > record.csv\n  cardbridge audit export --json\n  \
                        cardbridge audit erase --user 1815\n  cardbridge audit erase --before 2025-01-01\n\nAll of them work beside a station that runs."
)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// One JSON object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Look whether anything was changed, taken out, put elsewhere or cut off; exit code 1 where it was
    #[command(after_help = "Examples:\n  cardbridge audit verify\n  cardbridge audit verify --anchor /mnt/other/anchor\n\n\
                            Without an anchor, nobody can tell a record whose end was cut off from a shorter one.")]
    Verify {
        /// The file with the anchor [default: [store] anchor]
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Write down how far the record has come: this store is the right one, whatever the anchor said
    #[command(after_help = "Examples:\n  cardbridge audit accept\n  cardbridge audit accept --anchor /mnt/other/anchor")]
    Accept {
        /// The file with the anchor [default: [store] anchor]
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Tell the whole record, oldest first: as CSV, or with --json as one object a line
    #[command(after_help = "Examples:\n  cardbridge audit export > record.csv\n  cardbridge audit export --json > record.jsonl")]
    Export,
    /// Take the name, the user ID and the cards of a person out of the record, or everything that is old, for good
    #[command(group(clap::ArgGroup::new("whom").required(true)))]
    #[command(after_help = "Examples:\n  cardbridge audit erase --user 1815\n  cardbridge audit erase --before 2025-01-01\n\n\
                            The chain stays valid, and says who erased and when. What may still be sent is not erased: of a person, \
                            discard it first; of what is old, it stays and is counted. Their name is blotted out of BluSKY's answers to \
                            others, and their line goes from BluSKY's list of people as it was kept here. What stays: their user ID \
                            where it says who had another's card before, their name as whoever ordered something for others, a list in a \
                            file, logs, exports and backups.")]
    Erase {
        /// Whom: a GUID, or an employee number or name of [people]
        #[arg(long, value_name = "WHO", value_parser = out::some_text, group = "whom")]
        user: Option<String>,
        /// Everything that was saved before this and has come to its end: a day (2025-01-01), or a time with its offset
        #[arg(long, value_name = "DATE", group = "whom", value_parser = moment)]
        before: Option<DateTime<Utc>>,
        /// The name that is recorded as whoever erased them [default: this Unix user]
        #[arg(long = "as", value_name = "NAME", value_parser = out::some_text)]
        by: Option<String>,
    },
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let (mut record, json) = (site::open_record(&site)?, arguments.json);
    let place = |given: Option<PathBuf>| given.or_else(|| site.config.anchor.clone());
    let ended = match arguments.action {
        Action::Verify { anchor } => verify(&mut record, place(anchor).as_deref(), json),
        Action::Accept { anchor } => accept(&mut record, place(anchor).as_deref(), json),
        Action::Export => export(&mut record, site.config.anchor.as_deref(), json),
        Action::Erase { user, before, by } => {
            let (what, names) = whom(&site, user, before).await?;
            // It goes on with the record: not with one older than its anchor, and the anchor goes on with it.
            if let Some(anchor) = &site.config.anchor {
                record = record.anchored(anchor_file(anchor)).map_err(failed)?;
            }
            erase(&mut record, what, &names, &by.unwrap_or_else(access::user), json)
        }
    };
    Box::new(record).close();
    ended
}

/// What is erased.
#[derive(Debug, Clone, Copy)]
enum Erase {
    User(Uuid),
    Before(DateTime<Utc>),
}

/// Whom or what to erase, and what they are called.
async fn whom(site: &Site, user: Option<String>, before: Option<DateTime<Utc>>) -> Result<(Erase, Vec<String>), Failure> {
    let user = match (user, before) {
        (Some(user), _) => site::who(site, &user).await?,
        (None, Some(before)) => return Ok((Erase::Before(before), Vec::new())),
        (None, None) => {
            return Err(Failure::usage("whom", "nobody is named", "name them with --user WHO, or what is old with --before DATE"));
        }
    };
    Ok((Erase::User(user), names(site, user).await))
}

/// A day by the clock on the wall, or a time with its offset; what lies ahead is not old.
fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_local_timezone(Local).earliest();
    let at = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok().or_else(|| Some(day()?.to_utc()));
    let at = at.ok_or("a day is written 2025-01-01, a time 2025-01-01T00:00:00+01:00")?;
    if at > Utc::now() { Err("it lies ahead: all would be erased".to_owned()) } else { Ok(at) }
}

/// What a person is called, as far as it is known here.
async fn names(site: &Site, user: Uuid) -> Vec<String> {
    let Some(person) = site::people(site).await.ok().and_then(|people| people.person(user)) else { return Vec::new() };
    let first = [person.first_name, person.nickname].into_iter().filter(|first| !first.is_empty());
    first.map(|first| format!("{first} {}", person.last_name)).collect()
}

fn erase(record: &mut Database, what: Erase, names: &[String], by: &str, json: bool) -> Result<ExitCode, Failure> {
    let erased = match what {
        Erase::User(user) => record.erase(user, names, by, Utc::now()),
        Erase::Before(before) => record.erase_before(before, by, Utc::now()),
    };
    let erased = erased.map_err(failed)?;
    if json {
        out::print_json(&json!({
            "entries": erased.entries, "of_others": erased.of_others, "blotted": erased.blotted, "open": erased.open, "damaged": erased.damaged,
            "was_listed": erased.was_listed, "is_gone": erased.is_gone
        }));
    } else {
        out::print(&format!("{} erased", entries(erased.entries)));
    }
    if erased.blotted > 0 {
        out::hint(&format!("their name was blotted out of what BluSKY answered to others, in {}", entries(erased.blotted)));
    }
    if erased.was_listed {
        out::hint("their line is gone from the kept list of people, too; while they are in BluSKY, the next list has it again");
    }
    if erased.of_others > 0 {
        let words = "of others name them as the holder before, by their user ID; that is the others' record, and stays";
        out::hint(&format!("{} {words}", entries(erased.of_others)));
    }
    if erased.open > 0 {
        let words = match what {
            Erase::User(_) => "of others may name them in BluSKY's words still, and have not come to their end; erase once more then",
            Erase::Before(_) => "of that time may still be sent, or may have arrived, and stay; `cardbridge outbox list` shows them",
        };
        out::hint(&format!("{} {words}", entries(erased.open)));
    }
    if !erased.is_gone {
        let help = "end what runs (`cardbridge run`), and erase once more";
        return Err(Failure::impossible("in_use", "somebody is at work in the store, and its log may hold them still", help));
    }
    if erased.damaged > 0 {
        let help = "`cardbridge audit verify` names them; only with the store itself do they go";
        let message = format!("{} of whomever cannot be read, for they are damaged, and stay as they are", entries(erased.damaged));
        return Err(Failure::impossible("damaged", message, help));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is wrong with the record, as far as its anchor can tell, too.
fn findings(record: &mut Database, anchor: Option<&Path>) -> Result<Vec<String>, Failure> {
    let mut findings = record.findings().map_err(failed)?;
    findings.extend(record.wrong_secrets().map_err(failed)?);
    if let Some(path) = anchor {
        match anchor_file(path).read().map_err(failed)? {
            Some(anchor) => match record.holds(&anchor) {
                Ok(true) => {}
                Ok(false) => findings.push(format!(
                    "the record does not hold what the anchor {} says of its first {} records: its end was cut off, or it is an older or another one",
                    path.display(),
                    anchor.records
                )),
                // The head cannot be read, which was found already.
                Err(error) => findings.extend(Some(error.to_string()).filter(|error| !findings.contains(error))),
            },
            None => {
                let help = format!("`cardbridge audit accept --anchor {}` makes it", path.display());
                return Err(Failure::impossible("anchor", format!("there is no anchor {}", path.display()), help));
            }
        }
    }
    Ok(findings)
}

fn verify(record: &mut Database, anchor: Option<&Path>, json: bool) -> Result<ExitCode, Failure> {
    let findings = findings(record, anchor)?;
    let now = record.anchor().ok();
    let records = now.as_ref().map_or(0, |anchor| anchor.records);
    if json {
        let link = now.map(|anchor| anchor.link);
        out::print_json(&json!({ "is_whole": findings.is_empty(), "records": records, "link": link, "findings": findings }));
    } else if findings.is_empty() {
        let compared = anchor.map_or("; whether its end was cut off, only an anchor can tell".to_owned(), |_| String::new());
        out::print(&format!("the record is whole: {records} records{compared}"));
    } else {
        findings.iter().for_each(|finding| out::print(finding));
    }
    Ok(ExitCode::from(u8::from(!findings.is_empty())))
}

fn accept(record: &mut Database, anchor: Option<&Path>, json: bool) -> Result<ExitCode, Failure> {
    let help = "name it with --anchor FILE, or as `anchor` under [store]";
    let path = anchor.ok_or_else(|| Failure::usage("anchor", "there is no file for the anchor", help))?;
    let accepted = record.accept(&anchor_file(path), Utc::now()).map_err(failed)?;
    if !json {
        told(&accepted);
    }
    if let Some(error) = accepted.not_written {
        return Err(failed(error));
    }
    let findings = findings(record, Some(path))?;
    if json {
        out::print_json(&json!({
            "records": accepted.now.records, "link": accepted.now.link, "before": accepted.before.map(|before| before.records),
            "in_doubt": accepted.in_doubt, "has_new_head": accepted.has_new_head, "findings": findings
        }));
    } else {
        out::print(&format!("{} says now that the store has {} records", path.display(), accepted.now.records));
        findings.iter().for_each(|finding| out::hint(finding));
    }
    Ok(ExitCode::from(u8::from(!findings.is_empty())))
}

/// What was done with the store.
fn told(accepted: &Accepted) {
    if accepted.has_new_head {
        out::hint("the head of its chain was damaged, and was made anew from what is there");
    }
    if !accepted.is_behind {
        return;
    }
    // Each entry in doubt is one record more.
    let found = accepted.now.records.saturating_sub(accepted.in_doubt as u64);
    out::hint(&match accepted.before.as_ref().map(|before| before.records) {
        None => "there was no anchor that can be read: nobody can tell what this store lacks".to_owned(),
        Some(known) if known < found => format!("the anchor knew of {known} of {found} records: whether more stood there nobody can tell"),
        Some(known) => format!("the anchor knew of {known} records; what this store lacks of them it does not get back"),
    });
    out::hint(&format!("{} may have been sent already: BluSKY is asked before anything of them is sent", entries(accepted.in_doubt)));
}

fn export(record: &mut Database, anchor: Option<&Path>, json: bool) -> Result<ExitCode, Failure> {
    match tell(record, json, &mut io::stdout().lock())? {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        Err(error) => return Err(Failure::impossible("output", format!("the record cannot be written: {error}"), "")),
        Ok(()) => {}
    }
    // Nobody takes an edited record for what was written down.
    let findings = findings(record, anchor)?;
    findings.iter().for_each(|finding| out::hint(finding));
    Ok(ExitCode::from(u8::from(!findings.is_empty())))
}

/// Writes the record, page by page: what is wrong with it, or with where it goes.
fn tell(record: &mut Database, json: bool, to: &mut impl Write) -> Result<io::Result<()>, Failure> {
    if !json && let Err(error) = to.write_all(&rows([audit::headings()])?) {
        return Ok(Err(error));
    }
    let mut last = 0;
    loop {
        let page = record.records_after(last).map_err(failed)?;
        let Some(place) = page.iter().map(|(place, _)| *place).max().filter(|place| *place > last) else { break };
        last = place;
        let told = page.iter().map(|(_, record)| record);
        let lines =
            if json { told.map(|record| format!("{record}\n")).collect::<String>().into_bytes() } else { rows(told.map(audit::row))? };
        if let Err(error) = to.write_all(&lines) {
            return Ok(Err(error));
        }
    }
    Ok(to.flush())
}

/// Rows as CSV.
fn rows<R: IntoIterator<Item: AsRef<str>>>(rows: impl IntoIterator<Item = R>) -> Result<Vec<u8>, Failure> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let failed = |why: String| Failure::impossible("output", why, "");
    rows.into_iter()
        .try_for_each(|row| table.write_record(row.into_iter().map(|text| cell(text.as_ref()))))
        .map_err(|error| failed(error.to_string()))?;
    table.into_inner().map_err(|error| failed(error.to_string()))
}

fn entries(count: usize) -> String {
    if count == 1 { "one entry".to_owned() } else { format!("{count} entries") }
}

fn failed(error: StoreError) -> Failure {
    let code = match error {
        StoreError::NotSettled(_) => "not_settled",
        _ => "store",
    };
    Failure::impossible(code, error.to_string(), "")
}
