//! The hash of the code that a contract has now. The library has no question for it, so it is asked as clients ask it: in protobuf.

use cosmwasm_std::{to_vec, Addr, Binary, ContractResult, Empty, QuerierWrapper, QueryRequest};

const PATH: &str = "/secret.compute.v1beta1.Query/CodeHashByContractAddress";
/// Field 1, a text: of the request the address, of the answer the hash in hex.
const FIELD: u8 = 0x0a;

/// The hash, if the chain tells it.
pub fn of(querier: QuerierWrapper, contract: &Addr) -> Option<String> {
    let request = QueryRequest::<Empty>::Stargate {
        path: PATH.into(),
        data: Binary(encode(contract.as_str())?),
    };
    let answer = querier.raw_query(&to_vec(&request).ok()?);
    let ContractResult::Ok(answer) = answer.into_result().ok()? else {
        return None;
    };
    decode(&answer).filter(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn encode(text: &str) -> Option<Vec<u8>> {
    // Addresses are short, so their length is one byte.
    let length = u8::try_from(text.len()).ok().filter(|n| *n < 0x80)?;
    Some([&[FIELD, length], text.as_bytes()].concat())
}

fn decode(message: &[u8]) -> Option<String> {
    let [FIELD, length, text @ ..] = message else {
        return None;
    };
    let text = text
        .get(..usize::from(*length))
        .filter(|t| t.len() == text.len())?;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_one_text_returns_from_its_bytes_and_others_are_none() {
        let hash = "ab".repeat(32);
        let message = encode(&hash).unwrap();
        assert_eq!(message[..4], [0x0a, 64, b'a', b'b']);
        assert_eq!(decode(&message).as_deref(), Some(hash.as_str()));
        for wrong in [
            &message[..65],
            &[message.as_slice(), &[0]].concat(),
            &[],
            &[0x12, 0],
        ] {
            assert_eq!(decode(wrong), None);
        }
        assert_eq!(encode(&"a".repeat(128)), None);
    }
}
