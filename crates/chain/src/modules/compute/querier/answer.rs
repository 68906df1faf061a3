//! What a contract is told that asked (contract-abi.md 7.12), in the form that the library of its generation decodes.

use crate::error::{Stop, broken};
use crate::modules::compute::limits::QUERY_DEPTH_MAX;
use crate::modules::compute::state::Library;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What a contract's request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Answer {
    /// The bytes asked for.
    Ok(Vec<u8>),
    /// The error of the contract or module asked, as text.
    Error(String),
    /// The request could not be answered by anyone.
    System(SystemError),
    /// A key of a contract was asked for: there is nothing that one contract may see of another's.
    Raw,
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

/// A result as the secret std spells it.
#[derive(Serialize)]
enum Spelled<T, E> {
    Ok(T),
    Err(E),
}

/// A result as the ordinary std spells it.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Stock<T, E> {
    Ok(T),
    #[serde(rename = "error")]
    Err(E),
}

const RAW: &str = "raw queries are not answered: the data of a contract is its secret";

impl Answer {
    /// The bytes for a contract of this library. That of v1 wants the inner error as text, that of v0.10 as an object: what is none
    /// becomes a `generic_err` (ADR 2); the ordinary one spells it in its own way.
    ///
    /// # Errors
    /// A fault if JSON cannot be written.
    pub(in super::super) fn encode(&self, library: Library) -> Result<Vec<u8>, Stop> {
        match (self, library) {
            (Self::Ok(bytes), _) => good(bytes, library),
            // The libraries of v1 do not know this system error.
            (
                Self::System(SystemError::ExceededRecursionLimit {}),
                Library::V1 | Library::Stock,
            ) => bad(
                &format!(
                    "exceeded_recursion_limit: calls nest {QUERY_DEPTH_MAX} deep at most in queries"
                ),
                library,
            ),
            (Self::System(error), Library::Stock) => json(&Stock::<(), _>::Err(error)),
            (Self::System(error), _) => json(&Spelled::<(), _>::Err(error)),
            (Self::Error(text), _) => bad(text, library),
            // A list without entries, which is how the secret std has it; the ordinary one would take the list for a value.
            (Self::Raw, Library::V010 | Library::V1) => good(b"[]", library),
            (Self::Raw, Library::Stock) => bad(RAW, library),
        }
    }
}

fn good(bytes: &[u8], library: Library) -> Result<Vec<u8>, Stop> {
    let bytes = STANDARD.encode(bytes);
    match library {
        Library::Stock => json(&Stock::<_, ()>::Ok(Stock::<_, ()>::Ok(bytes))),
        Library::V010 | Library::V1 => json(&Spelled::<_, ()>::Ok(Spelled::<_, ()>::Ok(bytes))),
    }
}

fn bad(text: &str, library: Library) -> Result<Vec<u8>, Stop> {
    match library {
        Library::Stock => json(&Stock::<_, ()>::Ok(Stock::<(), _>::Err(text))),
        Library::V1 => json(&Spelled::<_, ()>::Ok(Spelled::<(), _>::Err(text))),
        Library::V010 => {
            let error = serde_json::from_str(text).unwrap_or_else(|_| StdError::GenericErr {
                msg: text.to_owned(),
            });
            json(&Spelled::<_, ()>::Ok(Spelled::<(), _>::Err(error)))
        }
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Stop> {
    serde_json::to_vec(value).map_err(|e| broken(e).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(answer: &Answer, library: Library) -> String {
        String::from_utf8(answer.encode(library).unwrap()).unwrap()
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
                told(&answer, Library::V1),
                format!(r#"{{"Ok":{{"Err":{quoted}}}}}"#)
            );
            assert_eq!(
                told(&answer, Library::V010),
                format!(r#"{{"Ok":{{"Err":{v010}}}}}"#)
            );
        }
    }

    #[test]
    fn answers_and_errors_of_the_system_are_the_same_for_both_but_one() {
        let unsupported = SystemError::UnsupportedRequest { kind: "gov".into() };
        for library in [Library::V010, Library::V1] {
            let good = Answer::Ok(b"hi".to_vec());
            assert_eq!(told(&good, library), r#"{"Ok":{"Ok":"aGk="}}"#);
            assert_eq!(
                told(&Answer::System(unsupported.clone()), library),
                r#"{"Err":{"unsupported_request":{"kind":"gov"}}}"#
            );
        }
        let deep = Answer::System(SystemError::ExceededRecursionLimit {});
        assert_eq!(
            told(&deep, Library::V010),
            r#"{"Err":{"exceeded_recursion_limit":{}}}"#
        );
        assert_eq!(
            told(&deep, Library::V1),
            r#"{"Ok":{"Err":"exceeded_recursion_limit: calls nest 10 deep at most in queries"}}"#
        );
    }

    #[test]
    fn the_ordinary_library_reads_its_own_spelling_and_never_takes_a_raw_answer_for_a_value() {
        let stock = |answer: Answer| told(&answer, Library::Stock);
        assert_eq!(stock(Answer::Ok(b"hi".to_vec())), r#"{"ok":{"ok":"aGk="}}"#);
        assert_eq!(
            stock(Answer::Error("no".into())),
            r#"{"ok":{"error":"no"}}"#
        );
        let kind = "gov".to_owned();
        assert_eq!(
            stock(Answer::System(SystemError::UnsupportedRequest { kind })),
            r#"{"error":{"unsupported_request":{"kind":"gov"}}}"#
        );
        let deep = stock(Answer::System(SystemError::ExceededRecursionLimit {}));
        assert!(deep.starts_with(r#"{"ok":{"error":"exceeded_recursion_limit: "#));
        let raw = stock(Answer::Raw);
        assert!(raw.starts_with(r#"{"ok":{"error":"raw queries are not answered"#));
        assert_eq!(told(&Answer::Raw, Library::V1), r#"{"Ok":{"Ok":"W10="}}"#);
    }
}
