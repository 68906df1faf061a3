//! Keys and stored records of the auth module.

use crate::collections::{Item, Map};
use crate::types::{Address, Gas, PublicKey};
use borsh::{BorshDeserialize, BorshSerialize, io};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Number, given once in order of creation.
    pub number: u64,
    /// Number of transactions it has signed: its next signature must name it.
    pub sequence: u64,
    /// Its key, a secp256k1 key or a multisig, known from its first transaction on.
    #[borsh(serialize_with = "write_key", deserialize_with = "read_key")]
    pub pubkey: Option<PublicKey>,
    /// Whether it belongs to a module: then name and permissions are those of [`crate::modules::accounts`].
    pub is_module: bool,
}

/// One byte for both: 0 for no key, else the kind of key.
fn write_key<W: io::Write>(key: &Option<PublicKey>, writer: &mut W) -> io::Result<()> {
    match key {
        None => 0_u8.serialize(writer),
        Some(key) => key.serialize(writer),
    }
}

fn read_key<R: io::Read>(reader: &mut R) -> io::Result<Option<PublicKey>> {
    match u8::deserialize_reader(reader)? {
        0 => Ok(None),
        kind => PublicKey::read_record(kind, reader).map(Some),
    }
}

/// Parameters of the ante chain: exactly the five that clients read.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Longest memo, in bytes.
    pub max_memo_characters: u64,
    /// The most signatures of one transaction.
    pub tx_sig_limit: u64,
    /// Gas per byte of a transaction.
    pub tx_size_cost_per_byte: Gas,
    /// Gas of an ed25519 signature (such signers are refused).
    pub sig_verify_cost_ed25519: Gas,
    /// Gas of a secp256k1 signature.
    pub sig_verify_cost_secp256k1: Gas,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_memo_characters: 256,
            tx_sig_limit: 7,
            tx_size_cost_per_byte: crate::gas::TX_SIZE_PER_BYTE,
            sig_verify_cost_ed25519: crate::gas::SIG_VERIFY_ED25519,
            sig_verify_cost_secp256k1: crate::gas::SIG_VERIFY_SECP256K1,
        }
    }
}

/// Parameters of the module.
pub const PARAMS: Item<Params> = Item::new("auth/params");
/// The number of the next new account.
pub const NEXT_NUMBER: Item<u64> = Item::new("auth/next");
/// Accounts by address.
pub const ACCOUNTS: Map<&Address, Account> = Map::new("auth/account/");
/// Addresses by account number: numbers are dense, so this lists all accounts in order.
pub const ADDRESSES: Map<u64, Address> = Map::new("auth/number/");

/// The names of all collections.
pub const NAMES: &[&str] = &[
    PARAMS.name(),
    NEXT_NUMBER.name(),
    ACCOUNTS.name(),
    ADDRESSES.name(),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::public_key::Multisig;

    #[test]
    fn the_record_of_an_account_says_the_kind_of_its_key_in_one_byte() {
        let record = |pubkey| {
            let account = Account {
                number: 1,
                sequence: 2,
                pubkey,
                is_module: false,
            };
            let bytes = borsh::to_vec(&account).unwrap();
            assert_eq!(borsh::from_slice::<Account>(&bytes).unwrap(), account);
            hex::encode(bytes)
        };
        let numbers = "01000000000000000200000000000000";
        let key = || PublicKey::Secp256k1([2; 33]);
        assert_eq!(record(None), format!("{numbers}0000"));
        let one = format!("01{}", "02".repeat(33));
        assert_eq!(record(Some(key())), format!("{numbers}{one}00"));
        let several = Multisig::new(1, vec![key(), PublicKey::Ed25519([3; 32])]).unwrap();
        let several = record(Some(PublicKey::Multisig(several)));
        let wanted = format!("020100000002000000{one}03{}", "03".repeat(32));
        assert_eq!(several, format!("{numbers}{wanted}00"));
        assert!(borsh::from_slice::<Account>(&[4; 18]).is_err());
    }
}
