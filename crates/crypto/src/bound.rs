//! Bound messages: what a client puts in front of a message so that nobody else can send it (docs/spec/contracts.md, "Bound messages").
//!
//! The protocol seals a message for the network and the code; who sends it stands in the transaction only. So a stranger can copy a
//! ciphertext out of the mempool and send it in a transaction of its own: the contract then sees the stranger as the sender of a
//! message that it cannot read. A bound message carries, sealed with it, a hash of who sends it to what.
//!
//! Promises: two different bindings have two different digests. Refuses nothing: the caller compares.

use strongroom_types::{Hash, sha256};

/// What a bound message begins with, after the code hash. No JSON text begins like this.
pub const TAG: &[u8] = b"strongroom/bound/v1";
/// Bytes of tag and digest.
pub const HEAD_BYTES: usize = TAG.len() + 32;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Making a contract of this code under this label.
    Instantiate {
        /// The code's number.
        code_id: u64,
        /// The label.
        label: &'a str,
    },
    /// Calling this contract (canonical address).
    Execute(&'a [u8]),
    /// Migrating this contract to this code.
    Migrate {
        /// Canonical address.
        contract: &'a [u8],
        /// The new code's number.
        code_id: u64,
    },
}

/// Who sends a message to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// Canonical address of the account that signs the transaction.
    pub sender: &'a [u8],
    /// What the message is for.
    pub target: Target<'a>,
}

impl Binding<'_> {
    /// SHA-256 of tag, chain id, sender, kind and target; each variable part after its length (LE32).
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut bytes = TAG.to_vec();
        let mut part = |part: &[u8]| {
            // Longer than 2^32 bytes is nothing that a transaction can hold.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend(length.to_le_bytes());
            bytes.extend(part);
        };
        part(self.chain_id.as_bytes());
        part(self.sender);
        match self.target {
            Target::Instantiate { code_id, label } => {
                part(b"instantiate");
                part(&code_id.to_le_bytes());
                part(label.as_bytes());
            }
            Target::Execute(contract) => {
                part(b"execute");
                part(contract);
            }
            Target::Migrate { contract, code_id } => {
                part(b"migrate");
                part(contract);
                part(&code_id.to_le_bytes());
            }
        }
        sha256(&bytes)
    }

    /// The message to seal: tag, digest, `message`.
    #[must_use]
    pub fn bind(&self, message: &[u8]) -> Vec<u8> {
        [TAG, &self.digest(), message].concat()
    }
}

/// Takes a message apart: the digest if it is bound, and the message for the contract. `None` if it begins like a bound
/// message and is too short for one.
#[must_use]
pub(crate) fn split(message: &[u8]) -> Option<(Option<Hash>, &[u8])> {
    let Some(rest) = message.strip_prefix(TAG) else {
        return Some((None, message));
    };
    let (digest, message) = rest.split_first_chunk::<32>()?;
    Some((Some(*digest), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Binding<'static> = Binding {
        chain_id: "chain-1",
        sender: &[1; 20],
        target: Target::Execute(&[2; 20]),
    };

    #[test]
    fn every_part_of_a_binding_changes_its_digest() {
        let others = [
            Binding {
                chain_id: "chain-2",
                ..ALICE
            },
            Binding {
                sender: &[3; 20],
                ..ALICE
            },
            Binding {
                target: Target::Execute(&[3; 20]),
                ..ALICE
            },
            Binding {
                target: Target::Migrate {
                    contract: &[2; 20],
                    code_id: 1,
                },
                ..ALICE
            },
            Binding {
                target: Target::Migrate {
                    contract: &[2; 20],
                    code_id: 2,
                },
                ..ALICE
            },
            Binding {
                target: Target::Instantiate {
                    code_id: 1,
                    label: "a",
                },
                ..ALICE
            },
            Binding {
                target: Target::Instantiate {
                    code_id: 1,
                    label: "b",
                },
                ..ALICE
            },
        ];
        let mut digests: Vec<_> = others.iter().map(Binding::digest).collect();
        digests.push(ALICE.digest());
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), others.len() + 1);
    }

    #[test]
    fn the_digest_is_that_of_the_specification() {
        // SHA-256 of the bytes that docs/spec/contracts.md lists, made with another program.
        assert_eq!(
            hex::encode(ALICE.digest()),
            "9e16a2aba7c1b2cac7066da9d790fc077c6d87b30e3bcdc45ebdb94a45e3106f"
        );
    }

    #[test]
    fn a_bound_message_comes_apart_and_others_stay_whole() {
        let bound = ALICE.bind(b"{}");
        assert_eq!(bound.len(), HEAD_BYTES + 2);
        assert_eq!(split(&bound), Some((Some(ALICE.digest()), &b"{}"[..])));
        assert_eq!(split(b"{}"), Some((None, &b"{}"[..])));
        assert_eq!(split(b""), Some((None, &b""[..])));
        assert_eq!(split(&bound[..HEAD_BYTES - 1]), None);
        assert_eq!(split(TAG), None);
    }
}
