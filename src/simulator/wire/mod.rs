//! What travels: request bodies read as the real serializers read them, and answers written as they write them.
//!
//! From below: `media` (JSON or XML), `xml`, `contract` (the members of each request), `found`, `newtonsoft` and `datacontract` (which
//! members a serializer finds), `members` (their values), `shown`, `outcome` and `body` (what an answer says), `reading` (a body becomes
//! a request), `answer` (an answer becomes HTTP); `address` is
//! what a request asks for. It knows no call and no memory.

pub mod address;
pub mod answer;
pub mod body;
pub mod contract;
mod datacontract;
pub mod found;
pub mod media;
pub mod members;
mod newtonsoft;
pub mod outcome;
pub mod reading;
pub mod shown;
pub mod xml;
