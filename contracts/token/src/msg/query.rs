//! Questions and answers.

use cosmwasm_std::{Addr, Binary, Coin, Uint128, Uint64};
use permit::blanket::Revocation;
use serde::{Deserialize, Serialize};
use snip::notification::ChannelInfo;
use snip::viewing_key::Viewer;

use super::{ContractStatus, Permit};

/// Reads something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// Name, symbol, decimals and perhaps the supply.
    TokenInfo {},
    /// What is switched on.
    TokenConfig {},
    /// What of the contract may be used.
    ContractStatus {},
    /// How many tokens one coin gives.
    ExchangeRate {},
    /// Who may mint.
    Minters {},

    /// A balance, for who holds the viewing key.
    Balance {
        /// Whose.
        address: String,
        /// Viewing key of that account.
        key: String,
    },
    /// An allowance, for who holds the viewing key of either side.
    Allowance {
        /// Whose tokens.
        owner: String,
        /// Who may spend them.
        spender: String,
        /// Viewing key of one of the two.
        key: String,
    },
    /// All allowances that an account gave, newest first.
    AllowancesGiven {
        /// Whose tokens.
        owner: String,
        /// Viewing key of the owner.
        key: String,
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page.
        page_size: u32,
    },
    /// All allowances that an account received, newest first.
    AllowancesReceived {
        /// Who may spend.
        spender: String,
        /// Viewing key of the spender.
        key: String,
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page.
        page_size: u32,
    },
    /// Transfers to and from an account, newest first.
    TransferHistory {
        /// Whose.
        address: String,
        /// Viewing key of that account.
        key: String,
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page.
        page_size: u32,
    },
    /// Everything that happened to an account, newest first.
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

    /// What an account's permits were withdrawn by, all at once.
    ListPermitRevocations {
        /// Whose.
        viewer: Viewer,
    },

    /// Names of the channels of notifications (SNIP-52).
    ListChannels {},
    /// How an account finds and opens its notifications.
    ChannelInfo {
        /// Of which channels.
        channels: Vec<String>,
        /// Of which transaction, to learn the ids there.
        txhash: Option<String>,
        /// Whose.
        viewer: Viewer,
    },

    /// The same queries, with a signed permit instead of a key.
    WithPermit {
        /// The permit; its signer is the account that is asked about.
        permit: Permit,
        /// The query.
        query: PermitQuery,
    },
}

/// Queries that a permit opens: as above, without address and key.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PermitQuery {
    /// The signer's balance.
    Balance {},
    /// An allowance that the signer gave or received.
    Allowance {
        /// Whose tokens.
        owner: String,
        /// Who may spend them.
        spender: String,
    },
    /// All allowances that the signer gave.
    AllowancesGiven {
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page.
        page_size: u32,
    },
    /// All allowances that the signer received.
    AllowancesReceived {
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page.
        page_size: u32,
    },
    /// Transfers of the signer.
    TransferHistory {
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page.
        page_size: u32,
    },
    /// Everything that happened to the signer.
    TransactionHistory {
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page.
        page_size: u32,
    },
    /// What the signer's permits were withdrawn by, as far as it did not take this one too.
    ListPermitRevocations {},
    /// How the signer finds and opens its notifications.
    ChannelInfo {
        /// Of which channels.
        channels: Vec<String>,
        /// Of which transaction, to learn the ids there.
        txhash: Option<String>,
    },
}

/// What queries answer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryAnswer {
    /// Name, symbol, decimals and perhaps the supply.
    TokenInfo {
        /// The name.
        name: String,
        /// The symbol.
        symbol: String,
        /// Digits after the point.
        decimals: u8,
        /// All tokens there are, if public.
        total_supply: Option<Uint128>,
    },
    /// What is switched on.
    TokenConfig {
        /// Whether `token_info` tells the total supply.
        public_total_supply: bool,
        /// Whether coins can be turned into tokens.
        deposit_enabled: bool,
        /// Whether tokens can be turned into coins.
        redeem_enabled: bool,
        /// Whether minters can make tokens.
        mint_enabled: bool,
        /// Whether owners can destroy tokens.
        burn_enabled: bool,
        /// Coins that can be deposited and redeemed.
        supported_denoms: Vec<String>,
    },
    /// What of the contract may be used.
    ContractStatus {
        /// The level.
        status: ContractStatus,
    },
    /// How many tokens one coin gives.
    ExchangeRate {
        /// The smallest units of tokens for the smallest unit of the coin; 0, if nothing can be exchanged.
        rate: Uint128,
        /// The coins, separated by commas.
        denom: String,
    },
    /// Who may mint.
    Minters {
        /// Their addresses.
        minters: Vec<Addr>,
    },
    /// A balance.
    Balance {
        /// In the smallest unit.
        amount: Uint128,
    },
    /// An allowance.
    Allowance {
        /// Who may spend.
        spender: Addr,
        /// Whose tokens.
        owner: Addr,
        /// How many.
        allowance: Uint128,
        /// Until when, in seconds since 1970.
        expiration: Option<u64>,
    },
    /// Allowances that an account gave.
    AllowancesGiven {
        /// Whose tokens.
        owner: Addr,
        /// One page, newest first.
        allowances: Vec<AllowanceGiven>,
        /// How many there are in all.
        count: u32,
    },
    /// Allowances that an account received.
    AllowancesReceived {
        /// Who may spend.
        spender: Addr,
        /// One page, newest first.
        allowances: Vec<AllowanceReceived>,
        /// How many there are in all.
        count: u32,
    },
    /// Transfers.
    TransferHistory {
        /// One page, newest first.
        txs: Vec<TransferRecord>,
        /// How many there are in all.
        total: Option<u64>,
    },
    /// Everything.
    TransactionHistory {
        /// One page, newest first.
        txs: Vec<Record>,
        /// How many there are in all.
        total: Option<u64>,
    },
    /// What an account's permits were withdrawn by.
    ListPermitRevocations {
        /// Oldest first.
        revocations: Vec<Revocation>,
    },
    /// Names of the channels of notifications.
    ListChannels {
        /// Their names.
        channels: Vec<String>,
    },
    /// How an account finds and opens its notifications.
    ChannelInfo {
        /// The last block that this answer knows.
        as_of_block: Uint64,
        /// What ids and keys are made of.
        seed: Binary,
        /// The channels that were asked about.
        channels: Vec<ChannelInfo>,
    },
    /// The key is wrong, or there is none.
    ViewingKeyError {
        /// The same text in both cases.
        msg: String,
    },
}

/// One allowance, as its giver sees it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct AllowanceGiven {
    /// Who may spend.
    pub spender: Addr,
    /// How many.
    pub allowance: Uint128,
    /// Until when, in seconds since 1970.
    pub expiration: Option<u64>,
}

/// One allowance, as its receiver sees it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct AllowanceReceived {
    /// Whose tokens.
    pub owner: Addr,
    /// How many.
    pub allowance: Uint128,
    /// Until when, in seconds since 1970.
    pub expiration: Option<u64>,
}

/// A transfer in a history.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TransferRecord {
    /// Number of the transaction in this contract, from 1.
    pub id: u64,
    /// Whose tokens moved.
    pub from: Addr,
    /// Who moved them.
    pub sender: Addr,
    /// To whom.
    pub receiver: Addr,
    /// How many; the denomination is the token's symbol.
    pub coins: Coin,
    /// The memo, if there was one.
    pub memo: Option<String>,
    /// When, in seconds since 1970.
    pub block_time: u64,
    /// In which block.
    pub block_height: u64,
}

/// Anything in a history.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Number of the transaction in this contract, from 1.
    pub id: u64,
    /// What happened.
    pub action: Action,
    /// With how many tokens; the denomination is the token's symbol, or the coin's of a deposit and redemption.
    pub coins: Coin,
    /// The memo, if there was one.
    pub memo: Option<String>,
    /// When, in seconds since 1970.
    pub block_time: u64,
    /// In which block.
    pub block_height: u64,
}

/// What can happen to tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// They moved.
    Transfer {
        /// Whose they were.
        from: Addr,
        /// Who moved them.
        sender: Addr,
        /// Whose they are.
        recipient: Addr,
    },
    /// They were made.
    Mint {
        /// By whom.
        minter: Addr,
        /// For whom.
        recipient: Addr,
    },
    /// They were destroyed.
    Burn {
        /// By whom.
        burner: Addr,
        /// Whose they were.
        owner: Addr,
    },
    /// Coins were turned into tokens.
    Deposit {},
    /// Tokens were turned into coins.
    Redeem {},
}
