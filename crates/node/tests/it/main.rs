//! The node against its documents.

mod document;
