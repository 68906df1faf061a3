//! The way to the enclave, with a count of what goes through it.

use crate::watch::processor_time;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use strongroom_bridge::link::in_process;
use strongroom_bridge::{DoorError, EnclaveRequest, Host, HostResponse, Reply, Request, Transport};
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

/// An enclave in this process, behind the real door: frames, streams and lanes, over channels instead of a socket.
pub struct Door {
    host: Host,
    traffic: Mutex<Traffic>,
}

impl Door {
    /// Starts an enclave on threads of its own. It ends when the door is dropped.
    ///
    /// # Panics
    /// If no thread can be started.
    #[must_use]
    pub fn open(platform: impl Platform + 'static) -> Self {
        let (ours, theirs) = in_process();
        std::thread::Builder::new()
            .name(String::from("enclave"))
            .spawn(move || strongroom_enclave::serve(theirs, platform))
            .expect("a thread for the enclave");
        let host = Host::new(ours).expect("a thread for the door");
        Self {
            host,
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
