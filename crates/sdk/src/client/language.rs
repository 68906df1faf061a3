//! The two languages of a node: JSON-RPC and REST. Which of them is spoken behind an address, the first question finds out.

use super::rest::{Rest, is_refused_by_route};
use super::{Error, Transport, rpc};
use serde_json::{Value, json};

/// What a node speaks.
pub(super) enum Language {
    /// Nothing was asked yet, or what was answered is neither.
    Unknown,
    Rpc,
    Rest(Box<Rest>),
}

impl Language {
    /// Calls a method of CometBFT's RPC; gives its `result`, over REST too.
    pub(super) async fn call(
        &mut self,
        transport: &mut impl Transport,
        method: &str,
        params: &Value,
    ) -> Result<Value, Error> {
        if let Self::Rest(rest) = self {
            return rest.call(transport, method, params).await;
        }
        let answer = rpc::call(transport, method, params).await;
        if matches!(self, Self::Unknown) {
            match &answer {
                Ok(_) | Err(Error::Rpc(_)) => *self = Self::Rpc,
                Err(Error::NotRpc(_)) => {
                    if let Some(mut rest) = Rest::find(transport).await? {
                        let answer = rest.call(transport, method, params).await;
                        *self = Self::Rest(Box::new(rest));
                        return answer;
                    }
                }
                Err(_) => {}
            }
        }
        answer
    }

    /// Finds out what is spoken, if nothing was asked yet: what has an effect is said once, in one language.
    pub(super) async fn find(&mut self, transport: &mut impl Transport) -> Result<(), Error> {
        if matches!(self, Self::Unknown) {
            let told = self.call(transport, "health", &json!({})).await;
            if matches!(self, Self::Unknown) {
                told?;
            }
        }
        Ok(())
    }

    /// Whether it is the RPC.
    pub(super) const fn is_rpc(&self) -> bool {
        matches!(self, Self::Rpc)
    }

    /// Asks by a route of its own what REST has refused as a query of CometBFT's; `None` if that is not how it was, or there is no such route.
    pub(super) async fn by_own_route(
        &self,
        transport: &mut impl Transport,
        (path, data): (&str, &[u8]),
        error: &Error,
    ) -> Option<Result<Value, Error>> {
        match self {
            Self::Rest(_) if is_refused_by_route(error) => {
                Rest::standard(transport, path, data).await
            }
            _ => None,
        }
    }
}

/// Parameters of a query of the chain.
pub(super) fn query_params(path: &str, data: &[u8]) -> Value {
    json!({ "path": path, "data": hex::encode(data) })
}
