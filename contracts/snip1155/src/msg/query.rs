//! Questions and answers.

use cosmwasm_std::{Addr, Uint128};
use serde::{Deserialize, Serialize};
use snip::history::Record;
use snip::metadata::Metadata;

use super::{Permission, Permit, TokenConfig};

/// Reads something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// Admin, curators, token ids.
    ContractInfo {},
    /// Hash of the code with which a contract is told of tokens.
    RegisteredCodeHash {
        /// Which contract.
        contract: String,
    },
    /// What everybody may know of a token.
    TokenIdPublicInfo {
        /// Which.
        token_id: String,
    },
    /// The same with private metadata, for owners and whom they let.
    TokenIdPrivateInfo {
        /// Which.
        token_id: String,
        /// Who asks.
        address: String,
        /// Viewing key of that account.
        key: String,
    },
    /// A balance, for its owner and whom the owner lets.
    Balance {
        /// Of which token.
        token_id: String,
        /// Whose.
        owner: String,
        /// Who asks.
        viewer: String,
        /// Viewing key of who asks.
        key: String,
    },
    /// All balances of an account, newest token first.
    AllBalances {
        /// Whose.
        owner: String,
        /// Viewing key of that account.
        key: String,
        /// From 0; 0, if absent.
        tx_history_page: Option<u32>,
        /// Tokens on a page; 30, if absent.
        tx_history_page_size: Option<u32>,
    },
    /// What happened to an account's tokens, newest first.
    TransactionHistory {
        /// Whose.
        address: String,
        /// Viewing key of that account.
        key: String,
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page.
        page_size: u32,
    },
    /// What an owner lets an account, for both.
    Permission {
        /// Whose tokens.
        owner: String,
        /// Who may do something.
        allowed_address: String,
        /// Viewing key of one of the two.
        key: String,
        /// Of which token.
        token_id: String,
    },

    /// The same queries, with a signed permit instead of a key.
    WithPermit {
        /// The permit; its signer is who asks.
        permit: Permit,
        /// The query.
        query: PermittedQuery,
    },
}

/// Queries that a permit opens: as above, without who asks.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // Each field as in [`QueryMsg`].
pub enum PermittedQuery {
    TokenIdPrivateInfo {
        token_id: String,
    },
    Balance {
        token_id: String,
        owner: String,
    },
    AllBalances {
        tx_history_page: Option<u32>,
        tx_history_page_size: Option<u32>,
    },
    TransactionHistory {
        page: Option<u32>,
        page_size: u32,
    },
    Permission {
        owner: String,
        allowed_address: String,
        token_id: String,
    },
}

/// What can happen to tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// They were made.
    Mint {
        /// By whom.
        minter: Addr,
        /// For whom.
        recipient: Addr,
        /// How many.
        amount: Uint128,
    },
    /// They were destroyed.
    Burn {
        /// By whom, if not the owner.
        burner: Option<Addr>,
        /// Whose they were.
        owner: Addr,
        /// How many.
        amount: Uint128,
    },
    /// They moved.
    Transfer {
        /// Whose they were.
        from: Addr,
        /// Who moved them, if not the owner.
        sender: Option<Addr>,
        /// Whose they are.
        recipient: Addr,
        /// How many.
        amount: Uint128,
    },
}

/// What queries answer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The standard's own names.
pub enum QueryAnswer {
    ContractInfo {
        admin: Option<Addr>,
        curators: Vec<Addr>,
        all_token_ids: Vec<String>,
    },
    RegisteredCodeHash {
        code_hash: Option<String>,
    },
    TokenIdPublicInfo(TokenIdInfo),
    TokenIdPrivateInfo(TokenIdInfo),
    Balance {
        amount: Uint128,
    },
    AllBalances(Vec<OwnBalance>),
    TransactionHistory {
        txs: Vec<Record<Action>>,
        total: u64,
    },
    Permission(Option<Permission>),
    ViewingKeyError {
        msg: String,
    },
}

/// What one may know of a token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TokenIdInfo {
    /// What it is.
    pub token_id_info: CuratedToken,
    /// All tokens there are, if public.
    pub total_supply: Option<Uint128>,
    /// Whose it is, if it is one of a kind and that is public.
    pub owner: Option<Addr>,
}

/// What a token is, and who made its id.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // As in [`TokenInfo`].
pub struct CuratedToken {
    pub token_id: String,
    pub name: String,
    pub symbol: String,
    pub token_config: TokenConfig,
    pub public_metadata: Option<Metadata>,
    pub private_metadata: Option<Metadata>,
    pub curator: Addr,
}

/// A balance of who asks.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct OwnBalance {
    /// Of which token.
    pub token_id: String,
    /// How many.
    pub amount: Uint128,
}
