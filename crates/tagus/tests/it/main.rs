//! The server binary as clients and operators meet it.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

mod agar;
mod ahead;
mod bad_input;
mod chat;
mod doors;
mod duels;
mod groups;
mod held_seats;
mod hooks;
mod identities;
mod join_codes;
mod kept_games;
mod kept_rooms;
mod leaderboards;
mod match_listing;
mod matchmaker;
mod migrate;
mod operation;
mod parties;
mod ratings;
mod recordings;
mod remotes;
mod reservations;
mod room_calls;
mod room_data;
mod room_store;
mod rooms;
mod server;
mod server_code;
mod service;
mod sessions;
mod slow_readers;
mod social;
mod socket;
mod starting;
mod storage;
mod storage_index;
mod streams;
