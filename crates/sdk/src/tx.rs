//! Signed transactions: of one account in DIRECT mode, of a multisig in that of its members (wire.md 1.1, 1.2).

use crate::keys::{Account, KeyError};
use crate::types::proto::cosmos::base::v1beta1::Coin;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use crate::types::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, Tx, TxBody};
use crate::types::proto::{Any, Message, Name, pack};
use crate::types::public_key::{Multisig, PublicKey};
use crate::types::{Coins, Gas, Height, amino, multisig, tx};

/// The denomination of fees.
pub const FEE_DENOM: &str = "uscrt";
/// Gas for each `uscrt` of the fee, where no fee is named: what wallets pay.
const GAS_PER_USCRT: u64 = 10;

/// A transaction in the making.
#[derive(Clone, Debug)]
pub struct TxBuilder {
    chain_id: String,
    messages: Vec<Any>,
    memo: String,
    gas_limit: Gas,
    fee: Option<Vec<Coin>>,
    timeout_height: Height,
}

/// A transaction that is to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    /// Encoded `TxBody`.
    pub body: Vec<u8>,
    /// Encoded `AuthInfo`, which names the signer's key and sequence.
    pub auth_info: Vec<u8>,
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
            timeout_height: 0,
        }
    }

    /// Adds a message.
    #[must_use]
    pub fn message<M: Message + Name>(self, message: &M) -> Self {
        self.any(pack(message))
    }

    /// Adds a message that is packed already.
    #[must_use]
    pub fn any(mut self, message: Any) -> Self {
        self.messages.push(message);
        self
    }

    /// Sets the gas limit. The fee is 0.1 uscrt for each, if no other is set.
    #[must_use]
    pub const fn gas(mut self, limit: Gas) -> Self {
        self.gas_limit = limit;
        self
    }

    /// Sets the fee, in `uscrt`.
    #[must_use]
    pub fn fee(mut self, amount: u64) -> Self {
        self.fee = Some(vec![uscrt(amount)]);
        self
    }

    /// Sets the fee.
    #[must_use]
    pub fn fees(mut self, coins: &Coins) -> Self {
        self.fee = Some(coins.to_proto_list());
        self
    }

    /// Sets the memo, at most 256 bytes.
    #[must_use]
    pub fn memo(mut self, memo: impl Into<String>) -> Self {
        self.memo = memo.into();
        self
    }

    /// Sets the last height of a block that may hold the transaction; 0: any block may.
    #[must_use]
    pub const fn timeout_height(mut self, height: Height) -> Self {
        self.timeout_height = height;
        self
    }

    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &[Any] {
        &self.messages
    }

    /// The gas limit.
    #[must_use]
    pub const fn gas_limit(&self) -> Gas {
        self.gas_limit
    }

    /// The fee.
    #[must_use]
    pub fn fee_coins(&self) -> Vec<Coin> {
        let usual = || vec![uscrt(self.gas_limit.div_ceil(GAS_PER_USCRT))];
        self.fee.clone().unwrap_or_else(usual)
    }

    fn body(&self) -> TxBody {
        TxBody {
            messages: self.messages.clone(),
            memo: self.memo.clone(),
            timeout_height: self.timeout_height,
            ..TxBody::default()
        }
    }

    fn auth(&self, signer_infos: Vec<SignerInfo>) -> AuthInfo {
        AuthInfo {
            signer_infos,
            fee: Some(self.whole_fee()),
            ..AuthInfo::default()
        }
    }

    fn whole_fee(&self) -> Fee {
        Fee {
            amount: self.fee_coins(),
            gas_limit: self.gas_limit,
            ..Fee::default()
        }
    }

    /// The transaction before anybody is named as its signer.
    #[must_use]
    pub fn without_signer(&self) -> Tx {
        Tx {
            body: Some(self.body()),
            auth_info: Some(self.auth(Vec::new())),
            signatures: Vec::new(),
        }
    }

    /// The transaction as one signer with this key and sequence signs it.
    #[must_use]
    pub fn unsigned(&self, public_key: &[u8; 33], sequence: u64) -> Unsigned {
        let signer = signer_info(public_key, sequence);
        Unsigned {
            body: self.body().encode_to_vec(),
            auth_info: self.auth(vec![signer]).encode_to_vec(),
        }
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
        let unsigned = self.unsigned(&account.public_key(), sequence);
        let signature = unsigned.signature(account, &self.chain_id, account_number)?;
        Ok(tx::encode(
            unsigned.body,
            unsigned.auth_info,
            vec![signature.to_vec()],
        ))
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
        let place = Place {
            chain_id: &self.chain_id,
            account_number,
            sequence,
        };
        member.sign(&place.amino_document(&self.body(), &self.whole_fee())?)
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
        let (info, signature) = multisigner(key, sequence, signatures);
        let auth = self.auth(vec![info]);
        let body = self.body().encode_to_vec();
        tx::encode(body, auth.encode_to_vec(), vec![signature])
    }
}

impl Unsigned {
    /// The signature of `account`, for a chain that it names and with its number.
    ///
    /// # Errors
    /// [`KeyError::Signature`], never in practice.
    pub fn signature(
        &self,
        account: &Account,
        chain_id: &str,
        account_number: u64,
    ) -> Result<[u8; 64], KeyError> {
        let document = tx::sign_bytes_direct(&self.body, &self.auth_info, chain_id, account_number);
        account.sign(&document)
    }

    /// The raw transaction with zeros in place of a signature: a node estimates the gas of it, and takes it into no block.
    #[must_use]
    pub fn for_simulation(self) -> Vec<u8> {
        tx::encode(self.body, self.auth_info, vec![vec![0; 64]])
    }
}

/// What a signature is for, beside the transaction.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// Chain.
    pub chain_id: &'p str,
    /// Number of the account that signs.
    pub account_number: u64,
    /// Its next sequence.
    pub sequence: u64,
}

impl Place<'_> {
    /// What the members of a multisig sign.
    ///
    /// # Errors
    /// [`KeyError::NoAminoForm`] for what the document does not cover, too: extensions, and whatever a fee has beside coins, gas, payer and granter.
    pub fn amino_document(&self, body: &TxBody, fee: &Fee) -> Result<Vec<u8>, KeyError> {
        let is_covered =
            body.extension_options.is_empty() && body.non_critical_extension_options.is_empty();
        let document = amino::SignDoc {
            chain_id: self.chain_id,
            account_number: self.account_number,
            sequence: self.sequence,
            fee,
            memo: &body.memo,
            timeout_height: body.timeout_height,
            messages: &body.messages,
        };
        let bytes = document.to_bytes().ok();
        bytes.filter(|_| is_covered).ok_or(KeyError::NoAminoForm)
    }
}

/// Whether `signature` of the SHA-256 of `document` is of the account with this key.
#[must_use]
pub fn is_signed_by(public_key: &[u8; 33], document: &[u8], signature: &[u8; 64]) -> bool {
    let digest = crate::types::sha256(document);
    crate::crypto::secp256k1::verify(&digest, signature, public_key).unwrap_or(false)
}

/// A multisig as signer: `signatures` as in [`TxBuilder::multisigned`]. Gives its signature, too.
#[must_use]
pub fn multisigner(
    key: &Multisig,
    sequence: u64,
    signatures: &[Option<[u8; 64]>],
) -> (SignerInfo, Vec<u8>) {
    let members = signatures
        .iter()
        .map(|signature| signature.map(|bytes| multisig::member(bytes.to_vec())));
    let (mode, signature) = multisig::combine(members.collect());
    let key = PublicKey::Multisig(key.clone());
    (signer(&key, mode, sequence), signature)
}

/// A signer in DIRECT mode, with this key and sequence.
#[must_use]
pub fn signer_info(public_key: &[u8; 33], sequence: u64) -> SignerInfo {
    let sum = Some(Sum::Single(Single {
        mode: SignMode::Direct.into(),
    }));
    signer(
        &PublicKey::Secp256k1(*public_key),
        ModeInfo { sum },
        sequence,
    )
}

fn signer(key: &PublicKey, mode: ModeInfo, sequence: u64) -> SignerInfo {
    SignerInfo {
        public_key: Some(key.to_any()),
        mode_info: Some(mode),
        sequence,
    }
}

fn uscrt(amount: u64) -> Coin {
    Coin {
        denom: FEE_DENOM.to_owned(),
        amount: amount.to_string(),
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
