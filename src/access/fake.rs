//! An access-control system that does what a test tells it: no HTTP, no clock, no thread.
//!
//! In: operations and questions, and before them the answers that a test prepares. Out: the prepared answers, one after the other; without
//! one, it carries the operation out and shows the cards. It keeps everything that came. Never: a judgement of its own (it refuses nothing
//! unless a test says so).

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use serde_json::Value;
use uuid::Uuid;

use super::{
    AccessControl, Cards, Detail, Operation, Outcome, Secret, StoredCard, Told,
    shown::{Is, Shown},
};

/// A system under a test's control. Its clones are the same system.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

/// What became of an operation that is sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is carried out, and the answer says so.
    Done,
    /// It is carried out, and this is answered all the same.
    DoneBut(Outcome),
    /// It is not carried out, and this is answered.
    Not(Outcome),
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// An operation was sent.
    Sent(Operation),
    /// A user's cards were asked for.
    CardsOf(Uuid, Detail),
}

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    lists: VecDeque<Cards>,
    came: Vec<Came>,
    cards: HashMap<Uuid, Vec<StoredCard>>,
    keys: u128,
    is_held: bool,
    waiting: Vec<Waker>,
}

impl Fake {
    /// Prepares the answer to an operation; prepared answers are used in this order.
    pub fn will(&self, reply: Reply) {
        self.state().replies.push_back(reply);
    }

    /// Prepares what the next read-back shows.
    pub fn will_show(&self, cards: Cards) {
        self.state().lists.push_back(cards);
    }

    /// From now on nothing is answered, though everything is kept that comes.
    pub fn hold(&self) {
        self.state().is_held = true;
    }

    /// Answers what waits, and everything from now on.
    pub fn go_on(&self) {
        let mut state = self.state();
        state.is_held = false;
        state.waiting.drain(..).for_each(Waker::wake);
    }

    /// Everything that came, in order.
    #[must_use]
    pub fn came(&self) -> Vec<Came> {
        self.state().came.clone()
    }

    /// The operations among it.
    #[must_use]
    pub fn sent(&self) -> Vec<Operation> {
        let sent = |came| if let Came::Sent(operation) = came { Some(operation) } else { None };
        self.came().into_iter().filter_map(sent).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until_it_goes_on(&self) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.is_held {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl AccessControl for Fake {
    async fn send(&self, operation: &Operation) -> Outcome {
        self.state().came.push(Came::Sent(operation.clone()));
        self.until_it_goes_on().await;
        let mut state = self.state();
        match state.replies.pop_front().unwrap_or(Reply::Done) {
            Reply::Done => state.carry_out(operation),
            Reply::DoneBut(outcome) => {
                state.carry_out(operation);
                outcome
            }
            Reply::Not(outcome) => outcome,
        }
    }

    async fn cards_of(&self, user: Uuid, detail: Detail) -> Cards {
        self.state().came.push(Came::CardsOf(user, detail));
        self.until_it_goes_on().await;
        let mut state = self.state();
        let foreseen = state.lists.pop_front();
        foreseen.unwrap_or_else(|| Cards::Shown(state.cards.get(&user).cloned().unwrap_or_default()))
    }

    fn asked_to_wait(&self) -> Option<Duration> {
        None
    }
}

impl State {
    fn key(&mut self) -> Uuid {
        self.keys += 1;
        Uuid::from_u128(self.keys)
    }

    fn carry_out(&mut self, operation: &Operation) -> Outcome {
        let value = operation.answers_value().then(|| self.key());
        if let Operation::RemoveUserCard(card) = operation {
            self.cards.entry(card.user_id).or_default().retain(|shown| shown.card_id != Some(card.card_id));
        } else if let (Some(user), Ok(members), true) = (operation.user(), operation.leaves(), operation.is_about_a_card()) {
            let key = self.key();
            let cards = self.cards.entry(user).or_default();
            let made = StoredCard::of(
                Shown::of(
                    members
                        .iter()
                        .map(|(name, value)| (name.as_str(), is(name, value)))
                        .chain([("user_card_id", Is::Text(value.unwrap_or(key).to_string())), ("card_id", Is::Text(key.to_string()))]),
                ),
                Value::Null,
            );
            cards.push(made);
        }
        Outcome::Accepted(Told { result_code: Some(0), value, ..Told::default() })
    }
}

/// A member that was sent, as it is shown.
fn is(name: &str, value: &Value) -> Is {
    match value {
        Value::String(text) if name == "pin" => Is::Hidden(Secret::new(text.clone())),
        Value::String(text) => Is::Text(text.clone()),
        Value::Bool(flag) => Is::Flag(*flag),
        Value::Number(number) => number.as_i64().map_or(Is::Unreadable, Is::Number),
        Value::Null => Is::Empty,
        Value::Array(_) | Value::Object(_) => Is::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use std::task::Context;

    use super::*;
    use crate::access::{RemoveUserCard, Sameness};

    fn card() -> Operation {
        let body = serde_json::json!({
            "card_type": 3, "card_user_flags": 1, "internal_card_number": 4567, "pin": "0417", "user_id": Uuid::from_u128(7),
            "reassign_card_if_already_assigned": false,
        });
        Operation::AddUserCard(serde_json::from_value(body).unwrap())
    }

    fn lost() -> Outcome {
        Outcome::NoAnswer { why: "reset".to_owned(), slow: false }
    }

    #[tokio::test]
    async fn what_is_sent_is_shown_even_where_its_answer_is_lost() {
        let system = Fake::default();
        system.will(Reply::DoneBut(lost()));
        assert_eq!(system.send(&card()).await, lost());
        let Cards::Shown(cards) = system.cards_of(Uuid::from_u128(7), Detail::Card).await else { panic!() };
        assert_eq!(cards.iter().map(|shown| shown.is(&card())).collect::<Vec<_>>(), [Sameness::TheOne]);
        let compared = cards[0].clone().compare(&card()).unwrap();
        assert_eq!((compared.differs, compared.not_shown), (vec![], vec![]));
        assert_eq!(system.came(), [Came::Sent(card()), Came::CardsOf(Uuid::from_u128(7), Detail::Card)]);
    }

    #[tokio::test]
    async fn what_does_not_arrive_is_not_shown_and_what_is_foreseen_is_foreseen_once() {
        let system = Fake::default();
        system.will(Reply::Not(lost()));
        system.will_show(Cards::Away { why: "off".to_owned() });
        assert_eq!(system.send(&card()).await, lost());
        assert_eq!(system.cards_of(Uuid::from_u128(7), Detail::Card).await, Cards::Away { why: "off".to_owned() });
        assert_eq!(system.cards_of(Uuid::from_u128(7), Detail::Card).await, Cards::Shown(vec![]));
        assert!(matches!(system.send(&card()).await, Outcome::Accepted(_)));
    }

    #[tokio::test]
    async fn a_card_that_is_taken_back_is_shown_no_longer_and_the_others_are() {
        let system = Fake::default();
        let user = Uuid::from_u128(7);
        system.send(&card()).await;
        system.send(&card()).await;
        let Cards::Shown(cards) = system.cards_of(user, Detail::Card).await else { panic!("it shows cards") };
        let removal = RemoveUserCard { card_id: cards[0].card_id.unwrap(), user_id: user };
        system.send(&Operation::RemoveUserCard(removal)).await;
        let Cards::Shown(left) = system.cards_of(user, Detail::Card).await else { panic!("it shows cards") };
        assert_eq!(left.iter().map(|card| card.card_id).collect::<Vec<_>>(), [cards[1].card_id]);
    }

    #[test]
    fn while_it_is_held_a_call_is_under_way() {
        let system = Fake::default();
        system.hold();
        let operation = card();
        let mut call = std::pin::pin!(system.send(&operation));
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending() && system.sent().len() == 1);
        system.go_on();
        assert!(call.as_mut().poll(&mut context).is_ready());
    }
}
