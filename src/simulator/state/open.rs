//! Opens the memory.

use std::path::Path;

use super::{
    late, people, schema,
    store::{Habits, Store},
    users,
};
use crate::simulator::words::error::SimulatorError;

/// Opens the data file (`None`: in memory), and makes the people file's people, if there is one, the only users.
pub fn open(path: Option<&Path>, people: Option<&Path>, habits: Habits) -> Result<Store, SimulatorError> {
    let people = people.map(people::read).transpose()?;
    let mut db = schema::open(path)?;
    let only_people = people.is_some();
    let loaded = users::load(&mut db, people.unwrap_or_default());
    loaded
        .and_then(|()| late::prepare(&db, habits.shows_after))
        .map_err(|source| SimulatorError::Data { path: path.unwrap_or(Path::new(":memory:")).to_owned(), source })?;
    Ok(Store::new(db, Habits { only_people, ..habits }))
}
