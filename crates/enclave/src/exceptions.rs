//! Exceptions: transactions of a decided block that are not executed, because executing them stops every enclave. Such a
//! transaction gets a result with an error code of its own, pays no fee and writes no state; the rest of its block is executed.
//! ADR 12.
//!
//! Promises: exceptions are consensus input, so nodes with other exceptions reach another app hash. An attested network takes
//! only those that are compiled into the enclave; an insecure one takes those of its operators too, whom it trusts anyway.

use crate::failure::failure;
use crate::secrets::Keys;
use std::cell::Cell;
use std::collections::BTreeSet;
use strongroom_bridge::message::TxAt;
use strongroom_bridge::spec::EXCEPTIONS_MAX;
use strongroom_bridge::{Failure, FailureCode};
use strongroom_chain::{Watch, WatchAhead};
use strongroom_crypto::Security;
use strongroom_types::{Hash, Height};

/// Exceptions of this release: genesis hash, height, hash of the transaction.
const OF_RELEASE: [(Hash, Height, Hash); 0] = [];

/// The transactions of one block: which are exceptions, and which is executed now.
pub(crate) struct Transactions {
    listed: Listed,
    running: Cell<Option<TxAt>>,
}

/// What every thread that looks at transactions has to know.
struct Listed {
    height: Height,
    left_out: BTreeSet<Hash>,
}

impl Listed {
    fn at(&self, index: u32, hash: &Hash) -> TxAt {
        TxAt {
            height: self.height,
            index,
            hash: *hash,
        }
    }
}

impl WatchAhead for Listed {
    fn looks(&self, index: u32, hash: &Hash) -> bool {
        RUNNING.set(Some(self.at(index, hash)));
        !self.left_out.contains(hash)
    }

    fn looked(&self) {
        RUNNING.set(None);
    }
}

thread_local! {
    /// The transaction that this thread executes, for the message of a panic.
    static RUNNING: Cell<Option<TxAt>> = const { Cell::new(None) };
}

/// The transaction that this thread executes, if it executes one.
pub(crate) fn running() -> Option<TxAt> {
    RUNNING.get()
}

impl Transactions {
    /// The transactions of the block at `height`; the host asks to leave out `given`.
    ///
    /// # Errors
    /// If the network does not take exceptions from a host, or not so many.
    pub(crate) fn of(keys: &Keys, height: Height, given: Vec<Hash>) -> Result<Self, Failure> {
        if !given.is_empty() && keys.security() != Security::Insecure {
            return Err(failure(
                FailureCode::ExceptionRefused,
                "only a release of the enclave can leave out transactions of an attested network",
            ));
        }
        if given.len() > EXCEPTIONS_MAX {
            return Err(failure(
                FailureCode::ExceptionRefused,
                format!("more than {EXCEPTIONS_MAX} exceptions for one block"),
            ));
        }
        let of_release = OF_RELEASE
            .into_iter()
            .filter(|(genesis, at, _)| *genesis == keys.genesis_hash() && *at == height);
        let of_release = of_release.map(|(_, _, hash)| hash);
        Ok(Self {
            listed: Listed {
                height,
                left_out: given.into_iter().chain(of_release).collect(),
            },
            running: Cell::new(None),
        })
    }

    /// The transaction that was executed when execution stopped.
    pub(crate) fn running(&self) -> Option<TxAt> {
        self.running.get()
    }

    fn set(&self, tx: Option<TxAt>) {
        self.running.set(tx);
        RUNNING.set(tx);
    }
}

impl Watch for Transactions {
    fn begins(&self, index: u32, hash: &Hash) -> bool {
        self.set(Some(self.listed.at(index, hash)));
        !self.listed.left_out.contains(hash)
    }

    fn ended(&self) {
        self.set(None);
    }

    fn ahead(&self) -> &dyn WatchAhead {
        &self.listed
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        RUNNING.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_crypto::seal::Chain;
    use strongroom_crypto::seed::{MasterSeed, SeedRing};

    fn keys(security: Security) -> Keys {
        let ring = SeedRing::genesis(security, MasterSeed::new([1; 32]));
        let chain = Chain {
            genesis_hash: [2; 32],
            security,
        };
        Keys::of(&ring, chain).unwrap()
    }

    #[test]
    fn a_host_leaves_nothing_out_of_an_attested_network() {
        let refused = |security, given| {
            Transactions::of(&keys(security), 5, given)
                .err()
                .map(|f| f.code)
        };
        let one = vec![[3; 32]];
        assert_eq!(
            refused(Security::Attested, one.clone()),
            Some(FailureCode::ExceptionRefused)
        );
        assert_eq!(refused(Security::Attested, Vec::new()), None);
        assert_eq!(refused(Security::Insecure, one), None);
        assert_eq!(
            refused(Security::Insecure, vec![[3; 32]; EXCEPTIONS_MAX]),
            None
        );
        assert_eq!(
            refused(Security::Insecure, vec![[3; 32]; EXCEPTIONS_MAX + 1]),
            Some(FailureCode::ExceptionRefused)
        );
    }
}
