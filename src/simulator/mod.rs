//! A BluSKY to develop, demo and train against.
//!
//! In: HTTP requests as the BluSKY Web API takes them. Out: answers in its shapes, every one marked with the header
//! `x-cardbridge-simulator: 1`, and faults on demand (see [`Fault`]). It is stricter than the real one and says what was wrong, because
//! whoever talks to it is still being written. Beyond the API it answers `GET /simulator` (everything it knows) and
//! `POST /simulator/cards/{CardId}/unassign` (takes a card from its holder, as an operator at the console would; it wants the token, and
//! no page of another site can ask it).
//!
//! It never echoes or keeps a PIN or a password, never logs a card number or a description, and never judges what it cannot know:
//! `EnforceOccupancySystem` is ignored for users whom AddUser has not put into an occupancy.
//!
//! The way of a request: `front` (from the connection to the call) → `faults` (what goes wrong before it) → `calls` (one file for each:
//! its rules and its answer) → `state` (the memory); `wire` reads the bodies and writes the answers, `words` are what all of them share.
//! Each room uses only those below it: `front`, `faults`, `calls`, `state`, `wire`, `words`. `virtual_card` is no part of it: a smart card
//! for the readers' side.

mod calls;
mod faults;
mod front;
mod state;
pub mod virtual_card;
mod wire;
mod words;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::watch};

pub use faults::{
    fault::{Calls, Fault, FaultError},
    kind::FaultKind,
    show::Show,
    when::When,
};
use front::{
    api::{self, Front},
    journal::Journal,
    line::{Connection, Lines},
    service::Service,
};
pub use state::forget::Forgettable;
pub use words::{card_type::CardType, error::SimulatorError, result_code::ResultCode};

use self::{calls::context::Context, faults::spoil::Faults, state::store::Habits};

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
    /// Whether a card can be given again while somebody holds it; the first assignment stays. A client that sends twice shows as two.
    pub allow_double: bool,
    /// How long after a change the read-back shows it.
    pub shows_after: Duration,
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
            allow_double: false,
            shows_after: Duration::ZERO,
            faults: Vec::new(),
        }
    }
}

/// A simulated BluSKY, ready to be served.
pub struct Simulator(Arc<Service>);

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
        let habits = Habits { only_people: false, largest, allow_double: options.allow_double, shows_after: options.shows_after };
        let context = Context {
            store: state::open::open(options.data.as_deref(), options.people.as_deref(), habits)?,
            token: options.token,
            password: options.password,
            largest,
            card_types: options.card_types,
            wrap_lookups: options.wrap_lookups,
        };
        Ok(Simulator(Arc::new(Service {
            context: Arc::new(context),
            journal: Journal::default(),
            faults: Faults::new(options.faults),
            report_lost: options.report_lost,
        })))
    }

    /// Answers on `listener` until this future is dropped. Then open connections are cut, waiting requests are not carried out any more.
    pub async fn serve(self, listener: TcpListener) -> Result<(), SimulatorError> {
        // The sender lives exactly as long as this future: its end is the signal, for axum as for requests that are being worked on.
        let (_running, stopped) = watch::channel(());
        let mut signal = stopped.clone();
        let app = Router::new().fallback(api::answer).with_state(Front { service: self.0, stopped });
        axum::serve(Lines(listener), app.into_make_service_with_connect_info::<Connection>())
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
