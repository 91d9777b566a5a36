//! What the operating system counts for a process or a thread. Linux only; elsewhere nothing is known.

use std::path::{Path, PathBuf};

/// The files of one process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    folder: PathBuf,
}

impl Process {
    /// The process of this id.
    pub(super) fn of(id: u32) -> Self {
        Self {
            folder: Path::new("/proc").join(id.to_string()),
        }
    }

    /// User and system time of all its threads, in microseconds, in steps of a hundredth of a second.
    pub(super) fn cpu_us(&self) -> Option<f64> {
        cpu_us_of(&std::fs::read_to_string(self.folder.join("stat")).ok()?)
    }

    /// How often its threads of such a name have woken, counted as their voluntary waits.
    pub(super) fn wakes(&self, thread_prefix: &str) -> Option<u64> {
        let mut wakes = 0;
        for task in std::fs::read_dir(self.folder.join("task")).ok()? {
            let task = task.ok()?.path();
            let name = std::fs::read_to_string(task.join("comm")).ok()?;
            if name.starts_with(thread_prefix) {
                wakes += waits_of(&std::fs::read_to_string(task.join("status")).ok()?)?;
            }
        }
        Some(wakes)
    }

    /// Resident memory, in bytes.
    pub(super) fn rss_bytes(&self) -> Option<u64> {
        rss_bytes_of(&std::fs::read_to_string(self.folder.join("status")).ok()?)
    }
}

/// Time that the calling thread was on a CPU, in microseconds; up to date after the thread has slept.
pub(super) fn thread_cpu_us() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanos / 1e3)
}

fn cpu_us_of(stat: &str) -> Option<f64> {
    // The second field is the program's name in brackets and may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) * US_PER_CLOCK_TICK)
}

fn waits_of(status: &str) -> Option<u64> {
    let mut lines = status.lines();
    let waits = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    waits.trim().parse().ok()
}

fn rss_bytes_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

/// The kernel shows times in hundredths of a second, whatever its own clock is.
const US_PER_CLOCK_TICK: f64 = 10_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_mislead() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 4 0 99";
        assert_eq!(cpu_us_of(stat), Some(2e6));
        assert_eq!(cpu_us_of("7 (a) S 1"), None);
        assert_eq!(cpu_us_of(""), None);
    }

    #[test]
    fn waits_are_the_voluntary_ones() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t17\nnonvoluntary_ctxt_switches:\t4\n";
        assert_eq!(waits_of(status), Some(17));
        assert_eq!(waits_of("nonvoluntary_ctxt_switches:\t4\n"), None);
    }

    #[test]
    fn resident_memory_is_found_among_other_lines() {
        assert_eq!(
            rss_bytes_of("VmHWM:\t 9 kB\nVmRSS:\t    1234 kB\nx: 1\n"),
            Some(1234 << 10)
        );
        assert_eq!(rss_bytes_of("VmHWM:\t 9 kB\n"), None);
        assert_eq!(rss_bytes_of("VmRSS:\t nine kB\n"), None);
    }
}
