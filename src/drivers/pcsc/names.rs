//! Which PC/SC device is which configured reader.
//!
//! In: patterns and the devices that are there. Out: a name for each device that is meant; the first of two that one
//! pattern matches is `NAME#1`, the second `NAME#2`. A device keeps its name while others come and go, and gets it back
//! when it is plugged in again. Never: a slot for cards with contacts or for a security module.

use std::sync::Arc;

use super::ReaderPattern;
use crate::{
    reader::{ReaderName, matches},
    smartcard::reader::{Model, Slot, slot_of},
};

/// The names that devices have, or had.
pub(super) struct Names {
    models: Vec<Arc<Model>>,
    /// The device's own name, the configured reader, the name given; of those that are there and those that have gone.
    given: Vec<(String, ReaderName, ReaderName)>,
}

/// The names that devices get which have none yet.
#[must_use]
pub fn name_devices(wanted: &[ReaderPattern], models: &[Arc<Model>], devices: &[String]) -> Vec<(String, ReaderName)> {
    Names::new(models.to_vec()).name(wanted, devices)
}

impl Names {
    pub(super) const fn new(models: Vec<Arc<Model>>) -> Self {
        Self { models, given: Vec::new() }
    }

    /// The name of each device that is meant.
    pub(super) fn name(&mut self, wanted: &[ReaderPattern], devices: &[String]) -> Vec<(String, ReaderName)> {
        let mut named = Vec::new();
        for ReaderPattern { pattern, name, .. } in wanted {
            let meant: Vec<&String> = devices.iter().filter(|device| matches(pattern, device) && self.is_asked(device)).collect();
            // A reader that stands in for all that have gone is the first again.
            if !meant.iter().any(|device| self.known(name, device, &meant).is_some()) {
                self.given.retain(|(_, of, _)| of != name);
            }
            let is_first = !self.given.iter().any(|(_, of, _)| of == name);
            for device in &meant {
                let own = self.known(name, device, &meant).unwrap_or_else(|| self.free(name, is_first && meant.len() > 1));
                self.given.retain(|(_, of, given)| of != name || *given != own);
                self.given.push(((*device).clone(), name.clone(), own.clone()));
                named.push(((*device).clone(), own));
            }
        }
        named
    }

    /// Why no device is meant by a pattern.
    pub(super) fn missing(&self, pattern: &str, devices: &[String]) -> String {
        let others: Vec<&str> = devices.iter().filter(|device| matches(pattern, device)).map(String::as_str).collect();
        match others.as_slice() {
            [] => format!("no PC/SC reader matches {pattern:?}; plug it in, `cardbridge readers` shows what is there"),
            others => format!(
                "{pattern:?} matches no slot for contactless cards, only {}, which is never asked; `cardbridge readers` shows what is there",
                others.join(" and ")
            ),
        }
    }

    fn is_asked(&self, device: &str) -> bool {
        matches!(slot_of(self.models.iter().map(Arc::as_ref), device), None | Some(Slot::Contactless))
    }

    /// The name the device has, or had before it was unplugged: the number that the service gives it may be another one then.
    fn known(&self, name: &ReaderName, device: &str, there: &[&String]) -> Option<ReaderName> {
        let of_reader = || self.given.iter().filter(|(_, of, _)| of == name);
        let same = of_reader().find(|(known, ..)| known == device);
        let gone = || of_reader().find(|(known, ..)| identity(known) == identity(device) && !there.contains(&known));
        same.or_else(gone).map(|(_, _, given)| given.clone())
    }

    /// A name that no device has had.
    fn free(&self, name: &ReaderName, is_one_of_several: bool) -> ReaderName {
        let is_taken = |own: &str| self.given.iter().any(|(_, _, given)| **given == *own);
        if !is_one_of_several && !self.given.iter().any(|(_, of, _)| of == name) {
            return name.clone();
        }
        // The plain name is that of the first.
        let from = if is_taken(name) { 2 } else { 1 };
        let mut numbered = (from..).map(|number| format!("{name}#{number}"));
        numbered.find(|own| !is_taken(own)).map_or_else(|| name.clone(), Into::into)
    }
}

/// A device's name without the number that the service gives it in the order of plugging: `NAME NN SS`, SS is the slot.
fn identity(device: &str) -> (&str, &str) {
    let Some((rest, slot)) = device.rsplit_once(' ') else { return (device, "") };
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match rest.rsplit_once(' ') {
        Some((base, number)) if is_number(slot) && is_number(number) => (base, slot),
        _ => (device, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::Protocols;

    const A: &str = "HID OMNIKEY 5427 CK (A1) 00 00";
    const B: &str = "HID OMNIKEY 5427 CK (B2) 01 00";
    const C: &str = "HID OMNIKEY 5427 CK (C3) 02 00";

    fn wanted(pattern: &str) -> Vec<ReaderPattern> {
        vec![ReaderPattern { pattern: pattern.to_owned(), name: "desk".into(), keys_file: None }]
    }

    fn named(names: &mut Names, devices: &[&str]) -> Vec<String> {
        let devices: Vec<String> = devices.iter().map(|device| (*device).to_owned()).collect();
        names.name(&wanted("*"), &devices).iter().map(|(_, name)| name.to_string()).collect()
    }

    #[test]
    fn two_readers_keep_their_names_when_a_third_is_plugged_in() {
        let mut names = Names::new(Vec::new());
        assert_eq!(named(&mut names, &[A, B]), ["desk#1", "desk#2"]);
        assert_eq!(named(&mut names, &[C, A, B]), ["desk#3", "desk#1", "desk#2"]);
        assert_eq!(named(&mut names, &[C, B]), ["desk#3", "desk#2"]);
        // The first comes back, and the service counts on.
        assert_eq!(named(&mut names, &["HID OMNIKEY 5427 CK (A1) 03 00", C, B]), ["desk#1", "desk#3", "desk#2"]);
    }

    #[test]
    fn one_reader_keeps_the_plain_name_when_a_second_is_plugged_in() {
        let mut names = Names::new(Vec::new());
        assert_eq!(named(&mut names, &[A]), ["desk"]);
        assert_eq!(named(&mut names, &[A, B]), ["desk", "desk#2"]);
        assert_eq!(named(&mut names, &[B]), ["desk#2"]);
        // One that replaces it is the desk's.
        assert_eq!(named(&mut names, &[C]), ["desk"]);
    }

    #[test]
    fn the_contactless_slot_is_found_by_what_it_is() {
        let models = Protocols::built_in().models;
        let asked = |devices: &[&str]| {
            let devices: Vec<String> = devices.iter().map(|device| (*device).to_owned()).collect();
            name_devices(&wanted("*"), &models, &devices).into_iter().map(|(device, _)| device).collect::<Vec<_>>()
        };
        // Interface 0 on one maker's, 1 on another's.
        let omnikey = "HID Global OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422CL Smartcard Reader] (KN1) 00 00";
        assert_eq!(asked(&[omnikey, "HID Global OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422 Smartcard Reader] (KN1) 01 00"]), [omnikey]);
        let identiv = "Identiv uTrust 4701 F Dual Interface Reader [uTrust 4701 F CL Reader] (53) 01 00";
        assert_eq!(asked(&["Identiv uTrust 4701 F Dual Interface Reader [uTrust 4701 F Contact Reader] (53) 00 00", identiv]), [identiv]);
        // By the slot's number.
        let acs = ["ACS ACR1281 1S Dual Reader 00 00", "ACS ACR1281 1S Dual Reader 00 01", "ACS ACR1281 1S Dual Reader 00 02"];
        assert_eq!(asked(&acs), [acs[1]]);
        // Of a reader that nobody knows, every slot is asked.
        assert_eq!(asked(&["Acme 00 00", "Acme 00 01"]).len(), 2);
        assert!(Names::new(models).missing("*02", &[acs[2].to_owned()]).contains("never asked"));
    }
}
