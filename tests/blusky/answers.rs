//! Whatever is answered: no success that BluSKY did not state, no crash, and no more memory than an answer can need.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    CARD_ID, USER, on_wire,
    peer::{Peer, Reply},
    support::{ADA, CARD, Ended, GRACE, Site},
};

/// Answers that state no success.
fn strange() -> Vec<Vec<u8>> {
    let good = r#"{"Value":"dddd4d04-131d-4614-bf4b-553a7b803994","ResultCode":0,"Description":"Success"}"#;
    let xml = "<ResultWithGuid xmlns=\"http://schemas.datacontract.org/2004/07/APIWebRole.Controllers\"><Description>Success</Description>\
               <ResultCode>0</ResultCode><Value>dddd4d04-131d-4614-bf4b-553a7b803994</Value></ResultWithGuid>";
    let mut bodies: Vec<Vec<u8>> = [
        "",
        "null",
        "0",
        "\"Success\"",
        "[]",
        "{}",
        "<html><body>Sign in</body></html>",
        "<!DOCTYPE html><html><ResultCode>0</ResultCode></html>",
        "<!DOCTYPE r [<!ENTITY a \"0\">]><Result><ResultCode>&a;</ResultCode></Result>",
        "<Result><ResultCode>&zero;</ResultCode></Result>",
        "<Result><ResultCode/></Result>",
        "<Error><Message>An error has occurred.</Message></Error>",
        r#"{"ResultCode":"0","Value":"dddd4d04-131d-4614-bf4b-553a7b803994"}"#,
        r#"{"ResultCode":0.0,"Value":"dddd4d04-131d-4614-bf4b-553a7b803994"}"#,
        r#"{"ResultCode":null,"Value":"dddd4d04-131d-4614-bf4b-553a7b803994"}"#,
        r#"{"ResultCode":[0],"Value":"dddd4d04-131d-4614-bf4b-553a7b803994"}"#,
        r#"{"ResultCode":99999999999999999999}"#,
        r#"{"Message":"An error has occurred."}"#,
        "\u{feff}",
    ]
    .iter()
    .map(|body| body.as_bytes().to_vec())
    .collect();
    bodies.extend([1, 10, good.len() / 2, good.len() - 1].map(|cut| good.as_bytes()[..cut].to_vec()));
    bodies.extend([1, 10, xml.len() / 2, xml.len() - 1].map(|cut| xml.as_bytes()[..cut].to_vec()));
    bodies.extend(["[", "{\"ResultCode\":", "<Result>", "<a>"].map(|open| open.repeat(50_000).into_bytes()));
    bodies.push(vec![0xff, 0xfe, 0, 0x80]);
    bodies
}

fn calls(site: &Site) -> Vec<Ended> {
    let short = ["--outcome-timeout", "0", "--json"];
    let enroll = [&["enroll", "--user", ADA, "--bits", CARD][..], &short].concat();
    let update = [&["card", "update", "--user", ADA, "--card-id", CARD_ID, "--card-user-flags", "1"][..], &short].concat();
    let user = [&USER[..], &short].concat();
    let remove = [&["card", "remove", "--user", ADA, "--card", CARD_ID][..], &short].concat();
    let group = |what| [&["access", what, "--user", GRACE, "--group", "7"][..], &short].concat();
    let (lookup, list) = (vec!["lookup", "cards", "--json"], vec!["card", "list", "--user", ADA, "--json"]);
    [enroll, update, user, lookup, list, remove, group("add"), group("remove")].iter().map(|words| site.run(words)).collect()
}

#[test]
fn no_strange_answer_is_taken_for_success() {
    for (at, body) in strange().into_iter().enumerate() {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let is_list = body == b"[]";
        let blusky = Peer::start(move |_, _| Reply::Says("200 OK", "application/json", body.clone()));
        let site = on_wire(&blusky.base_url, if at % 2 == 0 { "json" } else { "xml" });
        for (call, ended) in calls(&site).into_iter().enumerate() {
            assert!(matches!(ended.code, 1 | 3) || (is_list && call == 3), "{shown} {call}: {ended:?}");
            assert!(!ended.stderr.contains("panicked"), "{shown} {call}: {ended:?}");
            assert!(!ended.stdout.contains("\"accepted\""), "{shown} {call}: {ended:?}");
        }
    }
}

#[test]
fn a_broken_http_is_no_success_either() {
    for raw in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"ResultCode\":0,",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/9.9 wonderful\r\n\r\n",
        "garbage",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
    ] {
        let blusky = Peer::start(move |_, _| Reply::Raw(raw.as_bytes().to_vec()));
        let site = on_wire(&blusky.base_url, "json");
        for ended in calls(&site) {
            assert!(matches!(ended.code, 1 | 3) && !ended.stderr.contains("panicked"), "{raw}: {ended:?}");
            assert!(!ended.stdout.contains("\"accepted\""), "{raw}: {ended:?}");
        }
    }
}

#[test]
fn an_answer_of_a_hundred_megabytes_is_not_read_to_its_end() {
    for words in [&["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "3", "--json"][..], &["lookup", "cards", "--json"]] {
        let blusky = Peer::start(|_, _| Reply::Floods(100 << 20));
        let site = on_wire(&blusky.base_url, "json");
        let begun = Instant::now();
        let ended = site.run(words);
        assert!(matches!(ended.code, 1 | 3) && begun.elapsed() < Duration::from_secs(20), "{ended:?}");
        assert!(ended.stdout.contains("larger than any answer"), "{ended:?}");
        // What the kernel holds on the way counts as taken.
        assert!(blusky.taken() < 60 << 20, "{} bytes were taken", blusky.taken());
    }
    let blusky = Peer::start(|_, _| Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 107374182400\r\n\r\n{".to_vec()));
    let ended = on_wire(&blusky.base_url, "json").run(&["card", "list", "--user", ADA, "--json"]);
    assert!(ended.error()["message"].as_str().unwrap().contains("larger"), "{ended:?}");
}

#[test]
fn an_answer_that_would_swell_in_memory_is_said_to_be_too_large() {
    for (open, item, close) in [("[", "{\"a\":0},", "{}]"), ("[", "[],", "[]]"), ("<ArrayOfA>", "<a><b>1</b></a>", "</ArrayOfA>")] {
        let body = format!("{open}{}{close}", item.repeat((30 << 20) / item.len()));
        let blusky = Peer::start(move |_, _| Reply::Says("200 OK", "application/json", body.clone().into_bytes()));
        let site = on_wire(&blusky.base_url, "json");
        let command = site.command(&["lookup", "systems", "--json"]);
        // Twice the address space the whole program needs with a list of every card of a large site.
        let script = "ulimit -v 1500000; exec \"$0\" \"$@\"";
        let mut bounded = std::process::Command::new("sh");
        bounded.arg("-c").arg(script).arg(command.get_program()).args(command.get_args()).current_dir(site.folder.path());
        let ended = Ended::after(&mut bounded);
        assert_eq!(ended.code, 1, "{item}: {ended:?}");
        assert!(ended.error()["message"].as_str().unwrap().contains("128 MiB"), "{item}: {ended:?}");
    }
}

#[test]
fn a_busy_blusky_is_left_alone_for_as_long_as_it_asks() {
    let begun = Instant::now();
    let blusky = Peer::start(move |request, count| match (request.method.as_str(), count) {
        ("POST", 1) => Reply::Raw(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 4\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ("POST", _) if begun.elapsed() < Duration::from_secs(4) => Reply::Says("400 Bad Request", "text/html", Vec::new()),
        ("POST", _) => Reply::success(),
        _ => Reply::not_found(),
    });
    let site = on_wire(&blusky.base_url, "json");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["attempts"]), (0, &json!(2)), "{ended:?}");
}

#[test]
fn every_way_of_failing_is_sorted_by_what_can_be_done() {
    for (status, body, code, state) in [
        ("400 Bad Request", r#"{"Message":"The request is invalid.","ModelState":{"model.CardType":["Wrong."]}}"#, 1, "refused"),
        ("400 Bad Request", "<Error><Message>The request is invalid.</Message></Error>", 1, "refused"),
        ("400 Bad Request", r#"{"ResultCode":9,"Description":"No."}"#, 1, "refused"),
        ("401 Unauthorized", r#"{"Message":"Authorization has been denied for this request."}"#, 3, "saved"),
        ("403 Forbidden", "<html>", 3, "saved"),
        ("404 Not Found", r#"{"Message":"No HTTP resource was found"}"#, 3, "saved"),
        ("404 Not Found", r#"{"Message":"User not found."}"#, 1, "refused"),
        ("409 Conflict", r#"{"Message":"The card is locked."}"#, 1, "refused"),
        ("422 Unprocessable Entity", r#"{"Message":"No such type."}"#, 1, "refused"),
        ("413 Payload Too Large", r#"{"Message":"Too much."}"#, 1, "refused"),
        ("410 Gone", "", 3, "in_doubt"),
        ("402 Payment Required", r#"{"Message":"Pay."}"#, 3, "in_doubt"),
        ("405 Method Not Allowed", "{}", 3, "saved"),
        ("413 Payload Too Large", "<html>", 3, "saved"),
        ("415 Unsupported Media Type", "{}", 3, "saved"),
        ("429 Too Many Requests", "<html>", 3, "saved"),
        ("502 Bad Gateway", "<html>", 3, "in_doubt"),
        ("503 Service Unavailable", "<html>", 3, "in_doubt"),
    ] {
        let blusky = Peer::start(move |request, _| match request.method.as_str() {
            "POST" => Reply::Says(status, "application/json", body.as_bytes().to_vec()),
            _ => Reply::json(&json!({"UserId": ADA, "Cards": []})),
        });
        let site = on_wire(&blusky.base_url, "json");
        let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "1", "--json"]);
        // The call that was under way when patience ended is finished first.
        let left = site.outbox().remove(0);
        assert_eq!((ended.code, &left["state"]), (code, &json!(state)), "{status}: {ended:?}");
        assert!(left["why"].is_string() != left["description"].is_string(), "{status} says why: {left}");
    }
}
