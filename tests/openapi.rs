//! The description of the station's API and the API itself are the same thing said twice, and each is held against the other.

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
    path::PathBuf,
    process::Command,
    time::Duration,
};

use cardbridge::{
    access::{AccessLevelGroup, AddUser, AddUserCard, RemoveUserCard, UpdateUserCard},
    card::Presentation,
    enroll::origin::{Named, RosterRow},
    host::api::body::{AnswerBody, CallBody, OrderBody, RetryBody},
};
use cards::Followed;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor, value},
    forward_to_deserialize_any,
};
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

fn description() -> Value {
    serde_json::from_str(include_str!("../src/host/api/openapi.json")).unwrap()
}

/// Every call of the description: its path and its method.
fn described() -> BTreeSet<(String, String)> {
    let description = description();
    let paths = description["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, calls)| calls.as_object().unwrap().keys().map(|method| (path.clone(), method.clone()))).collect()
}

#[test]
fn every_call_is_described_and_what_is_described_is_answered() {
    let source = include_str!("../src/host/api/mod.rs");
    let routes = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\""));
    let calls = routes.flat_map(|route| {
        let (path, handlers) = route.split_once("\", ").unwrap();
        let methods = ["get(", "post(", "put(", "patch(", "delete("].into_iter().filter(|method| handlers.contains(method));
        methods.map(|method| (path.to_owned(), method.trim_end_matches('(').to_owned())).collect::<Vec<_>>()
    });
    assert_eq!(calls.collect::<BTreeSet<_>>(), described());
    let station = Station::start();
    assert_eq!(station.asks("GET", "/v1/openapi.json", ""), (200, description()));
    // The notices have no end.
    for (path, method) in described().iter().filter(|(path, _)| path != "/v1/notices") {
        // A body that nobody reads can cost the answer where the connection is closed behind it.
        let body = if description()["paths"][path][method]["requestBody"].is_object() { "{}" } else { "" };
        let (status, answer) = station.asks(&method.to_uppercase(), &path.replace("{id}", "0190b3a5-0000-7000-8000-000000000003"), body);
        assert!(status < 500 && answer["error"]["code"] != "no_such_call", "{method} {path}: {status} {answer}");
    }
}

#[test]
fn the_description_names_every_member_that_is_taken_and_no_other() {
    let description = description();
    let same = |name: &str, taken: Vec<&str>| {
        let schema = &description["components"]["schemas"][name];
        let named: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(named, taken.into_iter().collect(), "{name}");
        let required = schema["required"].as_array().into_iter().flatten();
        assert!(required.clone().all(|member| named.contains(member.as_str().unwrap())), "{name}");
    };
    same("Order", members::<OrderBody>());
    same("CallOrder", members::<CallBody>());
    same("Answer", members::<AnswerBody>());
    same("Retry", members::<RetryBody>());
    same("Presentation", members::<Presentation>());
    same("Named", members::<Named>());
    same("RosterRow", members::<RosterRow>());
    same("AddUserCard", members::<AddUserCard>());
    same("UpdateUserCard", members::<UpdateUserCard>());
    same("RemoveUserCard", members::<RemoveUserCard>());
    same("AddUser", members::<AddUser>());
    same("AddAccessLevelGroup", members::<AccessLevelGroup>());
    same("RemoveAccessLevelGroup", members::<AccessLevelGroup>());
}

/// The members that a struct is read from.
fn members<T: for<'de> Deserialize<'de>>() -> Vec<&'static str> {
    let mut members = Members(Vec::new());
    drop(T::deserialize(&mut members));
    members.0
}

struct Members(Vec<&'static str>);

impl<'de> Deserializer<'de> for &mut Members {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(value::Error::custom("only members are looked at"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        members: &'static [&'static str],
        seen: V,
    ) -> Result<V::Value, value::Error> {
        self.0 = members.to_vec();
        self.deserialize_any(seen)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

#[test]
fn no_answer_has_a_member_that_is_not_described() {
    let mut station = Station::start();
    station.has_entries();
    station.reader.send(b"1ABD88EB80\r");
    station.run.line();
    let description = description();
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
