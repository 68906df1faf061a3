//! How a server listens, with the limits that hold unless something else is set.

use crate::budget::Budget;
use std::time::Duration;

/// The longest head of a request in bytes. CometBFT takes a million; the longest that clients send is a query in the
/// target of a GET, and every silent connection may hold this much.
pub const HEAD_BYTES_MAX: usize = 256 * 1024;
/// The most headers of a request.
pub const HEADERS_MAX: usize = 100;
/// How long a request's head may take, and how long a connection may rest between two requests: CometBFT's time.
pub const HEAD_WAITS: Duration = Duration::from_secs(10);
/// How long a request's body may take: the largest upload over a thin line.
pub const BODY_WAITS: Duration = Duration::from_secs(20);
/// How long an answer, or a frame of a websocket, may lie there while its peer takes nothing.
pub const ANSWER_WAITS: Duration = Duration::from_secs(20);
/// How fast a peer has to take an answer that it does not take at once: a thin line of a megabit. So the largest page,
/// 32 MiB, holds its place in the pool for less than five minutes.
pub const ANSWER_BYTES_PER_SECOND_MIN: u64 = 128 * 1024;
/// Settings of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most open connections.
    pub connections_max: usize,
    /// See [`HEAD_WAITS`].
    pub head_waits: Duration,
    /// See [`BODY_WAITS`].
    pub body_waits: Duration,
    /// See [`ANSWER_WAITS`].
    pub answer_waits: Duration,
    /// See [`ANSWER_BYTES_PER_SECOND_MIN`].
    pub answer_bytes_per_second_min: u64,
    /// Shared with the other servers.
    pub budget: Budget,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_max: crate::shares::CONNECTIONS_MAX / 2,
            head_waits: HEAD_WAITS,
            body_waits: BODY_WAITS,
            answer_waits: ANSWER_WAITS,
            answer_bytes_per_second_min: ANSWER_BYTES_PER_SECOND_MIN,
            budget: Budget::default(),
        }
    }
}
