//! How a command ends when it fails: a line with a stable code on standard error, and an exit status (docs/book/cli.md, "Exit statuses").

use crate::output::{Paint, plain};
use std::process::ExitCode;
use strongroom_sdk::client::Error;
use strongroom_sdk::light;
use strongroom_sdk::net::TlsError;

/// Whatever has no status of its own: bad input, a key or a file that is not as it should be. Nothing was sent.
const OTHER: u8 = 1;
/// Nobody answers, or not in the way of a node.
const NO_NODE: u8 = 3;
/// The chain refused: a query, or a transaction that is in no block, as a node says that is believed. Nothing was paid.
const REFUSED: u8 = 4;
/// The transaction is in a block and failed there. Its fee is paid.
const FAILED: u8 = 5;
/// The transaction is in no block yet, or nobody says, or nothing proves what a node says.
const NOT_INCLUDED: u8 = 6;
/// What the node tells does not follow from what is trusted.
const NOT_PROVEN: u8 = 7;
/// The machine has no room for what a node has to write. A node that runs out of it ends with the same.
const SHORT: u8 = strongroom_store::error::EXIT_SHORT;

/// Tells an error; gives the status.
pub(crate) fn tell(error: &anyhow::Error) -> ExitCode {
    let known = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Error>());
    // Texts of nodes and contracts are in it.
    let name = Paint::Red.on(&std::io::stderr(), "strongroom:");
    talk!("{name} {}", plain(&line(error, known)));
    let unknown = if error.is::<crate::contract::Refused>() {
        REFUSED
    } else if of_store(error).is_some_and(strongroom_store::Error::is_transient) {
        SHORT
    } else {
        OTHER
    };
    ExitCode::from(known.map_or(unknown, status))
}

fn of_store(error: &anyhow::Error) -> Option<&strongroom_store::Error> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// An error in one line, with its code in front.
pub(crate) fn in_one_line(error: &anyhow::Error) -> String {
    line(error, error.chain().find_map(|cause| cause.downcast_ref()))
}

/// The error with its code in front, where it has one.
fn line(error: &anyhow::Error, known: Option<&Error>) -> String {
    let line = crate::output::in_one_line(error);
    if let Some(known) = known {
        return format!("{}: {line}", known.code());
    }
    let texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    match texts.iter().find_map(|text| code_of(text)) {
        Some(code) => format!("{code}: {}", line.replacen(&format!("{code}: "), "", 1)),
        None => line,
    }
}

/// The code that a text begins with: `area.what: text`. That of a store is found behind the words of whoever passed it on, engine and enclave.
fn code_of(text: &str) -> Option<&str> {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let is_code = |text: &&str| {
        text.split_once('.')
            .is_some_and(|(area, what)| is_word(area) && is_word(what))
    };
    let (parts, _) = text.rsplit_once(": ")?;
    let mut parts = parts.split(": ").enumerate();
    let code = parts.find(|(at, part)| is_code(part) && (*at == 0 || part.starts_with("store.")));
    code.map(|(_, code)| code)
}

const fn status(error: &Error) -> u8 {
    match error {
        Error::Tls(TlsError::Plain(_)) => OTHER,
        Error::NoAnswer(_)
        | Error::Tls(_)
        | Error::NotRpc(_)
        | Error::NotRest(_)
        | Error::Busy { .. }
        | Error::Form { .. }
        | Error::OtherVersion { .. }
        | Error::Light(light::Error::Node(_) | light::Error::Form { .. }) => NO_NODE,
        Error::Rpc(_)
        | Error::Query { .. }
        | Error::Contract(_)
        | Error::NoAccount(_)
        | Error::Light(light::Error::TooNew(_))
        | Error::Refused { .. } => REFUSED,
        Error::Failed { .. } => FAILED,
        Error::NotIncluded { .. } | Error::Unknown { .. } => NOT_INCLUDED,
        Error::Light(_) => NOT_PROVEN,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_bridge::message::Failure;
    use strongroom_bridge::{DoorError, FailureCode};
    use strongroom_consensus::AppError;
    use strongroom_node::app::RecoverError;
    use strongroom_node::node::NodeError;

    #[test]
    fn the_code_of_an_error_stands_in_front_wherever_it_comes_from() {
        let shown = |error: anyhow::Error| {
            let known = error.chain().find_map(|e| e.downcast_ref::<Error>());
            line(&error, known)
        };
        let foreign = || anyhow::anyhow!("keyring.foreign: no key file");
        assert_eq!(shown(foreign()), "keyring.foreign: no key file");
        // A file's name is no code, whatever it looks like.
        let named = foreign().context("alice.key");
        assert_eq!(shown(named), "keyring.foreign: alice.key: no key file");
        assert_eq!(
            shown(anyhow::anyhow!("no room").context("a.b")),
            "a.b: no room"
        );
        let short = strongroom_store::Error::Short {
            detail: "no room".to_owned(),
        };
        assert_eq!(
            shown(anyhow::Error::from(NodeError::from(short)).context("home")),
            "store.short: home: state store: the machine is short of room: no room"
        );
        // However a node comes to its end by it.
        let damaged = "store.damaged: the store is damaged: a value is missing";
        let refused = DoorError::Failed(Failure {
            code: FailureCode::Unavailable,
            text: damaged.to_owned(),
            tx: None,
        });
        let ended = anyhow::anyhow!("the engine ended: {}", AppError::new(refused.clone()));
        assert_eq!(
            shown(ended),
            "store.damaged: the engine ended: application: enclave: enclave.unavailable: the store is damaged: a value is missing"
        );
        let started = NodeError::from(RecoverError::from(refused));
        assert_eq!(
            shown(started.into()),
            "store.damaged: enclave: enclave: enclave.unavailable: the store is damaged: a value is missing"
        );
        let silent = anyhow::Error::from(Error::NoAnswer("gone".to_owned()));
        assert_eq!(
            shown(silent.context("http://a:1")),
            "client.no_answer: http://a:1: the node does not answer: gone"
        );
    }

    #[test]
    fn a_node_of_this_version_that_has_no_time_is_no_refusal_in_either_language() {
        use strongroom_chain::query::{GrpcCode, QueryError};
        use strongroom_http::{gate, workers};
        let text = gate::Busy.to_string();
        let busy = |code| QueryError::Status {
            code,
            text: text.clone(),
        };
        for text in [
            text.clone(),
            workers::WorkError::Busy.to_string(),
            busy(GrpcCode::Unavailable).abci().text,
            busy(GrpcCode::ResourceExhausted).abci().text,
        ] {
            let told = strongroom_sdk::client::no_time(&text);
            let why = told.expect("no time").to_owned();
            let error = Error::Busy { why, again: None };
            assert_eq!((status(&error), error.code()), (NO_NODE, "client.busy"));
        }
        let refused = busy(GrpcCode::Unknown).abci().text;
        assert_eq!(strongroom_sdk::client::no_time(&refused), None);
    }

    #[test]
    fn the_statuses_are_those_of_the_book() {
        let text = include_str!("../../../docs/book/cli.md");
        for status in [
            OTHER,
            NO_NODE,
            REFUSED,
            FAILED,
            NOT_INCLUDED,
            NOT_PROVEN,
            SHORT,
        ] {
            assert!(text.contains(&format!("\n| {status} | ")), "{status}");
        }
    }
}
