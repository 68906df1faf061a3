//! Everybody who sends, beside a network that others decide: each round from where that network stands.
//!
//! Promises: the network's only validator stays the only one; transactions come in an order in which all of them pass the check.

use super::contracts::Language;
use super::txs::{Scene, uscrt};
use super::{BLOCK_GAS, Run};
use crate::chain::Chain;
use crate::replica::Replica;
use crate::user::User;
use serde_json::Value;
use strongroom_chain::BlockOutcome;
use strongroom_types::proto::cosmos::crypto::secp256k1::PubKey;
use strongroom_types::proto::cosmos::tx::signing::v1beta1::SignMode;
use strongroom_types::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use strongroom_types::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody};
use strongroom_types::proto::secret::compute::v1beta1::MsgExecuteContract;
use strongroom_types::proto::{Any, Message as _, pack};
use strongroom_types::{Address, DecidedBlock, Gas, Hash, tx};

/// Accounts that send: [`crate::User::numbered`] from 0 on. The first is the authority.
pub const SENDERS: usize = 8;

/// See the module.
pub struct Crowd(Run);

impl Crowd {
    /// The crowd of a new chain with [`SENDERS`] further accounts. Its contracts are made on `chain`; the network that it will send to has
    /// the same genesis, and gets the transactions of these blocks first. [`Crowd::follow`] begins with that network's first block.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn beside(chain: &mut Chain) -> Self {
        let mut run = Run::on(chain);
        run.replica = Replica::at_genesis(chain);
        run.alone = true;
        Self(run)
    }

    /// Executes a block of the network: what came of it here, and the app hash after it.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn follow(&mut self, block: &DecidedBlock) -> (BlockOutcome, Hash) {
        let run = &mut self.0;
        run.head = run.replica.info(block);
        let outcome = run.replica.execute(block);
        run.replica.keep(&outcome);
        (outcome, run.replica.world().app_hash())
    }

    /// Whatever they send now, of which every transaction passes the check after the ones before it.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn anything(&mut self) -> Vec<Vec<u8>> {
        self.look();
        self.0.checked(Scene::Anything)
    }

    /// A message of a sender to the contract `probe`.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn to_probe(&mut self, sender: usize, message: &Value) -> Any {
        let sender = self.address(sender).as_bytes().to_vec();
        let Run { known, rng, .. } = &mut self.0;
        let mut all = known.callees.iter();
        let probe = all.find(|callee| callee.language == Language::Probe);
        let probe = probe.expect("a probe");
        let message = message.to_string();
        pack(&MsgExecuteContract {
            sender,
            contract: probe.address.as_bytes().to_vec(),
            msg: known.seal_well(rng, &probe.code_hash, message.as_bytes()),
            ..MsgExecuteContract::default()
        })
    }

    /// Takes sequences, contracts and nodes from the state.
    pub fn look(&mut self) {
        let run = &mut self.0;
        let known = &mut run.known;
        run.replica.read(&run.head, |ctx| known.look(ctx));
        let standing = run.standing();
        for sender in &mut run.senders {
            sender.sequence = standing.sequences[&sender.address];
        }
    }

    /// The address of a sender.
    #[must_use]
    pub fn address(&self, sender: usize) -> &Address {
        &self.0.senders[sender].address
    }

    /// A transaction with just these messages, the next one of a sender; another may pay for it with an allowance.
    ///
    /// # Panics
    /// For gas above that of a block.
    pub fn sign(
        &mut self,
        sender: usize,
        messages: Vec<Any>,
        gas: Gas,
        granter: Option<usize>,
    ) -> Vec<u8> {
        assert!(gas <= BLOCK_GAS);
        let granter = granter.map(|n| self.address(n).to_string());
        let chain_id = self.0.head.chain_id.clone();
        let account = User::numbered(sender);
        let account = account.account();
        let sender = &mut self.0.senders[sender];
        let body = TxBody {
            messages,
            ..TxBody::default()
        };
        let key = PubKey {
            key: account.public_key().to_vec(),
        };
        let single = Single {
            mode: SignMode::Direct.into(),
        };
        let signer = SignerInfo {
            public_key: Some(pack(&key)),
            mode_info: Some(ModeInfo {
                sum: Some(Sum::Single(single)),
            }),
            sequence: sender.sequence,
        };
        let fee = Fee {
            amount: uscrt((gas / 10).to_string()),
            gas_limit: gas,
            granter: granter.unwrap_or_default(),
            ..Fee::default()
        };
        let auth = AuthInfo {
            signer_infos: vec![signer],
            fee: Some(fee),
            ..AuthInfo::default()
        };
        let (body, auth) = (body.encode_to_vec(), auth.encode_to_vec());
        let document = tx::sign_bytes_direct(&body, &auth, &chain_id, sender.number);
        let signature = account.sign(&document).expect("a signature");
        sender.sequence += 1;
        tx::encode(body, auth, vec![signature.to_vec()])
    }
}

/// Whether a transaction may say who votes.
pub(super) fn names_validators(tx: &[u8]) -> bool {
    const POA: &[u8] = b"strongroom.poa.";
    tx.windows(POA.len()).any(|part| part == POA)
}
