//! A child process of the engine: CometBFT, or its `inspect`.
//!
//! Promises: its output goes to a file, and where there is no room for that, it is read all the same: CometBFT lives on when its consensus
//! has failed, and only its output tells ([`Child::has_failed`]); it gets a process group of its own, so that Ctrl-C reaches us first; it is never waited
//! for without a limit: CometBFT can outlive an application that is gone, and then only SIGKILL helps. Where the
//! system can, it dies with this process (the launcher sees to it).

use super::error::CometError;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read as _, Write as _, pipe};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a child may take to end in good order.
const END_WAITS: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);
/// What CometBFT says when its consensus stops for good, as on a full disk. The process goes on and makes no block.
const CONSENSUS_FAILURE: &[u8] = b"CONSENSUS FAILURE";
/// Bytes of output that are read at once.
const READ_BYTES: usize = 8 * 1_024;

/// See the module. Dropping it ends it.
pub(super) struct Child {
    process: Process,
    failed: Arc<AtomicBool>,
    copier: Option<JoinHandle<()>>,
}

impl Child {
    /// Starts `launcher… program arguments…` in `directory`, with its output appended to `log`.
    pub(super) fn start(
        launcher: &[OsString],
        program: &Path,
        arguments: &[&str],
        directory: &Path,
        log: &File,
    ) -> Result<Self, CometError> {
        let mut words: Vec<OsString> = launcher.to_vec();
        words.push(program.into());
        words.extend(arguments.iter().map(OsString::from));
        let mut words = words.into_iter();
        // There is the program at least.
        let first = words.next().unwrap_or_default();
        let failed = Arc::new(AtomicBool::new(false));
        let start = || -> std::io::Result<(Process, JoinHandle<()>)> {
            let (output, input) = pipe()?;
            let (log, heard) = (log.try_clone()?, Arc::clone(&failed));
            let copier = std::thread::Builder::new()
                .name("cometbft output".to_owned())
                .spawn(move || copy(output, log, &heard))?;
            let process = Command::new(&first)
                .args(words)
                .current_dir(directory)
                .stdin(Stdio::null())
                .stdout(input.try_clone()?)
                .stderr(input)
                .process_group(0)
                .spawn()?;
            Ok((process, copier))
        };
        let (process, copier) = start().map_err(|error| CometError::Start {
            program: program.to_owned(),
            error,
        })?;
        Ok(Self {
            process,
            failed,
            copier: Some(copier),
        })
    }

    /// Whether it said that its consensus has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// SIGTERM, then SIGKILL.
    pub(super) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.signal(Signal::TERM);
        let since = Instant::now();
        while self.ended().is_none() && since.elapsed() < END_WAITS {
            std::thread::sleep(POLL);
        }
        if self.ended().is_none() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).ok();
        if let Some(id) = id.and_then(Pid::from_raw) {
            let _ = kill_process(id, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
        // Its last words are in the log before anybody quotes them.
        if let Some(copier) = self.copier.take() {
            let _ = copier.join();
        }
    }
}

/// Until its writers are gone: all output to the log, as far as that takes it.
fn copy(mut output: PipeReader, mut log: File, failed: &AtomicBool) {
    let mut bytes = vec![0; READ_BYTES];
    // The end of what was read before: the words may lie across two reads.
    let mut tail = Vec::new();
    loop {
        let read = match output.read(&mut bytes) {
            Ok(0) => return,
            Ok(read) => bytes.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let _ = log.write_all(read);
        tail.extend_from_slice(read);
        if tail
            .windows(CONSENSUS_FAILURE.len())
            .any(|words| words == CONSENSUS_FAILURE)
        {
            failed.store(true, Ordering::SeqCst);
        }
        let from = tail.len().saturating_sub(CONSENSUS_FAILURE.len());
        tail.drain(..from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, log: &File) -> Child {
        Child::start(
            &[],
            Path::new("/bin/sh"),
            &["-c", script],
            Path::new("/"),
            log,
        )
        .unwrap()
    }

    #[test]
    fn a_child_that_does_not_listen_is_killed() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let file = log.reopen().unwrap();
        let mut child = shell(
            "trap '' TERM; echo ready; while :; do sleep 0.05; done",
            &file,
        );
        while !std::fs::read_to_string(log.path())
            .unwrap()
            .contains("ready")
        {
            std::thread::sleep(POLL);
        }
        assert!(child.ended().is_none());
        let since = Instant::now();
        child.end();
        assert!(since.elapsed() >= END_WAITS, "it was asked first");
        assert!(child.ended().is_some());
    }

    #[test]
    fn a_program_that_is_not_there_is_told_by_name() {
        let log = tempfile::tempfile().unwrap();
        let error = Child::start(&[], Path::new("/nowhere/x"), &[], Path::new("/"), &log);
        let error = error.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("/nowhere/x"), "{error}");
    }

    #[test]
    fn a_failed_consensus_is_heard_also_where_the_log_has_no_room() {
        let full = File::options().append(true).open("/dev/full").unwrap();
        let child = shell(
            "printf 'E CONSENSUS FAI'; sleep 0.2; echo 'LURE!!! err=x'; exec sleep 60",
            &full,
        );
        let since = Instant::now();
        while !child.has_failed() && since.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(POLL);
        }
        assert!(child.has_failed());
        let log = tempfile::tempfile().unwrap();
        let mut quiet = shell("echo all is well", &log);
        while quiet.ended().is_none() {
            std::thread::sleep(POLL);
        }
        assert!(!quiet.has_failed());
    }
}
