//! `cardbridge outbox deliver`: what waits is sent, and what still waits then is said.
//!
//! In: a station, here or elsewhere. Out: how each entry ended, and the exit code. Never: the end before the station has come to rest.

use std::process::ExitCode;

use serde_json::Value;

use crate::{
    cli::{
        out::{self, Failure},
        session::{Session, refused},
    },
    host::client::{AskError, Said},
};

/// Delivers until nothing more can be sent for a while.
pub(super) async fn deliver(session: &mut Session<'_>, json: bool) -> Result<ExitCode, Failure> {
    loop {
        match delivered(session, json).await {
            // The next station goes on.
            Err(AskError::Gone) => session.again().await?,
            Err(error) => return Err(refused(error)),
            Ok(Rest::Reached) => break,
            Ok(Rest::Interrupted) => {
                out::hint("interrupted; what waits stays, and `cardbridge outbox list` shows it");
                return Ok(ExitCode::from(3));
            }
        }
    }
    let outbox = session.asks(async |client| client.outbox(&[]).await).await?;
    let findings: Vec<&str> = outbox.at("findings").as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    findings.iter().for_each(|finding| out::hint(finding));
    // An entry that needs a person, or that BluSKY refuses to take now, has an end for whoever follows it. It still waits.
    let is_open = |told: &Value| ["saved", "sending", "in_doubt"].contains(&told.at("entry").text("state"));
    let waits = |told: &&Value| told.at("end").is_null() || is_open(told);
    let count = outbox.at("entries").as_array().map_or(0, |entries| entries.iter().filter(waits).count());
    if count > 0 {
        let station = session.asks(async |client| client.station().await).await?;
        let why = [station.at("store").text("why"), station.at("blusky").text("stopped")].into_iter().find(|why| !why.is_empty());
        why.iter().for_each(|why| out::hint(&format!("nothing is delivered: {why}")));
        let entries = if count == 1 { "one entry still waits".to_owned() } else { format!("{count} entries still wait") };
        out::hint(&format!("{entries}; `cardbridge outbox list` shows why"));
    }
    Ok(ExitCode::from(match (findings.is_empty(), count) {
        // What is damaged waits for somebody who looks at it.
        (false, _) => 1,
        (true, 0) => 0,
        (true, _) => 3,
    }))
}

/// Why a delivery is not followed any more.
enum Rest {
    /// Nothing more can be sent for a while.
    Reached,
    /// Somebody has interrupted it.
    Interrupted,
}

/// Follows the station until it has come to rest, or somebody interrupts. It is gone where another process wants its place.
async fn delivered(session: &Session<'_>, json: bool) -> Result<Rest, AskError> {
    let mut notices = session.client.notices(None).await?;
    let rest = session.client.deliver();
    tokio::pin!(rest);
    // What was told before it came to rest is shown, too.
    let (mut heard, mut last) = (0, None);
    while last.is_none_or(|last| heard < last) {
        let notice = tokio::select! {
            notice = notices.next() => notice.ok_or(AskError::Gone)?,
            told = &mut rest, if last.is_none() => {
                last = Some(told?);
                continue;
            }
            () = session.handed_over() => return Err(AskError::Gone),
            () = out::interrupted() => return Ok(Rest::Interrupted),
        };
        heard = notice.at("number").as_u64().unwrap_or(heard);
        show(&notice, json);
    }
    Ok(Rest::Reached)
}

fn show(notice: &Value, json: bool) {
    let has_ended = !notice.at("end").is_null();
    match notice.text("kind") {
        "enrollment" if has_ended && json => out::print_json(notice.at("entry")),
        "enrollment" if has_ended => out::print(&format!("{}  {}", notice.text("enrollment"), notice.text("words"))),
        "away" => out::hint(notice.text("words")),
        _ => {}
    }
}
