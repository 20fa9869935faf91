//! `cardbridge simulator`: a BluSKY to develop, demo and train against.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use tokio::net::TcpListener;

use super::out::{self, Failure};
use crate::simulator::{CardType, Fault, Options, Simulator};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge simulator\n  cardbridge simulator --listen 127.0.0.1:8900 --data training.db --people people.csv\n  \
                        cardbridge simulator --fault drop-after-commit:1 --fault delay=3000\n  \
                        cardbridge simulator --fault status=503:every=5 --fault unauthorized:after=100@all"
)]
pub struct Arguments {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8900")]
    listen: SocketAddr,
    /// Keep its state in this SQLite file [default: in memory]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The token it wants
    #[arg(long, value_name = "T", default_value = "simulator")]
    token: String,
    /// The password it signs anybody in with
    #[arg(long, value_name = "P", default_value = "simulator")]
    password: String,
    /// A CSV file of the users it knows [default: it knows every GUID]
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// How wide its integers are
    #[arg(long, value_name = "BITS", default_value_t = 32)]
    integer_width: u8,
    /// Say which elements and members were passed over (XML out of order or in another namespace, unknown names): in GET /simulator and
    /// in the header x-cardbridge-lost
    #[arg(long)]
    report_lost_elements: bool,
    /// A card type, and which of CardSerialNumber, FacilityCode and IssueCode it requires; given once, there are no others [default: any
    /// number is a card type, and requires none]
    #[arg(long = "card-type", value_name = "N[=MEMBER,...]")]
    card_types: Vec<CardType>,
    /// Answer lookups with an object that holds the list
    #[arg(long)]
    wrap_lookups: bool,
    /// Show a change in the read-back only this long after it was made
    #[arg(long, value_name = "MILLIS", default_value_t = 0)]
    shows_after: u64,
    /// Give a card again while somebody holds it: both assignments stay
    #[arg(long)]
    allow_double: bool,
    /// What goes wrong: KIND for every AddUserCard, KIND:N for the first N, KIND:after=N for all later ones, KIND:every=N for every Nth;
    /// @CALL after it for another call, @all for every call; #GUID after that for requests about one user. KIND is delay=MILLIS,
    /// status=503, message=STATUS:WORDS, no-such-call, retry-after=SECONDS, unauthorized, html,
    /// html=502, drop-before-commit, drop-after-commit, status-after-commit=504, garbage, truncate, break-off, zero-value,
    /// result-code=7, forget=MEMBER or, of the read-back in JSON, show=MEMBER:null|missing|float|text|lowercase and show=Cards:null
    /// (lowercase is the member's name)
    #[arg(long = "fault", value_name = "KIND[:WHEN][@CALL][#GUID]")]
    faults: Vec<Fault>,
}

pub async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let options = Options {
        data: arguments.data,
        token: arguments.token,
        password: arguments.password,
        people: arguments.people,
        integer_width: arguments.integer_width,
        report_lost: arguments.report_lost_elements,
        card_types: arguments.card_types,
        wrap_lookups: arguments.wrap_lookups,
        allow_double: arguments.allow_double,
        shows_after: Duration::from_millis(arguments.shows_after),
        faults: arguments.faults,
    };
    let simulator = Simulator::open(options).map_err(|error| Failure::usage("simulator", error.to_string(), ""))?;
    let failed = |error: std::io::Error| {
        Failure::impossible("listen", format!("{} cannot be listened on: {error}", arguments.listen), "choose another --listen")
    };
    let listener = TcpListener::bind(arguments.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    if !address.ip().is_loopback() {
        out::hint(
            "warning: whoever reaches this address can use the simulator and see every card number it was sent; listen on 127.0.0.1 if that is not meant",
        );
    }
    out::print(&format!(
        "a simulated BluSKY listens; configure it as\n    [blusky]\n    base_url = \"http://{address}\"\n    token_file = \"…\"   # a file with the token in it"
    ));
    tokio::select! {
        served = simulator.serve(listener) => served.map_err(|error| Failure::impossible("simulator", error.to_string(), ""))?,
        () = out::interrupted() => {}
    }
    Ok(ExitCode::SUCCESS)
}
