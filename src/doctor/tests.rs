//! Each finding appears when its cause is there, and is gone when it is not.

use super::{
    blusky::{Call, Came, PeopleList, Probe},
    configuration::{Kiosk, PeopleFile, SecretFile},
    ports::{Denied, Holder, Port, Typist},
    smartcards::{CardReader, Service, Taken},
    station::{Length, Reader, Running},
    store::{ForAPerson, Outbox, Read},
    *,
};
use crate::{enroll::people, sheet};

/// A site at which everything is as it should be: two readers, people, a store, a station, a BluSKY.
fn sound() -> Facts {
    let secret = SecretFile {
        key: "blusky.token_file",
        path: "/home/mallory/token".to_owned(),
        trouble: None,
        is_there: true,
        is_denied: false,
        is_open: false,
        is_public: false,
    };
    let people =
        PeopleFile { path: "people.csv".to_owned(), unreadable: None, people: 3, codes: Some(2), short_codes: None, rows: Vec::new() };
    let port =
        Port { reader: "gate17".to_owned(), path: Some("/dev/ttyUSB0".to_owned()), is_there: true, is_device: true, ..Port::default() };
    let card = CardReader { device: "ACR122".to_owned(), configured: Some("card".to_owned()), is_held: false, shows: true };
    let probe = Probe { call: "GetLoggedInUsersCards", came: Came::Answer(200, false), millis: 9, clock_ahead_s: Some(1), cards: Some(2) };
    let call = |name: &str, code| Call { name: name.to_owned(), exists: true, success_codes: vec![code], words: String::new() };
    Facts {
        configuration: configuration::Facts {
            file: Some("site.toml".to_owned()),
            secrets: vec![secret],
            people: Some(people),
            ..configuration::Facts::default()
        },
        ports: ports::Facts { user: "mallory".to_owned(), ports: vec![port], typists: Vec::new() },
        smartcards: smartcards::Facts {
            wanted: vec![("card".to_owned(), "*ACR122*".to_owned())],
            service: Some(Service::Answers),
            is_installed: true,
            readers: vec![card],
            escapes: Some(true),
            user: "mallory".to_owned(),
            ..smartcards::Facts::default()
        },
        store: Some(store::Facts {
            path: "site.db".to_owned(),
            folder: ".".to_owned(),
            has_folder: true,
            user: "mallory".to_owned(),
            free: Some(1 << 40),
            read: Read::Stands(Box::default()),
            ..store::Facts::default()
        }),
        station: station::Facts { running: Some(running()), version: "1", ..station::Facts::default() },
        blusky: blusky::Facts {
            is_configured: true,
            base_url: Some("https://blusky.example".to_owned()),
            probe: Some(probe),
            key: "blusky.token_file",
            calls: vec![call("AddUserCard", 0), call("UserCards", 0)],
            people: Some(PeopleList { age_s: Some(90) }),
            ..blusky::Facts::default()
        },
    }
}

fn running() -> Running {
    let lengths = [(26, Length { cards: 5, fit: 5 })].into();
    let reader = Reader { name: "gate17".to_owned(), up: true, cards: 5, noise_bytes: 3, lengths, ..Reader::default() };
    Running {
        doing: "run".to_owned(),
        process: 4711,
        version: "1".to_owned(),
        readers: vec![reader],
        outbox: Some(Outbox::default()),
        ..Running::default()
    }
}

fn store(facts: &mut Facts) -> &mut store::Facts {
    facts.store.as_mut().unwrap()
}

fn outbox(facts: &mut Facts) -> &mut Outbox {
    let running = facts.station.running.as_mut().unwrap();
    running.outbox.as_mut().unwrap()
}

fn seen(facts: &mut Facts) -> &mut Reader {
    &mut facts.station.running.as_mut().unwrap().readers[0]
}

fn wrong() -> sheet::Finding {
    sheet::Finding { file: "site.toml".to_owned(), line: 3, column: 7, message: "no key is named `baude`".to_owned() }
}

fn answers(facts: &mut Facts, came: Came) {
    facts.blusky.probe.as_mut().unwrap().came = came;
}

fn certificate(why: &str) -> Came {
    Came::NotReached(format!("client error (Connect): invalid peer certificate: {why}"))
}

type Cause = fn(&mut Facts);

/// Each finding with its level, what causes it, and words that must be in it.
const CAUSES: &[(&str, Level, Cause, &str)] = &[
    ("no_configuration", Level::Note, |facts| facts.configuration.file = None, "--config"),
    ("configuration_unreadable", Level::Broken, |facts| facts.configuration.unreadable = Some("denied".to_owned()), "site.toml"),
    ("configuration_wrong", Level::Broken, |facts| facts.configuration.wrong = vec![wrong()], "line 3, column 7: no key is named `baude`"),
    ("protocol_folder", Level::Broken, |facts| facts.configuration.folder = Some("not there".to_owned()), "cards/"),
    ("protocol_file", Level::Warning, |facts| facts.configuration.protocols = vec![wrong()], "cardbridge check"),
    (
        "secret_file",
        Level::Broken,
        |facts| facts.configuration.secrets[0].trouble = Some("is empty".to_owned()),
        "/home/mallory/token: is empty",
    ),
    ("secret_public", Level::Broken, |facts| facts.configuration.secrets[0].is_public = true, "take a new secret"),
    ("secret_open", Level::Warning, |facts| facts.configuration.secrets[0].is_open = true, "chmod 600 /home/mallory/token"),
    (
        "people_unreadable",
        Level::Broken,
        |facts| facts.configuration.people.as_mut().unwrap().unreadable = Some("no headings".to_owned()),
        "people.csv: no headings",
    ),
    (
        "people_row",
        Level::Warning,
        |facts| {
            let row = people::Finding { row: 4, column: 1, message: "the user_id is not a GUID".to_owned() };
            facts.configuration.people.as_mut().unwrap().rows = vec![row];
        },
        "row 4, column 1: the user_id is not a GUID",
    ),
    (
        "kiosk_no_codes",
        Level::Broken,
        |facts| {
            facts.configuration.kiosk = Some(Kiosk { without_code: false, desk_is_open: false });
            facts.configuration.people.as_mut().unwrap().codes = None;
        },
        "the list of people people.csv has no column kiosk_code",
    ),
    (
        "kiosk_short_codes",
        Level::Warning,
        |facts| {
            facts.configuration.kiosk = Some(Kiosk { without_code: false, desk_is_open: false });
            let short = people::Finding { row: 4, column: 5, message: "one guess in 10000 is right".to_owned() };
            facts.configuration.people.as_mut().unwrap().short_codes = Some(short);
        },
        "8 digits or more",
    ),
    (
        "kiosk_open_desk",
        Level::Warning,
        |facts| facts.configuration.kiosk = Some(Kiosk { without_code: true, desk_is_open: true }),
        "[[operator]] with a pin_file",
    ),
    ("people_not_listed", Level::Warning, |facts| facts.blusky.people = Some(PeopleList::default()), "cardbridge lookup users"),
    (
        "people_list_old",
        Level::Warning,
        |facts| facts.blusky.people = Some(PeopleList { age_s: Some(3 * 86_400) }),
        "BluSKY's list of people is 3 days old",
    ),
    ("reader_missing", Level::Broken, |facts| facts.ports.ports[0].is_there = false, "cardbridge readers"),
    ("no_device", Level::Broken, |facts| facts.ports.ports[0].is_device = false, "cardbridge readers"),
    (
        "port_not_allowed",
        Level::Broken,
        |facts| {
            facts.ports.ports[0].denied = Some(Denied { group: Some("dialout".to_owned()), group_may: true, joined: false });
        },
        "sudo usermod -aG dialout mallory",
    ),
    (
        "port_held",
        Level::Broken,
        |facts| facts.ports.ports[0].holders = vec![Holder { process: 99, program: "minicom".to_owned() }],
        "/dev/ttyUSB0 is held by minicom (process 99)",
    ),
    (
        "keyboard_could_be_better",
        Level::Note,
        |facts| {
            let typist = Typist { known: "OMNIKEY 5427CK".to_owned(), usb: "076b:5428".to_owned(), switch: "its web page".to_owned() };
            facts.ports.typists = vec![typist];
        },
        "its web page",
    ),
    (
        "kernel_driver",
        Level::Broken,
        |facts| {
            let (reader, usb) = ("ACS ACR122U".to_owned(), "072f:2200".to_owned());
            facts.smartcards.taken = vec![Taken { reader, usb, driver: "pn533_usb".to_owned() }];
        },
        "blacklist pn533_usb",
    ),
    ("no_pcscd", Level::Broken, |facts| facts.smartcards.service = Some(Service::Silent), "systemctl enable --now pcscd.socket"),
    ("pcscd_not_allowed", Level::Broken, |facts| facts.smartcards.service = Some(Service::NotAllowed), "polkit.addRule"),
    ("pcscd", Level::Broken, |facts| facts.smartcards.service = Some(Service::Other("odd".to_owned())), "journalctl -u pcscd"),
    ("reader_missing", Level::Broken, |facts| facts.smartcards.readers.clear(), "no PC/SC reader matches \"*ACR122*\""),
    (
        "card_reader_held",
        Level::Broken,
        |facts| {
            facts.smartcards.readers[0].is_held = true;
            facts.smartcards.clients = vec![Holder { process: 7, program: "scdaemon".to_owned() }];
        },
        "scdaemon (process 7)",
    ),
    ("escape_off", Level::Note, |facts| facts.smartcards.escapes = Some(false), "ifdDriverOptions"),
    ("store_folder", Level::Broken, |facts| store(facts).has_folder = false, "mkdir -p ."),
    ("store_read_only", Level::Broken, |facts| store(facts).is_read_only = true, "sudo chown -R mallory"),
    ("disk_low", Level::Warning, |facts| store(facts).free = Some(50 << 20), "50 MiB left"),
    ("disk_low", Level::Broken, |facts| store(facts).free = Some(5 << 20), "5 MiB left"),
    ("store_public", Level::Warning, |facts| store(facts).is_public = true, "chmod 600"),
    ("key_open", Level::Broken, |facts| store(facts).open_key = Some("site.db.key".to_owned()), "chmod 600 site.db.key"),
    ("store_unreadable", Level::Broken, |facts| store(facts).read = Read::Unreadable("no store".to_owned()), "backup"),
    ("store_older", Level::Note, |facts| store(facts).read = Read::Older, "copy"),
    ("store_log", Level::Note, |facts| store(facts).read = Read::LogLeft(5000), "5 KiB"),
    (
        "entry_for_a_person",
        Level::Broken,
        |facts| {
            let entry =
                ForAPerson { enrollment: "0190".to_owned(), why: "lost".to_owned(), help: "cardbridge outbox retry 0190".to_owned() };
            outbox(facts).for_a_person = vec![entry];
        },
        "cardbridge outbox retry 0190",
    ),
    ("key_missing", Level::Broken, |facts| outbox(facts).sealed = Some("sealed with another key".to_owned()), "put the key file back"),
    ("anchor", Level::Broken, |facts| outbox(facts).anchor = Some("it is missing".to_owned()), "cardbridge audit accept"),
    ("store_damaged", Level::Broken, |facts| outbox(facts).findings = vec!["entry 7".to_owned()], "backup"),
    ("entries_elsewhere", Level::Warning, |facts| outbox(facts).elsewhere = 2, "another base_url"),
    ("facility_code_never_seen", Level::Note, |facts| outbox(facts).facility_codes_never_seen = vec![124], "124"),
    ("station_silent", Level::Broken, |facts| facts.station.silent = Some("cardbridge run (process 9)".to_owned()), "Ctrl-Z"),
    ("other_site", Level::Broken, |facts| facts.station.differs = Some("configuration"), "kill 4711"),
    ("other_version", Level::Warning, |facts| facts.station.version = "2", "start it again"),
    ("reader_down", Level::Broken, |facts| seen(facts).why = Some("unplugged".to_owned()), "gate17: unplugged"),
    ("wrong_dialect", Level::Broken, |facts| seen(facts).cards = 0, "cardbridge readers --listen"),
    ("length_never_fits", Level::Warning, |facts| seen(facts).lengths.extend([(37, Length { cards: 2, fit: 0 })]), "2 cards of 37 bits"),
    ("facility_code_not_listed", Level::Warning, |facts| seen(facts).facility_codes_not_listed.extend([(31, 2)]), "facility code 31"),
    ("delivery_stopped", Level::Broken, |facts| facts.station.running.as_mut().unwrap().blusky.stopped = Some("401".to_owned()), "401"),
    ("blusky_away", Level::Warning, |facts| facts.station.running.as_mut().unwrap().blusky.away_since = Some("9:00".to_owned()), "9:00"),
    ("no_blusky", Level::Warning, |facts| facts.blusky.base_url = None, "[blusky]"),
    ("blusky_settings", Level::Broken, |facts| facts.blusky.unusable = Some("no header".to_owned()), "no header"),
    (
        "blusky_not_reached",
        Level::Broken,
        |facts| answers(facts, Came::NotReached("refused".to_owned())),
        "curl -sv https://blusky.example",
    ),
    ("blusky_not_reached", Level::Broken, |facts| answers(facts, Came::NoAnswer("too slow".to_owned())), "too slow"),
    ("tls_not_trusted", Level::Broken, |facts| answers(facts, certificate("UnknownIssuer")), "-connect blusky.example:443"),
    ("tls_name", Level::Broken, |facts| answers(facts, certificate("NotValidForName")), "blusky.base_url"),
    ("tls_time", Level::Broken, |facts| answers(facts, certificate("Expired")), "timedatectl"),
    ("sign_in", Level::Broken, |facts| answers(facts, Came::NotSignedIn("no token".to_owned())), "check blusky.token_file"),
    ("token_refused", Level::Broken, |facts| answers(facts, Came::Answer(401, false)), "check blusky.token_file"),
    ("token_refused", Level::Broken, |facts| answers(facts, Came::Answer(403, true)), "403"),
    ("proxy_refused", Level::Broken, |facts| answers(facts, Came::Answer(407, false)), "proxy_user"),
    ("wrong_address", Level::Broken, |facts| answers(facts, Came::Answer(200, true)), "what stands before api/"),
    ("blusky_strange", Level::Broken, |facts| answers(facts, Came::Strange(200, "says result code 7".to_owned())), "result code 7"),
    ("wrong_address", Level::Broken, |facts| answers(facts, Came::Answer(302, false)), "302"),
    (
        "wrong_address",
        Level::Broken,
        |facts| {
            facts.blusky.calls.clear();
            answers(facts, Came::Answer(404, false));
        },
        "404",
    ),
    ("no_call_to_ask", Level::Note, |facts| answers(facts, Came::Answer(404, false)), "worked here before"),
    ("blusky_busy", Level::Warning, |facts| answers(facts, Came::Answer(429, false)), "429"),
    ("blusky_faulty", Level::Warning, |facts| answers(facts, Came::Answer(503, false)), "503"),
    ("clock_off", Level::Broken, |facts| facts.blusky.probe.as_mut().unwrap().clock_ahead_s = Some(-7200), "7200 s behind"),
    ("no_add_user_card", Level::Broken, |facts| facts.blusky.calls[0].exists = false, "blusky.base_url"),
    ("no_read_back", Level::Warning, |facts| facts.blusky.calls[1].exists = false, "waits for a person"),
    ("success_code_seen", Level::Note, |facts| facts.blusky.takes_any_code = true, "success_codes = [0]"),
];

#[test]
fn each_finding_appears_with_its_cause_says_what_to_do_and_is_gone_without_it() {
    assert_eq!(judge(&sound()), [], "nothing is wrong");
    for (code, level, cause, words) in CAUSES {
        let mut facts = sound();
        cause(&mut facts);
        let findings = judge(&facts);
        let found: Vec<&Finding> = findings.iter().filter(|finding| finding.code == *code).collect();
        let [finding] = found.as_slice() else { panic!("{code}: {findings:#?}") };
        assert_eq!(finding.level, *level, "{code}");
        let (what, why, mend) = (finding.what.to_string(), finding.why.to_string(), finding.mend.to_string());
        assert!(!what.is_empty() && !why.is_empty() && !mend.is_empty(), "{code}: {finding:#?}");
        assert!([&what, &why, &mend].iter().any(|text| text.contains(words)), "{code}: {finding:#?}");
        assert!(!what.contains("{}") && !mend.contains("{}"), "every piece is there: {finding:#?}");
    }
}

#[test]
fn every_finding_that_there_is_stands_in_the_table() {
    let sources = [
        include_str!("blusky.rs"),
        include_str!("configuration.rs"),
        include_str!("ports.rs"),
        include_str!("smartcards.rs"),
        include_str!("station.rs"),
        include_str!("store.rs"),
    ];
    for source in sources {
        for start in ["Finding::broken(\"", "Finding::warning(\"", "Finding::note(\"", "Finding::new(level, \""] {
            for found in source.split(start).skip(1) {
                let code = found.split('"').next().unwrap();
                assert!(CAUSES.iter().any(|(known, ..)| *known == code), "{code}");
            }
        }
    }
}

#[test]
fn what_lets_a_user_open_a_port_depends_on_what_keeps_them_out() {
    let denied = |group: Option<&str>, group_may, joined| Denied { group: group.map(ToOwned::to_owned), group_may, joined };
    for (denied, mend) in [
        (denied(Some("dialout"), true, false), "sudo usermod -aG dialout mallory"),
        (denied(Some("input"), true, true), "log out and in again"),
        (denied(Some("tty"), false, false), "udev rule"),
        (denied(Some("root"), true, false), "udev rule"),
        (denied(None, false, false), "udev rule"),
    ] {
        let mut facts = sound();
        facts.ports.ports[0].denied = Some(denied);
        let findings = judge(&facts);
        assert!(findings[0].mend.to_string().contains(mend), "{findings:#?}");
    }
}

#[test]
fn a_machine_without_smart_cards_misses_no_service_and_one_with_a_reader_is_told() {
    let mut facts = sound();
    facts.smartcards = smartcards::Facts { service: Some(Service::Silent), ..smartcards::Facts::default() };
    assert_eq!(judge(&facts), []);
    facts.smartcards.is_plugged_in = true;
    let findings = judge(&facts);
    assert_eq!((findings[0].code, findings[0].level), ("no_pcscd", Level::Note));
    assert_eq!(findings[0].mend.to_string(), "sudo apt-get install pcscd", "it is not on this machine");
}

#[test]
fn a_ticket_holds_no_number_name_path_address_or_secret() {
    let private = ["/home/mallory", "mallory", "gate17", "blusky.example", "0190", "124", "*ACR122*", "Lovelace", "baude", "a-token"];
    for (code, _, cause, _) in CAUSES {
        let mut facts = sound();
        cause(&mut facts);
        facts.configuration.protocols.push(sheet::Finding { message: "Ada Lovelace 1815 a-token".to_owned(), ..wrong() });
        let about = [("note", "a-token".to_owned())];
        let text = bundle::text(&facts, &judge(&facts), &about, &["a-token".to_owned()]);
        assert!(text.contains(code) && text.contains("•••"), "{text}");
        for word in private {
            assert!(!text.contains(word), "{code}: {word}: {text}");
        }
    }
}
