//! Questions.

use serde::{Deserialize, Serialize};
use snip::viewing_key::Viewer;

use super::Permit;

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
