//! Notifications: kept until their receiver deletes them, or only for those who are connected.

use std::fmt;

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::{Batch, NotificationOp, NotificationRow, Op, Store};

use crate::cursor::{Cursor, checked_limit};
use crate::{Notification, PlayersError, Push, Random, random_uuid};

/// A notification to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewNotification {
    /// Who is told.
    pub user_id: UserId,
    /// A title, 1 to [`SUBJECT_BYTES_MAX`] bytes.
    pub subject: String,
    /// A JSON object as text, at most [`CONTENT_BYTES_MAX`] bytes.
    pub content: String,
    /// What kind: positive for a studio's own; the negative ones are in [`notification_code`].
    pub code: i32,
    /// Who caused it; none: the server.
    pub sender_id: Option<UserId>,
    /// Kept until it is deleted.
    pub persistent: bool,
}

/// Codes of the server's own notifications.
pub mod notification_code {
    /// Somebody wants to chat.
    pub const DIRECT_CHAT: i32 = -1;
    /// An invitation to be friends.
    pub const FRIEND_REQUEST: i32 = -2;
    /// An invitation was accepted.
    pub const FRIEND_ACCEPT: i32 = -3;
    /// The receiver was added to a group, or their request was accepted.
    pub const GROUP_ADD: i32 = -4;
    /// Somebody asks to join the receiver's group.
    pub const GROUP_JOIN_REQUEST: i32 = -5;
    /// A friend from elsewhere plays the game now.
    pub const FRIEND_JOIN_GAME: i32 = -6;
    /// Another connection of the same user replaced this one.
    pub const SINGLE_SOCKET: i32 = -7;
    /// The receiver is banned.
    pub const USER_BANNED: i32 = -8;
    /// A friend removed the receiver.
    pub const FRIEND_REMOVE: i32 = -9;
}

/// A page of notifications.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NotificationPage {
    /// Oldest first.
    pub notifications: Vec<Notification>,
    /// The place behind the last one, for asking later what came since.
    pub cacheable_cursor: String,
}

/// The notifications and their rules.
#[derive(Clone)]
pub struct Notifications {
    store: Store,
    random: Random,
}

impl Notifications {
    /// Notifications that lie in the store.
    #[must_use]
    pub const fn new(store: Store, random: Random) -> Self {
        Self { store, random }
    }

    /// Sends notifications, all or none of them; one to nobody's account fails them all.
    ///
    /// # Errors
    /// A subject, content or code that is out of its range; too many at once; `NotFound` where a receiver has no account.
    pub async fn send(
        &self,
        now: UnixMillis,
        all: Vec<NewNotification>,
        out: &mut Vec<Push>,
    ) -> Result<(), PlayersError> {
        if all.len() > SEND_MAX {
            return Err(PlayersError::InvalidArgument(
                "At most 100 notifications may be sent at once.",
            ));
        }
        all.iter().try_for_each(check)?;
        let (mut ops, mut pushes) = (Vec::new(), Vec::new());
        for one in all {
            self.prepare(now, one, &mut ops, &mut pushes);
        }
        self.store
            .commit(ops.into_iter().collect::<Batch>())
            .await
            .map_err(|source| match source.conflict() {
                Some(_) => PlayersError::NotFound("User not found."),
                None => PlayersError::Store {
                    attempt: "keep notifications",
                    source,
                },
            })?;
        out.extend(pushes);
        Ok(())
    }

    /// A notification as part of a larger change: `ops` join its batch, and `out` is told after it.
    pub(crate) fn prepare(
        &self,
        now: UnixMillis,
        one: NewNotification,
        ops: &mut Vec<Op>,
        out: &mut Vec<Push>,
    ) {
        let notification = Notification {
            id: random_uuid(&self.random),
            user_id: one.user_id,
            subject: one.subject,
            content: one.content,
            code: one.code,
            sender_id: one.sender_id,
            create_time: now,
            persistent: one.persistent,
        };
        if notification.persistent {
            let row = Box::new(notification.clone().into());
            ops.push(NotificationOp::Insert(row).into());
        }
        out.push(Push::Notification(notification));
    }

    /// A user's notifications, oldest first, behind the cursor.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`LIST_MAX`], or a cursor that is none.
    pub async fn list(
        &self,
        user_id: UserId,
        limit: i32,
        cursor: &str,
    ) -> Result<NotificationPage, PlayersError> {
        checked_limit(limit, LIST_MAX)?;
        let after = if cursor.is_empty() {
            (UnixMillis(0), Uuid::NIL)
        } else {
            let mut read = Cursor::read(KIND, cursor)?;
            let after = (read.time()?, read.uuid()?);
            read.end()?;
            after
        };
        let rows = self
            .store
            .notifications(user_id, after, limit.unsigned_abs())
            .await
            .map_err(PlayersError::store("list notifications"))?;
        let last = rows.last().map_or(after, |row| (row.create_time, row.id));
        let cursor = Cursor::new(KIND).time(last.0).uuid(last.1).write();
        let notifications = rows.into_iter().map(Notification::from).collect();
        Ok(NotificationPage {
            notifications,
            cacheable_cursor: cursor,
        })
    }

    /// Deletes notifications of a user; ids of none of theirs are passed over.
    ///
    /// # Errors
    /// More than [`SEND_MAX`] at once.
    pub async fn delete(&self, user_id: UserId, ids: &[Uuid]) -> Result<(), PlayersError> {
        if ids.len() > SEND_MAX {
            return Err(PlayersError::InvalidArgument(
                "At most 100 notifications may be deleted at once.",
            ));
        }
        let delete = |id: &Uuid| NotificationOp::Delete { user_id, id: *id };
        let batch: Batch = ids.iter().map(delete).collect();
        let deleted = self.store.commit(batch).await;
        deleted
            .map(drop)
            .map_err(PlayersError::store("delete notifications"))
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications").finish_non_exhaustive()
    }
}

fn check(one: &NewNotification) -> Result<(), PlayersError> {
    let refuse = |text| Err(PlayersError::InvalidArgument(text));
    if one.subject.is_empty() || one.subject.len() > SUBJECT_BYTES_MAX {
        return refuse("Notification subject invalid, must be 1-255 bytes.");
    }
    if one.content.len() > CONTENT_BYTES_MAX {
        return refuse("Notification content invalid, must be at most 16384 bytes.");
    }
    if !is_json_object(&one.content) {
        return refuse("Notification content must be a JSON object.");
    }
    if one.code == 0 {
        return refuse("Notification code invalid, must not be 0.");
    }
    Ok(())
}

/// Whether a text is a JSON object, as metadata and contents must be.
pub(crate) fn is_json_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

impl From<Notification> for NotificationRow {
    fn from(one: Notification) -> Self {
        Self {
            id: one.id,
            user_id: one.user_id,
            subject: one.subject,
            content: one.content,
            code: one.code.into(),
            sender_id: one.sender_id,
            create_time: one.create_time,
        }
    }
}

impl From<NotificationRow> for Notification {
    fn from(row: NotificationRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            subject: row.subject,
            content: row.content,
            code: i32::try_from(row.code).unwrap_or_default(),
            sender_id: row.sender_id,
            create_time: row.create_time,
            persistent: true,
        }
    }
}

/// Notifications that one call sends or deletes, at most.
pub const SEND_MAX: usize = 100;
/// Notifications on one page, at most.
pub const LIST_MAX: i32 = 1_000;
/// Bytes of a notification's subject, at most.
pub const SUBJECT_BYTES_MAX: usize = 255;
/// Bytes of a notification's content, at most.
pub const CONTENT_BYTES_MAX: usize = 16_384;
const KIND: u8 = 1;
