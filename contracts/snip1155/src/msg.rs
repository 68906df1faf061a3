//! What the contract understands and answers.
//!
//! Every message may also carry `padding`, which is ignored, and `gas_target` (SNIP-50), which [`snip::evaporation`] reads.

use cosmwasm_std::{Addr, Binary, Uint128};
use serde::{Deserialize, Serialize};
use snip::expiration::Expiration;
use snip::history::Record;
use snip::metadata::Metadata;

/// A permit: `balance` opens balances, `history` the history, `owner` everything.
pub type Permit = permit::Permit<permit::TokenPermission>;

/// Creates a contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// Whether there is an admin.
    pub has_admin: bool,
    /// Who; the sender, if absent.
    pub admin: Option<String>,
    /// Who may make token ids.
    pub curators: Vec<String>,
    /// Tokens to begin with.
    pub initial_tokens: Vec<InitialToken>,
    /// Mixed into created viewing keys.
    pub entropy: String,
}

/// A token id to be made.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InitialToken {
    /// What it is.
    pub token_info: TokenInfo,
    /// Who starts with how much.
    pub balances: Vec<Balance>,
}

/// What a token is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its id.
    pub token_id: String,
    /// Its name.
    pub name: String,
    /// Its symbol.
    pub symbol: String,
    /// What is switched on.
    pub token_config: TokenConfig,
    /// What everybody sees.
    pub public_metadata: Option<Metadata>,
    /// What owners see.
    pub private_metadata: Option<Metadata>,
}

/// What is switched on.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TokenConfig {
    /// Of a token of which there are many.
    Fungible {
        /// Who may make tokens.
        minters: Vec<Addr>,
        /// Digits after the point.
        decimals: u8,
        /// Whether everybody may know how many there are.
        public_total_supply: bool,
        /// Whether minters can make tokens.
        enable_mint: bool,
        /// Whether owners can destroy tokens.
        enable_burn: bool,
        /// Whether minters may change metadata.
        minter_may_update_metadata: bool,
    },
    /// Of one of a kind.
    Nft {
        /// Who may change metadata, if minters may.
        minters: Vec<Addr>,
        /// Whether everybody may know whether it is still there.
        public_total_supply: bool,
        /// Whether everybody may know whose it is.
        owner_is_public: bool,
        /// Whether its owner can destroy it.
        enable_burn: bool,
        /// Whether its owner may change metadata.
        owner_may_update_metadata: bool,
        /// Whether minters may change metadata.
        minter_may_update_metadata: bool,
    },
}

/// Tokens of an account.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Whose.
    pub address: String,
    /// How many.
    pub amount: Uint128,
}

/// Tokens of several accounts.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TokenAmount {
    /// Which.
    pub token_id: String,
    /// Whose, and how many.
    pub balances: Vec<Balance>,
}

/// Changes something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // One is read for a call, and taken apart at once.
pub enum ExecuteMsg {
    /// A curator makes token ids.
    CurateTokenIds {
        /// In this order; all or none.
        initial_tokens: Vec<InitialToken>,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Minters make tokens.
    MintTokens {
        /// In this order; all or none.
        mint_tokens: Vec<TokenAmount>,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Owners destroy tokens.
    BurnTokens {
        /// In this order; all or none. Accounts must be the sender.
        burn_tokens: Vec<TokenAmount>,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Changes what a token says of itself; what is absent stays.
    ChangeMetadata {
        /// Which.
        token_id: String,
        /// What everybody sees.
        public_metadata: Option<Metadata>,
        /// What owners see.
        private_metadata: Option<Metadata>,
    },

    /// Moves tokens.
    Transfer(Transfer),
    /// Several at once.
    BatchTransfer {
        /// In this order; all or none.
        actions: Vec<Transfer>,
    },
    /// Moves tokens to a contract and tells it.
    Send(Send),
    /// Several at once.
    BatchSend {
        /// In this order; all or none.
        actions: Vec<Send>,
    },
    /// A contract asks to be told of tokens sent to it.
    RegisterReceive {
        /// Hash of its code.
        code_hash: String,
    },

    /// Lets somebody see or move tokens of the sender. What is absent stays as it was.
    GivePermission {
        /// Who.
        allowed_address: String,
        /// Of which token.
        token_id: String,
        /// Whether to see the balance.
        view_balance: Option<bool>,
        /// Until when.
        view_balance_expiry: Option<Expiration>,
        /// Whether to see private metadata.
        view_private_metadata: Option<bool>,
        /// Until when.
        view_private_metadata_expiry: Option<Expiration>,
        /// How many to move.
        transfer: Option<Uint128>,
        /// Until when.
        transfer_expiry: Option<Expiration>,
    },
    /// Takes all of it back: by its giver, or by who has it.
    RevokePermission {
        /// Of which token.
        token_id: String,
        /// Who gave it.
        owner: String,
        /// Who has it.
        allowed_address: String,
    },

    /// Makes a viewing key.
    CreateViewingKey {
        /// Mixed into the key.
        entropy: String,
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

    /// The admin names further curators.
    AddCurators {
        /// Who.
        add_curators: Vec<String>,
    },
    /// The admin dismisses curators.
    RemoveCurators {
        /// Who.
        remove_curators: Vec<String>,
    },
    /// The token's curator or the admin names further minters of a token.
    AddMinters {
        /// Which.
        token_id: String,
        /// Who.
        add_minters: Vec<String>,
    },
    /// The token's curator or the admin dismisses minters of a token.
    RemoveMinters {
        /// Which.
        token_id: String,
        /// Who.
        remove_minters: Vec<String>,
    },
    /// The admin hands over.
    ChangeAdmin {
        /// To whom.
        new_admin: String,
    },
    /// The admin leaves for good. Who and where must be said, so that it is not done by mistake.
    RemoveAdmin {
        /// Who leaves.
        current_admin: String,
        /// This contract.
        contract_address: String,
    },
}

/// Moves tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Which.
    pub token_id: String,
    /// Whose.
    pub from: String,
    /// To whom.
    pub recipient: String,
    /// How many.
    pub amount: Uint128,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Moves tokens and tells the receiver.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Which.
    pub token_id: String,
    /// Whose.
    pub from: String,
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

/// What an owner lets an account.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Whether it may see the balance.
    pub view_balance_perm: bool,
    /// Until when.
    pub view_balance_exp: Expiration,
    /// Whether it may see private metadata.
    pub view_pr_metadata_perm: bool,
    /// Until when.
    pub view_pr_metadata_exp: Expiration,
    /// How many tokens it may still move.
    pub trfer_allowance_perm: Uint128,
    /// Until when.
    pub trfer_allowance_exp: Expiration,
}

/// What a receiver is told.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverMsg {
    /// Of tokens.
    Snip1155Receive {
        /// Who sent them.
        sender: Addr,
        /// Which.
        token_id: String,
        /// Whose they were.
        from: Addr,
        /// How many.
        amount: Uint128,
        /// The memo, if there was one.
        memo: Option<String>,
        /// From whoever sent them.
        msg: Option<Binary>,
    },
}

/// What execute answers, beside `{"<variant>":{"status":"success"}}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteAnswer {
    /// The made key.
    CreateViewingKey {
        /// Its text.
        key: String,
    },
}

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
