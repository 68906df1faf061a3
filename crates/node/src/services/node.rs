//! `cosmos.base.node.v1beta1.Service`: how this node is set.

use super::{Answer, Services, internal};
use crate::chain::query::QueryError;
use crate::chain::tx::GasPrice;
use strongroom_proof::comet::Header;
use strongroom_types::proto::cosmos::base::node::v1beta1 as pb;
use strongroom_types::proto::google::protobuf::Timestamp;

impl Services {
    pub(super) fn node(&self, method: &str) -> Answer {
        match method {
            "Config" => self.answer(&pb::ConfigResponse {
                minimum_gas_price: minimum_gas_price(&GasPrice::default()),
                pruning_keep_recent: "0".to_owned(),
                pruning_interval: "0".to_owned(),
                halt_height: 0,
            }),
            "Status" => self.answer(&self.status()?),
            _ => Err(QueryError::UnknownPath),
        }
    }

    fn status(&self) -> Result<pb::StatusResponse, QueryError> {
        let head = self.chain.head();
        let meta = self.blocks.meta(head.height).map_err(internal)?;
        let header = meta
            .map(|m| Header::decode(&m.header))
            .transpose()
            .map_err(internal)?;
        Ok(pb::StatusResponse {
            earliest_store_height: self.blocks.base().map_err(internal)?.unwrap_or(0),
            height: head.height,
            timestamp: Some(Timestamp {
                seconds: head.time.seconds,
                nanos: i32::try_from(head.time.nanos).unwrap_or(0),
            }),
            app_hash: header
                .as_ref()
                .map(|h| h.app_hash.clone())
                .unwrap_or_default(),
            validator_hash: header
                .map(|h| h.validators_hash.to_vec())
                .unwrap_or_default(),
        })
    }
}

/// A price with its point and 18 digits, as the SDK prints it.
fn minimum_gas_price(price: &GasPrice) -> String {
    const E18: u128 = 1_000_000_000_000_000_000;
    format!(
        "{}.{:018}{}",
        price.amount_e18 / E18,
        price.amount_e18 % E18,
        price.denom
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_price_prints_eighteen_digits() {
        assert_eq!(
            minimum_gas_price(&GasPrice::default()),
            "0.012500000000000000uscrt"
        );
    }
}
