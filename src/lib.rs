//! temporary
pub mod blusky;
pub mod bridge;
pub mod capture;
pub mod card;
pub mod cli;
pub mod config;
pub mod decode;
pub mod enroll;
pub mod protocols;
pub mod readers;
pub mod run;
pub mod sheet;
pub mod simulator;
pub mod smartcard;
pub mod store;
pub mod views;
