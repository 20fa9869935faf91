//! The desk page: what stands on it, made from what the station tells, and what is done at it, asked of the station's API.
//!
//! In: requests of a browser, the station's notices. Out: HTML, and calls of the API as any other client makes them. Never: a decision,
//! or a card from the page; what is shown at a reader comes from the station.
//!
//! - [`guard`]: which requests may come in at all; `session`: who is asking; `signed_out`: who is not any more;
//! - [`scene`]: what stands on every desk, one notice after the other; [`html`]: the same as HTML; [`words`]: in a language;
//! - `room`: the scene with whoever looks at it; `calls`: what is done at a desk; `who`: for whom; `turns`: people one after the other, of one of the `lists`;
//! - `watch`: who looks at which desk; `orders_before`: what each waited for before the station was started again;
//! - `kiosk`: the page beside it at which people help themselves;
//! - `tls`: where others than this machine's users can reach it; `front`: the server.

mod calls;
mod front;
pub mod guard;
pub mod html;
mod kiosk;
mod lists;
mod orders_before;
mod room;
pub mod scene;
mod session;
mod signed_out;
mod tls;
mod turns;
mod watch;
mod who;
pub mod words;

pub use front::{Page, PageError};
