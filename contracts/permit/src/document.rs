//! What an account signs outside of transactions: an amino JSON document that no chain would take for one of its own.

use cosmwasm_std::{to_vec, Api, Binary, CanonicalAddr, StdResult};
use ripemd::Ripemd160;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A signature with its key.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct PermitSignature {
    /// The signer's key.
    pub pub_key: PubKey,
    /// 64 bytes, r and s.
    pub signature: Binary,
}

/// A public key in the form of amino JSON. Its `type` is not looked at: only one kind of key can verify here.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct PubKey {
    /// Name of the kind of key.
    pub r#type: String,
    /// 33 bytes, compressed secp256k1.
    pub value: Binary,
}

impl PermitSignature {
    /// The account that signed a document; none, if the signature is another's, or malformed.
    #[must_use]
    pub fn signer(&self, api: &dyn Api, document: &[u8]) -> Option<CanonicalAddr> {
        let hash = Sha256::digest(document);
        let key = &self.pub_key.value;
        // Malformed keys and signatures are errors of the host's function; here they are just wrong signatures.
        let is_valid = api.secp256k1_verify(&hash, &self.signature, key);
        is_valid.unwrap_or(false).then(|| account_of(key))
    }
}

pub(crate) fn account_of(pub_key: &[u8]) -> CanonicalAddr {
    let hash = Ripemd160::digest(Sha256::digest(pub_key));
    CanonicalAddr(Binary::from(hash.as_slice()))
}

/// The bytes that are signed: one message of a kind, free of charge. Fields stand in alphabetical order, and those of `value` must.
pub fn sign_document(chain_id: &str, kind: &str, value: &impl Serialize) -> StdResult<Vec<u8>> {
    #[derive(Serialize)]
    struct Document<'a, V> {
        account_number: &'a str,
        chain_id: &'a str,
        fee: Fee<'a>,
        memo: &'a str,
        msgs: [Message<'a, V>; 1],
        sequence: &'a str,
    }
    #[derive(Serialize)]
    struct Fee<'a> {
        amount: [Amount<'a>; 1],
        gas: &'a str,
    }
    #[derive(Serialize)]
    struct Amount<'a> {
        amount: &'a str,
        denom: &'a str,
    }
    #[derive(Serialize)]
    struct Message<'a, V> {
        r#type: &'a str,
        value: V,
    }

    to_vec(&Document {
        account_number: "0",
        chain_id,
        fee: Fee {
            amount: [Amount {
                amount: "0",
                denom: "uscrt",
            }],
            gas: "1",
        },
        memo: "",
        msgs: [Message {
            r#type: kind,
            value,
        }],
        sequence: "0",
    })
}
