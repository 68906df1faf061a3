//! The engine from outside: modules written by hand, run through `prepare` and the reference engine.

mod bombs;
mod document;
mod harness;
mod metering;
mod naive;
mod refusals;
mod smoke;
