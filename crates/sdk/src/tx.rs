//! Signed transactions: of one account in DIRECT mode, of a multisig in that of its members (wire.md 1.1, 1.2).

use crate::keys::{Account, KeyError};
use crate::types::proto::cosmos::base::v1beta1::Coin;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use crate::types::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody};
use crate::types::proto::{Any, Message, Name, pack};
use crate::types::public_key::{Multisig, PublicKey};
use crate::types::{amino, multisig, tx};

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
        let sum = Some(Sum::Single(Single {
            mode: SignMode::Direct.into(),
        }));
        let key = PublicKey::Secp256k1(account.public_key());
        let (body, auth) = (
            self.body().encode_to_vec(),
            self.auth(&key, ModeInfo { sum }, sequence).encode_to_vec(),
        );
        let document = tx::sign_bytes_direct(&body, &auth, &self.chain_id, account_number);
        let signature = account.sign(&document)?;
        Ok(tx::encode(body, auth, vec![signature.to_vec()]))
    }

    /// What a member of a multisig gives for its transaction: the signature of the Amino document, with number and sequence of
    /// the multisig's account.
    ///
    /// # Errors
    /// [`KeyError::NoAminoForm`]; [`KeyError::Signature`], never in practice.
    pub fn sign_as_member(
        &self,
        member: &Account,
        account_number: u64,
        sequence: u64,
    ) -> Result<[u8; 64], KeyError> {
        let document = amino::SignDoc {
            chain_id: &self.chain_id,
            account_number,
            sequence,
            fee: &self.fees(),
            memo: &self.memo,
            timeout_height: 0,
            messages: &self.messages,
        };
        let bytes = document.to_bytes();
        member.sign(&bytes.map_err(|_: amino::AminoError| KeyError::NoAminoForm)?)
    }

    /// The raw transaction of a multisig. `signatures` are those of its members in the order of its keys, `None` for those who did
    /// not sign.
    #[must_use]
    pub fn multisigned(
        &self,
        key: &Multisig,
        sequence: u64,
        signatures: &[Option<[u8; 64]>],
    ) -> Vec<u8> {
        let members = signatures
            .iter()
            .map(|signature| signature.map(|bytes| multisig::member(bytes.to_vec())));
        let (mode, signature) = multisig::combine(members.collect());
        let key = PublicKey::Multisig(key.clone());
        let auth = self.auth(&key, mode, sequence).encode_to_vec();
        tx::encode(self.body().encode_to_vec(), auth, vec![signature])
    }

    fn body(&self) -> TxBody {
        TxBody {
            messages: self.messages.clone(),
            memo: self.memo.clone(),
            ..TxBody::default()
        }
    }

    fn fees(&self) -> Fee {
        let amount = vec![Coin {
            denom: "uscrt".to_owned(),
            amount: self.fee.unwrap_or(self.gas_limit.div_ceil(10)).to_string(),
        }];
        Fee {
            amount,
            gas_limit: self.gas_limit,
            ..Fee::default()
        }
    }

    fn auth(&self, key: &PublicKey, mode: ModeInfo, sequence: u64) -> AuthInfo {
        let signer = SignerInfo {
            public_key: Some(key.to_any()),
            mode_info: Some(mode),
            sequence,
        };
        AuthInfo {
            signer_infos: vec![signer],
            fee: Some(self.fees()),
            ..AuthInfo::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::multisig::SignatureData;
    use crate::types::proto::cosmos::bank::v1beta1::MsgSend;

    #[test]
    fn members_sign_one_document_and_stand_in_the_order_of_the_keys() {
        let members = [1_u8, 2, 3].map(|n| Account::from_bytes(&[n; 32]).unwrap());
        let keys = members.iter().map(|m| PublicKey::Secp256k1(m.public_key()));
        let key = Multisig::new(2, keys.collect()).unwrap();
        let builder = TxBuilder::new("secretdev-1").message(&MsgSend::default());
        let [first, _, third] =
            [0, 1, 2].map(|n: usize| builder.sign_as_member(&members[n], 7, 8).unwrap());
        let bytes = builder.multisigned(&key, 8, &[Some(first), None, Some(third)]);
        let tx = tx::Tx::decode(&bytes).unwrap();
        assert_eq!(tx.auth_info.signer_infos[0].sequence, 8);
        let given = tx.signature(0).unwrap();
        assert_eq!(given.leaves(), [&first[..], &third]);
        let is_so =
            matches!(given, SignatureData::Multi { signed, .. } if signed == [true, false, true]);
        assert!(is_so);
        let coin = Coin::default();
        let nameless = TxBuilder::new("secretdev-1").message(&Fee {
            amount: vec![coin],
            ..Fee::default()
        });
        assert!(matches!(
            nameless.sign_as_member(&members[0], 7, 8),
            Err(KeyError::NoAminoForm)
        ));
    }
}
