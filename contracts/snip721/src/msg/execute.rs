//! Changes.

use cosmwasm_std::{Addr, Binary};
use serde::{Deserialize, Serialize};
use snip::expiration::Expiration;
use snip::metadata::Metadata;

use super::{AccessLevel, ContractStatus};
use crate::mint_run::SerialNumber;
use crate::royalty::RoyaltyInfo;

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
    /// A minter makes several that are the same but for their number.
    MintNftClones(MintClones),
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
    /// Which of several it is.
    pub serial_number: Option<SerialNumber>,
    /// Parts of its price; those of the contract, if absent.
    pub royalty_info: Option<RoyaltyInfo>,
    /// Whether it can be moved; yes, if absent.
    pub transferable: Option<bool>,
    /// Kept in the history.
    pub memo: Option<String>,
}

/// Tokens to be made that are the same but for their number.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct MintClones {
    /// By this id the minter's runs are counted, from 1 on; absent: no run is told.
    pub mint_run_id: Option<String>,
    /// How many.
    pub quantity: u32,
    /// Whose they are; the minter's, if absent.
    pub owner: Option<String>,
    /// What everybody sees.
    pub public_metadata: Option<Metadata>,
    /// What the owner sees.
    pub private_metadata: Option<Metadata>,
    /// Parts of their price; those of the contract, if absent.
    pub royalty_info: Option<RoyaltyInfo>,
    /// Kept in the history of each.
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
