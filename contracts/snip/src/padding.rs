//! Hides lengths: answers, encrypted attributes and messages to receivers are filled with trailing spaces.

use cosmwasm_std::{Attribute, Binary, Response};

/// Everything is filled to a multiple of this many bytes.
pub const BLOCK: usize = 256;

/// Fills with spaces; JSON readers ignore them.
pub fn pad(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(BLOCK), b' ');
    bytes
}

/// Fills the data and the encrypted attributes of a response. What is public anyway stays as it is.
pub fn pad_response(mut response: Response) -> Response {
    response.data = response.data.map(|data| Binary(pad(data.0)));
    let own = response.attributes.iter_mut();
    let of_events = response.events.iter_mut().flat_map(|e| &mut e.attributes);
    for attribute in own.chain(of_events).filter(|a| a.encrypted) {
        pad_attribute(attribute);
    }
    response
}

fn pad_attribute(attribute: &mut Attribute) {
    for text in [&mut attribute.key, &mut attribute.value] {
        let missing = text.len().next_multiple_of(BLOCK) - text.len();
        text.extend(std::iter::repeat_n(' ', missing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_become_multiples_of_the_block() {
        for (length, padded) in [(0, 0), (1, 256), (256, 256), (257, 512)] {
            assert_eq!(pad(vec![b'x'; length]).len(), padded);
        }
    }

    #[test]
    fn encrypted_attributes_are_padded_and_plaintext_ones_are_not() {
        let response = Response::new()
            .add_attribute("shut", "1")
            .add_attribute_plaintext("open", "2")
            .set_data(b"{}");
        let padded = pad_response(response);
        assert_eq!(padded.attributes[0].key.len(), BLOCK);
        assert_eq!(padded.attributes[0].value.trim_end(), "1");
        assert_eq!(padded.attributes[1], ("open", "2"));
        assert_eq!(padded.data.unwrap().len(), BLOCK);
    }
}
