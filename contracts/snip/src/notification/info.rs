//! What queries tell of a channel: how its notifications are found, and how they are read.

use cosmwasm_std::{Binary, StdResult};
use serde::{Deserialize, Serialize};

use super::group::{FILTER_BITS, FILTER_HASHES, PACKETS};
use super::{Channel, Group, Seed};

/// A channel, as an account is told of it. What another mode has is absent.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its name.
    pub channel: String,
    /// How notifications are found: `txhash`, by an id made of the transaction's hash; `bloom`, in a filter, by the same id.
    pub mode: String,
    /// The account's seed, once more: one edition of the standard has it here.
    pub seed: Binary,
    /// Mode `txhash`: what a notification holds, in CDDL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cddl: Option<String>,
    /// Mode `bloom`: the filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<FilterParameters>,
    /// Mode `bloom`: what follows the filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Layout>,
    /// The account's id in the transaction that was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_id: Option<Binary>,
}

/// A Bloom filter.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct FilterParameters {
    /// Its bits.
    pub m: u32,
    /// The bits that an id sets.
    pub k: u32,
    /// The hash of the id that they are taken from.
    pub h: String,
}

/// The packets behind a filter.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `packet[16]`: how many they are.
    pub r#type: String,
    /// Of the form of packets.
    pub version: u32,
    /// Bytes of a packet without its 8 of id.
    pub packet_size: u32,
    /// The same, as one edition of the standard writes it.
    #[serde(rename = "packetSize")]
    pub packet_size_camel: u32,
    /// What a packet holds.
    pub data: Descriptor,
}

/// A value, or several one after the other.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// `uint64`, `bytes8`, …, or `struct`.
    pub r#type: String,
    /// Its name.
    pub label: String,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The values of a `struct`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Descriptor>,
}

impl Channel {
    /// What an account is told of the channel, with its id in a transaction.
    pub fn info(&self, seed: &Seed, tx_hash: Option<&str>) -> StdResult<ChannelInfo> {
        Ok(ChannelInfo {
            cddl: Some(self.cddl.to_string()),
            ..info(self.name, "txhash", seed, tx_hash)?
        })
    }
}

impl Group {
    /// What an account is told of the channel, with its id in a transaction.
    pub fn info(&self, seed: &Seed, tx_hash: Option<&str>) -> StdResult<ChannelInfo> {
        let members = self.members.iter().map(|member| Descriptor {
            r#type: member.kind.to_string(),
            label: member.label.to_string(),
            description: Some(member.description.to_string()),
            members: Vec::new(),
        });
        let packet_size = self.packet_bytes() as u32;
        Ok(ChannelInfo {
            parameters: Some(FilterParameters {
                m: FILTER_BITS as u32,
                k: FILTER_HASHES as u32,
                h: "sha256".to_string(),
            }),
            data: Some(Layout {
                r#type: format!("packet[{PACKETS}]"),
                version: 1,
                packet_size,
                packet_size_camel: packet_size,
                data: Descriptor {
                    r#type: "struct".to_string(),
                    label: "packet".to_string(),
                    description: None,
                    members: members.collect(),
                },
            }),
            ..info(self.name, "bloom", seed, tx_hash)?
        })
    }
}

fn info(name: &str, mode: &str, seed: &Seed, tx_hash: Option<&str>) -> StdResult<ChannelInfo> {
    // As the chain writes hashes for contracts.
    let id = tx_hash.map(|hash| seed.id(name, &hash.to_uppercase()));
    Ok(ChannelInfo {
        channel: name.to_string(),
        mode: mode.to_string(),
        seed: seed.to_binary(),
        cddl: None,
        parameters: None,
        data: None,
        answer_id: id.transpose()?,
    })
}
