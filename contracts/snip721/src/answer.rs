//! What the contract answers, and what it remembers of what happened.

use cosmwasm_std::Addr;
use serde::{Deserialize, Serialize};
use snip::history::Record;

use snip::expiration::Expiration;
use snip::metadata::Metadata;

use crate::mint_run::MintRunInfo;
use crate::royalty::DisplayRoyaltyInfo;

/// Execute answers that say more than "success"; the others are `{"<variant>":{"status":"success"}}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteAnswer {
    /// The made token.
    MintNft {
        /// Its id.
        token_id: String,
    },
    /// The made tokens.
    BatchMintNft {
        /// Their ids.
        token_ids: Vec<String>,
    },
    /// The made clones: these, and between them all numbers that were free.
    MintNftClones {
        /// Id of the first.
        first_minted: String,
        /// Id of the last.
        last_minted: String,
    },
    /// The key that was made or set.
    ViewingKey {
        /// Its text.
        key: String,
    },
}

/// What can happen to a token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It moved.
    Transfer {
        /// Whose it was.
        from: Addr,
        /// Who moved it, if not the owner.
        sender: Option<Addr>,
        /// Whose it is.
        recipient: Addr,
    },
    /// It was made.
    Mint {
        /// By whom.
        minter: Addr,
        /// For whom.
        recipient: Addr,
    },
    /// It was destroyed.
    Burn {
        /// Whose it was.
        owner: Addr,
        /// By whom, if not the owner.
        burner: Option<Addr>,
    },
}

/// Whose a token is, and who may move it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose, if who asks may see it.
    pub owner: Option<Addr>,
    /// Who may move it; listed for the owner.
    pub approvals: Vec<TransferApproval>,
}

/// Who may move a token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TransferApproval {
    /// Who.
    pub spender: Addr,
    /// Until when.
    pub expires: Expiration,
}

/// What an account may see and do.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Which account.
    pub address: Addr,
    /// Until when it may see the owner.
    pub view_owner_expiration: Option<Expiration>,
    /// Until when it may see private metadata.
    pub view_private_metadata_expiration: Option<Expiration>,
    /// Until when it may move tokens.
    pub transfer_expiration: Option<Expiration>,
}

/// Everything that one may see of a token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Dossier {
    /// Which; in lists of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// Whose, if who asks may see it.
    pub owner: Option<Addr>,
    /// What everybody sees.
    pub public_metadata: Option<Metadata>,
    /// What the owner sees, if who asks may see it.
    pub private_metadata: Option<Metadata>,
    /// Why not.
    pub display_private_metadata_error: Option<String>,
    /// Parts of its price.
    pub royalty_info: Option<DisplayRoyaltyInfo>,
    /// How it was made, where that it is there is no secret.
    pub mint_run_info: Option<MintRunInfo>,
    /// Whether it can be moved.
    pub transferable: bool,
    /// Whether its metadata is sealed no more.
    pub unwrapped: bool,
    /// Whether everybody may see the owner.
    pub owner_is_public: bool,
    /// Until when.
    pub public_ownership_expiration: Option<Expiration>,
    /// Whether everybody may see private metadata.
    pub private_metadata_is_public: bool,
    /// Until when.
    pub private_metadata_is_public_expiration: Option<Expiration>,
    /// For the owner: what was said of it.
    pub token_approvals: Option<Vec<Rights>>,
    /// For the owner: what was said of all.
    pub inventory_approvals: Option<Vec<Rights>>,
}

/// What queries answer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The standard's own names.
#[allow(clippy::large_enum_variant)] // One is made for a query, and written at once.
pub enum QueryAnswer {
    ContractInfo {
        name: String,
        symbol: String,
    },
    ContractConfig {
        token_supply_is_public: bool,
        owner_is_public: bool,
        sealed_metadata_is_enabled: bool,
        unwrapped_metadata_is_private: bool,
        minter_may_update_metadata: bool,
        owner_may_update_metadata: bool,
        burn_is_enabled: bool,
        implements_non_transferable_tokens: bool,
        implements_token_subtype: bool,
    },
    ContractCreator {
        creator: Addr,
    },
    Minters {
        minters: Vec<Addr>,
    },
    RegisteredCodeHash {
        code_hash: Option<String>,
        also_implements_batch_receive_nft: bool,
    },
    ImplementsNonTransferableTokens {
        is_enabled: bool,
    },
    ImplementsTokenSubtype {
        is_enabled: bool,
    },
    IsTransferable {
        token_is_transferable: bool,
    },
    IsUnwrapped {
        token_is_unwrapped: bool,
    },
    NftInfo(Metadata),
    PrivateMetadata(Metadata),
    NumTokens {
        count: u32,
    },
    TokenList {
        tokens: Vec<String>,
    },
    OwnerOf {
        owner: Addr,
        approvals: Vec<TransferApproval>,
    },
    AllNftInfo {
        access: Access,
        info: Option<Metadata>,
    },
    RoyaltyInfo {
        royalty_info: Option<DisplayRoyaltyInfo>,
    },
    NftDossier(Dossier),
    BatchNftDossier {
        nft_dossiers: Vec<Dossier>,
    },
    TokenApprovals {
        owner_is_public: bool,
        public_ownership_expiration: Option<Expiration>,
        private_metadata_is_public: bool,
        private_metadata_is_public_expiration: Option<Expiration>,
        token_approvals: Vec<Rights>,
    },
    InventoryApprovals {
        owner_is_public: bool,
        public_ownership_expiration: Option<Expiration>,
        private_metadata_is_public: bool,
        private_metadata_is_public_expiration: Option<Expiration>,
        inventory_approvals: Vec<Rights>,
    },
    ApprovedForAll {
        operators: Vec<TransferApproval>,
    },
    VerifyTransferApproval {
        approved_for_all: bool,
        first_unapproved_token: Option<String>,
    },
    TransactionHistory {
        total: u64,
        txs: Vec<Record<Action>>,
    },
}
