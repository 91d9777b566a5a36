//! Changes of accounts, stored objects and wallets, all or none.

use tagus_base::{UnixMillis, UserId};
use tagus_store::{AccountOp, Conflict, Op};

use crate::accounts::{NAME_TAKEN, patch};
use crate::notifications::is_json_object;
use crate::storage::{NewObject, OldObject, Storage, StorageAck, StorageRights};
use crate::wallets::{NO_USER, Refused, WalletUpdate, WalletUpdated, Wallets};
use crate::{AccountUpdate, PlayersError};

/// What server code changes of an account.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountChange {
    /// Whose.
    pub user_id: UserId,
    /// What its owner may change as well.
    pub update: AccountUpdate,
    /// A JSON object as text; none leaves it.
    pub metadata: Option<String>,
}

/// Changes that happen together, in this order. With the entries that wallets add to the ledger they are at most
/// `Batch::OPS_MAX`; all changes of one wallet count as one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MultiUpdate {
    /// Changes of accounts.
    pub accounts: Vec<AccountChange>,
    /// Objects to be written.
    pub writes: Vec<NewObject>,
    /// Objects to be deleted.
    pub deletes: Vec<OldObject>,
    /// Changes of wallets.
    pub wallets: Vec<WalletUpdate>,
}

/// What became of a [`MultiUpdate`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MultiUpdated {
    /// One for each object written, in their order.
    pub acks: Vec<StorageAck>,
    /// One for each change of a wallet, in their order.
    pub wallets: Vec<WalletUpdated>,
}

/// Makes all changes or none, on behalf of the server.
///
/// # Errors
/// Those of the changes by themselves, and too many of them.
pub async fn multi_update(
    storage: &Storage,
    wallets: &Wallets,
    now: UnixMillis,
    all: MultiUpdate,
) -> Result<MultiUpdated, PlayersError> {
    let accounts = all.accounts.into_iter();
    let accounts: Result<Vec<_>, _> = accounts.map(|change| account_op(now, change)).collect();
    let accounts = accounts?;
    let prepared = storage.prepare(now, StorageRights::Server, all.writes, all.deletes)?;
    let committed = wallets.commit(now, &all.wallets, &accounts, &prepared.ops);
    let (outcome, updated) = match committed.await {
        Ok(done) => done,
        Err(Refused::Store { op, source }) => {
            storage.failed(&prepared, &source);
            return Err(match (op, source.conflict()) {
                (Some(op @ Op::Storage(_)), _) => storage.refused(Some(&op), source).await,
                (_, Some(Conflict::UsernameTaken)) => NAME_TAKEN,
                (_, Some(Conflict::Missing)) => NO_USER,
                (_, _) => PlayersError::Store {
                    attempt: "make several changes",
                    source,
                },
            });
        }
        Err(Refused::Rule(error)) => return Err(error),
    };
    Ok(MultiUpdated {
        acks: storage.finish(prepared, outcome)?,
        wallets: updated,
    })
}

fn account_op(now: UnixMillis, change: AccountChange) -> Result<(UserId, Op), PlayersError> {
    let id = change.user_id;
    if let Some(metadata) = &change.metadata
        && !is_json_object(metadata)
    {
        return Err(PlayersError::InvalidArgument(
            "Account metadata must be a JSON object.",
        ));
    }
    let mut patch = patch(change.update, now)?;
    patch.metadata = change.metadata;
    let patch = Box::new(patch);
    Ok((id, AccountOp::Update { id, patch }.into()))
}
