//! What execute answers, and what receivers are told.

use cosmwasm_std::{to_binary, to_vec, Binary, Response, StdResult};
use serde::Serialize;

use crate::padding::pad;

/// The usual answer: `{"<variant>":{"status":"success"}}`.
pub fn success(variant: &str) -> Response {
    let answer = format!(r#"{{"{variant}":{{"status":"success"}}}}"#);
    Response::new().set_data(answer.into_bytes())
}

/// An answer that says more.
pub fn answer(answer: &impl Serialize) -> StdResult<Response> {
    Ok(Response::new().set_data(to_binary(answer)?))
}

/// A message to a contract, filled so that its length tells nothing.
pub fn padded_json(message: &impl Serialize) -> StdResult<Binary> {
    Ok(Binary(pad(to_vec(message)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::padding::BLOCK;

    #[test]
    fn success_names_its_message_and_messages_to_contracts_are_filled() {
        let response = success("transfer");
        let data = response.data.unwrap();
        assert_eq!(data.as_slice(), br#"{"transfer":{"status":"success"}}"#);
        let told = padded_json(&[1]).unwrap();
        assert_eq!(
            (&told.as_slice()[..4], told.len()),
            (b"[1] ".as_slice(), BLOCK)
        );
    }
}
