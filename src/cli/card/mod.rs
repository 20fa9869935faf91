//! `cardbridge card`: the cards a user has.

mod list;
mod options;
pub(super) mod remove;
mod update;

use std::process::ExitCode;

use super::{Globals, out::Failure};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge card list --user 1815\n  cardbridge card update --user 1815 --card-id GUID --public-notes lost\n  \
                        cardbridge card remove --user 1815 --card 4567"
)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show a user's cards as BluSKY has them
    List(list::List),
    /// Change a user's card: its uses, notes, credential type, flags, and when it works
    Update(update::Update),
    /// Take a card back from a user; the card itself stays
    Remove(remove::Remove),
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.action {
        Action::List(list) => list::run(globals, list).await,
        Action::Update(update) => update::run(globals, update).await,
        Action::Remove(remove) => remove::run(globals, remove).await,
    }
}
