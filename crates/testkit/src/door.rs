//! The way to the enclave, on a thread or in a process of its own, with a count of what goes through it.

use crate::platform::Seeded;
use crate::watch::processor_time;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use strongroom_bridge::child::{self, Process};
use strongroom_bridge::link::in_process;
use strongroom_bridge::{DoorError, EnclaveRequest, Host, HostResponse, Reply, Request, Transport};
use strongroom_chain::modules::compute::{ContractEngine, EngineKind, EngineSettings};
use strongroom_enclave::platform::Platform;

/// What went through a door since the last [`Door::take_traffic`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests.
    pub requests: u64,
    /// Asks of the enclave that were answered.
    pub asks: u64,
    /// Time in `execute_block`, from request to reply, the host's answers included.
    pub executing: Duration,
    /// Processor time of this process meanwhile.
    pub executing_processor: Duration,
}

/// An enclave behind the real door: frames, streams and lanes, over channels or over a socket.
pub struct Door {
    host: Arc<Host>,
    /// Ends when it is dropped.
    _process: Option<Process>,
    traffic: Mutex<Traffic>,
}

impl Door {
    /// Starts an enclave on threads of its own, which interprets contracts. It ends when the door is dropped.
    ///
    /// # Panics
    /// If no thread can be started.
    #[must_use]
    pub fn open(platform: impl Platform + 'static) -> Self {
        Self::open_with(platform, EngineKind::Interpreter)
    }

    /// As [`Door::open`], with what runs contracts.
    ///
    /// # Panics
    /// If no thread can be started, or there is no such engine.
    #[must_use]
    pub fn open_with(platform: impl Platform + 'static, contracts: EngineKind) -> Self {
        let contracts = ContractEngine::new(contracts).expect("an engine for contracts");
        let (ours, theirs) = in_process();
        std::thread::Builder::new()
            .name(String::from("enclave"))
            .spawn(move || strongroom_enclave::serve(theirs, platform, contracts))
            .expect("a thread for the enclave");
        let host = Host::new(ours).expect("a thread for the door");
        Self::of(Arc::new(host), None)
    }

    /// Starts `executable enclave SEED ENGINE` as the enclave of a network of this seed, behind a socket and walls: its `main` calls
    /// [`enclave_process`] first. It ends when the door is dropped.
    ///
    /// # Panics
    /// If the process cannot be started.
    #[must_use]
    pub fn spawn(executable: &Path, seed: u64, contracts: EngineKind) -> Self {
        let seed = seed.to_string();
        // Whoever calls then finds the door closed.
        let ended = |how| eprintln!("{how}");
        let started = child::spawn(executable, &["enclave", &seed, contracts.name()], ended);
        let (host, process) = started.expect("a process for the enclave");
        Self::of(host, Some(process))
    }

    fn of(host: Arc<Host>, process: Option<Process>) -> Self {
        Self {
            host,
            _process: process,
            traffic: Mutex::default(),
        }
    }

    /// What went through since the last call.
    pub fn take_traffic(&self) -> Traffic {
        std::mem::take(&mut *self.traffic.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn count(&self, change: impl FnOnce(&mut Traffic)) {
        change(&mut self.traffic.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The life of the process that [`Door::spawn`] starts, if this is one: the same as `strongroom enclave`, but that its randomness is known.
#[must_use]
pub fn enclave_process() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("enclave") {
        return None;
    }
    let seed = arguments.next().and_then(|seed| seed.parse().ok());
    let platform = seed
        .map(Seeded)
        .ok_or_else(|| String::from("a seed is missing"));
    let contracts = arguments.next().unwrap_or_default();
    let contracts = EngineKind::by_name(&contracts).ok_or_else(|| String::from("no such engine"));
    // So that what is executed here runs beside others where it may.
    let settings = contracts.map(|kind| EngineSettings {
        kind,
        threads: Some(2),
    });
    let both = platform.and_then(|platform| Ok((platform, settings?)));
    Some(strongroom_enclave::process::child_on(both))
}

impl Transport for Door {
    fn call(
        &self,
        request: Request,
        serve: &mut dyn FnMut(EnclaveRequest) -> HostResponse,
    ) -> Result<Reply, DoorError> {
        let executes = matches!(request, Request::ExecuteBlock { .. });
        let mut asks = 0;
        let (begin, processor) = (Instant::now(), processor_time());
        let reply = self.host.call(request, &mut |ask| {
            asks += 1;
            serve(ask)
        });
        let (took, worked) = (begin.elapsed(), processor_time().saturating_sub(processor));
        self.count(|traffic| {
            traffic.requests += 1;
            traffic.asks += asks;
            if executes {
                traffic.executing += took;
                traffic.executing_processor += worked;
            }
        });
        reply
    }
}
