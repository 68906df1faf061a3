//! The protobuf of the public protocol: reduced `.proto` files of our own (`proto/`), compiled at build time.
//!
//! Package, message and field numbers are those that clients know (wire.md 2); modules nest as packages do.
//! [`FILE_DESCRIPTOR_SET`] carries services with their HTTP routes for the node's gateway, and the field options of
//! `strongroom/json.proto`; it is not parsed here.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    rustdoc::all
)]

include!(concat!(env!("OUT_DIR"), "/proto.rs"));

/// The encoded `google.protobuf.FileDescriptorSet` of all files, imports and custom options included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub use google::protobuf::Any;
pub use prost::{Message, Name};

/// Packs `message` into an [`Any`] under its own type URL (`/package.Name`).
#[must_use]
pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}
