//! Listings of groups, of a group's users and of a user's groups.

use tagus_base::{UnixMillis, UserId, Uuid};
use tagus_store::GroupNames;

use super::{Group, GroupRole, Groups, NO_GROUP, READ};
use crate::cursor::{Cursor, MALFORMED, checked_limit};
use crate::{PlayersError, User};

/// Which groups are listed. A name goes with no other filter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct GroupFilter<'a> {
    /// A name, or with `%` at its end what names begin with; upper and lower case are the same. Empty: any.
    pub name: &'a str,
    /// Exactly this language tag. Empty: any.
    pub lang_tag: &'a str,
    /// Open or closed ones. None: any.
    pub open: Option<bool>,
    /// Those with at most so many members.
    pub members: Option<i32>,
}

/// A page of groups.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupPage {
    /// By name where a name is looked for; otherwise the fullest first.
    pub groups: Vec<Group>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

/// Somebody in a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupUser {
    /// Who.
    pub user: User,
    /// What they are in it.
    pub role: GroupRole,
}

/// A page of a group's users.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupUserPage {
    /// By role, then the longest standing first.
    pub users: Vec<GroupUser>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

/// A group of somebody's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserGroup {
    /// Which.
    pub group: Group,
    /// What they are in it.
    pub role: GroupRole,
}

/// A page of a user's groups.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UserGroupPage {
    /// By role, then the longest standing first.
    pub groups: Vec<UserGroup>,
    /// The place of the next page; empty on the last one.
    pub cursor: String,
}

impl Groups {
    /// The groups with these ids, in the order of the ids; unknown ids are left out.
    ///
    /// # Errors
    /// More than [`GROUPS_LIST_MAX`] ids.
    pub async fn get(&self, ids: &[Uuid]) -> Result<Vec<Group>, PlayersError> {
        if ids.len() > GROUPS_LIST_MAX.unsigned_abs() as usize {
            return Err(PlayersError::InvalidArgument(
                "At most 100 groups may be requested at once.",
            ));
        }
        let rows = self.store.groups_by_ids(ids).await.map_err(READ)?;
        Ok(rows.into_iter().map(Group::from).collect())
    }

    /// A page of the groups that pass the filter.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`GROUPS_LIST_MAX`], filters that do not go together, a cursor that is none of this list.
    pub async fn list(
        &self,
        filter: GroupFilter<'_>,
        limit: i32,
        cursor: &str,
    ) -> Result<GroupPage, PlayersError> {
        let limit = checked_limit(limit, GROUPS_LIST_MAX)?;
        if filter.members.is_some_and(|members| members < 1) {
            return Err(PlayersError::InvalidArgument(
                "Invalid members - members must be at least 1.",
            ));
        }
        if filter.name.is_empty() {
            return self.fullest(filter, limit, cursor).await;
        }
        let named = GroupFilter {
            name: filter.name,
            ..GroupFilter::default()
        };
        if filter != named {
            return Err(PlayersError::InvalidArgument(
                "The name filter cannot be combined with any other filter.",
            ));
        }
        self.named(filter.name, limit, cursor).await
    }

    async fn fullest(
        &self,
        filter: GroupFilter<'_>,
        limit: u32,
        cursor: &str,
    ) -> Result<GroupPage, PlayersError> {
        let open = filter.open.map_or(-1, i64::from);
        let members = i64::from(filter.members.unwrap_or_default());
        let mut after = None;
        if !cursor.is_empty() {
            let mut read = Cursor::read(KIND_FULLEST, cursor)?;
            let of = (read.text()?, read.int()?, read.int()?);
            after = Some((read.int()?.unsigned_abs(), read.uuid()?));
            read.end()?;
            if (of.0.as_str(), of.1, of.2) != (filter.lang_tag, open, members) {
                return Err(MALFORMED);
            }
        }
        let wanted = tagus_store::GroupFilter {
            lang_tag: (!filter.lang_tag.is_empty()).then(|| filter.lang_tag.to_owned()),
            open: filter.open,
            edge_count_max: filter.members.map(|members| members.unsigned_abs().into()),
        };
        let rows = self.store.groups(&wanted, after, limit + 1).await;
        let (rows, more) = page(rows.map_err(READ)?, limit);
        let cursor = rows.last().filter(|_| more).map(|row| {
            Cursor::new(KIND_FULLEST)
                .text(filter.lang_tag)
                .int(open)
                .int(members)
                .int(row.edge_count.cast_signed())
                .uuid(row.id)
                .write()
        });
        Ok(GroupPage {
            groups: rows.into_iter().map(Group::from).collect(),
            cursor: cursor.unwrap_or_default(),
        })
    }

    async fn named(&self, name: &str, limit: u32, cursor: &str) -> Result<GroupPage, PlayersError> {
        let mut after = None;
        if !cursor.is_empty() {
            let mut read = Cursor::read(KIND_NAMED, cursor)?;
            let of = read.text()?;
            after = Some((read.text()?, read.uuid()?));
            read.end()?;
            if of != name {
                return Err(MALFORMED);
            }
        }
        let names = name.strip_suffix('%').map_or_else(
            || GroupNames::Exactly(name.to_owned()),
            |prefix| GroupNames::Prefix(prefix.to_owned()),
        );
        let after = after.as_ref().map(|(name, id)| (name.as_str(), *id));
        let rows = self.store.groups_named(&names, after, limit + 1).await;
        let (rows, more) = page(rows.map_err(READ)?, limit);
        let cursor = rows.last().filter(|_| more).map(|row| {
            Cursor::new(KIND_NAMED)
                .text(name)
                .text(&row.name)
                .uuid(row.id)
                .write()
        });
        Ok(GroupPage {
            groups: rows.into_iter().map(Group::from).collect(),
            cursor: cursor.unwrap_or_default(),
        })
    }

    /// A page of a group's users, of one role if it is named; otherwise of all but the banned ones.
    ///
    /// # Errors
    /// There is no such group, a limit that is not in 1..=[`GROUPS_LIST_MAX`], a cursor that is none of this list.
    pub async fn list_users(
        &self,
        group_id: Uuid,
        limit: i32,
        role: Option<GroupRole>,
        cursor: &str,
    ) -> Result<GroupUserPage, PlayersError> {
        let limit = checked_limit(limit, GROUPS_LIST_MAX)?;
        let mut after = None;
        if !cursor.is_empty() {
            let (state, time, id) = read_edge(KIND_USERS, cursor, group_id, role)?;
            after = Some((state, time, UserId(id)));
        }
        if self.get(&[group_id]).await?.is_empty() {
            return Err(NO_GROUP);
        }
        let edges = self
            .store
            .group_members(group_id, states(role), after, limit + 1)
            .await;
        let (edges, more) = page(edges.map_err(READ)?, limit);
        let cursor = edges.last().filter(|_| more).map(|edge| {
            let place = (edge.state, edge.update_time, edge.user_id.0);
            write_edge(KIND_USERS, group_id, role, place)
        });
        let ids: Vec<UserId> = edges.iter().map(|edge| edge.user_id).collect();
        let accounts = self.store.accounts_by_ids(&ids).await.map_err(READ)?;
        let mut users = accounts.into_iter().map(User::from).peekable();
        // Accounts come in the order of the ids; one that was deleted meanwhile is left out.
        let users = edges.into_iter().filter_map(|edge| {
            let user = users.next_if(|user| user.id == edge.user_id)?;
            let role = GroupRole::from_number(edge.state)?;
            Some(GroupUser { user, role })
        });
        Ok(GroupUserPage {
            users: users.collect(),
            cursor: cursor.unwrap_or_default(),
        })
    }

    /// A page of a user's groups, of one role if it is named; otherwise of all but those they are banned from.
    ///
    /// # Errors
    /// A limit that is not in 1..=[`GROUPS_LIST_MAX`], a cursor that is none of this list.
    pub async fn list_of(
        &self,
        user_id: UserId,
        limit: i32,
        role: Option<GroupRole>,
        cursor: &str,
    ) -> Result<UserGroupPage, PlayersError> {
        let limit = checked_limit(limit, GROUPS_LIST_MAX)?;
        let mut after = None;
        if !cursor.is_empty() {
            after = Some(read_edge(KIND_OF_USER, cursor, user_id.0, role)?);
        }
        let edges = self
            .store
            .groups_of(user_id, states(role), after, limit + 1)
            .await;
        let (edges, more) = page(edges.map_err(READ)?, limit);
        let cursor = edges.last().filter(|_| more).map(|edge| {
            let place = (edge.state, edge.update_time, edge.group_id);
            write_edge(KIND_OF_USER, user_id.0, role, place)
        });
        let ids: Vec<Uuid> = edges.iter().map(|edge| edge.group_id).collect();
        let groups = self.get(&ids).await?;
        let mut groups = groups.into_iter().peekable();
        let groups = edges.into_iter().filter_map(|edge| {
            let group = groups.next_if(|group| group.id == edge.group_id)?;
            let role = GroupRole::from_number(edge.state)?;
            Some(UserGroup { group, role })
        });
        Ok(UserGroupPage {
            groups: groups.collect(),
            cursor: cursor.unwrap_or_default(),
        })
    }

    /// All that groups know of a user, for the account's export: bans too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn export(&self, user_id: UserId) -> Result<Vec<UserGroup>, PlayersError> {
        let mut all = Vec::new();
        for role in [None, Some(GroupRole::Banned)] {
            let mut cursor = String::new();
            loop {
                let page = self
                    .list_of(user_id, GROUPS_LIST_MAX, role, &cursor)
                    .await?;
                all.extend(page.groups);
                if page.cursor.is_empty() {
                    break;
                }
                cursor = page.cursor;
            }
        }
        Ok(all)
    }
}

/// The first rows and whether there are more.
fn page<T>(mut rows: Vec<T>, limit: u32) -> (Vec<T>, bool) {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    (rows, more)
}

fn states(role: Option<GroupRole>) -> (i64, i64) {
    let (first, last) = match role {
        None => (GroupRole::Superadmin, GroupRole::JoinRequest),
        Some(role) => (role, role),
    };
    (first.number().into(), last.number().into())
}

/// The place of an edge in the list of `subject`: its state, its time and the other id.
type EdgePlace = (i64, UnixMillis, Uuid);

fn write_edge(kind: u8, subject: Uuid, role: Option<GroupRole>, place: EdgePlace) -> String {
    Cursor::new(kind)
        .uuid(subject)
        .int(states(role).0)
        .int(states(role).1)
        .int(place.0)
        .time(place.1)
        .uuid(place.2)
        .write()
}

fn read_edge(
    kind: u8,
    cursor: &str,
    subject: Uuid,
    role: Option<GroupRole>,
) -> Result<EdgePlace, PlayersError> {
    let mut read = Cursor::read(kind, cursor)?;
    let of = (read.uuid()?, read.int()?, read.int()?);
    let place = (read.int()?, read.time()?, read.uuid()?);
    read.end()?;
    if of != (subject, states(role).0, states(role).1) {
        return Err(MALFORMED);
    }
    Ok(place)
}

/// Entries on one page of each of these lists, at most.
pub const GROUPS_LIST_MAX: i32 = 100;
const KIND_FULLEST: u8 = 10;
const KIND_NAMED: u8 = 11;
const KIND_USERS: u8 = 12;
const KIND_OF_USER: u8 = 13;
