//! Which conflict a broken `UNIQUE` or `PRIMARY KEY` means.

use crate::error::Conflict;

/// The columns as SQLite's message lists them, PostgreSQL's name of the constraint or index, and what it means.
/// One line per constraint that an operation can break; any other is an error of the database.
#[rustfmt::skip]
const UNIQUE: &[(&str, &str, Conflict)] = &[
    ("account.id", "account_pkey", Conflict::IdTaken),
    ("account.username", "account_username_key", Conflict::UsernameTaken),
    ("account.email", "account_email", Conflict::EmailTaken),
    ("account.custom_id", "account_custom_id", Conflict::CustomIdTaken),
    ("code.number", "code_pkey", Conflict::Changed),
    ("code.kind, code.subject", "code_kind_subject_key", Conflict::Changed),
    ("device.id", "device_pkey", Conflict::DeviceTaken),
    ("friend.source, friend.destination", "friend_pkey", Conflict::Changed),
    ("group_edge.group_id, group_edge.user_id", "group_edge_pkey", Conflict::Changed),
    ("player_group.name", "player_group_name_key", Conflict::GroupNameTaken),
];

/// The conflict behind a constraint, named as either database names it.
pub(crate) fn conflict_of_constraint(name: &str) -> Option<Conflict> {
    let mut found = UNIQUE.iter();
    let found = found.find(|(sqlite, postgres, _)| *sqlite == name || *postgres == name);
    found.map(|(_, _, conflict)| *conflict)
}
