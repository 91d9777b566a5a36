//! A room's durable values, where every eighth operation fails.

use std::collections::BTreeMap;

use bytes::Bytes;
use tagus_base::Rng;
use tagus_room::{StoreFailed, StoreOp, StoreResult};

/// What a database would keep for a room.
#[derive(Debug, Default)]
pub(crate) struct Values(BTreeMap<String, Bytes>);

impl Values {
    /// Does the operation, or fails and changes nothing.
    pub(crate) fn apply(&mut self, op: StoreOp, rng: &mut Rng) -> StoreResult {
        if rng.below(8) == 0 {
            let reason = "the simulated store fails".to_owned();
            return Err(StoreFailed { reason });
        }
        let mut found = BTreeMap::new();
        match op {
            StoreOp::Get { key } => {
                let value = self.0.get(&key).cloned();
                found.extend(value.map(|value| (key, value)));
            }
            StoreOp::Put { key, value } => drop(self.0.insert(key, value)),
            StoreOp::Delete { key } => drop(self.0.remove(&key)),
            StoreOp::List => found.clone_from(&self.0),
        }
        Ok(found)
    }
}
