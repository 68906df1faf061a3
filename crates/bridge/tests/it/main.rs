//! The door as its two ends see it.

mod conversations;
mod document;
mod version;
