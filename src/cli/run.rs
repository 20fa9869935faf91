//! `cardbridge run`: the station service. All configured readers, delivery. Without a chosen user it enrolls nothing.

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    Globals,
    out::{self, Failure},
    session::{self, NEXT, Waiting},
    site::{self, Look, blusky},
    wait::NOISE,
};
use crate::{
    desk::Page,
    host::{
        Site,
        api::Shared,
        client::{AskError, Client},
        hosting::{Control, Host},
        notices::NextNotice,
        platform::{lock::Lock, service},
    },
    outbox::{Entry, State, Step},
    station::{Ended, Notice, Scope},
    views,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge run --config /etc/cardbridge/cardbridge.toml\n  cardbridge run --json")]
pub struct Arguments {
    /// One JSON object a line for every card read, its numbers included
    #[arg(long)]
    json: bool,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::NeededOutside)?;
    blusky(&site)?;
    // From here on a signal ends it with its store closed, and whoever reads its output holds nothing up.
    out::listen_for_signals();
    out::wait_for_nobody();
    let host = station(&site).await?;
    let shared = host.shared().clone();
    let store = shared.store().clone();
    // Readers do not wait for it.
    let inspection = tokio::spawn(async move {
        if let Err(error) = store.inspect(out::hint).await {
            out::hint(&error.to_string());
        }
    });
    // A station does without it.
    match site.config.people.read() {
        Err(why) => out::hint(&why),
        Ok(people) => {
            let finds = people.kiosk_codes().is_some_and(|codes| codes > 0);
            if site.config.kiosk().is_some_and(|kiosk| !kiosk.without_code) && !finds {
                out::hint(
                    "the kiosk serves nobody: nobody in the list of people has a kiosk_code; add that column, or say kiosk_without_code = true",
                );
            }
        }
    }
    let directory = shared.clone();
    let renewal = tokio::spawn(async move { directory.directory().keep_fresh(out::hint).await });
    let alive = shared.clone();
    let watchdog = tokio::spawn(async move { service::keep_alive(|| alive.is_alive()).await });
    let mut notices = shared.notices().listen(0);
    let page = page(&site, &shared).await?;
    host.tell(Control::Open(None));
    host.tell(Control::Deliver(Scope::All));
    out::hint(&format!("the station runs with {} configured readers; Ctrl-C ends it", site.config.readers.len()));
    service::ready();
    loop {
        tokio::select! {
            Some(heard) = notices.next() => match heard {
                NextNotice::Notice(numbered) => tell(&numbered.notice, arguments.json),
                NextNotice::Missed(count) => {
                    out::hint(&format!("{} notices came faster than they could be written", count.unwrap_or_default()));
                }
            },
            () = out::interrupted() => break,
        }
    }
    service::stopping();
    inspection.abort();
    page.iter().for_each(JoinHandle::abort);
    renewal.abort();
    drop((notices, shared));
    host.end(false).await;
    watchdog.abort();
    Ok(ExitCode::SUCCESS)
}

/// Serves the desk page, where the site wants one.
async fn page(site: &Site, shared: &Arc<Shared>) -> Result<Option<JoinHandle<()>>, Failure> {
    let Some(settings) = &site.config.desk else { return Ok(None) };
    let mut pins = settings.operators.iter().filter_map(|operator| operator.pin_file.as_deref());
    pins.try_for_each(|path| site::private(path, "pin_file"))?;
    if let Some(tls) = &settings.tls {
        site::private(&tls.key, "tls_key")?;
    }
    let page = Page::open(settings, shared, &Lock::beside(&site.config.store, "desk")).await;
    let page = page.map_err(|error| Failure::usage("desk", error.to_string(), ""))?;
    out::hint(&format!("the desk page is at {}", page.url()));
    if let Some(kiosk) = &settings.kiosk {
        let file = Lock::beside(&site.config.store, "kiosk.html");
        out::hint(&format!("the kiosk at {} is opened by a browser that is started with {}", kiosk.reader, file.display()));
    }
    Ok(Some(tokio::spawn(page.serve())))
}

/// How long a command that hosts a station meanwhile is waited for: longer than any call takes.
const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(70);
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Becomes the station. A command that hosts one meanwhile hands it over.
async fn station(site: &Site) -> Result<Host, Failure> {
    let (until, mut waiting) = (Instant::now() + HAND_OVER_TIMEOUT, Waiting::begin());
    // While it is held, no command becomes the station in the place of the one that leaves.
    let _next = Lock::try_take(&Lock::beside(&site.config.store, NEXT), "run");
    loop {
        let holder = match Host::become_station(site, "run", site::credentials()).await.map_err(session::failed)? {
            Ok(host) => return Ok(host),
            Err(holder) => holder,
        };
        if let Some((client, _)) = Client::connect(&site.config.store, None).await {
            match client.hand_over().await {
                Err(AskError::Refused(failed)) => return Err(Failure::of_error(&failed.error, 1)),
                Ok(()) | Err(AskError::Gone) => {}
            }
        }
        if Instant::now() >= until {
            let help = "one station at a time works on one store; end that one first";
            return Err(Failure::impossible("station", format!("{holder} is the station already"), help));
        }
        waiting.hint(&holder);
        sleep(RETRY_INTERVAL).await;
    }
}

/// A service's output ends up in a log: numbers are shown only where JSON was asked for, and no names and no words of BluSKY's, which
/// can hold both.
fn tell(notice: &Notice, json: bool) {
    match notice {
        Notice::Read(reading) if json => out::print_json(&views::reading::json_without_keys(reading)),
        Notice::Read(reading) => {
            // A literal has no reader, and is told by its entry.
            let Some(reader) = &reading.presentation.reader else { return };
            match reading.chosen() {
                _ if reading.is_typed() => out::print(&format!("{reader}: something was typed on the keypad")),
                Some(fit) => out::print(&format!("{reader}: a card was read ({})", fit.format)),
                None => out::print(&format!("{reader}: a card was read ({})", reading.verdict.name())),
            }
        }
        Notice::Up(reader) => out::hint(&format!("{reader}: there")),
        Notice::Entry(entry, _) => entry_told(entry),
        Notice::Noise(reader, count) => out::hint(&format!("{reader}: {count} bytes that are no card; {NOISE}")),
        Notice::Lost(..)
        | Notice::Failed(..)
        | Notice::Note(..)
        | Notice::Away(..)
        | Notice::Stopped(_)
        | Notice::StoreGone(_)
        | Notice::Policy(_) => {
            views::notice::text(notice).iter().for_each(|words| out::hint(words));
        }
        Notice::NotEnrolled(_, ended) => {
            if let Ended::NotSaved(why) = &**ended {
                out::hint(&format!("an order was not saved: {why}"));
            }
        }
        Notice::Ready(_) | Notice::LayThere(_) | Notice::Waiting { .. } | Notice::Asked(..) => {}
        Notice::WaitsFor(..) | Notice::Postponed(..) => {}
    }
}

/// How an entry ended, with BluSKY's code, or why it waits for a person.
fn entry_told(entry: &Entry) {
    let progress = entry.progress();
    if !progress.is_settled() {
        let is_new = matches!(entry.steps().last(), Some((_, Step::Answered(_))));
        if let (State::InDoubt, true, Some(why)) = (progress.state, is_new, &progress.why) {
            out::hint(&format!("entry {}: in doubt ({why}); BluSKY's record decides", entry.id));
        }
        return;
    }
    let state = progress.state.name().replace('_', " ");
    let why = match (&progress.why, progress.told.result_code) {
        (Some(why), _) => format!(" ({why})"),
        (None, Some(code)) if progress.state != State::Accepted => {
            format!(" (BluSKY's code {code}; `cardbridge outbox show` has its words)")
        }
        (None, None) if progress.state == State::Refused => format!(" (`cardbridge outbox show {}` has BluSKY's words)", entry.id),
        _ => String::new(),
    };
    out::hint(&format!("entry {}: {state}{why}", entry.id));
}
