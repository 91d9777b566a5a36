//! Who follows whose status.

use std::collections::{BTreeSet, HashMap};

use tagus_base::{SessionId, UserId};

/// Users that one connection may follow; following more is refused.
pub const FOLLOWS_MAX: usize = 1_000;

/// A follow was refused, and nothing changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("follow more than {FOLLOWS_MAX} users")]
pub struct TooManyFollows;

/// Which connections of this node are told of whose status.
#[derive(Debug, Default)]
pub struct Followers {
    followed: HashMap<SessionId, BTreeSet<UserId>>,
    followers: HashMap<UserId, BTreeSet<SessionId>>,
}

impl Followers {
    /// The connection is told of these users' status from now on, all of them or, on refusal, none.
    ///
    /// # Errors
    /// It would follow more than [`FOLLOWS_MAX`] users.
    pub fn follow(
        &mut self,
        session_id: SessionId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<(), TooManyFollows> {
        let mut followed = self.followed.get(&session_id).cloned().unwrap_or_default();
        followed.extend(users);
        if followed.len() > FOLLOWS_MAX {
            return Err(TooManyFollows);
        }
        for user in &followed {
            self.followers.entry(*user).or_default().insert(session_id);
        }
        if !followed.is_empty() {
            self.followed.insert(session_id, followed);
        }
        Ok(())
    }

    /// The connection is told of these users no more.
    pub fn unfollow(&mut self, session_id: SessionId, users: impl IntoIterator<Item = UserId>) {
        let Some(followed) = self.followed.get_mut(&session_id) else {
            return;
        };
        let gone: Vec<UserId> = users
            .into_iter()
            .filter(|user| followed.remove(user))
            .collect();
        if followed.is_empty() {
            self.followed.remove(&session_id);
        }
        for user in gone {
            self.forget(user, session_id);
        }
    }

    /// The connection is gone.
    pub fn remove(&mut self, session_id: SessionId) {
        for user in self.followed.remove(&session_id).unwrap_or_default() {
            self.forget(user, session_id);
        }
    }

    /// The connections that follow this user, in order.
    pub fn of(&self, user: UserId) -> impl Iterator<Item = SessionId> {
        self.followers.get(&user).into_iter().flatten().copied()
    }

    fn forget(&mut self, user: UserId, session_id: SessionId) {
        if let Some(sessions) = self.followers.get_mut(&user) {
            sessions.remove(&session_id);
            if sessions.is_empty() {
                self.followers.remove(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tagus_base::Uuid;

    use super::*;

    fn user(number: u16) -> UserId {
        let [high, low] = number.to_be_bytes();
        let mut bytes = [0; 16];
        bytes[0] = high;
        bytes[1] = low;
        UserId(Uuid(bytes))
    }

    fn session(number: u8) -> SessionId {
        SessionId(Uuid([number; 16]))
    }

    #[test]
    fn followers_come_and_go() {
        let mut followers = Followers::default();
        followers.follow(session(1), [user(1), user(2)]).unwrap();
        followers.follow(session(2), [user(1)]).unwrap();
        assert!(followers.of(user(1)).eq([session(1), session(2)]));
        followers.unfollow(session(1), [user(1), user(9)]);
        assert!(followers.of(user(1)).eq([session(2)]));
        assert!(followers.of(user(2)).eq([session(1)]));
        followers.remove(session(1));
        followers.remove(session(2));
        assert!(followers.followed.is_empty() && followers.followers.is_empty());
    }

    #[test]
    fn one_too_many_changes_nothing() {
        let mut followers = Followers::default();
        let most = u16::try_from(FOLLOWS_MAX).unwrap();
        followers.follow(session(1), (1..most).map(user)).unwrap();
        followers.follow(session(1), [user(1), user(most)]).unwrap();
        let refused = followers.follow(session(1), [user(most + 1)]);
        assert_eq!(refused, Err(TooManyFollows));
        assert_eq!(followers.of(user(most + 1)).count(), 0);
        followers.follow(session(2), []).unwrap();
        assert!(!followers.followed.contains_key(&session(2)));
    }
}
