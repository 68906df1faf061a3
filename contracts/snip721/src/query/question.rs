//! What who asks may see, and the answers.

use cosmwasm_std::{Addr, BlockInfo, Deps, StdError, StdResult, Storage};

use crate::answer::{Access, Dossier, QueryAnswer, Rights, TransferApproval};
use crate::approval::{granted, Approvals, Right};
use crate::mint_run::Minted;
use crate::msg::QueryMsg;
use crate::state::{
    self, Contract, Inventory, Token, ADMIN, ALL, EVERYONE, HISTORY, MINTERS, OWNED, RECEIVERS,
    ROYALTIES,
};
use snip::expiration::Expiration;

/// Tokens on a page, if the query does not say.
const LIMIT: u32 = 30;
/// Most tokens on a page, and in one dossier.
const LIMIT_MAX: u32 = 100;

/// What is said of metadata that nobody may see yet.
const SEALED: &str = "Sealed metadata must be unwrapped by calling Reveal before it can be viewed";

/// Who asks what, when.
pub(super) struct Question<'a> {
    pub(super) deps: Deps<'a>,
    pub(super) block: BlockInfo,
    pub(super) contract: Contract,
    pub(super) viewer: Option<Addr>,
}

impl Question<'_> {
    fn storage(&self) -> &dyn Storage {
        self.deps.storage
    }

    pub(super) fn public(&self, msg: QueryMsg) -> StdResult<QueryAnswer> {
        let contract = &self.contract;
        Ok(match msg {
            QueryMsg::ContractInfo {} => QueryAnswer::ContractInfo {
                name: contract.name.clone(),
                symbol: contract.symbol.clone(),
            },
            QueryMsg::ContractConfig {} => QueryAnswer::ContractConfig {
                token_supply_is_public: contract.public_token_supply,
                owner_is_public: contract.public_owner,
                sealed_metadata_is_enabled: contract.sealed_metadata,
                unwrapped_metadata_is_private: contract.unwrapped_is_private,
                minter_may_update_metadata: contract.minter_may_update_metadata,
                owner_may_update_metadata: contract.owner_may_update_metadata,
                burn_is_enabled: contract.enable_burn,
                implements_non_transferable_tokens: true,
                implements_token_subtype: true,
            },
            QueryMsg::ContractCreator {} => QueryAnswer::ContractCreator {
                creator: contract.creator.clone(),
            },
            QueryMsg::Minters {} => QueryAnswer::Minters {
                minters: MINTERS.load(self.storage())?,
            },
            QueryMsg::RegisteredCodeHash { contract } => {
                let contract = self.deps.api.addr_validate(&contract)?;
                let receiver = RECEIVERS.get(self.storage(), &[contract.as_bytes()])?;
                QueryAnswer::RegisteredCodeHash {
                    also_implements_batch_receive_nft: receiver
                        .as_ref()
                        .is_some_and(|r| r.also_implements_batch_receive_nft),
                    code_hash: receiver.map(|receiver| receiver.code_hash),
                }
            }
            QueryMsg::ImplementsNonTransferableTokens {} => {
                QueryAnswer::ImplementsNonTransferableTokens { is_enabled: true }
            }
            QueryMsg::ImplementsTokenSubtype {} => {
                QueryAnswer::ImplementsTokenSubtype { is_enabled: true }
            }
            // Where nobody may list tokens, one that is not there looks as most others do.
            QueryMsg::IsTransferable { token_id } => QueryAnswer::IsTransferable {
                token_is_transferable: self.token(&token_id)?.is_none_or(|t| t.transferable),
            },
            QueryMsg::IsUnwrapped { token_id } => {
                let token = self.token(&token_id)?;
                let by_default = !contract.sealed_metadata;
                QueryAnswer::IsUnwrapped {
                    token_is_unwrapped: token.map_or(by_default, |token| token.unwrapped),
                }
            }
            QueryMsg::NftInfo { token_id } => {
                let token = self.token(&token_id)?;
                let metadata = token.and_then(|token| token.public_metadata);
                QueryAnswer::NftInfo(metadata.unwrap_or_default())
            }
            _ => return Err(StdError::generic_err("This query needs a viewer")),
        })
    }

    /// The token. That there is none everybody is told only where everybody may list the tokens.
    fn token(&self, id: &str) -> StdResult<Option<Token>> {
        let token = state::token(self.storage(), id)?;
        if token.is_none() && self.contract.public_token_supply {
            let why = format!("Token ID: {id} not found");
            return Err(StdError::generic_err(why));
        }
        Ok(token)
    }

    /// The token, for its owner.
    fn own_token(&self, id: &str) -> StdResult<Token> {
        let token = self.token(id)?.filter(|token| self.is_owner(token));
        token.ok_or_else(|| not_authorized("perform this action on", id))
    }

    fn inventory(&self, token: &Token) -> StdResult<Inventory> {
        state::inventory(self.storage(), &token.owner)
    }

    fn is_owner(&self, token: &Token) -> bool {
        self.viewer.as_ref() == Some(&token.owner)
    }

    /// Until when everybody has a right, for a token (or for all, without one).
    fn everybody(
        &self,
        token: &Approvals,
        inventory: &Inventory,
        right: Right,
    ) -> Option<Expiration> {
        let by_default =
            right == Right::ViewOwner && self.contract.public_owner && !inventory.is_private;
        let granted = granted(token, &inventory.approvals, None, right, &self.block);
        granted.or(by_default.then_some(Expiration::Never))
    }

    /// Whether who asks has a right.
    fn may(&self, token: &Token, right: Right) -> StdResult<bool> {
        let inventory = self.inventory(token)?;
        let viewer = self.viewer.as_ref();
        let by_name = viewer.is_some()
            && granted(
                &token.approvals,
                &inventory.approvals,
                viewer,
                right,
                &self.block,
            )
            .is_some();
        let by_all = self
            .everybody(&token.approvals, &inventory, right)
            .is_some();
        Ok(self.is_owner(token) || by_name || by_all)
    }

    pub(super) fn num_tokens(&self) -> StdResult<QueryAnswer> {
        self.check_supply()?;
        let count = ALL.len(self.storage(), EVERYONE)?;
        Ok(QueryAnswer::NumTokens { count })
    }

    pub(super) fn all_tokens(
        &self,
        start_after: Option<String>,
        limit: Option<u32>,
    ) -> StdResult<QueryAnswer> {
        self.check_supply()?;
        let start = match start_after {
            Some(id) => self.token(&id)?.map_or(u32::MAX, |token| token.place + 1),
            None => 0,
        };
        let end = ALL
            .len(self.storage(), EVERYONE)?
            .min(start.saturating_add(limit_of(limit)));
        let at = |position| ALL.at(self.storage(), EVERYONE, position);
        let tokens = (start..end).map(at).collect::<StdResult<_>>()?;
        Ok(QueryAnswer::TokenList { tokens })
    }

    fn check_supply(&self) -> StdResult<()> {
        let viewer = self.viewer.as_ref();
        let storage = self.storage();
        let knows = viewer.is_some_and(|viewer| {
            let is_minter = MINTERS.load(storage).is_ok_and(|m| m.contains(viewer));
            is_minter || ADMIN.load(storage).is_ok_and(|admin| admin == *viewer)
        });
        if self.contract.public_token_supply || knows {
            return Ok(());
        }
        Err(StdError::generic_err(
            "The token supply of this contract is private",
        ))
    }

    pub(super) fn owner_of(
        &self,
        id: &str,
        include_expired: Option<bool>,
    ) -> StdResult<QueryAnswer> {
        let access = self.access(id, include_expired)?;
        let Some(owner) = access.owner else {
            return Err(not_authorized("view the owner of", id));
        };
        Ok(QueryAnswer::OwnerOf {
            owner,
            approvals: access.approvals,
        })
    }

    fn access(&self, id: &str, include_expired: Option<bool>) -> StdResult<Access> {
        let nothing = Access {
            owner: None,
            approvals: vec![],
        };
        let Some(token) = self.token(id)? else {
            return Ok(nothing);
        };
        if !self.may(&token, Right::ViewOwner)? {
            return Ok(nothing);
        }
        let mut approvals = Vec::new();
        if self.is_owner(&token) {
            let inventory = self.inventory(&token)?;
            approvals = self.transfer_approvals(
                &token.approvals,
                &inventory.approvals,
                include_expired.unwrap_or_default(),
            );
        }
        Ok(Access {
            owner: Some(token.owner),
            approvals,
        })
    }

    /// Who may move a token, or all without one.
    fn transfer_approvals(
        &self,
        token: &Approvals,
        all: &Approvals,
        include_expired: bool,
    ) -> Vec<TransferApproval> {
        let rights = self.rights(token, all, include_expired);
        let may_move = |r: Rights| {
            r.transfer_expiration.map(|expires| TransferApproval {
                spender: r.address,
                expires,
            })
        };
        rights.into_iter().filter_map(may_move).collect()
    }

    /// What accounts may see and do, each once: those of the token first.
    fn rights(&self, token: &Approvals, all: &Approvals, include_expired: bool) -> Vec<Rights> {
        let mut block = self.block.clone();
        if include_expired {
            // As it was in the beginning, when nothing was over.
            block.height = 0;
            block.time = cosmwasm_std::Timestamp::from_nanos(0);
        }
        let mut rights: Vec<Rights> = Vec::new();
        for approval in token.0.iter().chain(&all.0) {
            let Some(who) = &approval.who else { continue };
            if rights.iter().any(|known| known.address == *who) {
                continue;
            }
            let until = |right| granted(token, all, Some(who), right, &block);
            let of = Rights {
                address: who.clone(),
                view_owner_expiration: until(Right::ViewOwner),
                view_private_metadata_expiration: until(Right::ViewPrivateMetadata),
                transfer_expiration: until(Right::Transfer),
            };
            let any = [
                of.view_owner_expiration,
                of.view_private_metadata_expiration,
                of.transfer_expiration,
            ];
            if any.iter().any(Option::is_some) {
                rights.push(of);
            }
        }
        rights
    }

    pub(super) fn private_metadata(&self, id: &str) -> StdResult<QueryAnswer> {
        let token = match self.token(id)? {
            Some(token) if self.may(&token, Right::ViewPrivateMetadata)? => token,
            _ => return Err(not_authorized("perform this action on", id)),
        };
        if !token.unwrapped {
            return Err(StdError::generic_err(SEALED));
        }
        Ok(QueryAnswer::PrivateMetadata(
            token.private_metadata.unwrap_or_default(),
        ))
    }

    pub(super) fn all_nft_info(
        &self,
        id: &str,
        include_expired: Option<bool>,
    ) -> StdResult<QueryAnswer> {
        Ok(QueryAnswer::AllNftInfo {
            access: self.access(id, include_expired)?,
            info: self.token(id)?.and_then(|token| token.public_metadata),
        })
    }

    pub(super) fn royalty_info(&self, id: Option<String>) -> StdResult<QueryAnswer> {
        let viewer = self.viewer.as_ref();
        let is_minter = match viewer {
            Some(viewer) => MINTERS.load(self.storage())?.contains(viewer),
            None => false,
        };
        let (royalties, is_owner) = match id {
            Some(id) => match self.token(&id)? {
                Some(token) => (token.royalty_info.clone(), self.is_owner(&token)),
                // Looks as a token that says nothing of it.
                None => (ROYALTIES.load(self.storage())?, false),
            },
            None => (ROYALTIES.load(self.storage())?, false),
        };
        Ok(QueryAnswer::RoyaltyInfo {
            royalty_info: royalties.map(|r| r.display(is_minter || is_owner)),
        })
    }

    pub(super) fn nft_dossier(
        &self,
        id: &str,
        include_expired: Option<bool>,
    ) -> StdResult<QueryAnswer> {
        Ok(QueryAnswer::NftDossier(self.dossier(id, include_expired)?))
    }

    pub(super) fn batch_nft_dossier(
        &self,
        ids: Vec<String>,
        include_expired: Option<bool>,
    ) -> StdResult<QueryAnswer> {
        if ids.len() > LIMIT_MAX as usize {
            let why = format!("Ask for {LIMIT_MAX} tokens at most");
            return Err(StdError::generic_err(why));
        }
        let dossier = |id: String| {
            let dossier = self.dossier(&id, include_expired)?;
            Ok(Dossier {
                token_id: Some(id),
                ..dossier
            })
        };
        Ok(QueryAnswer::BatchNftDossier {
            nft_dossiers: ids.into_iter().map(dossier).collect::<StdResult<_>>()?,
        })
    }

    fn dossier(&self, id: &str, include_expired: Option<bool>) -> StdResult<Dossier> {
        // One that is not there looks as one of which nothing is to be seen.
        let default_royalties = ROYALTIES.load(self.storage())?;
        let token = self.token(id)?.unwrap_or_else(|| Token {
            owner: Addr::unchecked(""),
            position: 0,
            place: 0,
            transferable: true,
            public_metadata: None,
            unwrapped: !self.contract.sealed_metadata,
            private_metadata: None,
            royalty_info: default_royalties,
            minted: Minted {
                by: Addr::unchecked(""),
                at: 0,
                serial: None,
            },
            approvals: Approvals::default(),
        });
        let sees_owner = self.may(&token, Right::ViewOwner)?;
        let sees_private = self.may(&token, Right::ViewPrivateMetadata)?;
        let inventory = self.inventory(&token)?;
        let everybody = |right| self.everybody(&token.approvals, &inventory, right);
        let (public_owner, public_metadata) = (
            everybody(Right::ViewOwner),
            everybody(Right::ViewPrivateMetadata),
        );
        let mut dossier = Dossier {
            token_id: None,
            owner: None,
            public_metadata: token.public_metadata.clone(),
            private_metadata: None,
            display_private_metadata_error: None,
            royalty_info: None,
            mint_run_info: None,
            transferable: token.transferable,
            unwrapped: token.unwrapped,
            owner_is_public: public_owner.is_some(),
            public_ownership_expiration: public_owner,
            private_metadata_is_public: public_metadata.is_some(),
            private_metadata_is_public_expiration: public_metadata,
            token_approvals: None,
            inventory_approvals: None,
        };
        if sees_private && !token.unwrapped {
            dossier.display_private_metadata_error = Some(SEALED.into());
        } else if sees_private {
            dossier.private_metadata = token.private_metadata.clone();
        } else {
            let why = format!("You are not authorized to perform this action on token {id}");
            dossier.display_private_metadata_error = Some(why);
        }
        let royalties = token.royalty_info.clone();
        dossier.royalty_info = royalties.map(|r| r.display(self.is_owner(&token)));
        if self.is_owner(&token) {
            let all = &inventory.approvals;
            let (over, nothing) = (include_expired.unwrap_or_default(), Approvals::default());
            dossier.token_approvals = Some(self.rights(&token.approvals, &nothing, over));
            dossier.inventory_approvals = Some(self.rights(&nothing, all, over));
        }
        let is_known = self.contract.public_token_supply || token.public_metadata.is_some();
        if !token.owner.as_str().is_empty() && (is_known || sees_owner) {
            dossier.mint_run_info = Some(token.minted.info(&self.contract.creator));
        }
        dossier.owner = Some(token.owner).filter(|owner| sees_owner && !owner.as_str().is_empty());
        Ok(dossier)
    }

    pub(super) fn tokens(
        &self,
        owner: &str,
        start_after: Option<String>,
        limit: Option<u32>,
    ) -> StdResult<QueryAnswer> {
        let owner = self.deps.api.addr_validate(owner)?;
        let start = match start_after {
            // Of a token that who asks may not see to be the owner's, the page tells nothing.
            Some(id) => match state::token(self.storage(), &id)? {
                Some(token) if token.owner == owner && self.may(&token, Right::ViewOwner)? => {
                    token.position.saturating_add(1)
                }
                _ => u32::MAX,
            },
            None => 0,
        };
        let tokens = self.visible(&owner, start, limit_of(limit) as usize)?;
        Ok(QueryAnswer::TokenList { tokens })
    }

    pub(super) fn num_tokens_of_owner(&self, owner: &str) -> StdResult<QueryAnswer> {
        let owner = self.deps.api.addr_validate(owner)?;
        let count = if self.viewer.as_ref() == Some(&owner) {
            OWNED.len(self.storage(), owner.as_bytes())?
        } else {
            let count = self.visible(&owner, 0, usize::MAX)?.len();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        Ok(QueryAnswer::NumTokens { count })
    }

    /// At most `limit` tokens of an owner from a position on that who asks may see to be the owner's. The owner sees all without a look
    /// at each.
    fn visible(&self, owner: &Addr, start: u32, limit: usize) -> StdResult<Vec<String>> {
        let end = OWNED.len(self.storage(), owner.as_bytes())?;
        let mut tokens = Vec::new();
        for position in start..end {
            if tokens.len() >= limit {
                break;
            }
            let id = OWNED.at(self.storage(), owner.as_bytes(), position)?;
            let is_visible = self.viewer.as_ref() == Some(owner)
                || match state::token(self.storage(), &id)? {
                    Some(token) => self.may(&token, Right::ViewOwner)?,
                    None => false,
                };
            if is_visible {
                tokens.push(id);
            }
        }
        Ok(tokens)
    }

    pub(super) fn token_approvals(
        &self,
        id: &str,
        include_expired: Option<bool>,
    ) -> StdResult<QueryAnswer> {
        let token = self.own_token(id)?;
        let inventory = self.inventory(&token)?;
        let everybody = |right| self.everybody(&token.approvals, &inventory, right);
        let (owner, metadata) = (
            everybody(Right::ViewOwner),
            everybody(Right::ViewPrivateMetadata),
        );
        let (over, nothing) = (include_expired.unwrap_or_default(), Approvals::default());
        Ok(QueryAnswer::TokenApprovals {
            owner_is_public: owner.is_some(),
            public_ownership_expiration: owner,
            private_metadata_is_public: metadata.is_some(),
            private_metadata_is_public_expiration: metadata,
            token_approvals: self.rights(&token.approvals, &nothing, over),
        })
    }

    pub(super) fn inventory_approvals(
        &self,
        include_expired: Option<bool>,
    ) -> StdResult<QueryAnswer> {
        let inventory = state::inventory(self.storage(), self.asking()?)?;
        let (over, nothing) = (include_expired.unwrap_or_default(), Approvals::default());
        let everybody = |right| self.everybody(&nothing, &inventory, right);
        let (owner, metadata) = (
            everybody(Right::ViewOwner),
            everybody(Right::ViewPrivateMetadata),
        );
        Ok(QueryAnswer::InventoryApprovals {
            owner_is_public: owner.is_some(),
            public_ownership_expiration: owner,
            private_metadata_is_public: metadata.is_some(),
            private_metadata_is_public_expiration: metadata,
            inventory_approvals: self.rights(&nothing, &inventory.approvals, over),
        })
    }

    pub(super) fn approved_for_all(&self, include_expired: Option<bool>) -> StdResult<QueryAnswer> {
        let all = state::inventory(self.storage(), self.asking()?)?.approvals;
        let over = include_expired.unwrap_or_default();
        Ok(QueryAnswer::ApprovedForAll {
            operators: self.transfer_approvals(&Approvals::default(), &all, over),
        })
    }

    pub(super) fn verify_transfer_approval(&self, ids: Vec<String>) -> StdResult<QueryAnswer> {
        for id in ids {
            let token = state::token(self.storage(), &id)?;
            let may = token.map(|token| self.may(&token, Right::Transfer));
            if !may.transpose()?.unwrap_or_default() {
                return Ok(QueryAnswer::VerifyTransferApproval {
                    approved_for_all: false,
                    first_unapproved_token: Some(id),
                });
            }
        }
        Ok(QueryAnswer::VerifyTransferApproval {
            approved_for_all: true,
            first_unapproved_token: None,
        })
    }

    pub(super) fn transaction_history(
        &self,
        page: Option<u32>,
        page_size: Option<u32>,
    ) -> StdResult<QueryAnswer> {
        let account = self.asking()?;
        let (page, size) = (page.unwrap_or_default(), page_size.unwrap_or(LIMIT));
        let (txs, total) = HISTORY.page(self.storage(), account, page, size)?;
        Ok(QueryAnswer::TransactionHistory { total, txs })
    }

    fn asking(&self) -> StdResult<&Addr> {
        let viewer = self.viewer.as_ref();
        viewer.ok_or_else(|| StdError::generic_err("This query needs a viewer"))
    }
}

fn limit_of(limit: Option<u32>) -> u32 {
    limit.unwrap_or(LIMIT).min(LIMIT_MAX)
}

fn not_authorized(what: &str, id: &str) -> StdError {
    StdError::generic_err(format!("You are not authorized to {what} token {id}"))
}
