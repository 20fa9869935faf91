//! What speaks for a card, and what is still to be asked, in one line of plain words each.

use crate::{
    card::{Evidence, What},
    enroll::evidence::Question,
};

/// The evidence in one line: `checks passed (1 in 4), facility code seen on 212 cards here, number matches the print`.
#[must_use]
pub fn line(evidence: &[Evidence]) -> String {
    if evidence.is_empty() { "nothing speaks for it".to_owned() } else { evidence.iter().map(words).collect::<Vec<_>>().join(", ") }
}

fn words(evidence: &Evidence) -> String {
    let odds = evidence.odds.filter(|odds| *odds < 1.0).map(|odds| format!(" ({})", one_in(odds))).unwrap_or_default();
    let cards = match evidence.cards {
        Some(1) => "one card".to_owned(),
        cards => format!("{} cards", cards.unwrap_or(0)),
    };
    match evidence.what {
        What::Checks => format!("checks passed{odds}"),
        What::TransportCheck => format!("the reader's own check passed{odds}"),
        What::ReadTwice => "read twice".to_owned(),
        What::FacilityCodeListed => "facility code is this site's".to_owned(),
        What::FacilityCodeSeen => format!("facility code seen on {cards} here"),
        What::FormatSeen => format!("format seen on {cards} here"),
        What::KindKnown => "of a kind that the reader tells and a format that this site uses".to_owned(),
        What::Printed => "number matches the print".to_owned(),
        What::Operator => "confirmed by a person".to_owned(),
    }
}

/// Odds as people say them: `1 in 4`.
#[must_use]
pub fn one_in(odds: f64) -> String {
    format!("1 in {:.0}", 1.0 / odds)
}

/// What is asked.
#[must_use]
pub fn question(question: &Question) -> String {
    match question {
        Question::SecondReading { .. } => "show the card once more".to_owned(),
        Question::FirstSeen { facility_code: Some(code), .. } => {
            format!("the first card with facility code {code} here: type the number printed on it")
        }
        Question::FirstSeen { format, facility_code: None, .. } => {
            format!("the first card of format {format} here: type the number printed on it")
        }
    }
}

/// Why nothing is enrolled where nobody answered.
#[must_use]
pub fn unanswered(question: &Question) -> String {
    match question {
        Question::SecondReading { .. } => "one reading of this card is no proof, and it was not shown once more".to_owned(),
        Question::FirstSeen { facility_code: Some(code), .. } => {
            format!("this is the first card with facility code {code} here, and nobody said what it is (--printed, --confirm)")
        }
        Question::FirstSeen { format, facility_code: None, .. } => {
            format!("this is the first card of format {format} here, and nobody said what it is (--printed, --confirm)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_evidence_is_one_line_of_plain_words() {
        let evidence = [
            Evidence { what: What::Checks, odds: Some(0.25), cards: None },
            Evidence { what: What::FacilityCodeSeen, odds: Some(1.0 / 256.0), cards: Some(212) },
            Evidence { what: What::Printed, odds: Some(0.0002), cards: None },
        ];
        assert_eq!(line(&evidence), "checks passed (1 in 4), facility code seen on 212 cards here, number matches the print");
        assert_eq!(line(&[]), "nothing speaks for it");
    }

    #[test]
    fn the_first_card_of_a_facility_code_is_asked_for_its_print() {
        let first = Question::FirstSeen { format: "ats-30".to_owned(), facility_code: Some(3842), odds: 0.25 };
        assert_eq!(question(&first), "the first card with facility code 3842 here: type the number printed on it");
    }
}
