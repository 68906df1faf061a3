//! How the servers of a node share the connections that its system gives, and one budget of memory.

use crate::budget::Budget;
use crate::settings::Settings;

/// Descriptors that stay free for the stores, keys and the enclave: what the two databases take at the most (a test of the node adds it up),
/// and some for all else.
pub const RESERVED_DESCRIPTORS: u64 = 384;
/// The most connections of all servers.
pub const CONNECTIONS_MAX: usize = 1024;
/// A node with fewer connections than this serves nobody well.
pub const CONNECTIONS_MIN: usize = 64;

/// The settings of each server. Their connections add up to what the system gives, so that no server takes another's;
/// their memory is one budget.
#[derive(Clone, Debug)]
pub struct Shares {
    /// Of the RPC: half, for its websockets stay open.
    pub rpc: Settings,
    /// Of REST.
    pub rest: Settings,
    /// Of the faucet: an eighth.
    pub faucet: Settings,
}

/// The system gives too few descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process may open {given} files (RLIMIT_NOFILE), and a node needs {needed}: raise the limit, e.g. `ulimit -n 1408`"
)]
pub struct TooFewDescriptors {
    /// Amount that it gives.
    pub given: u64,
    /// Minimum of a node.
    pub needed: u64,
}

impl Shares {
    /// Of what this process may open.
    ///
    /// # Errors
    /// [`TooFewDescriptors`]
    pub fn of_process() -> Result<Self, TooFewDescriptors> {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        Self::of(limit.current.unwrap_or(u64::MAX))
    }

    /// Of `given` descriptors.
    ///
    /// # Errors
    /// [`TooFewDescriptors`]
    pub fn of(given: u64) -> Result<Self, TooFewDescriptors> {
        let free =
            usize::try_from(given.saturating_sub(RESERVED_DESCRIPTORS)).unwrap_or(usize::MAX);
        if free < CONNECTIONS_MIN {
            let needed = RESERVED_DESCRIPTORS.saturating_add(CONNECTIONS_MIN as u64);
            return Err(TooFewDescriptors { given, needed });
        }
        let all = free.min(CONNECTIONS_MAX);
        let (rpc, faucet) = (all / 2, all / 8);
        let rest = all.saturating_sub(rpc).saturating_sub(faucet);
        let budget = Budget::default();
        let settings = |connections_max| Settings {
            connections_max,
            budget: budget.clone(),
            ..Settings::default()
        };
        Ok(Self {
            rpc: settings(rpc),
            rest: settings(rest),
            faucet: settings(faucet),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_what_the_system_gives_beyond_the_reserve() {
        for (given, all) in [(448, 64), (1024, 640), (u64::MAX, CONNECTIONS_MAX)] {
            let shares = Shares::of(given).unwrap();
            let of = |settings: &Settings| settings.connections_max;
            let (rpc, rest, faucet) = (of(&shares.rpc), of(&shares.rest), of(&shares.faucet));
            assert_eq!(rpc + rest + faucet, all);
            assert!(faucet >= 8 && faucet < rest && rest < rpc);
        }
        let few = Shares::of(447).unwrap_err();
        assert_eq!((few.given, few.needed), (447, 448));
        assert!(few.to_string().contains("ulimit -n"));
    }
}
