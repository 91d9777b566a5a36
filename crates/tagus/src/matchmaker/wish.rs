//! What a ticket asks for: from words of the wire, by the configured modes, to what the matchmaker understands.

use std::collections::BTreeMap;

use tagus_base::{Millis, UserId};
use tagus_players::matchmaker::{Entry, Rating, Wish};
use tagus_players::query::Query;
use tagus_players::{PlayersError, Ratings};
use tagus_wire::realtime::matchmaker_matched::MatchmakerUser;
use tagus_wire::to_json;

use super::matched::{MODE_PROPERTY, presence_of};
use crate::api::ApiError;
use crate::config::MatchmakerSettings;
use crate::live::presence_out;

/// What a ticket asks for, as clients say it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchmakerWish {
    /// Fewest players of the match, at least 2.
    pub min_count: u32,
    /// Most players of the match, at least `min_count`, at most 1,024.
    pub max_count: u32,
    /// The number of players is a multiple of this, which divides both counts;
    /// none: any number, or a multiple of the mode's number of teams.
    pub count_multiple: Option<u32>,
    /// What every other ticket of the match must fulfil; empty: anything.
    pub query: String,
    /// What others' queries find under `properties.NAME`. `mode` names the mode.
    pub string_properties: BTreeMap<String, String>,
    /// What others' queries find under `properties.NAME`. `rtt_ms.REGION` tells the round-trip time to a region.
    pub numeric_properties: BTreeMap<String, f64>,
}

impl MatchmakerWish {
    /// The wish in a mode. The mode's name is given back if its ratings count.
    pub(super) fn read(
        self,
        settings: &MatchmakerSettings,
    ) -> Result<(Wish, Option<String>), ApiError> {
        let query = Query::parse(&self.query).map_err(PlayersError::from)?;
        let named = self.string_properties.get(MODE_PROPERTY);
        let place = named.and_then(|name| settings.modes.iter().position(|it| it.name == *name));
        let mode = place.map(|place| &settings.modes[place]);
        let team_count = mode.map_or(0, |mode| mode.team_count);
        let wish = Wish {
            count_multiple: self.count_multiple.unwrap_or(team_count.max(1)),
            // Those of no mode are the first one.
            pool: place.map_or(0, |place| place as u16 + 1),
            team_count,
            gather_ms: mode.and_then(|mode| mode.gather_ms).map(Millis),
            regions: regions_of(&self.numeric_properties, settings)?,
            string_properties: self.string_properties,
            numeric_properties: self.numeric_properties,
            ..Wish::new(self.min_count, self.max_count, query)
        };
        let rated = mode.filter(|mode| mode.rated);
        Ok((wish, rated.map(|mode| mode.name.clone())))
    }
}

/// Round-trip times to the regions of the configuration.
fn regions_of(
    properties: &BTreeMap<String, f64>,
    settings: &MatchmakerSettings,
) -> Result<BTreeMap<String, Millis>, ApiError> {
    let mut regions = BTreeMap::new();
    for region in &settings.regions {
        let Some(rtt) = properties.get(&format!("{RTT_PREFIX}{region}")) else {
            continue;
        };
        if !(0.0..=RTT_MS_MAX).contains(rtt) {
            return Err(ApiError::invalid(format!(
                "Invalid property {RTT_PREFIX}{region}, must be from 0 to {RTT_MS_MAX}"
            )));
        }
        regions.insert(region.clone(), Millis(rtt.round() as u32));
    }
    Ok(regions)
}

/// The ratings of these players in a mode.
pub(super) async fn ratings_of(
    ratings: &Ratings,
    mode: &str,
    users: &[UserId],
) -> Result<BTreeMap<UserId, Rating>, ApiError> {
    let found = ratings.ratings(mode, users).await?.into_iter();
    Ok(found.map(|one| (one.user_id, one.rating)).collect())
}

/// The rating of each player of a ticket: the mean, and as uncertain as they are together, so that the strength of all
/// is this one for each of them. None if somebody's is not known.
pub(super) fn joint(entries: &[Entry], known: &BTreeMap<UserId, Rating>) -> Option<Rating> {
    let ratings = entries.iter().map(|entry| known.get(&entry.user_id));
    let ratings: Vec<&Rating> = ratings.collect::<Option<_>>()?;
    let count = ratings.len().max(1) as f64;
    let mu: f64 = ratings.iter().map(|it| it.mu).sum();
    let variance: f64 = ratings.iter().map(|it| it.sigma * it.sigma).sum();
    Some(Rating {
        mu: mu / count,
        sigma: (variance / count).sqrt(),
    })
}

/// Checks that whoever is in a match of the largest size can be told of all of its players: where each of N players takes
/// at most the N-th part of `bytes_max` by his own ticket, all of them together take no more.
pub(super) fn check_size(
    entries: &[Entry],
    party_id: Option<&str>,
    wish: &Wish,
    bytes_max: usize,
) -> Result<(), ApiError> {
    let bytes = entries.iter().map(|entry| {
        let user = MatchmakerUser {
            presence: Some(presence_out(&presence_of(entry))),
            party_id: party_id.unwrap_or_default().to_owned(),
            string_properties: wish.string_properties.clone(),
            numeric_properties: wish.numeric_properties.clone(),
        };
        // With the comma.
        to_json(&user).len() + 1
    });
    let largest = bytes.max().unwrap_or_default();
    if largest.saturating_mul(wish.max_count as usize) > bytes_max {
        return Err(ApiError::invalid(format!(
            "Invalid properties, {largest} bytes for each player are too many for a match of {}",
            wish.max_count
        )));
    }
    Ok(())
}

/// What stands before the names of regions in numeric properties.
const RTT_PREFIX: &str = "rtt_ms.";
/// Longest round-trip time that a ticket may tell, in milliseconds: a minute.
const RTT_MS_MAX: f64 = 60_000.0;

#[cfg(test)]
mod tests {
    use tagus_base::{SessionId, Uuid};

    use super::*;
    use crate::config::Mode;

    fn settings() -> MatchmakerSettings {
        MatchmakerSettings {
            regions: vec!["east".to_owned(), "west".to_owned()],
            modes: vec![Mode {
                name: "duel".to_owned(),
                gather_ms: Some(5),
                team_count: 2,
                rated: true,
                ..Mode::default()
            }],
            ..MatchmakerSettings::default()
        }
    }

    fn wish(mode: &str, rtts: &[(&str, f64)]) -> MatchmakerWish {
        let owned = |(name, number): &(&str, f64)| ((*name).to_owned(), *number);
        MatchmakerWish {
            min_count: 2,
            max_count: 4,
            string_properties: [("mode".to_owned(), mode.to_owned())].into(),
            numeric_properties: rtts.iter().map(owned).collect(),
            ..MatchmakerWish::default()
        }
    }

    fn entry(number: u8) -> Entry {
        Entry {
            session_id: SessionId(Uuid([number; 16])),
            user_id: UserId(Uuid([number; 16])),
            username: "ann".into(),
        }
    }

    #[test]
    fn a_mode_says_how_its_tickets_wait() {
        let (duel, rated) = wish("duel", &[]).read(&settings()).unwrap();
        let found = (duel.count_multiple, duel.team_count, duel.gather_ms);
        assert_eq!(found, (2, 2, Some(Millis(5))));
        assert_eq!(rated.as_deref(), Some("duel"));
        assert_ne!(duel.pool, wish("", &[]).read(&settings()).unwrap().0.pool);
        let (other, rated) = wish("Duel", &[]).read(&settings()).unwrap();
        let found = (other.count_multiple, other.team_count, other.gather_ms);
        assert_eq!(found, (1, 0, None));
        assert_eq!((other.pool, rated), (0, None));
        let own = MatchmakerWish {
            count_multiple: Some(4),
            ..wish("duel", &[])
        };
        assert_eq!(own.read(&settings()).unwrap().0.count_multiple, 4);
    }

    #[test]
    fn round_trip_times_of_known_regions_are_read() {
        let rtts = [
            ("rtt_ms.east", 20.4),
            ("rtt_ms.north", -1.0),
            ("rtt_ms.west", 60_000.0),
        ];
        let (read, _) = wish("", &rtts).read(&settings()).unwrap();
        let east_and_west = [("east", 20), ("west", 60_000)];
        let expected = east_and_west.map(|(name, ms)| (name.to_owned(), Millis(ms)));
        assert_eq!(read.regions, BTreeMap::from(expected));
        assert_eq!(read.numeric_properties.len(), 3);
        for wrong in [-0.5, 60_000.5, f64::NAN, f64::INFINITY] {
            let error = wish("", &[("rtt_ms.west", wrong)]).read(&settings());
            let message = error.unwrap_err().message;
            assert_eq!(
                message,
                "Invalid property rtt_ms.west, must be from 0 to 60000"
            );
        }
    }

    #[test]
    fn a_party_is_as_strong_as_its_players_together() {
        let known = [(1, 20.0, 3.0), (2, 30.0, 4.0)].map(|(number, mu, sigma)| {
            let rating = Rating { mu, sigma };
            (entry(number).user_id, rating)
        });
        let known = BTreeMap::from(known);
        let both = joint(&[entry(1), entry(2)], &known).unwrap();
        assert_eq!(both.mu, 25.0);
        assert_eq!(both.sigma, 12.5_f64.sqrt());
        assert_eq!(joint(&[entry(2)], &known).unwrap().mu, 30.0);
        assert_eq!(joint(&[entry(1), entry(3)], &known), None);
    }

    #[test]
    fn the_size_is_checked_at_its_limit() {
        let (wish, _) = wish("", &[]).read(&settings()).unwrap();
        let bytes = |bytes_max| check_size(&[entry(1)], None, &wish, bytes_max);
        let user = MatchmakerUser {
            presence: Some(presence_out(&presence_of(&entry(1)))),
            party_id: String::new(),
            string_properties: wish.string_properties.clone(),
            numeric_properties: BTreeMap::new(),
        };
        let most = 4 * (to_json(&user).len() + 1);
        assert!(bytes(most).is_ok());
        let message = bytes(most - 1).unwrap_err().message;
        let end = "bytes for each player are too many for a match of 4";
        assert!(message.ends_with(end), "{message}");
    }
}
