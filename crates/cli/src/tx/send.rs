//! Signs, marks, sends and waits.

use super::pending::{Mark, Pending, View};
use super::{
    Args, Command, GasLimit, Source, contract, dry_run, history, memory, offline, pending, report,
    say_gas, signer, signs,
};
use crate::keyring::Keyring;
use crate::online::block_on;
use crate::output::say;
use crate::output::{Output, headed, plain, table};
use crate::rpc::Client;
use anyhow::{bail, ensure};
use serde_json::json;
use std::time::Duration;
use strongroom_sdk::client::{Author, Error, Estimate, Included, Proven, Simulation};
use strongroom_sdk::keys::Account;
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::proto::Any;
use strongroom_types::public_key::{Multisig, PublicKey};
use strongroom_types::tx::{BROADCAST_LEN_MAX, Tx};
use strongroom_types::{Address, Height, sha256};

/// For how long a block may hold a transaction, unless it is told otherwise: twice what a command waits for it.
const LIFETIME: Duration = Duration::from_secs(120);

/// Who `--from` names.
pub(super) struct Payer {
    key: Key,
    author: Author,
}

enum Key {
    Single(Account),
    Multisig(Multisig),
}

impl Payer {
    fn open(args: &Args, keyring: &Keyring) -> anyhow::Result<Self> {
        let from = keyring.get(super::from(args)?)?;
        let Some(multisig) = &from.entry.multisig else {
            let account = from.open()?;
            let sealing = sealing(args, keyring)?;
            let author = Author::new(account.address(), sealing.as_ref().unwrap_or(&account));
            return Ok(Self {
                key: Key::Single(account),
                author,
            });
        };
        ensure!(
            args.spend.generate_only || args.spend.dry_run,
            "tx.multisig: {} is a multisig: --generate-only prints the transaction, which its members sign (`strongroom tx sign --multisig`)",
            from.name
        );
        let address = PublicKey::Multisig(multisig.clone()).address();
        // Whatever is sealed without a key of a member could be opened by nobody.
        let author = match (sealing(args, keyring)?, &args.command) {
            (Some(sealing), _) => Author::new(address, &sealing),
            (None, Command::Bank(_) | Command::Contract(contract::Command::Store { .. })) => {
                Author::new(address, &Account::from_bytes(&[1; 32])?)
            }
            (None, _) => bail!("tx.sealed_by: --sealed-by names the key that seals for a multisig"),
        };
        Ok(Self {
            key: Key::Multisig(multisig.clone()),
            author,
        })
    }

    /// How much gas a transaction needs: what a node says, else what such calls of this account have used, else what is usual. And what else the node says.
    /// Where it has no time for calls, that is the error of whoever wants to know what they would do.
    async fn estimate(
        &self,
        args: &Args,
        keyring: &Keyring,
        client: &mut Client,
        tx: &TxBuilder,
    ) -> Result<(Source, Option<Simulation>), Error> {
        let ran = match &self.key {
            Key::Single(account) => client.dry_run(account, &self.author, tx).await,
            Key::Multisig(key) => client.dry_run_multisig(key, &self.author, tx).await,
        };
        let usual = match ran {
            Ok(Some(done)) => return Ok((Source::Estimate(done.estimate()), Some(done))),
            Ok(None) => Source::Estimate(Estimate::usual(tx.messages())),
            Err(error) if args.spend.dry_run => return Err(error),
            Err(error) => {
                let usual = Estimate::in_place_of(tx.messages(), &error);
                usual.map(Source::NoTime).ok_or(error)?
            }
        };
        let known = match &self.key {
            Key::Single(account) => memory::known(keyring, client, account, tx.messages()).await,
            Key::Multisig(_) => None,
        };
        Ok((known.map_or(usual, Source::Known), None))
    }
}

/// The key that `--sealed-by` names.
fn sealing(args: &Args, keyring: &Keyring) -> anyhow::Result<Option<Account>> {
    let named = args.spend.sealed_by.as_deref();
    named.map(|name| keyring.get(name)?.open()).transpose()
}

/// Makes the messages and does with them what the command line says.
pub(super) fn messages(
    args: &Args,
    keyring: &Keyring,
    messages: impl AsyncFnOnce(&mut Client, &Author) -> anyhow::Result<Vec<Any>>,
) -> anyhow::Result<()> {
    args.network.require_trust()?;
    let payer = Payer::open(args, keyring)?;
    block_on(async {
        let mut client = args.network.connect().await?;
        let messages = messages(&mut client, &payer.author).await?;
        ensure!(!messages.is_empty(), "tx.empty: there is no message");
        for message in &messages {
            signs(message, payer.author.address())?;
        }
        let chain_id = client.chain_id().await?;
        let memo = args.spend.memo.as_str();
        let mut tx = TxBuilder::new(&chain_id).memo(memo);
        tx = messages.into_iter().fold(tx, TxBuilder::any);
        // Before anything is estimated on the state that it has changed: what was not known to be done, and is, would be said to fail.
        let mut marked = match &payer.key {
            Key::Single(account) if !args.spend.dry_run && !args.spend.generate_only => {
                Some(marked(args, keyring, &mut client, account, &chain_id, &tx).await?)
            }
            _ => None,
        };
        let estimate = match args.spend.gas {
            GasLimit::Given(limit) => {
                tx = tx.gas(limit);
                None
            }
            GasLimit::Auto => {
                let estimate = payer.estimate(args, keyring, &mut client, &tx).await;
                if let (Err(_), Some((pending, effect))) = (&estimate, &mut marked) {
                    // A block may have come since the marks were looked at, and what is done by now fails when it is tried again.
                    resolve(args, &mut client, pending, effect).await?;
                }
                let estimate = estimate?;
                tx = tx.gas(estimate.0.limit());
                Some(estimate)
            }
        };
        if let Some(fees) = &args.spend.fees {
            tx = tx.fees(fees);
        }
        let fee = offline::coins(&tx.fee_coins());
        let source = estimate.as_ref().map(|(source, _)| *source);
        let is_believed = args.network.trusts_node()?;
        say_gas(tx.gas_limit(), source, &fee, is_believed);
        if args.spend.dry_run {
            let (source, done) = match estimate {
                Some(estimate) => estimate,
                None => payer.estimate(args, keyring, &mut client, &tx).await?,
            };
            dry_run(args, source, done.as_ref(), &tx, &fee);
            return Ok(());
        }
        if args.spend.generate_only {
            let tx = tx.timeout_height(args.spend.timeout_height.unwrap_or(0));
            say(offline::print(&tx.without_signer())?);
            return Ok(());
        }
        let (Key::Single(account), Some((mut pending, effect))) = (payer.key, marked) else {
            bail!("tx.multisig: members of a multisig sign apart");
        };
        let timeout_height = match args.spend.timeout_height {
            Some(height) => height,
            None => client.height_in(LIFETIME).await?,
        };
        let position = client.position(&account.address()).await?;
        pending.check(&effect, position.sequence, args.spend.again)?;
        let tx = tx.timeout_height(timeout_height);
        let raw = tx.sign(&account, position.number, position.sequence)?;
        fits(&raw)?;
        let mark = Mark {
            txhash: hex::encode_upper(sha256(&raw)),
            sequence: position.sequence,
            timeout_height,
            effect,
            awaited: !args.spend.no_wait,
            history: history::seen(&mut client).await?,
        };
        pending.mark(mark.clone())?;
        let sent = Sent {
            args,
            keyring,
            owner: Some((account.address(), chain_id)),
            account: Some(account),
            raw,
        };
        // Others may sign for the account while this one waits.
        drop(pending);
        let ended = sent.follow(&mut client).await;
        sent.say_open(&mark.txhash, &ended);
        Ok(ended?)
    })
}

/// The marks of an account whose end is known by now, and the name of what this transaction does: if one of them did it, that is the end of it.
async fn marked(
    args: &Args,
    keyring: &Keyring,
    client: &mut Client,
    account: &Account,
    chain_id: &str,
    tx: &TxBuilder,
) -> anyhow::Result<(Pending, String)> {
    let memo = args.spend.memo.as_str();
    let effect = client.effect(account, tx.messages(), memo).await?;
    let effect = hex::encode(effect);
    let mut pending = Pending::open(keyring, &account.address(), chain_id)?;
    resolve(args, client, &mut pending, &effect).await?;
    Ok((pending, effect))
}

/// Asks how the marked transactions ended; that one of them did this is the end of it.
async fn resolve(
    args: &Args,
    client: &mut Client,
    pending: &mut Pending,
    effect: &str,
) -> anyhow::Result<()> {
    let effect_once = Some(effect).filter(|_| !args.spend.again);
    let is_believed = args.network.trusts_node()?;
    let view = View {
        client,
        is_believed,
    };
    pending.resolve(view, effect_once).await
}

fn fits(raw: &[u8]) -> anyhow::Result<()> {
    ensure!(
        raw.len() <= BROADCAST_LEN_MAX,
        "tx.too_large: the transaction has {} bytes, and nodes take {BROADCAST_LEN_MAX}",
        raw.len()
    );
    Ok(())
}

/// Sends a transaction that is signed already.
pub(super) fn file(args: &Args, keyring: &Keyring, raw: &[u8]) -> anyhow::Result<()> {
    fits(raw)?;
    // Who sent it reads its answers.
    let account = match args.spend.from {
        Some(_) => Some(signer(args, keyring)?),
        None => None,
    };
    block_on(async {
        let mut client = args.network.connect().await?;
        let owner = match signed_by(raw) {
            Some(address) => Some((address, client.chain_id().await?)),
            None => None,
        };
        let sent = Sent {
            args,
            keyring,
            owner,
            account,
            raw: raw.to_vec(),
        };
        let hash = hex::encode_upper(sha256(raw));
        sent.change(|pending| pending.awaited(&hash));
        let ended = sent.follow(&mut client).await;
        sent.say_open(&hash, &ended);
        Ok(ended?)
    })
}

/// The first signer of a transaction.
pub(super) fn signed_by(raw: &[u8]) -> Option<Address> {
    let tx = Tx::decode(raw).ok()?;
    let key = tx.auth_info.signer_infos.first()?.public_key.as_ref()?;
    Some(PublicKey::from_any(key).ok()?.address())
}

/// A transaction that is signed and, where it was signed here, marked.
struct Sent<'s> {
    args: &'s Args,
    keyring: &'s Keyring,
    /// Whose marks are affected, and of which chain.
    owner: Option<(Address, String)>,
    /// Who reads the answer.
    account: Option<Account>,
    raw: Vec<u8>,
}

impl Sent<'_> {
    /// Sends it, and tells its result. From the first byte that leaves, no silence and no nonsense of a node says that nothing was paid: only a
    /// refusal, or a block, ends otherwise than [`Error::Unknown`] or [`Error::NotIncluded`].
    async fn follow(&self, client: &mut Client) -> Result<(), Error> {
        let hash = hex::encode_upper(sha256(&self.raw));
        // Whatever it answers but yes or no: it may have taken it all the same.
        let unknown = |why| Error::Unknown {
            hash: hash.clone(),
            why: Box::new(why),
        };
        let mut rests = 0;
        let checked = client.broadcast_telling(&self.raw, |rest| {
            // Once: who reads along knows then why it takes longer.
            if rests == 0 {
                talk!("{}", waits_for_room(rest));
            }
            rests += 1;
        });
        let checked = checked.await.map_err(unknown)?;
        if let Err(refused) = client.passed(checked) {
            return self.refused(client, &hash, refused).await;
        }
        if self.args.spend.no_wait {
            match self.args.network.output {
                Output::Json => say(json!({ "txhash": hash, "code": 0 })),
                Output::Text => say(&hash),
            }
            return Ok(());
        }
        let included = client.wait(&hash).await?;
        self.done(client, &included).await
    }

    /// A node refuses what a block holds already, too, and one that is not believed may have passed it on.
    async fn refused(&self, client: &mut Client, hash: &str, refused: Error) -> Result<(), Error> {
        match client.transaction(hash).await {
            Ok(_) => {
                let included = client.wait(hash).await?;
                return self.done(client, &included).await;
            }
            Err(Error::NotIncluded { .. }) if self.args.network.trusts_node().unwrap_or(false) => {
                self.change(|pending| pending.forget(hash));
            }
            Err(_) => {}
        }
        Err(refused)
    }

    /// A block holds it, and its result is proven or believed: that is told whatever the node says from here on, and the mark goes after that.
    async fn done(&self, client: &mut Client, included: &Included) -> Result<(), Error> {
        let opened = match &self.account {
            Some(account) => client.open(account, included).await,
            None => included.open(None),
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                talk!(
                    "answers of contracts stay closed for now ({}): `strongroom query tx {} --from KEY` opens them",
                    plain(&error.to_string()),
                    included.hash
                );
                included.open(None)?
            }
        };
        report::print(included, &opened, self.args.network.output);
        if let Some(account) = &self.account {
            // Without it the next call gets what is usual.
            let _ = memory::learn(self.keyring, client, account, included).await;
        }
        if included.proven != Proven::Block && self.args.network.is_heard().unwrap_or(false) {
            self.change(|pending| pending.ended(included));
        }
        match included.succeeded() {
            // With the contract's own words.
            Err(Error::Failed {
                codespace,
                code,
                hash,
                ..
            }) => Err(Error::Failed {
                codespace,
                code,
                log: opened.log,
                hash,
            }),
            done => done.map(|_| ()),
        }
    }

    /// Changes the marks of the account. What cannot be changed stays marked: the next command asks again.
    fn change(&self, change: impl FnOnce(&mut Pending) -> anyhow::Result<()>) {
        let Some((address, chain_id)) = &self.owner else {
            return;
        };
        let changed = Pending::open(self.keyring, address, chain_id);
        if let Err(error) = changed.and_then(|mut pending| change(&mut pending)) {
            talk!("{}", plain(&crate::output::in_one_line(&error)));
        }
    }

    /// Says that a transaction which is marked may still come, or has come, and nobody knows how.
    fn say_open(&self, hash: &str, ended: &Result<(), Error>) {
        let (Err(error), Some((address, chain_id))) = (ended, &self.owner) else {
            return;
        };
        if let Ok(pending) = Pending::open(self.keyring, address, chain_id)
            && let Some(mark) = pending.marks().iter().find(|mark| mark.txhash == hash)
        {
            match held_by(error) {
                Some(height) => mark.say_held(height),
                None => mark.say(),
            }
        }
    }
}

/// What is said while a node has no room for a transaction.
fn waits_for_room(rest: Duration) -> String {
    let seconds = rest.as_secs_f32();
    format!(
        "the node has no room for it now: trying again in {seconds:.1} s, for half a minute at most"
    )
}

/// The block that is proven to hold the transaction, where it is not proven how it ended there.
fn held_by(error: &Error) -> Option<Height> {
    match error {
        Error::Unknown { why, .. } => held_by(why),
        Error::NoResult { height } => Some(*height),
        _ => None,
    }
}

/// The sequence that a transaction has used up.
pub(super) fn sequence(raw: &[u8]) -> Option<u64> {
    let tx = Tx::decode(raw).ok()?;
    Some(tx.auth_info.signer_infos.first()?.sequence)
}

/// Removes a mark on the word of the user.
pub(super) fn forget(keyring: &Keyring, hash: &str) -> anyhow::Result<()> {
    let mut found = false;
    for (address, chain_id) in pending::all(keyring)?.into_values() {
        let mut pending = Pending::open(keyring, &address, &chain_id)?;
        let is_it = |mark: &Mark| mark.txhash.eq_ignore_ascii_case(hash);
        let marked = pending.marks().iter().find(|mark| is_it(mark)).cloned();
        if let Some(mark) = marked {
            pending.forget(&mark.txhash)?;
            talk!("forgotten: {} ({})", mark.words(), mark.txhash);
            found = true;
        }
    }
    ensure!(
        found,
        "tx.unknown: no transaction with this hash is marked: `strongroom tx pending` lists those that are"
    );
    Ok(())
}

/// Asks how all marked transactions of the chain ended; prints those that may still come.
pub(super) fn pending(args: &Args, keyring: &Keyring) -> anyhow::Result<()> {
    // Whoever says that a transaction can come no more has it paid twice.
    args.network.require_trust()?;
    block_on(async {
        let mut left = Vec::new();
        let mut client = args.network.connect().await?;
        let here = client.chain_id().await?;
        let is_believed = args.network.trusts_node()?;
        for (address, chain_id) in pending::all(keyring)?.into_values() {
            if chain_id != here {
                continue;
            }
            let mut pending = Pending::open(keyring, &address, &chain_id)?;
            let view = View {
                client: &mut client,
                is_believed,
            };
            pending.resolve(view, None).await?;
            left.extend(
                pending
                    .marks()
                    .iter()
                    .map(|mark| (address.to_string(), mark.clone())),
            );
        }
        match args.network.output {
            Output::Json => {
                let left = left.iter().map(|(address, mark)| {
                    json!({
                        "address": address,
                        "txhash": mark.txhash,
                        "sequence": mark.sequence.to_string(),
                        "timeout_height": mark.timeout_height.to_string(),
                    })
                });
                say(serde_json::to_string(&left.collect::<Vec<_>>())?);
            }
            Output::Text if left.is_empty() => talk!("no transaction of yours waits for a block"),
            Output::Text => {
                let heading =
                    ["ACCOUNT", "SEQUENCE", "LAST BLOCK", "TRANSACTION"].map(str::to_owned);
                let row = |(address, mark): &(String, Mark)| {
                    let last = match mark.timeout_height {
                        0 => "any".to_owned(),
                        height => height.to_string(),
                    };
                    [
                        address.clone(),
                        mark.sequence.to_string(),
                        last,
                        mark.txhash.clone(),
                    ]
                };
                let rows: Vec<_> = std::iter::once(heading)
                    .chain(left.iter().map(row))
                    .collect();
                say(headed(&table(&rows)).trim_end());
                talk!(
                    "each of these may still get into a block: ask again later, or another node; --forget TRANSACTION takes one off the list"
                );
            }
        }
        Ok(())
    })
}
