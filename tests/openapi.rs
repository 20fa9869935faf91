//! The description of the station's API comes from its code, and its answers and odd requests are held against it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stderr, reason = "make test-api shows what was asked")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use cards::Followed;
use serde_json::{Value, json};
use support::{ADA, CARD, GRACE, SerialReader, Simulator, Site, h10301};

const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n\
                      8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906\n";

/// A station with people, a reader and a page. It goes first: it would take whatever line gets the reader's name next.
struct Station {
    run: Followed,
    page: String,
    _blusky: Simulator,
    site: Site,
    reader: SerialReader,
}

impl Station {
    fn start() -> Self {
        let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
        let configured = reader.configuration("desk", "twn3-hidprox", "");
        let site = Site::at(
            &blusky.base_url,
            &format!("{configured}[people]\nfile = \"people.csv\"\n[desk]\nlisten = \"127.0.0.1:0\"\n[enroll]\nreassign = \"ask\"\n"),
        );
        fs::write(site.path("people.csv"), PEOPLE).unwrap();
        let mut run = Followed::start(site.command(&["run"]));
        let page = run.hears("the desk page is at http://").split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
        run.hears("desk: there");
        Self { run, page, _blusky: blusky, site, reader }
    }

    /// Ada has a card, Grace wanted the same one, and one of hers was taken back again.
    fn has_entries(&mut self) {
        let enroll = |user: &str, card: &str| self.site.run(&["enroll", "--user", user, "--bits", card, "--json"]);
        assert_eq!((enroll(ADA, CARD).code, enroll(GRACE, CARD).code, enroll(GRACE, &h10301(31, 337)).code), (0, 1, 0));
        let last = self.site.outbox().pop().unwrap();
        let undone = self.site.run(&["outbox", "undo", last["enrollment"].as_str().unwrap(), "--json"]);
        assert_eq!(undone.code, 0, "{undone:?}");
    }

    fn connects(&self) -> UnixStream {
        let stream = UnixStream::connect(self.site.path("cardbridge.db.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn description(&self) -> Value {
        let (status, description) = self.asks("GET", "/v1/openapi.json", "");
        assert_eq!(status, 200);
        description
    }

    /// Status and body of an answer on the socket.
    fn asks(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = self.connects();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: station\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

#[test]
fn every_call_that_is_described_is_answered() {
    let station = Station::start();
    let description = station.description();
    let paths = description["paths"].as_object().unwrap();
    let calls: Vec<(&String, &String, &Value)> =
        paths.iter().flat_map(|(path, calls)| calls.as_object().unwrap().iter().map(move |(method, call)| (path, method, call))).collect();
    assert!(calls.len() >= 19, "{calls:#?}");
    // The notices have no end.
    for (path, method, call) in calls.into_iter().filter(|(path, ..)| *path != "/v1/notices") {
        // A body that nobody reads can cost the answer where the connection is closed behind it.
        let body = if call["requestBody"].is_object() { "{}" } else { "" };
        let (status, answer) = station.asks(&method.to_uppercase(), &path.replace("{id}", "0190b3a5-0000-7000-8000-000000000003"), body);
        assert!(status < 500 && answer["error"]["code"] != "no_such_call", "{method} {path}: {status} {answer}");
        assert!(call["summary"].is_string() && call["responses"]["4XX"].is_object(), "{call}");
    }
}

/// Where two types have one name, one of them would be described as the other.
#[test]
fn no_two_types_are_described_under_one_name() {
    let mut names = BTreeSet::new();
    for file in sources(Path::new("src")) {
        let text = fs::read_to_string(&file).unwrap();
        for head in text.split("ToSchema)]").skip(1).map(|rest| rest.split(['{', ';']).next().unwrap()) {
            let own = ["(as = ", "struct ", "enum "].iter().find_map(|before| head.split(before).nth(1)).unwrap();
            let name: String = own.chars().take_while(|letter| letter.is_alphanumeric()).collect();
            assert!(names.insert(name.clone()), "{}: {name}", file.display());
        }
    }
    assert!(names.len() > 50, "{names:?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// No derive says how large a number can be, or what is there in every answer.
#[test]
fn the_description_says_how_large_a_number_can_be_and_which_members_are_always_there() {
    let description = Station::start().description();
    let schema = |name: &str| &description["components"]["schemas"][name];
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(schema("Order")["properties"]["timeout_s"]["maximum"], u64::MAX);
    assert_eq!(schema("Order")["properties"]["card_type"]["minimum"], i64::MIN);
    assert_eq!(schema("Presentation")["properties"]["check_bits"]["maximum"], u8::MAX);
    assert_eq!(schema("Order")["required"], Value::Null);
    assert_eq!(schema("Order")["additionalProperties"], false);
    let required = |name: &str, member: &str| schema(name)["required"].as_array().unwrap().contains(&json!(member));
    assert!(required("Enrollment", "previous_user_id") && !required("Enrollment", "why") && !required("AddUserCard", "pin"));
    assert_eq!(schema("Enrollment")["properties"]["why"]["type"], "string", "what is left out is never null");
    assert_eq!(description["security"], json!([{}, {"cookie": [], "key": []}]));
}

#[test]
fn no_answer_has_a_member_that_is_not_described() {
    let mut station = Station::start();
    station.has_entries();
    station.reader.send(b"1ABD88EB80\r");
    station.run.line();
    let description = station.description();
    let schema = |path: &str| &description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    let entries = station.site.outbox();
    let id = |at: usize| entries[at]["enrollment"].as_str().unwrap().to_owned();
    assert_eq!(entries.len(), 4, "{entries:#?}");
    let mut asked: Vec<(&str, String)> = vec![
        ("/v1/station", "/v1/station".to_owned()),
        ("/v1/outbox", "/v1/outbox".to_owned()),
        ("/v1/people", "/v1/people?q=a".to_owned()),
        ("/v1/people/{id}/cards", format!("/v1/people/{ADA}/cards")),
        ("/v1/outbox/{id}/holders", format!("/v1/outbox/{}/holders", id(1))),
    ];
    for at in 0..entries.len() {
        asked.push(("/v1/outbox/{id}", format!("/v1/outbox/{}", id(at))));
        asked.push(("/v1/enrollments/{id}", format!("/v1/enrollments/{}", id(at))));
    }
    for (path, asked) in asked {
        let (status, answer) = station.asks("GET", &asked, "");
        assert_eq!(status, 200, "{asked}: {answer}");
        let mut strange = Vec::new();
        compare(&answer, &[schema(path)], &description, path, &mut strange);
        assert!(strange.is_empty(), "{strange:#?} {answer:#}");
    }
    let last = station.asks("GET", "/v1/station?brief=true", "").1["last_notice"].clone();
    let mut stream = station.connects();
    write!(stream, "GET /v1/notices?after=0 HTTP/1.1\r\nHost: station\r\n\r\n").unwrap();
    for line in BufReader::new(stream).lines() {
        let Some(notice) = line.unwrap().strip_prefix("data:").map(|data| serde_json::from_str::<Value>(data).unwrap()) else { continue };
        let mut strange = Vec::new();
        compare(&notice, &[&description["components"]["schemas"]["Notice"]], &description, "notice", &mut strange);
        assert!(strange.is_empty(), "{strange:#?} {notice:#}");
        if notice["number"] == last {
            return;
        }
    }
    panic!("notice {last} never came");
}

/// Notes what of an answer is not described: a member that no schema names, a required one that is missing.
fn compare(value: &Value, schemas: &[&Value], whole: &Value, place: &str, strange: &mut Vec<String>) {
    let mut flat = Vec::new();
    schemas.iter().for_each(|schema| flatten(schema, whole, &mut flat));
    match value {
        Value::Object(members) => {
            let is_free = flat.iter().any(|schema| schema["type"] == "object" && schema["properties"].is_null());
            for (name, value) in members.iter().filter(|_| !is_free) {
                let described: Vec<&Value> = flat.iter().filter_map(|schema| schema["properties"].get(name)).collect();
                let place = format!("{place}.{name}");
                if described.is_empty() { strange.push(place) } else { compare(value, &described, whole, &place, strange) }
            }
        }
        Value::Array(values) => {
            let described: Vec<&Value> = flat.iter().filter_map(|schema| schema.get("items")).collect();
            values.iter().for_each(|value| compare(value, &described, whole, &format!("{place}[]"), strange));
        }
        _ => {}
    }
}

/// What a schema is made of.
fn flatten<'a>(schema: &'a Value, whole: &'a Value, flat: &mut Vec<&'a Value>) {
    if let Some(name) = schema["$ref"].as_str() {
        flatten(whole.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name}")), whole, flat);
    }
    let parts = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|of| schema[of].as_array());
    parts.flatten().for_each(|part| flatten(part, whole, flat));
    flat.push(schema);
}

/// Some thousand odd requests, the same ones each time; `EXAMPLES` says how many for a call, and then they are others each time.
#[test]
fn no_odd_request_is_answered_otherwise_than_described() {
    let mut station = Station::start();
    station.has_entries();
    let test = std::env::current_exe().unwrap();
    let schemathesis: PathBuf = test.ancestors().nth(3).unwrap().join("python/bin/schemathesis");
    let (cookie, key) = signs_in(&station.page);
    let examples = std::env::var("EXAMPLES").ok();
    let same: &[&str] = if examples.is_some() { &[] } else { &["--seed", "1", "--generation-deterministic"] };
    let asked = Command::new(&schemathesis)
        .args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/schemathesis.toml")])
        .args([
            "run",
            &format!("http://{}/v1/openapi.json", station.page),
            "--checks",
            "all",
            "--max-examples",
            examples.as_deref().unwrap_or("10"),
        ])
        .args(same)
        .args([
            "-H",
            "Accept: application/json",
            "-H",
            &format!("Origin: http://{}", station.page),
            "-H",
            &cookie,
            "-H",
            &format!("Cardbridge-Desk: {key}"),
        ])
        .env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/schemathesis_hooks.py"))
        .current_dir(station.site.folder.path())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; `make judges` fetches it", schemathesis.display()));
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(asked.status.success() && said.contains("generated"), "{said}{}", String::from_utf8_lossy(&asked.stderr));
    eprintln!("{said}");
}

/// The two halves of a session at the page.
fn signs_in(page: &str) -> (String, String) {
    let mut stream = std::net::TcpStream::connect(page).unwrap();
    let body = json!({"name": "Kim", "reader": ""}).to_string();
    write!(
        stream,
        "POST /desk/sign-in HTTP/1.1\r\nHost: {page}\r\nOrigin: http://{page}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next()).unwrap().to_owned();
    let key = answer.split("\"key\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    (format!("Cookie: {cookie}"), key)
}
