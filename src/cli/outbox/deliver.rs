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
            Ok(()) => break,
        }
    }
    let outbox = session.asks(async |client| client.outbox(&[]).await).await?;
    let findings: Vec<&str> = outbox.at("findings").as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    findings.iter().for_each(|finding| out::hint(finding));
    let waits = |entry: &&Value| entry.at("end").is_null();
    let count = outbox.at("entries").as_array().map_or(0, |entries| entries.iter().filter(waits).count());
    if count > 0 {
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

/// Follows the station until it has come to rest, or somebody interrupts.
async fn delivered(session: &Session<'_>, json: bool) -> Result<(), AskError> {
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
            () = out::interrupted() => break,
        };
        heard = notice.at("number").as_u64().unwrap_or(heard);
        show(&notice, json);
    }
    Ok(())
}

fn show(notice: &Value, json: bool) {
    let has_ended = !notice.at("end").is_null();
    match notice.text("kind") {
        "enrollment" if has_ended && json => out::print_json(notice.at("entry")),
        "enrollment" if has_ended => out::print(&format!("{}  {}", notice.text("enrollment"), notice.text("words"))),
        "away" | "stopped" => out::hint(notice.text("words")),
        _ => {}
    }
}
