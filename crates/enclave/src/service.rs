//! Which request goes where: the execution lane has the [`Executor`], and what is [`acknowledged`] beside it; the query lanes have
//! [`Queries`].

use crate::executor::Executor;
use crate::failure::failure;
use crate::platform::Platform;
use crate::query::Queries;
use crate::shared::Shared;
use std::sync::Arc;
use strongroom_bridge::lane::{self, Lanes};
use strongroom_bridge::link::Link;
use strongroom_bridge::{DoorError, FailureCode, Reply, Request};
use strongroom_chain::modules::compute::ContractEngine;

/// Query lanes: queries that run at the same time.
pub const QUERY_LANES: usize = 4;
/// Lanes of their own for simulations: as many as the host's gate lets run at one time, so that none waits here for queries, nor a query for
/// one of them.
pub const SIMULATION_LANES: usize = 2;

/// Serves the enclave's end of a door until the host is gone, with `engine` for contracts; tells why it ended. The process calls it with
/// its socket, tests and the in-process chain with a channel.
#[must_use]
pub fn serve(link: Link, platform: impl Platform + 'static, engine: ContractEngine) -> DoorError {
    let shared = Arc::new(Shared::new(platform, engine));
    let mut executor = Executor::new(Arc::clone(&shared));
    let acknowledging = Arc::clone(&shared);
    let queries = Queries::new(shared);
    lane::serve(
        link,
        move |request, host| executor.serve(request, host),
        move |request, _| acknowledged(&acknowledging, &request),
        move |request, host| queries.serve(request, host),
        Lanes {
            query: QUERY_LANES,
            simulation: SIMULATION_LANES,
        },
    )
}

/// The host says that a height is durable. Served while the block after it may be running.
pub(crate) fn acknowledged(shared: &Shared, request: &Request) -> Reply {
    let outcome = shared.latch.run(|| match request {
        Request::Committed { height } => {
            shared.acknowledge(*height)?;
            Ok(Reply::Published { height: *height })
        }
        _ => Err(failure(FailureCode::Broken, "a request on the wrong lane")),
    });
    outcome.unwrap_or_else(Reply::Failed)
}
