//! The site's directory: who is in its own list or in BluSKY's, whether BluSKY can be asked now or not.
//!
//! In: the site's file; BluSKY's list, asked for and kept in the store with its age; who was added from here, until that list shows
//! them. Out: one directory of all, and who is meant by a word. Never: a list that broke off, or one of another BluSKY, in the place of
//! the last good one; a wait for BluSKY where somebody is found.

use std::{
    collections::HashSet,
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use chrono::{DateTime, TimeDelta, Utc};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tokio::{task::spawn_blocking, time::sleep};
use uuid::Uuid;

use super::Site;
use crate::{
    access::{AddUser, Belongs, NoList, PeopleLines, Person},
    blusky::{client::Client, lookup::Kind, settings::Settings},
    card::to_hex,
    config::PeopleLists,
    enroll::people::{self, Finding, People, WhoError},
    store::{ADDED, PEOPLE, PEOPLE_DIGEST, StoreError, StoreHandle},
    views::page::ago,
};

/// How often a station asks for the list.
const REFRESH_INTERVAL: Duration = Duration::from_secs(3600);
/// If that failed, it tries again after this time.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);
/// A list this young is not asked for anew because somebody is not in it.
const YOUNG: TimeDelta = TimeDelta::seconds(30);
/// The site's directory.
#[derive(Debug)]
pub struct Directory {
    lists: PeopleLists,
    settings: Option<Settings>,
    store: StoreHandle,
    cached: Mutex<Option<(Stamp, Arc<People>)>>,
    asking: tokio::sync::Mutex<()>,
    /// Why BluSKY gave no list when it was asked last.
    trouble: Mutex<Option<String>>,
}

/// What BluSKY was asked, and what its list held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    base_url: String,
    of: Vec<Belongs>,
    /// How many people each of them listed.
    #[serde(default)]
    of_each: Vec<usize>,
    path: Option<String>,
    /// The paths that answered.
    pub paths: Vec<String>,
    /// How many people were listed.
    pub people: usize,
    /// How many records beside them name no user.
    pub unnamed: usize,
}

/// What a directory is made from: the file as it stands, when BluSKY was asked, and when somebody was added last.
type Stamp = (Option<(SystemTime, u64)>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Who is meant.
#[derive(Debug)]
pub struct Meant {
    /// The user.
    pub id: Uuid,
    /// As the directory has them.
    pub person: Option<Person>,
    /// What is wrong in the site's own list, where it was needed.
    pub findings: Vec<Finding>,
}

/// Why nobody is meant.
#[derive(Debug)]
pub enum NotMeant {
    /// The word, as far as the directory goes; and what else is to be known of the directory.
    Who {
        /// The word.
        error: WhoError,
        /// What is wrong in the site's own list.
        findings: Vec<Finding>,
        /// How old BluSKY's list is, and why it is no younger.
        more: Option<String>,
    },
    /// There is no directory to look in.
    NoDirectory(NoDirectory),
}

/// Why there is no directory.
#[derive(Debug, thiserror::Error)]
pub enum NoDirectory {
    /// The site's own list cannot be read.
    #[error("{0}")]
    List(String),
    /// What is known besides is in the store, which cannot be read.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Asked {
    /// Whose people are all gone since then, in words.
    fn has_lost(&self, before: &Self) -> Option<String> {
        if self.people == 0 && before.people > 0 {
            return Some(format!("BluSKY lists nobody now, where it listed {} people: may the token still see them?", before.people));
        }
        let lost = self.of.iter().zip(&self.of_each).zip(&before.of_each).find(|((_, now), before)| **now == 0 && **before > 0);
        lost.map(|((of, _), before)| {
            format!(
                "BluSKY lists nobody now of {of}, where it listed {before} people: may the token still see them? Where nobody is left there, \
                 take it out of [people] blusky"
            )
        })
    }
}

impl Directory {
    /// The directory of a site, whose last good list of BluSKY's is in this store.
    #[must_use]
    pub fn new(site: &Site, store: StoreHandle) -> Self {
        let (lists, settings) = (site.config.people.clone(), site.config.blusky.clone());
        Self { lists, settings, store, cached: Mutex::default(), asking: tokio::sync::Mutex::default(), trouble: Mutex::default() }
    }

    /// True where BluSKY is asked for people too.
    #[must_use]
    pub const fn asks(&self) -> bool {
        !self.lists.of.is_empty()
    }

    /// Everybody, as far as it is known here: nobody is asked.
    ///
    /// # Errors
    /// A list cannot be read.
    pub async fn people(&self) -> Result<Arc<People>, NoDirectory> {
        let asked = self.asked().await?;
        let file = self.lists.file.as_ref().and_then(|file| fs::metadata(file).ok());
        let added = self.store.kept(&self.added_list()).await?;
        let file = file.and_then(|file| Some((file.modified().ok()?, file.len())));
        let stamp: Stamp = (file, asked.as_ref().map(|(at, _)| *at), added.as_ref().map(|(at, _)| *at));
        let cached = || self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, people)) = cached().as_ref().filter(|(made_from, _)| *made_from == stamp && stamp != Stamp::default()) {
            return Ok(people.clone());
        }
        let people = self.merged(added.map(|(_, text)| text.into()).unwrap_or_default()).await?;
        *cached() = Some((stamp, people.clone()));
        Ok(people)
    }

    /// Everybody of the lists: who was added from here and is in none of them is not among them. A roster knows those by itself.
    ///
    /// # Errors
    /// A list cannot be read.
    pub async fn of_lists(&self) -> Result<Arc<People>, NoDirectory> {
        self.merged(PeopleLines::default()).await
    }

    /// The people of both lists, and these.
    async fn merged(&self, others: PeopleLines) -> Result<Arc<People>, NoDirectory> {
        let (kept, lists) = (self.listed().await?, self.lists.clone());
        // Long lists take their time, and others are waiting for this thread.
        let merged = spawn_blocking(move || Ok(Arc::new(lists.read()?.with(kept.iter()).and(others.iter()))));
        merged.await.map_err(|error| error.to_string()).flatten().map_err(NoDirectory::List)
    }

    /// When this BluSKY was last asked for these people, and what came of it; none where it never listed them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn asked(&self) -> Result<Option<(DateTime<Utc>, Asked)>, StoreError> {
        if !self.asks() {
            return Ok(None);
        }
        let kept = self.store.kept(Kind::Users.name()).await?;
        let asked = kept.and_then(|(at, text)| Some((at, serde_json::from_str::<Asked>(&text).ok()?)));
        Ok(asked.filter(|(_, asked)| self.is_same(asked)))
    }

    /// The people whom BluSKY listed last.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn listed(&self) -> Result<PeopleLines, StoreError> {
        let kept = if self.asked().await?.is_some() { self.store.kept(PEOPLE).await? } else { None };
        Ok(kept.map(|(_, text)| text.into()).unwrap_or_default())
    }

    /// The name of the list of those who were added from here.
    fn added_list(&self) -> String {
        format!("{ADDED}{}", self.store.base_url())
    }

    /// Keeps somebody who was added from here, until BluSKY's list shows them.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn add(&self, user_id: Uuid, user: &AddUser) -> Result<(), StoreError> {
        let trimmed = |text: Option<&String>| text.map(|text| text.trim().to_owned()).unwrap_or_default();
        let mut new = PeopleLines::default();
        new.push(&Person {
            user_id,
            first_name: user.first_name.trim().to_owned(),
            last_name: user.last_name.trim().to_owned(),
            nickname: trimmed(user.nickname.as_ref()),
            employee_number: trimmed(user.employee_number.as_ref()),
            ..Person::default()
        });
        self.store.change(&self.added_list(), Utc::now(), vec![user_id], new).await
    }

    /// Whoever BluSKY's list shows now is known by it alone.
    async fn forget_added(&self, listed: &HashSet<Uuid>) -> Result<(), StoreError> {
        let added: PeopleLines = self.store.kept(&self.added_list()).await?.map(|(_, text)| text.into()).unwrap_or_default();
        let shown: Vec<Uuid> = added.iter().map(|person| person.user_id).filter(|id| listed.contains(id)).collect();
        match shown.is_empty() {
            true => Ok(()),
            false => self.store.change(&self.added_list(), Utc::now(), shown, PeopleLines::default()).await,
        }
    }

    fn is_same(&self, asked: &Asked) -> bool {
        asked.base_url == self.store.base_url() && asked.of == self.lists.of && asked.path == self.lists.path
    }

    /// Asks BluSKY for its people, and keeps the list. Where it lists nobody of somebody's, and listed some before, the list before stays.
    ///
    /// # Errors
    /// Why there is no list; the last good one stays.
    pub async fn refresh(&self) -> Result<Asked, NoList> {
        let renewed = self.renew().await;
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = renewed.as_ref().err().map(ToString::to_string);
        renewed
    }

    /// Why BluSKY gave no list when it was asked last; none where it gave one, or was not asked yet.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn renew(&self) -> Result<Asked, NoList> {
        let _one_at_a_time = self.asking.lock().await;
        let (people, listed, digest, asked) = self.ask().await?;
        let store = |error: StoreError| NoList::Later(format!("BluSKY's list of people is not kept: {error}"));
        let before = self.asked().await.map_err(store)?.map(|(_, before)| before);
        if let Some(why) = before.as_ref().and_then(|before| asked.has_lost(before)) {
            return Err(NoList::Unreadable(why));
        }
        let now = Utc::now();
        // A long list is written where it is another one.
        if before.is_none() || self.store.kept(PEOPLE_DIGEST).await.map_err(store)?.is_none_or(|(_, before)| before != digest) {
            self.store.keep(PEOPLE, now, people.into_text()).await.map_err(store)?;
            self.store.keep(PEOPLE_DIGEST, now, digest).await.map_err(store)?;
        }
        self.store.keep(Kind::Users.name(), now, serde_json::to_string(&asked).unwrap_or_default()).await.map_err(store)?;
        self.forget_added(&listed).await.map_err(store)?;
        Ok(asked)
    }

    /// A way to BluSKY; none where there can be none.
    pub(super) async fn client(&self) -> Option<Client> {
        let settings = self.settings.clone()?;
        spawn_blocking(move || Client::new(settings)).await.ok()?.ok()
    }

    async fn ask(&self) -> Result<(PeopleLines, HashSet<Uuid>, String, Asked), NoList> {
        let nobody = |why: &str| NoList::Stopped(why.to_owned());
        let settings = self.settings.clone().ok_or_else(|| nobody("the configuration has no [blusky]"))?;
        // This reads certificates from many files, which takes time: not on the runtime's threads.
        let client = spawn_blocking(move || Client::new(settings)).await.map_err(|error| nobody(&error.to_string()))?;
        let client = client.map_err(|error| nobody(&error.to_string()))?;
        let (mut everybody, mut known, mut of_each) = (PeopleLines::default(), HashSet::new(), Vec::new());
        let (mut paths, mut unnamed) = (Vec::new(), 0);
        for of in &self.lists.of {
            let listed = match client.people(*of, self.lists.path.as_deref()).await {
                Ok(listed) => listed,
                Err(NoList::Missing(why)) => {
                    // Kept for `status` and `doctor`.
                    drop(self.store.keep(&Kind::Users.missing(), Utc::now(), self.store.base_url().to_owned()).await);
                    return Err(NoList::Missing(why));
                }
                Err(other) => return Err(other),
            };
            of_each.push(listed.ids.len());
            everybody.add(listed.people, listed.ids.iter().map(|id| known.insert(*id)));
            unnamed += listed.unnamed;
            paths.push(listed.path);
        }
        let base_url = self.store.base_url().to_owned();
        let (of, path) = (self.lists.of.clone(), self.lists.path.clone());
        let hashed = spawn_blocking(move || {
            let digest = to_hex(digest(&SHA256, everybody.as_str().as_bytes()).as_ref());
            let people = known.len();
            (everybody, known, digest, Asked { base_url, of, of_each, path, paths, people, unnamed })
        });
        hashed.await.map_err(|error| nobody(&error.to_string()))
    }

    /// The user who was added by a call whose answer was lost: the one whom BluSKY's list shows by this name and number, or shows by this
    /// name and did not show before. None where nobody is, or several are.
    ///
    /// # Errors
    /// Why there is no list.
    pub async fn added(&self, user: &AddUser) -> Result<Option<Uuid>, NoList> {
        let store = |error: StoreError| NoList::Later(error.to_string());
        let number = user.employee_number.as_deref().map(str::trim).unwrap_or_default();
        let is_like = |person: &Person| {
            let named = (person.first_name.as_str(), person.last_name.as_str()) == (user.first_name.trim(), user.last_name.trim());
            named && (number.is_empty() || person.employee_number.is_empty() || person.employee_number == number)
        };
        let had_a_list = self.asked().await.map_err(store)?.is_some();
        let before: Vec<Uuid> = self.listed().await.map_err(store)?.iter().filter(is_like).map(|person| person.user_id).collect();
        self.refresh().await?;
        let like: Vec<Person> = self.listed().await.map_err(store)?.iter().filter(is_like).collect();
        let only = |found: Vec<&Person>| if let [one] = found.as_slice() { Some(one.user_id) } else { None };
        let by_number = only(like.iter().filter(|person| !number.is_empty() && person.employee_number == number).collect());
        let by_name = || only(like.iter().filter(|person| had_a_list && !before.contains(&person.user_id)).collect());
        Ok(by_number.or_else(by_name))
    }

    /// Who is meant. Who is not found may be new: BluSKY is asked once more.
    ///
    /// # Errors
    /// Nobody, or several.
    pub async fn who(&self, who: &str) -> Result<Meant, NotMeant> {
        let failed = |error, findings| NotMeant::Who { error, findings, more: None };
        let key = people::key(who).map_err(|error| failed(error, Vec::new()))?;
        if let Some(id) = key {
            // A GUID needs no list; without one, only the person's name is missing.
            let person = self.people().await.ok().and_then(|people| people.person(id));
            return Ok(Meant { id, person, findings: Vec::new() });
        }
        let mut people = self.people().await.map_err(NotMeant::NoDirectory)?;
        let mut found = people.find(who);
        let mut more = None;
        if self.asks() && found.as_ref().is_err_and(WhoError::is_unknown) {
            let asked = self.asked().await.ok().flatten().map(|(at, _)| at);
            if asked.is_none_or(|at| Utc::now() - at > YOUNG) {
                match self.refresh().await {
                    Ok(_) => {
                        people = self.people().await.map_err(NotMeant::NoDirectory)?;
                        found = people.find(who);
                    }
                    Err(why) => more = Some(older(asked, &why)),
                }
            }
        }
        let findings = people.findings.clone();
        match found {
            Ok(id) => Ok(Meant { id, person: people.person(id), findings }),
            Err(WhoError::NotAGuid(_)) if self.asks() => {
                Err(NotMeant::Who { error: WhoError::Unknown(who.trim().to_owned()), findings, more })
            }
            Err(error) => Err(NotMeant::Who { error, findings, more }),
        }
    }

    /// Asks BluSKY for its people again and again, for as long as a station runs, and tells why it cannot, each cause once.
    pub async fn keep_fresh(&self, tell: impl Fn(&str)) {
        let mut told = String::new();
        while self.asks() {
            let age = self.asked().await.ok().flatten().and_then(|(at, _)| (Utc::now() - at).to_std().ok());
            let left = age.map_or(Duration::ZERO, |age| REFRESH_INTERVAL.saturating_sub(age));
            sleep(left).await;
            match self.refresh().await {
                Ok(_) => told.clear(),
                Err(why) => {
                    let why = format!("BluSKY's list of people is not renewed: {why}");
                    if told != why {
                        tell(&why);
                        told = why;
                    }
                    sleep(RETRY_INTERVAL).await;
                }
            }
        }
    }
}

fn older(asked: Option<DateTime<Utc>>, why: &NoList) -> String {
    match asked {
        Some(at) => format!("BluSKY's list of people is from {} ago, and cannot be asked for now: {why}", ago(Utc::now() - at)),
        None => format!("BluSKY's list of people cannot be asked for: {why}"),
    }
}
