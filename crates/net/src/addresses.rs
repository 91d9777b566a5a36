//! Who may connect: one bounded table of connections per address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use crate::Limits;

/// Counts of open connections, in all and per address; clones share one table.
///
/// IPv4 counts by address (also when written as IPv6), IPv6 by its /64, which is what one household gets.
/// Each entry belongs to at least one connection, so that the table never has more than `connections_max` entries:
/// at that bound everybody new is refused, whoever they are.
#[derive(Clone, Debug)]
pub struct Addresses {
    shared: Arc<Shared>,
}

/// A connection's place in the table, given back on drop.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
    key: Option<AddressKey>,
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Refused {
    /// As many connections as `connections_max` allows are open.
    #[error("server full")]
    Full,
    /// This address has as many as `connections_per_address_max` allows.
    #[error("too many connections from one address")]
    Address,
}

#[derive(Debug)]
struct Shared {
    connections_max: u32,
    connections_per_address_max: u32,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    connection_count: u32,
    count_by_address: HashMap<AddressKey, u32>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum AddressKey {
    V4(Ipv4Addr),
    /// The upper 64 bits.
    V6(u64),
}

impl Addresses {
    /// An empty table with the limits `connections_max` and `connections_per_address_max`.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                connections_max: limits.connections_max,
                connections_per_address_max: limits.connections_per_address_max,
                table: Mutex::default(),
            }),
        }
    }

    /// A place for a connection from `ip`.
    ///
    /// # Errors
    /// [`Refused`] when one of the limits is reached; nothing is counted then.
    pub fn take(&self, ip: IpAddr) -> Result<Permit, Refused> {
        let mut permit = self.take_unnamed()?;
        permit.name(ip)?;
        Ok(permit)
    }

    /// A place for a connection from a trusted proxy, counted in all but for no address until [`Permit::name`].
    ///
    /// # Errors
    /// [`Refused::Full`].
    pub fn take_unnamed(&self) -> Result<Permit, Refused> {
        let mut table = self.shared.table();
        if table.connection_count >= self.shared.connections_max {
            return Err(Refused::Full);
        }
        table.connection_count += 1;
        Ok(Permit {
            shared: Arc::clone(&self.shared),
            key: None,
        })
    }

    /// Connections open now.
    #[must_use]
    pub fn connection_count(&self) -> u32 {
        self.shared.table().connection_count
    }

    /// Entries in the table now.
    #[must_use]
    pub fn address_count(&self) -> usize {
        self.shared.table().count_by_address.len()
    }
}

impl Permit {
    /// Counts the connection for `ip` from here on, and no longer for the address before.
    ///
    /// # Errors
    /// [`Refused::Address`] when that address has too many; the permit stays as it was, and the caller should close.
    pub fn name(&mut self, ip: IpAddr) -> Result<(), Refused> {
        let key = AddressKey::of(ip);
        if self.key == Some(key) {
            return Ok(());
        }
        let mut table = self.shared.table();
        if !table.add(key, self.shared.connections_per_address_max) {
            return Err(Refused::Address);
        }
        if let Some(before) = self.key.replace(key) {
            table.remove(before);
        }
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        table.connection_count -= 1;
        if let Some(key) = self.key {
            table.remove(key);
        }
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing between lock and unlock can panic half-way, so that a poisoned table is still a right one.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Counts one more for `key` unless it has `max` already.
    fn add(&mut self, key: AddressKey, max: u32) -> bool {
        match self.count_by_address.entry(key) {
            Entry::Occupied(mut entry) if *entry.get() < max => *entry.get_mut() += 1,
            Entry::Vacant(entry) if max > 0 => {
                entry.insert(1);
            }
            Entry::Occupied(_) | Entry::Vacant(_) => return false,
        }
        true
    }

    fn remove(&mut self, key: AddressKey) {
        if let Entry::Occupied(mut entry) = self.count_by_address.entry(key) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

impl AddressKey {
    fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip),
            // The shift leaves 64 bits.
            IpAddr::V6(ip) => Self::V6((ip.to_bits() >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tagus_base::Rng;

    fn table(connections_max: u32, connections_per_address_max: u32) -> Addresses {
        Addresses::new(&Limits {
            connections_max,
            connections_per_address_max,
            ..Limits::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_gets_its_maximum_and_not_one_more() {
        let addresses = table(100, 2);
        let first = addresses.take(ip("192.0.2.1")).unwrap();
        let _second = addresses.take(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(
            addresses.take(ip("192.0.2.1")).unwrap_err(),
            Refused::Address
        );
        assert_eq!(
            addresses.connection_count(),
            2,
            "a refusal must leave nothing counted"
        );
        let _other = addresses.take(ip("192.0.2.2")).unwrap();
        drop(first);
        let _again = addresses.take(ip("192.0.2.1")).unwrap();
        assert_eq!(
            addresses.take(ip("192.0.2.1")).unwrap_err(),
            Refused::Address
        );
    }

    #[test]
    fn ipv6_counts_by_its_64() {
        let addresses = table(100, 1);
        let _one = addresses.take(ip("2001:db8:0:1::1")).unwrap();
        assert_eq!(
            addresses.take(ip("2001:db8:0:1:ffff::2")).unwrap_err(),
            Refused::Address
        );
        let _neighbour = addresses.take(ip("2001:db8:0:2::1")).unwrap();
    }

    #[test]
    fn the_whole_table_has_its_maximum_and_empties_again() {
        let addresses = table(3, 10);
        let permits: Vec<_> = (1..=3)
            .map(|last| addresses.take(IpAddr::from([192, 0, 2, last])).unwrap())
            .collect();
        assert_eq!(addresses.take(ip("192.0.2.9")).unwrap_err(), Refused::Full);
        assert_eq!(addresses.take_unnamed().unwrap_err(), Refused::Full);
        assert_eq!(
            (addresses.connection_count(), addresses.address_count()),
            (3, 3)
        );
        drop(permits);
        assert_eq!(
            (addresses.connection_count(), addresses.address_count()),
            (0, 0)
        );
    }

    #[test]
    fn a_connection_through_a_proxy_counts_for_its_client_once_named() {
        let addresses = table(10, 1);
        let mut permit = addresses.take_unnamed().unwrap();
        assert_eq!(
            (addresses.connection_count(), addresses.address_count()),
            (1, 0)
        );
        permit.name(ip("192.0.2.1")).unwrap();
        permit.name(ip("192.0.2.1")).unwrap();
        let mut second = addresses.take_unnamed().unwrap();
        assert_eq!(second.name(ip("192.0.2.1")), Err(Refused::Address));
        permit.name(ip("192.0.2.2")).unwrap();
        second.name(ip("192.0.2.1")).unwrap();
        drop((permit, second));
        assert_eq!(
            (addresses.connection_count(), addresses.address_count()),
            (0, 0)
        );
    }

    #[test]
    fn random_takes_and_drops_agree_with_counting_a_list() {
        let addresses = table(20, 3);
        let mut rng = Rng::new(7);
        let mut held: Vec<(IpAddr, Permit)> = Vec::new();
        for _ in 0..5_000 {
            if rng.below(2) == 0 && !held.is_empty() {
                held.swap_remove(rng.below(u32::try_from(held.len()).unwrap()) as usize);
            }
            let ip = IpAddr::from([10, 0, 0, u8::try_from(rng.below(12)).unwrap()]);
            let expected = match held.iter().filter(|(other, _)| *other == ip).count() {
                _ if held.len() == 20 => Err(Refused::Full),
                3 => Err(Refused::Address),
                _ => Ok(()),
            };
            let got = addresses.take(ip);
            assert_eq!(
                got.as_ref().map(|_| ()).map_err(|refused| *refused),
                expected
            );
            held.extend(got.ok().map(|permit| (ip, permit)));
            assert_eq!(addresses.connection_count() as usize, held.len());
        }
    }
}
