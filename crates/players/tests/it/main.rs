//! Players through the public API.

mod accounts;
mod authenticate;
mod house;
mod logins;
mod passwords;
mod streams;
mod tokens;
