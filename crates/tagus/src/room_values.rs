//! Durable values of rooms in the store: each room's operations one after the other, those of different rooms at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tagus_base::RoomId;
use tagus_room::{STORE_VALUES_MAX, StoreFailed, StoreOp};
use tagus_shard::Shards;
use tagus_store::{Batch, RoomDataOp, Store, StoreError};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct RoomValues {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    shards: Shards,
    runtime: Handle,
    /// Rooms whose operations run, and open rooms without a stable name that ever stored anything.
    rooms: Mutex<BTreeMap<RoomId, Queue>>,
    /// Tasks that run.
    running: watch::Sender<usize>,
}

struct Queue {
    /// The stable name, or the room's UUID.
    key: Arc<str>,
    is_named: bool,
    /// A room waits for its results, which bounds this: `STORE_OPS_WAITING_MAX` and one forgetting.
    works: VecDeque<Work>,
    is_running: bool,
    is_closed: bool,
}

enum Work {
    Do { token: u64, op: StoreOp },
    Forget,
}

impl RoomValues {
    pub(crate) fn new(store: Store, shards: Shards, runtime: Handle) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                shards,
                runtime,
                rooms: Mutex::default(),
                running: watch::Sender::new(0),
            }),
        }
    }

    /// Does `op` after the room's earlier ones, and brings the result to the room. `name` is the stable name, or empty.
    pub(crate) fn begin(&self, id: RoomId, name: &str, token: u64, op: StoreOp) {
        let mut rooms = self.shared.lock();
        let queue = rooms.entry(id).or_insert_with(|| Queue {
            key: if name.is_empty() {
                id.uuid.to_string().into()
            } else {
                name.into()
            },
            is_named: !name.is_empty(),
            works: VecDeque::new(),
            is_running: false,
            is_closed: false,
        });
        queue.works.push_back(Work::Do { token, op });
        self.run(id, queue);
    }

    /// The room is gone, and its values with it unless they belong to a stable name.
    pub(crate) fn room_closed(&self, id: RoomId) {
        let mut rooms = self.shared.lock();
        if let Some(queue) = rooms.get_mut(&id).filter(|queue| !queue.is_named) {
            queue.is_closed = true;
            queue.works.push_back(Work::Forget);
            self.run(id, queue);
        }
    }

    /// Waits until nothing is under way. No room may begin anything any more.
    pub(crate) async fn idle(&self) {
        let mut running = self.shared.running.subscribe();
        // The sender lives as long as `self`.
        drop(running.wait_for(|running| *running == 0).await);
    }

    fn run(&self, id: RoomId, queue: &mut Queue) {
        if queue.is_running {
            return;
        }
        queue.is_running = true;
        self.shared.running.send_modify(|running| *running += 1);
        // At most one task a room; `idle` waits for all of them.
        drop(self.shared.runtime.spawn(self.shared.clone().work(id)));
    }
}

impl Shared {
    async fn work(self: Arc<Self>, id: RoomId) {
        while let Some((key, work)) = self.next(id) {
            match work {
                Work::Do { token, op } => {
                    let result = self.perform(&key, op).await.map_err(|reason| {
                        tracing::warn!(room = %id, reason, "a room's store operation failed");
                        StoreFailed { reason }
                    });
                    self.shards.stored(id, token, result);
                }
                Work::Forget => {
                    if let Err(error) = self.forget(&key).await {
                        tracing::warn!(%error, room = %id, "a closed room's values stay in the store");
                    }
                }
            }
        }
        self.running.send_modify(|running| *running -= 1);
    }

    /// The room's next work; with the last one its queue goes, unless the room may come back to it.
    fn next(&self, id: RoomId) -> Option<(Arc<str>, Work)> {
        let mut rooms = self.lock();
        let queue = rooms.get_mut(&id)?;
        let Some(work) = queue.works.pop_front() else {
            queue.is_running = false;
            if queue.is_named || queue.is_closed {
                rooms.remove(&id);
            }
            return None;
        };
        Some((queue.key.clone(), work))
    }

    /// Fails with a reason for the room.
    async fn perform(&self, key: &str, op: StoreOp) -> Result<BTreeMap<String, Bytes>, String> {
        let explain = |error: StoreError| error.to_string();
        let mut found = BTreeMap::new();
        let room_key = key.to_owned();
        match op {
            StoreOp::List => {
                let rows = self.store.room_data(key).await.map_err(explain)?;
                found.extend(rows.into_iter().map(|row| (row.key, row.value)));
            }
            StoreOp::Get { key: wanted } => {
                let rows = self.store.room_data(key).await.map_err(explain)?;
                let row = rows.into_iter().find(|row| row.key == wanted);
                found.extend(row.map(|row| (row.key, row.value)));
            }
            StoreOp::Put { key: name, value } => {
                let rows = self.store.room_data(key).await.map_err(explain)?;
                if rows.len() >= STORE_VALUES_MAX && rows.iter().all(|row| row.key != name) {
                    return Err(format!("a room keeps at most {STORE_VALUES_MAX} values"));
                }
                let put = RoomDataOp::Put {
                    room_key,
                    key: name,
                    value,
                };
                self.store.commit(put.into()).await.map_err(explain)?;
            }
            StoreOp::Delete { key: name } => {
                let delete = RoomDataOp::Delete {
                    room_key,
                    key: name,
                };
                self.store.commit(delete.into()).await.map_err(explain)?;
            }
        }
        Ok(found)
    }

    async fn forget(&self, key: &str) -> Result<(), StoreError> {
        let rows = self.store.room_data(key).await?;
        // At most STORE_VALUES_MAX of them, which one batch takes.
        let batch: Batch = rows
            .into_iter()
            .map(|row| RoomDataOp::Delete {
                room_key: key.to_owned(),
                key: row.key,
            })
            .collect();
        self.store.commit(batch).await.map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RoomId, Queue>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const _: () = assert!(STORE_VALUES_MAX <= Batch::OPS_MAX);

#[cfg(test)]
mod tests {
    use tagus_base::Uuid;
    use tagus_shard::ShardMetrics;

    use super::*;

    fn values(store: &Store) -> RoomValues {
        let metrics = ShardMetrics::register(&mut tagus_telemetry::metrics::Registry::default());
        let shards = tagus_shard::prepare(1, &metrics).unwrap().shards;
        RoomValues::new(store.clone(), shards, Handle::current())
    }

    const fn room(number: u8) -> RoomId {
        RoomId {
            uuid: Uuid([number; 16]),
            home: None,
        }
    }

    fn put(value: &str) -> StoreOp {
        StoreOp::Put {
            key: "key".to_owned(),
            value: value.to_owned().into(),
        }
    }

    #[tokio::test]
    async fn a_rooms_operations_happen_in_order_and_leave_nothing_behind() {
        let store = Store::memory().unwrap();
        let values = values(&store);
        let rooms = [(room(1), "named"), (room(2), ""), (room(3), "")];
        for count in 1..=9 {
            for (id, name) in rooms {
                values.begin(id, name, count, put(&count.to_string()));
            }
        }
        let key = "key".to_owned();
        values.begin(room(3), "", 10, StoreOp::Delete { key });
        values.idle().await;
        let held = async |key: &str| {
            let rows = store.room_data(key).await.unwrap().into_iter();
            rows.map(|row| row.value).collect::<Vec<_>>()
        };
        assert_eq!(held("named").await, ["9"]);
        assert_eq!(held(&room(2).uuid.to_string()).await, ["9"]);
        assert_eq!(held(&room(3).uuid.to_string()).await, [""; 0]);

        // A room may store as its last act.
        values.begin(room(2), "", 11, put("last"));
        for (id, _) in rooms {
            values.room_closed(id);
        }
        values.idle().await;
        assert_eq!(held("named").await, ["9"]);
        assert_eq!(held(&room(2).uuid.to_string()).await, [""; 0]);
        assert!(values.shared.lock().is_empty());
    }

    #[tokio::test]
    async fn a_store_that_fails_gives_a_reason() {
        let store = Store::memory().unwrap();
        let values = values(&store);
        store.close().unwrap();
        let failed = values.shared.perform("room", put("value")).await;
        assert!(!failed.unwrap_err().is_empty());
    }
}
