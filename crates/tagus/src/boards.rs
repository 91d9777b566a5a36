//! Leaderboards and tournaments as time goes by: ranks are loaded, and server code hears of resets and ends.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tagus_players::leaderboards::{BoardEvent, BoardEventKind, BoardKind};
use tokio::sync::watch;

use crate::admin::Readiness;
use crate::api::ApiError;
use crate::gateway::{Gateway, unix_now};
use crate::hooks::BoardHook;
use crate::tagus::Tagus;

/// What readiness waits for.
pub(crate) const LOADING_RANKS: &str = "loading the ranks of leaderboards";

/// Looks at the boards every second until the server drains.
pub(crate) async fn drive(
    gateway: Arc<Gateway>,
    readiness: Arc<Readiness>,
    mut draining: watch::Receiver<bool>,
) {
    let mut seconds = tokio::time::interval(LOOK_INTERVAL);
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = draining.changed() => return,
            _ = seconds.tick() => {}
        }
        match gateway.leaderboards.tick(unix_now()).await {
            Ok(events) => {
                readiness.done(LOADING_RANKS);
                // Marks are up to a time: what comes behind a hook that failed has to wait with it.
                let mut failed = BTreeSet::new();
                for event in events {
                    if *draining.borrow() {
                        return;
                    }
                    let board = event.board.id.clone();
                    if !failed.contains(&board) && !tell(&gateway, event).await {
                        failed.insert(board);
                    }
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "look after leaderboards");
            }
        }
    }
}

/// Runs the hook of an event, and notes it once the hook has succeeded, which is returned; else the event comes again.
async fn tell(gateway: &Arc<Gateway>, event: BoardEvent) -> bool {
    let board = event.board.id.clone();
    let hook = match (event.board.kind(), event.kind) {
        (BoardKind::Tournament, BoardEventKind::Reset) => BoardHook::TournamentReset,
        (BoardKind::Tournament, BoardEventKind::End) => BoardHook::TournamentEnd,
        (BoardKind::Leaderboard, _) => BoardHook::LeaderboardReset,
    };
    if let Some(hook) = gateway.hooks.board(hook) {
        let tagus = Tagus::of(gateway);
        if let Err(error) = run_to_end(hook(tagus, event.clone())).await {
            tracing::warn!(%error, board, kind = ?event.kind, "the hook of a leaderboard failed, it is called again");
            return false;
        }
    }
    if let Err(error) = gateway.leaderboards.mark(&event).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, board, "note a leaderboard's reset");
        return false;
    }
    true
}

/// Runs a future to its end, also where whoever waits for it goes away. A panic is an error.
pub(crate) async fn run_to_end<T: Send + 'static>(
    future: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let ended = tokio::spawn(future).await;
    ended.unwrap_or_else(|_| Err(ApiError::internal()))
}

/// Between two looks; a reset or an end is told at most this much later.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
