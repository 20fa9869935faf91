//! The codes with which people say at a kiosk who they are.
//!
//! In: codes with their users; what was typed. Out: the one user. Never: a code as it stands in the list (a digest of it is kept), or an
//! answer whose time tells how much of a code was right.

use ring::digest::{SHA256, SHA256_OUTPUT_LEN};
use uuid::Uuid;

type Digest = [u8; SHA256_OUTPUT_LEN];

/// Who has which code.
#[derive(Clone, Default)]
pub(super) struct Codes(Vec<(Digest, Uuid)>);

impl Codes {
    pub(super) fn push(&mut self, code: &str, user: Uuid) {
        self.0.push((digest(code), user));
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes codes that several people have, and gives those people.
    pub(super) fn one_each(&mut self) -> Vec<Uuid> {
        self.0.sort_unstable();
        let shared: Vec<Digest> = self
            .0
            .windows(2)
            .filter_map(|pair| if let [(one, _), (other, _)] = pair { (one == other).then_some(*one) } else { None })
            .collect();
        let theirs = |code: &Digest| shared.binary_search(code).is_ok();
        let users = self.0.iter().filter(|(code, _)| theirs(code)).map(|(_, user)| *user).collect();
        self.0.retain(|(code, _)| !theirs(code));
        users
    }

    /// Whoever has this code. All are looked at, each as a whole.
    pub(super) fn find(&self, typed: &str) -> Option<Uuid> {
        let wanted = digest(typed);
        let same = |code: &Digest| code.iter().zip(wanted).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0;
        self.0.iter().fold(None, |found, (code, user)| if same(code) { Some(*user) } else { found })
    }
}

fn digest(code: &str) -> Digest {
    let mut digest = [0; SHA256_OUTPUT_LEN];
    digest.copy_from_slice(ring::digest::digest(&SHA256, code.trim().as_bytes()).as_ref());
    digest
}

/// Shows how many there are, and none.
impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codes").field("codes", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{People, Person};
    use uuid::Uuid;

    const ADA: Uuid = Uuid::from_u128(0x0f83442e_a446_4577_8cdd_8ffdd51ab9c1);

    fn list(rows: &str) -> People {
        People::read(format!("user_id,first_name,last_name,employee_number,Kiosk Code\n{rows}").as_bytes()).unwrap()
    }

    #[test]
    fn a_code_finds_the_one_person_who_has_it_and_one_that_several_have_or_that_is_short_finds_nobody() {
        let people = list(&format!(
            "{ADA},Ada,Lovelace,1815, 47110815 \n8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906,123\n\
             8991f3ac-26cd-4c60-9a78-ecca8f441632,Kay,McNulty,1921,5555\n8991f3ac-26cd-4c60-9a78-ecca8f441633,Jean,Bartik,1924,5555\n\
             8991f3ac-26cd-4c60-9a78-ecca8f441634,Fran,Bilas,1922,\n\
             8991f3ac-26cd-4c60-9a78-ecca8f441635,Ruth,Teitelbaum,1925,19241924\n"
        ));
        let found = |typed: &str| people.at_kiosk(typed, false).map(|person| person.user_id);
        assert_eq!((found("47110815"), found(" 47110815 ")), (Some(ADA), Some(ADA)));
        for nobody in ["", " ", "4711081", "471108150", "123", "5555", "1815", "Ada"] {
            assert_eq!(found(nobody), None, "{nobody:?}");
        }
        assert_eq!((people.len(), people.kiosk_codes()), (6, Some(2)));
        let said: Vec<String> = people.findings.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|said| said.starts_with("row 3, column 5: the kiosk_code has less than 4")), "{said:?}");
        let shared = said.iter().filter_map(|said| said.split_once(": several people have this kiosk_code"));
        assert_eq!(shared.map(|(place, _)| place).collect::<Vec<_>>(), ["row 4, column 5", "row 5, column 5"]);
        assert!(!format!("{said:?} {people:?}").contains("5555"), "no code is shown");
    }

    #[test]
    fn a_code_of_few_digits_is_taken_and_it_is_said_in_how_many_tries_it_is_guessed() {
        let row = |id: u128, code: &str| format!("{},Ada,Lovelace,,{code}\n", Uuid::from_u128(id));
        let said = |rows: &[String]| {
            let people = list(&rows.concat());
            assert_eq!(people.findings, people.short_codes.clone().into_iter().collect::<Vec<_>>());
            (people.kiosk_codes(), people.short_codes.map(|finding| finding.to_string()).unwrap_or_default())
        };
        let (codes, one) = said(&[row(1, "471108"), row(2, "0471")]);
        assert_eq!(codes, Some(2));
        assert!(one.starts_with("row 3, column 5: ") && one.contains("one guess in 10000 is right") && one.contains("300"), "{one}");
        let many: Vec<String> = (0..50).map(|number| row(number + 1, &(1000 + number).to_string())).chain([row(99, "12345")]).collect();
        let (codes, many) = said(&many);
        assert!(
            codes == Some(51) && many.contains("51 people, this one first, have") && many.contains("one guess in 200 is right"),
            "{many}"
        );
        // Letters are more than digits.
        assert_eq!(said(&[row(1, "471108"), row(2, "k7x9q")]), (Some(2), String::new()));
    }

    #[test]
    fn the_employee_number_alone_is_enough_where_the_site_says_so_and_never_somebody_else_s_code() {
        let people = list(&format!("{ADA},Ada,Lovelace,1815,1906\n8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906,\n"));
        assert_eq!(people.at_kiosk("1815", false), None);
        assert_eq!(people.at_kiosk("1815", true).map(|person| person.user_id), Some(ADA));
        assert_eq!(people.at_kiosk("1906", false).map(|person| person.user_id), Some(ADA));
        assert_eq!(people.at_kiosk("1906", true), None, "it is Ada's code and Grace's number");
        assert_eq!(people.at_kiosk("", true), None);
        let own = list(&format!("{ADA},Ada,Lovelace,1815,1815\n"));
        assert_eq!(own.at_kiosk("1815", true).map(|person| person.user_id), Some(ADA), "one's own number may be one's code");
    }

    #[test]
    fn codes_stay_with_whom_blusky_lists_and_its_list_says_who_has_a_card() {
        let listed =
            |id: u128, cards: usize| Person { user_id: Uuid::from_u128(id), cards: vec![Default::default(); cards], ..Person::default() };
        let people = list(&format!("{ADA},Ada,Lovelace,1815,47110815\n")).with([listed(7, 1), listed(ADA.as_u128(), 0)]);
        assert_eq!(people.at_kiosk("47110815", false).map(|person| person.name()), Some("Ada Lovelace".to_owned()));
        assert_eq!(
            (people.has_card(ADA), people.has_card(Uuid::from_u128(7)), people.has_card(Uuid::from_u128(9))),
            (Some(false), Some(true), None)
        );
        assert_eq!(people.holder(|_| true).map(|person| person.user_id), Some(Uuid::from_u128(7)));
        let unlisted = list(&format!("{ADA},Ada,Lovelace,1815,47110815\n")).with([listed(7, 1)]);
        assert_eq!(unlisted.has_card(ADA), None, "BluSKY's list does not have her");
        let silent = list(&format!("{ADA},Ada,Lovelace,1815,47110815\n")).with([listed(7, 0)]);
        assert_eq!((silent.has_card(Uuid::from_u128(7)), silent.has_card(ADA)), (None, None), "a list without cards says nothing of them");
    }
}
