//! How soon the next password may be tried after wrong ones.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ring::digest;
use tagus_base::UnixMillis;

/// The attempt comes too early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryAfter {
    /// Time until an attempt is looked at again, in milliseconds.
    pub ms: u64,
}

/// Counts wrong passwords per account and per address, and lets each wait longer with every further one.
///
/// The first few cost nothing; then the wait doubles up to a bound and is forgotten after a quiet time. It concerns
/// attempts with a password only: who holds a token keeps playing and refreshing, whatever others try on their name.
///
/// An attempt that [`begin`](Self::begin) let through counts as failed until [`succeeded`](Self::succeeded) or
/// [`withdrawn`](Self::withdrawn) says otherwise: so a thousand attempts at once are no better than one after another.
#[derive(Debug)]
pub struct FailedPasswords {
    accounts: Failures<AccountKey>,
    addresses: Failures<IpAddr>,
}

/// Limits of wrong passwords.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FailedPasswordsConfig {
    /// Wrong passwords on one account before it has to wait.
    pub account_free_max: u32,
    /// Wrong passwords from one address before it has to wait: a school or a mobile operator shares one.
    pub address_free_max: u32,
    /// The first wait, in milliseconds; each further failure doubles it.
    pub wait_ms_min: u64,
    /// The longest wait, in milliseconds; at least the first one.
    pub wait_ms_max: u64,
    /// Quiet time after which failures are forgotten, in milliseconds; more than the longest wait.
    pub forget_ms: u64,
}

impl Default for FailedPasswordsConfig {
    fn default() -> Self {
        Self {
            account_free_max: 5,
            address_free_max: 50,
            wait_ms_min: 1_000,
            wait_ms_max: 60_000,
            forget_ms: 15 * 60 * 1_000,
        }
    }
}

impl Default for FailedPasswords {
    fn default() -> Self {
        Self::new(FailedPasswordsConfig::default())
    }
}

impl FailedPasswords {
    /// Nobody has failed yet.
    #[must_use]
    pub fn new(config: FailedPasswordsConfig) -> Self {
        let limits = |free_max| Limits { config, free_max };
        Self {
            accounts: Failures::new(limits(config.account_free_max)),
            addresses: Failures::new(limits(config.address_free_max)),
        }
    }

    /// Whether a password may be tried on this account from this address; if so the attempt is counted.
    /// An account's key is what the client named it by, so that unknown accounts behave like known ones.
    pub fn begin(
        &mut self,
        now: UnixMillis,
        account_key: &str,
        address: Option<IpAddr>,
    ) -> Result<(), RetryAfter> {
        let account_key = digest_of(account_key);
        let network = address.map(network_of);
        let account_ms = self.accounts.wait_ms(now, &account_key);
        let network_ms = network.map_or(0, |network| self.addresses.wait_ms(now, &network));
        let ms = account_ms.max(network_ms);
        if ms > 0 {
            return Err(RetryAfter { ms });
        }
        self.accounts.count(now, account_key);
        if let Some(network) = network {
            self.addresses.count(now, network);
        }
        Ok(())
    }

    /// The password was right: the account's failures are forgotten. The address gets back this attempt alone, or an
    /// attacker could clear it with an account of their own.
    pub fn succeeded(&mut self, account_key: &str, address: Option<IpAddr>) {
        self.accounts.forget(&digest_of(account_key));
        if let Some(address) = address {
            self.addresses.take_back(network_of(address));
        }
    }

    /// The password was not looked at, because of a failure of ours.
    pub fn withdrawn(&mut self, account_key: &str, address: Option<IpAddr>) {
        self.accounts.take_back(digest_of(account_key));
        if let Some(address) = address {
            self.addresses.take_back(network_of(address));
        }
    }

    /// Accounts with remembered failures, at most [`Self::ENTRIES_MAX`].
    #[must_use]
    pub fn account_count(&self) -> usize {
        self.accounts.entries.len()
    }

    /// Addresses with remembered failures, at most [`Self::ENTRIES_MAX`].
    #[must_use]
    pub fn address_count(&self) -> usize {
        self.addresses.entries.len()
    }

    /// Entries remembered of each kind. One more evicts the entry whose last failure is longest ago.
    pub const ENTRIES_MAX: usize = 65_536;
}

/// The first half of the SHA-256 of an account's key: entries have one size, however long the key.
type AccountKey = [u8; 16];

fn digest_of(account_key: &str) -> AccountKey {
    let digest = digest::digest(&digest::SHA256, account_key.as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&digest.as_ref()[..16]);
    key
}

/// An IPv4 address itself; of an IPv6 address the /64, which is what one household or host is given.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    count: u32,
    last_at: UnixMillis,
    wait_until: UnixMillis,
}

/// The settings, and which of the two numbers of free failures is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) config: FailedPasswordsConfig,
    pub(crate) free_max: u32,
}

/// Who failed how often, and has to wait; the one whose last failure is longest ago is forgotten where there are too
/// many.
#[derive(Debug)]
pub(crate) struct Failures<K> {
    limits: Limits,
    entries: BTreeMap<K, Failure>,
    /// The same entries, longest unused first.
    by_age: BTreeSet<(UnixMillis, K)>,
}

impl<K: Copy + Ord> Failures<K> {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: BTreeMap::new(),
            by_age: BTreeSet::new(),
        }
    }

    pub(crate) fn wait_ms(&self, now: UnixMillis, key: &K) -> u64 {
        let left = |failure: &Failure| failure.wait_until.0.saturating_sub(now.0);
        // The bound matters when the clock was set back.
        let wait_ms = self.entries.get(key).map_or(0, left);
        wait_ms.min(self.limits.config.wait_ms_max)
    }

    pub(crate) fn count(&mut self, now: UnixMillis, key: K) {
        let before = self.forget(&key);
        let forget_ms = self.limits.config.forget_ms;
        let remembered =
            before.filter(|failure| now.0.saturating_sub(failure.last_at.0) < forget_ms);
        let count = remembered
            .map_or(0, |failure| failure.count)
            .saturating_add(1);
        if self.entries.len() >= FailedPasswords::ENTRIES_MAX
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.insert(key, count, now);
    }

    fn take_back(&mut self, key: K) {
        if let Some(failure) = self.forget(&key)
            && failure.count > 1
        {
            self.insert(key, failure.count - 1, failure.last_at);
        }
    }

    fn insert(&mut self, key: K, count: u32, last_at: UnixMillis) {
        let wait_until = match self.limits.wait_ms_after(count) {
            0 => UnixMillis(0),
            ms => UnixMillis(last_at.0.saturating_add(ms)),
        };
        self.entries.insert(
            key,
            Failure {
                count,
                last_at,
                wait_until,
            },
        );
        self.by_age.insert((last_at, key));
    }

    fn forget(&mut self, key: &K) -> Option<Failure> {
        let failure = self.entries.remove(key)?;
        self.by_age.remove(&(failure.last_at, *key));
        Some(failure)
    }
}

impl Limits {
    /// The wait after this number of failures, in milliseconds.
    fn wait_ms_after(self, count: u32) -> u64 {
        let config = self.config;
        match count.checked_sub(self.free_max) {
            None | Some(0) => 0,
            Some(over) => {
                let doubled = 1_u64.checked_shl(over - 1).unwrap_or(u64::MAX);
                let wait_ms = config.wait_ms_min.saturating_mul(doubled);
                wait_ms.min(config.wait_ms_max)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const ACCOUNT_FREE_MAX: u32 = 5;
    const ADDRESS_FREE_MAX: u32 = 50;
    const WAIT_MS_MIN: u64 = 1_000;
    const WAIT_MS_MAX: u64 = 60_000;
    const FORGET_MS: u64 = 900_000;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    /// Attempts with a wrong password, one after another as soon as each is let through; returns the waits between.
    fn fail(failed: &mut FailedPasswords, now: &mut UnixMillis, key: &str, count: u32) -> Vec<u64> {
        let mut waits = Vec::new();
        for _ in 0..count {
            let wait = failed
                .begin(*now, key, None)
                .err()
                .map_or(0, |retry| retry.ms);
            if wait > 0 {
                assert!(
                    failed
                        .begin(UnixMillis(now.0 + wait - 1), key, None)
                        .is_err()
                );
                now.0 += wait;
                assert_eq!(
                    failed.begin(*now, key, None),
                    Ok(()),
                    "the wait ends when it says"
                );
            }
            waits.push(wait / 1_000);
        }
        waits
    }

    #[test]
    fn waits_begin_after_the_free_attempts_double_and_are_bounded() {
        let (mut failed, mut now) = (FailedPasswords::default(), NOW);
        let waits = fail(&mut failed, &mut now, "ann", 15);
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        for over in [7, 60, 63, 64, 65, u32::MAX - ACCOUNT_FREE_MAX] {
            let wait_ms = failed
                .accounts
                .limits
                .wait_ms_after(ACCOUNT_FREE_MAX + over);
            assert_eq!(wait_ms, WAIT_MS_MAX, "{over}");
        }
    }

    #[test]
    fn the_settings_count() {
        let (mut failed, mut now) = (
            FailedPasswords::new(FailedPasswordsConfig {
                account_free_max: 1,
                address_free_max: 2,
                wait_ms_min: 3_000,
                wait_ms_max: 7_000,
                forget_ms: 8_000,
            }),
            NOW,
        );
        assert_eq!(fail(&mut failed, &mut now, "ann", 5), [0, 0, 3, 6, 7]);
        now.0 += 8_000;
        assert_eq!(fail(&mut failed, &mut now, "ann", 3), [0, 0, 3]);
        for key in ["a", "b", "c"] {
            assert_eq!(failed.begin(NOW, key, address(1)), Ok(()));
        }
        let refused = failed.begin(NOW, "d", address(1));
        assert_eq!(refused, Err(RetryAfter { ms: 3_000 }));
    }

    #[test]
    fn attempts_at_once_are_counted_before_any_has_failed() {
        let mut failed = FailedPasswords::default();
        let let_through = (0..1_000)
            .filter(|_| failed.begin(NOW, "ann", None).is_ok())
            .count();
        assert_eq!(let_through, 6);
    }

    #[test]
    fn others_do_not_wait() {
        let mut failed = FailedPasswords::default();
        for _ in 0..=ACCOUNT_FREE_MAX {
            failed.begin(NOW, "ann", address(1)).unwrap();
        }
        assert!(
            failed.begin(NOW, "ann", address(2)).is_err(),
            "the account waits everywhere"
        );
        assert_eq!(
            failed.begin(NOW, "bob", address(1)),
            Ok(()),
            "the address is below its limit"
        );
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits() {
        let mut failed = FailedPasswords::default();
        for index in 0..=ADDRESS_FREE_MAX {
            assert_eq!(failed.begin(NOW, &index.to_string(), address(1)), Ok(()));
        }
        assert_eq!(
            failed.begin(NOW, "new", address(1)),
            Err(RetryAfter { ms: WAIT_MS_MIN })
        );
        assert_eq!(failed.begin(NOW, "new", address(2)), Ok(()));
    }

    #[test]
    fn right_passwords_cost_an_address_nothing_and_clear_nothing_else() {
        let mut failed = FailedPasswords::default();
        for index in 0..1_000 {
            failed.begin(NOW, &index.to_string(), address(1)).unwrap();
            failed.succeeded(&index.to_string(), address(1));
        }
        assert_eq!((failed.account_count(), failed.address_count()), (0, 0));
        for index in 0..ADDRESS_FREE_MAX {
            failed.begin(NOW, &index.to_string(), address(1)).unwrap();
        }
        failed.begin(NOW, "own", address(1)).unwrap();
        failed.succeeded("own", address(1));
        failed.begin(NOW, "other", address(1)).unwrap();
        assert!(failed.begin(NOW, "one more", address(1)).is_err());
    }

    #[test]
    fn what_was_not_looked_at_does_not_count() {
        let mut failed = FailedPasswords::default();
        for _ in 0..1_000 {
            failed.begin(NOW, "ann", address(1)).unwrap();
            failed.withdrawn("ann", address(1));
        }
        assert_eq!((failed.account_count(), failed.address_count()), (0, 0));
    }

    #[test]
    fn success_and_quiet_time_forget() {
        let (mut failed, mut now) = (FailedPasswords::default(), NOW);
        fail(&mut failed, &mut now, "ann", 6);
        failed.succeeded("ann", None);
        assert_eq!(fail(&mut failed, &mut now, "ann", 7), [0, 0, 0, 0, 0, 0, 1]);
        now.0 += FORGET_MS - 1;
        assert_eq!(
            fail(&mut failed, &mut now, "ann", 2),
            [0, 4],
            "still remembered"
        );
        now.0 += FORGET_MS;
        assert_eq!(
            fail(&mut failed, &mut now, "ann", 7),
            [0, 0, 0, 0, 0, 0, 1],
            "from the start"
        );
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let mut failed = FailedPasswords::default();
        let ahead = UnixMillis(NOW.0 + 86_400_000);
        failed.begin(ahead, "once", None).unwrap();
        assert_eq!(failed.begin(NOW, "once", None), Ok(()));
        for _ in 0..6 {
            failed.begin(ahead, "often", None).unwrap();
        }
        assert_eq!(
            failed.begin(NOW, "often", None),
            Err(RetryAfter { ms: WAIT_MS_MAX })
        );
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let mut failed = FailedPasswords::default();
        for index in 0..=ADDRESS_FREE_MAX {
            let address: IpAddr = format!("2001:db8:0:1::{index:x}").parse().unwrap();
            failed
                .begin(NOW, &index.to_string(), Some(address))
                .unwrap();
        }
        assert_eq!(failed.address_count(), 1);
        assert!(
            failed
                .begin(NOW, "x", Some("2001:db8:0:1:ffff::1".parse().unwrap()))
                .is_err()
        );
        assert!(
            failed
                .begin(NOW, "x", Some("2001:db8:0:2::1".parse().unwrap()))
                .is_ok()
        );
        failed
            .begin(NOW, "y", Some("::ffff:192.0.2.1".parse().unwrap()))
            .unwrap();
        failed.begin(NOW, "y", address(1)).unwrap();
        assert_eq!(
            failed.address_count(),
            3,
            "a mapped address is its IPv4 address"
        );
    }

    #[test]
    fn one_entry_too_many_evicts_the_oldest_failure() {
        let (mut failed, mut now) = (FailedPasswords::default(), NOW);
        fail(&mut failed, &mut now, "first", 6);
        for index in 1..FailedPasswords::ENTRIES_MAX {
            failed
                .begin(UnixMillis(NOW.0 + 1), &index.to_string(), None)
                .unwrap();
        }
        assert_eq!(failed.account_count(), FailedPasswords::ENTRIES_MAX);
        let at = UnixMillis(NOW.0 + 2);
        assert!(
            failed.begin(at, "first", None).is_err(),
            "at the limit nobody is forgotten"
        );
        failed.begin(at, "one too many", None).unwrap();
        assert_eq!(failed.account_count(), FailedPasswords::ENTRIES_MAX);
        assert_eq!(failed.accounts.by_age.len(), FailedPasswords::ENTRIES_MAX);
        assert_eq!(failed.begin(at, "first", None), Ok(()));
    }
}
