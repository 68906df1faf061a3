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
//!     |net| drop(net.execute(alice, token, &transfer("1")).unwrap()),
//!     |net| drop(net.execute(alice, token, &transfer("9")).unwrap()),
//! );
//! found.assert_none();
//! # }
//! ```
//!
//! Promises: the two runs see the same blocks, times and random, so that each difference comes from the inputs. It shows what it compared:
//! two inputs without a difference are no proof that no others have one. Refuses: runs that do not make the same number of calls, blocks
//! and queries, which are two tests and not one; runs without any; and a call that both runs are refused, which compares two errors where
//! a test means two successes ([`between_refused`] is for who means errors).
//!
//! What it cannot see: time. Instructions that gas takes for equal may take longer on some values (docs/security.md).

mod compare;
pub(crate) mod trace;

use crate::network::Network;
use crate::outcome::plain;
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
    /// Which block with calls, or query, counted from 1.
    pub step: usize,
    /// What it was.
    pub what: String,
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
            what,
            kind,
            one,
            other,
        } = self;
        let (one, other) = (plain(one), plain(other));
        write!(
            f,
            "{step}. {what}: {kind:?}: {one} | {other}\n    {}",
            kind.advice()
        )
    }
}

/// Everything that told two runs apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaks(Vec<Leak>);

/// Runs both on clones of `start` and compares what can be seen. The first runs again, in other transactions: of a text that differs then,
/// such as the id of a notification (SNIP-52), only the bytes that stayed are compared, and its length.
///
/// # Panics
/// If the runs do not make the same number of blocks with calls, and of queries; if they make none; if a call or query is refused in both.
#[must_use]
#[track_caller]
pub fn between(start: &Network, one: impl Fn(&mut Network), other: impl Fn(&mut Network)) -> Leaks {
    compared(start, &one, &other, false)
}

/// The same for calls and queries that may be refused in both runs: what two errors tell.
///
/// # Panics
/// As [`between`], but for what is refused.
#[must_use]
#[track_caller]
pub fn between_refused(
    start: &Network,
    one: impl Fn(&mut Network),
    other: impl Fn(&mut Network),
) -> Leaks {
    compared(start, &one, &other, true)
}

#[track_caller]
fn compared(
    start: &Network,
    one: &dyn Fn(&mut Network),
    other: &dyn Fn(&mut Network),
    may_be_refused: bool,
) -> Leaks {
    let (mut first, mut second) = (seen(start, 0, one), seen(start, 0, other));
    assert!(
        first.steps.len() == second.steps.len(),
        "the first run made {} blocks and queries, the second {}: a leak test compares the same calls with other inputs",
        first.steps.len(),
        second.steps.len()
    );
    assert!(
        !first.steps.is_empty(),
        "a leak test without calls compares nothing"
    );
    if let Some(refused) = refused_in_both(&first, &second).filter(|_| !may_be_refused) {
        panic!("both runs are refused at {refused}\n(leaks::between_refused compares refusals)");
    }
    for time in 1..=AGAIN_TIMES {
        let again = seen(start, AGAIN.saturating_mul(time), one);
        if !first.mark_chance(&again) {
            break;
        }
    }
    second.take_marks(&first);
    Leaks(compare::all(&first, &second))
}

/// So many messages further the nonces of each run again are: it sends no transaction of the others again.
const AGAIN: u64 = 1 << 32;
/// So often the first runs again where chance is seen: a byte of it may be the same once or twice, e.g. one hex digit in sixteen.
const AGAIN_TIMES: u64 = 16;

/// The first call or query that is refused in both: which, and why.
fn refused_in_both(first: &Trace, second: &Trace) -> Option<String> {
    let steps = (1_usize..).zip(first.steps.iter().zip(&second.steps));
    for (number, (one, other)) in steps {
        let both = one.txs.iter().zip(&other.txs);
        let mut refused =
            both.filter_map(|(a, b)| a.refused.as_ref().filter(|_| b.refused.is_some()));
        if let Some(why) = refused.next() {
            return Some(format!("{number}. {}: {why}", one.what));
        }
    }
    None
}

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

    /// Nothing but what is known tells the two apart, and all of that does: each known leak with its step, counted from 1, and the reason
    /// why it stays.
    ///
    /// # Panics
    /// With all leaks that are not known, and all known ones that are no more.
    #[track_caller]
    pub fn assert_only(&self, known: &[(usize, Kind, &str)]) {
        let is = |(step, kind, _): &(usize, Kind, &str), leak: &Leak| {
            *step == leak.step && *kind == leak.kind
        };
        let new = self
            .0
            .iter()
            .filter(|leak| !known.iter().any(|known| is(known, leak)))
            .map(ToString::to_string);
        let gone = known
            .iter()
            .filter(|known| !self.0.iter().any(|leak| is(known, leak)));
        let gone = gone.map(|(step, kind, why)| {
            format!("known, and not there any more: {step}. {kind:?} ({why})")
        });
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
