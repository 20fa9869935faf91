//! How fast a full outbox drains, beside a bare loop that makes the same calls and as many commits, one after the other and eight at
//! once: `cargo bench --bench drain [-- ENTRIES ...]`. Only the ratio counts; both are measured in one run against one simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "a benchmark may stop")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use cardbridge::{
    access::Operation,
    config::Config,
    host::{
        self, Site,
        hosting::{Control, Host},
        notices::Heard,
    },
    outbox::{Entry, Reassign, State, Terms},
    protocols::Protocols,
    station::{Notice, Scope},
};
use chrono::Utc;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

const SYSTEM: &str = "309fbabb-0642-44e1-b262-67442dc491ed";

fn main() {
    let asked: Vec<u32> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let counts = if asked.is_empty() { vec![1000, 50_000] } else { asked };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{:>8} {:>9} {:>14} {:>14} {:>7} {:>9}", "entries", "parallel", "outbox /s", "bare loop /s", "ratio", "memory");
    for entries in counts {
        for parallel in [1, 8] {
            let (outbox, memory) = runtime.block_on(drained(entries, parallel));
            let bare = runtime.block_on(bare(entries.min(5000), parallel));
            println!("{entries:>8} {parallel:>9} {outbox:>14.0} {bare:>14.0} {:>7.2} {:>6} MB", outbox / bare, memory / 1024);
        }
    }
}

/// A simulator of its own for each run.
struct Simulator(Child, String);

impl Simulator {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardbridge"));
        let mut child = command.args(["simulator", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url =
            lines.map_while(Result::ok).find_map(|line| Some(line.split('"').nth(1)?.to_owned()).filter(|url| url.starts_with("http")));
        Self(child, url.unwrap())
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn body(number: u32) -> serde_json::Value {
    serde_json::json!({
        "CardACSystemId": SYSTEM, "CardType": 3, "CardUserFlags": 1, "ExternalCardNumber": number.to_string(), "FacilityCode": 123,
        "InternalCardNumber": number, "UserId": Uuid::from_u128(u128::from(number)), "ReassignCardIfAlreadyAssigned": false,
    })
}

fn operation(number: u32) -> Operation {
    let body = serde_json::json!({
        "card_ac_system_id": SYSTEM, "card_type": 3, "card_user_flags": 1, "external_card_number": number.to_string(), "facility_code": 123,
        "internal_card_number": number, "user_id": Uuid::from_u128(u128::from(number)), "reassign_card_if_already_assigned": false,
    });
    Operation::AddUserCard(serde_json::from_value(body).unwrap())
}

/// Entries a second, and the memory with all of them waiting, in KiB.
async fn drained(entries: u32, parallel: usize) -> (f64, u64) {
    let (folder, simulator) = (tempfile::tempdir().unwrap(), Simulator::start());
    let path = folder.path().join("cardbridge.db");
    let text = format!(
        "[blusky]\nbase_url = \"{}\"\ntoken_file = \"token\"\n[delivery]\nparallel = {parallel}\n[store]\npath = \"{}\"\n",
        simulator.1,
        path.display()
    );
    std::fs::write(folder.path().join("token"), "simulator").unwrap();
    let protocols = Protocols::built_in();
    let site = Site::new(Config::parse("bench", &text, folder.path(), &protocols).unwrap(), protocols);
    let store = host::open_store(&path, &simulator.1, None).unwrap();
    let numbers: Vec<u32> = (1..=entries).collect();
    for some in numbers.chunks(64) {
        let id = |number: u32| Uuid::from_u128(u128::from(number) << 64);
        let entry = |number: &u32| Entry::of(id(*number), Utc::now(), operation(*number), Reassign::Never);
        let saves: Vec<_> = some.iter().map(|number| store.begin_save(entry(number), Terms::default())).collect();
        for save in saves {
            save.await.unwrap().unwrap();
        }
    }
    drop(numbers);
    drop(store);
    let station = Host::become_station(&site, "bench", None).await.unwrap().unwrap();
    let mut notices = station.shared().notices().listen(0);
    let begun = Instant::now();
    station.tell(Control::Deliver(Scope::All));
    let (mut memory, mut done) = (0, 0);
    while done < entries {
        let Some(Heard::Notice(numbered)) = notices.next().await else { panic!("notices were missed") };
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
    (rate, memory)
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
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
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
                let user = Uuid::from_u128(u128::from(number));
                committed(&commit).await;
                let post = http.post(format!("{base_url}/api/v1/Users/{user}/UserCards")).bearer_auth("simulator").json(&body(number));
                assert!(post.send().await.unwrap().text().await.unwrap().contains("Success"));
                committed(&commit).await;
                let get = http.get(format!("{base_url}/api/v1/Users/UserCards?UserId={user}&IncludeDeleted=False&FacilityCode=-1"));
                assert!(get.bearer_auth("simulator").send().await.unwrap().text().await.unwrap().contains("PersonCardId"));
                committed(&commit).await;
            }
        });
    }
    while workers.join_next().await.is_some() {}
    f64::from(cards) / begun.elapsed().as_secs_f64()
}

type Commit = mpsc::UnboundedSender<oneshot::Sender<()>>;

async fn committed(commit: &Commit) {
    let (done, is_done) = oneshot::channel();
    commit.send(done).unwrap();
    is_done.await.unwrap();
}

/// A thread that writes a row of some hundred bytes for each message, each in a commit of its own.
fn committer(path: &Path) -> Commit {
    let (commit, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute_batch("CREATE TABLE step (n INTEGER PRIMARY KEY, body TEXT)").unwrap();
    std::thread::spawn(move || {
        let text = "x".repeat(300);
        while let Some(done) = asked.blocking_recv() {
            connection.execute("INSERT INTO step (body) VALUES (?1)", [&text]).unwrap();
            done.send(()).ok();
        }
    });
    commit
}
