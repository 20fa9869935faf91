//! One entry's calls, and what is written down between them.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    sync::{Arc, Mutex},
};

use tokio::{sync::mpsc, task::yield_now, time::timeout};
use uuid::Uuid;

use super::*;
use crate::{
    access::{
        AccessLevelGroup, Cards, Detail, Operation, Outcome,
        fake::{Fake, Reply},
    },
    outbox::{Reassign, State, Step},
    station::{Called, Stands},
    store::memory::Memory,
};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// A BluSKY beside which the store does nothing from the moment in which an operation has come until somebody looks what came of it.
#[derive(Clone)]
struct Between {
    there: Fake,
    store: StoreHandle,
    looks: Sender<()>,
    looked: Arc<Mutex<Option<Receiver<()>>>>,
}

impl AccessControl for Between {
    async fn send(&self, operation: &Operation) -> Outcome {
        let (store, looked) = (self.store.clone(), self.looked.lock().unwrap().take());
        let waits = move |_: &Entry| {
            looked.map(|looked| looked.recv_timeout(LONG));
            None
        };
        tokio::spawn(async move { store.first_step(Uuid::from_u128(1), waits).await });
        yield_now().await;
        self.there.send(operation).await
    }

    async fn cards_of(&self, user: Uuid, detail: Detail) -> Cards {
        self.looks.send(()).ok();
        self.there.cards_of(user, detail).await
    }

    fn asked_to_wait(&self) -> Option<Duration> {
        None
    }
}

const ID: Uuid = Uuid::from_u128(1);
const USER: Uuid = Uuid::from_u128(7);

/// A store in memory, whoever makes its calls, and what comes of them.
struct Desk {
    system: Between,
    store: StoreHandle,
    caller: Caller,
    posted: mpsc::UnboundedReceiver<Event>,
    told: Vec<String>,
}

impl Desk {
    /// A card for a user, and what is done before it, are begun.
    async fn begins(before: Option<Operation>, reply: Reply) -> Self {
        let store = StoreHandle::over(Box::new(Memory::default().open("http://blusky.example/"))).unwrap();
        let card = serde_json::json!({
            "card_type": 3, "card_user_flags": 1, "internal_card_number": 4567, "user_id": USER, "reassign_card_if_already_assigned": false,
        });
        store.save(Entry::of_card(ID, Utc::now(), serde_json::from_value(card).unwrap(), before, Reassign::Never)).await.unwrap();
        let (looks, looked) = channel();
        let system = Between { there: Fake::default(), store: store.clone(), looks, looked: Arc::new(Mutex::new(Some(looked))) };
        system.there.will(reply);
        let caller = Caller::new(store.clone(), system.clone(), LONG, None);
        let (post, posted) = mpsc::unbounded_channel();
        caller.begin(Work::Step(ID), Utc::now(), post);
        Self { system, store, caller, posted, told: Vec::new() }
    }

    /// What came of the calls, once they have come to an end.
    async fn called(&mut self) -> Called {
        loop {
            match timeout(LONG / 2, self.posted.recv()).await.expect("something comes of a call").unwrap() {
                Event::Called(called) => return *called,
                Event::Stepped(entry) => self.told.push(format!("step {}", entry.steps().len())),
                Event::Answered(_, heard) => self.told.push(format!("{} calls answered", heard.len())),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_came_of_a_card_is_looked_at_while_its_answer_is_written_down() {
    let mut desk = Desk::begins(None, Reply::Done).await;
    // If nobody looks before the answer is on disk, nothing comes of it.
    let called = desk.called().await;
    let kept = desk.store.entry(ID).await.unwrap();
    assert!(matches!(kept.steps(), [(_, Step::Sending { .. }), (_, Step::Answered(_)), (_, Step::ReadBack(_))]), "{:?}", kept.steps());
    assert_eq!((kept.progress().state, called.stands), (State::Accepted, Stands::As(Box::new(kept))));
    let wanted = ["step 1", "step 2", "2 calls answered", "step 3"];
    assert_eq!(desk.told, wanted, "each step once it is on disk, and that another entry may call before the last one is");
}

#[tokio::test]
async fn who_is_told_to_stop_while_an_answer_is_written_down_writes_it_and_calls_nobody_any_more() {
    let id = Uuid::from_u128(9);
    let user = serde_json::json!({
        "ac_system_id": id, "access_rights_suspended": false, "company_instance_id": id, "company_instance_type": 1, "facility_id": id,
        "first_name": "Ada", "has_login_rights": false, "last_name": "Lovelace", "web_site_rights_suspended": false,
    });
    let group = AccessLevelGroup { access_level_group_id: 9, user_id: USER };
    let lost = Outcome::NoAnswer { why: "closed".to_owned(), slow: false };
    // The card would be next, or a look whether the user is there.
    for (before, reply) in [
        (Operation::AddAccessLevelGroup(group), Reply::Done),
        (Operation::AddUser(serde_json::from_value(user).unwrap()), Reply::DoneBut(lost)),
    ] {
        let mut desk = Desk::begins(Some(before), reply).await;
        while desk.system.there.came().is_empty() {
            yield_now().await;
        }
        // The answer is with the store by now, which waits.
        for _ in 0..100 {
            yield_now().await;
        }
        desk.caller.stop();
        desk.system.looks.send(()).unwrap();
        let called = desk.called().await;
        let kept = desk.store.entry(ID).await.unwrap();
        assert!(matches!(kept.steps(), [(_, Step::Sending { .. }), (_, Step::Answered(_))]), "{:?}", kept.steps());
        assert_eq!((desk.system.there.sent().len(), called.stands), (1, Stands::As(Box::new(kept))));
        assert_eq!(desk.told, ["step 1", "step 2"]);
    }
}

#[tokio::test]
async fn nothing_is_begun_after_the_word_to_stop_and_an_entry_that_is_gone_is_given_up() {
    let mut desk = Desk::begins(None, Reply::Done).await;
    desk.system.looks.send(()).unwrap();
    drop(desk.called().await);
    let came = desk.system.there.came().len();
    let (post, posted) = mpsc::unbounded_channel();
    desk.posted = posted;
    desk.caller.begin(Work::Step(Uuid::from_u128(99)), Utc::now(), post.clone());
    assert_eq!(desk.called().await.stands, Stands::Lost(StoreError::NoEntry(Uuid::from_u128(99).to_string()).to_string()));
    let Operation::AddUserCard(card) = desk.store.entry(ID).await.unwrap().operation else { panic!("it is a card") };
    let waiting = Entry::of_card(Uuid::from_u128(2), Utc::now(), card, None, Reassign::Never);
    desk.store.save(waiting.clone()).await.unwrap();
    desk.caller.stop();
    for work in [Work::Step(waiting.id), Work::Ask(waiting.id)] {
        desk.caller.begin(work, Utc::now(), post.clone());
        assert!(matches!(desk.called().await.stands, Stands::As(entry) if entry.steps().is_empty()), "{work:?}");
    }
    assert_eq!(desk.system.there.came().len(), came);
}
