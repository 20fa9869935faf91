//! The way of an enrollment that is on disk: delivered from here where no other process does, shown state by state, and
//! waited for until it is settled.

use std::{
    io::{BufRead, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use chrono::Utc;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use super::{
    out::{self, Failure, interrupted},
    site,
};
use crate::{
    access::Operation,
    blusky::{call, client::Client, settings::Settings},
    card::DecidedBy,
    enroll::origin::Origin,
    host::{
        Site,
        deliver::{Deliverer, Rules},
    },
    outbox::{Entry, Reassign, State, Step},
    store::{StoreError, StoreHandle},
    views,
};

/// How an enrollment's way is shown, and how long its outcome is waited for.
pub struct Showing {
    /// JSON lines instead of text.
    pub json: bool,
    /// How long the outcome is waited for.
    pub patience: Duration,
    /// Of JSON only the last line.
    last: bool,
    shown: Option<(State, Option<String>)>,
    /// The last line of JSON.
    printed: Option<String>,
    /// How much of the entry's way has been shown, in steps and one for its beginning.
    seen: usize,
}

impl Showing {
    /// Nothing shown yet.
    pub const fn new(json: bool, patience: Duration) -> Self {
        Self { json, patience, last: false, shown: None, printed: None, seen: 0 }
    }

    /// The same, with one line of JSON when all is over.
    pub fn of_last(json: bool, patience: Duration) -> Self {
        Self { last: true, ..Self::new(json, patience) }
    }

    /// Shows what of its way has not been shown yet.
    fn follow(&mut self, entry: &Entry) {
        for then in views::enrollment::states_since(entry, self.seen) {
            self.show(&then);
        }
        self.seen = entry.steps().len() + 1;
    }

    /// Shows the entry as it is at the end: the last line says all that is known, and nothing older.
    fn end(&mut self, entry: &Entry) {
        self.follow(entry);
        if self.json {
            self.print(entry);
        } else {
            self.show(entry);
        }
    }

    /// Prints a line of JSON that is not the last one over again.
    fn print(&mut self, entry: &Entry) {
        let line = views::enrollment::json(entry);
        let text = serde_json::to_string(&line).unwrap_or_default();
        if self.printed.as_ref() != Some(&text) {
            out::print_json(&line);
            self.printed = Some(text);
        }
    }

    /// Shows a state, but not the same failure again at every further try.
    fn show(&mut self, entry: &Entry) {
        let progress = entry.progress();
        let now = (progress.state, progress.why.clone());
        let is_another_try = now.0 == State::Sending && matches!(&self.shown, Some((State::Saved, Some(_))));
        if is_another_try || self.shown.as_ref() == Some(&now) {
            return;
        }
        self.shown = Some(now);
        if self.json && self.last {
            return;
        }
        if self.json {
            self.print(entry);
        } else {
            out::print(&views::enrollment::text(entry));
        }
    }
}

/// How often the store is asked how far an entry has got that another process delivers.
const LOOK: Duration = Duration::from_millis(50);

/// Refuses what BluSKY would refuse or lose; gives the way to it.
pub fn judge(site: &Site, operation: &Operation) -> Result<Settings, Failure> {
    let blusky = site::blusky(site)?;
    let judged = call::judge(operation, site.config.integer_width, blusky.wire);
    judged.map_err(|wrong| Failure::usage("member", wrong.to_string(), "nothing was sent"))?;
    Ok(blusky)
}

/// Writes an operation down once it is judged sound, and follows it.
pub async fn order(site: &Site, store: &StoreHandle, operation: Operation, showing: Showing) -> Result<ExitCode, Failure> {
    let blusky = judge(site, &operation)?;
    let origin = Origin { ordered_by: Some(site::this_user()), ..Origin::default() };
    let entry = Entry { origin, ..Entry::of(Uuid::now_v7(), Utc::now(), operation, Reassign::Never) };
    let id = entry.id;
    store.save(entry).await.map_err(|error| Failure::impossible("store", error.to_string(), "nothing was sent"))?;
    outcome(site, store, blusky, id, showing).await
}

/// Shows an entry's way until it is settled, delivering it from here where no other process does.
pub async fn outcome(site: &Site, store: &StoreHandle, blusky: Settings, id: Uuid, mut showing: Showing) -> Result<ExitCode, Failure> {
    let rules = Rules { parallel: site.config.parallel, shows_within: blusky.shows_within };
    let client = Client::new(blusky).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    let delivery = Deliverer::start(store.clone(), &site.config.store, client, rules, "enroll");
    let unread = |error: StoreError| Failure::impossible("store", error.to_string(), "what was saved stays saved");
    let (mut entry, why) = watch(store, id, &mut showing).await.map_err(unread)?;
    let is_settled = matches!(why, Why::Settled);
    if is_settled {
        // What others have left behind is delivered after the last line, not before it.
        showing.end(&entry);
    }
    // Ctrl-C ends at once: what is under way is in doubt then, and the read-back settles it.
    let ended = async {
        match why {
            Why::Settled => delivery.finish().await,
            Why::Patience => delivery.end().await,
            Why::Interrupted => {}
        }
    };
    tokio::select! {
        () = ended => {}
        () = interrupted() => {}
    }
    if !is_settled {
        // The answer to the call that was under way may have come meanwhile.
        entry = store.entry(id).await.map_err(unread)?;
        showing.end(&entry);
    }
    let progress = entry.progress();
    Ok(match progress.state {
        State::Accepted => ExitCode::SUCCESS,
        State::Refused | State::Discarded => {
            if progress.awaits_reassignment() {
                out::hint("somebody holds this card; `--reassign` takes it from them");
            }
            ExitCode::from(1)
        }
        State::InDoubt if progress.needs_a_person() => {
            out::hint(&format!("nothing is sent again until somebody has looked; `cardbridge outbox show {}` shows its way", entry.id));
            ExitCode::from(3)
        }
        State::Saved | State::Sending | State::InDoubt => {
            out::hint(
                "what is saved stays, and is delivered by `cardbridge run` or the next `cardbridge enroll`; `cardbridge outbox list` shows it",
            );
            ExitCode::from(3)
        }
    })
}

/// Why an entry is followed no longer.
enum Why {
    Settled,
    Patience,
    Interrupted,
}

/// Follows an entry until it is settled, stopped, or patience ends.
async fn watch(store: &StoreHandle, id: Uuid, showing: &mut Showing) -> Result<(Entry, Why), StoreError> {
    let end = Instant::now() + showing.patience;
    let mut writes = store.writes();
    loop {
        let entry = store.entry(id).await?;
        showing.follow(&entry);
        let progress = entry.progress();
        if progress.awaits_reassignment() && !showing.json && confirmed("Take the card from its holder?").await {
            store.append(&entry, Utc::now(), Step::Reassign { decided_by: DecidedBy::Operator }).await?;
            continue;
        }
        if progress.is_settled() {
            return Ok((entry, Why::Settled));
        }
        if progress.stopped {
            return Ok((entry, Why::Patience));
        }
        tokio::select! {
            _ = writes.changed() => {}
            () = sleep(LOOK) => {}
            () = sleep_until(end) => return Ok((entry, Why::Patience)),
            () = interrupted() => return Ok((entry, Why::Interrupted)),
        }
    }
}

/// Asks the person at the terminal, where there is one.
pub async fn confirmed(question: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    out::hint(&format!("{question} [y/N]"));
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        answer = answer => answer.is_ok_and(|line| line.is_ok_and(|line| matches!(line.trim(), "y" | "Y" | "yes"))),
        () = interrupted() => false,
    }
}
