//! Statements that an account signs beside transactions (ADR-36 of the Cosmos SDK, Amino), as Keplr's `signArbitrary` makes them: "this account is mine".
//!
//! Promises: a statement names its signer, and is a transaction on no chain and a permit for no contract. Refuses: a signature by another key than the signer's, and one
//! with high s. Not its part: that a statement is new. Who asks for one puts into it what nobody has signed before, and who is asking.

use crate::crypto::secp256k1;
use crate::keys::{Account, KeyError};
use crate::types::{Address, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What wallets call the kind of key. It is not looked at: one kind of key can sign here.
const KEY_TYPE: &str = "tendermint/PubKeySecp256k1";

/// A signature with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Compressed secp256k1.
    pub public_key: [u8; 33],
    /// r ‖ s, low s.
    pub signature: [u8; 64],
}

/// The bytes that are signed.
#[must_use]
pub fn document(signer: &Address, data: &[u8]) -> Vec<u8> {
    // Neither an address nor base64 has anything that JSON escapes.
    let data = STANDARD.encode(data);
    let message =
        format!(r#"{{"type":"sign/MsgSignData","value":{{"data":"{data}","signer":"{signer}"}}}}"#);
    format!(
        r#"{{"account_number":"0","chain_id":"","fee":{{"amount":[],"gas":"0"}},"memo":"","msgs":[{message}],"sequence":"0"}}"#
    )
    .into_bytes()
}

impl Signed {
    /// Signs `data` for an account.
    ///
    /// # Errors
    /// [`KeyError::Signature`], never in practice.
    pub fn new(account: &Account, data: &[u8]) -> Result<Self, KeyError> {
        Ok(Self {
            public_key: account.public_key(),
            signature: account.sign(&document(&account.address(), data))?,
        })
    }

    /// Whether `signer` has signed `data`.
    #[must_use]
    pub fn is_of(&self, signer: &Address, data: &[u8]) -> bool {
        let digest = sha256(&document(signer, data));
        let is_valid = secp256k1::verify(&digest, &self.signature, &self.public_key);
        is_valid.unwrap_or(false) && Address::of_secp256k1(&self.public_key) == *signer
    }

    /// What wallets give: `{"pub_key":{"type","value"},"signature"}`; `None` for anything else.
    #[must_use]
    pub fn from_json(json: &Value) -> Option<Self> {
        let bytes = |value: &Value| STANDARD.decode(value.as_str()?).ok();
        Some(Self {
            public_key: bytes(&json["pub_key"]["value"])?.try_into().ok()?,
            signature: bytes(&json["signature"])?.try_into().ok()?,
        })
    }

    /// As wallets give it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "pub_key": { "type": KEY_TYPE, "value": STANDARD.encode(self.public_key) },
            "signature": STANDARD.encode(self.signature),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::ACCOUNTS;

    const DATA: &[u8] = "log me in: 4711 <&> \"ü\"".as_bytes();
    /// What Keplr's own code (@keplr-wallet/cosmos 0.12.130) makes of it for the account `a` of local networks.
    const SIGNED: &str = r#"{"pub_key":{"type":"tendermint/PubKeySecp256k1","value":"A07oJJ9n4TYTnD7ZStYyiPbB3kXOZvqIMkchGmmPRAzf"},"signature":"Xk2LZKnVZX5rY7l0IX8snFu8ptIoEt0KIZHdhp6lI/1QAymV8Z+uvvWK817F0bbyjLtTTzQdbqkw0NxLcTvflA=="}"#;

    fn account(name: &str) -> Account {
        let known = ACCOUNTS.iter().find(|account| account.name == name);
        Account::from_mnemonic(known.unwrap().mnemonic).unwrap()
    }

    #[test]
    fn a_statement_is_signed_as_keplr_signs_it() {
        let signed = Signed::new(&account("a"), DATA).unwrap();
        assert_eq!(signed.to_json().to_string(), SIGNED);
        let json = serde_json::from_str(SIGNED).unwrap();
        assert_eq!(Signed::from_json(&json), Some(signed));
    }

    #[test]
    fn what_was_not_signed_by_the_account_is_not_taken_for_its_statement() {
        let [a, b] = ["a", "b"].map(account);
        let signed = Signed::new(&a, DATA).unwrap();
        assert!(signed.is_of(&a.address(), DATA));
        assert!(!signed.is_of(&a.address(), b"log me in: 4712"));
        assert!(!signed.is_of(&b.address(), DATA));
        // The name of one account under the key of another.
        let theirs = Signed {
            public_key: b.public_key(),
            signature: b.sign(&document(&a.address(), DATA)).unwrap(),
        };
        assert!(!theirs.is_of(&a.address(), DATA) && !theirs.is_of(&b.address(), DATA));
        for place in 0..64 {
            let mut changed = signed.clone();
            changed.signature[place] ^= 1;
            assert!(!changed.is_of(&a.address(), DATA), "{place}");
        }
        let no_key = Signed {
            public_key: [0; 33],
            ..signed
        };
        assert!(!no_key.is_of(&a.address(), DATA));
    }

    #[test]
    fn what_is_no_signature_of_a_wallet_is_refused() {
        let good: Value = serde_json::from_str(SIGNED).unwrap();
        for (pointer, bad) in [
            ("/signature", json!("AA==")),
            ("/signature", json!("?")),
            ("/signature", Value::Null),
            ("/pub_key/value", json!(STANDARD.encode([2; 32]))),
            ("/pub_key", json!([])),
        ] {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).unwrap() = bad;
            assert_eq!(Signed::from_json(&changed), None, "{pointer}");
        }
        for json in [Value::Null, json!("x"), json!([1])] {
            assert_eq!(Signed::from_json(&json), None);
        }
    }
}
