//! The server code that rooms ask, where every eighth call fails.

use bytes::Bytes;
use tagus_base::Rng;
use tagus_room::{CallFailed, CallResult};

/// Answers with the name and what was asked.
pub(crate) fn answer(name: &str, data: &[u8], rng: &mut Rng) -> CallResult {
    if rng.below(8) == 0 {
        return Err(CallFailed::new("the simulated server code fails"));
    }
    Ok(Bytes::from([name.as_bytes(), data].concat()))
}
