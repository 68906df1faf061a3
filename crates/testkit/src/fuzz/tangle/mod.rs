//! Blocks whose transactions stand on each other: code that is uploaded, made into contracts, called and given other code within one block;
//! lists whose ranges others write into; keys that come and go; coins and allowances that somebody before has spent; gas that ends in the
//! middle of the block. Whoever sends it sends much of it, and so do those whose turn is before and after.

mod messages;

use super::rng::Rng;
use super::sender::Sender;
use crate::call::Contract;
use crate::chain::Chain;
use crate::genesis::{ACCOUNT_BALANCE, Options};
use crate::replica::{Replica, Sealed};
use crate::user::User;
use crate::wasm::contract;
use serde_json::json;
use strongroom_chain::genesis::DENOM;
use strongroom_chain::modules::compute::state::{CODES, CONTRACTS, LAST_CODE_ID, LAST_INSTANCE_ID};
use strongroom_chain::{BlockInfo, BlockOutcome};
use strongroom_sdk::message::Sealer;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::crypto::secp256k1::PubKey;
use strongroom_types::proto::cosmos::tx::signing::v1beta1::SignMode;
use strongroom_types::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use strongroom_types::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody};
use strongroom_types::proto::{Any, Message, pack};
use strongroom_types::{Gas, Hash, RawTx, tx};

/// Those who send.
const SENDERS: usize = 24;
/// Gas of a block: some end there.
const BLOCK_GAS: Gas = 12_000_000;
/// Contracts of theirs that are called, and codes that are used, the newest.
const CONTRACTS_MAX: usize = 12;
const CODES_MAX: usize = 6;
/// Numbers of the list.
const NOTES: usize = 120;

/// See the module.
pub(super) struct Tangle {
    rng: Rng,
    replica: Replica<Sealed>,
    head: BlockInfo,
    senders: Vec<Sender>,
    sealer: Sealer,
    stock: Contract,
    probe: Contract,
    /// Puppets, with what is hoped for in the running block.
    contracts: Vec<Contract>,
    codes: Vec<(u64, Hash)>,
    /// Numbers that code and contract get next.
    next_code: u64,
    next_contract: u64,
}

impl Tangle {
    pub(super) fn new(seed: u64) -> Self {
        let mut chain = Chain::with(Options {
            seed,
            accounts: SENDERS,
            block_gas: Some(BLOCK_GAS),
            gas: BLOCK_GAS / 2,
            ..Options::default()
        });
        let owner = chain.user("a");
        let mut make = |name: &str| {
            let code = chain.store_code(&owner, contract(name)).expect("a code");
            let made = chain.instantiate(&owner, &code, name, &json!({}));
            made.expect("a contract")
        };
        let (stock, probe) = (make("stock"), make("probe"));
        let senders = (0..SENDERS).map(|n| Sender::of(&chain, User::numbered(n)));
        let senders = senders.collect();
        let mut tangle = Self {
            rng: Rng(seed),
            replica: Replica::of(&chain),
            head: super::head_of(&chain),
            senders,
            sealer: Sealer::new([7; 32], *chain.network_key()),
            stock,
            probe,
            contracts: Vec::new(),
            codes: Vec::new(),
            next_code: 0,
            next_contract: 0,
        };
        tangle.look();
        tangle
    }

    pub(super) const fn replica(&self) -> &Replica<Sealed> {
        &self.replica
    }

    pub(super) fn next_head(&mut self) -> BlockInfo {
        super::head_after(&self.head, 1, &mut self.rng)
    }

    /// Takes over what a block gave.
    pub(super) fn keep(&mut self, head: BlockInfo, outcome: &BlockOutcome) {
        self.replica.keep(outcome);
        self.head = head;
        self.look();
    }

    /// Takes from the state what there is.
    fn look(&mut self) {
        let Self {
            senders,
            contracts,
            codes,
            replica,
            ..
        } = self;
        let next = replica.read(&self.head, |ctx| {
            senders.iter_mut().for_each(|sender| sender.look(ctx));
            contracts.retain_mut(|contract| {
                let record = CONTRACTS.get(ctx, &contract.address).expect("readable");
                let code = record.map(|record| record.into_contract().code_id);
                let code = code.and_then(|id| CODES.get(ctx, &id).expect("readable"));
                let hash = code.map(|code| code.into_code().hash);
                hash.map(|hash| contract.code_hash = hash).is_some()
            });
            codes.retain(|(id, hash)| {
                let code = CODES.get(ctx, id).expect("readable");
                code.is_some_and(|code| code.into_code().hash == *hash)
            });
            let mut number = |item: strongroom_chain::collections::Item<u64>| {
                item.get(ctx).expect("readable").unwrap_or(0) + 1
            };
            (number(LAST_CODE_ID), number(LAST_INSTANCE_ID))
        });
        (self.next_code, self.next_contract) = next;
        let too_many = self.contracts.len().saturating_sub(CONTRACTS_MAX);
        self.contracts.drain(..too_many);
        let too_many = self.codes.len().saturating_sub(CODES_MAX);
        self.codes.drain(..too_many);
    }

    /// The transactions of the next block, which nobody has checked.
    pub(super) fn txs(&mut self) -> Vec<RawTx> {
        let count = self.rng.pick(&[6, 20, 50, 100]);
        let few = self.rng.pick(&[1, 3, 8, SENDERS]);
        let mut txs: Vec<Vec<u8>> = Vec::new();
        for _ in 0..count {
            let from = self.rng.below(few);
            let tx = self.tx(from);
            if self.rng.once_in(20) {
                txs.push(tx.clone());
            }
            txs.push(tx);
        }
        RawTx::list(txs)
    }

    fn tx(&mut self, from: usize) -> Vec<u8> {
        let mut messages = Vec::new();
        let mut gas = 0;
        let several = if self.rng.once_in(6) { 3 } else { 1 };
        for _ in 0..several {
            let (message, its) = self.message(from);
            messages.push(message);
            gas += its;
        }
        let gas = match self.rng.below(9) {
            0 => self.rng.below(60_000) as Gas,
            1 => 30_000 + self.rng.below(100_000) as Gas,
            2 => BLOCK_GAS / 4,
            _ => gas,
        };
        self.sign(from, messages, gas)
    }

    fn address(&self, sender: usize) -> String {
        self.senders[sender].user.address().to_string()
    }

    /// One of the first.
    fn one_of(&mut self, first: usize) -> String {
        let sender = self.rng.below(first);
        self.address(sender)
    }

    fn seal(&mut self, code_hash: &Hash, plain: &[u8]) -> Vec<u8> {
        let mut nonce = Hash::default();
        nonce[..8].copy_from_slice(&self.rng.next().to_be_bytes());
        let sealed = self.sealer.seal_with(&nonce, code_hash, plain);
        sealed.expect("a network key").wire
    }

    fn sign(&mut self, from: usize, messages: Vec<Any>, gas: Gas) -> Vec<u8> {
        let granter = match self.rng.once_in(10) {
            true => self.one_of(4),
            false => String::new(),
        };
        let wrong = self.rng.once_in(18);
        let amount = match self.rng.below(40) {
            // Almost all that somebody had.
            0 => (ACCOUNT_BALANCE / 10 * 7).to_string(),
            _ => (gas / 50 + 1).to_string(),
        };
        let sender = &mut self.senders[from];
        let sequence = sender.sequence + u64::from(wrong);
        sender.sequence += u64::from(!wrong);
        let account = sender.user.account();
        let single = Single {
            mode: SignMode::Direct.into(),
        };
        let body = TxBody {
            messages,
            ..TxBody::default()
        };
        let auth = AuthInfo {
            signer_infos: vec![SignerInfo {
                public_key: Some(pack(&PubKey {
                    key: account.public_key().to_vec(),
                })),
                mode_info: Some(ModeInfo {
                    sum: Some(Sum::Single(single)),
                }),
                sequence,
            }],
            fee: Some(Fee {
                amount: vec![Coin {
                    denom: DENOM.to_owned(),
                    amount,
                }],
                gas_limit: gas,
                granter,
                ..Fee::default()
            }),
            ..AuthInfo::default()
        };
        let (body, auth) = (body.encode_to_vec(), auth.encode_to_vec());
        let document = tx::sign_bytes_direct(&body, &auth, &self.head.chain_id, sender.number);
        let signature = account.sign(&document).expect("a signature");
        tx::encode(body, auth, vec![signature.to_vec()])
    }
}
