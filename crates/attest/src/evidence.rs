//! What a platform says of itself, and what is left of it once it is checked.

use crate::simulated::Simulated;
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_types::{Hash, sha256};

/// The most bytes of encoded evidence: a quote with its collateral is about 20 KiB.
pub const EVIDENCE_BYTES_MAX: usize = 64 << 10;

/// What evidence binds: made by the enclave from a [`Statement`].
pub type ReportData = [u8; 64];

/// Begins every statement, so that its hash is nothing else.
const STATEMENT_DOMAIN: &[u8] = b"strongroom/attest/statement/v1";

/// What evidence is asked for. A number never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Purpose {
    /// "This enclave holds the keys of this network."
    NetworkKeys = 1,
}

/// What an enclave says of itself when it is asked for evidence. It fills everything but the nonce itself; whoever checks
/// the evidence makes the same statement from what it knows and compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What for.
    pub purpose: Purpose,
    /// SHA-256 of the genesis file that the enclave is bound to.
    pub genesis_hash: Hash,
    /// The network's key for messages (X25519).
    pub io_key: [u8; 32],
    /// The network's key for joining nodes (X25519).
    pub exchange_key: [u8; 32],
    /// The caller's own: makes the evidence fresh.
    pub nonce: [u8; 32],
}

impl Statement {
    /// What the evidence binds: SHA-256 of domain, purpose, genesis, keys and nonce, each of a fixed length; then zeros.
    #[must_use]
    pub fn report_data(&self) -> ReportData {
        let hash = sha256(
            &[
                STATEMENT_DOMAIN,
                &[self.purpose as u8],
                &self.genesis_hash,
                &self.io_key,
                &self.exchange_key,
                &self.nonce,
            ]
            .concat(),
        );
        let mut data = [0; 64];
        for (to, from) in data.iter_mut().zip(hash) {
            *to = from;
        }
        data
    }
}

/// Evidence, as it travels. A variant never changes once it was used; a new layout is a new variant.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Evidence {
    /// From a simulated platform, first layout.
    SimulatedV1(Simulated),
}

impl Evidence {
    /// The bytes that travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Exactly one known evidence within [`EVIDENCE_BYTES_MAX`]; nothing is checked beyond that.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > EVIDENCE_BYTES_MAX {
            None
        } else {
            borsh::from_slice(bytes).ok()
        }
    }
}

/// A kind of platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A process like any other: its operator can read everything.
    Simulated,
}

/// What evidence proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Kind of platform.
    pub kind: Kind,
    /// Which machine.
    pub platform_id: Hash,
    /// Which code.
    pub measurement: Hash,
    /// What it bound.
    pub report_data: ReportData,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_statement_changes_what_is_bound() {
        let one = Statement {
            purpose: Purpose::NetworkKeys,
            genesis_hash: [1; 32],
            io_key: [2; 32],
            exchange_key: [3; 32],
            nonce: [4; 32],
        };
        let others = [
            Statement {
                genesis_hash: [9; 32],
                ..one
            },
            Statement {
                io_key: [9; 32],
                ..one
            },
            Statement {
                exchange_key: [9; 32],
                ..one
            },
            Statement {
                nonce: [9; 32],
                ..one
            },
            Statement {
                io_key: [3; 32],
                exchange_key: [2; 32],
                ..one
            },
        ];
        for other in others {
            assert_ne!(other.report_data(), one.report_data());
        }
        assert_eq!(one.report_data()[32..], [0; 32]);
    }
}
