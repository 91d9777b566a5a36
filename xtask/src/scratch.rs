//! The temporary folder and the programs of one run, which end with it however it ends.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

/// A folder for everything that a run writes besides what it builds, and the one who tidies up after it.
///
/// That one is a shell outside the terminal's process group which reads a pipe of ours. The pipe ends when this value is
/// dropped, and as well when Ctrl-C or a signal that nobody can catch ends this process; then the shell ends the
/// programs that are left and removes the folder.
pub(crate) struct Scratch {
    folder: PathBuf,
    keeper: Child,
    orders: Option<ChildStdin>,
}

impl Scratch {
    /// An empty folder that every user of the machine may pass through, and its keeper.
    ///
    /// # Errors
    /// When the folder or the shell cannot be had.
    pub(crate) fn new() -> Result<Self> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let name = format!("tagus-{}-{}", std::process::id(), now.subsec_nanos());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&folder);
        let mut keeper = own_group(&mut command)
            .stdin(Stdio::piped())
            .spawn()
            .context("start sh, which tidies up")?;
        let orders = keeper.stdin.take();
        let scratch = Self {
            folder,
            keeper,
            orders,
        };
        pass_through(&scratch.folder)?;
        fs::create_dir(scratch.temporary()).context("create a folder for temporary files")?;
        Ok(scratch)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// For `TMPDIR`, so that what a killed test leaves behind goes too.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// Starts a program, which ends at the latest with this value, and so do all that it starts in its process group.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(&mut self, command: &mut Command) -> Result<Child> {
        let shown = command.get_program().to_string_lossy().into_owned();
        let child = own_group(command)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("start {shown}"))?;
        self.order("watch", child.id())?;
        Ok(child)
    }

    /// Runs a program to its end; what it started and left behind is ended with it.
    ///
    /// # Errors
    /// When it cannot be started, or fails.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<()> {
        let mut child = self.spawn(command)?;
        let status = child.wait().context("wait for a program")?;
        self.order("end", child.id())?;
        check(command, status)
    }

    /// Asks a program to end, and makes it end when it does not within five seconds.
    ///
    /// # Errors
    /// When nobody could be asked.
    pub(crate) fn end(&mut self, child: &mut Child) -> Result<()> {
        self.order("end", child.id())?;
        child.wait().context("wait for a program to end")?;
        Ok(())
    }

    fn order(&mut self, word: &str, group: u32) -> Result<()> {
        let orders = self
            .orders
            .as_mut()
            .context("the keeper is already dismissed")?;
        writeln!(orders, "{word} {group}").context("tell the keeper of a program")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Nothing can be done about a shell that cannot be waited for.
        let _ = self.keeper.wait();
    }
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        let program = command.get_program().to_string_lossy();
        bail!("{program} ended with {status}");
    }
    Ok(())
}

/// A group of its own: the terminal's Ctrl-C does not reach it, and it can be ended as a whole.
fn own_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

fn pass_through(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder, mode).with_context(|| format!("open {}", folder.display()))?;
    }
    Ok(())
}

/// Reads `watch GROUP` and `end GROUP` until the pipe ends, then ends what it still watches and removes the folder `$1`.
const KEEPER: &str = r#"
trap '' HUP INT TERM
alive() {
    for group in "$@"; do kill -s 0 -- "-$group" 2>/dev/null && return 0; done
    return 1
}
end() {
    for signal in TERM KILL; do
        alive "$@" || return
        for group in "$@"; do kill -s $signal -- "-$group" 2>/dev/null; done
        tries=0
        while [ $tries -lt 50 ] && alive "$@"; do sleep 0.1; tries=$((tries + 1)); done
    done
}
groups=
while read -r word group; do
    kept=
    for other in $groups; do [ "$other" = "$group" ] || kept="$kept $other"; done
    groups=$kept
    case $word in
        watch) groups="$group $groups" ;;
        end) end "$group" ;;
    esac
done
end $groups
rm -rf -- "$1"
"#;

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn shell(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }

    /// Whether a process is there and not merely waiting to be collected.
    fn runs(id: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, state)| !state.starts_with('Z'))
    }

    #[test]
    fn programs_and_their_children_and_the_folder_end_with_the_run() {
        let mut scratch = Scratch::new().unwrap();
        let ids = scratch.folder().join("ids");
        let line = format!(
            "sleep 1000 & echo $$ $! > {0}.part; mv {0}.part {0}; wait",
            ids.display()
        );
        let mut child = scratch.spawn(&mut shell(&line)).unwrap();
        let ids = loop {
            if let Ok(text) = fs::read_to_string(&ids) {
                break text;
            }
        };
        assert!(ids.split_whitespace().all(runs));
        let folder = scratch.folder().to_owned();
        let collector = std::thread::spawn(move || child.wait());
        drop(scratch);
        assert!(!folder.exists());
        assert!(!ids.split_whitespace().any(runs), "{ids}");
        assert!(!collector.join().unwrap().unwrap().success());
    }

    #[test]
    fn what_a_program_leaves_behind_is_ended() {
        let mut scratch = Scratch::new().unwrap();
        let id = scratch.folder().join("id");
        let line = format!("sleep 1000 & echo $! > {}; exit 3", id.display());
        let err = scratch.run(&mut shell(&line)).unwrap_err();
        assert!(err.to_string().contains('3'), "{err}");
        let id = fs::read_to_string(&id).unwrap();
        drop(scratch);
        assert!(!runs(id.trim()));
    }

    #[test]
    fn a_program_is_ended_when_asked() {
        let mut scratch = Scratch::new().unwrap();
        let mut child = scratch.spawn(&mut shell("exec sleep 1000")).unwrap();
        scratch.end(&mut child).unwrap();
        assert!(child.try_wait().unwrap().is_some());
    }
}
