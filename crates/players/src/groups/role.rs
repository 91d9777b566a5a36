//! What an account is in a group, and what others may make of it.

use tagus_base::{UserId, Uuid};
use tagus_store::Store;

use super::READ;
use crate::PlayersError;

/// What an account is in a group. Lesser roles are greater.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum GroupRole {
    /// Owns the group; there is always one.
    Superadmin,
    /// Manages its members.
    Admin,
    /// Belongs to it.
    Member,
    /// Asked to join, and does not belong to it yet.
    JoinRequest,
    /// May not join.
    Banned,
}

impl GroupRole {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Superadmin => 0,
            Self::Admin => 1,
            Self::Member => 2,
            Self::JoinRequest => 3,
            Self::Banned => 4,
        }
    }

    /// The role with this number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        ALL.into_iter()
            .find(|role| i64::from(role.number()) == number)
    }

    /// Whether it is one of the group's members.
    #[must_use]
    pub fn is_member(self) -> bool {
        self <= Self::Member
    }
}

const ALL: [GroupRole; 5] = [
    GroupRole::Superadmin,
    GroupRole::Admin,
    GroupRole::Member,
    GroupRole::JoinRequest,
    GroupRole::Banned,
];

/// What an account is in a group, if anything.
pub(crate) async fn role_in(
    store: &Store,
    group_id: Uuid,
    user_id: UserId,
) -> Result<Option<GroupRole>, PlayersError> {
    let edges = store.group_edges(group_id, &[user_id]).await.map_err(READ)?;
    let edge = edges.first();
    Ok(edge.and_then(|edge| GroupRole::from_number(edge.state)))
}

/// What somebody does about another one's place in a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verb {
    Add,
    Kick,
    Ban,
    Promote,
    Demote,
}

/// What becomes of an account in a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Next {
    /// Its role from now on.
    pub(super) role: Option<GroupRole>,
    /// The code of what the group's channel is told, if anything.
    pub(super) message: Option<i32>,
}

/// What becomes of an account by what a superadmin, an admin or the server does.
/// None: nothing changes. Banned accounts are not added; kicking one lifts the ban.
///
/// # Errors
/// The caller's role does not suffice for the account's.
pub(super) fn decide(
    verb: Verb,
    caller: Option<GroupRole>,
    target: Option<GroupRole>,
) -> Result<Option<Next>, PlayersError> {
    use GroupRole::{Admin, Banned, JoinRequest, Member, Superadmin};
    let next = |role, message| Some(Next { role, message });
    let next = match (verb, target) {
        (Verb::Add, None | Some(JoinRequest)) => next(Some(Member), Some(message_code::ADD)),
        (Verb::Add, Some(Banned)) => return Err(BANNED),
        (Verb::Kick, Some(JoinRequest | Banned)) => next(None, None),
        (Verb::Kick, Some(_)) => next(None, Some(message_code::KICK)),
        (Verb::Ban, None | Some(JoinRequest)) => next(Some(Banned), None),
        (Verb::Ban, Some(Superadmin | Admin | Member)) => {
            next(Some(Banned), Some(message_code::BAN))
        }
        (Verb::Promote, Some(Member)) => next(Some(Admin), Some(message_code::PROMOTE)),
        (Verb::Promote, Some(Admin)) => next(Some(Superadmin), Some(message_code::PROMOTE)),
        (Verb::Demote, Some(Superadmin)) => next(Some(Admin), Some(message_code::DEMOTE)),
        (Verb::Demote, Some(Admin)) => next(Some(Member), Some(message_code::DEMOTE)),
        (Verb::Add | Verb::Kick | Verb::Ban | Verb::Promote | Verb::Demote, _) => None,
    };
    let may = match (caller, target) {
        (None | Some(Superadmin), _) | (Some(Admin), None) => true,
        (Some(caller), target) => target > Some(caller),
    };
    if next.is_some() && !may {
        return Err(PlayersError::PermissionDenied(
            "Only users of a lower role may be changed.",
        ));
    }
    Ok(next)
}

/// Codes of what a group's channel is told.
pub(super) mod message_code {
    pub(in crate::groups) const JOIN: i32 = 3;
    pub(in crate::groups) const ADD: i32 = 4;
    pub(in crate::groups) const LEAVE: i32 = 5;
    pub(in crate::groups) const KICK: i32 = 6;
    pub(in crate::groups) const PROMOTE: i32 = 7;
    pub(in crate::groups) const BAN: i32 = 8;
    pub(in crate::groups) const DEMOTE: i32 = 9;
}

pub(super) const BANNED: PlayersError =
    PlayersError::PermissionDenied("User is banned from the group.");
