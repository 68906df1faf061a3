//! Settings of the RPC server, each with CometBFT's meaning.

use std::time::Duration;

/// See the fields; the defaults are those of a local network (wire.md 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Origins that browsers may call from: `*`, exact, or with one `*` inside. Empty: no CORS headers at all.
    pub cors_allowed_origins: Vec<String>,
    /// The longest request body and websocket message, in bytes. CometBFT has 1,000,000; ours carries the largest
    /// upload in base64.
    pub body_bytes_max: usize,
    /// The most requests in a batch.
    pub batch_requests_max: usize,
    /// The most requests that are worked on at the same time; more wait.
    pub requests_at_once_max: usize,
    /// The most `broadcast_tx_commit` that wait for a block at the same time; more are refused.
    pub commits_waiting_max: usize,
    /// How long `broadcast_tx_commit` waits for its block.
    pub broadcast_tx_commit_timeout: Duration,
    /// The most open connections; more wait to be accepted.
    pub connections_max: usize,
    /// A connection on which nothing moves for so long is closed. Longer than any method works.
    pub idle_max: Duration,
    /// The most websockets with a subscription.
    pub subscription_clients_max: usize,
    /// The most subscriptions of a websocket.
    pub subscriptions_per_client_max: usize,
    /// How often a websocket is pinged.
    pub ping_every: Duration,
    /// A websocket from which nothing comes for so long, no pong either, is closed.
    pub silence_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cors_allowed_origins: vec!["*".to_owned()],
            body_bytes_max: 4 * 1024 * 1024,
            batch_requests_max: 10,
            requests_at_once_max: 64,
            commits_waiting_max: 64,
            broadcast_tx_commit_timeout: Duration::from_secs(10),
            connections_max: 900,
            idle_max: Duration::from_secs(120),
            subscription_clients_max: 100,
            subscriptions_per_client_max: 50,
            ping_every: Duration::from_secs(27),
            silence_max: Duration::from_secs(60),
        }
    }
}
