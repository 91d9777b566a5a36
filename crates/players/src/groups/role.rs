//! What an account is in a group, and what others may make of it.

use tagus_base::{UserId, Uuid};
use tagus_store::Store;

use super::READ;
use crate::PlayersError;
use crate::chat::channel_message_code;

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
    let edges = store
        .group_edges(group_id, &[user_id])
        .await
        .map_err(READ)?;
    let edge = edges.first();
    Ok(edge.and_then(|edge| GroupRole::from_number(edge.state)))
}

/// What an admin, a superadmin or the server does about accounts in a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GroupVerb {
    /// Makes those members who are not in it or asked to join.
    Add,
    /// Takes members out, refuses requests and lifts bans.
    Kick,
    /// Takes members out, and keeps these accounts from joining.
    Ban,
    /// Makes members admins, and admins superadmins.
    Promote,
    /// Makes superadmins admins, and admins members.
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

/// What becomes of an account; none where it is so already. `caller` is the role of who does it, none the server's.
///
/// # Errors
/// The caller's role does not suffice for the account's.
pub(super) fn decide(
    verb: GroupVerb,
    caller: Option<GroupRole>,
    target: Option<GroupRole>,
) -> Result<Option<Next>, PlayersError> {
    use GroupRole::{Admin, Banned, JoinRequest, Member, Superadmin};
    let next = |role, message| Some(Next { role, message });
    let next = match (verb, target) {
        (GroupVerb::Add, None | Some(JoinRequest)) => {
            next(Some(Member), Some(channel_message_code::GROUP_ADD))
        }
        (GroupVerb::Add, Some(Banned)) => return Err(BANNED),
        (GroupVerb::Kick, Some(JoinRequest | Banned)) => next(None, None),
        (GroupVerb::Kick, Some(_)) => next(None, Some(channel_message_code::GROUP_KICK)),
        (GroupVerb::Ban, None | Some(JoinRequest)) => next(Some(Banned), None),
        (GroupVerb::Ban, Some(Superadmin | Admin | Member)) => {
            next(Some(Banned), Some(channel_message_code::GROUP_BAN))
        }
        (GroupVerb::Promote, Some(Member)) => {
            next(Some(Admin), Some(channel_message_code::GROUP_PROMOTE))
        }
        (GroupVerb::Promote, Some(Admin)) => {
            next(Some(Superadmin), Some(channel_message_code::GROUP_PROMOTE))
        }
        (GroupVerb::Demote, Some(Superadmin)) => {
            next(Some(Admin), Some(channel_message_code::GROUP_DEMOTE))
        }
        (GroupVerb::Demote, Some(Admin)) => {
            next(Some(Member), Some(channel_message_code::GROUP_DEMOTE))
        }
        (
            GroupVerb::Add
            | GroupVerb::Kick
            | GroupVerb::Ban
            | GroupVerb::Promote
            | GroupVerb::Demote,
            _,
        ) => None,
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

pub(super) const BANNED: PlayersError =
    PlayersError::PermissionDenied("User is banned from the group.");
