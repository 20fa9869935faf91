//! Whom the simulated BluSKY knows.
//!
//! In: the people file, users that calls name, AddUser. Out: whether a user exists; all of them. A user's `origin` is `file` (stands in
//! the people file), `added` (by AddUser) or `seen` (was only named by a call). It never learns a password.

use chrono::Utc;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    people::Person,
    places,
    store::{Stop, Store, list},
};
use crate::simulator::words::{result_code::ResultCode, time::stamp};

/// A user who is to be made.
pub struct NewUser {
    pub first_name: String,
    pub last_name: String,
    pub employee_number: String,
    /// The other things the call has named: kind and id.
    pub named: [(&'static str, Option<Uuid>); 4],
    /// All members of the call, without the password.
    pub members: Value,
}

impl Store {
    /// Makes a user. Answers the key.
    pub fn add_user(&self, user: &NewUser) -> Result<Uuid, Stop> {
        let mut db = self.lock();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let user_id = Uuid::new_v4();
        let record = json!({ "members": user.members, "DateInserted": stamp(Utc::now()) });
        tx.execute(
            "INSERT INTO users (user_id, first_name, last_name, employee_number, origin, record) VALUES (?1, ?2, ?3, ?4, 'added', ?5)",
            params![user_id.to_string(), user.first_name, user.last_name, user.employee_number, record.to_string()],
        )?;
        for (kind, id) in user.named {
            places::meet_id(&tx, kind, id)?;
        }
        tx.commit()?;
        Ok(user_id)
    }

    /// All users: with a people file those who stand in it or were added, else also those whom a call has named.
    pub fn users(&self) -> rusqlite::Result<Vec<Value>> {
        let unwanted = if self.habits.only_people { "seen" } else { "" };
        list(&self.lock(), "SELECT * FROM users WHERE origin <> ?1 ORDER BY last_name, first_name, user_id", unwanted, |row| {
            let mut user = json!({
                "user_id": row.get::<_, String>("user_id")?,
                "first_name": row.get::<_, String>("first_name")?,
                "last_name": row.get::<_, String>("last_name")?,
                "employee_number": row.get::<_, String>("employee_number")?,
            });
            if let (Some(record), Some(members)) = (row.get::<_, Option<String>>("record")?, user.as_object_mut()) {
                members.insert("added".into(), serde_json::from_str(&record).unwrap_or_default());
            }
            Ok(user)
        })
    }

    /// Refuses a user who does not exist. Without a people file everybody exists, and is remembered from now on.
    pub fn meet_user(&self, tx: &Transaction, user_id: Uuid) -> Result<(), Stop> {
        let user = user_id.to_string();
        if !self.habits.only_people {
            let seen =
                "INSERT OR IGNORE INTO users (user_id, first_name, last_name, employee_number, origin) VALUES (?1, ?1, 'User', '', 'seen')";
            tx.execute(seen, [user])?;
            return Ok(());
        }
        let found = tx.query_row("SELECT 1 FROM users WHERE user_id = ?1 AND origin <> 'seen'", [user], |_| Ok(())).optional()?;
        found.ok_or_else(|| ResultCode::UserNotFound.because("User not found.").into())
    }
}

/// Refuses a system that is not the one of the user's occupancy. Of users who were not added to an occupancy none is known.
pub fn enforce_occupancy(tx: &Transaction, user_id: Uuid, system: &str) -> Result<(), Stop> {
    let own = "SELECT json_extract(record, '$.members.ACSystemId') FROM users
               WHERE user_id = ?1 AND json_extract(record, '$.members.CompanyInstanceType') = 1";
    let own: Option<String> = tx.query_row(own, [user_id.to_string()], |row| row.get(0)).optional()?;
    match own {
        Some(own) if own != system => {
            let words = "CardACSystemId is not the system of the user's occupancy.";
            Err(ResultCode::OccupancySystemDiffers.because(words).into())
        }
        _ => Ok(()),
    }
}

/// Those who stand in the file no longer stay known by name (they may hold cards), but are users no longer.
pub fn load(db: &mut Connection, people: Vec<Person>) -> rusqlite::Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute("UPDATE users SET origin = 'seen' WHERE origin = 'file'", [])?;
    for person in people {
        tx.execute(
            "INSERT INTO users (user_id, first_name, last_name, employee_number, origin) VALUES (?1, ?2, ?3, ?4, 'file')
             ON CONFLICT (user_id) DO UPDATE SET first_name = ?2, last_name = ?3, employee_number = ?4, origin = 'file'",
            params![person.user_id.to_string(), person.first_name, person.last_name, person.employee_number],
        )?;
    }
    tx.commit()
}
