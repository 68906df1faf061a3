//! The engine from outside: modules written by hand, run through `prepare` and the reference engine.

mod document;
mod harness;
mod metering;
mod naive;
mod smoke;
