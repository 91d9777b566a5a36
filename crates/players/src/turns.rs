//! How several who change the same rows get their turn: one after another on this node, and against other nodes by
//! deciding anew where they were quicker.

use std::collections::BTreeSet;
use std::time::Duration;

use tagus_base::UserId;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};

use crate::Random;

/// Whose turn it is to change an account's rows on this node, by a byte of its id; two accounts may share one.
pub(crate) struct Turns([Mutex<()>; 256]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    /// Waits until it is the turn of whoever changes these accounts. Turns are taken in their order, so nobody waits for
    /// whoever waits for them.
    pub(crate) async fn take(&self, users: &BTreeSet<UserId>) -> Vec<MutexGuard<'_, ()>> {
        let places: BTreeSet<usize> = users.iter().map(|user| user.0.0[15].into()).collect();
        let mut turns = Vec::with_capacity(places.len());
        for place in places {
            turns.push(self.0[place].lock().await);
        }
        turns
    }
}

/// How often something is decided while other nodes change what the decision was made on.
pub(crate) struct Attempts<'a> {
    random: &'a Random,
    made: u32,
}

impl<'a> Attempts<'a> {
    pub(crate) const fn new(random: &'a Random) -> Self {
        Self { random, made: 0 }
    }

    /// Whether there is one more, after a pause where every other one has failed.
    ///
    /// Without pauses two nodes fall into step: who comes second into a group of commits hears of it second, and comes
    /// second again. A pause of random length, about that of a commit, brings it to the front of the next group, mostly with
    /// what it has read too early; the attempt at once after that comes first again and succeeds. That pauses grow lets a
    /// crowd pass. Only an async runtime has a timer; elsewhere attempts follow each other at once.
    pub(crate) async fn next(&mut self) -> bool {
        if self.made == ATTEMPTS_MAX {
            return false;
        }
        if self.made % 2 == 1 && Handle::try_current().is_ok() {
            tokio::time::sleep(self.pause()).await;
        }
        self.made += 1;
        true
    }

    fn pause(&self) -> Duration {
        let longest_us = PAUSE_US_MAX.min(PAUSE_US_FIRST << self.made.min(31));
        let mut bytes = [0; 8];
        (self.random)(&mut bytes);
        Duration::from_micros(u64::from_ne_bytes(bytes) % (longest_us + 1))
    }
}

/// Attempts at most.
pub(crate) const ATTEMPTS_MAX: u32 = 32;
/// The pause after the first attempt is at most twice this; what it is at most doubles with each further attempt.
const PAUSE_US_FIRST: u64 = 500;
/// Pauses are at most so long, all together a quarter of a second.
const PAUSE_US_MAX: u64 = 16_000;
