//! Players through the public API.

#![expect(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

mod accounts;
mod authenticate;
mod bodies;
mod chat;
mod codes;
mod friends;
mod groups;
mod house;
mod identities;
mod jobs;
mod leaderboards;
mod logins;
mod matchmaker;
mod metrics;
mod parties;
mod passwords;
mod query;
mod ranks;
mod ratings;
mod storage;
mod storage_index;
mod streams;
mod tokens;
mod wallets;
