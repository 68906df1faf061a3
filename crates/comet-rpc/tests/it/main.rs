//! The RPC against what a real CometBFT v0.38.25 said (`testdata/cometbft-v0.38`), over real sockets on free ports.

mod chain;
mod http;
mod limits;
mod rpc_golden;
mod waiting;
mod ws_golden;
