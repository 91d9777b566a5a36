//! Groups.

use tagus_base::{UserId, Uuid};
use tagus_players::{
    Asker, Group, GroupFilter, GroupRole, GroupUpdate, GroupVerb, NewGroup, PlayersError, Push,
};
use tagus_wire::api;

use crate::api::ApiError;
use crate::api::account::user_out;
use crate::api::methods::{Scope, handlers};
use crate::gateway::unix_now;

handlers! {
    CreateGroup => create_group,
    UpdateGroup => update_group,
    DeleteGroup => delete_group,
    JoinGroup => join_group,
    LeaveGroup => leave_group,
    AddGroupUsers => |scope, request: api::AddGroupUsersRequest| {
        change(scope, request.group_id, request.user_ids, GroupVerb::Add)
    },
    KickGroupUsers => |scope, request: api::KickGroupUsersRequest| {
        change(scope, request.group_id, request.user_ids, GroupVerb::Kick)
    },
    BanGroupUsers => |scope, request: api::BanGroupUsersRequest| {
        change(scope, request.group_id, request.user_ids, GroupVerb::Ban)
    },
    PromoteGroupUsers => |scope, request: api::PromoteGroupUsersRequest| {
        change(scope, request.group_id, request.user_ids, GroupVerb::Promote)
    },
    DemoteGroupUsers => |scope, request: api::DemoteGroupUsersRequest| {
        change(scope, request.group_id, request.user_ids, GroupVerb::Demote)
    },
    ListGroups => list_groups,
    ListGroupUsers => list_group_users,
    ListUserGroups => list_user_groups,
}

async fn create_group(
    scope: Scope,
    request: api::CreateGroupRequest,
) -> Result<api::Group, ApiError> {
    let user_id = scope.login()?.user_id;
    let new = NewGroup {
        name: request.name,
        description: request.description,
        lang_tag: request.lang_tag,
        avatar_url: request.avatar_url,
        metadata: String::new(),
        open: request.open,
        max_count: request.max_count,
    };
    let groups = &scope.gateway.groups;
    Ok(group_out(groups.create(unix_now(), user_id, new).await?))
}

async fn update_group(scope: Scope, request: api::UpdateGroupRequest) -> Result<(), ApiError> {
    let user_id = scope.login()?.user_id;
    let id = group_id(&request.group_id)?;
    let update = GroupUpdate {
        name: request.name,
        description: request.description,
        lang_tag: request.lang_tag,
        avatar_url: request.avatar_url,
        metadata: None,
        open: request.open,
        max_count: None,
    };
    let groups = &scope.gateway.groups;
    Ok(groups.update(unix_now(), Some(user_id), id, update).await?)
}

async fn delete_group(scope: Scope, request: api::DeleteGroupRequest) -> Result<(), ApiError> {
    let user_id = scope.login()?.user_id;
    let id = group_id(&request.group_id)?;
    let mut pushes = Vec::new();
    let groups = &scope.gateway.groups;
    let deleted = groups.delete(Some(user_id), id, &mut pushes).await;
    finish(&scope, deleted, pushes)
}

async fn join_group(scope: Scope, request: api::JoinGroupRequest) -> Result<(), ApiError> {
    let id = group_id(&request.group_id)?;
    let mut pushes = Vec::new();
    let (groups, asker) = (&scope.gateway.groups, asker(&scope)?);
    let joined = groups.join(unix_now(), asker, id, &mut pushes).await;
    finish(&scope, joined, pushes)
}

async fn leave_group(scope: Scope, request: api::LeaveGroupRequest) -> Result<(), ApiError> {
    let id = group_id(&request.group_id)?;
    let mut pushes = Vec::new();
    let (groups, asker) = (&scope.gateway.groups, asker(&scope)?);
    let left = groups.leave(unix_now(), asker, id, &mut pushes).await;
    finish(&scope, left, pushes)
}

async fn change(
    scope: Scope,
    id: String,
    user_ids: Vec<String>,
    verb: GroupVerb,
) -> Result<(), ApiError> {
    let caller = Some(scope.login()?.user_id);
    let id = group_id(&id)?;
    if user_ids.is_empty() {
        return Err(ApiError::invalid("User IDs must be set."));
    }
    let users: Result<Vec<UserId>, _> = user_ids.iter().map(|id| id.parse()).collect();
    let users = users.map_err(|_| ApiError::invalid("User ID must be a valid ID."))?;
    let mut pushes = Vec::new();
    let groups = &scope.gateway.groups;
    let changed = groups.change(unix_now(), caller, id, (verb, &users), &mut pushes);
    let changed = changed.await;
    finish(&scope, changed, pushes)
}

async fn list_groups(
    scope: Scope,
    request: api::ListGroupsRequest,
) -> Result<api::GroupList, ApiError> {
    scope.login()?;
    let filter = GroupFilter {
        name: &request.name,
        lang_tag: &request.lang_tag,
        open: request.open,
        members: request.members,
    };
    let limit = request.limit.unwrap_or(LIMIT_DEFAULT);
    let groups = &scope.gateway.groups;
    let page = groups.list(filter, limit, &request.cursor).await?;
    Ok(api::GroupList {
        groups: page.groups.into_iter().map(group_out).collect(),
        cursor: page.cursor,
    })
}

async fn list_group_users(
    scope: Scope,
    request: api::ListGroupUsersRequest,
) -> Result<api::GroupUserList, ApiError> {
    scope.login()?;
    let (id, role) = (group_id(&request.group_id)?, role(request.state)?);
    let limit = request.limit.unwrap_or(LIMIT_DEFAULT);
    let groups = &scope.gateway.groups;
    let page = groups.list_users(id, limit, role, &request.cursor).await?;
    let users = page.users.into_iter();
    let users = users.map(|one| api::group_user_list::GroupUser {
        user: Some(user_out(&scope.gateway, one.user)),
        state: Some(one.role.number()),
    });
    Ok(api::GroupUserList {
        group_users: users.collect(),
        cursor: page.cursor,
    })
}

async fn list_user_groups(
    scope: Scope,
    request: api::ListUserGroupsRequest,
) -> Result<api::UserGroupList, ApiError> {
    scope.login()?;
    let user_id = request.user_id.parse();
    let user_id = user_id.map_err(|_| ApiError::invalid("User ID must be a valid ID."))?;
    let (role, limit) = (role(request.state)?, request.limit.unwrap_or(LIMIT_DEFAULT));
    let groups = &scope.gateway.groups;
    let page = groups
        .list_of(user_id, limit, role, &request.cursor)
        .await?;
    let groups = page.groups.into_iter();
    let groups = groups.map(|one| api::user_group_list::UserGroup {
        group: Some(group_out(one.group)),
        state: Some(one.role.number()),
    });
    Ok(api::UserGroupList {
        user_groups: groups.collect(),
        cursor: page.cursor,
    })
}

fn finish(
    scope: &Scope,
    changed: Result<(), PlayersError>,
    pushes: Vec<Push>,
) -> Result<(), ApiError> {
    changed?;
    scope.gateway.live.deliver(pushes);
    Ok(())
}

fn asker(scope: &Scope) -> Result<Asker<'_>, ApiError> {
    let login = scope.login()?;
    Ok(Asker {
        user_id: login.user_id,
        username: &login.username,
    })
}

fn group_id(text: &str) -> Result<Uuid, ApiError> {
    let id = text.parse();
    id.map_err(|_| ApiError::invalid("Group ID must be a valid ID."))
}

/// The role that a listing is of. Who is banned is not for clients.
fn role(state: Option<i32>) -> Result<Option<GroupRole>, ApiError> {
    let Some(number) = state else {
        return Ok(None);
    };
    let role = GroupRole::from_number(number.into());
    let role = role.filter(|role| *role != GroupRole::Banned);
    let refused = || ApiError::invalid("Invalid state - state must be between 0 and 3.");
    role.ok_or_else(refused).map(Some)
}

pub(crate) fn group_out(group: Group) -> api::Group {
    api::Group {
        id: group.id.to_string(),
        creator_id: group.creator_id.to_string(),
        name: group.name,
        description: group.description,
        lang_tag: group.lang_tag,
        metadata: group.metadata,
        avatar_url: group.avatar_url,
        open: Some(group.open),
        edge_count: group.edge_count,
        max_count: group.max_count,
        create_time: Some(group.created_at.into()),
        update_time: Some(group.updated_at.into()),
    }
}

/// Entries on a page where the caller names no limit.
const LIMIT_DEFAULT: i32 = 100;
