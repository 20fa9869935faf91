//! The calls of the API: one file for each, with its request, its rules, what it asks of the memory, and its answer.
//!
//! `context` is what a call can reach, `rules` and `extras` are what several share, `call` lists them, `whose` tells about which user a
//! request is, `carry_out` carries one out.

mod access;
mod add_user;
mod add_user_card;
mod authenticate;
pub mod call;
pub mod carry_out;
pub mod context;
mod extras;
pub mod lookups;
mod people;
mod remove_user_card;
mod replace_card;
mod rules;
mod update_user_card;
mod user_cards;
pub mod whose;
