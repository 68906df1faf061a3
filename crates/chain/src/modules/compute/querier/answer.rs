//! What a contract is told that asked (contract-abi.md 7.12), in the form that the library of its generation decodes.

use crate::error::{Stop, broken};
use crate::modules::compute::limits::QUERY_DEPTH_MAX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use strongroom_vm::Generation;

/// What a contract's request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Answer {
    /// The bytes asked for.
    Ok(Vec<u8>),
    /// The error of the contract or module asked, as text.
    Error(String),
    /// The request could not be answered by anyone.
    System(SystemError),
}

/// Errors of the system, as contracts decode them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum SystemError {
    /// The request does not parse.
    InvalidRequest {
        /// Why.
        error: &'static str,
        /// The request, base64.
        request: String,
    },
    /// A kind that is not answered.
    UnsupportedRequest {
        /// Which.
        kind: String,
    },
    /// Queries nest too deep.
    ExceededRecursionLimit {},
}

/// Errors of the v0.10 library.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StdError {
    GenericErr { msg: String },
    InvalidBase64 { msg: String },
    InvalidUtf8 { msg: String },
    NotFound { kind: String },
    NullPointer {},
    ParseErr { target: String, msg: String },
    SerializeErr { source: String, msg: String },
    Unauthorized {},
    Underflow { minuend: String, subtrahend: String },
}

#[derive(Serialize)]
enum SystemResult<'a, E> {
    Ok(ContractResult<E>),
    Err(&'a SystemError),
}

#[derive(Serialize)]
enum ContractResult<E> {
    Ok(String),
    Err(E),
}

impl Answer {
    /// The bytes for a contract of this generation. The library of v1 wants the inner error as text, that of v0.10 as an
    /// object: what is none becomes a `generic_err` (ADR 2).
    ///
    /// # Errors
    /// A fault if JSON cannot be written.
    pub(in super::super) fn encode(&self, generation: Generation) -> Result<Vec<u8>, Stop> {
        match (self, generation) {
            (Self::Ok(bytes), _) => json(&SystemResult::<()>::Ok(ContractResult::Ok(
                STANDARD.encode(bytes),
            ))),
            // The library of v1 does not know this system error.
            (Self::System(SystemError::ExceededRecursionLimit {}), Generation::V1) => {
                inner_error(format!(
                    "exceeded_recursion_limit: calls nest {QUERY_DEPTH_MAX} deep at most in queries"
                ))
            }
            (Self::System(error), _) => json(&SystemResult::<()>::Err(error)),
            (Self::Error(text), Generation::V1) => inner_error(text),
            (Self::Error(text), Generation::V010) => inner_error(
                serde_json::from_str(text)
                    .unwrap_or_else(|_| StdError::GenericErr { msg: text.clone() }),
            ),
        }
    }
}

fn inner_error(error: impl Serialize) -> Result<Vec<u8>, Stop> {
    json(&SystemResult::Ok(ContractResult::Err(error)))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Stop> {
    serde_json::to_vec(value).map_err(|e| broken(e).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(answer: &Answer, generation: Generation) -> String {
        String::from_utf8(answer.encode(generation).unwrap()).unwrap()
    }

    #[test]
    fn an_error_is_text_for_v1_and_an_object_for_v010() {
        let object = r#"{"not_found":{"kind":"user"}}"#;
        for (text, v010) in [
            ("it is \"no\"", r#"{"generic_err":{"msg":"it is \"no\""}}"#),
            (object, object),
            (r#"{"unauthorized":{}}"#, r#"{"unauthorized":{}}"#),
            (
                r#"{"underflow":{"minuend":"1","subtrahend":"2"}}"#,
                r#"{"underflow":{"minuend":"1","subtrahend":"2"}}"#,
            ),
            // Nothing that the library of v0.10 could not decode.
            ("{}", r#"{"generic_err":{"msg":"{}"}}"#),
            (
                r#"{"not_found":{"kind":1}}"#,
                r#"{"generic_err":{"msg":"{\"not_found\":{\"kind\":1}}"}}"#,
            ),
            (
                r#"{"unknown_kind":{}}"#,
                r#"{"generic_err":{"msg":"{\"unknown_kind\":{}}"}}"#,
            ),
        ] {
            let answer = Answer::Error(text.to_owned());
            let quoted = serde_json::to_string(text).unwrap();
            assert_eq!(
                told(&answer, Generation::V1),
                format!(r#"{{"Ok":{{"Err":{quoted}}}}}"#)
            );
            assert_eq!(
                told(&answer, Generation::V010),
                format!(r#"{{"Ok":{{"Err":{v010}}}}}"#)
            );
        }
    }

    #[test]
    fn answers_and_errors_of_the_system_are_the_same_for_both_but_one() {
        let unsupported = SystemError::UnsupportedRequest { kind: "gov".into() };
        for generation in Generation::ALL {
            let good = Answer::Ok(b"hi".to_vec());
            assert_eq!(told(&good, generation), r#"{"Ok":{"Ok":"aGk="}}"#);
            assert_eq!(
                told(&Answer::System(unsupported.clone()), generation),
                r#"{"Err":{"unsupported_request":{"kind":"gov"}}}"#
            );
        }
        let deep = Answer::System(SystemError::ExceededRecursionLimit {});
        assert_eq!(
            told(&deep, Generation::V010),
            r#"{"Err":{"exceeded_recursion_limit":{}}}"#
        );
        assert_eq!(
            told(&deep, Generation::V1),
            r#"{"Ok":{"Err":"exceeded_recursion_limit: calls nest 10 deep at most in queries"}}"#
        );
    }
}
