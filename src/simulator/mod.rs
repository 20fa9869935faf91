//! A BluSKY to develop, demo and train against.
//!
//! In: HTTP requests as the BluSKY Web API takes them. Out: answers in its shapes, every one marked with the header
//! `x-cardbridge-simulator: 1`, and faults on demand (see [`Fault`]). It is stricter than the real one and says what was wrong, because
//! whoever talks to it is still being written. Beyond the API it answers `GET /simulator` (everything it knows) and
//! `POST /simulator/cards/{CardId}/unassign` (takes a card from its holder, as an operator at the console would).
//!
//! It never echoes or keeps a PIN or a password, never logs a card number or a description, and never judges what it cannot know:
//! `EnforceOccupancySystem` is ignored for users whom AddUser has not put into an occupancy.
//!
//! The way of a request: `line` (the connection, which can be cut) → `routes` (which call is it) → `api` (token, media type) → `calls`
//! (what the call does). There: `wire` (JSON or XML) → `newtonsoft` or `datacontract` (which members the real serializer would find, by
//! the call's `contract`) → `reading`, `model`, `add_user` (their values, strictly) → `rules`, `card_types` (what needs no memory) →
//! `state`, `update`, `users`, `lookups`, `recall` (memory, kept by `schema`) → `shown` and `answer`. `spoil` does what `faults` name,
//! before and after the commit; `journal` stands beside it all.

mod add_user;
mod answer;
mod api;
mod calls;
mod card_types;
mod contract;
mod datacontract;
mod faults;
mod journal;
mod line;
mod lookups;
mod model;
mod newtonsoft;
mod people;
mod reading;
mod recall;
mod routes;
mod rules;
mod schema;
mod shown;
mod spoil;
mod state;
mod update;
mod users;
pub mod virtual_card;
mod wire;
mod xml;

use std::{fmt, io, path::PathBuf, sync::Arc};

use axum::Router;
use tokio::{net::TcpListener, sync::watch};

pub use card_types::CardType;
pub use faults::{Calls, Fault, FaultError, FaultKind, Forgettable, When};
pub use rules::ResultCode;

/// How a simulator behaves. The default is what a demo wants.
#[derive(Clone)]
pub struct Options {
    /// The SQLite file that remembers users and cards, made on first use. `None`: everything is kept in memory.
    pub data: Option<PathBuf>,
    /// The token that calls must carry, with or without `Bearer` before it.
    pub token: String,
    /// The password with which any e-mail address signs in.
    pub password: String,
    /// A CSV file `user_id,first_name,last_name,employee_number`. Given: only these users exist. `None`: any GUID but zero is a user.
    pub people: Option<PathBuf>,
    /// 32 or 64: how wide an integer in a body may be.
    pub integer_width: u8,
    /// Whether what a serializer passes over in silence (an XML element out of order or in another namespace, a member no model has) is
    /// reported: in the list of requests, and in the header `x-cardbridge-lost` of the answer.
    pub report_lost: bool,
    /// The card types there are, and what each requires. Empty: any number is one, and requires nothing.
    pub card_types: Vec<CardType>,
    /// Whether the lookups answer an object that holds the list, and not the list itself: nobody knows which the real ones do.
    pub wrap_lookups: bool,
    /// What goes wrong, in this order.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            data: None,
            token: "simulator".into(),
            password: "simulator".into(),
            people: None,
            integer_width: 32,
            report_lost: false,
            card_types: Vec::new(),
            wrap_lookups: false,
            faults: Vec::new(),
        }
    }
}

/// A simulated BluSKY, ready to be served.
pub struct Simulator(Arc<api::Service>);

impl Simulator {
    /// Reads the people, opens or makes the data file. Nothing listens yet.
    pub fn open(options: Options) -> Result<Simulator, SimulatorError> {
        let largest = match options.integer_width {
            32 => i64::from(i32::MAX),
            64 => i64::MAX,
            other => return Err(SimulatorError::IntegerWidth(other)),
        };
        for (secret, value) in [("token", &options.token), ("password", &options.password)] {
            if value.trim().is_empty() {
                return Err(SimulatorError::EmptySecret(secret));
            }
        }
        let people = options.people.as_deref().map(people::read).transpose()?;
        let store = state::Store::open(options.data.as_deref(), people, largest)?;
        Ok(Simulator(Arc::new(api::Service {
            store,
            journal: journal::Journal::default(),
            faults: spoil::Faults::new(options.faults),
            token: options.token,
            password: options.password,
            largest,
            report_lost: options.report_lost,
            card_types: options.card_types,
            wrap_lookups: options.wrap_lookups,
        })))
    }

    /// Answers on `listener` until this future is dropped. Then open connections are cut, waiting requests are not carried out any more.
    pub async fn serve(self, listener: TcpListener) -> Result<(), SimulatorError> {
        // The sender lives exactly as long as this future: its end is the signal, for axum as for requests that are being worked on.
        let (_running, stopped) = watch::channel(());
        let mut signal = stopped.clone();
        let app = Router::new().fallback(api::answer).with_state(api::Front { service: self.0, stopped });
        axum::serve(line::Lines(listener), app.into_make_service_with_connect_info::<line::Cut>())
            .with_graceful_shutdown(async move { while signal.changed().await.is_ok() {} })
            .await
            .map_err(SimulatorError::Serve)
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulator")
    }
}

/// Why a simulator could not be opened or served, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// Neither 32 nor 64.
    #[error("an integer width of {0} is not possible: use 32 (as BluSKY most likely has it) or 64")]
    IntegerWidth(u8),
    /// An empty token or password would let everybody in.
    #[error("the simulator's {0} is empty: give it at least one character")]
    EmptySecret(&'static str),
    /// The people file cannot be used.
    #[error("people file {}: {problem}", path.display())]
    People {
        /// The file.
        path: PathBuf,
        /// Line, what is wrong, what to write instead.
        problem: String,
    },
    /// The data file cannot be opened.
    #[error("data file {}: {source}. Choose another file with --data, or leave --data out to keep everything in memory", path.display())]
    Data {
        /// The file, or `:memory:`.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The data file is an SQLite file of another program, or of another version of the simulator.
    #[error("data file {}: {problem}. Choose another file with --data; this one is left as it is", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Whose it seems to be.
        problem: &'static str,
    },
    /// The listening socket failed.
    #[error("the simulator stopped listening: {0}. Choose another address with --listen")]
    Serve(#[source] io::Error),
}
