//! The way to BluSKY: one reading call.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::{task::spawn_blocking, time::Instant};

use crate::{
    blusky::{answer::SuccessCodes, client::Client, lookup::Kind, probe},
    doctor::blusky::{Call, Came, Facts, PeopleList, Probe},
    host::{Site, client::Said},
    views::status::call_text,
};

/// What the call shows; `known` is what a station or the store has seen.
pub(super) async fn look(site: &Site, known: Option<&Value>) -> Facts {
    let calls = known.map(|known| known.at("calls")).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut facts = Facts { calls: calls.iter().map(call).collect(), ..Facts::default() };
    let Some(settings) = site.config.blusky.clone() else { return facts };
    facts.people = (!site.config.people.of.is_empty()).then(|| PeopleList { age_s: calls.iter().find_map(listed_s) });
    facts.base_url = Some(settings.base_url.clone());
    facts.key = settings.terms().key;
    facts.takes_any_code = settings.success_codes == SuccessCodes::Any;
    // This reads certificates from many files, which takes time: not on the runtime's threads.
    match spawn_blocking(move || Client::new(settings)).await {
        Ok(Ok(client)) => {
            let begun = Instant::now();
            let probed = client.probe().await;
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            facts.probe = Some(Probe {
                call: probed.call,
                came: came(probed.came),
                millis,
                clock_ahead_s: probed.clock_ahead.map(|ahead| ahead.num_seconds()),
                cards: probed.cards,
            });
        }
        Ok(Err(error)) => facts.unusable = Some(error.to_string()),
        Err(error) => facts.unusable = Some(error.to_string()),
    }
    facts
}

/// How many seconds ago this call listed the site's people.
fn listed_s(seen: &Value) -> Option<i64> {
    let at: DateTime<Utc> = seen.text("at").parse().ok()?;
    let is_list = seen.text("call") == Kind::Users.call() && seen.at("exists") == true;
    is_list.then(|| (Utc::now() - at).num_seconds().max(0))
}

fn came(came: probe::Came) -> Came {
    match came {
        probe::Came::Answer { status, is_page } => Came::Answer(status, is_page),
        probe::Came::Strange { status, why } => Came::Strange(status, why),
        probe::Came::NotReached(why) => Came::NotReached(why),
        probe::Came::NoAnswer(why) => Came::NoAnswer(why),
        probe::Came::NotSignedIn(why) => Came::NotSignedIn(why),
    }
}

fn call(seen: &Value) -> Call {
    let codes = seen.at("success_codes").as_array().map(Vec::as_slice).unwrap_or_default();
    Call {
        name: seen.text("call").to_owned(),
        exists: seen.at("exists").as_bool().unwrap_or_default(),
        success_codes: codes.iter().filter_map(Value::as_i64).collect(),
        words: call_text(seen),
    }
}
