//! Storage indexes: how server code declares them, and how they are kept up while the server runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tagus_players::{StorageIndex, StorageIndexFilter, StorageIndexes, StorageObject};
use tagus_store::Store;
use tokio::sync::watch;

use crate::admin::Readiness;
use crate::gateway::Gateway;
use crate::server::Server;

/// What server code declares.
#[derive(Default)]
pub(crate) struct Declared {
    indexes: Vec<StorageIndex>,
    filters: Vec<(String, StorageIndexFilter)>,
}

impl Server {
    /// Keeps objects of a collection in memory, where [`crate::Tagus::storage_index_list`] finds them by the fields of
    /// their values. A declaration that is out of its range ends the start.
    #[must_use]
    pub fn storage_index(mut self, index: StorageIndex) -> Self {
        self.hooks.code.storage_indexes.indexes.push(index);
        self
    }

    /// Lets only those objects into an index for which the filter says true. It must say the same of the same object
    /// always, and at once; a panic counts as no.
    #[must_use]
    pub fn storage_index_filter<F>(mut self, index: &str, filter: F) -> Self
    where
        F: Fn(&StorageObject) -> bool + Send + Sync + 'static,
    {
        let name = index.to_owned();
        let guarded = move |object: &StorageObject| {
            let wants = catch_unwind(AssertUnwindSafe(|| filter(object)));
            wants.unwrap_or_else(|_| {
                tracing::error!(index = name, "the filter of a storage index panicked");
                false
            })
        };
        let filter = (index.to_owned(), Arc::new(guarded) as StorageIndexFilter);
        self.hooks.code.storage_indexes.filters.push(filter);
        self
    }
}

impl Declared {
    /// The indexes, which hold nothing yet.
    pub(crate) fn build(&self, store: Store) -> anyhow::Result<StorageIndexes> {
        let is_declared = |name: &str| self.indexes.iter().any(|index| index.name == name);
        if let Some((name, _)) = self.filters.iter().find(|(name, _)| !is_declared(name)) {
            bail!("a filter is for the storage index {name:?}, which is not declared");
        }
        let filter = |index: &StorageIndex| {
            let mut of_index = self.filters.iter().filter(|(name, _)| *name == index.name);
            of_index.next_back().map(|(_, filter)| filter.clone())
        };
        let indexes = self
            .indexes
            .iter()
            .map(|index| (index.clone(), filter(index)));
        match StorageIndexes::new(store, indexes.collect()) {
            Ok(indexes) => Ok(indexes),
            Err(error) => bail!("declare storage indexes: {}", error.client_message()),
        }
    }
}

/// Keeps the indexes up until the server drains.
pub(crate) async fn drive(
    gateway: Arc<Gateway>,
    readiness: Arc<Readiness>,
    mut draining: watch::Receiver<bool>,
) {
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = draining.changed() => return,
            _ = looks.tick() => {}
        }
        let caught_up = tokio::select! {
            _ = draining.changed() => return,
            caught_up = gateway.storage_indexes.catch_up() => caught_up,
        };
        match caught_up {
            Ok(()) => readiness.done(LOADING_INDEXES),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "read objects of storage indexes");
            }
        }
    }
}

/// What readiness waits for.
pub(crate) const LOADING_INDEXES: &str = "loading storage indexes";
/// Between two looks at what was written; searches do not wait for it.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
