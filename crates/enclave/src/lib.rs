//! Seeds and epochs, sealing, proven state, block execution and queries: the trusted core as a library (trusted).
