//! Stored objects.

use tagus_base::UserId;
use tagus_players::{
    ExpectedVersion, NewObject, ObjectId, OldObject, ReadPermission, SERVER_OWNER, StorageAck,
    StorageObject, StorageRights, WritePermission,
};
use tagus_wire::api;

use crate::api::ApiError;
use crate::api::methods::{Scope, handlers};
use crate::boards::run_to_end;
use crate::gateway::unix_now;

handlers! {
    DeleteStorageObjects => delete_storage_objects,
    ListStorageObjects => list_storage_objects,
    ReadStorageObjects => read_storage_objects,
    WriteStorageObjects => write_storage_objects,
}

async fn read_storage_objects(
    scope: Scope,
    request: api::ReadStorageObjectsRequest,
) -> Result<api::StorageObjects, ApiError> {
    let rights = StorageRights::User(scope.login()?.user_id);
    let mut ids = Vec::with_capacity(request.object_ids.len());
    for id in request.object_ids {
        // Without an owner it is the server's.
        let owner = owner_in(&id.user_id)?.unwrap_or(SERVER_OWNER);
        ids.push(ObjectId::new(id.collection, id.key, owner)?);
    }
    let objects = scope.gateway.storage.read(rights, &ids).await?;
    Ok(api::StorageObjects {
        objects: objects.into_iter().map(object_out).collect(),
    })
}

async fn list_storage_objects(
    scope: Scope,
    request: api::ListStorageObjectsRequest,
) -> Result<api::StorageObjectList, ApiError> {
    let rights = StorageRights::User(scope.login()?.user_id);
    let owner = owner_in(&request.user_id)?;
    let limit = request.limit.unwrap_or(1);
    let storage = &scope.gateway.storage;
    let page = storage
        .list(rights, owner, &request.collection, limit, &request.cursor)
        .await?;
    Ok(api::StorageObjectList {
        objects: page.objects.into_iter().map(object_out).collect(),
        cursor: page.cursor,
    })
}

async fn write_storage_objects(
    scope: Scope,
    request: api::WriteStorageObjectsRequest,
) -> Result<api::StorageObjectAcks, ApiError> {
    let user_id = scope.login()?.user_id;
    let guarded = &scope.gateway.hooks.code.guarded_collections;
    let mut objects = request.objects.iter();
    if objects.any(|object| guarded.contains(&object.collection)) {
        let text = "Storage write rejected - permission denied.";
        return Err(ApiError::invalid(text));
    }
    let objects: Result<Vec<_>, _> = request
        .objects
        .into_iter()
        .map(|object| new_object(user_id, object))
        .collect();
    let rights = StorageRights::User(user_id);
    let (storage, objects) = (scope.gateway.storage.clone(), objects?);
    let acks =
        run_to_end(async move { Ok(storage.write(unix_now(), rights, objects).await?) }).await?;
    Ok(api::StorageObjectAcks {
        acks: acks.into_iter().map(ack_out).collect(),
    })
}

async fn delete_storage_objects(
    scope: Scope,
    request: api::DeleteStorageObjectsRequest,
) -> Result<(), ApiError> {
    let user_id = scope.login()?.user_id;
    let mut objects = Vec::with_capacity(request.object_ids.len());
    for id in request.object_ids {
        objects.push(OldObject {
            id: ObjectId::new(id.collection, id.key, user_id)?,
            version: Some(id.version).filter(|version| !version.is_empty()),
        });
    }
    let rights = StorageRights::User(user_id);
    let storage = scope.gateway.storage.clone();
    run_to_end(async move { Ok(storage.delete(unix_now(), rights, objects).await?) }).await
}

fn new_object(owner: UserId, object: api::WriteStorageObject) -> Result<NewObject, ApiError> {
    let read = object.permission_read.map(ReadPermission::parse);
    let write = object.permission_write.map(WritePermission::parse);
    Ok(NewObject {
        id: ObjectId::new(object.collection, object.key, owner)?,
        value: object.value,
        version: ExpectedVersion::from(object.version.as_str()),
        read: read.transpose()?.unwrap_or_default(),
        write: write.transpose()?.unwrap_or_default(),
    })
}

/// An owner's id; none where the text is empty.
fn owner_in(text: &str) -> Result<Option<UserId>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let refusal = "Invalid user ID - make sure user ID is a valid UUID.";
    let owner = text.parse().map_err(|_| ApiError::invalid(refusal))?;
    Ok(Some(owner))
}

pub(crate) fn object_out(object: StorageObject) -> api::StorageObject {
    api::StorageObject {
        collection: object.id.collection().to_owned(),
        key: object.id.key().to_owned(),
        user_id: object.id.owner().to_string(),
        value: object.value,
        version: object.version,
        permission_read: object.read.number(),
        permission_write: object.write.number(),
        create_time: Some(object.create_time.into()),
        update_time: Some(object.update_time.into()),
    }
}

fn ack_out(ack: StorageAck) -> api::StorageObjectAck {
    api::StorageObjectAck {
        collection: ack.id.collection().to_owned(),
        key: ack.id.key().to_owned(),
        version: ack.version,
        user_id: ack.id.owner().to_string(),
        create_time: Some(ack.create_time.into()),
        update_time: Some(ack.update_time.into()),
    }
}
