//! Whatever is asked, all kinds of stores answer the same.

use super::*;

/// One thing that happens to a store: to which entry, and what.
fn happens() -> impl Strategy<Value = (u128, u8)> {
    (0_u128..6, 0_u8..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever is asked, all kinds of stores answer the same.
    #[test]
    fn all_kinds_of_stores_answer_the_same(happenings in prop::collection::vec(happens(), 1..30)) {
        let mut answers: Vec<Vec<String>> = Vec::new();
        for kind in kinds() {
            let mut store = kind.open();
            let mut said = Vec::new();
            for (second, (number, what)) in (0..).zip(&happenings) {
                let id = Uuid::from_u128(*number);
                let others = Some(Uuid::from_u128((number + 1) % 6));
                let terms = Terms { given_within: Some(TimeDelta::seconds(5)), counts_all: number % 3 == 0, is_first: number % 2 == 0, supersedes: others.filter(|_| *what == 0) };
                let step = match what {
                    0 | 1 => None,
                    2 | 3 => Some(SENDING),
                    4 => Some(accepted()),
                    5 => Some(refused()),
                    6 => Some(no_answer()),
                    _ => Some(GIVEN_UP),
                };
                let source = shown(*number, number % 3, &(number % 2).to_string(), second).source;
                let saved = Entry { source, ..read(*number, "hid-h10301", Some(*what as u64 % 2), &[What::Printed]) };
                said.push(match step {
                    None => format!("{:?}", store.save(&saved, terms)),
                    Some(step) => format!("{:?}", store.entry(id).and_then(|entry| store.append(entry, at(second), &step))),
                });
                said.push(format!("{:?} {:?}", store.secret(id), store.entry(id).map(|entry| entry.progress().clone())));
                said.push(format!("{:?}", ids(&store.open_after(0).unwrap())));
                let seen = store.evidence_seen().unwrap();
                said.push(format!("{:?}", [0, 1].map(|code| seen.cards("hid-h10301", Some(FacilityCode(code))))));
            }
            answers.push(said);
        }
        prop_assert_eq!(&answers[0], &answers[1]);
    }
}
