//! Blocks of many senders who have as much in common as one likes: nothing, one account, one contract, or anything between.

use super::rng::Rng;
use super::sender::Sender;
use crate::call::Contract;
use crate::chain::Chain;
use crate::genesis::Options;
use crate::replica::{Replica, Sealed};
use crate::user::User;
use crate::wasm::contract;
use serde_json::json;
use strongroom_chain::genesis::DENOM;
use strongroom_chain::{BlockInfo, BlockOutcome};
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::{Any, pack};
use strongroom_types::{Gas, RawTx};

/// Counters, of which each has one number.
const COUNTERS: usize = 8;
/// Gas limits.
const SEND_GAS: Gas = 30_000;
const CALL_GAS: Gas = 400_000;

/// How much the transactions of a block have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contention {
    /// Each sends to somebody of his own, or to the token what changes only what is his.
    None,
    /// Accounts and contracts out of a few.
    Some(usize),
    /// All pay one account, or move tokens of one contract, whose history numbers what happens.
    Full,
}

/// See the module.
pub struct Market {
    chain: Chain,
    rng: Rng,
    replica: Replica<Sealed>,
    head: BlockInfo,
    senders: Vec<Sender>,
    token: Contract,
    counters: Vec<Contract>,
}

impl Market {
    /// A new market of so many who send, and as many who only receive.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn new(seed: u64, senders: usize) -> Self {
        let mut chain = Chain::with(Options {
            seed,
            accounts: 2 * senders,
            ..Options::default()
        });
        let owner = chain.user("a");
        let users: Vec<User> = (0..senders).map(User::numbered).collect();
        let mut store = |name| chain.store_code(&owner, contract(name)).expect("a code");
        let (token, counter) = (store("token"), store("counter"));
        let balances = users.iter().map(|user| {
            let address = user.address().to_string();
            json!({"address": address, "amount": "1000000"})
        });
        let begin = json!({
            "name": "Market token",
            "symbol": "MARKET",
            "decimals": 6,
            "prng_seed": "c2VlZA==",
            "initial_balances": balances.collect::<Vec<_>>(),
        });
        let token = chain.instantiate(&owner, &token, "token", &begin);
        let counters = (0..COUNTERS).map(|n| {
            let begin = json!({"count": n});
            let made = chain.instantiate(&owner, &counter, &format!("counter {n}"), &begin);
            made.expect("a counter")
        });
        let counters = counters.collect();
        let senders = users.into_iter().map(|user| Sender::of(&chain, user));
        let senders = senders.collect();
        let head = super::head_of(&chain);
        Self {
            rng: Rng(seed),
            replica: Replica::of(&chain),
            head,
            senders,
            token: token.expect("a token"),
            counters,
            chain,
        }
    }

    pub(super) fn pick(&mut self, n: usize) -> usize {
        self.rng.below(n)
    }

    /// What executes its blocks.
    #[must_use]
    pub const fn replica(&self) -> &Replica<Sealed> {
        &self.replica
    }

    /// The next header.
    pub fn next_head(&mut self) -> BlockInfo {
        super::head_after(&self.head, 1, &mut self.rng)
    }

    /// Takes over what a block gave.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn keep(&mut self, head: BlockInfo, outcome: &BlockOutcome) {
        self.replica.keep(outcome);
        self.head = head;
        let Self {
            senders, replica, ..
        } = self;
        replica.read(&self.head, |ctx| {
            senders.iter_mut().for_each(|sender| sender.look(ctx));
        });
    }

    /// So many transactions of a kind each: sends, or calls of contracts, or both.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn txs(&mut self, contention: Contention, count: usize, calls: Calls) -> Vec<RawTx> {
        let first = self.rng.below(self.senders.len());
        let txs = (first..first + count).map(|n| self.tx(contention, n, calls));
        RawTx::list(txs.collect::<Vec<_>>())
    }

    fn tx(&mut self, contention: Contention, n: usize, calls: Calls) -> Vec<u8> {
        let calls = match calls {
            Calls::None => false,
            Calls::All => true,
            Calls::Some => self.rng.once_in(2),
        };
        let all = self.senders.len();
        let of = n % all;
        let (from, to) = match contention {
            Contention::None => (of, all + of),
            Contention::Full => (of, all),
            Contention::Some(few) => (self.rng.below(all.min(few * 4)), self.rng.below(few)),
        };
        let (message, gas) = match calls {
            true => (self.call(contention, from, to), CALL_GAS),
            false => (self.payment(from, to), SEND_GAS),
        };
        let mut tx = self.chain.tx().gas(gas).any(message);
        // Some end in the middle, some do not begin, some are paid by another sequence than is due.
        let wrong = matches!(contention, Contention::Some(_)) && self.rng.once_in(12);
        let sender = &mut self.senders[from];
        let mut sequence = sender.sequence;
        match wrong.then(|| self.rng.below(4)) {
            Some(0) => tx = tx.gas(self.rng.next() % gas),
            Some(1) => tx = tx.fee(u64::MAX),
            Some(2) => sequence += 1,
            Some(_) => tx = tx.gas(u64::MAX / 2),
            None => {}
        }
        let signed = tx.sign(sender.user.account(), sender.number, sequence);
        sender.sequence += u64::from(!wrong);
        signed.expect("a signature")
    }

    fn payment(&mut self, from: usize, to: usize) -> Any {
        pack(&MsgSend {
            from_address: self.senders[from].user.address().to_string(),
            to_address: User::numbered(to).address().to_string(),
            amount: vec![Coin {
                denom: DENOM.to_owned(),
                amount: (1 + self.rng.below(1_000)).to_string(),
            }],
        })
    }

    fn call(&mut self, contention: Contention, from: usize, to: usize) -> Any {
        let address = User::numbered(to).address().to_string();
        let move_tokens = json!({"transfer": {"recipient": address, "amount": "1"}});
        let own = json!({"set_viewing_key": {"key": format!("key {}", self.rng.next())}});
        let counter = match contention {
            Contention::Some(few) => Some(self.rng.below(few.min(COUNTERS))),
            _ => None,
        };
        let (contract, message) = match (contention, self.rng.below(3)) {
            (Contention::None, _) | (Contention::Some(_), 0) => (&self.token, own),
            (Contention::Full, _) | (Contention::Some(_), 1) => (&self.token, move_tokens),
            _ => {
                let counter = &self.counters[counter.unwrap_or(0)];
                (counter, json!({"increment": {}}))
            }
        };
        let user = self.senders[from].user.clone();
        pack(&self.chain.message(&user, contract, &message).message)
    }
}

/// Which transactions of a block call contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// None: all pay.
    None,
    /// Half of them.
    Some,
    /// All.
    All,
}
