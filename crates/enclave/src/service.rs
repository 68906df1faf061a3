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

/// Whatever queries take of the slots of compiled code, they leave those that two threads of a block need. Simulations take none.
#[cfg(feature = "winch")]
const _: () = {
    use strongroom_chain::modules::compute::limits::LIVE_INSTANCES_MAX;
    const BLOCK_THREADS: usize = 2;
    let slots = strongroom_vm::engine::winch::INSTANCES_MAX as usize;
    assert!((QUERY_LANES + BLOCK_THREADS) * LIVE_INSTANCES_MAX <= slots);
};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::TREE_BYTES_MAX;
    use strongroom_chain::engine::{CACHE_BYTES, LOAD_BLOCK_MAX, LOAD_TX_MAX};
    use strongroom_chain::modules::compute::limits::LIVE_INSTANCES_MAX;
    use strongroom_vm::limits::{MEMORY_PAGES_MAX, PAGE_BYTES};

    #[test]
    fn what_memory_all_lanes_may_need_is_what_operators_are_told() {
        let mib = |bytes: usize| bytes >> 20;
        let mib_of = |weight: u64| mib(usize::try_from(weight).unwrap());
        let pages = usize::try_from(MEMORY_PAGES_MAX).unwrap();
        let state = mib(TREE_BYTES_MAX);
        let calls = mib(LIVE_INSTANCES_MAX * pages * PAGE_BYTES);
        let (block, code) = (mib_of(LOAD_BLOCK_MAX), mib_of(LOAD_TX_MAX));
        let (lanes, kept) = (QUERY_LANES + SIMULATION_LANES, mib(CACHE_BYTES));
        let told = format!(
            "**each thread may need {calls} MiB**. The block may need {block} MiB for code that it has loaded and {state} MiB for state, each of the \
             {lanes} lanes that only read ({QUERY_LANES} for queries, {SIMULATION_LANES} for simulations) {calls} MiB, {code} MiB for code and {state} \
             MiB for state, and {kept} MiB of modules are kept."
        );
        let adr = include_str!("../../../docs/adr/0023-transactions-run-beside-each-other.md");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(adr).contains(&told), "{told}");
        let all = |lanes: usize| {
            let all = calls + block + state + kept + lanes * (calls + code + state);
            format!("{},{:03} MiB", all / 1000, all % 1000)
        };
        let book = include_str!("../../../docs/book/operator.md");
        let told = format!("The enclave may need {}, where", all(lanes));
        assert!(book.contains(&told), "{told}");
        let told = format!("{} where calls are not simulated", all(QUERY_LANES));
        assert!(book.contains(&told), "{told}");
    }
}
