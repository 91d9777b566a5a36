//! Stored objects, wallets and changes of several things at once, for server code.

use tagus_base::{UserId, Uuid};
use tagus_players::{
    LedgerEntry, LedgerPage, MultiUpdate, MultiUpdated, NewObject, ObjectId, OldObject, StorageAck,
    StorageIndexQuery, StorageObject, StoragePage, StorageRights, WalletUpdate, WalletUpdated,
    multi_update,
};

use super::Tagus;
use crate::api::ApiError;
use crate::boards::run_to_end;
use crate::gateway::unix_now;

impl Tagus {
    /// The objects of these names that are there, in the order asked for, each once; permissions do not count.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for more than 256 names.
    pub async fn storage_read(&self, ids: &[ObjectId]) -> Result<Vec<StorageObject>, ApiError> {
        let storage = &self.gateway.storage;
        Ok(storage.read(StorageRights::Server, ids).await?)
    }

    /// A page of a collection: of one owner's objects by key, or without an owner of all by owner, then key; permissions do
    /// not count. An empty cursor is the beginning.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a limit that is not in 1..=100, a cursor of another listing.
    pub async fn storage_list(
        &self,
        owner: Option<UserId>,
        collection: &str,
        limit: i32,
        cursor: &str,
    ) -> Result<StoragePage, ApiError> {
        let storage = &self.gateway.storage;
        let rights = StorageRights::Server;
        Ok(storage
            .list(rights, owner, collection, limit, cursor)
            .await?)
    }

    /// Writes objects of any owners, all or none; permissions do not count, versions do. Of two with the same name the
    /// later one counts. The answers are in the order of the objects.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a value that is no JSON object, a version that is not there, more than 256 objects; NOT_FOUND
    /// for an owner without an account.
    pub async fn storage_write(
        &self,
        objects: Vec<NewObject>,
    ) -> Result<Vec<StorageAck>, ApiError> {
        let storage = self.gateway.storage.clone();
        let rights = StorageRights::Server;
        run_to_end(async move { Ok(storage.write(unix_now(), rights, objects).await?) }).await
    }

    /// Deletes objects, all or none; permissions do not count, versions do.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for one that is not there or has another version, more than 256 objects.
    pub async fn storage_delete(&self, objects: Vec<OldObject>) -> Result<(), ApiError> {
        let storage = self.gateway.storage.clone();
        let rights = StorageRights::Server;
        run_to_end(async move { Ok(storage.delete(unix_now(), rights, objects).await?) }).await
    }

    /// Finds objects by the fields of their values, in an index that [`crate::Server::storage_index`] declares: those that
    /// the query's caller may read, or all. Sees every write that was answered before; at the start it waits until the
    /// index is loaded.
    ///
    /// # Errors
    /// NOT_FOUND without the index; INVALID_ARGUMENT for a query, an order, a limit or a cursor that is none;
    /// FAILED_PRECONDITION for a query that is too much work.
    pub async fn storage_index_list(
        &self,
        index: &str,
        query: &StorageIndexQuery<'_>,
    ) -> Result<StoragePage, ApiError> {
        Ok(self.gateway.storage_indexes.list(index, query).await?)
    }

    /// Changes a wallet.
    ///
    /// # Errors
    /// As [`Tagus::wallets_update`].
    pub async fn wallet_update(&self, update: WalletUpdate) -> Result<WalletUpdated, ApiError> {
        let updated = self.wallets_update(&[update]).await?.pop();
        updated.ok_or_else(ApiError::internal)
    }

    /// Changes wallets, all or none; several changes of one wallet happen in their order. The answers are in that order.
    ///
    /// # Errors
    /// FAILED_PRECONDITION for a number that would fall below zero, NOT_FOUND for an account that does not exist, ABORTED
    /// where other nodes changed the same wallets again and again, INVALID_ARGUMENT for anything out of its range.
    pub async fn wallets_update(
        &self,
        updates: &[WalletUpdate],
    ) -> Result<Vec<WalletUpdated>, ApiError> {
        Ok(self.gateway.wallets.update(unix_now(), updates).await?)
    }

    /// A page of a user's ledger, newest first. An empty cursor is the beginning.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a limit that is not in 1..=100, a cursor of another listing.
    pub async fn wallet_ledger_list(
        &self,
        user_id: UserId,
        limit: i32,
        cursor: &str,
    ) -> Result<LedgerPage, ApiError> {
        Ok(self.gateway.wallets.ledger(user_id, limit, cursor).await?)
    }

    /// Replaces the metadata of an entry of a ledger.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for metadata that is no JSON object, NOT_FOUND for an entry that does not exist.
    pub async fn wallet_ledger_update(
        &self,
        id: Uuid,
        metadata: String,
    ) -> Result<LedgerEntry, ApiError> {
        let wallets = &self.gateway.wallets;
        Ok(wallets.annotate(unix_now(), id, metadata).await?)
    }

    /// Changes accounts, objects and wallets, all or none.
    ///
    /// # Errors
    /// Those of the changes by themselves; ALREADY_EXISTS for a user name that is taken.
    pub async fn multi_update(&self, all: MultiUpdate) -> Result<MultiUpdated, ApiError> {
        let gateway = self.gateway.clone();
        run_to_end(async move {
            Ok(multi_update(&gateway.storage, &gateway.wallets, unix_now(), all).await?)
        })
        .await
    }
}
