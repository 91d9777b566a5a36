//! Accounts, and which were deleted.

use tagus_base::{UnixMillis, UserId};

use crate::code;
use crate::error::{Conflict, StoreError};
use crate::group;
use crate::leaderboard_record;
use crate::sql::{Query, Row, RowError, Step, params};
use crate::store::Store;

/// An account. Texts are stored as they are: no rule about them is known here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountRow {
    /// Whose account.
    pub id: UserId,
    /// Unique; upper and lower case differ.
    pub username: String,
    /// Shown name; may be empty.
    pub display_name: String,
    /// Address of a picture; may be empty.
    pub avatar_url: String,
    /// Language tag.
    pub lang_tag: String,
    /// Free text; may be empty.
    pub location: String,
    /// Free text; may be empty.
    pub timezone: String,
    /// A JSON object as text.
    pub metadata: String,
    /// A JSON object of whole numbers, as text.
    pub wallet: String,
    /// Unique where there is one; upper and lower case differ.
    pub email: Option<String>,
    /// Hash of the password as text, never the password.
    pub password: Option<String>,
    /// Unique where there is one.
    pub custom_id: Option<String>,
    /// When the account was made.
    pub create_time: UnixMillis,
    /// When the account was last changed.
    pub update_time: UnixMillis,
    /// When the mail address was verified; 0 means never.
    pub verify_time: UnixMillis,
    /// When the account was banned; 0 means it is not.
    pub disable_time: UnixMillis,
}

impl AccountRow {
    /// A new account with the defaults: language `en`, empty JSON objects, nothing else.
    #[must_use]
    pub fn new(id: UserId, username: impl Into<String>, now: UnixMillis) -> Self {
        Self {
            id,
            username: username.into(),
            display_name: String::new(),
            avatar_url: String::new(),
            lang_tag: "en".to_owned(),
            location: String::new(),
            timezone: String::new(),
            metadata: "{}".to_owned(),
            wallet: "{}".to_owned(),
            email: None,
            password: None,
            custom_id: None,
            create_time: now,
            update_time: now,
            verify_time: UnixMillis(0),
            disable_time: UnixMillis(0),
        }
    }
}

/// What to change on an account; `None` leaves a column as it is.
/// The columns that may be absent take `Some(None)` to clear them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountPatch {
    /// See [`AccountRow::username`].
    pub username: Option<String>,
    /// See [`AccountRow::display_name`].
    pub display_name: Option<String>,
    /// See [`AccountRow::avatar_url`].
    pub avatar_url: Option<String>,
    /// See [`AccountRow::lang_tag`].
    pub lang_tag: Option<String>,
    /// See [`AccountRow::location`].
    pub location: Option<String>,
    /// See [`AccountRow::timezone`].
    pub timezone: Option<String>,
    /// See [`AccountRow::metadata`].
    pub metadata: Option<String>,
    /// See [`AccountRow::email`].
    pub email: Option<Option<String>>,
    /// See [`AccountRow::password`].
    pub password: Option<Option<String>>,
    /// See [`AccountRow::custom_id`].
    pub custom_id: Option<Option<String>>,
    /// See [`AccountRow::verify_time`].
    pub verify_time: Option<UnixMillis>,
    /// See [`AccountRow::disable_time`].
    pub disable_time: Option<UnixMillis>,
    /// When the change was made; always written.
    pub update_time: UnixMillis,
}

/// What is written of accounts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AccountOp {
    /// Adds an account.
    /// Conflicts: `IdTaken`, `UsernameTaken`, `EmailTaken`, `CustomIdTaken`.
    Insert(Box<AccountRow>),
    /// Changes an account.
    /// Conflicts: `Missing`, `UsernameTaken`, `EmailTaken`, `CustomIdTaken`.
    Update {
        /// Whose account.
        id: UserId,
        /// What to change.
        patch: Box<AccountPatch>,
    },
    /// Takes the custom id from an account.
    /// Conflicts: `Missing` where it has none, or not the one that is named.
    UnlinkCustom {
        /// Whose account.
        id: UserId,
        /// Which one; none: whatever it has.
        custom_id: Option<String>,
        /// When.
        update_time: UnixMillis,
    },
    /// Takes the mail address and the password from an account.
    /// Conflicts: `Missing` where it has none, or not the one that is named.
    UnlinkEmail {
        /// Whose account.
        id: UserId,
        /// Which one; none: whatever it has.
        email: Option<String>,
        /// When.
        update_time: UnixMillis,
    },
    /// Changes nothing: something to log in with must be left. To be preceded by an operation that changes the account,
    /// so that of two at once one sees what the other has taken.
    /// Conflicts: `LastIdentity`.
    KeepIdentity {
        /// Whose account.
        id: UserId,
    },
    /// Deletes an account with its devices and remembers that it was there. It leaves its groups: one that it was the only
    /// owner of is handed on, one without other members is deleted.
    /// Conflicts: `Missing`.
    Delete {
        /// Whose account.
        id: UserId,
        /// When it was deleted.
        tombstone_time: UnixMillis,
    },
}

impl AccountOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        match self {
            Self::Insert(row) => out.push(insert(*row)),
            Self::Update { id, patch } => out.push(update(id, *patch)),
            Self::UnlinkCustom {
                id,
                custom_id,
                update_time,
            } => out.push(
                Step::write(
                    "UPDATE account SET custom_id = NULL, update_time = $1
                     WHERE id = $2 AND custom_id = coalesce($3, custom_id)",
                    params![update_time, id, custom_id],
                )
                .or(Conflict::Missing),
            ),
            Self::UnlinkEmail {
                id,
                email,
                update_time,
            } => out.push(
                Step::write(
                    "UPDATE account SET email = NULL, password = NULL, verify_time = 0, update_time = $1
                     WHERE id = $2 AND email = coalesce($3, email)",
                    params![update_time, id, email],
                )
                .or(Conflict::Missing),
            ),
            Self::KeepIdentity { id } => out.push(
                Step::check(
                    "SELECT 1 FROM account WHERE id = $1 AND (custom_id IS NOT NULL OR email IS NOT NULL
                     OR EXISTS (SELECT 1 FROM device WHERE user_id = account.id))",
                    params![id],
                )
                .or(Conflict::LastIdentity),
            ),
            Self::Delete { id, tombstone_time } => {
                out.push(code::delete_all(id.0));
                group::leave_all(id, tombstone_time, out);
                leaderboard_record::leave_all(id, out);
                let delete = "DELETE FROM account WHERE id = $1";
                out.push(Step::write(delete, params![id]).or(Conflict::Missing));
                out.push(Step::write(
                    "INSERT INTO tombstone (user_id, time) VALUES ($1, $2)
                     ON CONFLICT (user_id) DO UPDATE SET time = excluded.time",
                    params![id, tombstone_time],
                ));
            }
        }
    }
}

fn insert(row: AccountRow) -> Step {
    Step::write(
        "INSERT INTO account (id, username, display_name, avatar_url, lang_tag, location, timezone,
            metadata, wallet, email, password, custom_id,
            create_time, update_time, verify_time, disable_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        params![
            row.id,
            row.username,
            row.display_name,
            row.avatar_url,
            row.lang_tag,
            row.location,
            row.timezone,
            row.metadata,
            row.wallet,
            row.email,
            row.password,
            row.custom_id,
            row.create_time,
            row.update_time,
            row.verify_time,
            row.disable_time,
        ],
    )
}

fn update(id: UserId, patch: AccountPatch) -> Step {
    Step::write(
        "UPDATE account SET
            username = coalesce($1, username),
            display_name = coalesce($2, display_name),
            avatar_url = coalesce($3, avatar_url),
            lang_tag = coalesce($4, lang_tag),
            location = coalesce($5, location),
            timezone = coalesce($6, timezone),
            metadata = coalesce($7, metadata),
            email = CASE WHEN $8 THEN $9 ELSE email END,
            password = CASE WHEN $10 THEN $11 ELSE password END,
            custom_id = CASE WHEN $12 THEN $13 ELSE custom_id END,
            verify_time = coalesce($14, verify_time),
            disable_time = coalesce($15, disable_time),
            update_time = $16
         WHERE id = $17",
        params![
            patch.username,
            patch.display_name,
            patch.avatar_url,
            patch.lang_tag,
            patch.location,
            patch.timezone,
            patch.metadata,
            patch.email.is_some(),
            patch.email.flatten(),
            patch.password.is_some(),
            patch.password.flatten(),
            patch.custom_id.is_some(),
            patch.custom_id.flatten(),
            patch.verify_time,
            patch.disable_time,
            patch.update_time,
            id,
        ],
    )
    .or(Conflict::Missing)
}

/// A read of accounts.
macro_rules! account_where {
    ($condition:literal) => {
        account_where!("", $condition)
    };
    ($more:literal, $condition:literal) => {
        concat!(
            "SELECT account.id, username, display_name, avatar_url, lang_tag, location, timezone, metadata, wallet, ",
            "email, password, custom_id, create_time, update_time, verify_time, disable_time",
            $more,
            " FROM account ",
            $condition
        )
    };
}

/// Columns that [`account_where`] reads of every account.
const COLUMNS: usize = 16;

impl Store {
    /// The account with this id.
    ///
    /// # Errors
    ///
    /// `Database`, `Closed`, `NulInText`, and on PostgreSQL `Unreachable`, as of every read.
    pub async fn account_by_id(&self, id: UserId) -> Result<Option<AccountRow>, StoreError> {
        self.first(by_id(id)).await
    }

    /// What the account's owner sees of it: the account, its devices in the order of their ids, and its number of friends.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn account_with_links(
        &self,
        id: UserId,
    ) -> Result<Option<(AccountRow, Vec<String>, u64)>, StoreError> {
        let sql = account_where!(
            ", (SELECT string_agg(id, '\n') FROM
                 (SELECT device.id FROM device WHERE device.user_id = account.id ORDER BY device.id) AS devices)
             , (SELECT count(*) FROM friend WHERE friend.source = account.id)",
            "WHERE account.id = $1"
        );
        let whole = |row: &mut Row| {
            let account = decode(row)?;
            let devices = row.opt_text(COLUMNS)?.unwrap_or_default();
            let devices = devices.lines().map(str::to_owned).collect();
            Ok((account, devices, row.count(COLUMNS + 1)?))
        };
        self.first(Query::new(sql, params![id], whole)).await
    }

    /// The account with exactly this user name.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn account_by_username(&self, name: &str) -> Result<Option<AccountRow>, StoreError> {
        self.first(by_username(name)).await
    }

    /// The account that has this device.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn account_by_device(&self, device: &str) -> Result<Option<AccountRow>, StoreError> {
        let sql = account_where!("JOIN device ON device.user_id = account.id WHERE device.id = $1");
        self.first(Query::new(sql, params![device], decode)).await
    }

    /// The account with this custom id.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn account_by_custom(&self, id: &str) -> Result<Option<AccountRow>, StoreError> {
        let sql = account_where!("WHERE custom_id = $1");
        self.first(Query::new(sql, params![id], decode)).await
    }

    /// The account with exactly this mail address.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn account_by_email(&self, email: &str) -> Result<Option<AccountRow>, StoreError> {
        let sql = account_where!("WHERE email = $1");
        self.first(Query::new(sql, params![email], decode)).await
    }

    /// The accounts with these ids, in the order of the ids; unknown ids are left out.
    /// The caller bounds how many it asks for.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn accounts_by_ids(&self, ids: &[UserId]) -> Result<Vec<AccountRow>, StoreError> {
        self.each(ids.iter().map(|id| by_id(*id)).collect()).await
    }

    /// The accounts with these user names, in the order of the names; unknown names are left out.
    /// The caller bounds how many it asks for.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn accounts_by_usernames(
        &self,
        names: &[&str],
    ) -> Result<Vec<AccountRow>, StoreError> {
        self.each(names.iter().map(|name| by_username(name)).collect())
            .await
    }

    /// When the account was deleted, if it was.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn tombstone_of(&self, user: UserId) -> Result<Option<UnixMillis>, StoreError> {
        let sql = "SELECT time FROM tombstone WHERE user_id = $1";
        self.first(Query::new(sql, params![user], |row| row.time(0)))
            .await
    }
}

fn by_id(id: UserId) -> Query<AccountRow> {
    Query::new(account_where!("WHERE account.id = $1"), params![id], decode)
}

fn by_username(name: &str) -> Query<AccountRow> {
    Query::new(account_where!("WHERE username = $1"), params![name], decode)
}

fn decode(row: &mut Row) -> Result<AccountRow, RowError> {
    Ok(AccountRow {
        id: row.user(0)?,
        username: row.text(1)?,
        display_name: row.text(2)?,
        avatar_url: row.text(3)?,
        lang_tag: row.text(4)?,
        location: row.text(5)?,
        timezone: row.text(6)?,
        metadata: row.text(7)?,
        wallet: row.text(8)?,
        email: row.opt_text(9)?,
        password: row.opt_text(10)?,
        custom_id: row.opt_text(11)?,
        create_time: row.time(12)?,
        update_time: row.time(13)?,
        verify_time: row.time(14)?,
        disable_time: row.time(15)?,
    })
}
