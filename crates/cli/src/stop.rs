//! Signals that stop a network: Ctrl-C, SIGTERM, SIGHUP. The first stops it in good order, once there is something to
//! stop; a second one, or one that comes while it starts, ends the process at once, which every start can take: what
//! is on disk is always something to go on from.

use anyhow::Context as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// What a shell expects of a process that Ctrl-C ended: 128 + SIGINT.
const EXIT_AT_ONCE: i32 = 130;

pub(crate) struct Stop {
    in_order: Arc<AtomicBool>,
    asked: watch::Receiver<bool>,
}

impl Stop {
    /// Listens from now on. Must be called on the runtime.
    pub(crate) fn listen() -> anyhow::Result<Self> {
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
        let (ask, asked) = watch::channel(false);
        let in_order = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&in_order);
        tokio::spawn(async move {
            any(&mut int, &mut term, &mut hangup).await;
            if !shared.load(Ordering::SeqCst) {
                talk!("stopped while starting");
                std::process::exit(0);
            }
            ask.send_replace(true);
            any(&mut int, &mut term, &mut hangup).await;
            talk!("stopped at once");
            std::process::exit(EXIT_AT_ONCE);
        });
        Ok(Self { in_order, asked })
    }

    /// From now on [`Self::asked`] is listened to.
    pub(crate) fn in_order(&self) {
        self.in_order.store(true, Ordering::SeqCst);
    }

    /// Waits until the network is to stop.
    pub(crate) async fn asked(&mut self) {
        // The sender lives as long as the process.
        let _ = self.asked.wait_for(|asked| *asked).await;
    }
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
