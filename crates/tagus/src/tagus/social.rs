//! Notifications and friends, for server code.

use tagus_base::UserId;
use tagus_players::{Asker, FriendPage, FriendState, NewNotification, NotificationPage, Push};

use super::Tagus;
use crate::api::ApiError;
use crate::gateway::unix_now;

impl Tagus {
    /// Sends notifications, all or none: to those who are connected at once, and kept for later where they are persistent.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a subject, content or code out of its range, NOT_FOUND for a receiver without an account.
    pub async fn notifications_send(&self, all: Vec<NewNotification>) -> Result<(), ApiError> {
        let mut pushes = Vec::new();
        let notifications = &self.gateway.notifications;
        notifications.send(unix_now(), all, &mut pushes).await?;
        self.gateway.live.deliver(pushes);
        Ok(())
    }

    /// A user's notifications behind the cursor, oldest first; an empty cursor is the beginning.
    ///
    /// # Errors
    /// A limit that is not in 1..=1000, a cursor that is none.
    pub async fn notifications(
        &self,
        user_id: UserId,
        limit: i32,
        cursor: &str,
    ) -> Result<NotificationPage, ApiError> {
        let notifications = &self.gateway.notifications;
        Ok(notifications.list(user_id, limit, cursor).await?)
    }

    /// Invites users to be friends of another, or accepts their invitations.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn friends_add(&self, asker: Asker<'_>, others: &[UserId]) -> Result<(), ApiError> {
        let mut pushes = Vec::new();
        let friends = &self.gateway.friends;
        let added = friends.add(unix_now(), asker, others, "", &mut pushes);
        let added = added.await;
        self.told(added, pushes)
    }

    /// Ends friendships, invitations and blocks.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn friends_remove(
        &self,
        asker: Asker<'_>,
        others: &[UserId],
    ) -> Result<(), ApiError> {
        let mut pushes = Vec::new();
        let friends = &self.gateway.friends;
        let removed = friends.remove(unix_now(), asker, others, &mut pushes);
        let removed = removed.await;
        self.told(removed, pushes)
    }

    /// Blocks users.
    ///
    /// # Errors
    /// As the client's call.
    pub async fn friends_block(&self, asker: Asker<'_>, others: &[UserId]) -> Result<(), ApiError> {
        let mut pushes = Vec::new();
        let friends = &self.gateway.friends;
        let blocked = friends.block(unix_now(), asker, others, &mut pushes);
        let blocked = blocked.await;
        self.told(blocked, pushes)
    }

    /// A page of a user's list of friends; the numbers of states are the wire's.
    ///
    /// # Errors
    /// A limit that is not in 1..=1000, a state or a cursor that is none.
    pub async fn friends(
        &self,
        user_id: UserId,
        limit: i32,
        state: Option<i32>,
        cursor: &str,
    ) -> Result<FriendPage, ApiError> {
        let friends = &self.gateway.friends;
        Ok(friends.list(user_id, limit, state, cursor).await?)
    }

    /// How one user stands to another, if at all.
    ///
    /// # Errors
    /// The database failed.
    pub async fn friend_state(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<FriendState>, ApiError> {
        Ok(self.gateway.friends.state(one, other).await?)
    }

    /// Delivers what was done even where a later part failed.
    fn told(
        &self,
        changed: Result<(), tagus_players::PlayersError>,
        pushes: Vec<Push>,
    ) -> Result<(), ApiError> {
        self.gateway.live.deliver(pushes);
        Ok(changed?)
    }
}
