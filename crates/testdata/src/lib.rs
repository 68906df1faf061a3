//! What tests read: the recordings in `testdata/`, made by real software and never by us.
//!
//! Promises: a file is read as it was recorded, or the test that wanted it panics and names it.
//! Refuses: anything outside of the repository.

use std::path::PathBuf;

use serde_json::Value;

/// Header of a gzip member without optional fields (RFC 1952, 2.3): magic, deflate, flags 0, then time, level and system.
const GZIP_START: [u8; 4] = [0x1f, 0x8b, 8, 0];
const GZIP_HEADER: usize = 10;
/// CRC-32 and length behind the data.
const GZIP_TRAILER: usize = 8;
/// More than any recording holds, in bytes.
const RECORDING_MAX: usize = 16 << 20;

/// A recording of CometBFT v0.38.25 as JSON, by its name in `manifest.json`, for instance `single/blocks/001.json`
/// (`testdata/cometbft-v0.38/README.md`).
///
/// # Panics
///
/// If there is no such recording, or it is no gzip of JSON.
#[must_use]
pub fn cometbft(name: &str) -> Value {
    serde_json::from_slice(&cometbft_bytes(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The same recording, byte for byte.
///
/// # Panics
///
/// If there is no such recording, or it is no gzip.
#[must_use]
pub fn cometbft_bytes(name: &str) -> Vec<u8> {
    let file = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/cometbft-v0.38"
    ))
    .join(format!("{name}.gz"));
    let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let data = bytes
        .strip_prefix(&GZIP_START)
        .and_then(|rest| rest.get(GZIP_HEADER - GZIP_START.len()..))
        .and_then(|rest| rest.get(..rest.len().checked_sub(GZIP_TRAILER)?))
        .unwrap_or_else(|| panic!("{name}: no gzip without optional fields"));
    miniz_oxide::inflate::decompress_to_vec_with_limit(data, RECORDING_MAX)
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::cometbft;

    #[test]
    fn every_recording_of_the_manifest_is_there() {
        let manifest = cometbft("manifest.json");
        let files = manifest["files"].as_array().expect("a list of files");
        assert!(files.len() > 80, "{}", files.len());
        for file in files {
            let name = file["path"].as_str().expect("a path");
            assert!(!cometbft(name).is_null(), "{name}");
        }
    }
}
