//! Authenticated versioned state on an embedded database; blocks and results (host).

pub mod blocks;
