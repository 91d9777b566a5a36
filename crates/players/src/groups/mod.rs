//! Groups: their making and changing, and who is what in them.
//!
//! What a change takes for granted (the caller's role, the other's role, whether the group is open) is a condition of its
//! batch: where it no longer holds, the change is decided anew. The limit of members and that a group has a superadmin
//! are kept by the store, which changes each group's members one after another.

mod list;
mod members;
mod role;

pub use list::{
    GROUPS_LIST_MAX, GroupFilter, GroupPage, GroupUser, GroupUserPage, UserGroup, UserGroupPage,
};
pub use members::GROUP_USERS_MAX;
pub(crate) use role::role_in;
pub use role::{GroupRole, GroupVerb};

use std::fmt;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{Batch, Conflict, GroupOp, GroupPatch, GroupRow, Op, Store, StoreError};

use crate::channel::group_channel;
use crate::chat::Chat;
use crate::notifications::is_json_object;
use crate::{Notifications, PlayersError, Push, Random, random_uuid};

/// A group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// Its id.
    pub id: Uuid,
    /// Who made it; the account may be gone.
    pub creator_id: UserId,
    /// Its unique name.
    pub name: String,
    /// Free text; may be empty.
    pub description: String,
    /// Language tag.
    pub lang_tag: String,
    /// JSON object of the studio's, as text.
    pub metadata: String,
    /// Address of a picture; may be empty.
    pub avatar_url: String,
    /// Whether who asks to join is a member at once.
    pub open: bool,
    /// Number of members.
    pub edge_count: i32,
    /// Members at most.
    pub max_count: i32,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it or its members last changed.
    pub updated_at: UnixMillis,
}

/// A group to be made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewGroup {
    /// Its name, 1 to [`GROUP_NAME_BYTES_MAX`] bytes; no other group has it.
    pub name: String,
    /// At most [`GROUP_DESCRIPTION_BYTES_MAX`] bytes.
    pub description: String,
    /// Language tag, at most [`GROUP_LANG_TAG_BYTES_MAX`] bytes; empty: `en`.
    pub lang_tag: String,
    /// At most [`GROUP_AVATAR_URL_BYTES_MAX`] bytes.
    pub avatar_url: String,
    /// A JSON object as text, at most [`GROUP_METADATA_BYTES_MAX`] bytes; empty: `{}`. Server code alone sets it.
    pub metadata: String,
    /// Whether who asks to join is a member at once.
    pub open: bool,
    /// Members at most, 1 to [`GROUP_MEMBERS_MAX`]; 0: [`GROUP_MEMBERS_DEFAULT`].
    pub max_count: i32,
}

/// What to change on a group; the ranges are those of [`NewGroup`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupUpdate {
    /// See [`NewGroup::name`].
    pub name: Option<String>,
    /// See [`NewGroup::description`].
    pub description: Option<String>,
    /// See [`NewGroup::lang_tag`]; not empty.
    pub lang_tag: Option<String>,
    /// See [`NewGroup::avatar_url`].
    pub avatar_url: Option<String>,
    /// See [`NewGroup::metadata`].
    pub metadata: Option<String>,
    /// See [`NewGroup::open`].
    pub open: Option<bool>,
    /// See [`NewGroup::max_count`]; not less than the group has members.
    pub max_count: Option<i32>,
}

/// The groups and their rules.
///
/// A `caller` is whose rights a change needs; none is the server, which may do everything.
#[derive(Clone)]
pub struct Groups {
    store: Store,
    notifications: Notifications,
    chat: Chat,
    random: Random,
}

impl Groups {
    /// Groups that lie in the store.
    #[must_use]
    pub const fn new(
        store: Store,
        notifications: Notifications,
        chat: Chat,
        random: Random,
    ) -> Self {
        Self {
            store,
            notifications,
            chat,
            random,
        }
    }

    /// Makes a group; its creator is its superadmin.
    ///
    /// # Errors
    /// Something out of its range, a name that another group has, a creator without an account.
    pub async fn create(
        &self,
        now: UnixMillis,
        creator_id: UserId,
        new: NewGroup,
    ) -> Result<Group, PlayersError> {
        let max_count = match new.max_count {
            0 => GROUP_MEMBERS_DEFAULT,
            count => count,
        };
        let or = |text: String, default: &str| {
            if text.is_empty() {
                default.to_owned()
            } else {
                text
            }
        };
        let mut row = GroupRow {
            id: random_uuid(&self.random),
            creator_id,
            name: checked(new.name, &NAME)?,
            description: checked(new.description, &DESCRIPTION)?,
            lang_tag: checked(or(new.lang_tag, "en"), &LANG_TAG)?,
            metadata: checked_metadata(or(new.metadata, "{}"))?,
            avatar_url: checked(new.avatar_url, &AVATAR_URL)?,
            open: new.open,
            edge_count: 0,
            max_count: checked_count(max_count)?,
            create_time: now,
            update_time: now,
        };
        let creator = GroupOp::Move {
            group_id: row.id,
            user_id: creator_id,
            from: None,
            to: Some(GroupRole::Superadmin.number().into()),
            time: now,
        };
        let batch = Batch::from(GroupOp::Insert(Box::new(row.clone()))).with(creator);
        let made = self.store.commit(batch).await;
        made.map_err(|source| match source.conflict() {
            Some(Conflict::GroupNameTaken) => NAME_TAKEN,
            Some(Conflict::Missing) => PlayersError::NotFound("User not found."),
            _ => CHANGE(source),
        })?;
        row.edge_count = 1;
        Ok(row.into())
    }

    /// Changes a group; an admin may.
    ///
    /// # Errors
    /// Nothing to change, something out of its range, a name that another group has, fewer members at most than there are;
    /// `NotFound` where there is no such group or the caller may not.
    pub async fn update(
        &self,
        now: UnixMillis,
        caller: Option<UserId>,
        id: Uuid,
        update: GroupUpdate,
    ) -> Result<(), PlayersError> {
        if update == GroupUpdate::default() {
            return Err(PlayersError::InvalidArgument(
                "Specify at least one field to update.",
            ));
        }
        let patch = patch(now, update)?;
        for _ in 0..ATTEMPTS_MAX {
            let mut ops = self.expect(caller, id, GroupRole::Admin, NO_UPDATE).await?;
            let patch = Box::new(patch.clone());
            ops.push(GroupOp::Update { id, patch }.into());
            let Err(source) = self.store.commit(ops.into_iter().collect::<Batch>()).await else {
                return Ok(());
            };
            match source.conflict() {
                Some(Conflict::Changed) => {}
                Some(Conflict::Missing) => return Err(NO_UPDATE),
                Some(Conflict::GroupNameTaken) => return Err(NAME_TAKEN),
                Some(Conflict::GroupFull) => {
                    return Err(PlayersError::InvalidArgument(
                        "Max count invalid, must not be less than the number of members.",
                    ));
                }
                _ => return Err(CHANGE(source)),
            }
        }
        Err(ABORTED)
    }

    /// Deletes a group; a superadmin may. Everybody leaves its channel.
    ///
    /// # Errors
    /// `NotFound` where there is no such group or the caller may not.
    pub async fn delete(
        &self,
        caller: Option<UserId>,
        id: Uuid,
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        for _ in 0..ATTEMPTS_MAX {
            let role = GroupRole::Superadmin;
            let mut ops = self.expect(caller, id, role, NO_DELETE).await?;
            ops.push(GroupOp::Delete { id }.into());
            let Err(source) = self.store.commit(ops.into_iter().collect::<Batch>()).await else {
                out.push(Push::Close {
                    stream: group_channel(id),
                });
                return Ok(());
            };
            match source.conflict() {
                Some(Conflict::Changed) => {}
                Some(Conflict::Missing) => return Err(NO_DELETE),
                _ => return Err(CHANGE(source)),
            }
        }
        Err(ABORTED)
    }

    /// What an account is in a group, if anything.
    ///
    /// # Errors
    /// The database failed.
    pub async fn role(
        &self,
        group_id: Uuid,
        user_id: UserId,
    ) -> Result<Option<GroupRole>, PlayersError> {
        role_in(&self.store, group_id, user_id).await
    }

    /// That the caller has at least this role, as a condition of a batch. The server needs none.
    async fn expect(
        &self,
        caller: Option<UserId>,
        group_id: Uuid,
        least: GroupRole,
        refusal: PlayersError,
    ) -> Result<Vec<Op>, PlayersError> {
        let Some(user_id) = caller else {
            return Ok(Vec::new());
        };
        let role = self.role(group_id, user_id).await?;
        let role = role.filter(|role| *role <= least).ok_or(refusal)?;
        Ok(vec![expect_role(group_id, user_id, role)])
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

impl From<GroupRow> for Group {
    fn from(row: GroupRow) -> Self {
        let count = |count| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            id: row.id,
            creator_id: row.creator_id,
            name: row.name,
            description: row.description,
            lang_tag: row.lang_tag,
            metadata: row.metadata,
            avatar_url: row.avatar_url,
            open: row.open,
            edge_count: count(row.edge_count),
            max_count: count(row.max_count),
            created_at: row.create_time,
            updated_at: row.update_time,
        }
    }
}

fn expect_role(group_id: Uuid, user_id: UserId, role: GroupRole) -> Op {
    GroupOp::ExpectEdge {
        group_id,
        user_id,
        state: role.number().into(),
    }
    .into()
}

fn patch(now: UnixMillis, update: GroupUpdate) -> Result<GroupPatch, PlayersError> {
    let text = |text: Option<String>, rule| text.map(|text| checked(text, rule)).transpose();
    if update.lang_tag.as_deref() == Some("") {
        return Err(PlayersError::InvalidArgument(
            "Group language must not be empty.",
        ));
    }
    Ok(GroupPatch {
        name: text(update.name, &NAME)?,
        description: text(update.description, &DESCRIPTION)?,
        lang_tag: text(update.lang_tag, &LANG_TAG)?,
        metadata: update.metadata.map(checked_metadata).transpose()?,
        avatar_url: text(update.avatar_url, &AVATAR_URL)?,
        open: update.open,
        max_count: update.max_count.map(checked_count).transpose()?,
        update_time: now,
    })
}

/// How many bytes a text may have, and what is said to others.
struct TextRule {
    bytes_min: usize,
    bytes_max: usize,
    refusal: &'static str,
}

fn checked(text: String, rule: &TextRule) -> Result<String, PlayersError> {
    if (rule.bytes_min..=rule.bytes_max).contains(&text.len()) {
        Ok(text)
    } else {
        Err(PlayersError::InvalidArgument(rule.refusal))
    }
}

fn checked_metadata(text: String) -> Result<String, PlayersError> {
    if text.len() <= GROUP_METADATA_BYTES_MAX && is_json_object(&text) {
        Ok(text)
    } else {
        Err(PlayersError::InvalidArgument(
            "Group metadata must be a JSON object of at most 16384 bytes.",
        ))
    }
}

fn checked_count(count: i32) -> Result<u64, PlayersError> {
    let count = u64::try_from(count).ok();
    let count = count.filter(|count| (1..=GROUP_MEMBERS_MAX.unsigned_abs().into()).contains(count));
    count.ok_or(PlayersError::InvalidArgument(
        "Max count invalid, must be between 1 and 1000000.",
    ))
}

const READ: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "read groups",
    source,
};
const CHANGE: fn(StoreError) -> PlayersError = |source| PlayersError::Store {
    attempt: "change a group",
    source,
};

const NAME_TAKEN: PlayersError = PlayersError::AlreadyExists("Group name is in use.");
const NO_UPDATE: PlayersError =
    PlayersError::NotFound("Group not found or you're not allowed to update.");
const NO_DELETE: PlayersError =
    PlayersError::NotFound("Group not found or you're not allowed to delete.");
const NO_CHANGE: PlayersError = PlayersError::NotFound("Group not found or permission denied.");
const NO_GROUP: PlayersError = PlayersError::NotFound("Group not found.");
const ABORTED: PlayersError =
    PlayersError::Aborted("The group changed at the same time, try again.");

/// Bytes of a group's name, at most.
pub const GROUP_NAME_BYTES_MAX: usize = 255;
/// Bytes of a group's description, at most.
pub const GROUP_DESCRIPTION_BYTES_MAX: usize = 255;
/// Bytes of a group's language tag, at most.
pub const GROUP_LANG_TAG_BYTES_MAX: usize = 18;
/// Bytes of the address of a group's picture, at most.
pub const GROUP_AVATAR_URL_BYTES_MAX: usize = 512;
/// Bytes of a group's metadata, at most.
pub const GROUP_METADATA_BYTES_MAX: usize = 16_384;
/// Members of a group at most, where its maker names no number.
pub const GROUP_MEMBERS_DEFAULT: i32 = 100;
/// The greatest number of members that a group may be made for.
pub const GROUP_MEMBERS_MAX: i32 = 1_000_000;

const NAME: TextRule = TextRule {
    bytes_min: 1,
    bytes_max: GROUP_NAME_BYTES_MAX,
    refusal: "Group name invalid, must be 1-255 bytes.",
};
const DESCRIPTION: TextRule = TextRule {
    bytes_min: 0,
    bytes_max: GROUP_DESCRIPTION_BYTES_MAX,
    refusal: "Group description invalid, must be at most 255 bytes.",
};
const LANG_TAG: TextRule = TextRule {
    bytes_min: 0,
    bytes_max: GROUP_LANG_TAG_BYTES_MAX,
    refusal: "Group language tag invalid, must be at most 18 bytes.",
};
const AVATAR_URL: TextRule = TextRule {
    bytes_min: 0,
    bytes_max: GROUP_AVATAR_URL_BYTES_MAX,
    refusal: "Group avatar URL invalid, must be at most 512 bytes.",
};

/// Times that a change is decided anew because others changed the group meanwhile; then the caller is told to try again.
const ATTEMPTS_MAX: usize = 16;
