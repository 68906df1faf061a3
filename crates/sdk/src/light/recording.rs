//! What a node answered, kept: so that the same proof can be checked again without a node, and shown to others.

use super::Call;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most bytes of a recording: a thousand light blocks of a large set, and two long values.
pub const RECORDING_BYTES_MAX: usize = 256 << 20;

/// Calls and their answers, in the order in which they were made. JSON: a list of `{method, params, result}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recording(Vec<Exchange>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    method: String,
    params: Value,
    result: Value,
}

/// Bytes that are no recording.
#[derive(Debug, thiserror::Error)]
#[error("not a recording of a node's answers: {0}")]
pub struct RecordingError(String);

impl Recording {
    /// Reads what [`Recording::to_json`] wrote. At most [`RECORDING_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, RecordingError> {
        if bytes.len() > RECORDING_BYTES_MAX {
            return Err(RecordingError(format!(
                "more than {RECORDING_BYTES_MAX} bytes"
            )));
        }
        serde_json::from_slice(bytes).map_err(|e| RecordingError(e.to_string()))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// [`RecordingError`], never in practice.
    pub fn to_json(&self) -> Result<Vec<u8>, RecordingError> {
        serde_json::to_vec_pretty(self).map_err(|e| RecordingError(e.to_string()))
    }

    /// Keeps an answer.
    pub fn keep(&mut self, call: &Call, result: &Value) {
        self.0.push(Exchange {
            method: call.method.to_owned(),
            params: call.params.clone(),
            result: result.clone(),
        });
    }

    /// The answer that was kept for this call.
    ///
    /// # Errors
    /// If it was never made.
    pub fn ask(&self, call: &Call) -> Result<Value, String> {
        let mut made = self.0.iter();
        let same = made.find(|known| known.method == call.method && known.params == call.params);
        let missing = || format!("{} with {} was not recorded", call.method, call.params);
        same.map(|known| known.result.clone()).ok_or_else(missing)
    }
}
