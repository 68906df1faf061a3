//! In-process chain, hostile host and builders for tests and benches (tests).
