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
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use crate::transport::lock;

/// How often the child is looked at. Its death also closes the socket, which is noticed at once.
const WATCH_INTERVAL: Duration = Duration::from_millis(50);

/// A running enclave process.
pub struct Process {
    child: Arc<Mutex<Child>>,
    expected: Arc<AtomicBool>,
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
        self.expected.store(true, Ordering::SeqCst);
        end(&self.child);
    }
}

fn end(child: &Mutex<Child>) {
    let mut child = lock(child);
    let _ = child.kill();
    let _ = child.wait();
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The processes that run. Who holds it keeps others from beginning.
static RUNNING: Mutex<Vec<Weak<Mutex<Child>>>> = Mutex::new(Vec::new());

/// No process runs, and none begins, until this is dropped.
pub struct Ended {
    _running: MutexGuard<'static, Vec<Weak<Mutex<Child>>>>,
}

/// Kills all processes that were started here, without waiting for them: for whoever ends this process at once and on purpose. Each would else
/// say that its host is gone, as where it was lost.
#[must_use = "until it is dropped no other process begins"]
pub fn end_all() -> Ended {
    let running = lock(&RUNNING);
    for child in running.iter().filter_map(Weak::upgrade) {
        let _ = lock(&child).kill();
    }
    Ended { _running: running }
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
    let child = Arc::new(Mutex::new(child));
    running.retain(|child| child.strong_count() > 0);
    running.push(Arc::downgrade(&child));
    drop(running);
    let expected = Arc::new(AtomicBool::new(false));
    let host = Link::over(ours).and_then(Host::new);
    let host = host.inspect_err(|_| end(&child))?;
    let host = Arc::new(host);
    let process = Process {
        child: Arc::clone(&child),
        expected: Arc::clone(&expected),
        id,
        _host: Arc::clone(&host),
    };
    std::thread::Builder::new()
        .name(String::from("enclave-watch"))
        .spawn(move || watch(&child, &expected, on_exit))
        .map_err(fail)?;
    Ok((host, process))
}

fn watch(child: &Mutex<Child>, expected: &AtomicBool, on_exit: impl FnOnce(String)) {
    loop {
        let status = lock(child).try_wait();
        if expected.load(Ordering::SeqCst) {
            return;
        }
        match status {
            Ok(None) => std::thread::sleep(WATCH_INTERVAL),
            Ok(Some(status)) => return on_exit(format!("the enclave process ended: {status}")),
            Err(e) => return on_exit(format!("the enclave process cannot be watched: {e}")),
        }
    }
}
