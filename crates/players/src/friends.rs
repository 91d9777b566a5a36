//! Friends: invitations, friendships and blocks between two accounts.
//!
//! Each side has an edge of its own. Who changes a pair reads both edges, decides, and commits under the condition that
//! neither has changed meanwhile; otherwise it decides anew.

use std::collections::BTreeSet;
use std::fmt;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{Batch, Conflict, FriendOp, FriendRow, Op, Store};

use crate::channel::direct_channel;
use crate::cursor::{Cursor, MALFORMED, checked_limit};
use crate::notifications::is_json_object;
use crate::{NewNotification, Notifications, PlayersError, Push, User, notification_code};

/// How one account stands to another.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum FriendState {
    /// Both are friends.
    Friend,
    /// Invited the other.
    InviteSent,
    /// Was invited by the other.
    InviteReceived,
    /// Blocked the other, who has no edge, or has blocked back.
    Blocked,
}

impl FriendState {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Friend => 0,
            Self::InviteSent => 1,
            Self::InviteReceived => 2,
            Self::Blocked => 3,
        }
    }

    /// The state with this number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        ALL.into_iter()
            .find(|state| i64::from(state.number()) == number)
    }
}

const ALL: [FriendState; 4] = [
    FriendState::Friend,
    FriendState::InviteSent,
    FriendState::InviteReceived,
    FriendState::Blocked,
];

/// Who changes their friends.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The account.
    pub user_id: UserId,
    /// Its user name, for the notifications.
    pub username: &'a str,
}

/// What an account does about another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verb {
    Add,
    Remove,
    Block,
}

/// An entry of a list of friends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Friend {
    /// The other account.
    pub user: User,
    /// How the list's owner stands to it.
    pub state: FriendState,
    /// When it came to this state.
    pub update_time: UnixMillis,
    /// JSON object of the list's owner, as text.
    pub metadata: String,
}

/// A page of a list of friends.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FriendPage {
    /// By state, then the longest standing first.
    pub friends: Vec<Friend>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

/// A page of friends' friends: the friend who knows them, and them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FarFriendPage {
    /// In order of their ids.
    pub friends: Vec<(UserId, User)>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

/// The friends and their rules.
#[derive(Clone)]
pub struct Friends {
    store: Store,
    notifications: Notifications,
}

impl Friends {
    /// Friends that lie in the store.
    #[must_use]
    pub const fn new(store: Store, notifications: Notifications) -> Self {
        Self {
            store,
            notifications,
        }
    }

    /// Invites these accounts, or accepts their invitations. Nothing happens to those who are friends or invited already,
    /// and none is told that they were blocked. `metadata` is put on new edges of the caller's; empty is `{}`.
    ///
    /// # Errors
    /// An account that does not exist, oneself, too many at once, metadata that is no JSON object, a full list.
    pub async fn add(
        &self,
        now: UnixMillis,
        asker: Asker<'_>,
        others: &[UserId],
        metadata: &str,
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        if metadata.len() > METADATA_BYTES_MAX || !(metadata.is_empty() || is_json_object(metadata))
        {
            return Err(PlayersError::InvalidArgument(
                "Friend metadata must be a JSON object of at most 2048 bytes.",
            ));
        }
        let counts = self.store.friend_counts(&[asker.user_id]).await;
        let count: u64 = counts.map_err(READ)?.iter().sum();
        if count + others.len() as u64 > FRIENDS_MAX {
            return Err(PlayersError::FailedPrecondition("Friend list is full."));
        }
        self.change_all(now, asker, others, (Verb::Add, metadata), out)
            .await
    }

    /// Ends friendships, takes invitations back or declines them, and ends blocks of the caller's own.
    ///
    /// # Errors
    /// As [`Friends::add`], but for the full list.
    pub async fn remove(
        &self,
        now: UnixMillis,
        asker: Asker<'_>,
        others: &[UserId],
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        self.change_all(now, asker, others, (Verb::Remove, ""), out)
            .await
    }

    /// Blocks these accounts; friendships and invitations between them and the caller end.
    ///
    /// # Errors
    /// As [`Friends::add`], but for the full list.
    pub async fn block(
        &self,
        now: UnixMillis,
        asker: Asker<'_>,
        others: &[UserId],
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        self.change_all(now, asker, others, (Verb::Block, ""), out)
            .await
    }

    /// How `one` stands to `other`, if at all.
    ///
    /// # Errors
    /// The database failed.
    pub async fn state(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<FriendState>, PlayersError> {
        let edges = self.store.friend_edges(one, other).await;
        let [edge, _] = edges.map_err(READ)?;
        Ok(edge.and_then(|edge| FriendState::from_number(edge.state)))
    }

    /// A page of an account's list, of one state if it is named.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`FRIENDS_LIST_MAX`], a state that is none, a cursor that is none of this list.
    pub async fn list(
        &self,
        user_id: UserId,
        limit: i32,
        state: Option<i32>,
        cursor: &str,
    ) -> Result<FriendPage, PlayersError> {
        let limit = checked_limit(limit, FRIENDS_LIST_MAX)?;
        let state = match state {
            None => None,
            Some(number) => Some(FriendState::from_number(number.into()).ok_or(
                PlayersError::InvalidArgument("Invalid state - state must be between 0 and 3."),
            )?),
        };
        let number = state.map(|state| i64::from(state.number()));
        let mut after = (i64::MIN, UnixMillis(0), UserId(Uuid::NIL));
        if !cursor.is_empty() {
            let mut read = Cursor::read(KIND_LIST, cursor)?;
            let of = read.int()?;
            after = (read.int()?, read.time()?, read.user()?);
            read.end()?;
            if of != number.unwrap_or(-1) {
                return Err(MALFORMED);
            }
        }
        let rows = self.store.friends(user_id, number, after, limit + 1).await;
        let mut rows = rows.map_err(READ)?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let cursor = match rows.last() {
            Some(row) if more => Cursor::new(KIND_LIST)
                .int(number.unwrap_or(-1))
                .int(row.state)
                .time(row.update_time)
                .uuid(row.destination.0)
                .write(),
            _ => String::new(),
        };
        let ids: Vec<UserId> = rows.iter().map(|row| row.destination).collect();
        let accounts = self.store.accounts_by_ids(&ids).await.map_err(READ)?;
        let mut users = accounts.into_iter().map(User::from).peekable();
        // Accounts come in the order of the ids; one that was deleted meanwhile is left out.
        let friends = rows.into_iter().filter_map(|row| {
            let user = users.next_if(|user| user.id == row.destination)?;
            Some(Friend {
                user,
                state: FriendState::from_number(row.state)?,
                update_time: row.update_time,
                metadata: row.metadata,
            })
        });
        Ok(FriendPage {
            friends: friends.collect(),
            cursor,
        })
    }

    /// A page of those who are friends of friends, and neither in the account's list nor have it in theirs.
    ///
    /// # Errors
    /// As [`Friends::list`].
    pub async fn friends_of_friends(
        &self,
        user_id: UserId,
        limit: i32,
        cursor: &str,
    ) -> Result<FarFriendPage, PlayersError> {
        let limit = checked_limit(limit, FRIENDS_LIST_MAX)?;
        let mut after = UserId(Uuid::NIL);
        if !cursor.is_empty() {
            let mut read = Cursor::read(KIND_FAR, cursor)?;
            after = read.user()?;
            read.end()?;
        }
        let friend = FriendState::Friend.number().into();
        let found = self
            .store
            .friends_of_friends(user_id, friend, after, limit + 1);
        let mut found = found.await.map_err(READ)?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let cursor = match found.last() {
            Some((far, _)) if more => Cursor::new(KIND_FAR).uuid(far.0).write(),
            _ => String::new(),
        };
        let ids: Vec<UserId> = found.iter().map(|(far, _)| *far).collect();
        let accounts = self.store.accounts_by_ids(&ids).await.map_err(READ)?;
        let mut users = accounts.into_iter().map(User::from).peekable();
        let friends = found
            .into_iter()
            .filter_map(|(far, near)| Some((near, users.next_if(|user| user.id == far)?)));
        Ok(FarFriendPage {
            friends: friends.collect(),
            cursor,
        })
    }

    async fn change_all(
        &self,
        now: UnixMillis,
        asker: Asker<'_>,
        others: &[UserId],
        (verb, metadata): (Verb, &str),
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        if others.len() > REQUEST_MAX {
            return Err(PlayersError::InvalidArgument(
                "At most 100 friends may be changed at once.",
            ));
        }
        if others.contains(&asker.user_id) {
            return Err(PlayersError::InvalidArgument(match verb {
                Verb::Add => "Cannot add self as friend.",
                Verb::Remove => "Cannot delete self as friend.",
                Verb::Block => "Cannot block self.",
            }));
        }
        let others: Vec<UserId> = BTreeSet::from_iter(others).into_iter().copied().collect();
        if verb != Verb::Remove {
            let found = self.store.accounts_by_ids(&others).await.map_err(READ)?;
            if found.len() < others.len() {
                return Err(PlayersError::NotFound("User not found."));
            }
        }
        for other in others {
            self.change(now, asker, other, (verb, metadata), out)
                .await?;
        }
        Ok(())
    }

    async fn change(
        &self,
        now: UnixMillis,
        asker: Asker<'_>,
        other: UserId,
        (verb, metadata): (Verb, &str),
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        for _ in 0..ATTEMPTS_MAX {
            let edges = self.store.friend_edges(asker.user_id, other).await;
            let [mine, theirs] = edges.map_err(READ)?;
            let state = |edge: &Option<FriendRow>| {
                let number = edge.as_ref().map(|edge| edge.state);
                number.and_then(FriendState::from_number)
            };
            let next = decide(verb, state(&mine), state(&theirs));
            let (mut ops, mut pushes) = (Vec::new(), Vec::new());
            let edge = |source, destination, metadata: &str| FriendRow {
                source,
                destination,
                state: 0,
                metadata: metadata.to_owned(),
                update_time: now,
            };
            let metadata = if metadata.is_empty() { "{}" } else { metadata };
            let (own, far) = (
                edge(asker.user_id, other, metadata),
                edge(other, asker.user_id, "{}"),
            );
            turn(mine, own, next.mine, &mut ops);
            turn(theirs, far, next.theirs, &mut ops);
            if ops.is_empty() {
                return Ok(());
            }
            if let Some(code) = next.told {
                let told = notification(asker, other, code);
                self.notifications.prepare(now, told, &mut ops, &mut pushes);
            }
            match self.store.commit(ops.into_iter().collect::<Batch>()).await {
                Ok(_) => {
                    out.extend(pushes);
                    if verb == Verb::Block {
                        out.extend(end_of_chat(asker.user_id, other));
                    }
                    return Ok(());
                }
                Err(error) if error.conflict() == Some(Conflict::Changed) => {}
                Err(error) if error.conflict() == Some(Conflict::Missing) => {
                    return Err(PlayersError::NotFound("User not found."));
                }
                Err(source) => {
                    return Err(PlayersError::Store {
                        attempt: "change friends",
                        source,
                    });
                }
            }
        }
        Err(PlayersError::Aborted(
            "Friends changed at the same time, try again.",
        ))
    }
}

impl fmt::Debug for Friends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Friends").finish_non_exhaustive()
    }
}

/// What becomes of the two edges of a pair, and what the other side is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Next {
    mine: Option<FriendState>,
    theirs: Option<FriendState>,
    told: Option<i32>,
}

fn decide(verb: Verb, mine: Option<FriendState>, theirs: Option<FriendState>) -> Next {
    use FriendState::{Blocked, Friend, InviteReceived, InviteSent};
    let next = |mine, theirs, told| Next { mine, theirs, told };
    match (verb, mine, theirs) {
        (Verb::Add, None, None) => next(
            Some(InviteSent),
            Some(InviteReceived),
            Some(notification_code::FRIEND_REQUEST),
        ),
        (Verb::Add, Some(InviteReceived), Some(InviteSent)) => next(
            Some(Friend),
            Some(Friend),
            Some(notification_code::FRIEND_ACCEPT),
        ),
        // Who was blocked, or has blocked, changes nothing by inviting, and is not told.
        (Verb::Add, mine, theirs) => next(mine, theirs, None),
        // A block by the other side is theirs to end.
        (Verb::Remove, _, Some(Blocked)) => next(None, Some(Blocked), None),
        (Verb::Remove, Some(Friend), _) => next(None, None, Some(notification_code::FRIEND_REMOVE)),
        (Verb::Remove, _, _) => next(None, None, None),
        (Verb::Block, _, Some(Blocked)) => next(Some(Blocked), Some(Blocked), None),
        (Verb::Block, _, _) => next(Some(Blocked), None, None),
    }
}

/// Neither stays in the channel of the two.
fn end_of_chat(one: UserId, other: UserId) -> impl Iterator<Item = Push> {
    [one, other].into_iter().map(move |user_id| Push::Kick {
        stream: direct_channel(one, other),
        user_id,
    })
}

/// The operation that takes an edge from what it is to another state. `fresh` is the edge where there is none yet.
fn turn(edge: Option<FriendRow>, fresh: FriendRow, state: Option<FriendState>, ops: &mut Vec<Op>) {
    let number = state.map(|state| i64::from(state.number()));
    match (edge, number) {
        (None, None) => {}
        (None, Some(state)) => {
            let row = Box::new(FriendRow { state, ..fresh });
            ops.push(FriendOp::Insert(row).into());
        }
        (Some(edge), None) => ops.push(
            FriendOp::Delete {
                source: edge.source,
                destination: edge.destination,
                from: edge.state,
            }
            .into(),
        ),
        (Some(edge), Some(state)) if edge.state == state => {}
        (Some(edge), Some(state)) => {
            let from = edge.state;
            let row = Box::new(FriendRow {
                state,
                update_time: fresh.update_time,
                ..edge
            });
            ops.push(FriendOp::Move { row, from }.into());
        }
    }
}

fn notification(asker: Asker<'_>, other: UserId, code: i32) -> NewNotification {
    let name = asker.username;
    let subject = match code {
        notification_code::FRIEND_REQUEST => format!("{name} wants to add you as a friend"),
        notification_code::FRIEND_ACCEPT => format!("{name} accepted your friend request"),
        _ => format!("{name} removed you as a friend"),
    };
    NewNotification {
        user_id: other,
        subject,
        content: serde_json::json!({ "username": name }).to_string(),
        code,
        sender_id: Some(asker.user_id),
        persistent: code != notification_code::FRIEND_REMOVE,
    }
}

const READ: fn(tagus_store::StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read friends",
    source,
};

/// Entries on one page of a list of friends, at most.
pub const FRIENDS_LIST_MAX: i32 = 1_000;
/// Entries in one list of friends, blocks and invitations included, up to which its owner may add more.
pub const FRIENDS_MAX: u64 = 10_000;
/// Accounts that one request changes, at most.
const REQUEST_MAX: usize = 100;
/// Bytes of an edge's metadata, at most.
const METADATA_BYTES_MAX: usize = 2_048;
/// Times that a change decides anew because the pair changed meanwhile; then the caller is told to try again.
const ATTEMPTS_MAX: usize = 16;
const KIND_LIST: u8 = 2;
const KIND_FAR: u8 = 3;
