//! Accounts, logins, passwords and streams.
