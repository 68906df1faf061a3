//! What a host, and who reads the chain, see of calls and queries: lengths, gas, public texts, and which records are read and written.

use crate::call::{Call, Opener};
use crate::network::gas_used;
use crate::outcome::{Refused, SEALED};
use crate::world::Read;
use strongroom_crypto::TxKey;
use strongroom_types::{ExecTxResult, Gas, Tree, WriteSet};

/// What was seen since a trace began: a step for each block with calls in it, and for each query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) what: String,
    pub(crate) txs: Vec<Seen>,
    /// In the order in which an enclave that remembers nothing asks for them.
    pub(crate) reads: Vec<Read>,
    /// In the order of their keys.
    pub(crate) writes: Vec<Read>,
}

/// A transaction or query.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Bytes of the transaction, or of the sealed question.
    pub(crate) message: usize,
    /// Of a query there is none to see.
    pub(crate) gas: Gas,
    /// Success, or which error, with its text but for what is sealed.
    pub(crate) outcome: String,
    /// Bytes of the answer, or of the sealed part of the error.
    pub(crate) answer: usize,
    pub(crate) events: Vec<SeenEvent>,
    /// Why it did nothing, as its sender reads it: for who wrote the test, and no part of what is compared.
    pub(crate) refused: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SeenEvent {
    pub(crate) kind: String,
    pub(crate) attributes: Vec<(Text, Text)>,
}

/// A text, as who has no key sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Plain(String),
    /// Bytes as they leave.
    Sealed(usize),
    /// Bytes of a text of which some change whenever the same call is sent again: those follow from the transaction, not from the input, and
    /// are not kept.
    Chance(Vec<Option<u8>>),
}

impl Trace {
    pub(crate) fn block(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Marks what differs from the texts of a run with the same inputs in other transactions. Says whether anything is marked.
    pub(crate) fn mark_chance(&mut self, again: &Self) -> bool {
        let mut marked = false;
        for (step, again) in self.steps.iter_mut().zip(&again.steps) {
            let mut again = again.clone();
            let (texts, again) = (step.texts(), again.texts());
            if texts.len() != again.len() {
                continue;
            }
            for (mine, again) in texts.into_iter().zip(again) {
                mine.mark_chance(again);
                marked |= matches!(mine, Text::Chance(_));
            }
        }
        marked
    }

    /// Whether the last step's calls were refused, in their order, and how their sender reads it.
    pub(crate) fn refusals<'r>(&mut self, refused: impl Iterator<Item = Option<&'r Refused>>) {
        let txs = self.steps.last_mut().into_iter();
        for (tx, refused) in txs.flat_map(|step| &mut step.txs).zip(refused) {
            tx.refused = refused.map(ToString::to_string);
        }
    }

    /// Takes over the marks of another run.
    pub(crate) fn take_marks(&mut self, marked: &Self) {
        for (step, marked) in self.steps.iter_mut().zip(&marked.steps) {
            for (mine, marked) in step.texts().into_iter().zip(marked.clone().texts()) {
                mine.take_mark(marked);
            }
        }
    }

    /// Fills in the block that was executed last.
    pub(crate) fn txs(
        &mut self,
        calls: &[Call],
        txs: &[Vec<u8>],
        results: &[ExecTxResult],
        keys: &[Opener],
    ) {
        let Some(step) = self.steps.last_mut() else {
            return;
        };
        let names: Vec<String> = calls.iter().map(Call::name).collect();
        step.what = names.join(", ");
        let all = txs.iter().zip(results).zip(keys);
        step.txs = all
            .map(|((tx, result), opener)| seen(tx, result, opener.key()))
            .collect();
    }

    pub(crate) fn query(
        &mut self,
        what: &str,
        question: usize,
        answer: usize,
        error: Option<String>,
        reads: Vec<Read>,
    ) {
        let (outcome, sealed) = split(error.as_deref().unwrap_or("success"));
        self.steps.push(Step {
            what: what.to_owned(),
            txs: vec![Seen {
                message: question,
                gas: 0,
                outcome,
                answer: answer.max(sealed),
                events: Vec::new(),
                refused: None,
            }],
            reads,
            writes: Vec::new(),
        });
    }
}

impl Text {
    fn mark_chance(&mut self, again: &Self) {
        let Self::Plain(again) = again else { return };
        let known: Vec<Option<u8>> = match self {
            Self::Plain(text) if text != again => text.bytes().map(Some).collect(),
            Self::Chance(known) => known.clone(),
            Self::Plain(_) | Self::Sealed(_) => return,
        };
        if known.len() == again.len() {
            let both = known.into_iter().zip(again.bytes());
            *self = Self::Chance(
                both.map(|(known, again)| known.filter(|byte| *byte == again))
                    .collect(),
            );
        }
    }

    fn take_mark(&mut self, marked: &Self) {
        if let (Self::Plain(text), Self::Chance(known)) = (&*self, marked)
            && text.len() == known.len()
        {
            let both = text.bytes().zip(known);
            *self = Self::Chance(both.map(|(byte, known)| known.map(|_| byte)).collect());
        }
    }
}

impl Step {
    /// Keys and values of all attributes, in order.
    fn texts(&mut self) -> Vec<&mut Text> {
        let events = self.txs.iter_mut().flat_map(|tx| &mut tx.events);
        let attributes = events.flat_map(|event| &mut event.attributes);
        attributes.flat_map(|(key, value)| [key, value]).collect()
    }

    pub(crate) fn new(reads: Vec<Read>, writes: &WriteSet) -> Self {
        let writes = writes.0.iter().map(|((tree, key), value)| Read {
            tree: *tree,
            key: key.clone(),
            bytes: value.as_ref().map(Vec::len),
        });
        Self {
            what: String::new(),
            txs: Vec::new(),
            reads,
            writes: writes.collect(),
        }
    }

    /// The records of contracts, or all others.
    pub(crate) fn of(records: &[Read], contracts: bool) -> Vec<&Read> {
        let of_contract = |read: &&Read| (read.tree == Tree::Contract) == contracts;
        records.iter().filter(of_contract).collect()
    }
}

fn seen(tx: &[u8], result: &ExecTxResult, key: Option<&TxKey>) -> Seen {
    let (text, sealed) = split(&result.log);
    let outcome = if result.code == 0 {
        String::from("success")
    } else {
        format!("{} {}: {text}", result.codespace, result.code)
    };
    let text = |text: &str| match key.and_then(|key| key.open_text(text).ok()) {
        Some(_) => Text::Sealed(text.len()),
        None => Text::Plain(text.to_owned()),
    };
    // The first event is that of the transaction itself: its signature differs with its bytes.
    let events = result
        .events
        .iter()
        .filter(|event| event.kind != "tx")
        .map(|event| SeenEvent {
            kind: event.kind.clone(),
            attributes: event
                .attributes
                .iter()
                .map(|a| (text(&a.key), text(&a.value)))
                .collect(),
        });
    Seen {
        message: tx.len(),
        gas: gas_used(result),
        outcome,
        answer: result.data.len().max(sealed),
        events: events.collect(),
        refused: None,
    }
}

/// A text without its sealed part, and the bytes of that.
fn split(text: &str) -> (String, usize) {
    let Some((before, rest)) = text.split_once(SEALED) else {
        return (text.to_owned(), 0);
    };
    let (sealed, after) = rest.split_at(rest.find(": ").unwrap_or(rest.len()));
    (format!("{before}{SEALED}…{after}"), sealed.len())
}
