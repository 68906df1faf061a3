//! The enclave as a child process: this executable (or another) started with one end of a socket pair as its standard
//! input. It gets no environment and a process group of its own, so that Ctrl-C reaches the host first.

#![cfg_attr(
    not(test),
    expect(
        clippy::disallowed_types,
        clippy::disallowed_methods,
        reason = "the host's side of the door: it starts the enclave process and watches for its end"
    )
)]

use crate::error::DoorError;
use crate::link::Link;
use crate::transport::Host;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
use std::time::{Duration, Instant};

use crate::transport::lock;

/// How often the child is looked at. Its death also closes the socket, which is noticed at once.
const WATCH_INTERVAL: Duration = Duration::from_millis(50);
/// How long [`end_all`] waits for whoever starts or ends a process at the moment: on a disk that stands that takes as long as it stands.
const END_WAITS: Duration = Duration::from_secs(1);

/// A running enclave process.
pub struct Process {
    watched: Arc<Watched>,
    id: u32,
    /// The door stays open as long as the process runs, whoever else lets go of it: an enclave that finds it closed says that its host is gone.
    _host: Arc<Host>,
}

impl Process {
    /// The process id.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Ends the process and waits for it; `on_exit` is not called. The enclave holds nothing that must be written.
    pub fn stop(&self) {
        self.watched.end();
    }
}

/// What is known of a process.
struct Watched {
    child: Mutex<Child>,
    /// Its end is wanted: nobody is told of it.
    expected: AtomicBool,
}

impl Watched {
    fn end(&self) {
        self.expected.store(true, Ordering::SeqCst);
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The processes that run. Who holds it keeps others from beginning.
static RUNNING: Mutex<Vec<Weak<Watched>>> = Mutex::new(Vec::new());

/// Those that ran are killed, and no other begins until this is dropped.
pub struct Ended {
    _running: Option<MutexGuard<'static, Vec<Weak<Watched>>>>,
}

/// Kills all processes that were started here, without waiting for them, and without a word to whoever watches them: for whoever ends this process
/// at once and on purpose. Each would else say that its host is gone, as where it was lost.
///
/// What is being started or ended just now, and takes longer than a second to, is left to itself.
#[must_use = "until it is dropped no other process begins"]
pub fn end_all() -> Ended {
    let running = lock_soon(&RUNNING);
    for watched in running
        .iter()
        .flat_map(|r| r.iter())
        .filter_map(Weak::upgrade)
    {
        watched.expected.store(true, Ordering::SeqCst);
        // Who holds it for so long has killed it, and waits for its end.
        if let Some(mut child) = lock_soon(&watched.child) {
            let _ = child.kill();
        }
    }
    Ended { _running: running }
}

/// The lock, if it can be had in [`END_WAITS`]. The clock is the host's: this side of the door is no trusted code, and nothing of it reaches the enclave.
fn lock_soon<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    let since = Instant::now();
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if since.elapsed() > END_WAITS => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Starts `executable arguments…` as the enclave; gives the host's end of the door and the process.
///
/// `on_exit` is called once, from a thread of its own, if the process ends without [`Process::stop`]; its argument says
/// how. The host must not go on then.
///
/// # Errors
/// [`DoorError::Spawn`] if the process cannot be started, [`DoorError::Threads`] if there is no thread for it.
pub fn spawn(
    executable: &Path,
    arguments: &[&str],
    on_exit: impl FnOnce(String) + Send + 'static,
) -> Result<(Arc<Host>, Process), DoorError> {
    // Asking to come again is what a system says that gives no more threads and processes.
    let fail = |e: std::io::Error| match e.kind() {
        ErrorKind::WouldBlock => DoorError::Threads(e.to_string()),
        _ => DoorError::Spawn(e.to_string()),
    };
    let (ours, theirs) = UnixStream::pair().map_err(fail)?;
    let mut running = lock(&RUNNING);
    let child = Command::new(executable)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(fail)?;
    let id = child.id();
    let watched = Arc::new(Watched {
        child: Mutex::new(child),
        expected: AtomicBool::new(false),
    });
    running.retain(|watched| watched.strong_count() > 0);
    running.push(Arc::downgrade(&watched));
    drop(running);
    let host = Link::over(ours).and_then(Host::new);
    let host = host.inspect_err(|_| watched.end())?;
    let host = Arc::new(host);
    let process = Process {
        watched: Arc::clone(&watched),
        id,
        _host: Arc::clone(&host),
    };
    std::thread::Builder::new()
        .name(String::from("enclave-watch"))
        .spawn(move || watch(&watched, on_exit))
        .map_err(fail)?;
    Ok((host, process))
}

fn watch(watched: &Watched, on_exit: impl FnOnce(String)) {
    loop {
        let status = lock(&watched.child).try_wait();
        if watched.expected.load(Ordering::SeqCst) {
            return;
        }
        match status {
            Ok(None) => std::thread::sleep(WATCH_INTERVAL),
            Ok(Some(status)) => return on_exit(format!("the enclave process ended: {status}")),
            Err(e) => return on_exit(format!("the enclave process cannot be watched: {e}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// One test for all of it: what it does, it does to every process of the program.
    #[test]
    fn those_that_are_ended_at_once_end_without_a_word_also_beside_one_who_waits_for_the_end_of_one()
     {
        let (told, hears) = mpsc::channel();
        let spawn_one = || {
            let told = told.clone();
            let (_, process) = spawn(Path::new("sleep"), &["60"], move |how| {
                let _ = told.send(how);
            })
            .unwrap();
            process
        };
        let (stuck, other) = (spawn_one(), spawn_one());
        let has_ended = |process: &Process| {
            let status = std::fs::read_to_string(format!("/proc/{}/stat", process.id()));
            status.map_or(true, |status| status.contains(") Z "))
        };
        // One thread waits for the end of the first, which takes as long as the disk stands.
        let held = lock(&stuck.watched.child);
        let since = Instant::now();
        let ended = end_all();
        assert!(since.elapsed() < Duration::from_secs(20));
        let until = Instant::now() + Duration::from_secs(20);
        while !has_ended(&other) {
            assert!(Instant::now() < until, "it was not killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(held);
        // The watchers look before they end: who was to be told would be by then.
        while Arc::strong_count(&other.watched) > 1 {
            assert!(Instant::now() < until, "its watcher goes on");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(hears.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(ended);
    }
}
