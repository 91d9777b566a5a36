//! Groups, for server code. Where a `caller` may be named, their rights are looked at; nobody may do everything.

use tagus_base::{UserId, Uuid};
use tagus_players::{
    Asker, Group, GroupFilter, GroupPage, GroupRole, GroupUpdate, GroupUserPage, GroupVerb,
    NewGroup, PlayersError, Push, UserGroupPage,
};

use super::Tagus;
use crate::api::ApiError;
use crate::gateway::unix_now;

impl Tagus {
    /// Makes a group; its creator is its superadmin.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for something out of its range, ALREADY_EXISTS for a name that another group has, NOT_FOUND for a
    /// creator without an account.
    pub async fn group_create(&self, creator_id: UserId, new: NewGroup) -> Result<Group, ApiError> {
        Ok(self
            .gateway
            .groups
            .create(unix_now(), creator_id, new)
            .await?)
    }

    /// Changes a group.
    ///
    /// # Errors
    /// As [`Tagus::group_create`]; INVALID_ARGUMENT for nothing to change and for fewer members at most than there are;
    /// NOT_FOUND where there is no such group or the caller is no admin of it.
    pub async fn group_update(
        &self,
        id: Uuid,
        caller: Option<UserId>,
        update: GroupUpdate,
    ) -> Result<(), ApiError> {
        let groups = &self.gateway.groups;
        Ok(groups.update(unix_now(), caller, id, update).await?)
    }

    /// Deletes a group; everybody leaves its channel.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such group or the caller is no superadmin of it.
    pub async fn group_delete(&self, id: Uuid, caller: Option<UserId>) -> Result<(), ApiError> {
        let mut pushes = Vec::new();
        let deleted = self.gateway.groups.delete(caller, id, &mut pushes).await;
        self.done(deleted, pushes)
    }

    /// The groups with these ids, at most 100, in the order of the ids; unknown ids are left out.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for more than 100 ids.
    pub async fn groups_get(&self, ids: &[Uuid]) -> Result<Vec<Group>, ApiError> {
        Ok(self.gateway.groups.get(ids).await?)
    }

    /// A page of the groups that pass the filter.
    ///
    /// # Errors
    /// A limit that is not in 1..=100, filters that do not go together, a cursor that is none of this list.
    pub async fn groups(
        &self,
        filter: GroupFilter<'_>,
        limit: i32,
        cursor: &str,
    ) -> Result<GroupPage, ApiError> {
        Ok(self.gateway.groups.list(filter, limit, cursor).await?)
    }

    /// A page of a group's users, of one role if it is named; otherwise of all but the banned ones.
    ///
    /// # Errors
    /// NOT_FOUND for an unknown group, a limit that is not in 1..=100, a cursor that is none of this list.
    pub async fn group_users(
        &self,
        id: Uuid,
        limit: i32,
        role: Option<GroupRole>,
        cursor: &str,
    ) -> Result<GroupUserPage, ApiError> {
        let groups = &self.gateway.groups;
        Ok(groups.list_users(id, limit, role, cursor).await?)
    }

    /// A page of a user's groups, of one role if it is named; otherwise of all but those they are banned from.
    ///
    /// # Errors
    /// A limit that is not in 1..=100, a cursor that is none of this list.
    pub async fn user_groups(
        &self,
        user_id: UserId,
        limit: i32,
        role: Option<GroupRole>,
        cursor: &str,
    ) -> Result<UserGroupPage, ApiError> {
        let groups = &self.gateway.groups;
        Ok(groups.list_of(user_id, limit, role, cursor).await?)
    }

    /// What a user is in a group, if anything.
    ///
    /// # Errors
    /// The database failed.
    pub async fn group_role(
        &self,
        id: Uuid,
        user_id: UserId,
    ) -> Result<Option<GroupRole>, ApiError> {
        Ok(self.gateway.groups.role(id, user_id).await?)
    }

    /// Joins an open group as the user would, or asks the admins of a closed one.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn group_join(&self, id: Uuid, asker: Asker<'_>) -> Result<(), ApiError> {
        let mut pushes = Vec::new();
        let groups = &self.gateway.groups;
        let joined = groups.join(unix_now(), asker, id, &mut pushes).await;
        self.done(joined, pushes)
    }

    /// Leaves a group as the user would.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn group_leave(&self, id: Uuid, asker: Asker<'_>) -> Result<(), ApiError> {
        let mut pushes = Vec::new();
        let groups = &self.gateway.groups;
        let left = groups.leave(unix_now(), asker, id, &mut pushes).await;
        self.done(left, pushes)
    }

    /// Adds, kicks, bans, promotes or demotes users of a group, at most 80 at once: all of them or none.
    ///
    /// # Errors
    /// As the client's call; what needs rights is refused to a named caller only.
    pub async fn group_users_change(
        &self,
        id: Uuid,
        caller: Option<UserId>,
        verb: GroupVerb,
        users: &[UserId],
    ) -> Result<(), ApiError> {
        let mut pushes = Vec::new();
        let groups = &self.gateway.groups;
        let changed = groups.change(unix_now(), caller, id, (verb, users), &mut pushes);
        let changed = changed.await;
        self.done(changed, pushes)
    }

    fn done(&self, changed: Result<(), PlayersError>, pushes: Vec<Push>) -> Result<(), ApiError> {
        changed?;
        self.gateway.live.deliver(pushes);
        Ok(())
    }
}
