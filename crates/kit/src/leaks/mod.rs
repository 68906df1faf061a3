//! Leak test: a contract runs twice on inputs that differ only in what is meant to be secret, and everything that a host or the public
//! sees is compared.
//!
//! ```no_run
//! # use serde_json::json;
//! # use strongroom_kit::{Contract, Network, User, leaks};
//! # fn test(net: &Network, token: &Contract, alice: &User, bob: &User) {
//! let transfer = |amount: &str| json!({"transfer": {"recipient": bob.to_string(), "amount": amount}});
//! let found = leaks::between(
//!     net,
//!     |net| drop(net.execute(alice, token, &transfer("1"))),
//!     |net| drop(net.execute(alice, token, &transfer("9"))),
//! );
//! found.assert_none();
//! # }
//! ```
//!
//! Promises: the two runs see the same blocks, times and random, so that each difference comes from the inputs. It shows what it compared:
//! two inputs without a difference are no proof that no others have one. Refuses: runs that do not make the same number of calls, blocks
//! and queries, which are two tests and not one.
//!
//! What it cannot see: time. Instructions that gas takes for equal may take longer on some values (docs/security.md).

mod compare;
pub(crate) mod trace;

use crate::network::Network;
use std::collections::BTreeSet;
use std::fmt;
use trace::Trace;

/// What tells two inputs apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// The length of the sealed message.
    MessageLength,
    /// The gas that was used.
    Gas,
    /// Success or failure, or which failure.
    Outcome,
    /// The length of the sealed answer or error.
    AnswerLength,
    /// Which contracts and modules were called, or how often.
    SubMessages,
    /// Number, kinds, or sealed lengths of events and attributes.
    EventShape,
    /// A text of an event that everybody reads.
    EventText,
    /// How many records of contracts were read.
    ReadCount,
    /// How long they are.
    ReadSize,
    /// How many were written.
    WriteCount,
    /// How long they are.
    WriteSize,
    /// Which records were read or written, or in which order.
    StorageKeys,
    /// What was read or written of the public state: accounts, balances, contracts.
    PublicState,
}

impl Kind {
    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::MessageLength => {
                "pad the message before it is sealed, e.g. with a field `padding`"
            }
            Self::Gas => "level it with a gas target (SNIP-50), or take the same way for both",
            Self::Outcome => {
                "whether a call succeeds is public: answer with a status inside of the sealed data instead"
            }
            Self::AnswerLength => {
                "answer with JSON, which the chain pads to a few lengths, and pad it yourself where it is longer"
            }
            Self::SubMessages => "send the same messages in both cases, e.g. one of no effect",
            Self::EventShape => "emit the same attributes in both cases, padded to one length",
            Self::EventText => "seal the attribute: add_attribute, not add_attribute_plaintext",
            Self::ReadCount | Self::WriteCount => "read and write as often in both cases",
            Self::ReadSize | Self::WriteSize => {
                "keep values of one length: the chain rounds lengths up, which hides small differences only"
            }
            Self::StorageKeys => {
                "a host sees which records a call touches, though not what they are: touch the same ones, or decoys"
            }
            Self::PublicState => {
                "coins and contracts are public: what they do must not depend on the secret"
            }
        }
    }
}

/// A difference that a host or the public sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Which call or query, counted from 1, and what it was.
    pub step: String,
    /// What tells the two apart.
    pub kind: Kind,
    /// What was seen in the first run.
    pub one: String,
    /// What was seen in the second.
    pub other: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            step,
            kind,
            one,
            other,
        } = self;
        write!(
            f,
            "{step}: {kind:?}: {one} | {other}\n    {}",
            kind.advice()
        )
    }
}

/// Everything that told two runs apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaks(Vec<Leak>);

/// Runs both on clones of `start` and compares what can be seen. The first runs a second time, in other transactions: a text that differs
/// between these two, such as the id of a notification (SNIP-52), is compared by its length alone.
///
/// # Panics
/// If the runs do not make the same number of blocks with calls, and of queries.
#[must_use]
#[track_caller]
pub fn between(start: &Network, one: impl Fn(&mut Network), other: impl Fn(&mut Network)) -> Leaks {
    let (mut first, mut second) = (seen(start, 0, &one), seen(start, 0, &other));
    assert!(
        first.steps.len() == second.steps.len(),
        "the first run made {} blocks and queries, the second {}: a leak test compares the same calls with other inputs",
        first.steps.len(),
        second.steps.len()
    );
    first.mark_chance(&seen(start, AGAIN, &one));
    second.take_marks(&first);
    Leaks(compare::all(&first, &second))
}

/// So many messages further the nonces of a third run are: it sends no transaction of the other two again.
const AGAIN: u64 = 1 << 32;

fn seen(start: &Network, skipped: u64, run: &dyn Fn(&mut Network)) -> Trace {
    let mut net = start.clone();
    net.skip_nonces(skipped);
    net.trace = Some(Trace::default());
    run(&mut net);
    net.trace.unwrap_or_default()
}

impl Leaks {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Leak> {
        self.0.iter()
    }

    /// Their kinds.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.0.iter().map(|leak| leak.kind).collect()
    }

    /// Nothing tells the two runs apart.
    ///
    /// # Panics
    /// With all leaks, if something does.
    #[track_caller]
    pub fn assert_none(&self) {
        self.assert_only(&[]);
    }

    /// Nothing but what is known tells the two apart, and all of that does: each known leak with the reason why it stays.
    ///
    /// # Panics
    /// With all leaks that are not known, and all known ones that are no more.
    #[track_caller]
    pub fn assert_only(&self, known: &[(Kind, &str)]) {
        let is_known = |kind: Kind| known.iter().any(|(known, _)| *known == kind);
        let new = self
            .0
            .iter()
            .filter(|leak| !is_known(leak.kind))
            .map(ToString::to_string);
        let found = self.kinds();
        let gone = known.iter().filter(|(kind, _)| !found.contains(kind));
        let gone =
            gone.map(|(kind, why)| format!("known, and not there any more: {kind:?} ({why})"));
        let wrong: Vec<String> = new.chain(gone).map(|line| format!("  {line}")).collect();
        assert!(
            wrong.is_empty(),
            "what is secret can be told from outside:\n{}",
            wrong.join("\n")
        );
    }
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|leak| writeln!(f, "{leak}"))
    }
}
