//! People asked for: the candidate paths one after the other, by reading calls only, and the answer read as it comes.
//!
//! In: whose people are wanted, and the site's own path where it has one. Out: a list, or why there is none. Never: a list that broke
//! off taken for a whole one.

use std::time::Duration;

use reqwest::header::ACCEPT;
use tokio::time::timeout;

use super::{Reading, paths};
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
    /// The people who belong there, by the first path that answers with a list; one that lists nobody only where no other lists anybody.
    ///
    /// # Errors
    /// Why there is no list.
    pub async fn people(&self, of: Belongs, own: Option<&str>) -> Result<Listed, NoList> {
        let (mut empty, mut first) = (None, None);
        for path in paths(of, own) {
            match self.listed(&path).await {
                Ok(listed) if listed.ids.is_empty() => drop(empty.get_or_insert(listed)),
                Ok(listed) => return Ok(listed),
                Err(away @ (NoList::Away(_) | NoList::Later(_))) => return Err(away),
                // What was said says more than that there is no such call.
                Err(said) if matches!(first, None | Some(NoList::Missing(_))) => first = Some(said),
                Err(_) => {}
            }
        }
        empty.ok_or_else(|| first.unwrap_or_else(|| NoList::Missing("there is no path that lists people".to_owned())))
    }

    async fn listed(&self, path: &str) -> Result<Listed, NoList> {
        match self.read(path).await {
            Ok(listed) => Ok(listed),
            Err(Trouble::Call(Failure::NotSent(why))) => Err(NoList::Away(why)),
            Err(Trouble::Call(Failure::NoAnswer { why, .. })) => Err(NoList::Later(why)),
            Err(Trouble::Call(Failure::Stopped(why))) => Err(NoList::Stopped(why)),
            Err(Trouble::Answer(listing)) => Err(match self.without_token(listing).await {
                Listing::Missing { .. } => NoList::Missing(format!("this BluSKY lists no people (it has no {path})")),
                Listing::Unreadable { why } => NoList::Unreadable(why),
                Listing::Later { why } => NoList::Later(why),
                Listing::Stopped { why } => NoList::Stopped(why),
                Listing::Items(_) => NoList::Unreadable("BluSKY's answer is no list of people".to_owned()),
            }),
        }
    }

    async fn read(&self, path: &str) -> Result<Listed, Trouble> {
        let url = format!("{}/{path}", self.base_url());
        let request = || self.http().get(&url).header(ACCEPT, self.accept()).timeout(LIST_TIMEOUT);
        let mut response = self.within(self.answer(request)).await?;
        let status = response.status().as_u16();
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
            Listing::Items(items) if items.is_empty() => {
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

/// Why a path gave no list.
enum Trouble {
    /// There is no answer, or it broke off.
    Call(Failure),
    /// The answer is none.
    Answer(Listing),
}
