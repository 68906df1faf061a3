//! Signed transactions in DIRECT mode (wire.md 1.1, 1.2).

use crate::keys::{Account, KeyError};
use crate::types::proto::cosmos::base::v1beta1::Coin;
use crate::types::proto::cosmos::crypto::secp256k1;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use crate::types::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody};
use crate::types::proto::{Any, Message, Name, pack};
use crate::types::tx;

/// A transaction in the making.
#[derive(Clone, Debug)]
pub struct TxBuilder {
    chain_id: String,
    messages: Vec<Any>,
    memo: String,
    gas_limit: u64,
    fee: Option<u64>,
}

impl TxBuilder {
    /// An empty transaction for a chain: 200,000 gas, 0.1 uscrt each.
    #[must_use]
    pub fn new(chain_id: impl Into<String>) -> Self {
        let chain_id = chain_id.into();
        Self {
            chain_id,
            messages: Vec::new(),
            memo: String::new(),
            gas_limit: 200_000,
            fee: None,
        }
    }

    /// Adds a message.
    #[must_use]
    pub fn message<M: Message + Name>(mut self, message: &M) -> Self {
        self.messages.push(pack(message));
        self
    }

    /// Sets the gas limit. The fee is 0.1 uscrt for each, if no other is set.
    #[must_use]
    pub const fn gas(mut self, limit: u64) -> Self {
        self.gas_limit = limit;
        self
    }

    /// Sets the fee, in `uscrt`.
    #[must_use]
    pub const fn fee(mut self, amount: u64) -> Self {
        self.fee = Some(amount);
        self
    }

    /// Sets the memo, at most 256 bytes.
    #[must_use]
    pub fn memo(mut self, memo: impl Into<String>) -> Self {
        self.memo = memo.into();
        self
    }

    /// The raw transaction, signed by `account` with its number and its next sequence.
    ///
    /// # Errors
    /// [`KeyError::Signature`], never in practice.
    pub fn sign(
        &self,
        account: &Account,
        account_number: u64,
        sequence: u64,
    ) -> Result<Vec<u8>, KeyError> {
        let body = TxBody {
            messages: self.messages.clone(),
            memo: self.memo.clone(),
            ..TxBody::default()
        };
        let body = body.encode_to_vec();
        let signer = SignerInfo {
            public_key: Some(pack(&secp256k1::PubKey {
                key: account.public_key().to_vec(),
            })),
            mode_info: Some(ModeInfo {
                sum: Some(Sum::Single(Single {
                    mode: SignMode::Direct.into(),
                })),
            }),
            sequence,
        };
        let amount = vec![Coin {
            denom: "uscrt".to_owned(),
            amount: self.fee.unwrap_or(self.gas_limit.div_ceil(10)).to_string(),
        }];
        let fee = Fee {
            amount,
            gas_limit: self.gas_limit,
            ..Fee::default()
        };
        let auth = AuthInfo {
            signer_infos: vec![signer],
            fee: Some(fee),
            ..AuthInfo::default()
        }
        .encode_to_vec();
        let document = tx::sign_bytes_direct(&body, &auth, &self.chain_id, account_number);
        let signature = account.sign(&document)?;
        Ok(tx::encode(body, auth, vec![signature.to_vec()]))
    }
}
