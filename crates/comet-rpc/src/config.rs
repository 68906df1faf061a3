//! Settings of the RPC server, each with CometBFT's meaning.

use std::time::Duration;
use strongroom_http::Settings;

/// See the fields; the defaults are those of a local network (wire.md 5).
#[derive(Clone, Debug)]
pub struct Config {
    /// Origins that browsers may call from: `*`, exact, or with one `*` inside. Empty: no CORS headers at all.
    pub cors_allowed_origins: Vec<String>,
    /// The longest request body and websocket message, in bytes. CometBFT has 1,000,000; ours carries the largest
    /// upload in base64.
    pub body_bytes_max: usize,
    /// The most requests in a batch.
    pub batch_requests_max: usize,
    /// Threads that work on requests, beside those for whole blocks; more requests wait.
    pub workers: usize,
    /// The most `broadcast_tx_commit` that wait for a block at the same time; more are refused.
    pub commits_waiting_max: usize,
    /// Whether pages of other origins are refused (403). CometBFT answers them, and leaves it to their browser to hide the answer.
    pub refuse_other_origins: bool,
    /// How long `broadcast_tx_commit` waits for its block.
    pub broadcast_tx_commit_timeout: Duration,
    /// Connections and their deadlines.
    pub listen: Settings,
    /// The most open websockets; more are answered 503, so that plain requests always find a connection.
    pub websockets_max: usize,
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
            refuse_other_origins: false,
            body_bytes_max: 4 * 1024 * 1024,
            batch_requests_max: 10,
            workers: 14,
            commits_waiting_max: 64,
            broadcast_tx_commit_timeout: Duration::from_secs(10),
            listen: Settings::default(),
            websockets_max: 200,
            subscription_clients_max: 100,
            subscriptions_per_client_max: 50,
            ping_every: Duration::from_secs(27),
            silence_max: Duration::from_secs(60),
        }
    }
}
