//! Taking the node's ports.

use crate::node::NodeError;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

/// How long a port that is taken is tried again: the CometBFT of a node that was killed ends a moment after it, and a service
/// manager starts the node again at once.
const WAITS: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);

/// Binds an address. Says so on standard error when it has to wait.
///
/// # Errors
/// [`NodeError::Listen`] if it is still taken after [`WAITS`], or not this machine's, or not allowed.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, NodeError> {
    let says = || tracing::warn!(%address, "the port is taken: tried again for {WAITS:?}");
    listen_within(WAITS, address, says).await
}

/// `waiting` is called once, when the port was found taken.
async fn listen_within(
    waits: Duration,
    address: SocketAddr,
    waiting: impl FnOnce(),
) -> Result<TcpListener, NodeError> {
    let until = Instant::now() + waits;
    let mut waiting = Some(waiting);
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < until => {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                sleep(POLL).await;
            }
            bound => return bound.map_err(|error| NodeError::Listen { address, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn a_port_that_is_given_back_soon_is_waited_for() {
        let held = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = held.local_addr().unwrap();
        let (says, mut said) = mpsc::unbounded_channel();
        // However long this machine stands still: the port is given back only after it was found taken, and that in time.
        let hour = Duration::from_secs(3_600);
        let waiting = tokio::spawn(listen_within(hour, address, move || {
            says.send(()).unwrap();
        }));
        said.recv().await.unwrap();
        assert!(!waiting.is_finished());
        drop(held);
        let bound = waiting.await.unwrap().unwrap();
        assert_eq!(bound.local_addr().unwrap(), address);
    }

    #[tokio::test]
    async fn a_port_that_stays_taken_is_an_error() {
        let held = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = held.local_addr().unwrap();
        let refused = listen_within(POLL, address, || {}).await.unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("cannot serve on 127.0.0.1:")
        );
    }
}
