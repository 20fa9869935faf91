//! The data contracts of BluSKY's request bodies: what DataContractSerializer knows of each model.
//!
//! Each class lists its members sorted by ordinal name; the members of a base class come before those of the class derived from it.
//! Source: the XML samples of the contract pages.

/// What a body must look like.
pub(super) struct Contract {
    /// The model, and the root element of its XML.
    pub(super) name: &'static str,
    /// The XML namespace of the root and of every member. `None`: no page tells it, nor the name; then any root is taken, and its
    /// namespace is the one of the members.
    pub(super) namespace: Option<&'static str>,
    /// The members of each class, base class first.
    pub(super) classes: &'static [&'static [&'static str]],
}

/// The namespace of the calls with a version in their path.
pub(super) const API_WEB_ROLE: &str = "http://schemas.datacontract.org/2004/07/APIWebRole.Controllers";

/// `POST api/v1/Users/{id}/UserCards`
pub(super) const ADD_USER_CARD: Contract =
    Contract { name: "AddUserCardViewModel", namespace: Some(API_WEB_ROLE), classes: &[CARD, &["ReassignCardIfAlreadyAssigned"]] };

/// `POST api/Account/Authenticate`, whose model no page names.
pub(super) const AUTHENTICATE: Contract = Contract { name: "Authenticate", namespace: None, classes: &[&["Email", "Password"]] };

const CARD: &[&str] = &[
    "CardACSystemId",
    "CardActivationStartDateTime",
    "CardDeactivationStartDateTime",
    "CardId",
    "CardSerialNumber",
    "CardType",
    "CardUserFlags",
    "EnforceOccupancySystem",
    "ExternalCardNumber",
    "FacilityCode",
    "InternalCardNumber",
    "IssueCode",
    "PIN",
    "UserId",
];

impl Contract {
    /// The members, in the order XML must have them.
    pub(super) fn members(&self) -> Vec<&'static str> {
        self.classes.iter().flat_map(|class| class.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_sorted_by_ordinal_name() {
        for contract in [ADD_USER_CARD, AUTHENTICATE] {
            assert!(contract.classes.iter().all(|class| class.is_sorted()), "{}", contract.name);
        }
    }
}
