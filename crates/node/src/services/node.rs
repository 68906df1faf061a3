//! `cosmos.base.node.v1beta1.Service`: how this node is set.

use super::{Answer, Services, internal};
use crate::chain::query::QueryError;
use strongroom_proof::comet::Header;
use strongroom_store::{History, Limits};
use strongroom_types::Height;
use strongroom_types::proto::cosmos::base::node::v1beta1 as pb;
use strongroom_types::proto::google::protobuf::Timestamp;

impl Services {
    pub(super) fn node(&self, method: &str) -> Answer {
        match method {
            "Config" => self.answer(&self.config()),
            "Status" => self.answer(&self.status()?),
            _ => Err(QueryError::UnknownPath),
        }
    }

    fn config(&self) -> pb::ConfigResponse {
        // In the SDK's words: heights that are kept, and every how many blocks the others are removed; zeros for never.
        let (keep_recent, interval) = match self.chain.kept() {
            Limits {
                history: History::All,
                ..
            } => (0, 0),
            Limits {
                history: History::None,
                provable,
            } => (provable, 1),
        };
        pb::ConfigResponse {
            minimum_gas_price: self.chain.min_gas_price().text(),
            pruning_keep_recent: keep_recent.to_string(),
            pruning_interval: interval.to_string(),
            // No setting stops this node at a height.
            halt_height: 0,
        }
    }

    /// The lowest height whose block and state are both there.
    fn earliest(&self, newest: Height) -> Result<Height, QueryError> {
        let block = self.blocks.base().map_err(internal)?.unwrap_or(0);
        Ok(match self.chain.kept() {
            Limits {
                history: History::All,
                ..
            } => block,
            Limits {
                history: History::None,
                provable,
            } => block.max(newest.saturating_sub(provable)),
        })
    }

    fn status(&self) -> Result<pb::StatusResponse, QueryError> {
        let head = self.chain.head();
        let meta = self.blocks.meta(head.height).map_err(internal)?;
        let header = meta
            .map(|m| Header::decode(&m.header))
            .transpose()
            .map_err(internal)?;
        Ok(pb::StatusResponse {
            earliest_store_height: self.earliest(head.height)?,
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
