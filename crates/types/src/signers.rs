//! Who must sign a message: what stands in the fields that its descriptor names (`cosmos.msg.v1.signer`).
//!
//! Read off the wire form along the [`crate::schema`], no code per message. A field that is not there is the empty one; of a
//! single field given twice the last counts, as for the typed decoder.

use crate::proto::Any;
use crate::schema::{self, Field, Kind, Message};
use crate::wire::{Reader, Value, WireError};

/// Deepest nesting of signer fields: `MsgMultiSend.inputs.address` needs two.
const DEPTH_MAX: usize = 4;

/// A signer field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer<'a> {
    /// Bech32.
    Text(&'a str),
    /// The bytes of an address.
    Bytes(&'a [u8]),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignersError {
    /// A type without signers.
    #[error("no signers for type URL {0}")]
    Type(String),
    /// Not the wire form of the type.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A signer field that holds no address.
    #[error("no address in field {0}")]
    Field(&'static str),
}

/// The signer fields of a message, in order.
///
/// # Errors
/// [`SignersError`].
pub fn of(any: &Any) -> Result<Vec<Signer<'_>>, SignersError> {
    let message = schema::by_type_url(&any.type_url).filter(|m| !m.signers.is_empty());
    let message = message.ok_or_else(|| SignersError::Type(any.type_url.clone()))?;
    let mut found = Vec::new();
    collect(message, &any.value, 0, &mut found)?;
    Ok(found)
}

fn collect<'a>(
    message: &'static Message,
    bytes: &'a [u8],
    depth: usize,
    found: &mut Vec<Signer<'a>>,
) -> Result<(), SignersError> {
    for name in message.signers {
        let refuse = || SignersError::Field(name);
        let field = message.fields.iter().find(|f| f.name == *name);
        let field = field.filter(|_| depth < DEPTH_MAX).ok_or_else(refuse)?;
        let mut values = Vec::new();
        for read in Reader::new(bytes) {
            let read = read?;
            if read.number == field.number {
                let Value::Bytes(value) = read.value else {
                    return Err(refuse());
                };
                values.push(value);
            }
        }
        if !field.repeated {
            values = vec![values.pop().unwrap_or_default()];
        }
        for value in values {
            one(field, value, depth, found)?;
        }
    }
    Ok(())
}

fn one<'a>(
    field: &'static Field,
    value: &'a [u8],
    depth: usize,
    found: &mut Vec<Signer<'a>>,
) -> Result<(), SignersError> {
    let refuse = || SignersError::Field(field.name);
    match field.kind {
        Kind::String => {
            found.push(Signer::Text(
                core::str::from_utf8(value).map_err(|_| refuse())?,
            ));
            Ok(())
        }
        Kind::Bytes => {
            found.push(Signer::Bytes(value));
            Ok(())
        }
        // Of a single message given twice the parts would be joined; no signer stands in one.
        kind => match kind.message().filter(|_| field.repeated) {
            Some(inner) => collect(inner, value, depth.saturating_add(1), found),
            None => Err(refuse()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend};
    use crate::proto::secret::compute::v1beta1::MsgExecuteContract;
    use crate::proto::{Message as _, pack};

    #[test]
    fn the_signers_are_what_stands_in_the_fields_that_the_descriptor_names() {
        let send = pack(&MsgSend {
            from_address: "a".into(),
            to_address: "b".into(),
            ..Default::default()
        });
        assert_eq!(of(&send), Ok(vec![Signer::Text("a")]));
        let input = |address: &str| Input {
            address: address.into(),
            ..Default::default()
        };
        let multi = pack(&MsgMultiSend {
            inputs: vec![input("x"), input(""), input("y")],
            ..Default::default()
        });
        let texts = ["x", "", "y"].map(Signer::Text);
        assert_eq!(of(&multi), Ok(texts.to_vec()));
        let execute = pack(&MsgExecuteContract {
            sender: vec![7; 20],
            ..Default::default()
        });
        assert_eq!(of(&execute), Ok(vec![Signer::Bytes(&[7; 20])]));
    }

    #[test]
    fn an_absent_field_is_empty_and_of_two_the_last_counts_as_for_the_decoder() {
        let mut any = pack(&MsgSend::default());
        assert_eq!(of(&any), Ok(vec![Signer::Text("")]));
        any.value = [0x0a, 1, b'a', 0x0a, 1, b'b'].to_vec();
        let decoded = MsgSend::decode(any.value.as_slice()).unwrap();
        assert_eq!(of(&any), Ok(vec![Signer::Text(&decoded.from_address)]));
    }

    #[test]
    fn what_has_no_signers_is_refused() {
        let coin = pack(&crate::proto::cosmos::base::v1beta1::Coin::default());
        assert!(matches!(of(&coin), Err(SignersError::Type(_))));
        let mut any = pack(&MsgSend::default());
        any.value = vec![0x0a, 9];
        assert_eq!(of(&any), Err(SignersError::Wire(WireError::Truncated)));
        any.value = vec![0x0a, 1, 0xff];
        assert_eq!(of(&any), Err(SignersError::Field("from_address")));
    }

    /// Every message of every `Msg` service names signers that can be read.
    #[test]
    fn every_request_has_signer_fields_that_can_be_read() {
        use prost_reflect::DescriptorPool;
        let pool = DescriptorPool::decode(crate::proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut seen = 0;
        for service in pool.services().filter(|s| s.name() == "Msg") {
            for method in service.methods() {
                let type_url = format!("/{}", method.input().full_name());
                let any = Any {
                    type_url,
                    value: Vec::new(),
                };
                assert!(of(&any).is_ok(), "{}", any.type_url);
                seen += 1;
            }
        }
        assert!(seen > 15, "{seen}");
    }
}
