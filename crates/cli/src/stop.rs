//! Signals that stop a network: Ctrl-C, SIGTERM, SIGHUP. The first stops it in good order, once there is something to
//! stop; a second one, or one that comes while it starts, ends the process at once, which every start can take: what
//! is on disk is always something to go on from. From then on nothing is done about what fails: it fails because of that ([`unless_ending`]).
//!
//! They are listened to before the command line is read, on a thread of their own: whatever the process does then, they are heard. A shell without a terminal starts what runs
//! behind it with SIGINT ignored; it is listened to all the same, for who sends it means this process, or the script that started it. SIGHUP stays ignored where it is: that is
//! what nohup is for.

use anyhow::Context as _;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use strongroom_bridge::child;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// What a shell expects of a process that Ctrl-C ended: 128 + SIGINT.
const EXIT_AT_ONCE: i32 = 130;
/// Commands that end by themselves, after the name of one that would run until it is stopped: for those the system's way with signals is right.
pub(crate) const SHORT: [&str; 11] = [
    "status",
    "stop",
    "time",
    "snapshot",
    "revert",
    "snapshots",
    "forget",
    "dump",
    "load",
    "help",
    "--help",
];

/// An end at once has begun: the thread of the signals says and does the rest.
static ENDING: AtomicBool = AtomicBool::new(false);

/// For whoever is about to act on a failure, or on an end: where an end at once has begun, it is not for him, and this does not return.
pub(crate) fn unless_ending() {
    while ENDING.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// The line comes first: nothing is killed while nobody reads it.
fn end_at_once(line: &str, status: i32) -> ! {
    ENDING.store(true, Ordering::SeqCst);
    talk!("{line}");
    let _ended = child::end_all();
    std::process::exit(status)
}

pub(crate) struct Stop {
    /// Whether there is something to stop in good order. Held while that is asked for, so that nobody begins anew beside it.
    in_order: Arc<Mutex<bool>>,
    asked: watch::Receiver<bool>,
}

/// Whether a command line is of a command that runs until it is stopped. Where it only seems to end by itself, its signals are listened to a little later.
pub(crate) fn is_long(mut arguments: impl Iterator<Item = OsString>) -> bool {
    let name = arguments.nth(1).unwrap_or_default();
    match name.to_str() {
        Some("localnet") => !arguments.any(|word| SHORT.iter().any(|short| word == *short)),
        Some("node") => arguments.next().is_some_and(|word| word == "start"),
        _ => false,
    }
}

impl Stop {
    /// Listens from now on.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build();
        let runtime = runtime.context("cannot listen for signals")?;
        let entered = runtime.enter();
        let take = |kind| signal(kind).context("cannot listen for signals");
        let (mut int, mut term) = (
            take(SignalKind::interrupt())?,
            take(SignalKind::terminate())?,
        );
        // nohup asks to be left alone.
        let mut hangup = match is_ignored(SignalKind::hangup()) {
            true => None,
            false => Some(take(SignalKind::hangup())?),
        };
        drop(entered);
        let (ask, asked) = watch::channel(false);
        let in_order = Arc::new(Mutex::new(false));
        let shared = Arc::clone(&in_order);
        let hear = move || {
            runtime.block_on(async {
                any(&mut int, &mut term, &mut hangup).await;
                if !ask_if(&shared, &ask) {
                    end_at_once("stopped while starting", 0);
                }
                any(&mut int, &mut term, &mut hangup).await;
                end_at_once("stopped at once", EXIT_AT_ONCE);
            });
        };
        let thread = thread::Builder::new().name("signals".to_owned());
        thread.spawn(hear).context("no thread for signals")?;
        Ok(Self { in_order, asked })
    }

    /// From now on [`Self::asked`] is listened to.
    pub(crate) fn in_order(&self) {
        *lock(&self.in_order) = true;
    }

    /// Begins anew: until [`Self::in_order`] a signal ends the process at once, as in a first start, however long that takes. False: it is to stop, as somebody
    /// has asked before.
    pub(crate) fn begin_anew(&self) -> bool {
        let mut in_order = lock(&self.in_order);
        *in_order = *self.asked.borrow();
        !*in_order
    }

    /// Waits until the network is to stop.
    pub(crate) async fn asked(&mut self) {
        // The sender lives as long as the process.
        let _ = self.asked.wait_for(|asked| *asked).await;
    }
}

fn lock(in_order: &Mutex<bool>) -> MutexGuard<'_, bool> {
    in_order.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for a stop in good order, if there is something to stop so.
fn ask_if(in_order: &Mutex<bool>, ask: &watch::Sender<bool>) -> bool {
    let in_order = lock(in_order);
    if *in_order {
        ask.send_replace(true);
    }
    *in_order
}

async fn any(int: &mut Signal, term: &mut Signal, hangup: &mut Option<Signal>) {
    let hangup = async {
        match hangup {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
        _ = hangup => {}
    }
}

/// Whether the process was started with this signal ignored, where the system tells.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_acts_on_a_failure_is_held_once_an_end_at_once_has_begun() {
        unless_ending();
        ENDING.store(true, Ordering::SeqCst);
        let (goes_on, hears) = std::sync::mpsc::channel();
        let held = thread::spawn(move || {
            unless_ending();
            goes_on.send(()).unwrap();
        });
        held.thread().unpark();
        let heard = hears.recv_timeout(std::time::Duration::from_millis(100));
        ENDING.store(false, Ordering::SeqCst);
        held.thread().unpark();
        held.join().unwrap();
        assert!(heard.is_err());
    }

    #[test]
    fn whoever_begins_anew_hears_what_was_asked_before_and_leaves_the_rest_to_an_end_at_once() {
        let (ask, asked) = watch::channel(false);
        let in_order = Arc::default();
        let stop = Stop {
            in_order: Arc::clone(&in_order),
            asked,
        };
        // A first start.
        assert!(!ask_if(&in_order, &ask));
        stop.in_order();
        // It stops for a change, and starts again: nobody waits for that.
        assert!(stop.begin_anew());
        assert!(!ask_if(&in_order, &ask));
        stop.in_order();
        assert!(ask_if(&in_order, &ask));
        assert!(!stop.begin_anew(), "it does not start again");
        assert!(*stop.asked.borrow());
    }

    fn long(line: &str) -> bool {
        is_long(line.split(' ').map(OsString::from))
    }

    #[test]
    fn signals_are_for_commands_that_run_until_they_are_stopped() {
        for line in [
            "strongroom localnet",
            "strongroom localnet --reset --block-time 1s",
            "strongroom node start --home x",
        ] {
            assert!(long(line), "{line}");
        }
        for line in [
            "strongroom",
            "strongroom localnet --home x dump file",
            "strongroom node status --home start",
            "strongroom keys list",
        ] {
            assert!(!long(line), "{line}");
        }
    }

    #[test]
    fn every_command_of_a_local_network_that_ends_by_itself_is_known() {
        use clap::CommandFactory as _;
        let mut cli = crate::Cli::command();
        cli.build();
        let localnet = cli.find_subcommand("localnet").unwrap();
        for command in localnet.get_subcommands() {
            assert!(
                SHORT.contains(&command.get_name()),
                "{}",
                command.get_name()
            );
        }
    }
}
