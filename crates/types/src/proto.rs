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
pub use prost::{Message, Name, length_delimiter_len};

/// Packs `message` into an [`Any`] under its own type URL (`/package.Name`).
#[must_use]
pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect::DescriptorPool;

    #[test]
    fn the_descriptor_set_carries_services_routes_and_json_forms() {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let http = pool.get_extension_by_name("google.api.http").unwrap();
        let query = pool
            .get_service_by_name("secret.compute.v1beta1.Query")
            .unwrap();
        let info = query
            .methods()
            .find(|m| m.name() == "ContractInfo")
            .unwrap();
        let rule = info.options().get_extension(&http).into_owned();
        let route = rule
            .as_message()
            .unwrap()
            .get_field_by_name("get")
            .unwrap()
            .into_owned();
        assert_eq!(
            route.as_str(),
            Some("/compute/v1beta1/info/{contract_address}")
        );
        let form = pool.get_extension_by_name("strongroom.json_form").unwrap();
        let sender = pool
            .get_message_by_name("secret.compute.v1beta1.MsgStoreCode")
            .unwrap();
        let sender = sender
            .get_field_by_name("sender")
            .unwrap()
            .options()
            .get_extension(&form)
            .into_owned();
        assert_eq!(sender.as_enum_number(), Some(1));
    }

    #[test]
    fn every_query_of_every_service_has_a_route() {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let http = pool.get_extension_by_name("google.api.http").unwrap();
        for service in pool.services().filter(|s| s.name() != "Msg") {
            for method in service.methods() {
                assert!(
                    method.options().has_extension(&http),
                    "{}",
                    method.full_name()
                );
            }
        }
    }

    #[test]
    fn type_urls_are_those_of_the_protocol() {
        let any = pack(&secret::compute::v1beta1::MsgExecuteContract::default());
        assert_eq!(any.type_url, "/secret.compute.v1beta1.MsgExecuteContract");
    }
}
