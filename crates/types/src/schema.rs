//! A compact table of our messages: which fields exist, of which kind, and how Amino JSON names them.
//!
//! Generated from the descriptors at build time, so that strict decoding ([`crate::tx`]) and Amino JSON
//! ([`crate::amino`]) need neither reflection nor code per message.

include!(concat!(env!("OUT_DIR"), "/schema.rs"));

/// One message type.
#[derive(Debug)]
pub struct Message {
    /// Full name, e.g. `cosmos.bank.v1beta1.MsgSend`.
    pub name: &'static str,
    /// Registered Amino name, empty if it has none.
    pub amino_name: &'static str,
    /// Whether a `Msg` service takes it: it may stand in `TxBody.messages`.
    pub is_request: bool,
    /// Fields that hold the signers, empty if it is no transaction message.
    pub signers: &'static [&'static str],
    /// Fields in order of number.
    pub fields: &'static [Field],
}

/// One field of a message.
#[derive(Debug)]
pub struct Field {
    /// Field number.
    pub number: u32,
    /// Name in the `.proto` file.
    pub name: &'static str,
    /// Member name in Amino JSON.
    pub amino_name: &'static str,
    /// Whether it is a list.
    pub repeated: bool,
    /// Whether Amino JSON writes it even when empty.
    pub keep_empty: bool,
    /// Of which alternatives it is one (then presence counts, not the value): their place among the `oneof`s of the message.
    pub oneof: Option<usize>,
    /// Whether it is integer text of 10^-18 that JSON writes with the point.
    pub decimal: bool,
    /// What it holds.
    pub kind: Kind,
}

impl Field {
    /// Whether Amino JSON writes the message in it whether it is there or not.
    #[must_use]
    pub const fn is_always_written(&self) -> bool {
        matches!(self.kind, Kind::Message(_)) && self.keep_empty && !self.repeated
    }
}

/// What a field holds. The number kinds that our messages do not use are refused at build time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// An enumeration, by number.
    Enum,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// Another message; the number is its place in the table ([`Kind::message`]).
    Message(usize),
}

impl Kind {
    /// The message type of a message field.
    #[must_use]
    pub fn message(self) -> Option<&'static Message> {
        match self {
            Self::Message(index) => MESSAGES.get(index),
            _ => None,
        }
    }

    /// Whether lists of it may be packed into one length-delimited field.
    #[must_use]
    pub const fn is_packable(self) -> bool {
        matches!(
            self,
            Self::Bool | Self::Int32 | Self::Int64 | Self::Uint32 | Self::Uint64 | Self::Enum
        )
    }
}

impl Message {
    /// The field with this number.
    #[must_use]
    pub fn field(&self, number: u32) -> Option<&'static Field> {
        let index = self
            .fields
            .binary_search_by_key(&number, |f| f.number)
            .ok()?;
        self.fields.get(index)
    }
}

/// All message types, sorted by full name.
#[must_use]
pub const fn messages() -> &'static [Message] {
    MESSAGES
}

/// The message with this full name, e.g. `cosmos.bank.v1beta1.MsgSend`.
#[must_use]
pub fn message(full_name: &str) -> Option<&'static Message> {
    let index = MESSAGES.binary_search_by(|m| m.name.cmp(full_name)).ok()?;
    MESSAGES.get(index)
}

/// The message of a type URL: what follows the last `/`.
#[must_use]
pub fn by_type_url(type_url: &str) -> Option<&'static Message> {
    let (_, name) = type_url.rsplit_once('/')?;
    message(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_references_hold() {
        assert!(MESSAGES.windows(2).all(|w| w[0].name < w[1].name));
        for m in MESSAGES {
            assert!(
                m.fields.windows(2).all(|w| w[0].number < w[1].number),
                "{}",
                m.name
            );
            for f in m.fields {
                assert!(!matches!(f.kind, Kind::Message(_)) || f.kind.message().is_some());
            }
        }
    }

    #[test]
    fn no_two_types_have_one_name_in_amino_json() {
        let names = MESSAGES.iter().map(|m| m.amino_name);
        let mut names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn transaction_messages_are_told_from_other_types() {
        let send = by_type_url("/cosmos.bank.v1beta1.MsgSend").unwrap();
        assert!(send.is_request);
        assert_eq!(
            (send.amino_name, send.signers),
            ("cosmos-sdk/MsgSend", &["from_address"][..])
        );
        assert!(!by_type_url("/cosmos.base.v1beta1.Coin").unwrap().is_request);
        assert!(by_type_url("/cosmos.bank.v1beta1.MsgSteal").is_none());
        assert!(by_type_url("cosmos.bank.v1beta1.MsgSend").is_none());
    }
}
