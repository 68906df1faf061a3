//! The enclave as its host sees it: through the door only, over real blocks, a real store and real contracts.

mod blocks;
mod contract;
mod faults;
mod fits;
mod join;
mod lies;
mod node;
mod process;
mod restart;
mod simulate;
mod user;
