//! What an enclave says of itself when it asks its platform for evidence.

use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_types::{Hash, sha256};

/// What evidence binds: made by the enclave from a [`Statement`].
pub type ReportData = [u8; 64];

/// Begins every statement, so that its hash is nothing else.
const STATEMENT_DOMAIN: &[u8] = b"strongroom/attest/statement/v1";

/// What evidence is asked for: the first byte of a statement. A number never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Purpose {
    /// "This enclave holds the keys of this network."
    NetworkKeys = 1,
    /// "This enclave asks to join this network."
    Registration = 2,
    /// "This enclave made the keys of a new network."
    Bootstrap = 3,
}

/// A statement. The enclave fills in everything but a nonce itself; whoever checks the evidence makes the same statement
/// from what it knows and compares [`Statement::report_data`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[non_exhaustive]
#[repr(u8)]
pub enum Statement {
    /// Of an enclave that holds the network's seed.
    NetworkKeys {
        /// SHA-256 of the genesis file that the enclave is bound to.
        genesis_hash: Hash,
        /// The network's key for messages (X25519).
        io_key: [u8; 32],
        /// The network's key for joining nodes (X25519).
        exchange_key: [u8; 32],
        /// The caller's own: makes the evidence fresh.
        nonce: [u8; 32],
    } = Purpose::NetworkKeys as u8,
    /// Of an enclave that joins a network.
    Registration(Registration) = Purpose::Registration as u8,
    /// Of the enclave that made the seed. The genesis file holds this evidence, so it cannot bind the file's hash.
    Bootstrap {
        /// Name of the network.
        chain_id: String,
        /// The network's key for messages (X25519).
        io_key: [u8; 32],
        /// The network's key for joining nodes (X25519).
        exchange_key: [u8; 32],
        /// Ed25519 key of the node in the peer-to-peer network.
        node_key: [u8; 32],
        /// Ed25519 key that the node votes with.
        consensus_key: [u8; 32],
    } = Purpose::Bootstrap as u8,
}

/// What evidence of a joining node binds. Every part is there so that the evidence cannot be used for another.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Registration {
    /// Name of the network.
    pub chain_id: String,
    /// SHA-256 of its genesis file.
    pub genesis_hash: Hash,
    /// X25519 key that the network's seed is sealed to; used once.
    pub one_time_key: [u8; 32],
    /// Ed25519 key of the node in the peer-to-peer network.
    pub node_key: [u8; 32],
    /// Ed25519 key that the node votes with.
    pub consensus_key: [u8; 32],
    /// Account that registers the node and owns the registration.
    pub operator: [u8; 20],
    /// Version of the enclave's code.
    pub enclave_version: u32,
}

impl Statement {
    /// What the evidence binds: SHA-256 of the domain and of the statement in borsh (purpose, then the parts: of fixed length,
    /// the chain id behind its length), then 32 zeros.
    #[must_use]
    pub fn report_data(&self) -> ReportData {
        let mut bytes = STATEMENT_DOMAIN.to_vec();
        bytes.extend(borsh::to_vec(self).unwrap_or_default());
        let mut data = [0; 64];
        for (to, from) in data.iter_mut().zip(sha256(&bytes)) {
            *to = from;
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn registration(change: impl FnOnce(&mut Registration)) -> ReportData {
        let mut parts = Registration {
            chain_id: "strongroom-1".into(),
            genesis_hash: [1; 32],
            one_time_key: [2; 32],
            node_key: [3; 32],
            consensus_key: [4; 32],
            operator: [5; 20],
            enclave_version: 6,
        };
        change(&mut parts);
        Statement::Registration(parts).report_data()
    }

    #[test]
    fn every_part_of_a_registration_changes_what_is_bound() {
        let all = [
            registration(|_| ()),
            registration(|r| r.chain_id = "strongroom-2".into()),
            registration(|r| r.genesis_hash = [9; 32]),
            registration(|r| r.one_time_key = [9; 32]),
            registration(|r| r.node_key = [9; 32]),
            registration(|r| r.consensus_key = [9; 32]),
            registration(|r| (r.node_key, r.consensus_key) = (r.consensus_key, r.node_key)),
            registration(|r| r.operator = [9; 20]),
            registration(|r| r.enclave_version = 7),
        ];
        assert_eq!(BTreeSet::from(all).len(), all.len());
        assert_eq!(all[0][32..], [0; 32]);
    }

    #[test]
    fn every_part_of_the_statements_about_keys_changes_what_is_bound() {
        let keys = |parts: [u8; 4]| Statement::NetworkKeys {
            genesis_hash: [parts[0]; 32],
            io_key: [parts[1]; 32],
            exchange_key: [parts[2]; 32],
            nonce: [parts[3]; 32],
        };
        let bootstrap = |chain_id: &str, parts: [u8; 4]| Statement::Bootstrap {
            chain_id: chain_id.into(),
            io_key: [parts[0]; 32],
            exchange_key: [parts[1]; 32],
            node_key: [parts[2]; 32],
            consensus_key: [parts[3]; 32],
        };
        let all = [
            keys([1, 2, 3, 4]),
            keys([9, 2, 3, 4]),
            keys([1, 9, 3, 4]),
            keys([1, 2, 9, 4]),
            keys([1, 2, 3, 9]),
            keys([1, 3, 2, 4]),
            bootstrap("a", [1, 2, 3, 4]),
            bootstrap("b", [1, 2, 3, 4]),
            bootstrap("a", [9, 2, 3, 4]),
            bootstrap("a", [1, 9, 3, 4]),
            bootstrap("a", [1, 2, 9, 4]),
            bootstrap("a", [1, 2, 3, 9]),
        ]
        .map(|statement| statement.report_data());
        assert_eq!(BTreeSet::from(all).len(), all.len());
    }

    #[test]
    fn a_statement_begins_with_its_purpose() {
        let statement = Statement::NetworkKeys {
            genesis_hash: [1; 32],
            io_key: [2; 32],
            exchange_key: [3; 32],
            nonce: [4; 32],
        };
        let parts: [&[u8]; 6] = [
            STATEMENT_DOMAIN,
            &[Purpose::NetworkKeys as u8],
            &[1; 32],
            &[2; 32],
            &[3; 32],
            &[4; 32],
        ];
        assert_eq!(statement.report_data()[..32], sha256(&parts.concat()));
    }
}
