//! Reads a request body, strictly.
//!
//! In: the bytes of a body on either wire, and the model they must become. Out: the model, or what is wrong, in ASP.NET's ModelState: of
//! JSON one message for each member, of XML the first, for it voids the whole body; and what was lost on the way. Which members there are
//! the real serializers decide (`newtonsoft.rs`, `datacontract.rs`).

use uuid::Uuid;

use super::{
    body::ModelState,
    contract::Contract,
    datacontract,
    found::{FoundMembers, Lost},
    media::Wire,
    members::{Members, Null},
    newtonsoft,
};

/// A request body: its contract, and how its members become a value.
pub trait Model: Sized {
    const CONTRACT: Contract;

    /// Asks for every member. What is wrong with one is remembered by `members`.
    fn read(members: &mut Members) -> Self;
}

/// Reads a body, and says what was lost. No integer may be beyond `largest`, nor as far below zero.
pub fn read<M: Model>(body: &[u8], wire: Wire, largest: i64) -> (Result<M, ModelState>, Vec<Lost>) {
    let whole = |problem: String| ModelState::from([("model".to_owned(), vec![problem])]);
    if body.trim_ascii().is_empty() {
        return (Err(whole("A body is required, and it is empty.".into())), Vec::new());
    }
    let found = found(body, wire, &M::CONTRACT);
    let FoundMembers { members, lost } = match found {
        Ok(found) => found,
        Err(problem) => return (Err(whole(problem)), Vec::new()),
    };
    let mut members = Members::new(members, largest);
    let model = M::read(&mut members);
    let wrong = members.wrong();
    let Some((member, problem)) = wrong.first() else { return (Ok(model), lost) };
    let wrong = match wire {
        Wire::Xml => whole(format!("There was an error deserializing the object of type {}. {member}: {problem}", M::CONTRACT.name)),
        Wire::Json => wrong.into_iter().map(|(member, problem)| (format!("model.{member}"), vec![problem])).collect(),
    };
    (Err(wrong), lost)
}

/// One GUID of a body, whatever else is wrong with it.
pub fn guid_in(body: &[u8], wire: Wire, contract: &Contract, name: &'static str) -> Option<Uuid> {
    let found = found(body, wire, contract).ok()?;
    Members::new(found.members, i64::MAX).guid(name, Null::Wrong)
}

fn found(body: &[u8], wire: Wire, contract: &Contract) -> Result<FoundMembers, String> {
    match wire {
        Wire::Json => newtonsoft::read(body, contract),
        Wire::Xml => datacontract::read(body, contract),
    }
}
