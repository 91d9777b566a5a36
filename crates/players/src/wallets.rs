//! Wallets: whole numbers by name, which server code alone changes, and the ledger of the changes.
//!
//! Who changes a wallet reads it, decides, and commits under the condition that it has not changed meanwhile; otherwise it
//! decides anew. On one node they do so one after another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{Batch, Conflict, LedgerRow, Op, Outcome, Store, StoreError, WalletOp};

use crate::cursor::{Cursor, MALFORMED, checked_limit};
use crate::notifications::is_json_object;
use crate::turns::{Attempts, Turns};
use crate::{PlayersError, Random, random_uuid};

/// A wallet, or what is added to one: a number for each name.
pub type Amounts = BTreeMap<String, i64>;

/// A change of a wallet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WalletUpdate {
    /// Whose.
    pub user_id: UserId,
    /// What is added to each entry, below zero to take away; an entry that is not there is 0.
    pub changeset: Amounts,
    /// Where the change goes into the ledger: a JSON object that says why, as text.
    pub ledger: Option<String>,
}

/// What became of a wallet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WalletUpdated {
    /// Whose.
    pub user_id: UserId,
    /// The wallet before the change.
    pub previous: Amounts,
    /// The wallet after it.
    pub updated: Amounts,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LedgerEntry {
    /// Its id.
    pub id: Uuid,
    /// Whose wallet was changed.
    pub user_id: UserId,
    /// What was added to each entry of the wallet.
    pub changeset: Amounts,
    /// A JSON object of the studio's, as text.
    pub metadata: String,
    /// When the wallet was changed.
    pub create_time: UnixMillis,
    /// When the metadata was last changed.
    pub update_time: UnixMillis,
}

/// A page of a ledger.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LedgerPage {
    /// Newest first.
    pub entries: Vec<LedgerEntry>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

/// The wallets and their rules.
#[derive(Clone)]
pub struct Wallets {
    store: Store,
    random: Random,
    turns: Arc<Turns>,
}

impl Wallets {
    /// Wallets that lie in the store.
    #[must_use]
    pub fn new(store: Store, random: Random) -> Self {
        Self {
            store,
            random,
            turns: Arc::default(),
        }
    }

    /// Changes wallets, all or none; several changes of one wallet happen in their order. The answers are in that order.
    ///
    /// # Errors
    /// An account that does not exist; a number that would fall below zero or leave the range of 64 bits; a wallet of more
    /// than [`WALLET_ENTRIES_MAX`] entries; more changes than a batch holds; `Aborted` where other nodes changed the same
    /// wallets again and again.
    pub async fn update(
        &self,
        now: UnixMillis,
        updates: &[WalletUpdate],
    ) -> Result<Vec<WalletUpdated>, PlayersError> {
        let committed = self.commit(now, updates, &[], &[]).await;
        let (_, updated) = committed.map_err(PlayersError::from)?;
        Ok(updated)
    }

    /// Commits changes of wallets together with other operations: such that change accounts, and such that come after.
    pub(crate) async fn commit(
        &self,
        now: UnixMillis,
        updates: &[WalletUpdate],
        accounts: &[(UserId, Op)],
        others: &[Op],
    ) -> Result<(Outcome, Vec<WalletUpdated>), Refused> {
        updates.iter().try_for_each(check)?;
        let users: BTreeSet<UserId> = updates.iter().map(|update| update.user_id).collect();
        let records = self.records(now, updates);
        if users.len() + accounts.len() + records.len() + others.len() > Batch::OPS_MAX {
            return Err(TOO_MANY.into());
        }
        let _turns = self.turns.take(&users).await;
        let users: Vec<UserId> = users.into_iter().collect();
        let mut attempts = Attempts::new(&self.random);
        while attempts.next().await {
            let found = self.store.wallets(&users).await.map_err(READ)?;
            let Decided { sets, updated } = decide(now, found, updates)?;
            // Rows of accounts first and in order, so that batches do not block each other.
            let mut rows: Vec<(UserId, Op)> = accounts.iter().cloned().chain(sets).collect();
            rows.sort_by_key(|(user_id, _)| *user_id);
            let rows = rows.into_iter().map(|(_, op)| op);
            let batch = rows.chain(records.iter().cloned());
            let batch: Batch = batch.chain(others.iter().cloned()).collect();
            match self.store.commit(batch.clone()).await {
                Ok(outcome) => return Ok((outcome, updated)),
                Err(source) => {
                    let op = match source {
                        StoreError::Conflict { op_index, .. } => {
                            batch.ops.into_iter().nth(op_index)
                        }
                        _ => None,
                    };
                    if !matches!(op, Some(Op::Wallet(WalletOp::Set { .. }))) {
                        return Err(Refused::Store { op, source });
                    }
                }
            }
        }
        Err(CONTENDED.into())
    }

    /// A page of an account's ledger, newest first.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`LEDGER_LIST_MAX`], a cursor of another listing.
    pub async fn ledger(
        &self,
        user_id: UserId,
        limit: i32,
        cursor: &str,
    ) -> Result<LedgerPage, PlayersError> {
        checked_limit(limit, LEDGER_LIST_MAX)?;
        let before = if cursor.is_empty() {
            NEWEST
        } else {
            let mut read = Cursor::read(KIND, cursor)?;
            if read.user()? != user_id {
                return Err(MALFORMED);
            }
            let before = (read.time()?, read.uuid()?);
            read.end()?;
            before
        };
        let limit = limit.unsigned_abs();
        let rows = self.store.ledger(user_id, before, limit + 1).await;
        let mut rows = rows.map_err(READ)?;
        let length = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > length;
        rows.truncate(length);
        let cursor = match rows.last() {
            Some(last) if more => Cursor::new(KIND)
                .uuid(user_id.0)
                .time(last.create_time)
                .uuid(last.id)
                .write(),
            _ => String::new(),
        };
        let entries: Result<Vec<_>, _> = rows.into_iter().map(LedgerEntry::try_from).collect();
        Ok(LedgerPage {
            entries: entries?,
            cursor,
        })
    }

    /// An account's whole ledger, newest first: for handing its data to whom it belongs.
    ///
    /// # Errors
    /// The database failed.
    pub async fn export(&self, user_id: UserId) -> Result<Vec<LedgerEntry>, PlayersError> {
        let mut entries: Vec<LedgerEntry> = Vec::new();
        loop {
            let last = entries.last();
            let before = last.map_or(NEWEST, |last| (last.create_time, last.id));
            let rows = self.store.ledger(user_id, before, EXPORT_ROWS).await;
            let rows = rows.map_err(READ)?;
            if rows.is_empty() {
                return Ok(entries);
            }
            for row in rows {
                entries.push(row.try_into()?);
            }
        }
    }

    /// Replaces the metadata of an entry of the ledger.
    ///
    /// # Errors
    /// Metadata that is no JSON object, an entry that does not exist.
    pub async fn annotate(
        &self,
        now: UnixMillis,
        id: Uuid,
        metadata: String,
    ) -> Result<LedgerEntry, PlayersError> {
        check_metadata(&metadata)?;
        let annotate = WalletOp::Annotate {
            id,
            metadata,
            update_time: now,
        };
        match self.store.commit(annotate.into()).await {
            Err(source) if source.conflict() == Some(Conflict::Missing) => return Err(NO_ENTRY),
            done => drop(done.map_err(WRITE)?),
        }
        let entry = self.store.ledger_entry(id).await.map_err(READ)?;
        entry.ok_or(NO_ENTRY)?.try_into()
    }

    fn records(&self, now: UnixMillis, updates: &[WalletUpdate]) -> Vec<Op> {
        let kept = updates
            .iter()
            .filter_map(|update| update.ledger.as_ref().map(|metadata| (update, metadata)));
        let record = kept.map(|(update, metadata)| {
            let row = LedgerRow {
                id: random_uuid(&self.random),
                user_id: update.user_id,
                changeset: text_of(&update.changeset),
                metadata: metadata.clone(),
                create_time: now,
                update_time: now,
            };
            WalletOp::Record(Box::new(row)).into()
        });
        record.collect()
    }
}

impl fmt::Debug for Wallets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallets").finish_non_exhaustive()
    }
}

/// Why nothing was committed.
pub(crate) enum Refused {
    /// By the rules of wallets.
    Rule(PlayersError),
    /// By the store, at this operation if at one.
    Store { op: Option<Op>, source: StoreError },
}

impl From<PlayersError> for Refused {
    fn from(error: PlayersError) -> Self {
        Self::Rule(error)
    }
}

impl From<Refused> for PlayersError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Rule(error) => error,
            Refused::Store { source, .. } if source.conflict() == Some(Conflict::Missing) => {
                NO_USER
            }
            Refused::Store { source, .. } => WRITE(source),
        }
    }
}

/// What shall become of wallets.
struct Decided {
    /// Each under the condition that it is as it was found.
    sets: Vec<(UserId, Op)>,
    updated: Vec<WalletUpdated>,
}

fn decide(
    now: UnixMillis,
    found: Vec<(UserId, String)>,
    updates: &[WalletUpdate],
) -> Result<Decided, PlayersError> {
    let mut wallets = BTreeMap::new();
    for (user_id, from) in found {
        let wallet = amounts_of(&from)?;
        wallets.insert(user_id, (from, wallet));
    }
    let mut steps = Vec::with_capacity(updates.len());
    for update in updates {
        let (_, wallet) = wallets.get_mut(&update.user_id).ok_or(NO_USER)?;
        let updated = add(wallet.clone(), &update.changeset)?;
        steps.push(WalletUpdated {
            user_id: update.user_id,
            previous: std::mem::replace(wallet, updated.clone()),
            updated,
        });
    }
    let sets = wallets.into_iter().map(|(user_id, (from, wallet))| {
        let set = WalletOp::Set {
            user_id,
            from,
            to: text_of(&wallet),
            update_time: now,
        };
        (user_id, set.into())
    });
    Ok(Decided {
        sets: sets.collect(),
        updated: steps,
    })
}

fn add(mut wallet: Amounts, changeset: &Amounts) -> Result<Amounts, PlayersError> {
    for (path, change) in changeset {
        let amount = wallet.entry(path.clone()).or_default();
        *amount = amount.checked_add(*change).ok_or(OUT_OF_RANGE)?;
        if *amount < 0 {
            return Err(PlayersError::NegativeWallet { path: path.clone() });
        }
    }
    if wallet.len() > WALLET_ENTRIES_MAX {
        return Err(PlayersError::InvalidArgument(
            "A wallet may have at most 1024 entries.",
        ));
    }
    Ok(wallet)
}

fn check(update: &WalletUpdate) -> Result<(), PlayersError> {
    let mut paths = update.changeset.keys();
    if paths.any(|path| path.is_empty() || path.len() > WALLET_PATH_BYTES_MAX) {
        return Err(PlayersError::InvalidArgument(
            "Wallet entries must have names of 1-128 bytes.",
        ));
    }
    update.ledger.as_deref().map_or(Ok(()), check_metadata)
}

fn check_metadata(metadata: &str) -> Result<(), PlayersError> {
    if metadata.len() > LEDGER_METADATA_BYTES_MAX || !is_json_object(metadata) {
        return Err(PlayersError::InvalidArgument(
            "Ledger metadata must be a JSON object of at most 16384 bytes.",
        ));
    }
    Ok(())
}

fn amounts_of(text: &str) -> Result<Amounts, PlayersError> {
    serde_json::from_str(text).map_err(|_| PlayersError::Damaged("wallet"))
}

fn text_of(amounts: &Amounts) -> String {
    let members = amounts.iter();
    let object: serde_json::Map<_, _> = members
        .map(|(path, amount)| (path.clone(), (*amount).into()))
        .collect();
    serde_json::Value::Object(object).to_string()
}

impl TryFrom<LedgerRow> for LedgerEntry {
    type Error = PlayersError;

    fn try_from(row: LedgerRow) -> Result<Self, PlayersError> {
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            changeset: amounts_of(&row.changeset)?,
            metadata: row.metadata,
            create_time: row.create_time,
            update_time: row.update_time,
        })
    }
}

/// Entries of a wallet, at most.
pub const WALLET_ENTRIES_MAX: usize = 1_024;
/// Bytes of the name of a wallet's entry, at most.
pub const WALLET_PATH_BYTES_MAX: usize = 128;
/// Bytes of the metadata of an entry of the ledger, at most.
pub const LEDGER_METADATA_BYTES_MAX: usize = 16_384;
/// Entries of a ledger on one page, at most.
pub const LEDGER_LIST_MAX: i32 = 100;

const EXPORT_ROWS: u32 = 100;
const KIND: u8 = 24;
/// Behind every entry there is.
const NEWEST: (UnixMillis, Uuid) = (UnixMillis(u64::MAX), Uuid([0xff; 16]));

const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read wallets",
    source,
};
const WRITE: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "change wallets",
    source,
};
pub(crate) const NO_USER: PlayersError = PlayersError::NotFound("User not found.");
const NO_ENTRY: PlayersError = PlayersError::NotFound("Ledger item not found.");
const CONTENDED: PlayersError =
    PlayersError::Aborted("Wallet changed by others meanwhile, try again.");
const OUT_OF_RANGE: PlayersError =
    PlayersError::InvalidArgument("Wallet update rejected - value out of range.");
const TOO_MANY: PlayersError =
    PlayersError::InvalidArgument("At most 256 changes may be made at once.");
