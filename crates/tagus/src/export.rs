//! Everything that is kept of one account, as one JSON document. A subject adds itself by one line of [`PARTS`].

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tagus_base::UserId;
use tagus_players::{LedgerEntry, PlayerRating, UserGroup};
use tagus_wire::{Timestamp, api, to_json};

use crate::api::{ApiError, account_out, friend_out, group_out, object_out, record_out};
use crate::gateway::Gateway;
use crate::hooks::BoxFuture;
use crate::live::{channel_message_out, notification_out};

/// What one subject keeps of an account, in the form that the API answers it.
type Part = fn(Arc<Gateway>, UserId) -> BoxFuture<Result<Value, ApiError>>;

/// The members of the document, in order.
const PARTS: &[(&str, Part)] = &[
    ("account", |gateway, id| Box::pin(account(gateway, id))),
    ("friends", |gateway, id| Box::pin(friends(gateway, id))),
    ("notifications", |gateway, id| {
        Box::pin(notifications(gateway, id))
    }),
    ("leaderboard_records", |gateway, id| {
        Box::pin(leaderboard_records(gateway, id))
    }),
    ("messages", |gateway, id| Box::pin(messages(gateway, id))),
    ("groups", |gateway, id| Box::pin(groups(gateway, id))),
    ("objects", |gateway, id| Box::pin(objects(gateway, id))),
    ("wallet_ledgers", |gateway, id| {
        Box::pin(wallet_ledgers(gateway, id))
    }),
    ("ratings", |gateway, id| Box::pin(ratings(gateway, id))),
];

/// The document. Its parts are read one after another, while their owner may go on playing.
pub(crate) async fn export(gateway: &Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let mut document = Map::new();
    for (name, part) in PARTS {
        document.insert((*name).to_owned(), part(gateway.clone(), user_id).await?);
    }
    Ok(document.into())
}

async fn account(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let account = gateway.accounts.get_account(user_id).await?;
    value(&account_out(&gateway, account))
}

async fn friends(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let limit = tagus_players::FRIENDS_LIST_MAX;
        let page = gateway.friends.list(user_id, limit, None, &cursor).await?;
        for friend in page.friends {
            all.push(value(&friend_out(&gateway, friend))?);
        }
        if page.cursor.is_empty() {
            return Ok(all.into());
        }
        cursor = page.cursor;
    }
}

async fn notifications(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let limit = tagus_players::NOTIFICATIONS_LIST_MAX;
        let page = gateway.notifications.list(user_id, limit, &cursor).await?;
        if page.notifications.is_empty() {
            return Ok(all.into());
        }
        for one in page.notifications {
            all.push(value(&notification_out(one))?);
        }
        cursor = page.cacheable_cursor;
    }
}

/// What the account's owner wrote in channels.
async fn messages(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let limit = tagus_players::CHANNEL_MESSAGES_LIST_MAX;
        let (messages, next) = gateway.chat.export(user_id, limit, &cursor).await?;
        for message in messages {
            all.push(value(&channel_message_out(message))?);
        }
        if next.is_empty() {
            return Ok(all.into());
        }
        cursor = next;
    }
}

/// Scores of all periods, without their ranks.
async fn leaderboard_records(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let records = gateway.leaderboards.export(user_id).await?.into_iter();
    records.map(|record| value(&record_out(record))).collect()
}

/// The groups that the account is in, was refused by or asks to join, each with its state there.
async fn groups(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let groups = gateway.groups.export(user_id).await?.into_iter();
    let out = |one: UserGroup| api::user_group_list::UserGroup {
        group: Some(group_out(one.group)),
        state: Some(one.role.number()),
    };
    groups.map(|one| value(&out(one))).collect()
}

async fn objects(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let objects = gateway.storage.export(user_id).await?.into_iter();
    objects.map(|object| value(&object_out(object))).collect()
}

async fn wallet_ledgers(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let entries = gateway.wallets.export(user_id).await?.into_iter();
    let out = |entry: LedgerEntry| {
        json!({
            "id": entry.id.to_string(),
            "user_id": entry.user_id.to_string(),
            "changeset": entry.changeset,
            "metadata": entry.metadata,
            "create_time": Timestamp::from(entry.create_time).to_string(),
            "update_time": Timestamp::from(entry.update_time).to_string(),
        })
    };
    Ok(entries.map(out).collect())
}

/// The ratings in all modes.
async fn ratings(gateway: Arc<Gateway>, user_id: UserId) -> Result<Value, ApiError> {
    let ratings = gateway.ratings.export(user_id).await?.into_iter();
    let out = |(mode, one): (String, PlayerRating)| {
        json!({
            "mode": mode,
            "mu": one.rating.mu,
            "sigma": one.rating.sigma,
            "games": one.games,
        })
    };
    Ok(ratings.map(out).collect())
}

/// A message in the API's JSON.
pub(crate) fn value(message: &impl tagus_wire::Json) -> Result<Value, ApiError> {
    serde_json::from_slice(&to_json(message)).map_err(|_| ApiError::internal())
}
