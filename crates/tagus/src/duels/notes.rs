//! What players are told of their kept games while they are elsewhere: notifications that wait for them.
//!
//! They are sent after the fact. A server that ends in between sends none, and the list of games says the same.

use serde_json::json;
use tagus_base::Uuid;
use tagus_players::NewNotification;

use super::kept::Kept;
use crate::tagus::Tagus;

/// Code of the notification: somebody challenges the receiver.
pub const NOTE_CHALLENGE: i32 = 201;
/// Code of the notification: it is the receiver's turn.
pub const NOTE_TURN: i32 = 202;
/// Code of the notification: a game of the receiver is over. Its content says whether it was won; null: drawn.
pub const NOTE_OVER: i32 = 203;
/// Code of the notification: a game of the receiver ended without a result, since the challenge was declined, taken back,
/// or not answered in time.
pub const NOTE_DECLINED: i32 = 204;

/// Tells the player on this chair; `more` are further members of the content.
pub(super) async fn tell(
    tagus: &Tagus,
    (id, kept): (Uuid, &Kept),
    (chair, code): (usize, i32),
    more: &[(&str, serde_json::Value)],
) {
    let (user_id, opponent) = (kept.users[chair].0, kept.users[1 - chair].0);
    let name = &kept.names[1 - chair];
    let subject = match code {
        NOTE_CHALLENGE => format!("{name} challenges you"),
        NOTE_TURN => format!("Your turn against {name}"),
        NOTE_OVER => format!("Your game against {name} is over"),
        _ => format!("Your game against {name} does not take place"),
    };
    let mut content = json!({
        "id": id.to_string(),
        "mode": kept.mode,
        "opponent": { "id": opponent.to_string(), "name": name },
    });
    for (member, value) in more {
        content[*member] = value.clone();
    }
    let notification = NewNotification {
        user_id,
        subject,
        content: content.to_string(),
        code,
        sender_id: Some(opponent),
        persistent: true,
    };
    if let Err(error) = tagus.notifications_send(vec![notification]).await {
        tracing::debug!(%error, game = %id, code, "tell a player of a kept game");
    }
}
