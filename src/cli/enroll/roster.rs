//! `cardbridge enroll --roster`, `--repeat`: one person after the other, a tap each, and a report at the end.
//!
//! In: the list, and where an earlier run of it stopped: what is done is read from the outbox, whose entries name their row. Out: a
//! report, and an exit code: 0 all accepted, 1 somebody is left without a card, 3 an outcome is not known yet. Never: a file of its own
//! about who is done.

use std::{
    io::{IsTerminal, stdin, stdout},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use serde_json::json;
use uuid::Uuid;

use super::{
    Arguments, body,
    face::{Face, Lines, Panel},
    keys::Keyboard,
    new_user::NewUser,
    taps,
    who::Picker,
    work::Work,
};
use crate::{
    cli::{
        out::{self, Failure, hint},
        session::Session,
        site::people,
        table,
    },
    file,
    host::{
        Site,
        hear::{self, Hearing},
        platform::files,
    },
    outbox::State,
    roster::{Given, Roster, Row, Rows, SeatState, report},
};

/// No list is longer.
const LARGEST_LIST: u64 = 64 << 20;
/// So many findings are named.
const MOST_FINDINGS: usize = 20;

/// One person of a list after the other.
pub async fn run(site: &Site, arguments: &Arguments, list: &Path) -> Result<ExitCode, Failure> {
    let mut rows = read(site, list, &arguments.person).await?;
    let file = list.file_name().unwrap_or(list.as_os_str()).to_string_lossy().into_owned();
    let mut session = Session::open(site, "enroll", arguments.ordered_by.as_deref()).await?;
    let (run, given) = begin(&mut session, &file, arguments.resume, &rows.rows).await?;
    added_before(&mut session, &mut rows, &given).await?;
    let rows = usable(rows, list)?;
    go(site, arguments, session, Begun { run, file, roster: Roster::new(rows, given), picker: None }).await
}

/// One person after the other, as they come.
pub async fn repeat(site: &Site, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let people = people(site).await?;
    let session = Session::open(site, "enroll", arguments.ordered_by.as_deref()).await?;
    let begun = Begun { run: Uuid::now_v7(), file: String::new(), roster: Roster::open_ended(), picker: Some(Picker::of(people)) };
    go(site, arguments, session, begun).await
}

/// A run, before its first person.
struct Begun {
    run: Uuid,
    file: String,
    roster: Roster,
    picker: Option<Picker>,
}

async fn go(site: &Site, arguments: &Arguments, session: Session<'_>, begun: Begun) -> Result<ExitCode, Failure> {
    let Begun { run, file, roster, picker } = begun;
    taps::hints(site, arguments.reader.as_deref()).iter().for_each(|line| hint(line));
    let template = body(arguments)?;
    let (timeout_s, access_level_groups) = (template.timeout_s.or(Some(hear::WHENEVER)), arguments.access_level_group.clone());
    let template = crate::host::api::body::OrderBody { timeout_s, id: None, access_level_groups, ..template };
    let (face, keyboard) = faces(arguments.json);
    let (is_alone, has_more) = (keyboard.is_none(), picker.is_some());
    let keyboard = keyboard.or_else(|| has_more.then(Keyboard::of_lines));
    let mut work = Work {
        session,
        roster,
        face,
        template,
        run,
        file,
        listener: Uuid::now_v7(),
        json: arguments.json,
        patience: arguments.outcome_timeout.map_or(site.config.wait, Duration::from_secs),
        hearing: Hearing::default(),
        typed: String::new(),
        until: None,
        is_stopped: false,
        picker,
        passing_since: None,
        is_alone,
        has_more,
    };
    let gone = work.go(keyboard).await;
    let Work { session, mut roster, .. } = work;
    let open: Vec<Uuid> =
        roster.seats().iter().flat_map(|seat| &seat.given).filter(|given| !given.is_over()).map(|given| given.id).collect();
    for event in session.end_with_all(&open).await.iter().filter_map(hear::entry) {
        roster.handle(event, Uuid::now_v7());
    }
    let reported = tell(&roster, arguments);
    if arguments.roster.is_some() && roster.seats().iter().any(|seat| seat.state != SeatState::Done) {
        hint("`--resume` goes on behind those who have their card");
    }
    gone?;
    reported?;
    Ok(code(&roster))
}

fn wrong(list: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::usage("roster", format!("{}: {why}", list.display()), "correct the list")
}

/// The people of a list.
async fn read(site: &Site, list: &Path, shared: &NewUser) -> Result<Rows, Failure> {
    let bytes = file::read(list, LARGEST_LIST).map_err(|error| wrong(list, error))?;
    let people = people(site).await?;
    let mut read = Rows::read(&bytes, &people, &NewUser::headings()).map_err(|finding| wrong(list, finding))?;
    read.make_new(shared.making());
    Ok(read)
}

/// Nobody is added a second time because their list is used a second time.
async fn added_before(session: &mut Session<'_>, rows: &mut Rows, given: &[(usize, Given)]) -> Result<(), Failure> {
    if rows.rows.iter().any(|row| row.user_id.is_nil()) {
        let outbox = session.asks(async |client| client.outbox(&[]).await).await?;
        match hear::added_before(&outbox, rows, given) {
            0 => {}
            1 => hint("one of these people was added here before, and keeps the user they have"),
            known => hint(&format!("{known} of these people were added here before, and keep the users they have")),
        }
    }
    Ok(())
}

/// Those who can be used; what is wrong in the list is said.
fn usable(read: Rows, list: &Path) -> Result<Vec<Row>, Failure> {
    for finding in read.findings.iter().take(MOST_FINDINGS) {
        hint(&format!("{}, {finding}", list.display()));
    }
    if read.findings.len() > MOST_FINDINGS {
        hint(&format!("and {} more", read.findings.len() - MOST_FINDINGS));
    }
    if !read.unused.is_empty() {
        hint(&format!("{}: these columns say nothing here: {}", list.display(), read.unused.join(", ")));
    }
    if read.rows.is_empty() {
        return Err(wrong(list, "nobody in it can be used"));
    }
    Ok(read.rows)
}

/// The key of the run, and what was given in it before.
async fn begin(session: &mut Session<'_>, file: &str, resume: bool, rows: &[Row]) -> Result<(Uuid, Vec<(usize, Given)>), Failure> {
    let outbox = session.asks(async |client| client.outbox(&[("roster", file.to_owned())]).await).await?;
    let Some((last, given)) = hear::earlier(&outbox, rows) else { return Ok((Uuid::now_v7(), Vec::new())) };
    let done = given.iter().filter(|(_, given)| given.stands()).count();
    if resume {
        hint(&format!("going on with {file}: {done} of {} are done", rows.len()));
        return Ok((last, given));
    }
    if done > 0 && done < rows.len() {
        hint(&format!("{done} of these {} people got a card in an earlier run of {file}; --resume goes on with that one", rows.len()));
    }
    Ok((Uuid::now_v7(), Vec::new()))
}

/// A panel and a keyboard at a terminal; lines where there is none.
fn faces(json: bool) -> (Face, Option<Keyboard>) {
    let has_keys = !json && stdin().is_terminal();
    let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    match (has_keys && stdout().is_terminal() && !is_dumb, has_keys) {
        (true, _) => (Face::Panel(Panel::default()), Some(Keyboard::of_terminal())),
        (false, true) => (Face::Lines(Lines::default()), Some(Keyboard::of_lines())),
        (false, false) => (Face::Lines(Lines::beside(json)), None),
    }
}

fn tell(roster: &Roster, arguments: &Arguments) -> Result<(), Failure> {
    let rows = roster.report();
    if arguments.json {
        for seat in roster.seats().iter().filter(|seat| seat.state != SeatState::Done) {
            let (outcome, why) = match &seat.state {
                SeatState::Skipped => ("skipped", None),
                SeatState::Aside(why) => ("set_aside", Some(why)),
                SeatState::Due | SeatState::Done => ("not_yet", None),
            };
            out::print_json(
                &json!({"row": seat.row.number, "user_id": seat.row.user_id, "name": seat.row.name, "outcome": outcome, "why": why}),
            );
        }
    } else {
        let closing = roster.closing();
        if !closing.done.is_empty() {
            table::print(&report::SHOWN, &closing.done);
        }
        closing.open.iter().for_each(|line| table::text(line));
        table::text(&closing.words);
    }
    let Some(path) = &arguments.report else { return Ok(()) };
    let failed =
        |why: String| Failure::impossible("report", format!("{}: {why}", path.display()), "`cardbridge outbox list` shows the same");
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(report::HEADINGS).and_then(|()| rows.iter().try_for_each(|row| writer.write_record(row)));
    written.map_err(|error| failed(error.to_string()))?;
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    files::write(path, &bytes).map_err(|error| failed(error.to_string()))
}

/// 0 where all are accepted, 1 where somebody is left without a card, 3 where an outcome is not known yet.
fn code(roster: &Roster) -> ExitCode {
    let standing: Vec<Option<&Given>> = roster.seats().iter().map(|seat| seat.given.iter().rev().find(|given| given.stands())).collect();
    let is_wrong = |given: &Option<&Given>| given.is_none_or(|given| given.seen.end.as_deref() == Some("stored_differs"));
    let is_open = |given: &Option<&Given>| given.is_some_and(|given| given.seen.state != State::Accepted);
    match (standing.iter().any(is_wrong), standing.iter().any(is_open)) {
        (true, _) => ExitCode::from(1),
        (false, true) => ExitCode::from(3),
        (false, false) => ExitCode::SUCCESS,
    }
}
