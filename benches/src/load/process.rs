//! A localnet of one validator, and what the system says of its two processes.

use super::Candidate;
use crate::network::strongroom::{CHAIN_ID, free_ports};
use crate::start::{field, has_block};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);
/// Clock ticks in a second, as `/proc` counts them on Linux.
const TICKS: f64 = 100.0;

/// A running localnet with instant blocks. Dropping it kills it.
pub(super) struct Localnet {
    child: Child,
    pub(super) rpc: u16,
    rest: u16,
    home: PathBuf,
}

/// What two processes have used so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    /// Processor seconds of the host process.
    pub(super) host: f64,
    /// Processor seconds of the enclave.
    pub(super) enclave: f64,
    /// Bytes that the system wrote to storage for the host process.
    pub(super) written: u64,
}

impl Localnet {
    /// Starts it in `home`, which may have a network; tells how long it took to serve a block.
    pub(super) fn start(candidate: &Candidate, home: &Path) -> (Self, Duration) {
        let ports = free_ports(3);
        let log = File::options()
            .append(true)
            .create(true)
            .open(home.join("log"));
        let begin = Instant::now();
        let child = Command::new(&candidate.binary)
            .args([
                "localnet",
                "--block-time",
                "instant",
                "--chain-id",
                CHAIN_ID,
                "--home",
            ])
            .arg(home.join("net"))
            .args(["--rest-port", &ports[0].to_string()])
            .args(["--rpc-port", &ports[1].to_string()])
            .args(["--faucet-port", &ports[2].to_string()])
            .args(
                candidate
                    .engine
                    .iter()
                    .flat_map(|engine| ["--contract-engine", engine]),
            )
            .args(
                candidate
                    .execution_threads
                    .iter()
                    .flat_map(|threads| ["--execution-threads", threads]),
            )
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("the binary starts");
        let network = Self {
            child,
            rpc: ports[1],
            rest: ports[0],
            home: home.to_owned(),
        };
        while !has_block(network.rest) {
            assert!(begin.elapsed() < START_MAX, "the network does not answer");
            std::thread::sleep(PAUSE);
        }
        let took = begin.elapsed();
        (network, took)
    }

    /// Asks it to stop and tells how long that took.
    pub(super) fn stop(mut self) -> Duration {
        let begin = Instant::now();
        let id = i32::try_from(self.child.id()).ok();
        let id = id
            .and_then(rustix::process::Pid::from_raw)
            .expect("a process");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("a signal");
        loop {
            if let Some(status) = self.child.try_wait().expect("its end") {
                assert!(status.success(), "the network ended with {status}");
                return begin.elapsed();
            }
            assert!(begin.elapsed() < STOP_MAX, "the network does not stop");
            std::thread::sleep(PAUSE);
        }
    }

    pub(super) fn host(&self) -> u32 {
        self.child.id()
    }

    /// The host's only child.
    pub(super) fn enclave(&self) -> u32 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.host()));
        let children =
            threads.into_iter().flatten().flatten().map(|thread| {
                fs::read_to_string(thread.path().join("children")).unwrap_or_default()
            });
        let children = children.collect::<Vec<_>>().join(" ");
        let child = children.split_whitespace().next().expect("an enclave");
        child.parse().expect("a number")
    }

    pub(super) fn used(&self) -> Used {
        Used {
            host: seconds(&format!("/proc/{}/stat", self.host())),
            enclave: seconds(&format!("/proc/{}/stat", self.enclave())),
            written: field(self.host(), "io", "write_bytes:"),
        }
    }

    /// Processor seconds by name of thread, of both processes; the numbers at the end of names are left off.
    pub(super) fn threads(&self) -> std::collections::BTreeMap<String, f64> {
        let mut by_name = std::collections::BTreeMap::new();
        for (process, id) in [("host", self.host()), ("enclave", self.enclave())] {
            let threads = fs::read_dir(format!("/proc/{id}/task"));
            for thread in threads.into_iter().flatten().flatten() {
                let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
                let name = name
                    .trim()
                    .trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
                let stat = thread.path().join("stat");
                *by_name.entry(format!("{process} {name}")).or_default() +=
                    seconds(&stat.to_string_lossy());
            }
        }
        by_name
    }

    /// Bytes of all files of the network.
    pub(super) fn disk(&self) -> u64 {
        size(&self.home.join("net"))
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time in a `stat` file of `/proc`.
fn seconds(path: &str) -> f64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The name of the process, in brackets, may hold blanks.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Blocks that files take: a journal is made longer than what is in it.
fn size(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}
