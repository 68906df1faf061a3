//! The shapes of answers: structs whose members are in CometBFT's order and print as CometBFT prints them.

pub mod block;
pub mod results;
pub mod validators;

use super::json::{Time, ZERO_TIME_SECONDS};
use strongroom_types::Timestamp;
use tendermint_proto::google::protobuf::Timestamp as ProtoTimestamp;

/// A protobuf time; none prints as the zero time.
pub(crate) fn time(at: Option<ProtoTimestamp>) -> Time {
    let at = at.unwrap_or(ProtoTimestamp {
        seconds: ZERO_TIME_SECONDS,
        nanos: 0,
    });
    Time(Timestamp {
        seconds: at.seconds,
        nanos: u32::try_from(at.nanos).unwrap_or(0),
    })
}
