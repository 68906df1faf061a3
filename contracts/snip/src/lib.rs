//! What contracts of the SNIP standards share. A library for contracts.
//!
//! - [`answer`]: the form of answers.
//! - [`padding`]: the length of an answer tells nothing.
//! - [`viewing_key`]: a secret that opens queries about an account.
//! - [`history`]: who moved which token when. [`metadata`]: what a token says of itself. [`expiration`]: until when.
//! - [`notification`]: an account learns of what happened to it without a query (SNIP-52).
//! - [`evaporation`]: the gas of a call tells nothing (SNIP-50).
//!
//! Permits are a library of their own, `permit`.

pub mod answer;
pub mod evaporation;
pub mod expiration;
pub mod history;
pub mod metadata;
pub mod notification;
pub mod padding;
pub mod viewing_key;
