//! What the benchmarks of whole ways share: a simulator, and the bare calls and commits that ours are held against.

#![allow(clippy::unwrap_used, dead_code, missing_docs, reason = "each benchmark takes what it needs")]

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// The access-control system that cards are for.
pub const SYSTEM: &str = "309fbabb-0642-44e1-b262-67442dc491ed";

/// A simulator of its own for each run.
pub struct Simulator(Child, pub String);

impl Simulator {
    pub fn start() -> Self {
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

/// Writes the simulator's token into a file that nobody else can read.
pub fn write_token(folder: &Path) {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("token"));
    file.unwrap().write_all(b"simulator").unwrap();
}

/// A client that keeps its connections.
pub fn http() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The call that gives a card to its user.
pub async fn post(http: &reqwest::Client, base_url: &str, number: u32) {
    let user = Uuid::from_u128(u128::from(number));
    let post = http.post(format!("{base_url}/api/v1/Users/{user}/UserCards")).bearer_auth("simulator").json(&body(number));
    assert!(post.send().await.unwrap().text().await.unwrap().contains("Success"));
}

/// The call that shows the user's cards.
pub async fn get(http: &reqwest::Client, base_url: &str, number: u32) {
    let user = Uuid::from_u128(u128::from(number));
    let get = http.get(format!("{base_url}/api/v1/Users/UserCards?UserId={user}&IncludeDeleted=False&FacilityCode=-1"));
    assert!(get.bearer_auth("simulator").send().await.unwrap().text().await.unwrap().contains("PersonCardId"));
}

/// Asks for a commit.
pub type Commit = mpsc::UnboundedSender<oneshot::Sender<()>>;

/// A commit, on disk.
pub async fn committed(commit: &Commit) {
    let (done, is_done) = oneshot::channel();
    commit.send(done).unwrap();
    is_done.await.unwrap();
}

/// A thread that writes a row of some hundred bytes for each message, each in a commit of its own.
pub fn committer(path: &Path) -> Commit {
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
