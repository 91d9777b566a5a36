//! When a service is left alone. Pure: time is an argument.

use std::time::{Duration, Instant};

/// Counts failures in a row. After the last one that is allowed nobody is let through for a while, then one call to see
/// whether the service is back; another one after the same while if that call never ends.
#[derive(Debug)]
pub(super) struct Breaker {
    failures_max: u32,
    pause: Duration,
    failures: u32,
    paused_until: Option<Instant>,
}

impl Breaker {
    pub(super) const fn new(failures_max: u32, pause: Duration) -> Self {
        Self {
            failures_max,
            pause,
            failures: 0,
            paused_until: None,
        }
    }

    /// Whether a call may begin; otherwise how long none may.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        match self.paused_until {
            Some(until) if now < until => Err(until - now),
            Some(_) => {
                self.paused_until = Some(now + self.pause);
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) const fn handle_success(&mut self) {
        self.failures = 0;
        self.paused_until = None;
    }

    /// Answers whether this failure is the one after which the service is left alone.
    pub(super) fn handle_failure(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < self.failures_max {
            return false;
        }
        self.paused_until = Some(now + self.pause);
        self.failures == self.failures_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_pauses_after_failures_in_a_row_and_lets_one_call_try() {
        let pause = Duration::from_millis(100);
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut breaker = Breaker::new(3, pause);
        assert!(!breaker.handle_failure(at(0)));
        assert!(!breaker.handle_failure(at(0)));
        breaker.handle_success();
        assert!(!breaker.handle_failure(at(1)));
        assert!(!breaker.handle_failure(at(2)));
        assert_eq!(breaker.admit(at(2)), Ok(()));
        assert!(breaker.handle_failure(at(3)));
        assert_eq!(breaker.admit(at(3)), Err(pause));
        assert_eq!(breaker.admit(at(102)), Err(Duration::from_millis(1)));
        assert_eq!(breaker.admit(at(103)), Ok(()), "one may try");
        assert!(breaker.admit(at(103)).is_err(), "and no other");
        assert!(!breaker.handle_failure(at(110)), "that was known before");
        assert!(breaker.admit(at(209)).is_err());
        assert_eq!(breaker.admit(at(210)), Ok(()));
        assert_eq!(breaker.admit(at(310)), Ok(()), "the try was lost");
        breaker.handle_success();
        assert_eq!(breaker.admit(at(310)), Ok(()));
        assert!(
            !breaker.handle_failure(at(311)),
            "counted from the beginning"
        );
    }
}
