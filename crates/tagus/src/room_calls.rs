//! Calls of rooms to server code: each room's one after the other, those of different rooms at once.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tagus_base::RoomId;
use tagus_room::{CALL_BYTES_MAX, CallFailed, CallResult};
use tagus_shard::Call;
use tokio::sync::watch;

use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::hooks::{BoxFuture, caught};
use crate::tagus::Tagus;

/// One call of a room.
#[derive(Clone)]
pub struct RoomCall {
    /// The server's own functions.
    pub tagus: Tagus,
    /// The room that asks. It may be gone by now.
    pub room: RoomId,
    /// Name of its game.
    pub game: Arc<str>,
    /// The room's stable name, or empty.
    pub name: Arc<str>,
    /// What it asks, as its game wrote it.
    pub data: Bytes,
}

pub(crate) type RoomCallFn =
    Arc<dyn Fn(RoomCall) -> BoxFuture<Result<Vec<u8>, ApiError>> + Send + Sync>;

/// The calls that are under way.
pub(crate) struct RoomCalls {
    /// What waits behind the call that runs, of rooms of which one runs.
    /// A room waits for its answers, which bounds this: `CALLS_WAITING_MAX` for each.
    rooms: Mutex<BTreeMap<RoomId, VecDeque<Call>>>,
    /// Number of these rooms.
    running: watch::Sender<usize>,
}

impl Default for RoomCalls {
    fn default() -> Self {
        Self {
            rooms: Mutex::default(),
            running: watch::Sender::new(0),
        }
    }
}

impl RoomCalls {
    /// Asks server code after the room's earlier calls, and brings the answer to the room.
    pub(crate) fn begin(&self, gateway: &Arc<Gateway>, id: RoomId, call: Call) {
        let mut rooms = self.lock();
        if let Some(waiting) = rooms.get_mut(&id) {
            waiting.push_back(call);
            return;
        }
        rooms.insert(id, VecDeque::new());
        self.running.send_modify(|running| *running += 1);
        // One task a room; `idle` waits for all of them.
        drop(gateway.runtime.spawn(work(gateway.clone(), id, call)));
    }

    /// Waits until nothing is under way. No room may begin anything any more.
    pub(crate) async fn idle(&self) {
        let mut running = self.running.subscribe();
        // The sender lives as long as `self`.
        drop(running.wait_for(|running| *running == 0).await);
    }

    /// The room's next call; with the last one its queue goes.
    fn next(&self, id: RoomId) -> Option<Call> {
        let mut rooms = self.lock();
        let call = rooms.get_mut(&id)?.pop_front();
        if call.is_none() {
            rooms.remove(&id);
        }
        call
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RoomId, VecDeque<Call>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn work(gateway: Arc<Gateway>, id: RoomId, first: Call) {
    let mut next = Some(first);
    while let Some(call) = next {
        let (token, function) = (call.token, call.function.clone());
        let result = perform(&gateway, id, call).await;
        if let Err(CallFailed { reason }) = &result {
            tracing::warn!(room = %id, function, reason, "a room's call failed");
        }
        gateway.shards.called(id, token, result);
        next = gateway.room_calls.next(id);
    }
    let running = &gateway.room_calls.running;
    running.send_modify(|running| *running -= 1);
}

async fn perform(gateway: &Arc<Gateway>, id: RoomId, call: Call) -> CallResult {
    let Some(function) = gateway.hooks.room_call(&call.function) else {
        return Err(CallFailed::new("no such function"));
    };
    let function = function.clone();
    let call = RoomCall {
        tagus: Tagus::of(gateway),
        room: id,
        game: call.game,
        name: call.room_name,
        data: call.data,
    };
    answer(CALL_TIME_MAX, async move { function(call).await }).await
}

/// What server code answers, within this time.
async fn answer(
    time_max: Duration,
    code: impl Future<Output = Result<Vec<u8>, ApiError>> + Send,
) -> CallResult {
    match tokio::time::timeout(time_max, caught(code)).await {
        Ok(Ok(Ok(data))) if data.len() > CALL_BYTES_MAX => Err(CallFailed::new(format!(
            "the answer is longer than {CALL_BYTES_MAX} bytes"
        ))),
        Ok(Ok(Ok(data))) => Ok(data.into()),
        Ok(Ok(Err(error))) => Err(CallFailed::new(error.message)),
        Ok(Err(_)) => Err(CallFailed::new("the function panicked")),
        Err(_) => Err(CallFailed::new("the function took too long")),
    }
}

/// Time of one call, after which it is cut off.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(result: CallResult) -> String {
        result.unwrap_err().reason
    }

    #[tokio::test]
    async fn answers_have_limits() {
        let long = |bytes: usize| answer(CALL_TIME_MAX, async move { Ok(vec![0; bytes]) });
        assert_eq!(long(CALL_BYTES_MAX).await.unwrap().len(), CALL_BYTES_MAX);
        let refused = reason(long(CALL_BYTES_MAX + 1).await);
        assert_eq!(refused, "the answer is longer than 65536 bytes");
        let never = answer(Duration::from_millis(1), std::future::pending());
        assert_eq!(reason(never.await), "the function took too long");
    }

    #[tokio::test]
    async fn errors_and_panics_are_failures() {
        let fails = answer(CALL_TIME_MAX, async {
            Err(ApiError::new(5, "no such thing"))
        });
        assert_eq!(reason(fails.await), "no such thing");
        let panics = answer(CALL_TIME_MAX, async { panic!("the test wants it") });
        assert_eq!(reason(panics.await), "the function panicked");
    }
}
