//! The JSON that a contract is given: env and, in v1, info, members in the order of contract-abi.md section 2.

use crate::ctx::{BlockInfo, TxInfo};
use crate::error::{Fault, broken};
use crate::types::{Address, Coins, Hash};
use base64::Engine as _;
use serde::Serialize;

#[derive(Serialize)]
struct Env<'a> {
    block: Block<'a>,
    contract: Contract,
    transaction: Option<Transaction>,
}

#[derive(Serialize)]
struct Block<'a> {
    height: u64,
    time: String,
    chain_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    random: Option<String>,
}

#[derive(Serialize)]
struct Contract {
    address: String,
    code_hash: String,
}

#[derive(Serialize)]
struct Transaction {
    index: u32,
    hash: String,
}

/// The env of v0.10: who calls is part of it; time in seconds, numbers as numbers.
#[derive(Serialize)]
struct EnvV010<'a> {
    block: BlockV010<'a>,
    message: Message,
    contract: ContractV010,
    contract_key: Option<()>,
    contract_code_hash: String,
    transaction: Option<()>,
}

#[derive(Serialize)]
struct BlockV010<'a> {
    height: u64,
    time: u64,
    chain_id: &'a str,
}

#[derive(Serialize)]
struct Message {
    sender: String,
    sent_funds: Vec<JsonCoin>,
}

#[derive(Serialize)]
struct ContractV010 {
    address: String,
}

/// A coin as contracts read and write it: the amount is a decimal string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct JsonCoin {
    /// Denomination.
    pub denom: String,
    /// Amount as decimal text.
    pub amount: String,
}

impl JsonCoin {
    /// The same coin as users write it in messages.
    pub(super) fn to_proto(&self) -> crate::types::proto::cosmos::base::v1beta1::Coin {
        crate::types::proto::cosmos::base::v1beta1::Coin {
            denom: self.denom.clone(),
            amount: self.amount.clone(),
        }
    }
}

#[derive(Serialize)]
struct Info {
    sender: String,
    funds: Vec<JsonCoin>,
}

#[derive(Serialize)]
struct MigrateInfo {
    sender: String,
    old_migrate_version: Option<u64>,
}

/// `random` of a query: one zero byte (contract-abi.md section 2).
pub(super) const QUERY_RANDOM: &[u8] = &[0];

/// `env` for a call of `contract`; `random` only where the contract asked for it, and [`QUERY_RANDOM`] in queries.
///
/// # Errors
/// [`Fault`] if block time does not fit 64-bit nanoseconds: such a header is refused long before.
pub(super) fn env(
    block: &BlockInfo,
    tx: &TxInfo,
    contract: &Address,
    code_hash: &Hash,
    random: Option<&[u8]>,
) -> Result<Vec<u8>, Fault> {
    let env = Env {
        block: Block {
            height: block.height,
            time: nanoseconds(block)?.to_string(),
            chain_id: &block.chain_id,
            random: random.map(|r| base64::engine::general_purpose::STANDARD.encode(r)),
        },
        contract: Contract {
            address: contract.to_string(),
            code_hash: hex::encode(code_hash),
        },
        transaction: tx.counter.map(|index| Transaction {
            index,
            hash: hex::encode_upper(tx.hash),
        }),
    };
    serde_json::to_vec(&env).map_err(broken)
}

/// `env` for a call of a v0.10 `contract` by `sender` with `funds`; the same for each entry point that takes one.
///
/// # Errors
/// [`Fault`] if block time is before 1970: such a header is refused long before.
pub(super) fn env_v010(
    block: &BlockInfo,
    contract: &Address,
    code_hash: &Hash,
    sender: &Address,
    funds: &Coins,
) -> Result<Vec<u8>, Fault> {
    let env = EnvV010 {
        block: BlockV010 {
            height: block.height,
            time: u64::try_from(block.time.seconds).map_err(broken)?,
            chain_id: &block.chain_id,
        },
        message: Message {
            sender: sender.to_string(),
            sent_funds: json_coins(funds),
        },
        contract: ContractV010 {
            address: contract.to_string(),
        },
        contract_key: None,
        contract_code_hash: hex::encode(code_hash),
        transaction: None,
    };
    serde_json::to_vec(&env).map_err(broken)
}

/// `info` for a call by `sender` with `funds`.
///
/// # Errors
/// Never in practice; a [`Fault`] if JSON cannot be written.
pub(super) fn info(sender: &Address, funds: &Coins) -> Result<Vec<u8>, Fault> {
    let info = Info {
        sender: sender.to_string(),
        funds: json_coins(funds),
    };
    serde_json::to_vec(&info).map_err(broken)
}

/// What `migrate` is told beside its message, if it wants to (`MigrateInfo` of the ordinary library).
///
/// # Errors
/// Never in practice; a [`Fault`] if JSON cannot be written.
pub(super) fn migrate_info(sender: &Address, old: Option<u64>) -> Result<Vec<u8>, Fault> {
    let info = MigrateInfo {
        sender: sender.to_string(),
        old_migrate_version: old,
    };
    serde_json::to_vec(&info).map_err(broken)
}

/// Coins as contracts see them.
#[must_use]
pub(super) fn json_coins(coins: &Coins) -> Vec<JsonCoin> {
    coins
        .iter()
        .map(|c| JsonCoin {
            denom: c.denom.clone(),
            amount: c.amount.to_string(),
        })
        .collect()
}

fn nanoseconds(block: &BlockInfo) -> Result<u64, Fault> {
    u64::try_from(block.time.seconds)
        .ok()
        .and_then(|s| s.checked_mul(1_000_000_000))
        .and_then(|n| n.checked_add(u64::from(block.time.nanos)))
        .ok_or_else(|| broken("block time does not fit nanoseconds"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Timestamp;

    fn block() -> BlockInfo {
        BlockInfo {
            chain_id: "x".into(),
            genesis_hash: [0; 32],
            height: 12345,
            time: Timestamp {
                seconds: 1_700_000_000,
                nanos: 7,
            },
            header_hash: [0; 32],
            version_app: 1,
            misbehavior: Vec::new(),
        }
    }

    #[test]
    fn env_has_the_members_and_the_order_that_contracts_were_compiled_for() {
        let contract = Address::from_bytes(&[0x22; 20]).unwrap();
        let tx = TxInfo {
            index: Some(4),
            counter: Some(3),
            hash: [0xab; 32],
            signed: None,
        };
        let json =
            String::from_utf8(env(&block(), &tx, &contract, &[1; 32], Some(&[0; 32])).unwrap())
                .unwrap();
        assert_eq!(
            json,
            format!(
                "{{\"block\":{{\"height\":12345,\"time\":\"1700000000000000007\",\"chain_id\":\"x\",\
                 \"random\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}},\
                 \"contract\":{{\"address\":\"{contract}\",\"code_hash\":\"{}\"}},\
                 \"transaction\":{{\"index\":3,\"hash\":\"{}\"}}}}",
                "01".repeat(32),
                "AB".repeat(32)
            )
        );
    }

    #[test]
    fn the_env_of_v010_has_its_own_members_and_order() {
        let contract = Address::from_bytes(&[0x22; 20]).unwrap();
        let sender = Address::from_bytes(&[0x33; 20]).unwrap();
        let funds = Coins::new(vec![crate::types::Coin::new(5, "uscrt")]).unwrap();
        let json = env_v010(&block(), &contract, &[1; 32], &sender, &funds).unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            format!(
                "{{\"block\":{{\"height\":12345,\"time\":1700000000,\"chain_id\":\"x\"}},\
                 \"message\":{{\"sender\":\"{sender}\",\"sent_funds\":[{{\"denom\":\"uscrt\",\"amount\":\"5\"}}]}},\
                 \"contract\":{{\"address\":\"{contract}\"}},\"contract_key\":null,\
                 \"contract_code_hash\":\"{}\",\"transaction\":null}}",
                "01".repeat(32),
            )
        );
    }

    #[test]
    fn a_query_sees_no_transaction_and_one_zero_byte_of_random() {
        let contract = Address::from_bytes(&[0x22; 20]).unwrap();
        let json = env(
            &block(),
            &TxInfo::default(),
            &contract,
            &[1; 32],
            Some(QUERY_RANDOM),
        )
        .unwrap();
        let json = String::from_utf8(json).unwrap();
        assert!(json.contains("\"random\":\"AA==\""));
        assert!(json.ends_with("\"transaction\":null}"));
    }
}
