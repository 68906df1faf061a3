//! The engine from outside: modules written by hand, run through `prepare` and the reference engine; with the feature `winch`, through
//! the fast tier in step with it.

#[cfg(feature = "winch")]
mod apart;
mod bombs;
#[cfg(feature = "winch")]
mod both;
mod cache;
mod calls;
#[cfg(feature = "winch")]
mod dear;
mod dispatch;
mod document;
mod engine;
mod fusion;
mod generations;
mod harness;
mod imports;
mod iteration;
mod metering;
mod naive;
mod reach;
mod refusals;
mod smoke;
mod stock;
#[cfg(feature = "winch")]
mod winch;
