//! What the contract understands. What it answers: [`crate::answer`].
//!
//! Every message may also carry `padding`, which is ignored, and `gas_target` (SNIP-50), which [`snip::evaporation`] reads.

use cosmwasm_std::{Addr, Binary};
use serde::{Deserialize, Serialize};
use snip::expiration::Expiration;
use snip::metadata::Metadata;
use snip::viewing_key::Viewer;

use crate::royalty::RoyaltyInfo;

/// A permit. Only the permission `owner` opens something here.
pub type Permit = permit::Permit<permit::TokenPermission>;

/// Creates a contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// Name.
    pub name: String,
    /// Symbol.
    pub symbol: String,
    /// Who administrates; the sender, if absent.
    pub admin: Option<String>,
    /// Mixed into created viewing keys.
    pub entropy: String,
    /// Parts of prices, for tokens that say nothing of it.
    pub royalty_info: Option<RoyaltyInfo>,
    /// What is switched on.
    pub config: Option<Config>,
    /// A message to send when the contract is there.
    pub post_init_callback: Option<Callback>,
}

/// What is switched on. Absent means off, but for `minter_may_update_metadata`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(default)]
pub struct Config {
    /// Whether everybody may list the tokens.
    pub public_token_supply: bool,
    /// Whether owners are public, unless they say otherwise.
    pub public_owner: bool,
    /// Whether private metadata is sealed until the owner reveals it, for the owner too.
    pub enable_sealed_metadata: bool,
    /// Whether it is private still once it is revealed.
    pub unwrapped_metadata_is_private: bool,
    /// Whether minters may change metadata.
    pub minter_may_update_metadata: bool,
    /// Whether owners may change metadata.
    pub owner_may_update_metadata: bool,
    /// Whether tokens can be destroyed.
    pub enable_burn: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            public_token_supply: false,
            public_owner: false,
            enable_sealed_metadata: false,
            unwrapped_metadata_is_private: false,
            minter_may_update_metadata: true,
            owner_may_update_metadata: false,
            enable_burn: false,
        }
    }
}

/// A message to another contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The message (JSON).
    pub msg: Binary,
    /// To whom.
    pub contract_address: String,
    /// Hash of its code.
    pub code_hash: String,
    /// Coins to take along.
    pub send: Vec<cosmwasm_std::Coin>,
}

/// How much of the contract may be used.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ContractStatus {
    /// Everything.
    Normal,
    /// No tokens are made, moved or destroyed.
    StopTransactions,
    /// Only the admin may change the status.
    StopAll,
}

/// What is said of a right.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AccessLevel {
    /// Granted for the named token.
    ApproveToken,
    /// Granted for all tokens of the sender.
    All,
    /// Denied for the named token.
    RevokeToken,
    /// Denied for all tokens of the sender.
    None,
}

/// Changes something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// A minter makes a token.
    MintNft(Mint),
    /// Several at once.
    BatchMintNft {
        /// In this order; all or none.
        mints: Vec<Mint>,
    },
    /// Changes what a token says of itself; what is absent stays.
    SetMetadata {
        /// Which.
        token_id: String,
        /// What everybody sees.
        public_metadata: Option<Metadata>,
        /// What the owner sees.
        private_metadata: Option<Metadata>,
    },
    /// An owner breaks the seal of a token's private metadata.
    Reveal {
        /// Which.
        token_id: String,
    },

    /// Says which parts of a price go to whom: of a token, by a minter who owns it; of others to come, by a minter.
    SetRoyaltyInfo {
        /// Of which token; of those to come, if absent.
        token_id: Option<String>,
        /// The parts; none, if absent.
        royalty_info: Option<RoyaltyInfo>,
    },

    /// Moves a token.
    TransferNft {
        /// To whom.
        recipient: String,
        /// Which.
        token_id: String,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Moves several.
    BatchTransferNft {
        /// In this order; all or none.
        transfers: Vec<Transfer>,
    },
    /// Moves a token to a contract and tells it.
    SendNft {
        /// To whom.
        contract: String,
        /// How to tell it; else as it registered.
        receiver_info: Option<ReceiverInfo>,
        /// Which.
        token_id: String,
        /// Handed to the receiver.
        msg: Option<Binary>,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Moves several.
    BatchSendNft {
        /// In this order; all or none.
        sends: Vec<Send>,
    },
    /// Destroys a token.
    BurnNft {
        /// Which.
        token_id: String,
        /// Kept in the history.
        memo: Option<String>,
    },
    /// Destroys several.
    BatchBurnNft {
        /// In this order; all or none.
        burns: Vec<Burn>,
    },
    /// A contract asks to be told of tokens sent to it.
    RegisterReceiveNft {
        /// Hash of its code.
        code_hash: String,
        /// Whether it takes several tokens in one message.
        also_implements_batch_receive_nft: Option<bool>,
    },

    /// Lets somebody move a token.
    Approve {
        /// Who.
        spender: String,
        /// Which.
        token_id: String,
        /// Until when.
        expires: Option<Expiration>,
    },
    /// Takes it back.
    Revoke {
        /// Who.
        spender: String,
        /// Which.
        token_id: String,
    },
    /// Lets somebody move all tokens of the sender.
    ApproveAll {
        /// Who.
        operator: String,
        /// Until when.
        expires: Option<Expiration>,
    },
    /// Takes it back.
    RevokeAll {
        /// Who.
        operator: String,
    },
    /// Says what everybody may see.
    SetGlobalApproval {
        /// Of which token, for levels that are about one.
        token_id: Option<String>,
        /// Whose it is.
        view_owner: Option<AccessLevel>,
        /// Its private metadata.
        view_private_metadata: Option<AccessLevel>,
        /// Until when.
        expires: Option<Expiration>,
    },
    /// Says what somebody may see and move.
    SetWhitelistedApproval {
        /// Who.
        address: String,
        /// Of which token, for levels that are about one.
        token_id: Option<String>,
        /// Whose it is.
        view_owner: Option<AccessLevel>,
        /// Its private metadata.
        view_private_metadata: Option<AccessLevel>,
        /// Moving.
        transfer: Option<AccessLevel>,
        /// Until when.
        expires: Option<Expiration>,
    },
    /// Where owners are public: those who do not want it.
    MakeOwnershipPrivate {},

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
}

/// A token to be made.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Mint {
    /// Its id; a number that is free, if absent.
    pub token_id: Option<String>,
    /// Whose it is; the minter's, if absent.
    pub owner: Option<String>,
    /// What everybody sees.
    pub public_metadata: Option<Metadata>,
    /// What the owner sees.
    pub private_metadata: Option<Metadata>,
    /// Parts of its price; those of the contract, if absent.
    pub royalty_info: Option<RoyaltyInfo>,
    /// Whether it can be moved; yes, if absent.
    pub transferable: Option<bool>,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Tokens to be moved.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// To whom.
    pub recipient: String,
    /// Which.
    pub token_ids: Vec<String>,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Tokens to be moved to a contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// To whom.
    pub contract: String,
    /// How to tell it; else as it registered.
    pub receiver_info: Option<ReceiverInfo>,
    /// Which.
    pub token_ids: Vec<String>,
    /// Handed to the receiver.
    pub msg: Option<Binary>,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// How to tell a contract of tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ReceiverInfo {
    /// Hash of its code.
    pub recipient_code_hash: String,
    /// Whether it takes several tokens in one message.
    pub also_implements_batch_receive_nft: Option<bool>,
}

/// Tokens to be destroyed.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Burn {
    /// Which.
    pub token_ids: Vec<String>,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// What a receiver is told.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverMsg {
    /// Of one token.
    ReceiveNft {
        /// Whose it was.
        sender: Addr,
        /// Which.
        token_id: String,
        /// From whoever sent it.
        msg: Option<Binary>,
    },
    /// Of several.
    BatchReceiveNft {
        /// Who sent them.
        sender: Addr,
        /// Whose they were.
        from: Addr,
        /// Which.
        token_ids: Vec<String>,
        /// From whoever sent them.
        msg: Option<Binary>,
    },
}

/// Reads something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// Name and symbol.
    ContractInfo {},
    /// What is switched on.
    ContractConfig {},
    /// Who made the contract.
    ContractCreator {},
    /// Who may mint.
    Minters {},
    /// How a contract is told of tokens.
    RegisteredCodeHash {
        /// Which contract.
        contract: String,
    },
    /// Whether tokens can be made that do not move.
    ImplementsNonTransferableTokens {},
    /// Whether metadata has subtypes.
    ImplementsTokenSubtype {},
    /// Whether a token can be moved.
    IsTransferable {
        /// Which.
        token_id: String,
    },
    /// Whether a token's metadata is sealed no more.
    IsUnwrapped {
        /// Which.
        token_id: String,
    },
    /// What everybody sees of a token.
    NftInfo {
        /// Which.
        token_id: String,
    },

    /// How many tokens there are.
    NumTokens {
        /// Who asks.
        viewer: Option<Viewer>,
    },
    /// All tokens.
    AllTokens {
        /// Who asks.
        viewer: Option<Viewer>,
        /// The last token of the page before.
        start_after: Option<String>,
        /// Tokens on a page.
        limit: Option<u32>,
    },
    /// Whose a token is.
    OwnerOf {
        /// Which.
        token_id: String,
        /// Who asks.
        viewer: Option<Viewer>,
        /// Whether to list approvals that are over.
        include_expired: Option<bool>,
    },
    /// A token's private metadata.
    PrivateMetadata {
        /// Which.
        token_id: String,
        /// Who asks.
        viewer: Option<Viewer>,
    },
    /// Owner and public metadata.
    AllNftInfo {
        /// Which.
        token_id: String,
        /// Who asks.
        viewer: Option<Viewer>,
        /// Whether to list approvals that are over.
        include_expired: Option<bool>,
    },
    /// Parts of a price.
    RoyaltyInfo {
        /// Of which token; of those to come, if absent.
        token_id: Option<String>,
        /// Who asks.
        viewer: Option<Viewer>,
    },
    /// Everything that who asks may see.
    NftDossier {
        /// Which.
        token_id: String,
        /// Who asks.
        viewer: Option<Viewer>,
        /// Whether to list approvals that are over.
        include_expired: Option<bool>,
    },
    /// The same of several.
    BatchNftDossier {
        /// Which.
        token_ids: Vec<String>,
        /// Who asks.
        viewer: Option<Viewer>,
        /// Whether to list approvals that are over.
        include_expired: Option<bool>,
    },
    /// Tokens of an owner, as far as who asks may see them.
    Tokens {
        /// Whose.
        owner: String,
        /// Who asks; the owner, if absent.
        viewer: Option<String>,
        /// Viewing key of who asks.
        viewing_key: Option<String>,
        /// The last token of the page before.
        start_after: Option<String>,
        /// Tokens on a page.
        limit: Option<u32>,
    },
    /// How many tokens an owner has that who asks may see.
    NumTokensOfOwner {
        /// Whose.
        owner: String,
        /// Who asks; the owner, if absent.
        viewer: Option<String>,
        /// Viewing key of who asks.
        viewing_key: Option<String>,
    },
    /// What an owner said of a token.
    TokenApprovals {
        /// Which.
        token_id: String,
        /// The owner's key.
        viewing_key: String,
        /// Whether to list approvals that are over.
        include_expired: Option<bool>,
    },
    /// What an owner said of all tokens.
    InventoryApprovals {
        /// Whose.
        address: String,
        /// The owner's key.
        viewing_key: String,
        /// Whether to list approvals that are over.
        include_expired: Option<bool>,
    },
    /// Who may move all tokens of an owner.
    ApprovedForAll {
        /// Whose.
        owner: String,
        /// The owner's key.
        viewing_key: Option<String>,
        /// Whether to list approvals that are over.
        include_expired: Option<bool>,
    },
    /// Whether an account may move all of these tokens.
    VerifyTransferApproval {
        /// Which.
        token_ids: Vec<String>,
        /// Which account.
        address: String,
        /// Its key.
        viewing_key: String,
    },
    /// What happened to an account's tokens, newest first.
    TransactionHistory {
        /// Whose.
        address: String,
        /// Viewing key of that account.
        viewing_key: String,
        /// From 0; 0, if absent.
        page: Option<u32>,
        /// Entries on a page; 30, if absent.
        page_size: Option<u32>,
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
    NumTokens {},
    AllTokens {
        start_after: Option<String>,
        limit: Option<u32>,
    },
    OwnerOf {
        token_id: String,
        include_expired: Option<bool>,
    },
    PrivateMetadata {
        token_id: String,
    },
    AllNftInfo {
        token_id: String,
        include_expired: Option<bool>,
    },
    RoyaltyInfo {
        token_id: Option<String>,
    },
    NftDossier {
        token_id: String,
        include_expired: Option<bool>,
    },
    BatchNftDossier {
        token_ids: Vec<String>,
        include_expired: Option<bool>,
    },
    Tokens {
        owner: String,
        start_after: Option<String>,
        limit: Option<u32>,
    },
    NumTokensOfOwner {
        owner: String,
    },
    TokenApprovals {
        token_id: String,
        include_expired: Option<bool>,
    },
    InventoryApprovals {
        include_expired: Option<bool>,
    },
    ApprovedForAll {
        include_expired: Option<bool>,
    },
    VerifyTransferApproval {
        token_ids: Vec<String>,
    },
    TransactionHistory {
        page: Option<u32>,
        page_size: Option<u32>,
    },
}
