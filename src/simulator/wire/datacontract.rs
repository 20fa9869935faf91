//! Reads an XML body as Microsoft's DataContractSerializer does: forward only.
//!
//! In: the body and its contract. Out: the members it yields, and what was lost on the way. An element that comes after one of its
//! successors, twice, or in another namespace is passed over in silence, and so is one that no class has. What stops the real
//! serializer stops this one: another root, text between elements, what is no XML. It never looks at what a member means.

use super::{
    contract::Contract,
    found::{FoundMembers, Given, Lost},
    xml::{self, Child, Content, Element},
};

/// What the body holds of the contract.
pub fn read(body: &[u8], contract: &Contract) -> Result<FoundMembers, String> {
    let root = xml::parse(body)?;
    if let Some(namespace) = contract.namespace
        && (root.name.as_str(), root.namespace.as_str()) != (contract.name, namespace)
    {
        return Err(format!(
            "Expecting element '{}' from namespace '{namespace}'. Encountered 'Element' with name '{}', namespace '{}'.",
            contract.name, root.name, root.namespace
        ));
    }
    let order = contract.members();
    let (mut found, mut next) = (FoundMembers::default(), 0);
    for child in root.children {
        let Child::Element(element) = child else {
            return Err("Expecting state 'Element'. Encountered 'Text' with name '', namespace ''.".into());
        };
        let at = order.iter().position(|member| *member == element.name && element.namespace == root.namespace);
        match at.and_then(|at| Some((at, *order.get(at)?))) {
            Some((at, member)) if at >= next => {
                found.members.push((member, given(element.content)));
                next = at + 1;
            }
            Some(_) => found.lost.push(late(&element, &found, order.get(next.saturating_sub(1)))),
            None => found.lost.push(strange(&element, contract, &order, &root.namespace)),
        }
    }
    Ok(found)
}

fn given(content: Content) -> Given {
    match content {
        Content::Text(text) => Given::Text(text),
        Content::Nil => Given::Null,
        Content::Elements => Given::Elements,
    }
}

fn late(element: &Element, found: &FoundMembers, latest: Option<&&str>) -> Lost {
    let because = match found.members.iter().any(|(member, _)| *member == element.name) {
        true => "it stands there twice, and the first one counts".to_owned(),
        false => format!("it comes after {}, and belongs before it", latest.copied().unwrap_or_default()),
    };
    Lost { member: element.name.clone(), because }
}

fn strange(element: &Element, contract: &Contract, order: &[&str], namespace: &str) -> Lost {
    let because = match order.contains(&element.name.as_str()) {
        true => format!("it is in the namespace '{}', and belongs in '{namespace}'", element.namespace),
        false => format!("{} has no such member", contract.name),
    };
    Lost { member: element.name.clone(), because }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: Contract = Contract { name: "M", namespace: Some("n"), classes: &[&["B", "D", "F"], &["A"]] };

    fn told(inner: &str) -> (Vec<&'static str>, Vec<String>) {
        let found = read(format!("<M xmlns=\"n\">{inner}</M>").as_bytes(), &CONTRACT).unwrap_or_default();
        (found.members.iter().map(|(member, _)| *member).collect(), found.lost.into_iter().map(|lost| lost.member).collect())
    }

    #[test]
    fn an_element_that_comes_too_early_loses_those_it_overtook() {
        assert_eq!(told("<B/><D/><F/><A/>"), (vec!["B", "D", "F", "A"], vec![]));
        assert_eq!(told("<A/><B/><D/><F/>"), (vec!["A"], vec!["B".into(), "D".into(), "F".into()]));
        assert_eq!(told("<B/><F/><D/><A/>"), (vec!["B", "F", "A"], vec!["D".into()]));
        assert_eq!(told("<D/><X/><D/><F/>"), (vec!["D", "F"], vec!["X".into(), "D".into()]));
    }

    #[test]
    fn an_element_of_another_namespace_is_lost() {
        assert_eq!(told("<B xmlns=\"\"/><p:D xmlns:p=\"n\"/><F xmlns=\"N\"/>"), (vec!["D"], vec!["B".into(), "F".into()]));
    }

    #[test]
    fn another_root_and_text_between_elements_stop_the_reader() {
        for body in ["<M/>", "<N xmlns=\"n\"/>", "<M xmlns=\"n\">`<B/></M>"] {
            assert!(read(body.as_bytes(), &CONTRACT).is_err(), "{body}");
        }
    }
}
