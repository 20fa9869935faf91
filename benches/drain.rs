//! How fast a full outbox drains, beside a bare loop that makes the same calls and as many commits, one after the other and eight at
//! once: `cargo bench --bench drain [-- ENTRIES ...]`. Only the ratio counts; both are measured in one run against one simulator. Beside it,
//! the memory with all of them waiting, and how long the station takes then to say how it is, when it is asked again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "a benchmark may stop")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cardbridge::{
    access::Operation,
    config::Config,
    host::{
        self, Site,
        client::Client,
        hosting::{Control, Host},
        notices::NextNotice,
    },
    outbox::{Entry, Reassign, State, Terms},
    protocols::Protocols,
    station::{Notice, Scope},
};
use chrono::Utc;
use support::{SYSTEM, Simulator, committed, committer, get, http, post, write_token};
use uuid::Uuid;

fn main() {
    let asked: Vec<u32> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let counts = if asked.is_empty() { vec![1000, 50_000] } else { asked };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "{:>8} {:>9} {:>14} {:>14} {:>7} {:>9} {:>9}",
        "entries", "parallel", "outbox /s", "bare loop /s", "ratio", "memory", "status"
    );
    for entries in counts {
        for parallel in [1, 8] {
            // The bare loop goes before it and after it: what else the machine does meanwhile slows both.
            let loops = || runtime.block_on(bare(entries.min(5000) / 2, parallel));
            let before = loops();
            let (outbox, memory, status) = runtime.block_on(drained(entries, parallel));
            let bare = 2.0 / (before.recip() + loops().recip());
            let (ratio, memory, status) = (outbox / bare, memory / 1024, status.as_secs_f64() * 1e3);
            println!("{entries:>8} {parallel:>9} {outbox:>14.0} {bare:>14.0} {ratio:>7.2} {memory:>6} MB {status:>6.1} ms");
        }
    }
}

fn operation(number: u32) -> Operation {
    let body = serde_json::json!({
        "card_ac_system_id": SYSTEM, "card_type": 3, "card_user_flags": 1, "external_card_number": number.to_string(), "facility_code": 123,
        "internal_card_number": number, "user_id": Uuid::from_u128(u128::from(number)), "reassign_card_if_already_assigned": false,
    });
    Operation::AddUserCard(serde_json::from_value(body).unwrap())
}

/// Entries a second; with all of them waiting, the memory in KiB, and how long the station takes to say how it is.
async fn drained(entries: u32, parallel: usize) -> (f64, u64, Duration) {
    let (folder, simulator) = (tempfile::tempdir().unwrap(), Simulator::start());
    let path = folder.path().join("cardbridge.db");
    let text = format!(
        "[blusky]\nbase_url = \"{}\"\ntoken_file = \"token\"\n[delivery]\nparallel = {parallel}\n[store]\npath = \"{}\"\n",
        simulator.1,
        path.display()
    );
    write_token(folder.path());
    let protocols = Protocols::built_in();
    let site = Site::new(Config::parse("bench", &text, folder.path(), &protocols).unwrap(), protocols);
    let store = host::open_store(&path, &simulator.1, None, None).unwrap();
    let numbers: Vec<u32> = (1..=entries).collect();
    for some in numbers.chunks(64) {
        let id = |number: u32| Uuid::from_u128(u128::from(number) << 64);
        let entry = |number: &u32| Entry::of(id(*number), Utc::now(), operation(*number), Reassign::Never);
        let saves: Vec<_> = some.iter().map(|number| store.begin_save(Box::new(entry(number)), Terms::default())).collect();
        for save in saves {
            save.await.unwrap().unwrap();
        }
    }
    drop(numbers);
    drop(store);
    let station = Host::become_station(&site, "bench", None).await.unwrap().unwrap();
    let mut notices = station.shared().notices().listen(0);
    let (client, _) = Client::connect(&path, None).await.unwrap();
    client.station().await.unwrap();
    let asked = Instant::now();
    client.station().await.unwrap();
    let status = asked.elapsed();
    let begun = Instant::now();
    station.tell(Control::Deliver(Scope::All));
    let (mut memory, mut done) = (0, 0);
    while done < entries {
        let Some(NextNotice::Notice(numbered)) = notices.next().await else { panic!("notices were missed") };
        match &numbered.notice {
            Notice::Entry(entry, _) if entry.progress().is_settled() => {
                assert_eq!(entry.progress().state, State::Accepted);
                done += 1;
            }
            Notice::Stopped(why) => panic!("{why}"),
            _ => continue,
        }
        if done == 1 {
            memory = resident();
        }
    }
    let rate = f64::from(entries) / begun.elapsed().as_secs_f64();
    drop(notices);
    station.end(false).await;
    (rate, memory, status)
}

/// The memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Three commits, a POST and a GET for each card, and nothing else.
async fn bare(cards: u32, parallel: usize) -> f64 {
    let (folder, simulator) = (tempfile::tempdir().unwrap(), Simulator::start());
    let commit = committer(&folder.path().join("bare.db"));
    let http = http();
    let next = Arc::new(AtomicUsize::new(1));
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..parallel {
        let (commit, http, next, base_url) = (commit.clone(), http.clone(), next.clone(), simulator.1.clone());
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed) as u32;
                if number > cards {
                    return;
                }
                committed(&commit).await;
                post(&http, &base_url, number).await;
                committed(&commit).await;
                get(&http, &base_url, number).await;
                committed(&commit).await;
            }
        });
    }
    while workers.join_next().await.is_some() {}
    f64::from(cards) / begun.elapsed().as_secs_f64()
}
