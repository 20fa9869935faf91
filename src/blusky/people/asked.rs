//! People asked for: the candidate paths one after the other, by reading calls only, and the answer read as it comes.
//!
//! In: whose people are wanted, and the site's own path where it has one. Out: a list, or why there is none. Never: a list that broke
//! off taken for a whole one.

use std::time::Duration;

use reqwest::header::ACCEPT;
use tokio::time::timeout;

use super::{Read, Reading, paths};
use crate::{
    access::{Belongs, Listed, NoList},
    blusky::{
        client::Client,
        http::{Failure, bounded, failure},
        lookup::{Kind, Listing, sort_lookup},
    },
};

/// A long list may take this long; each piece of it has the time that another call has for the whole.
const LIST_TIMEOUT: Duration = Duration::from_secs(600);
/// No refusal is larger.
const LARGEST_REFUSAL: usize = 1 << 20;

impl Client {
    /// The people who belong there, by the first path that answers with a list; one that lists nobody only where no other lists anybody
    /// or is in trouble.
    ///
    /// # Errors
    /// Why there is no list.
    pub async fn people(&self, of: Belongs, own: Option<&str>) -> Result<Listed, NoList> {
        let (mut empty, mut later, mut first, mut missing) = (None, None, None, Vec::new());
        for path in paths(of, own) {
            match self.read(&path).await {
                Ok(listed) if listed.ids.is_empty() => drop(empty.get_or_insert(listed)),
                Ok(listed) => return Ok(listed),
                Err(Trouble::Call(failure)) => return Err(unanswered(failure)),
                Err(Trouble::Answer(listing)) => match self.without_token(listing).await {
                    Listing::Missing { .. } => missing.push(path),
                    Listing::Later { why } => drop(later.get_or_insert(why)),
                    other => drop(first.get_or_insert(other)),
                },
            }
        }
        match (later, empty, first) {
            (Some(why), ..) => Err(NoList::Later(why)),
            (None, Some(empty), _) => Ok(empty),
            (.., Some(Listing::Unreadable { why })) => Err(NoList::Unreadable(why)),
            (.., Some(Listing::Stopped { why })) => Err(NoList::Stopped(why)),
            (.., Some(_)) => Err(NoList::Unreadable("BluSKY's answer is no list of people".to_owned())),
            (.., None) => Err(NoList::Missing(format!("this BluSKY lists no people (it has none of {})", missing.join(", ")))),
        }
    }

    async fn read(&self, path: &str) -> Result<Listed, Trouble> {
        let url = format!("{}/{path}", self.base_url());
        let request = || self.http().get(&url).header(ACCEPT, self.accept()).timeout(LIST_TIMEOUT);
        let mut response = self.within(self.answer(request)).await?;
        let status = response.status().as_u16();
        // Whoever asks to be left alone is not asked for the same by another path.
        if status == 429 {
            return Err(Trouble::Call(Failure::NoAnswer { why: format!("BluSKY answered {status}"), slow: false }));
        }
        if !response.status().is_success() {
            let body = self.within(bounded(response, LARGEST_REFUSAL)).await?;
            return Err(Trouble::Answer(sort_lookup(Kind::Users, status, &body, self.terms())));
        }
        let mut reading = Reading::default();
        let unreadable = |why: &str| Trouble::Answer(Listing::Unreadable { why: why.to_owned() });
        while let Some(piece) = self.within(async { response.chunk().await.map_err(failure) }).await? {
            reading.take(&piece).map_err(unreadable)?;
        }
        let read = reading.end().map_err(unreadable)?;
        match sort_lookup(Kind::Users, status, &read.frame, self.terms()) {
            Listing::Items(items) if Read::is_list(&items) => {
                Ok(Listed { people: read.people, ids: read.ids, unnamed: read.unnamed, path: path.to_owned() })
            }
            other => Err(Trouble::Answer(other)),
        }
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Trouble> {
        let late = |_| Failure::NoAnswer { why: "BluSKY did not answer in time".to_owned(), slow: true };
        timeout(self.patience(), call).await.map_err(late).and_then(|answered| answered).map_err(Trouble::Call)
    }
}

fn unanswered(failure: Failure) -> NoList {
    match failure {
        Failure::NotSent(why) => NoList::Away(why),
        Failure::NoAnswer { why, .. } => NoList::Later(why),
        Failure::Stopped(why) => NoList::Stopped(why),
    }
}

/// Why a path gave no list.
enum Trouble {
    /// There is no answer, or it broke off.
    Call(Failure),
    /// The answer is none.
    Answer(Listing),
}
