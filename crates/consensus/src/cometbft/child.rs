//! A child process of the engine: CometBFT, or its `inspect`.
//!
//! Promises: its output goes to a file; it gets a process group of its own, so that Ctrl-C reaches us first; it is never waited
//! for without a limit: CometBFT can outlive an application that is gone, and then only SIGKILL helps. Where the
//! system can, it dies with this process (the launcher sees to it).

use super::error::CometError;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a child may take to end in good order.
const END_WAITS: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// See the module. Dropping it ends it.
pub(super) struct Child {
    process: Process,
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
        let start = || -> std::io::Result<Process> {
            Command::new(&first)
                .args(words)
                .current_dir(directory)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log.try_clone()?)
                .process_group(0)
                .spawn()
        };
        let process = start().map_err(|error| CometError::Start {
            program: program.to_owned(),
            error,
        })?;
        Ok(Self { process })
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
}
