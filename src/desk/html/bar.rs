//! The readers and the way to BluSKY, one sign each.

use chrono::FixedOffset;
use maud::{Markup, html};

use super::{clock, reason};
use crate::{
    desk::{
        scene::{Board, Desk},
        words::Words,
    },
    text::shown,
};

/// The bar.
#[must_use]
pub fn bar(desk: &Desk, board: &Board, words: &Words, offset: FixedOffset) -> Markup {
    let blusky = &board.status.blusky;
    html! {
        span.sign { (shown(&desk.operator)) }
        @for reader in &board.status.readers {
            @match &reader.why {
                Some(why) => span.sign.bad title=(shown(&words.reason(why).unwrap_or_else(|| why.clone()))) { (reader.name) ": " (words.say("reader_down")) },
                None if reader.up => span.sign.good { (reader.name) ": " (words.say("reader_up")) },
                None => span.sign { (reader.name) ": " (words.say("reader_closed")) },
            }
        }
        @if board.status.readers.is_empty() { span.sign.bad { (words.say("reader_none")) } }
        @if let Some(why) = &board.store_gone {
            span.sign.bad role="alert" { (words.say("store_gone")) " " (reason(why, words)) }
        }
        @if let Some(why) = &board.policy_wrong {
            span.sign.bad role="alert" { (words.say("policy_wrong")) " " (reason(why, words)) }
        }
        @if let Some(why) = &blusky.stopped {
            span.sign.bad role="alert" { (words.say("blusky_stopped")) " " (reason(why, words)) }
        } @else if let Some(since) = blusky.away_since {
            // What waits for a person waits for nothing else.
            @let waiting = board.status.waiting.saturating_sub(board.for_people().count());
            span.sign.bad { (words.fill("blusky_away", &[("since", &clock(since, offset)), ("count", &waiting)])) }
        } @else if blusky.fails {
            span.sign.bad { (words.say("blusky_fails")) }
        } @else if blusky.reached.is_some() {
            span.sign.good { (words.say("blusky_there")) }
        } @else {
            span.sign { (words.say("blusky_unknown")) }
        }
    }
}
