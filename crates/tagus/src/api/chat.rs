//! Channels' history.

use tagus_players::read_channel_id;
use tagus_wire::api;

use crate::api::ApiError;
use crate::api::methods::{Scope, handlers};
use crate::live::channel_message_out;

handlers! {
    ListChannelMessages => list_channel_messages,
}

async fn list_channel_messages(
    scope: Scope,
    request: api::ListChannelMessagesRequest,
) -> Result<api::ChannelMessageList, ApiError> {
    let user_id = scope.login()?.user_id;
    let (limit, forward) = (request.limit.unwrap_or(1), request.forward.unwrap_or(true));
    let channel = read_channel_id(&request.channel_id)?;
    let chat = &scope.gateway.chat;
    chat.check_read(user_id, &channel).await?;
    let page = chat.list(&channel, limit, forward, &request.cursor).await?;
    let messages = page.messages.into_iter();
    Ok(api::ChannelMessageList {
        messages: messages.map(channel_message_out).collect(),
        next_cursor: page.next_cursor,
        prev_cursor: page.prev_cursor,
        cacheable_cursor: page.cacheable_cursor,
    })
}
