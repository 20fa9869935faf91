//! What is promised of `cardbridge doctor`: it finds what is wrong on this machine and says what mends it, changes nothing, and its
//! ticket tells strangers nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/peer.rs"]
#[allow(dead_code, reason = "each test file takes what it needs")]
mod peer;
mod support;

use std::{
    collections::BTreeMap,
    ffi::CString,
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use cardbridge::simulator::virtual_card::{CardScript, VirtualCard};

use peer::{Peer, Reply};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use serde_json::{Value, json};
use support::{ADA, CARD, Ended, GRACE, SerialReader, Simulator, Site, pcscd::Pcscd, users::as_another, wait_for};

const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n";

/// What was found, and what was looked at.
struct Looked {
    code: i32,
    findings: Vec<Value>,
    summary: Value,
}

fn looked(ended: &Ended) -> Looked {
    let mut findings = ended.lines();
    let summary = findings.pop().unwrap_or_else(|| panic!("{ended:?}"));
    assert!(findings.iter().all(|finding| finding["what"] != "" && finding["why"] != "" && finding["mend"] != ""), "{findings:#?}");
    let broken = findings.iter().filter(|finding| finding["level"] == "broken").count();
    assert_eq!((summary["broken"].as_u64(), ended.code), (Some(broken as u64), i32::from(broken > 0)), "{ended:?}");
    Looked { code: ended.code, findings, summary }
}

fn doctor(site: &Site) -> Looked {
    looked(&site.run(&["doctor", "--json"]))
}

impl Looked {
    fn has(&self, code: &str) -> bool {
        self.findings.iter().any(|finding| finding["finding"] == code)
    }

    /// The finding of that name, in one text.
    fn says(&self, code: &str) -> String {
        let found = self.findings.iter().find(|finding| finding["finding"] == code);
        let finding = found.unwrap_or_else(|| panic!("{code}: {:#?} {}", self.findings, self.summary));
        ["what", "why", "mend"].map(|member| finding[member].as_str().unwrap()).join("\n")
    }
}

/// Every file of the site with what stands in it, and when it was changed; and when a file came or went last.
fn everything(site: &Site) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    let files = fs::read_dir(site.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let came_or_went = fs::metadata(site.folder.path()).unwrap().modified().unwrap();
    files
        .filter(|path| path.is_file())
        .map(|path| {
            let changed = fs::metadata(&path).unwrap().modified().unwrap();
            (path.display().to_string(), (fs::read(&path).unwrap(), changed))
        })
        .chain([(".".to_owned(), (Vec::new(), came_or_went))])
        .collect()
}

fn enroll(site: &Site, user: &str, bits: &str) -> Ended {
    site.run(&["enroll", "--user", user, "--bits", bits, "--outcome-timeout", "0", "--json"])
}

// ---- nothing wrong, and nothing changed

#[test]
fn at_a_sound_site_nothing_is_broken_and_what_was_looked_at_is_said() {
    let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let site =
        Site::at(&blusky.base_url, &format!("{}[people]\nfile = \"people.csv\"\n", reader.configuration("desk", "twn3-hidprox", "")));
    fs::write(site.path("people.csv"), PEOPLE).unwrap();
    let looked = doctor(&site);
    assert_eq!((looked.code, looked.findings.len()), (0, 0), "{:#?}", looked.findings);
    assert_eq!((&looked.summary["blusky"]["status"], &looked.summary["blusky"]["cards"]), (&json!(200), &json!(0)));
    let told = site.run(&["doctor"]);
    assert!(told.code == 0 && told.stdout.contains("nothing is broken") && told.stdout.contains("1 person"), "{told:?}");
    assert!(!site.path("cardbridge.db").exists(), "no store is made for it");
}

#[test]
fn it_changes_no_byte_and_makes_only_reading_calls() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[people]\nfile = \"people.csv\"\n");
    fs::write(site.path("people.csv"), PEOPLE).unwrap();
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin"]).code, 2, "there is no such file");
    site.keep("pin", "90417\n");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin"]).code, 0);
    let (before, sent) = (everything(&site), blusky.shows()["requests"].as_array().unwrap().len());
    for arguments in [&["doctor"][..], &["doctor", "--json"]] {
        let ended = site.run(arguments);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!(everything(&site), before);
    let requests = blusky.shows()["requests"].as_array().unwrap()[sent..].to_vec();
    assert_eq!(requests.len(), 2, "{requests:#?}");
    assert!(requests.iter().all(|request| request["method"] == "GET" && request["call"] == "GetLoggedInUsersCards"), "{requests:#?}");
    // What the store has seen is told from it.
    let calls = doctor(&site).summary["calls"].clone();
    assert!(calls.to_string().contains(r#"{"call":"AddUserCard","exists":true,"success_codes":[0]}"#), "{calls}");
}

#[test]
fn it_works_without_a_configuration_and_with_one_that_is_wrong() {
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardbridge"));
    let ended = Ended::after(command.args(["doctor", "--json"]).current_dir(empty.path()).env("HOME", empty.path()));
    let found = looked(&ended);
    assert!(found.code == 0 && found.says("no_configuration").contains("--config"), "{ended:?}");

    let site = Site::at(
        "http://127.0.0.1:9",
        "[[reader]]\nname = \"desk\"\nserial = \"/dev/ttyNONE\"\ndialct = \"twn3-hidprox\"\n[enroll]\nproof = 7\n",
    );
    let found = doctor(&site);
    let wrong: Vec<&Value> = found.findings.iter().filter(|finding| finding["finding"] == "configuration_wrong").collect();
    assert!(wrong.len() >= 2 && found.says("configuration_wrong").contains("line "), "{:#?}", found.findings);
    assert!(found.says("blusky_not_reached").contains("127.0.0.1:9"), "what could be looked at was");
    site.configure("[blusky\n");
    assert!(doctor(&site).has("configuration_wrong"));
    fs::remove_file(site.path("cardbridge.toml")).unwrap();
    assert!(doctor(&site).says("configuration_unreadable").contains("cardbridge.toml"));
}

// ---- ports

#[test]
fn a_port_that_another_program_holds_is_named_with_that_program() {
    let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    let port = fs::File::open(&reader.path).unwrap();
    let mut holder = Command::new("sleep").arg("60").stdin(port).spawn().unwrap();
    let found = doctor(&site).says("port_held");
    let named = format!("{} is held by sleep (process {})", reader.path, holder.id());
    assert!(found.contains(&named) && found.contains(&format!("kill {}", holder.id())), "{found}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(doctor(&site).findings, Vec::<Value>::new());
    // A station that runs here is no stranger.
    let mut station = site.station();
    station.wait_for_stderr("desk: there");
    let looked = doctor(&site);
    assert_eq!((looked.findings, &looked.summary["station"]), (Vec::new(), &json!(station.id())));
}

#[test]
fn a_reader_that_is_not_there_or_may_not_be_opened_is_said_with_what_lets_it() {
    let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let gone = "[[reader]]\nname = \"gate\"\nusb = \"1234:abcd\"\ndialect = \"twn3-hidprox\"\n";
    let site = Site::at(&blusky.base_url, &format!("{}{gone}", reader.configuration("desk", "twn3-hidprox", "")));
    assert!(doctor(&site).says("reader_missing").contains("gate is not plugged in: 1234:abcd"));
    let elsewhere = site.path("reader");
    fs::copy(site.path("cardbridge.toml"), &elsewhere).unwrap();
    let other =
        Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", "").replace(&reader.path, elsewhere.to_str().unwrap()));
    assert!(doctor(&other).says("no_device").contains(elsewhere.to_str().unwrap()));
    fs::set_permissions(&reader.path, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may do everything.
    let found = looked(&Ended::after(&mut as_another(&site, &["doctor", "--json"])));
    fs::set_permissions(&reader.path, fs::Permissions::from_mode(0o620)).unwrap();
    assert!(found.says("port_not_allowed").contains(&format!("{} may not be opened by the user", reader.path)), "{:#?}", found.findings);
    if nix::unistd::geteuid().is_root() {
        assert!(found.says("secret_file").contains("Permission denied"), "the token is another user's: {:#?}", found.findings);
        assert!(found.says("store_read_only").contains("chown"), "{:#?}", found.findings);
    }
}

// ---- smart cards

#[test]
fn a_smart_card_service_that_does_not_run_is_said_and_how_to_start_it() {
    let blusky = Simulator::start(&[]);
    let mut site = Site::at(&blusky.base_url, "[[reader]]\nname = \"card\"\npcsc = \"*virtual*\"\n");
    site.env(("PCSCLITE_CSOCK_NAME".to_owned(), site.path("no.sock").display().to_string()));
    let found = doctor(&site).says("no_pcscd");
    assert!(found.contains("card") && found.contains("sudo systemctl enable --now pcscd.socket"), "{found}");
}

#[test]
fn where_the_service_runs_a_reader_that_is_not_there_is_missed_and_one_that_is_is_not() {
    let (blusky, pcscd) = (Simulator::start(&[]), Pcscd::start(1));
    let reader = |pattern: &str| format!("[[reader]]\nname = \"card\"\npcsc = \"{pattern}\"\n");
    let mut site = Site::at(&blusky.base_url, &reader("*virtual*"));
    site.env(pcscd.env());
    assert_eq!(doctor(&site).findings, Vec::<Value>::new());
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("*virtual*", "*OMNIKEY*"));
    assert!(doctor(&site).says("reader_missing").contains("*OMNIKEY*"));
}

#[test]
fn a_card_that_another_program_uses_alone_is_told_with_that_program() {
    let (blusky, pcscd) = (Simulator::start(&[]), Pcscd::start(1));
    let mut site = Site::at(&blusky.base_url, "[[reader]]\nname = \"card\"\npcsc = \"*virtual*\"\n");
    site.env(pcscd.env());
    let card =
        CardScript { atr: vec![0x3B, 0x80, 0x80, 0x01, 0x01], answers: Vec::new(), otherwise: vec![0x6A, 0x81], delay: Duration::ZERO };
    let _card = VirtualCard::insert(pcscd.addr(0), card).unwrap();
    let (name, value) = pcscd.env();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "another_program", "--ignored", "--nocapture"])
        .env(name, value)
        .env("CARD_READER", pcscd.name(0))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("it is mine")), "the other program has the card");
    let says = doctor(&site).says("card_reader_held");
    assert!(says.contains("the reader card is held by another program") && says.contains(&format!("(process {})", other.id())), "{says}");
    drop(other.stdin.take());
    other.wait().unwrap();
    wait_for("the card to be free", || (!doctor(&site).has("card_reader_held")).then_some(()));
}

#[test]
#[ignore = "a program of its own, which a test above starts"]
#[allow(clippy::print_stdout, reason = "its word for the test")]
fn another_program() {
    let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
    let reader = CString::new(std::env::var("CARD_READER").unwrap()).unwrap();
    let card = wait_for("the card", || context.connect(&reader, pcsc::ShareMode::Exclusive, pcsc::Protocols::ANY).ok());
    println!("\nit is mine");
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    drop(card.disconnect(pcsc::Disposition::LeaveCard));
}

// ---- the store

#[test]
fn a_store_that_cannot_be_kept_is_said_and_so_is_one_that_is_none() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[store]\npath = \"nowhere/site.db\"\n");
    assert!(doctor(&site).says("store_folder").contains("mkdir -p"));
    fs::create_dir(site.path("nowhere")).unwrap();
    assert_eq!(doctor(&site).findings, Vec::<Value>::new());
    fs::write(site.path("nowhere/site.db"), "this is no store of ours, but a text that is long enough to be one ".repeat(20)).unwrap();
    assert!(doctor(&site).says("store_unreadable").contains("not a cardbridge store"));
}

#[test]
fn a_folder_and_a_pipe_are_no_store_and_nobody_waits_for_one() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[store]\npath = \"site.db\"\n");
    let path = site.path("site.db");
    let folder = || fs::create_dir(&path).unwrap();
    let pipe = || nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for make in [&folder as &dyn Fn(), &pipe] {
        make();
        let said = "it is no file but a folder, a pipe or a device";
        assert!(doctor(&site).says("store_unreadable").contains(said));
        for arguments in [&["outbox", "list"][..], &["audit", "verify"], &["run"], &["enroll", "--user", ADA, "--bits", CARD]] {
            let ended = site.run(arguments);
            assert!(ended.code == 1 && ended.stderr.contains(said), "{arguments:?}: {ended:?}");
        }
        fs::remove_dir(&path).or_else(|_| fs::remove_file(&path)).unwrap();
    }
}

#[test]
fn what_waits_in_the_store_is_judged_with_and_without_a_station() {
    let site = Site::at("http://127.0.0.1:9", "");
    site.keep("pin", "90417\n");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--outcome-timeout", "0"]).code, 3);
    assert!(!doctor(&site).has("key_missing"));
    let key = site.path("cardbridge.db.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(doctor(&site).says("key_open").contains("chmod 600"));
    fs::remove_file(&key).unwrap();
    let before = everything(&site);
    assert!(doctor(&site).says("key_missing").contains("put the key file back"));
    assert_eq!(everything(&site), before);
    let mut station = site.station();
    station.wait_for_stderr("the station runs");
    assert!(doctor(&site).says("key_missing").contains("put the key file back"));
}

#[test]
fn the_log_of_a_command_that_was_killed_is_left_as_it_is() {
    let site = Site::at("http://127.0.0.1:9", "");
    let mut station = site.station();
    station.wait_for_stderr("the station runs");
    assert_eq!(enroll(&site, ADA, CARD).code, 3);
    station.kill();
    let before = everything(&site);
    assert!(before.keys().any(|name| name.ends_with("-wal")), "{:?}", before.keys());
    let found = doctor(&site);
    assert!(found.says("store_log").contains("cardbridge status"));
    assert_eq!(everything(&site), before);
    assert_eq!(site.run(&["status"]).code, 0);
    assert!(!doctor(&site).has("store_log"));
}

// ---- stations

#[test]
fn a_station_of_another_configuration_is_said_and_so_is_one_that_does_not_answer() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let mut station = site.station();
    station.wait_for_stderr("the station runs");
    assert!(!doctor(&site).has("other_site"));
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&format!("{text}\n[delivery]\nparallel = 2\n"));
    let found = doctor(&site).says("other_site");
    assert!(found.contains(&format!("kill {}", station.id())) && found.contains("another configuration"), "{found}");
    site.configure(&text);
    // Nobody answers at the socket that stands in the place of its own.
    drop(UnixListener::bind(site.path("another.sock")).unwrap());
    fs::rename(site.path("another.sock"), site.path("cardbridge.db.sock")).unwrap();
    let found = doctor(&site).says("station_silent");
    assert!(found.contains(&format!("cardbridge run (process {})", station.id())), "{found}");
}

#[test]
fn noise_bits_that_never_fit_and_codes_that_are_not_listed_are_told_from_what_the_station_has_seen() {
    let (blusky, mut reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("[site]\n", "[site]\nfacility_codes = [31]\n"));
    let mut station = site.station();
    station.wait_for_stderr("desk: there");
    reader.send(b"\x02\x01\xFE\xC0rubbish\x03\r");
    let found = wait_for("the noise", || Some(doctor(&site)).filter(|looked| looked.has("wrong_dialect")));
    assert!(found.says("wrong_dialect").contains(&format!("cardbridge readers --listen {}", reader.path)));
    // A card of code 123, and one of 37 bits.
    reader.send(b"1ABD88EB80\r");
    reader.send(b"250000181CD8\r");
    let found = wait_for("the cards", || Some(doctor(&site)).filter(|looked| looked.has("length_never_fits")));
    assert!(found.says("length_never_fits").contains("1 cards of 37 bits"), "{:#?}", found.findings);
    assert!(found.says("facility_code_not_listed").contains("facility code 123"), "{:#?}", found.findings);
    assert!(!found.has("wrong_dialect"), "{:#?}", found.findings);
}

// ---- BluSKY

#[test]
fn a_blusky_that_is_not_there_and_a_token_that_it_refuses_are_told_apart() {
    let blusky = Simulator::start(&["--token", "another"]);
    let at = Site::at(&blusky.base_url, "");
    let found = doctor(&at);
    assert!(found.says("token_refused").contains("401") && found.says("token_refused").contains("blusky.token_file"));
    fs::write(at.path("token"), "").unwrap();
    assert!(doctor(&at).says("secret_file").contains("empty"));
    fs::write(at.path("token"), "another\n").unwrap();
    fs::set_permissions(at.path("token"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(doctor(&at).says("secret_public").contains("chmod 600"), "everybody can read it");
    fs::remove_file(at.path("token")).unwrap();
    let found = doctor(&at);
    assert!(found.has("secret_file") && found.has("sign_in") && !found.has("token_refused"), "{:#?}", found.findings);
    assert!(doctor(&Site::at("http://127.0.0.1:9", "")).says("blusky_not_reached").contains("refused"));
}

fn cards(_: &peer::Request, _: usize) -> Reply {
    Reply::json(&json!({"UserId": ADA, "Cards": [{"CardId": null}, {"CardId": null}]}))
}

#[test]
fn a_clock_that_is_off_is_told_by_the_date_of_blusky_s_answer() {
    for (hours, is_off) in [(0, false), (2, true), (-2, true)] {
        let blusky = Peer::start(move |_, _| {
            let date = (chrono::Utc::now() + chrono::TimeDelta::hours(hours)).format("%a, %d %b %Y %H:%M:%S GMT");
            let body = format!("{{\"UserId\":\"{ADA}\",\"Cards\":[{{}},{{}}]}}");
            let head =
                format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            Reply::Raw([head.as_bytes(), body.as_bytes()].concat())
        });
        let looked = doctor(&Site::at(&blusky.base_url, ""));
        assert_eq!((looked.has("clock_off"), &looked.summary["blusky"]["cards"]), (is_off, &json!(2)), "{hours}: {:#?}", looked.findings);
        if is_off {
            let way = if hours > 0 { "behind" } else { "ahead of" };
            assert!(looked.says("clock_off").contains(way) && looked.says("clock_off").contains("timedatectl"), "{:#?}", looked.findings);
        }
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_said_and_how_to_name_its_authority() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let config = builder.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap()).unwrap();
    let blusky = Peer::tls(Arc::new(config), cards);
    let site = Site::at(&blusky.base_url, "");
    let found = doctor(&site).says("tls_not_trusted");
    let host = blusky.base_url.trim_start_matches("https://");
    assert!(found.contains("ca_file = \"ca.pem\"") && found.contains(&format!("openssl s_client -showcerts -connect {host}")), "{found}");
    assert_eq!(blusky.heard().len(), 0, "no token was sent");
    fs::write(site.path("ca.pem"), certificate.pem()).unwrap();
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("token_file", "ca_file = \"ca.pem\"\ntoken_file"));
    assert_eq!(doctor(&site).findings, Vec::<Value>::new());
}

#[test]
fn what_answers_and_is_no_blusky_is_told_from_one_that_lacks_the_call() {
    let page = Peer::start(|_, _| Reply::Says("200 OK", "text/html", b"<html>login</html>".to_vec()));
    assert!(doctor(&Site::at(&page.base_url, "")).says("wrong_address").contains("what stands before api/"));
    let nothing = Peer::start(|_, _| Reply::not_found());
    assert!(doctor(&Site::at(&nothing.base_url, "")).says("wrong_address").contains("404"));
    let older = Peer::start(|request, _| match request.path.contains("GetAllCardTypes") {
        true => Reply::json(&json!([])),
        false => Reply::not_found(),
    });
    assert_eq!(doctor(&Site::at(&older.base_url, "")).findings, Vec::<Value>::new());
    let asked: Vec<String> = older.heard().into_iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    assert!(asked.len() == 3 && asked.iter().all(|request| request.starts_with("GET ")), "{asked:?}");
}

#[test]
fn an_answer_of_success_that_is_a_refusal_or_no_list_is_told_from_a_blusky_that_works() {
    for (body, what) in [
        ("{\"ResultCode\":7,\"Description\":\"Token expired for Kim\"}", "result code 7"),
        ("[]", "no list of cards"),
        ("{\"UserId\":\"x\"}", "no list of cards"),
        ("{\"UserId\":\"x\",\"Cards\":null}", "no list of cards"),
        ("hello", "neither JSON nor XML"),
    ] {
        let blusky = Peer::start(move |_, _| Reply::Says("200 OK", "application/json", body.as_bytes().to_vec()));
        let looked = doctor(&Site::at(&blusky.base_url, ""));
        assert!(looked.code == 1 && looked.says("blusky_strange").contains(what), "{body}: {:#?}", looked.findings);
        assert!(!looked.says("blusky_strange").contains("Kim"), "{:#?}", looked.findings);
        assert_eq!(looked.summary["blusky"]["status"], 200);
    }
}

#[test]
fn the_rows_of_the_people_file_that_are_left_out_are_shown_with_row_and_column() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[people]\nfile = \"people.csv\"\n");
    assert!(doctor(&site).says("people_unreadable").contains("people.csv"));
    fs::write(site.path("people.csv"), format!("{PEOPLE}x,Alan,Turing,1912\n{GRACE},Grace,Hopper,1815\n")).unwrap();
    let found = doctor(&site);
    assert!(found.code == 0 && found.says("people_row").contains("row 3, column 1: the user_id is not a GUID"), "{:#?}", found.findings);
    fs::write(site.path("people.csv"), format!("{PEOPLE}{}", "x,Alan,Turing,1912\n".repeat(40))).unwrap();
    let rows = doctor(&site).findings;
    assert!(rows.len() == 6 && rows[5]["what"].as_str().unwrap().contains("35 further rows"), "{rows:#?}");
}

// ---- the ticket

#[test]
fn a_ticket_holds_no_card_number_name_or_token_whatever_is_found() {
    let (blusky, mut reader) = (Simulator::start(&["--fault", "drop-after-commit@AddUser"]), SerialReader::plug_in());
    let more = format!("{}[people]\nfile = \"people.csv\"\n", reader.configuration("Lovelace-desk", "twn3-hidprox", ""));
    let site = Site::at(&blusky.base_url, &more);
    let token = "tok-7Qz4567secret";
    site.keep("token", &format!("{token}\n"));
    fs::write(site.path("people.csv"), format!("{PEOPLE}x,Alan,Turing,1912\n{GRACE},Grace,Hopper,1815\n")).unwrap();
    assert_eq!(enroll(&site, "Ada Lovelace", CARD).code, 3, "the token is refused");
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("[site]\n", "[site]\nfacility_codes = [98765]\n"));
    let mut station = site.station();
    station.wait_for_stderr("Lovelace-desk: there");
    reader.send(b"1ABD88EB80\r");
    wait_for("the card", || Some(doctor(&site)).filter(|looked| looked.has("facility_code_not_listed")));
    let ended = site.run(&["doctor", "--bundle", "ticket.txt"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let ticket = fs::read_to_string(site.path("ticket.txt")).unwrap();
    for code in ["token_refused", "people_row", "facility_code_not_listed", "delivery_stopped"] {
        assert!(ticket.contains(code), "{code}: {ticket}");
    }
    let folder = site.folder.path().display().to_string();
    let host = blusky.base_url.trim_start_matches("http://");
    for private in
        ["4567", "BD88EB80", "123 ", "98765", "Lovelace", "Ada", "Turing", "1815", "1912", token, ADA, GRACE, &folder, host, &reader.path]
    {
        assert!(!ticket.contains(private), "{private}: {ticket}");
    }
    assert!(ticket.contains("twn3-hidprox") && ticket.contains("cardbridge 0."), "what helps is there: {ticket}");
    // It is this user's alone, and never written over another file.
    assert_eq!(fs::metadata(site.path("ticket.txt")).unwrap().permissions().mode() & 0o077, 0);
    let again = site.run(&["doctor", "--bundle", "ticket.txt"]);
    assert!(again.code == 1 && again.stderr.contains("ticket.txt cannot be written"), "{again:?}");
    assert_eq!(fs::read_to_string(site.path("ticket.txt")).unwrap(), ticket);
}

#[test]
fn what_is_there_and_may_not_be_read_is_neither_to_be_emptied_nor_replaced() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    // A store is there; whether BluSKY has the card already is the same here.
    assert_eq!(enroll(&site, ADA, CARD).states().first().map(String::as_str), Some("saved"));
    let found = looked(&Ended::after(&mut as_another(&site, &["doctor", "--json"])));
    let secret = found.says("secret_file");
    assert!(secret.contains("sudo chown \"$USER\"") && !secret.contains("/dev/null"), "{secret}");
    assert!(found.says("store_read_only").contains("chmod -R u+rwX") && !found.has("store_unreadable"), "{:#?}", found.findings);
}

#[test]
fn a_configuration_that_is_no_text_and_one_that_leads_nowhere_are_said() {
    let site = Site::at("http://127.0.0.1:9", "");
    fs::write(site.path("cardbridge.toml"), [0x80, 0x81]).unwrap();
    assert!(doctor(&site).says("configuration_unreadable").contains("saved as UTF-8"));
    fs::remove_file(site.path("cardbridge.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere.toml", site.path("cardbridge.toml")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardbridge"));
    let ended = Ended::after(command.args(["doctor", "--json"]).current_dir(site.folder.path()).env("HOME", site.folder.path()));
    assert!(looked(&ended).says("configuration_unreadable").contains("No such file"), "{ended:?}");
}
