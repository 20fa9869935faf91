//! The data contracts of BluSKY's request bodies: what DataContractSerializer knows of each model.
//!
//! Each class lists its members sorted by ordinal name; the members of a base class come before those of the class derived from it.
//! Source: the XML samples of the contract pages.

/// What a body must look like.
pub struct Contract {
    /// The model, and the root element of its XML.
    pub name: &'static str,
    /// The XML namespace of the root and of every member. `None`: no page tells it, nor the name; then any root is taken, and its
    /// namespace is the one of the members.
    pub namespace: Option<&'static str>,
    /// The members of each class, base class first.
    pub classes: &'static [&'static [&'static str]],
}

/// The namespace of the calls with a version in their path.
pub const API_WEB_ROLE: &str = "http://schemas.datacontract.org/2004/07/APIWebRole.Controllers";

/// The namespace of the calls without one.
pub const BLUSKY_WEB_API: &str = "http://schemas.datacontract.org/2004/07/BluSKYWebAPI.Controllers";

/// `POST api/v1/Users/{id}/UserCards`
pub const ADD_USER_CARD: Contract = Contract { name: "AddUserCardViewModel", namespace: Some(API_WEB_ROLE), classes: &[CARD, REASSIGN] };

/// `POST api/v2/Users/{id}/UserCards/ReplaceCardIfExists`: AddUserCard and the second version's members. No page names the model.
pub const REPLACE_CARD: Contract = Contract { name: "ReplaceCardIfExists", namespace: None, classes: &[CARD, REASSIGN, V2] };

/// `PUT api/v2/Users/{id}/UserCards`
pub const UPDATE_USER_CARD: Contract =
    Contract { name: "UpdateUserCardViewModelV2", namespace: Some(API_WEB_ROLE), classes: &[UPDATE, V2] };

/// `DELETE api/v1|v2/Users/{id}/UserCards/{cardId}`
pub const REMOVE_USER_CARD: Contract = Contract {
    name: "RemoveUserCardViewModel",
    namespace: Some(API_WEB_ROLE),
    classes: &[&["CardId", "ExternalCardNumber", "InternalCardNumber", "UserId"]],
};

/// `POST api/v1/Users/{id}/AccessLevelGroups`, whose model no page names.
pub const ADD_ACCESS: Contract = Contract { name: "AddAccessLevelGroup", namespace: None, classes: &[&["AccessLevelGroupId", "UserId"]] };

/// `POST api/v2/Users`: AddUser and a nickname. No page tells its namespace.
pub const ADD_USER_V2: Contract = Contract { name: "AddUserViewModel", namespace: None, classes: &[USER, &["Nickname"]] };

/// `POST api/Person/AddUser`
pub const ADD_USER: Contract = Contract { name: "AddUserViewModel", namespace: Some(BLUSKY_WEB_API), classes: &[USER] };

/// `POST api/Account/Authenticate`, whose model no page names.
pub const AUTHENTICATE: Contract = Contract { name: "Authenticate", namespace: None, classes: &[&["Email", "Password"]] };

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

const REASSIGN: &[&str] = &["ReassignCardIfAlreadyAssigned"];

const UPDATE: &[&str] =
    &["CardActivationStartDateTime", "CardDeactivationStartDateTime", "CardId", "CardUserFlags", "ModifyActivationDates", "UserId"];

const V2: &[&str] = &["CredentialTypeId", "NumberOfCardUses", "PublicNotes"];

const USER: &[&str] = &[
    "ACSystemId",
    "AccessRightsSuspended",
    "AccessRightsSuspendedEnd",
    "AccessRightsSuspendedStart",
    "BadgeTemplateId",
    "CompanyInstanceId",
    "CompanyInstanceType",
    "DefaultFloorId",
    "DefaultFloorStopId",
    "EmployeeNumber",
    "EndDatetime",
    "FacilityId",
    "FirstName",
    "HasLoginRights",
    "LastName",
    "Login",
    "MiddleInitial",
    "Password",
    "StartDatetime",
    "WebSiteRightsSuspended",
    "WebSiteRightsSuspendedEnd",
    "WebSiteRightsSuspendedStart",
    "sGenderId",
];

impl Contract {
    /// The members, in the order XML must have them.
    pub fn members(&self) -> Vec<&'static str> {
        self.classes.iter().flat_map(|class| class.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_sorted_by_ordinal_name() {
        for contract in [ADD_USER_CARD, REPLACE_CARD, UPDATE_USER_CARD, REMOVE_USER_CARD, ADD_ACCESS, ADD_USER, AUTHENTICATE] {
            assert!(contract.classes.iter().all(|class| class.is_sorted()), "{}", contract.name);
        }
    }
}
