//! Friends.

use std::collections::BTreeSet;

use tagus_base::UserId;
use tagus_players::{Asker, Friend, Push};
use tagus_wire::api;

use crate::api::ApiError;
use crate::api::account::user_out;
use crate::api::methods::{Scope, handlers};
use crate::gateway::{Gateway, unix_now};

handlers! {
    AddFriends => add_friends,
    BlockFriends => block_friends,
    DeleteFriends => delete_friends,
    ListFriends => list_friends,
    ListFriendsOfFriends => list_friends_of_friends,
}

async fn add_friends(scope: Scope, request: api::AddFriendsRequest) -> Result<(), ApiError> {
    let others = named(&scope.gateway, &request.ids, &request.usernames).await?;
    let mut pushes = Vec::new();
    let (friends, asker) = (&scope.gateway.friends, asker(&scope)?);
    let added = friends.add(unix_now(), asker, &others, &request.metadata, &mut pushes);
    finish(&scope, added.await, pushes)
}

async fn delete_friends(scope: Scope, request: api::DeleteFriendsRequest) -> Result<(), ApiError> {
    let others = named(&scope.gateway, &request.ids, &request.usernames).await?;
    let mut pushes = Vec::new();
    let (friends, asker) = (&scope.gateway.friends, asker(&scope)?);
    let removed = friends.remove(unix_now(), asker, &others, &mut pushes);
    finish(&scope, removed.await, pushes)
}

async fn block_friends(scope: Scope, request: api::BlockFriendsRequest) -> Result<(), ApiError> {
    let others = named(&scope.gateway, &request.ids, &request.usernames).await?;
    let mut pushes = Vec::new();
    let (friends, asker) = (&scope.gateway.friends, asker(&scope)?);
    let blocked = friends.block(unix_now(), asker, &others, &mut pushes);
    finish(&scope, blocked.await, pushes)
}

async fn list_friends(
    scope: Scope,
    request: api::ListFriendsRequest,
) -> Result<api::FriendList, ApiError> {
    let user_id = scope.login()?.user_id;
    let limit = request.limit.unwrap_or(1_000);
    let friends = &scope.gateway.friends;
    let page = friends
        .list(user_id, limit, request.state, &request.cursor)
        .await?;
    let friends = page.friends.into_iter();
    Ok(api::FriendList {
        friends: friends
            .map(|friend| friend_out(&scope.gateway, friend))
            .collect(),
        cursor: page.cursor,
    })
}

async fn list_friends_of_friends(
    scope: Scope,
    request: api::ListFriendsOfFriendsRequest,
) -> Result<api::FriendsOfFriendsList, ApiError> {
    let user_id = scope.login()?.user_id;
    let limit = request.limit.unwrap_or(10);
    let friends = &scope.gateway.friends;
    let page = friends
        .friends_of_friends(user_id, limit, &request.cursor)
        .await?;
    let far = page.friends.into_iter();
    let far = far.map(
        |(referrer, user)| api::friends_of_friends_list::FriendOfFriend {
            referrer: referrer.to_string(),
            user: Some(user_out(&scope.gateway, user)),
        },
    );
    Ok(api::FriendsOfFriendsList {
        friends_of_friends: far.collect(),
        cursor: page.cursor,
    })
}

/// Tells what was done even where a later one of several changes failed.
fn finish(
    scope: &Scope,
    changed: Result<(), tagus_players::PlayersError>,
    pushes: Vec<Push>,
) -> Result<(), ApiError> {
    scope.gateway.live.deliver(pushes);
    Ok(changed?)
}

fn asker(scope: &Scope) -> Result<Asker<'_>, ApiError> {
    let login = scope.login()?;
    Ok(Asker {
        user_id: login.user_id,
        username: &login.username,
    })
}

/// The accounts of a request that names them by id or name.
pub(super) async fn named(
    gateway: &Gateway,
    ids: &[String],
    usernames: &[String],
) -> Result<Vec<UserId>, ApiError> {
    if ids.is_empty() && usernames.is_empty() {
        return Err(ApiError::invalid("Specify at least one ID or Username."));
    }
    let ids: Result<Vec<UserId>, _> = ids.iter().map(|id| id.parse()).collect();
    let mut ids = ids.map_err(|_| ApiError::invalid("Invalid user ID."))?;
    if !usernames.is_empty() {
        let usernames: BTreeSet<String> = usernames.iter().cloned().collect();
        let usernames: Vec<String> = usernames.into_iter().collect();
        let users = gateway.accounts.users(&[], &usernames).await?;
        if users.len() < usernames.len() {
            return Err(ApiError::not_found("User not found."));
        }
        ids.extend(users.into_iter().map(|user| user.id));
    }
    Ok(ids)
}

pub(crate) fn friend_out(gateway: &Gateway, friend: Friend) -> api::Friend {
    api::Friend {
        user: Some(user_out(gateway, friend.user)),
        state: Some(friend.state.number()),
        update_time: Some(friend.update_time.into()),
        metadata: friend.metadata,
    }
}
