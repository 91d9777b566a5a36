//! Players through the public API.

#![expect(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

mod accounts;
mod authenticate;
mod house;
mod logins;
mod passwords;
mod streams;
mod tokens;
