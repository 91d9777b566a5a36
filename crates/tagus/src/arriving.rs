//! Connections that are about to be made, and what their users were told meanwhile.
//!
//! A WebSocket's client learns that it is connected before the socket has reached its shard; whatever its user is told
//! from then on must reach it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use tagus_base::UserId;
use tagus_wire::realtime::Envelope;

#[derive(Debug, Default)]
pub(crate) struct Arriving {
    last: u64,
    by_user: HashMap<UserId, Vec<Expected>>,
    /// In the order in which they were expected.
    since: VecDeque<(Instant, UserId, u64)>,
}

#[derive(Debug)]
struct Expected {
    number: u64,
    waiting: Vec<Envelope>,
}

impl Arriving {
    /// Expects a connection of a user; answers its number, which is never 0. Those that did not come are forgotten.
    pub(crate) fn expect(&mut self, user_id: UserId, now: Instant) -> u64 {
        while let Some((since, user_id, number)) = self.since.front().copied() {
            if now.saturating_duration_since(since) < ARRIVAL_MAX {
                break;
            }
            self.since.pop_front();
            drop(self.take(user_id, number));
        }
        self.last += 1;
        let number = self.last;
        self.since.push_back((now, user_id, number));
        self.by_user.entry(user_id).or_default().push(Expected {
            number,
            waiting: Vec::new(),
        });
        number
    }

    /// Keeps a message for the user's connections to come; each keeps at most [`WAITING_MAX`].
    pub(crate) fn keep(&mut self, user_id: UserId, envelope: &Envelope) {
        for expected in self.by_user.get_mut(&user_id).into_iter().flatten() {
            if expected.waiting.len() < WAITING_MAX {
                expected.waiting.push(envelope.clone());
            }
        }
    }

    /// The connection is there: what was kept for it, in order. Nothing for a number that is not expected.
    pub(crate) fn take(&mut self, user_id: UserId, number: u64) -> Vec<Envelope> {
        let Some(all) = self.by_user.get_mut(&user_id) else {
            return Vec::new();
        };
        let at = all.iter().position(|expected| expected.number == number);
        let waiting = at.map(|at| all.remove(at).waiting).unwrap_or_default();
        if all.is_empty() {
            self.by_user.remove(&user_id);
        }
        waiting
    }

    /// Whether a connection of this user is expected.
    pub(crate) fn of(&self, user_id: UserId) -> bool {
        self.by_user.contains_key(&user_id)
    }
}

/// Messages kept for one connection; those beyond are lost to it, and what is persistent can be listed.
const WAITING_MAX: usize = 64;
/// How long a connection is expected.
const ARRIVAL_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use tagus_base::Uuid;

    use super::*;

    fn envelope(cid: usize) -> Envelope {
        Envelope {
            cid: cid.to_string(),
            message: None,
        }
    }

    #[test]
    fn each_connection_gets_what_came_since_it_was_expected() {
        let (mut arriving, now) = (Arriving::default(), Instant::now());
        let user = UserId(Uuid([1; 16]));
        arriving.keep(user, &envelope(0));
        let first = arriving.expect(user, now);
        arriving.keep(user, &envelope(1));
        let second = arriving.expect(user, now);
        arriving.keep(user, &envelope(2));
        arriving.keep(UserId(Uuid([2; 16])), &envelope(3));
        assert_eq!(arriving.take(user, 0), []);
        assert_eq!(arriving.take(user, first), [envelope(1), envelope(2)]);
        assert_eq!(arriving.take(user, first), []);
        assert!(arriving.of(user));
        assert_eq!(arriving.take(user, second), [envelope(2)]);
        assert!(!arriving.of(user));
    }

    #[test]
    fn who_does_not_come_is_forgotten_and_nobody_keeps_too_much() {
        let (mut arriving, now) = (Arriving::default(), Instant::now());
        let (user, other) = (UserId(Uuid([1; 16])), UserId(Uuid([2; 16])));
        let number = arriving.expect(user, now);
        for cid in 0..=WAITING_MAX {
            arriving.keep(user, &envelope(cid));
        }
        let late = arriving.expect(other, now + ARRIVAL_MAX - Duration::from_millis(1));
        assert!(arriving.of(user));
        arriving.expect(other, now + ARRIVAL_MAX);
        assert_eq!(arriving.take(user, number), []);
        assert_eq!(arriving.since.len(), 2);
        assert_eq!(arriving.take(other, late).len(), 0);

        let number = arriving.expect(user, now);
        for cid in 0..=WAITING_MAX {
            arriving.keep(user, &envelope(cid));
        }
        assert_eq!(arriving.take(user, number).len(), WAITING_MAX);
    }
}
