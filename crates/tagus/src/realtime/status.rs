//! Status: a text that followers see, and whom a connection follows.

use tagus_base::UserId;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Status, StatusFollow, StatusUnfollow, StatusUpdate};

use super::{Asker, Failure, Reply};
use crate::live::{Appearance, presence_out, status_of};

/// Follows users by id and name; answers who of them is online.
/// Ids and names of nobody are passed over, as the old protocol does.
pub(super) async fn follow(asker: &Asker, message: StatusFollow) -> Result<Reply, Failure> {
    let ids = user_ids(&message.user_ids)?;
    let accounts = &asker.gateway.accounts;
    let users = accounts.users(&ids, &message.usernames).await;
    let users = users.map_err(crate::api::ApiError::from)?;
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let live = &asker.gateway.live;
    let session_id = asker.requester.session_id;
    let followed =
        live.with_followers(|followers| followers.follow(session_id, ids.iter().copied()));
    followed.map_err(|error| Failure::bad_input(error.to_string()))?;
    let streams = live.streams().lock();
    let presences = ids.iter().flat_map(|id| {
        streams
            .members(&status_of(*id))
            .map(presence_out)
            .collect::<Vec<_>>()
    });
    let presences = presences.collect();
    Ok(Message::Status(Status { presences }).into())
}

pub(super) fn unfollow(asker: &Asker, message: &StatusUnfollow) -> Result<Reply, Failure> {
    let ids = user_ids(&message.user_ids)?;
    let session_id = asker.requester.session_id;
    let live = &asker.gateway.live;
    live.with_followers(|followers| followers.unfollow(session_id, ids));
    Ok(Reply::default())
}

/// Sets the status; without one the connection is no longer seen.
pub(super) fn update(asker: &Asker, message: StatusUpdate) -> Result<Reply, Failure> {
    let live = &asker.gateway.live;
    let session_id = asker.requester.session_id;
    let stream = status_of(asker.requester.identity.user_id);
    let event = if message.status.is_some() {
        let appearance = Appearance {
            status: message.status,
            ..Appearance::default()
        };
        let joined = live.join(&stream, session_id, appearance);
        let joined = joined.map_err(|error| Failure::bad_input(error.to_string()))?;
        joined.event
    } else {
        live.leave(&stream, session_id)
    };
    Ok(Reply {
        then: event.into_iter().collect(),
        ..Reply::default()
    })
}

fn user_ids(texts: &[String]) -> Result<Vec<UserId>, Failure> {
    let ids = texts.iter().map(|text| text.parse());
    let ids: Result<_, _> = ids.collect();
    ids.map_err(|_| Failure::bad_input("Invalid user identifier"))
}
