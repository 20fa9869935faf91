//! What is promised of the station's API, spoken by hand on its socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    thread::{self, JoinHandle},
    time::Duration,
};

use cards::Followed;
use serde_json::{Value, json};
use support::{ADA, CARD, GRACE, SerialReader, Simulator, Site, h10301, tells};

/// H10301, facility code 123, card number 4567; and 31/337.
const FIRST: &[u8] = b"1ABD88EB80\r";
const SECOND: &[u8] = b"1A8F80A8C0\r";

/// The station goes first: it would take whatever line gets the reader's name next.
struct Desk {
    run: Followed,
    _blusky: Simulator,
    site: Site,
    reader: SerialReader,
}

fn desk(more: &str) -> Desk {
    let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", more));
    let mut run = Followed::start(site.command(&["run"]));
    run.hears("desk: there");
    Desk { _blusky: blusky, site, reader, run }
}

impl Desk {
    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.site.path("cardbridge.db.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Status and body of an answer.
    fn asks(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        answered(self.sends(method, path, body))
    }

    fn sends(&self, method: &str, path: &str, body: Option<Value>) -> UnixStream {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = self.connect();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: station\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        stream
    }

    /// Everything that is told from now on, or after what was told last.
    fn listens(&self, last: Option<u64>) -> Listener {
        let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        self.follows(&format!("GET /v1/notices HTTP/1.1\r\nHost: station\r\n{last}\r\n"))
    }

    /// What follows from another call than an enrollment.
    fn calls(&self, body: &Value) -> Listener {
        let body = body.to_string();
        let head = "POST /v1/calls HTTP/1.1\r\nHost: station\r\nContent-Type: application/json";
        self.follows(&format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    }

    fn follows(&self, request: &str) -> Listener {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while head.trim() != "" || head.is_empty() {
            head.clear();
            lines.read_line(&mut head).unwrap();
        }
        Listener(lines)
    }
}

/// Status and body of what a request that was sent is answered.
fn answered(mut stream: UnixStream) -> (u16, Value) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

struct Listener(BufReader<UnixStream>);

impl Listener {
    /// The next notice of that kind.
    fn hears(&mut self, kind: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the station has hung up");
            let Some(data) = line.strip_prefix("data:") else { continue };
            let notice: Value = serde_json::from_str(data).unwrap();
            if notice["kind"] == kind {
                return notice;
            }
        }
    }
}

#[test]
fn any_number_of_listeners_hear_the_same_and_one_that_was_away_goes_on_where_it_stopped() {
    let mut desk = desk("");
    let mut listeners: Vec<Listener> = (0..5).map(|_| desk.listens(None)).collect();
    desk.reader.send(FIRST);
    let heard: Vec<Value> = listeners.iter_mut().map(|listener| listener.hears("reading")).collect();
    assert!(heard.iter().all(|notice| *notice == heard[0]) && heard[0]["reading"]["input"] == CARD, "{heard:#?}");
    drop(listeners);
    desk.reader.send(SECOND);
    desk.run.line();
    desk.run.line();
    let number = heard[0]["number"].as_u64().unwrap();
    let next = desk.listens(Some(number)).hears("reading");
    assert_eq!((&next["reading"]["input"], next["number"].as_u64() > Some(number)), (&json!("{26}8F80A8C0"), true));
    // A number of a station that was here before: everything that this one has told.
    assert_eq!(desk.listens(Some(900_000)).hears("reading")["reading"]["input"], CARD);
}

#[test]
fn which_keys_were_typed_is_told_to_whoever_asks_for_it_and_to_others_how_many() {
    let mut desk = desk("");
    let mut other = desk.listens(None);
    let mut asks = desk.follows("GET /v1/notices?keys=true HTTP/1.1\r\nHost: station\r\n\r\n");
    // Four bits a key; B ends the entry.
    for key in ["0470\r", "0440\r", "0490\r", "04B0\r"] {
        desk.reader.send(key.as_bytes());
    }
    let heard = other.hears("reading");
    let reading = &heard["reading"];
    assert_eq!((&reading["verdict"], &reading["keys"], &reading["key_count"]), (&json!("keypad"), &Value::Null, &json!(3)));
    assert_eq!(heard["words"], "desk: 3 keys were typed on the keypad");
    assert!(!tells(&heard.to_string(), "749"), "{heard}");
    assert_eq!(asks.hears("reading")["reading"]["keys"], "749");
    assert_eq!(desk.asks("GET", "/v1/station", None).1["readers"][0]["cards"], 0, "what was typed is no card");
}

#[test]
fn an_order_is_placed_asked_about_answered_and_seen_to_its_end() {
    let mut desk = desk("proof = 0.001");
    let id = "0190b3a5-0000-7000-8000-000000000001";
    let mut listener = desk.listens(None);
    let order = json!({"id": id, "user": ADA, "reader": "desk", "can_be_asked": true});
    let state = |desk: &Desk| desk.asks("GET", &format!("/v1/enrollments/{id}"), None).1["state"].clone();
    assert_eq!(desk.asks("POST", "/v1/enrollments", Some(order)).0, 202);
    assert_eq!(listener.hears("waiting")["enrollment"], id);
    assert_eq!(state(&desk), "waiting");
    desk.reader.send(FIRST);
    assert_eq!(listener.hears("question")["question"]["kind"], "second_reading");
    desk.reader.send(FIRST);
    let asked = listener.hears("question");
    assert_eq!((&asked["question"]["kind"], &asked["enrollment"]), (&json!("first_seen"), &json!(id)));
    assert_eq!(desk.asks("GET", &format!("/v1/enrollments/{id}"), None).1["kind"], "question");
    assert_eq!(state(&desk), "question");
    let answer = json!({"question": asked["question"]["id"], "printed": "4567"});
    let wrong = json!({"question": asked["question"]["id"].as_u64().unwrap() + 7, "printed": "4567"});
    assert_eq!(desk.asks("POST", &format!("/v1/enrollments/{id}/answer"), Some(wrong)).0, 409, "nobody asks that");
    let unknown = "/v1/enrollments/0190b3a5-0000-7000-8000-00000000000f/answer";
    assert_eq!(desk.asks("POST", unknown, Some(answer.clone())).0, 404, "nobody waits there");
    assert_eq!(desk.asks("POST", &format!("/v1/enrollments/{id}/answer"), Some(answer)).0, 202);
    let states: Vec<Value> = std::iter::repeat_with(|| listener.hears("enrollment"))
        .scan(false, |ended, notice| (!std::mem::replace(ended, !notice["end"].is_null())).then(|| notice["entry"]["state"].clone()))
        .take_while(|state| state != "accepted")
        .collect();
    assert_eq!(states, ["saved", "sending"]);
    assert_eq!(state(&desk), "accepted");
    let (_, outbox) = desk.asks("GET", "/v1/outbox", None);
    assert_eq!(outbox["entries"][0]["entry"]["state"], "accepted");
    // The same order again is the same order.
    assert_eq!(desk.asks("POST", "/v1/enrollments", Some(json!({"id": id, "user": ADA}))).1["entry"]["state"], "accepted");
    assert_eq!(desk.asks("GET", "/v1/outbox", None).1["entries"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_call_that_is_ordered_again_is_the_same_call_and_its_outcome_is_told() {
    let desk = desk("");
    let (id, card) = ("0190b3a5-0000-7000-8000-000000000002", "d8f00538-00a9-4db3-acc8-e64d728390f2");
    let call = json!({"id": id, "operation": {"kind": "remove_user_card", "body": {"card_id": card, "user_id": ADA}}, "secret": null});
    let ended = |mut listener: Listener| loop {
        let notice = listener.hears("enrollment");
        if !notice["end"].is_null() {
            return notice["entry"]["state"].clone();
        }
    };
    // Nobody has that card, and BluSKY says so: it is gone.
    assert_eq!(ended(desk.calls(&call)), "accepted");
    assert_eq!(ended(desk.calls(&call)), "accepted");
    assert_eq!(desk.asks("GET", "/v1/outbox", None).1["entries"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_order_that_is_withdrawn_takes_no_card() {
    let mut desk = desk("");
    let id = "0190b3a5-0000-7000-8000-000000000002";
    let mut listener = desk.listens(None);
    desk.asks("POST", "/v1/enrollments", Some(json!({"id": id, "user": ADA})));
    listener.hears("waiting");
    assert_eq!(desk.asks("DELETE", &format!("/v1/enrollments/{id}"), None).0, 202);
    assert_eq!(listener.hears("not_enrolled")["error"]["code"], "withdrawn");
    desk.reader.send(FIRST);
    listener.hears("reading");
    assert_eq!(desk.asks("GET", "/v1/outbox", None).1["entries"], json!([]));
}

#[test]
fn a_listener_that_comes_again_by_its_key_keeps_its_orders_until_its_last_connection_is_gone() {
    let desk = desk("");
    let key = "0190b3a5-0000-7000-8000-0000000000aa";
    let listens = || desk.follows(&format!("GET /v1/notices?listener={key} HTTP/1.1\r\nHost: station\r\n\r\n"));
    let orders = |id: &str, user: &str| {
        assert_eq!(desk.asks("POST", "/v1/enrollments", Some(json!({"id": id, "user": user, "listener": key}))).0, 202);
    };
    let (one, two) = ("0190b3a5-0000-7000-8000-000000000003", "0190b3a5-0000-7000-8000-000000000004");
    let mut watcher = desk.listens(None);
    let before = listens();
    orders(one, ADA);
    let again = listens();
    orders(two, GRACE);
    drop(before);
    drop(again);
    let withdrawn = [(); 2].map(|()| watcher.hears("not_enrolled"));
    let ended = |id: &str| withdrawn.iter().any(|notice| notice["enrollment"] == id && notice["error"]["code"] == "withdrawn");
    assert!(ended(one) && ended(two), "{withdrawn:?}");
}

#[test]
fn whoever_is_refused_a_key_and_hangs_up_withdraws_nothing_of_the_order_that_has_it() {
    let mut desk = desk("");
    let (taken, own, listener) =
        ("0190b3a5-0000-7000-8000-000000000005", "0190b3a5-0000-7000-8000-000000000006", "0190b3a5-0000-7000-8000-0000000000bb");
    let mut watcher = desk.listens(None);
    let order = |body: Value| desk.asks("POST", "/v1/enrollments", Some(body)).0;
    assert_eq!(order(json!({"id": taken, "user": ADA})), 202);
    let second = desk.follows(&format!("GET /v1/notices?listener={listener} HTTP/1.1\r\nHost: station\r\n\r\n"));
    assert_eq!(order(json!({"id": taken, "user": GRACE, "listener": listener})), 409);
    assert_eq!(order(json!({"id": own, "user": GRACE, "listener": listener})), 202);
    drop(second);
    assert_eq!(watcher.hears("not_enrolled")["enrollment"], own);
    desk.reader.send(FIRST);
    assert_eq!(watcher.hears("enrollment")["enrollment"], taken);
}

#[test]
fn the_key_of_an_order_that_was_withdrawn_may_be_given_to_a_corrected_one() {
    let mut desk = desk("");
    let id = "0190b3a5-0000-7000-8000-000000000007";
    let mut watcher = desk.listens(None);
    let order = |desk: &Desk, user: &str| desk.asks("POST", "/v1/enrollments", Some(json!({"id": id, "user": user}))).0;
    assert_eq!(order(&desk, ADA), 202);
    assert_eq!(desk.asks("DELETE", &format!("/v1/enrollments/{id}"), None).0, 202);
    watcher.hears("not_enrolled");
    assert_eq!((order(&desk, GRACE), order(&desk, ADA)), (202, 409));
    desk.reader.send(FIRST);
    watcher.hears("enrollment");
    assert_eq!(desk.site.outbox()[0]["user_id"], GRACE);
}

#[test]
fn what_is_wrong_is_an_error_with_a_code_a_message_and_what_to_do() {
    let desk = desk("");
    for (method, path, body, status, code) in [
        ("GET", "/v1/nothing", None, 404, "no_such_call"),
        ("GET", "/v1/notices?reader=gate", None, 400, "unknown_reader"),
        ("GET", "/v1/station?brief=perhaps", None, 400, "query"),
        ("GET", "/v1/outbox/%FF", None, 400, "path"),
        ("POST", "/v1/enrollments", Some(json!({"user": "nobody at all"})), 400, "user"),
        ("POST", "/v1/enrollments", Some(json!({"user": ADA, "bits": "{26}"})), 400, "literal"),
        ("POST", "/v1/enrollments", Some(json!({"user": ADA, "bits": CARD, "reassign": true})), 400, "reassign"),
        ("POST", "/v1/enrollments", Some(json!({"user": ADA, "bits": CARD, "pin": ""})), 400, "pin"),
        ("POST", "/v1/enrollments", Some(json!({"user": ADA, "bits": CARD, "pin": "12a4"})), 400, "pin"),
        ("POST", "/v1/outbox/ffff/discard", None, 409, "store"),
    ] {
        let (found, answer) = desk.asks(method, path, body);
        assert_eq!((found, &answer["error"]["code"]), (status, &json!(code)), "{method} {path}: {answer}");
        assert!(answer["error"]["message"].is_string() && answer["error"]["help"].is_string(), "{answer}");
    }
    // A list would be taken by the places of its values.
    let bodies = [(json!({"user": "x".repeat(70_000)}), 413), (json!({"user": ADA, "surprise": 1}), 422), (json!([null, ADA, CARD]), 422)];
    for (body, status) in bodies {
        let (found, answer) = desk.asks("POST", "/v1/enrollments", Some(body));
        assert_eq!((found, &answer["error"]["code"]), (status, &json!("body")), "{answer}");
    }
    assert_eq!(desk.asks("GET", "/v1/enrollments/ffff", None).1["error"]["code"], "key");
}

#[test]
fn of_two_orders_with_one_key_in_the_same_moment_one_is_saved_and_the_other_is_refused() {
    let (desk, users) = (desk(""), [ADA, GRACE]);
    let taken = (1..=40).map(|number| {
        let (key, bits) = (format!("0196f1d2-0000-7000-8000-0000000001{number:02}"), h10301(123, 400 + number));
        let order = |user: &str| desk.sends("POST", "/v1/enrollments", Some(json!({"id": key, "user": user, "bits": bits})));
        let said = users.map(order).map(|sent| answered(sent).0);
        assert!(said == [202, 409] || said == [409, 202], "{said:?}");
        (key, if said == [202, 409] { ADA } else { GRACE })
    });
    let taken: Vec<(String, &str)> = taken.collect();
    // The same card, spelled in two ways, is one order.
    let spelled = |bits: &str| json!({"id": "0196f1d2-0000-7000-8000-000000000200", "user": ADA, "bits": bits});
    let said = ["{26}BD88EB80", "{26}bd88eb80"].map(|bits| desk.sends("POST", "/v1/enrollments", Some(spelled(bits))));
    assert!(said.map(|sent| answered(sent).0).iter().all(|status| [200, 202].contains(status)));
    let saved = desk.site.wait_for_outbox(|entries| entries.len() >= taken.len());
    for (key, user) in &taken {
        assert!(saved.iter().any(|entry| entry["enrollment"] == **key && entry["user_id"] == **user), "{key} {user}");
    }
}

#[test]
fn the_key_of_an_order_is_refused_to_an_order_for_somebody_else_or_of_another_card() {
    let (desk, key) = (desk(""), "0196f1d2-0000-7000-8000-000000000001");
    let order = |user: &str| desk.asks("POST", "/v1/enrollments", Some(json!({"id": key, "user": user, "bits": CARD})));
    assert_eq!(order(ADA).0, 202);
    desk.site.wait_for_outbox(|entries| entries.len() == 1);
    assert_eq!((order(ADA).0, order("").0), (200, 200), "whoever asks again hears how it stands");
    for other in [json!({"bits": h10301(123, 338)}), json!({"card_id": GRACE})] {
        let mut other = other;
        (other["id"], other["user"]) = (json!(key), json!(ADA));
        let (status, answer) = desk.asks("POST", "/v1/enrollments", Some(other));
        assert_eq!((status, &answer["error"]["code"]), (409, &json!("another_order")), "{answer}");
    }
    let (status, answer) = order(GRACE);
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("another_order")), "{answer}");
    let call = json!({"id": key, "operation": {"kind": "remove_user_card", "body": {"card_id": ADA, "user_id": ADA}}});
    let (status, answer) = desk.asks("POST", "/v1/calls", Some(call));
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("another_order")), "{answer}");
    assert_eq!(desk.site.outbox()[0]["user_id"], ADA);
    // One that waits for its card, too.
    let next = |user: &str| desk.asks("POST", "/v1/enrollments", Some(json!({"id": "0196f1d2-0000-7000-8000-000000000002", "user": user})));
    assert_eq!((next(ADA).0, next(ADA).0), (202, 202));
    let (status, answer) = next(GRACE);
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("another_order")), "{answer}");
    // And a call for the same user, of another card.
    let removed = |card: &str| {
        let operation = json!({"kind": "remove_user_card", "body": {"card_id": card, "user_id": ADA}});
        json!({"id": "0196f1d2-0000-7000-8000-000000000003", "operation": operation})
    };
    desk.calls(&removed(ADA)).hears("enrollment");
    let group = |group: i64| {
        let operation = json!({"kind": "add_access_level_group", "body": {"access_level_group_id": group, "user_id": ADA}});
        json!({"id": "0196f1d2-0000-7000-8000-000000000004", "operation": operation})
    };
    desk.calls(&group(5)).hears("enrollment");
    assert_eq!(desk.asks("POST", "/v1/calls", Some(group(9))).0, 409);
    let (status, answer) = desk.asks("POST", "/v1/calls", Some(removed(GRACE)));
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("another_order")), "{answer}");
}

/// A station at this socket that says what it is, and ends as it is asked something.
fn ends_as_it_is_asked(socket: PathBuf, station: &Value) -> JoinHandle<()> {
    let (listener, said) = (UnixListener::bind(&socket).unwrap(), station.to_string());
    let asked = move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let mut lines = String::new();
        while !lines.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut lines).unwrap(), 0, "{lines}");
        }
        stream.into_inner()
    };
    thread::spawn(move || {
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", said.len());
        asked().write_all((head + &said).as_bytes()).unwrap();
        let ended = asked();
        fs::remove_file(socket).unwrap();
        drop(ended);
    })
}

#[test]
fn whoever_looks_as_a_station_ends_is_answered_by_the_one_after_it() {
    let desk = desk("");
    assert_eq!(desk.site.run(&["enroll", "--user", ADA, "--bits", CARD, "--confirm"]).code, 0);
    let (_, station) = desk.asks("GET", "/v1/station?brief=true", None);
    let Desk { run, _blusky, site, .. } = desk;
    run.signal("TERM");
    for (command, told) in [(&["outbox", "list"][..], "accepted"), (&["outbox", "show", "0"], "accepted"), (&["status"], "no station")] {
        let ending = ends_as_it_is_asked(site.path("cardbridge.db.sock"), &station);
        let ended = site.run(command);
        ending.join().unwrap();
        assert!(ended.stdout.contains(told), "{command:?}: {} {} {}", ended.code, ended.stdout, ended.stderr);
    }
}
