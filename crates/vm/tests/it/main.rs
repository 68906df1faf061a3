//! The engine from outside: modules written by hand, run through `prepare` and the reference engine.

mod harness;
mod smoke;
