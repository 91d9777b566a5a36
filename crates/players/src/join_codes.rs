//! Codes by which people let others join a party or a room. They are in memory, on this node, and end with what they
//! lead to.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

use std::net::IpAddr;

use hashbrown::HashMap;
use tagus_base::{RoomId, UnixMillis, UserId};

use crate::failed_passwords::{Failures, Limits, network_of};
use crate::{FailedPasswordsConfig, PartyId, PlayersError, RetryAfter, Sqids};

/// What a code leads to.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Joinable {
    /// A party.
    Party(PartyId),
    /// A room.
    Room(RoomId),
}

/// Who tries a code: both are counted, since either can be changed at will.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CodeAsker {
    /// The account.
    pub user_id: UserId,
    /// Where its connection comes from.
    pub address: IpAddr,
}

/// Why a text leads nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodeRefused {
    /// No code is written like this.
    #[error("read join code")]
    NoCode,
    /// Nothing of the wanted kind has this code.
    #[error("find what a join code leads to")]
    Unknown,
    /// Too many wrong ones were tried; this one was not looked at.
    #[error("try join code again before {} ms are over", .0.ms)]
    TooManyWrong(RetryAfter),
}

/// The codes of a node: one for each party and room whose code was asked for.
///
/// Numbers are drawn at random from all of 32 bits, so that a code says nothing about others and guesses find nothing:
/// wrong ones cost waiting, as wrong passwords do.
#[derive(Debug)]
pub struct JoinCodes {
    sqids: Sqids,
    codes_max: usize,
    by_number: HashMap<u32, Joinable>,
    numbers: HashMap<Joinable, u32>,
    wrong_of_users: Failures<UserId>,
    wrong_of_networks: Failures<IpAddr>,
}

impl JoinCodes {
    /// None yet, to be written by `sqids`; `codes_max` of them at once, 1..=[`JOIN_CODES_MAX`].
    #[must_use]
    pub fn new(sqids: Sqids, codes_max: usize) -> Self {
        let config = FailedPasswordsConfig::default();
        let failures = |free_max| Limits { config, free_max };
        Self {
            sqids,
            codes_max: codes_max.clamp(1, JOIN_CODES_MAX),
            by_number: HashMap::new(),
            numbers: HashMap::new(),
            wrong_of_users: Failures::new(failures(WRONG_CODES_FREE_MAX)),
            wrong_of_networks: Failures::new(failures(config.address_free_max)),
        }
    }

    /// The code of something that is there; it is made of the first free number that is drawn when there is none.
    ///
    /// # Errors
    /// There are too many codes, or no drawn number is free.
    pub fn code(
        &mut self,
        what: Joinable,
        mut draw: impl FnMut() -> u32,
    ) -> Result<String, PlayersError> {
        if let Some(number) = self.numbers.get(&what) {
            return Ok(self.sqids.encode(*number));
        }
        if self.numbers.len() >= self.codes_max {
            return Err(TOO_MANY);
        }
        let mut drawn = (0..DRAWS_MAX).map(|_| draw());
        let free = drawn.find(|number| !self.by_number.contains_key(number));
        let number = free.ok_or(NONE_FREE)?;
        self.by_number.insert(number, what);
        self.numbers.insert(what, number);
        Ok(self.sqids.encode(number))
    }

    /// The party of a code.
    ///
    /// # Errors
    /// See [`CodeRefused`].
    pub fn party(
        &mut self,
        now: UnixMillis,
        asker: CodeAsker,
        code: &str,
    ) -> Result<PartyId, CodeRefused> {
        self.find(now, asker, code, |what| match what {
            Joinable::Party(id) => Some(id),
            Joinable::Room(_) => None,
        })
    }

    /// The room of a code.
    ///
    /// # Errors
    /// See [`CodeRefused`].
    pub fn room(
        &mut self,
        now: UnixMillis,
        asker: CodeAsker,
        code: &str,
    ) -> Result<RoomId, CodeRefused> {
        self.find(now, asker, code, |what| match what {
            Joinable::Room(id) => Some(id),
            Joinable::Party(_) => None,
        })
    }

    /// Ends the code of something; fine where it has none.
    pub fn forget(&mut self, what: Joinable) {
        if let Some(number) = self.numbers.remove(&what) {
            self.by_number.remove(&number);
        }
    }

    /// Codes in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether no code is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    fn find<T>(
        &mut self,
        now: UnixMillis,
        asker: CodeAsker,
        code: &str,
        wanted: impl Fn(Joinable) -> Option<T>,
    ) -> Result<T, CodeRefused> {
        let number = self.sqids.decode(code).ok_or(CodeRefused::NoCode)?;
        let network = network_of(asker.address);
        let user_ms = self.wrong_of_users.wait_ms(now, &asker.user_id);
        let ms = user_ms.max(self.wrong_of_networks.wait_ms(now, &network));
        if ms > 0 {
            return Err(CodeRefused::TooManyWrong(RetryAfter { ms }));
        }
        let found = self.by_number.get(&number).copied().and_then(wanted);
        found.ok_or_else(|| {
            self.wrong_of_users.count(now, asker.user_id);
            self.wrong_of_networks.count(now, network);
            CodeRefused::Unknown
        })
    }
}

/// Codes in use on a node, at most; for one more is refused what was asked.
pub const JOIN_CODES_MAX: usize = 262_144;

/// Wrong codes that an account may try before it has to wait, longer with each further one; addresses, the waiting and
/// its end are as for wrong passwords.
pub const WRONG_CODES_FREE_MAX: u32 = 10;

/// Numbers drawn until one is free; with all codes in use the first one nearly always is.
const DRAWS_MAX: usize = 16;

const TOO_MANY: PlayersError =
    PlayersError::FailedPrecondition("Too many join codes are in use, try again later.");
const NONE_FREE: PlayersError = PlayersError::Aborted("No code was free, try again.");

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tagus_base::Uuid;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn codes(codes_max: usize) -> JoinCodes {
        let sqids = Sqids::new("BCDFGHJKMNPQRSTVWXYZ23456789", 6).unwrap();
        JoinCodes::new(sqids, codes_max)
    }

    fn room(number: u8) -> RoomId {
        RoomId {
            uuid: Uuid([number; 16]),
            home: None,
        }
    }

    fn party(number: u8) -> PartyId {
        PartyId {
            uuid: Uuid([number; 16]),
            node: "n".parse().unwrap(),
        }
    }

    fn asker(user: u8, address: u8) -> CodeAsker {
        CodeAsker {
            user_id: UserId(Uuid([user; 16])),
            address: IpAddr::from([192, 0, 2, address]),
        }
    }

    #[test]
    fn a_code_is_for_one_kind_in_any_case_until_it_is_forgotten() {
        let mut codes = codes(10);
        let who = asker(1, 1);
        let of_party = codes.code(Joinable::Party(party(1)), || 7).unwrap();
        // The number is taken: the next draw counts.
        let mut draws = [7, 7, 8].into_iter();
        let of_room = codes
            .code(Joinable::Room(room(1)), || draws.next().unwrap())
            .unwrap();
        assert_ne!(of_party, of_room);
        let again = codes.code(Joinable::Party(party(1)), || panic!("it has one"));
        assert_eq!(again.unwrap(), of_party);
        let lower = of_party.to_lowercase();
        assert_eq!(codes.party(NOW, who, &lower), Ok(party(1)));
        assert_eq!(codes.room(NOW, who, &of_room), Ok(room(1)));
        assert_eq!(codes.room(NOW, who, &of_party), Err(CodeRefused::Unknown));
        assert_eq!(codes.party(NOW, who, "no!"), Err(CodeRefused::NoCode));
        codes.forget(Joinable::Party(party(1)));
        codes.forget(Joinable::Party(party(2)));
        assert_eq!(codes.party(NOW, who, &of_party), Err(CodeRefused::Unknown));
        assert_eq!(codes.len(), 1);
    }

    #[test]
    fn one_more_than_the_limit_is_refused() {
        let mut codes = codes(2);
        for number in 0..2 {
            let what = Joinable::Room(room(number));
            codes.code(what, || number.into()).unwrap();
        }
        let more = Joinable::Room(room(2));
        assert!(matches!(
            codes.code(more, || 9),
            Err(PlayersError::FailedPrecondition(_))
        ));
        codes.forget(Joinable::Room(room(0)));
        // All that is drawn is taken.
        let mut draws = 0;
        let stuck = codes.code(more, || {
            draws += 1;
            1
        });
        assert!(matches!(stuck, Err(PlayersError::Aborted(_))));
        assert_eq!(draws, DRAWS_MAX);
        assert!(codes.code(more, || 9).is_ok());
    }

    #[test]
    fn wrong_codes_make_the_account_wait_and_then_the_address() {
        let mut codes = codes(10);
        let good = codes.code(Joinable::Room(room(1)), || 7).unwrap();
        let wrong = codes.sqids.encode(8);
        for _ in 0..=WRONG_CODES_FREE_MAX {
            assert_eq!(codes.room(NOW, asker(1, 1), &good), Ok(room(1)));
            let refused = codes.room(NOW, asker(1, 1), &wrong);
            assert_eq!(refused, Err(CodeRefused::Unknown));
        }
        // Even the right one is not looked at, wherever the account comes from.
        let wait = Err(CodeRefused::TooManyWrong(RetryAfter { ms: 1_000 }));
        assert_eq!(codes.room(NOW, asker(1, 2), &good), wait);
        let later = UnixMillis(NOW.0 + 1_000);
        assert_eq!(codes.room(later, asker(1, 2), &good), Ok(room(1)));
        // New accounts do not help who stays at one address.
        let address_free_max = FailedPasswordsConfig::default().address_free_max;
        for user in 0..=address_free_max {
            let who = asker(u8::try_from(user).unwrap() + 10, 9);
            let refused = codes.room(NOW, who, &wrong);
            assert_eq!(refused, Err(CodeRefused::Unknown));
        }
        assert_eq!(codes.room(NOW, asker(200, 9), &good), wait);
        assert_eq!(codes.room(NOW, asker(200, 8), &good), Ok(room(1)));
    }

    proptest! {
        /// Against a list of pairs: codes and what they lead to are one to one, whatever is made and forgotten.
        #[test]
        fn codes_and_rooms_stay_one_to_one(steps in prop::collection::vec((0_u8..6, 0_u32..8, any::<bool>()), 0..60)) {
            let mut codes = codes(4);
            let mut model: BTreeMap<u8, u32> = BTreeMap::new();
            for (subject, drawn, makes) in steps {
                let what = Joinable::Room(room(subject));
                if makes {
                    let made = codes.code(what, || drawn);
                    let is_free = model.len() < 4 && !model.values().any(|number| *number == drawn);
                    if !model.contains_key(&subject) && is_free {
                        model.insert(subject, drawn);
                    }
                    let expected = model.get(&subject).map(|number| codes.sqids.encode(*number));
                    prop_assert_eq!(made.ok(), expected);
                } else {
                    codes.forget(what);
                    model.remove(&subject);
                }
                prop_assert_eq!(codes.len(), model.len());
                for (subject, number) in &model {
                    let code = codes.sqids.encode(*number);
                    prop_assert_eq!(codes.room(NOW, asker(1, 1), &code), Ok(room(*subject)));
                }
            }
        }
    }
}
