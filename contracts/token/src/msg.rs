//! What the token understands and answers: SNIP-20 with 21 (memos), 22 (batches), 23 (code hash of a receiver),
//! 24 (permits), 26 (allowance lists), 50 (gas) and 52 (notifications).
//!
//! Every message may also carry `padding` (to hide its length), `decoys` and `entropy`: fields that this contract does not know are
//! ignored, so they need no place here. `gas_target` (SNIP-50) is read by [`snip::evaporation`].

use cosmwasm_std::{Addr, Binary, Coin, Uint128, Uint64};
use permit::blanket::{Interval, Revocation};
use serde::{Deserialize, Serialize};

/// A permit for a token.
pub type Permit = permit::Permit<permit::TokenPermission>;

/// Creates a token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// 3 to 30 bytes.
    pub name: String,
    /// Who administrates the token; the sender, if absent.
    pub admin: Option<String>,
    /// 3 to 20 capital letters.
    pub symbol: String,
    /// How many digits clients show after the point, at most 18.
    pub decimals: u8,
    /// Who starts with how much.
    pub initial_balances: Option<Vec<InitialBalance>>,
    /// Mixed into created viewing keys.
    pub prng_seed: Binary,
    /// What is switched on; nothing, if absent.
    pub config: Option<InitialConfig>,
    /// Coins of the chain that may be deposited and redeemed.
    pub supported_denoms: Option<Vec<String>>,
}

/// Tokens that an account starts with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InitialBalance {
    /// Whose.
    pub address: String,
    /// How many.
    pub amount: Uint128,
}

/// What is switched on. Absent means off.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub struct InitialConfig {
    /// Whether `token_info` tells the total supply.
    pub public_total_supply: bool,
    /// Whether coins can be turned into tokens.
    pub enable_deposit: bool,
    /// Whether tokens can be turned back into coins.
    pub enable_redeem: bool,
    /// Whether minters can make tokens.
    pub enable_mint: bool,
    /// Whether owners can destroy tokens.
    pub enable_burn: bool,
    /// Whether the admin can change the supported coins.
    pub can_modify_denoms: bool,
}

/// How much of the contract may be used.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ContractStatus {
    /// Everything.
    NormalRun,
    /// `redeem` and what the admin needs.
    StopAllButRedeems,
    /// What the admin needs.
    StopAll,
}

/// Changes something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// Turns the coins that come along into tokens.
    Deposit {},
    /// Turns tokens into coins.
    Redeem {
        /// How many.
        amount: Uint128,
        /// Into which coin; needed if more than one is supported.
        denom: Option<String>,
    },

    /// Moves own tokens.
    Transfer(Transfer),
    /// Moves own tokens to a contract and tells it.
    Send(Send),
    /// Several transfers at once.
    BatchTransfer {
        /// In this order; all or none.
        actions: Vec<Transfer>,
    },
    /// Several sends at once.
    BatchSend {
        /// In this order; all or none.
        actions: Vec<Send>,
    },
    /// Destroys own tokens.
    Burn {
        /// How many.
        amount: Uint128,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// A contract asks to be told of tokens sent to it.
    RegisterReceive {
        /// Hash of its code.
        code_hash: String,
    },

    /// Makes a viewing key.
    CreateViewingKey {
        /// Mixed into the key.
        entropy: Option<String>,
    },
    /// Sets a viewing key.
    SetViewingKey {
        /// The key's text.
        key: String,
    },
    /// Withdraws a permit for good.
    RevokePermit {
        /// Its name.
        permit_name: String,
    },

    /// Withdraws all permits (SNIP-24.1).
    RevokeAllPermits {
        /// Of what time.
        interval: Interval,
    },
    /// Takes back that they are withdrawn.
    DeletePermitRevocation {
        /// Its number.
        revocation_id: String,
    },
    /// Does nothing, with as much gas as its `gas_target` says (SNIP-50).
    Evaporate {},

    /// Lets somebody spend more of one's tokens.
    IncreaseAllowance(ChangeAllowance),
    /// Lets somebody spend less of one's tokens.
    DecreaseAllowance(ChangeAllowance),
    /// Moves tokens of somebody who allowed it.
    TransferFrom(TransferFrom),
    /// Sends tokens of somebody who allowed it.
    SendFrom(SendFrom),
    /// Several at once.
    BatchTransferFrom {
        /// In this order; all or none.
        actions: Vec<TransferFrom>,
    },
    /// Several at once.
    BatchSendFrom {
        /// In this order; all or none.
        actions: Vec<SendFrom>,
    },
    /// Destroys tokens of somebody who allowed it.
    BurnFrom(BurnFrom),
    /// Several at once.
    BatchBurnFrom {
        /// In this order; all or none.
        actions: Vec<BurnFrom>,
    },

    /// A minter makes tokens.
    Mint(Mint),
    /// Several at once.
    BatchMint {
        /// In this order; all or none.
        actions: Vec<Mint>,
    },
    /// The admin names further minters.
    AddMinters {
        /// Who.
        minters: Vec<String>,
    },
    /// The admin dismisses minters.
    RemoveMinters {
        /// Who.
        minters: Vec<String>,
    },
    /// The admin names all minters anew.
    SetMinters {
        /// Who.
        minters: Vec<String>,
    },

    /// The admin hands over.
    ChangeAdmin {
        /// To whom.
        address: String,
    },
    /// The admin stops or restarts the contract.
    SetContractStatus {
        /// What is to work.
        level: ContractStatus,
    },
    /// The admin supports further coins.
    AddSupportedDenoms {
        /// Which.
        denoms: Vec<String>,
    },
    /// The admin supports fewer coins.
    RemoveSupportedDenoms {
        /// Which.
        denoms: Vec<String>,
    },
    /// The admin lets accounts be notified, or not (SNIP-52).
    SetNotificationStatus {
        /// Whether they are.
        enabled: bool,
    },
}

/// Moves own tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// To whom.
    pub recipient: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Moves own tokens and tells the receiver.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// To whom.
    pub recipient: String,
    /// Hash of the recipient's code; else the one that it registered.
    pub recipient_code_hash: Option<String>,
    /// How many.
    pub amount: Uint128,
    /// Handed to the receiver.
    pub msg: Option<Binary>,
    /// Kept in the history, and handed to the receiver.
    pub memo: Option<String>,
}

/// Raises or lowers what a spender may spend.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ChangeAllowance {
    /// Who may spend.
    pub spender: String,
    /// How much more or less.
    pub amount: Uint128,
    /// Until when, in seconds since 1970; as before, if absent.
    pub expiration: Option<u64>,
}

/// Moves tokens of somebody else.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TransferFrom {
    /// Whose.
    pub owner: String,
    /// To whom.
    pub recipient: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Sends tokens of somebody else.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SendFrom {
    /// Whose.
    pub owner: String,
    /// To whom.
    pub recipient: String,
    /// Hash of the recipient's code; else the one that it registered.
    pub recipient_code_hash: Option<String>,
    /// How many.
    pub amount: Uint128,
    /// Handed to the receiver.
    pub msg: Option<Binary>,
    /// Kept in the history, and handed to the receiver.
    pub memo: Option<String>,
}

/// Destroys tokens of somebody else.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct BurnFrom {
    /// Whose.
    pub owner: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Makes tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Mint {
    /// For whom.
    pub recipient: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Execute answers that say more than "success"; the others are `{"<variant>":{"status":"success"}}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteAnswer {
    /// The made key.
    CreateViewingKey {
        /// Its text.
        key: String,
    },
    /// All permits are withdrawn.
    RevokeAllPermits {
        /// `success`.
        status: String,
        /// The number of the revocation.
        revocation_id: String,
    },
    /// The allowance that now holds.
    IncreaseAllowance(AllowanceNow),
    /// The allowance that now holds.
    DecreaseAllowance(AllowanceNow),
}

/// The allowance that holds after a change.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct AllowanceNow {
    /// Who may spend.
    pub spender: Addr,
    /// Whose tokens.
    pub owner: Addr,
    /// How many.
    pub allowance: Uint128,
}

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

/// Who asks, with the key that shows it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Who.
    pub address: String,
    /// Viewing key of that account.
    pub viewing_key: String,
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
    /// What the signer's permits were withdrawn by. If there is any, no permit opens this either: so it is empty.
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

/// A channel of notifications.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its name.
    pub channel: String,
    /// Where salts come from: `txhash`.
    pub mode: String,
    /// What its notifications hold, in CDDL.
    pub cddl: String,
    /// Id of the notification in the transaction that was asked about.
    pub answer_id: Option<Binary>,
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
