//! Notifications.

use tagus_base::Uuid;
use tagus_wire::api;

use crate::api::ApiError;
use crate::api::methods::{Scope, handlers};
use crate::live::notification_out;

handlers! {
    ListNotifications => list_notifications,
    DeleteNotifications => delete_notifications,
}

async fn list_notifications(
    scope: Scope,
    request: api::ListNotificationsRequest,
) -> Result<api::NotificationList, ApiError> {
    let user_id = scope.login()?.user_id;
    let limit = request.limit.unwrap_or(1);
    let notifications = &scope.gateway.notifications;
    let page = notifications
        .list(user_id, limit, &request.cacheable_cursor)
        .await?;
    let notifications = page.notifications.into_iter();
    Ok(api::NotificationList {
        notifications: notifications.map(notification_out).collect(),
        cacheable_cursor: page.cacheable_cursor,
    })
}

async fn delete_notifications(
    scope: Scope,
    request: api::DeleteNotificationsRequest,
) -> Result<(), ApiError> {
    let user_id = scope.login()?.user_id;
    if request.ids.is_empty() {
        return Err(ApiError::invalid(
            "At least one notification ID is required.",
        ));
    }
    let ids: Result<Vec<Uuid>, _> = request.ids.iter().map(|id| id.parse()).collect();
    let ids = ids.map_err(|_| ApiError::invalid("Invalid notification ID."))?;
    scope.gateway.notifications.delete(user_id, &ids).await?;
    Ok(())
}
