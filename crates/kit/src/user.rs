//! Who signs transactions, seals messages, and reads what comes back.

use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use strongroom_sdk::keys::Account;
use strongroom_sdk::message::Sealer;
use strongroom_types::{Address, sha256};

/// A user. Its keys follow from its name: no secret, and the same in every test.
#[derive(Clone, Debug)]
pub struct User {
    name: String,
    account: Arc<Account>,
    address: Address,
}

impl User {
    pub(crate) fn named(name: &str) -> Self {
        let key = sha256(format!("a user of the test kit: {name}").as_bytes());
        let account = Account::from_bytes(&key).expect("a hash is a key");
        Self {
            name: name.to_owned(),
            address: account.address(),
            account: Arc::new(account),
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address; also what `to_string` gives, for messages.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The account: signs.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// A query permit (SNIP-24) for these contracts: a signature that opens queries about this user, as wallets make it.
    ///
    /// # Panics
    /// Never in practice: if the document cannot be signed.
    #[must_use]
    pub fn permit(
        &self,
        chain_id: &str,
        name: &str,
        contracts: &[&str],
        permissions: &[&str],
    ) -> Value {
        // Keys in alphabetical order, as `json!` keeps them: the document of the standard.
        let document = json!({
            "account_number": "0",
            "chain_id": chain_id,
            "fee": {"amount": [{"amount": "0", "denom": "uscrt"}], "gas": "1"},
            "memo": "",
            "msgs": [{"type": "query_permit", "value": {
                "allowed_tokens": contracts,
                "permissions": permissions,
                "permit_name": name,
            }}],
            "sequence": "0",
        });
        let signature = self.account.sign(document.to_string().as_bytes());
        json!({
            "params": {
                "permit_name": name,
                "allowed_tokens": contracts,
                "chain_id": chain_id,
                "permissions": permissions,
            },
            "signature": {
                "pub_key": {
                    "type": "tendermint/PubKeySecp256k1",
                    "value": base64(&self.account.public_key()),
                },
                "signature": base64(&signature.expect("a signature")),
            },
        })
    }

    /// What seals this user's messages for a network, and opens what answers them.
    pub(crate) fn sealer(&self, network_key: &[u8; 32]) -> Sealer {
        Sealer::new(*self.account.encryption_seed().expose(), *network_key)
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
