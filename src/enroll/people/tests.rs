//! Who is found, and who is not.

use super::*;

const LIST: &str = "user_id,first_name,last_name,employee_number\n\
    0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n\
    309fbabb-0642-44e1-b262-67442dc491ed,Grace,Hopper,1906\n\
    d8f00538-00a9-4db3-acc8-e64d728390f2,Grace,Hopper,1907\n";

#[test]
fn a_person_is_found_by_number_name_or_guid_and_never_guessed() {
    let people = People::read(LIST.as_bytes()).unwrap();
    let ada = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1".parse().unwrap();
    for who in ["1815", "Ada Lovelace", "lovelace, ada", "{0F83442E-A446-4577-8CDD-8FFDD51AB9C1}"] {
        assert_eq!(people.find(who), Ok(ada), "{who}");
    }
    assert!(matches!(people.find("Grace Hopper"), Err(WhoError::Several(..))));
    assert!(matches!(people.find("Alan Turing"), Err(WhoError::Unknown(_))));
    assert_eq!(people.find("00000000-0000-0000-0000-000000000000"), Err(WhoError::Zero));
    assert!(matches!(People::default().find("0f83442e"), Err(WhoError::NotAGuid(_))));
    let unusable = People::read(b"user_id;first_name;last_name;employee_number\nnobody;Ada;Lovelace;1815\n").unwrap();
    assert!(matches!(unusable.find("1815"), Err(WhoError::Unknown(_))), "there is a list, and nothing in it can be used");
}

#[test]
fn a_number_that_several_have_is_answered_with_their_names_and_keys_and_not_with_that_number() {
    let kay = Person { first_name: "Kay".to_owned(), last_name: "McNulty".to_owned(), ..Person::default() };
    let user_id = "51c1aa5c-4e2f-4033-8174-3736816cb4a3".parse().unwrap();
    let kay = Person { user_id, employee_number: "1907".to_owned(), ..kay };
    let said = People::read(LIST.as_bytes()).unwrap().with([kay]).find("1907").unwrap_err().to_string();
    assert!(said.contains("Grace Hopper (d8f00538") && said.contains("Kay McNulty (51c1aa5c"), "{said}");
    assert_eq!(said.matches("1907").count(), 1, "{said}");
}

#[test]
fn a_number_that_several_have_is_nobodys() {
    let user_id = "51c1aa5c-4e2f-4033-8174-3736816cb4a3".parse().unwrap();
    let kay = Person { user_id, employee_number: "1907".to_owned(), ..Person::default() };
    let people = People::read(LIST.as_bytes()).unwrap().with([kay]);
    assert!(people.with_number("1907").is_none() && people.at_kiosk("1907", true).is_none());
    assert_eq!(people.with_number("1906").unwrap().last_name, "Hopper");
}

#[test]
fn who_was_added_stands_behind_the_lists_and_nothing_is_known_of_their_cards() {
    let card = HeldCard { internal_card_number: Some(7), ..HeldCard::default() };
    let person = |id: u128, number: &str| Person {
        user_id: Uuid::from_u128(id),
        first_name: "Kay".to_owned(),
        employee_number: number.to_owned(),
        ..Person::default()
    };
    let listed = vec![Person { cards: vec![card], ..person(1, "1") }, person(2, "2")];
    let people = People::default().with(listed).and([person(2, "22"), person(3, "3")]);
    assert_eq!((people.len(), people.find("3"), people.find("2")), (3, Ok(Uuid::from_u128(3)), Ok(Uuid::from_u128(2))));
    let has_card = [1, 2, 3].map(|id| people.has_card(Uuid::from_u128(id)));
    assert_eq!(has_card, [Some(true), Some(false), None]);
}

#[test]
fn a_name_is_found_in_any_case_and_with_or_without_its_accents() {
    let list = format!("{LIST}51c1aa5c-4e2f-4033-8174-3736816cb4a3,Zoe\u{308},Łukasiewicz-Gödel,007\n");
    let people = People::read(list.as_bytes()).unwrap();
    let zoe = "51c1aa5c-4e2f-4033-8174-3736816cb4a3".parse().unwrap();
    for who in ["Zoë Łukasiewicz-Gödel", "ZOE ŁUKASIEWICZ-GODEL", "zoe  łukasiewicz-go\u{308}del", "Łukasiewicz-Gödel", "007"] {
        assert_eq!(people.find(who), Ok(zoe), "{who}");
    }
    assert_eq!(people.person(zoe).unwrap().name(), "Zoë Łukasiewicz-Gödel");
    assert!(matches!(people.find("Hopper"), Err(WhoError::Several(..))), "a family name that two have");
    let near = people.find("7").unwrap_err();
    assert!(matches!(near, WhoError::Nearly(..)) && near.to_string().contains("007"), "{near}");
    assert!(matches!(people.find("0"), Err(WhoError::Unknown(_))) && matches!(people.find(""), Err(WhoError::Unknown(_))));
}

#[test]
fn whoever_is_called_so_is_found_before_those_in_whose_names_it_only_stands() {
    let row = |user: u128, name: &str, number: &str| format!("{},{name},{number}\n", Uuid::from_u128(user));
    let rows = [row(1, "Kim,Leeman", "181512"), row(2, "Amelie,Meyer", "11"), row(3, "Kim,Lee", "18151"), row(4, "Jo,Straße", "1")];
    let people = People::read(format!("user_id,first_name,last_name,employee_number\n{}", rows.concat()).as_bytes()).unwrap();
    let found = |text: &str| people.search(text).map(|person| person.user_id.as_u128()).collect::<Vec<_>>();
    assert_eq!(found("kim lee"), [3, 1]);
    assert_eq!(found("18151"), [3, 1]);
    assert_eq!(found("1")[0], 4);
    assert_eq!(found("me"), [2], "a word that begins so and stands within one: once");
    assert_eq!(found("lee")[0], 3, "a whole word goes before the beginning of one");
    assert_eq!((found("strasse"), found("STRASSE")), (vec![4], vec![4]));
    assert_eq!(found("").len(), 4);
}

#[test]
fn whoever_is_named_in_other_words_is_named_by_their_whole_name_or_key() {
    let people = People::read(LIST.as_bytes()).unwrap();
    let named = |words: &str| people.named_in(words).into_iter().map(|person| person.employee_number).collect::<Vec<_>>();
    assert_eq!(named("Card Already Assigned : 4567 LOVELACE, Ada."), ["1815"]);
    assert_eq!(named("Card Already Assigned : (Grace Hopper)"), ["1906", "1907"], "namesakes are told apart by their cards");
    assert_eq!(named("assigned to {0F83442E-A446-4577-8CDD-8FFDD51AB9C1}"), ["1815"]);
    assert_eq!(named("Card Already Assigned : 1 Lovelace, Adam; Lovelace"), [""; 0]);
    let both = People::read(LIST.as_bytes()).unwrap().with(listed());
    for words in ["assigned to Ada Lovelace", "assigned to King, Ada"] {
        assert_eq!(both.named_in(words).into_iter().map(|person| person.employee_number).collect::<Vec<_>>(), ["1815"], "{words}");
    }
}

/// BluSKY's list: two people of one name, one whom the site's list has too, and one of no other list.
fn listed() -> Vec<Person> {
    let person = |id: &str, first: &str, last: &str, company: &str| Person {
        user_id: id.parse().unwrap(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        company: company.to_owned(),
        ..Person::default()
    };
    vec![
        Person {
            nickname: "Countess".to_owned(),
            email: "ada@acme.example".to_owned(),
            ..person("0f83442e-a446-4577-8cdd-8ffdd51ab9c1", "Ada", "King", "ACME")
        },
        person("51c1aa5c-4e2f-4033-8174-3736816cb4a3", "Kay\u{1b}[2J", "McNulty", "ACME"),
        Person { facility: "Tower".to_owned(), ..person("51c1aa5c-4e2f-4033-8174-3736816cb4a4", "Kay", "McNulty", "Umbrella") },
    ]
}

#[test]
fn who_is_in_both_lists_is_one_person_and_is_found_by_what_either_says() {
    let people = People::read(LIST.as_bytes()).unwrap().with(listed());
    assert_eq!(people.len(), 5);
    let ada = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1".parse().unwrap();
    for who in ["1815", "Ada Lovelace", "Ada King", "king", "Lovelace", "ADA@acme.example", "Countess", "countess king", "Ada King (ACME)"]
    {
        assert_eq!(people.find(who), Ok(ada), "{who}");
    }
    for text in ["lovelace", "king", "1815", "count", "ada@", "ADA"] {
        let found: Vec<Uuid> = people.search(text).map(|person| person.user_id).collect();
        assert_eq!(found, [ada], "{text}");
    }
    assert_eq!(people.person(ada).map(|person| (person.name(), person.told_apart_by())), Some(("Ada King".into(), "1815, ACME".into())));
}

#[test]
fn namesakes_are_told_apart_by_company_and_facility() {
    let people = People::default().with(listed());
    let two = "51c1aa5c-4e2f-4033-8174-3736816cb4a4".parse().unwrap();
    let several = people.find("McNulty").unwrap_err();
    assert!(several.to_string().contains("ACME (51c1aa5c-4e2f-4033-8174-3736816cb4a3); Umbrella, Tower (51c1"), "{several}");
    assert_eq!(people.find("Kay McNulty (umbrella)"), Ok(two));
    assert_eq!(people.find("mcnulty, kay (tower)"), Ok(two));
    assert!(people.find("Kay McNulty (nowhere)").unwrap_err().is_unknown());
    assert!(people.search("mcnulty").all(|person| !person.name().contains('\u{1b}')), "foreign text is shown as one line");
}

#[test]
fn who_is_looked_for_among_many_is_the_same_as_who_is_looked_for_alone() {
    let last =
        Person { user_id: Uuid::from_u128(7), last_name: "Hopper (ext.)".to_owned(), company: "ACME".to_owned(), ..Person::default() };
    let own = || People::read(LIST.as_bytes()).unwrap();
    for people in [own(), own().with(listed()), own().with([last]), People::default()] {
        let index = Index::of(&people);
        for who in [
            "1815",
            "01815",
            "Ada Lovelace",
            " ada  LOVELACE",
            "Lovelace, Ada",
            "Ada King",
            "Lovelace",
            "king",
            "Countess",
            "Countess King",
            "ada@acme.example",
            "Ada King (ACME)",
            "Ada King (Umbrella)",
            "Grace Hopper",
            "Hopper",
            "Hopper (ext.)",
            "Hopper (ext.) (acme)",
            "Kay McNulty",
            "Kay McNulty (umbrella)",
            "mcnulty, kay (tower)",
            "Alan Turing",
            "",
            "(",
            "0f83442e-a446-4577-8cdd-8ffdd51ab9c1",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert_eq!(index.find(who), people.find(who), "{who:?}");
        }
    }
}

#[test]
fn a_word_that_cannot_be_right_is_told_from_one_that_a_newer_list_may_know() {
    let two = || vec!["1906".to_owned(), "1907".to_owned()];
    let all = [
        WhoError::Zero,
        WhoError::NotAGuid("0f83442e".to_owned()),
        WhoError::Unknown("Alan".to_owned()),
        WhoError::Several("Grace Hopper".to_owned(), two().join(", ")),
        WhoError::Nearly("01906".to_owned(), "Grace Hopper (1906)".to_owned()),
    ];
    assert_eq!(all.each_ref().map(WhoError::is_usage), [true, true, false, false, false]);
    assert_eq!(all.each_ref().map(WhoError::is_unknown), [false, true, true, false, true]);
}

#[test]
fn what_tells_namesakes_apart_is_looked_for_only_where_it_is_known_and_a_name_of_bluskys_is_kept() {
    let people = People::read(LIST.as_bytes()).unwrap().with(listed());
    assert!(matches!(people.find("Ada King ()"), Err(WhoError::Unknown(_))), "no facility is not a facility without a name");
    let half = Person { last_name: "King".to_owned(), first_name: String::new(), ..listed().remove(0) };
    let kept = People::read(LIST.as_bytes()).unwrap().with([half]);
    let ada = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1".parse().unwrap();
    assert_eq!(kept.person(ada).unwrap().name(), "King");
    let other = Person { first_name: "Augusta".to_owned(), last_name: String::new(), ..listed().remove(0) };
    let kept = People::read(LIST.as_bytes()).unwrap().with([Person { employee_number: "99".to_owned(), ..other }]);
    assert_eq!(kept.person(ada).map(|person| (person.name(), person.employee_number)), Some(("Augusta".into(), "99".into())));
    // Either number is hers.
    assert_eq!(["99", "1815"].map(|number| kept.with_number(number).map(|person| person.user_id)), [Some(ada), Some(ada)]);
}

#[test]
fn a_number_is_nearly_anothers_only_where_zeros_in_front_make_the_difference() {
    let people = People::read(LIST.as_bytes()).unwrap();
    let index = Index::of(&people);
    assert_eq!(index.nearly("01815").map(|person| person.last_name).as_deref(), Some("Lovelace"));
    assert_eq!((index.nearly("1815"), index.nearly("1816")), (None, None));
    // Only digits are a number that a spreadsheet shortens, and nobody's number is nearly no number.
    let id = Uuid::from_u128(7);
    let people = People::read(format!("{LIST}{id},Kay,McNulty,A1\n{},Jean,Bartik,\n", Uuid::from_u128(8)).as_bytes()).unwrap();
    assert!(Index::of(&people).nearly("0A1").is_none() && matches!(people.find("0A1"), Err(WhoError::Unknown(_))));
    assert!(Index::of(&people).nearly("0").is_none() && matches!(people.find("0"), Err(WhoError::Unknown(_))));
    assert_eq!((people.find("A1"), people.at_kiosk("", true)), (Ok(id), None), "nor is it anybody's at the kiosk");
}

#[test]
fn a_kiosk_code_that_two_have_who_do_not_stand_side_by_side_finds_neither() {
    let list = "user_id,first_name,last_name,kiosk_code\n\
        0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,471147\n\
        309fbabb-0642-44e1-b262-67442dc491ed,Grace,Hopper,582258\n\
        51c1aa5c-4e2f-4033-8174-3736816cb4a3,Kay,McNulty,471147\n";
    let people = People::read(list.as_bytes()).unwrap();
    assert!(people.at_kiosk("471147", false).is_none());
    assert_eq!(people.at_kiosk("582258", false).unwrap().last_name, "Hopper");
}

#[test]
fn a_family_name_is_not_taken_for_a_whole_name_where_somebody_is_called_so_among_friends() {
    let person = |id: u128, last: &str, nickname: &str| Person {
        user_id: Uuid::from_u128(id),
        first_name: "Ada".to_owned(),
        last_name: last.to_owned(),
        nickname: nickname.to_owned(),
        ..Person::default()
    };
    let people = People::default().with([person(1, "King", ""), person(2, "Hopper", "King")]);
    assert!(matches!(people.find("King"), Err(WhoError::Several(..))), "{:?}", people.find("King"));
}

#[test]
fn whose_whole_name_it_is_is_found_first_whichever_list_calls_them_so() {
    let own = |rows: &[(u128, &str, &str)]| {
        let row = |(id, first, last): &(u128, &str, &str)| format!("{},{first},{last}\n", Uuid::from_u128(*id));
        let rows: String = rows.iter().map(row).collect();
        People::read(format!("user_id,first_name,last_name\n{rows}").as_bytes()).unwrap()
    };
    let found = |people: &People, text: &str| people.search(text).map(|person| person.user_id.as_u128()).collect::<Vec<_>>();
    let names = own(&[(1, "Anna Kim", "Lee"), (2, "Kim Lee", "Smith"), (3, "Kim", "Lee")]);
    assert_eq!(found(&names, "kim lee")[0], 3);
    // Two called by more than the text, the second by the text alone in BluSKY's list.
    let listed = |id, last: &str| Person { user_id: Uuid::from_u128(id), last_name: last.to_owned(), ..Person::default() };
    let both = own(&[(2, "Ada", "Lovelacer")]).with([listed(1, "Lovelacey"), listed(2, "Lovelace")]);
    assert_eq!(found(&both, "lovelace"), [2, 1]);
    let company = Person { company: "Umbrella".to_owned(), ..listed(3, "Lovelace") };
    assert_eq!(found(&own(&[]).with([company]), "umbrella"), [0; 0], "a company is nobody's name");
}

#[test]
fn whoever_holds_a_card_is_the_one_with_that_card() {
    let holds = |id: u128, number| {
        let card = HeldCard { internal_card_number: Some(number), ..HeldCard::default() };
        Person { user_id: Uuid::from_u128(id), cards: vec![card], ..Person::default() }
    };
    let people = People::default().with([holds(1, 7), holds(2, 8)]);
    let holder = |number| people.holder(|card| card.internal_card_number == Some(number)).map(|person| person.user_id.as_u128());
    assert_eq!([8, 7, 9].map(holder), [Some(2), Some(1), None]);
}

/// A list with these rows, each behind the key of a person: 1, 2, 3 and so on.
fn file(rows: &[&str]) -> String {
    let rows = (1..).zip(rows).map(|(id, row)| format!("{},{row}\n", Uuid::from_u128(id)));
    format!("user_id,first_name,last_name,employee_number\n{}", rows.collect::<String>())
}

fn places(people: &People) -> Vec<(usize, usize)> {
    people.findings.iter().map(|finding| (finding.row, finding.column)).collect()
}

#[test]
fn behind_a_quote_that_is_not_closed_each_line_is_named_by_its_own_row() {
    let rows = ["\"Ada,Lovelace,1815\n  \nx,Alan,Turing,1912", "Grace,Hopper,7", "Kay,McNulty,7"];
    let people = People::read(file(&rows).as_bytes()).unwrap();
    assert_eq!(places(&people), [(2, 1), (4, 1), (5, 4), (6, 4)], "{:?}", people.findings);
    let in_a_number = People::read(file(&["Ada,Lovelace,\"1815", "Grace,Hopper,1906"]).as_bytes()).unwrap();
    assert_eq!((places(&in_a_number), in_a_number.find("1906")), (vec![(2, 1)], Ok(Uuid::from_u128(2))));
}

#[test]
fn rows_with_one_key_for_different_people_are_named_in_the_order_of_the_file() {
    let two_of = |id: u128| format!("{id},Ada,Lovelace,1\n{id},Grace,Hopper,2\n", id = Uuid::from_u128(id));
    let list: String = (1..9).map(two_of).collect();
    let people = People::read(format!("user_id,first_name,last_name,employee_number\n{list}").as_bytes()).unwrap();
    assert_eq!(people.findings.iter().map(|finding| finding.row).collect::<Vec<_>>(), (2..18).collect::<Vec<_>>());
}

#[test]
fn one_name_is_enough_and_lines_of_nothing_before_the_headings_are_no_headings() {
    let people = People::read(file(&["Ada,,1815", ",Hopper,1906"]).as_bytes()).unwrap();
    assert_eq!(people.all().map(|person| person.name()).collect::<Vec<_>>(), ["Ada", "Hopper"]);
    let people = People::read(format!("\n;;\nuser_id;first_name;last_name\n{};Ada;Lovelace\n", Uuid::from_u128(1)).as_bytes()).unwrap();
    assert_eq!(people.find("Ada Lovelace"), Ok(Uuid::from_u128(1)));
    let empty = People::read(b"").unwrap_err().to_string();
    assert!(empty.contains("user_id, first_name, last_name, employee_number"), "{empty}");
}
