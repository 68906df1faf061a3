//! One question over REST, and what its answer is: one of the route, a refusal in the form of gRPC, or a word of whoever stands before the node.

use super::super::transport::TARGET_BYTES_MAX;
use super::super::{Error, Request, Response, Transport};
use super::{NOT_FOUND, UNIMPLEMENTED};
use serde_json::Value;

/// The codes of gRPC that are errors.
const GRPC_ERRORS: core::ops::RangeInclusive<u64> = 1..=16;
/// Of gRPC: the caller may not. No route that this client asks says so.
const PERMISSION_DENIED: u64 = 7;
/// Of gRPC: what was asked for cannot be.
const INVALID_ARGUMENT: u64 = 3;

/// What was answered.
pub(super) enum Told {
    Done {
        answer: Value,
        /// What came beside it.
        response: Response,
    },
    /// What a gateway of gRPC refuses with.
    Refused { code: u64, text: String },
    /// Nothing that REST says.
    Other { status: u16, quoted: String },
}

impl Told {
    /// Whether there is no such route: gateways have two ways to say it.
    pub(super) fn is_no_route(&self) -> bool {
        match self {
            Self::Refused { code, text } => {
                *code == UNIMPLEMENTED || (*code == NOT_FOUND && text == "Not Found")
            }
            _ => false,
        }
    }

    /// Whether whoever stands before the node does not pass such a path on. What may be over soon (502, 504) does not say that.
    pub(super) const fn is_stopped(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code == PERMISSION_DENIED,
            Self::Other { status, .. } => matches!(*status, 403 | 404 | 405 | 501),
            Self::Done { .. } => false,
        }
    }

    /// Whether it is the route itself that says it.
    pub(super) fn is_of_route(&self) -> bool {
        match self {
            Self::Done { .. } => true,
            Self::Refused { code, .. } => {
                !self.is_no_route() && [NOT_FOUND, INVALID_ARGUMENT].contains(code)
            }
            Self::Other { .. } => false,
        }
    }

    /// The answer to a call.
    pub(super) fn answer(self, method: &str) -> Result<Value, Error> {
        if self.is_no_route() {
            return Err(Error::NoRoute(method.to_owned()));
        }
        match self {
            Self::Done { answer, .. } => Ok(answer),
            Self::Refused { text, .. } => Err(Error::Rpc(text)),
            Self::Other { quoted, .. } => Err(Error::NotRest(quoted)),
        }
    }
}

/// Asks, unless the question is longer than anybody reads.
pub(super) async fn ask(transport: &mut impl Transport, request: Request) -> Result<Told, Error> {
    if request.path.len() > TARGET_BYTES_MAX {
        return Err(Error::TooLong);
    }
    read(transport.exchange(request).await?)
}

fn read(response: Response) -> Result<Told, Error> {
    let json = response.json().filter(Value::is_object);
    let text = json.as_ref().and_then(|json| json["message"].as_str());
    let code = json.as_ref().and_then(|json| json["code"].as_u64());
    let refusal = text.zip(code.filter(|code| GRPC_ERRORS.contains(code)));
    let refusal = refusal.map(|(text, code)| Told::Refused {
        code,
        text: text.to_owned(),
    });
    match (response.status, refusal) {
        (503, _) => Err(response.busy(text.unwrap_or_default())),
        // In the form of gRPC it is the enclave's or a contract's; whoever says when to ask again is neither.
        (429, None) => Err(response.busy("")),
        (429, Some(_)) if response.retry_after.is_some() => {
            Err(response.busy(text.unwrap_or_default()))
        }
        (414 | 431, _) => Err(Error::TooLong),
        (400.., Some(refusal)) => Ok(refusal),
        (status, _) => Ok(match json {
            Some(answer) if (200..=299).contains(&status) => Told::Done { answer, response },
            _ => Told::Other {
                status,
                quoted: response.quoted(),
            },
        }),
    }
}
