//! Why a genesis document is refused, with stable codes (docs/spec/chain.md, section 4).

use super::GENESIS_BYTES_MAX;

/// Why bytes are no genesis document. Its text begins with its code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// More than [`GENESIS_BYTES_MAX`].
    #[error("genesis.too_large: {0} bytes are more than {GENESIS_BYTES_MAX}")]
    TooLarge(usize),
    /// Not JSON, or JSON of another form.
    #[error("genesis.json: {path}line {line}, column {column}: {fault}")]
    Json {
        /// The member whose text line and column count in, with a comma; empty: the whole document.
        path: String,
        /// What is wrong.
        fault: JsonFault,
        /// Line, from 1 on.
        line: usize,
        /// Column, from 1 on.
        column: usize,
    },
    /// A value is refused.
    #[error("{}: {field}: {why}", .member.code())]
    Field {
        /// The member of the document that it stands in.
        member: GenesisMember,
        /// Its path.
        field: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What is wrong with the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Not JSON, or nested too deep.
    #[error("this is no JSON")]
    Syntax,
    /// Another form.
    #[error("a member is missing, unknown, there twice or of another type")]
    Form,
    /// The end comes too early.
    #[error("the text ends too early")]
    End,
}

/// The members of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum GenesisMember {
    GenesisTime,
    ChainId,
    InitialHeight,
    ConsensusParams,
    Validators,
    AppHash,
    AppState,
}

impl GenesisMember {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::GenesisTime,
        Self::ChainId,
        Self::InitialHeight,
        Self::ConsensusParams,
        Self::Validators,
        Self::AppHash,
        Self::AppState,
    ];

    /// The stable code of a refused value in this member.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::GenesisTime => "genesis.time",
            Self::ChainId => "genesis.chain_id",
            Self::InitialHeight => "genesis.initial_height",
            Self::ConsensusParams => "genesis.params",
            Self::Validators => "genesis.validators",
            Self::AppHash => "genesis.app_hash",
            Self::AppState => "genesis.app_state",
        }
    }
}

impl GenesisError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "genesis.too_large",
            Self::Json { .. } => "genesis.json",
            Self::Field { member, .. } => member.code(),
        }
    }

    /// A value that is refused.
    #[must_use]
    pub fn field(member: GenesisMember, field: &str, why: impl Into<String>) -> Self {
        Self::Field {
            member,
            field: field.to_owned(),
            why: why.into(),
        }
    }

    /// JSON that is refused: in the member `path`, or, if it is empty, in the document. The library's text is not shown.
    #[must_use]
    pub fn json(path: &str, error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        GenesisError::Json {
            path: match path {
                "" => String::new(),
                path => format!("{path}, "),
            },
            fault: match error.classify() {
                Category::Syntax | Category::Io => JsonFault::Syntax,
                Category::Data => JsonFault::Form,
                Category::Eof => JsonFault::End,
            },
            line: error.line(),
            column: error.column(),
        }
    }
}
