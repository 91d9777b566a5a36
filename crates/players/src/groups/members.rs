//! Joining, leaving, and what admins do about members.

use std::collections::{BTreeMap, BTreeSet};

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{Batch, Conflict, GroupOp, Op};

use super::role::{BANNED, GroupVerb, Next, decide};
use super::{
    ABORTED, ATTEMPTS_MAX, CHANGE, Group, GroupRole, Groups, NO_CHANGE, NO_GROUP, READ, expect_role,
};
use crate::channel::group_channel;
use crate::chat::channel_message_code;
use crate::{Asker, NewNotification, PlayersError, Push, notification_code};

/// A change that is ready to be committed, and what is told after it.
#[derive(Default)]
struct Change {
    ops: Vec<Op>,
    pushes: Vec<Push>,
}

impl Groups {
    /// Joins an open group, or asks the admins of a closed one. Nothing happens for members and those who have asked already.
    ///
    /// # Errors
    /// There is no such group, it is full, the caller is banned from it.
    pub async fn join(
        &self,
        now: UnixMillis,
        asker: Asker<'_>,
        group_id: Uuid,
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        for _ in 0..ATTEMPTS_MAX {
            let group = self.group(group_id).await?.ok_or(NO_GROUP)?;
            let from = self.role(group_id, asker.user_id).await?;
            let to = match from {
                Some(GroupRole::Banned) => return Err(BANNED),
                None | Some(GroupRole::JoinRequest) if group.open => GroupRole::Member,
                None => GroupRole::JoinRequest,
                Some(_) => return Ok(()),
            };
            if group.edge_count >= group.max_count {
                return Err(FULL);
            }
            let mut change = Change::default();
            let (id, open) = (group_id, group.open);
            change.ops.push(GroupOp::ExpectOpen { id, open }.into());
            change.turn(now, (group_id, asker.user_id), from, Some(to));
            if open {
                self.say(
                    now,
                    group_id,
                    asker,
                    channel_message_code::GROUP_JOIN,
                    &mut change,
                );
            } else {
                self.ask(now, group_id, asker, &mut change).await?;
            }
            if self.commit(change, LAST_LEAVES, out).await? {
                return Ok(());
            }
        }
        Err(ABORTED)
    }

    /// Leaves a group, or takes a request to join back. Nothing happens for those who are not in it.
    ///
    /// # Errors
    /// There is no such group, or the caller is its last superadmin.
    pub async fn leave(
        &self,
        now: UnixMillis,
        asker: Asker<'_>,
        group_id: Uuid,
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        for _ in 0..ATTEMPTS_MAX {
            let from = match self.role(group_id, asker.user_id).await? {
                None => return self.group(group_id).await?.map(drop).ok_or(NO_GROUP),
                Some(GroupRole::Banned) => return Ok(()),
                Some(role) => role,
            };
            let mut change = Change::default();
            change.turn(now, (group_id, asker.user_id), Some(from), None);
            if from.is_member() {
                self.say(
                    now,
                    group_id,
                    asker,
                    channel_message_code::GROUP_LEAVE,
                    &mut change,
                );
                change.kick(group_id, asker.user_id);
            }
            if self.commit(change, LAST_LEAVES, out).await? {
                return Ok(());
            }
        }
        Err(ABORTED)
    }

    /// Adds, kicks, bans, promotes or demotes accounts: all of them or, where something is refused, none.
    ///
    /// # Errors
    /// More than [`GROUP_USERS_MAX`] at once; an account that does not exist; one of a role that is not lower than the caller's,
    /// unless that is a superadmin; the last superadmin; to add, a banned account or a group that is full; to kick or ban, the
    /// caller. `NotFound` where there is no such group or the caller is no admin of it.
    pub async fn change(
        &self,
        now: UnixMillis,
        caller: Option<UserId>,
        group_id: Uuid,
        (verb, users): (GroupVerb, &[UserId]),
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        if users.len() > GROUP_USERS_MAX {
            return Err(PlayersError::InvalidArgument(
                "At most 80 users may be changed at once.",
            ));
        }
        let own = caller.is_some_and(|caller| users.contains(&caller));
        match verb {
            GroupVerb::Kick if own => {
                return Err(PlayersError::InvalidArgument("Cannot kick self."));
            }
            GroupVerb::Ban if own => return Err(PlayersError::InvalidArgument("Cannot ban self.")),
            _ => {}
        }
        let users: Vec<UserId> = BTreeSet::from_iter(users).into_iter().copied().collect();
        for _ in 0..ATTEMPTS_MAX {
            let change = self.decided(now, caller, group_id, (verb, &users)).await?;
            let last = match verb {
                GroupVerb::Demote => "Cannot demote the last superadmin.",
                _ => "Cannot remove the last superadmin.",
            };
            let last = PlayersError::InvalidArgument(last);
            if self.commit(change, last, out).await? {
                return Ok(());
            }
        }
        Err(ABORTED)
    }

    /// What a verb comes to as things are.
    async fn decided(
        &self,
        now: UnixMillis,
        caller: Option<UserId>,
        group_id: Uuid,
        (verb, users): (GroupVerb, &[UserId]),
    ) -> Result<Change, PlayersError> {
        let group = self.group(group_id).await?.ok_or(NO_CHANGE)?;
        let role = match caller {
            None => None,
            Some(caller) => {
                let role = self.role(group_id, caller).await?;
                Some(
                    role.filter(|role| *role <= GroupRole::Admin)
                        .ok_or(NO_CHANGE)?,
                )
            }
        };
        let edges = self
            .store
            .group_edges(group_id, users)
            .await
            .map_err(READ)?;
        let roles: BTreeMap<UserId, GroupRole> = edges
            .into_iter()
            .filter_map(|edge| Some((edge.user_id, GroupRole::from_number(edge.state)?)))
            .collect();
        let accounts = self.store.accounts_by_ids(users).await.map_err(READ)?;
        if accounts.len() < users.len() {
            return Err(PlayersError::NotFound("User not found."));
        }
        let mut change = Change::default();
        for account in accounts {
            let from = roles.get(&account.id).copied();
            let Some(next) = decide(verb, role, from)? else {
                continue;
            };
            let target = Asker {
                user_id: account.id,
                username: &account.username,
            };
            self.prepare(now, caller, &group, (target, from, next), &mut change);
        }
        if let (Some(caller), Some(role), false) = (caller, role, change.ops.is_empty()) {
            change.ops.insert(0, expect_role(group_id, caller, role));
        }
        Ok(change)
    }

    /// One account's part of a change.
    fn prepare(
        &self,
        now: UnixMillis,
        caller: Option<UserId>,
        group: &Group,
        (target, from, next): (Asker<'_>, Option<GroupRole>, Next),
        change: &mut Change,
    ) {
        change.turn(now, (group.id, target.user_id), from, next.role);
        if let Some(code) = next.message {
            self.say(now, group.id, target, code, change);
        }
        let was_member = from.is_some_and(GroupRole::is_member);
        let is_member = next.role.is_some_and(GroupRole::is_member);
        if was_member && !is_member {
            change.kick(group.id, target.user_id);
        }
        if is_member && !was_member {
            let content =
                serde_json::json!({ "group_id": group.id.to_string(), "name": group.name });
            let added = NewNotification {
                user_id: target.user_id,
                subject: format!("You've been added to group {}", group.name),
                content: content.to_string(),
                code: notification_code::GROUP_ADD,
                sender_id: caller,
                persistent: true,
            };
            self.notify(now, added, change);
        }
    }

    /// Tells those who manage the group of a request to join; the first [`ASKED_MAX`] of them.
    async fn ask(
        &self,
        now: UnixMillis,
        group_id: Uuid,
        asker: Asker<'_>,
        change: &mut Change,
    ) -> Result<(), PlayersError> {
        let roles = [GroupRole::Superadmin, GroupRole::Admin].map(|role| role.number().into());
        let admins = self
            .store
            .group_members(group_id, roles.into(), None, ASKED_MAX);
        let name = asker.username;
        let content =
            serde_json::json!({ "group_id": group_id.to_string(), "username": name }).to_string();
        for admin in admins.await.map_err(READ)? {
            let asked = NewNotification {
                user_id: admin.user_id,
                subject: format!("User {name} wants to join your group"),
                content: content.clone(),
                code: notification_code::GROUP_JOIN_REQUEST,
                sender_id: Some(asker.user_id),
                persistent: true,
            };
            self.notify(now, asked, change);
        }
        Ok(())
    }

    /// A message in the group's channel about somebody.
    fn say(
        &self,
        now: UnixMillis,
        group_id: Uuid,
        about: Asker<'_>,
        code: i32,
        change: &mut Change,
    ) {
        let (channel, content) = (group_channel(group_id), "{}".to_owned());
        let (sender, name) = (about.user_id, about.username);
        let Change { ops, pushes } = change;
        let chat = &self.chat;
        chat.prepare_system(&channel, code, sender, name, content, now, ops, pushes);
    }

    fn notify(&self, now: UnixMillis, one: NewNotification, change: &mut Change) {
        let Change { ops, pushes } = change;
        self.notifications.prepare(now, one, ops, pushes);
    }

    /// Commits a change. False: something was not as it was taken to be, and is to be looked at again.
    async fn commit(
        &self,
        change: Change,
        last: PlayersError,
        out: &mut Vec<Push>,
    ) -> Result<bool, PlayersError> {
        let batch = change.ops.into_iter().collect::<Batch>();
        let Err(source) = self.store.commit(batch).await else {
            out.extend(change.pushes);
            return Ok(true);
        };
        match source.conflict() {
            // Missing: the group or an account went meanwhile.
            Some(Conflict::Changed | Conflict::Missing) => Ok(false),
            Some(Conflict::GroupFull) => Err(FULL),
            Some(Conflict::LastOwner) => Err(last),
            _ => Err(CHANGE(source)),
        }
    }

    async fn group(&self, id: Uuid) -> Result<Option<Group>, PlayersError> {
        let rows = self.store.groups_by_ids(&[id]).await.map_err(READ)?;
        Ok(rows.into_iter().next().map(Group::from))
    }
}

impl Change {
    fn turn(
        &mut self,
        time: UnixMillis,
        (group_id, user_id): (Uuid, UserId),
        from: Option<GroupRole>,
        to: Option<GroupRole>,
    ) {
        let number = |role: GroupRole| i64::from(role.number());
        let (from, to) = (from.map(number), to.map(number));
        let op = GroupOp::Move {
            group_id,
            user_id,
            from,
            to,
            time,
        };
        self.ops.push(op.into());
    }

    /// Takes somebody out of the channel, after they have heard why.
    fn kick(&mut self, group_id: Uuid, user_id: UserId) {
        let stream = group_channel(group_id);
        self.pushes.push(Push::Kick { stream, user_id });
    }
}

const FULL: PlayersError = PlayersError::InvalidArgument("Group is full.");
const LAST_LEAVES: PlayersError =
    PlayersError::InvalidArgument("Cannot leave group when you are the last superadmin.");

/// Accounts that one request changes, at most: each is its edge, a message and a notification of one batch.
pub const GROUP_USERS_MAX: usize = 80;
/// Superadmins and admins who are told of a request to join, at most.
const ASKED_MAX: u32 = 100;

const _: () = assert!(GROUP_USERS_MAX * 3 < Batch::OPS_MAX);
