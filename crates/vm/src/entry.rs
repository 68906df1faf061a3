//! The two generations of contracts, and what each calls its entry points: one table (contract-abi.md section 1).

/// Which interface a contract was compiled for. The first marker in the order of its exports decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// CosmWasm v0.10: `init`, `handle`, `query`, `migrate`.
    V010,
    /// CosmWasm v1.
    V1,
}

impl Generation {
    /// Both, oldest first.
    pub const ALL: [Self; 2] = [Self::V010, Self::V1];

    /// Its version, as refusals name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V010 => "v0.10",
            Self::V1 => "v1",
        }
    }

    /// The export that marks it.
    #[must_use]
    pub fn marker(self) -> &'static str {
        match self {
            Self::V010 => "cosmwasm_vm_version_3",
            Self::V1 => "interface_version_8",
        }
    }

    /// The entry points without which a contract is refused.
    #[must_use]
    pub fn required(self) -> &'static [Entry] {
        match self {
            Self::V010 => &[Entry::Instantiate, Entry::Execute, Entry::Query],
            Self::V1 => &[Entry::Instantiate],
        }
    }
}

/// A region that an entry point takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Block, contract and, in v0.10, sender and coins.
    Env,
    /// Sender and coins.
    Info,
    /// The message.
    Msg,
    /// Who migrates, and which version the state has.
    MigrateInfo,
}

/// The function behind an entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryExport {
    /// Its name.
    pub name: &'static str,
    /// What it takes, in order; it gives one region.
    pub args: &'static [Argument],
}

/// `migrate` as contracts of the ordinary library may have it from 2.2 on: told by its number of parameters.
pub const MIGRATE_WITH_INFO: EntryExport = EntryExport {
    name: "migrate",
    args: &[Argument::Env, Argument::Msg, Argument::MigrateInfo],
};

/// A function of a contract that the chain may call, whatever its generation calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// Makes the contract.
    Instantiate,
    /// Calls it.
    Execute,
    /// Asks it.
    Query,
    /// Replaces its code.
    Migrate,
    /// Tells it what became of a message of its own.
    Reply,
    /// Calls it in the name of the chain.
    Sudo,
    /// An IBC channel opens.
    IbcChannelOpen,
    /// An IBC channel is open.
    IbcChannelConnect,
    /// An IBC channel closes.
    IbcChannelClose,
    /// An IBC packet comes.
    IbcPacketReceive,
    /// An IBC packet of its own arrived.
    IbcPacketAck,
    /// An IBC packet of its own did not arrive in time.
    IbcPacketTimeout,
}

impl Entry {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Instantiate,
        Self::Execute,
        Self::Query,
        Self::Migrate,
        Self::Reply,
        Self::Sudo,
        Self::IbcChannelOpen,
        Self::IbcChannelConnect,
        Self::IbcChannelClose,
        Self::IbcPacketReceive,
        Self::IbcPacketAck,
        Self::IbcPacketTimeout,
    ];

    /// The six that make a contract an IBC contract.
    pub const IBC: [Self; 6] = [
        Self::IbcChannelOpen,
        Self::IbcChannelConnect,
        Self::IbcChannelClose,
        Self::IbcPacketReceive,
        Self::IbcPacketAck,
        Self::IbcPacketTimeout,
    ];

    /// The function behind it; `None` where the generation has no such entry point. Of `migrate` there is another form, which a module
    /// chooses ([`crate::ModuleInfo::export`]).
    #[must_use]
    pub fn export(self, generation: Generation) -> Option<EntryExport> {
        use Argument::{Env, Info, Msg};
        use Generation::{V1, V010};
        let (name, args): (_, &[_]) = match (self, generation) {
            (Self::Instantiate, V010) => ("init", &[Env, Msg]),
            (Self::Instantiate, V1) => ("instantiate", &[Env, Info, Msg]),
            (Self::Execute, V010) => ("handle", &[Env, Msg]),
            (Self::Execute, V1) => ("execute", &[Env, Info, Msg]),
            (Self::Query, V010) => ("query", &[Msg]),
            (Self::Query, V1) => ("query", &[Env, Msg]),
            (Self::Migrate, V010 | V1) => ("migrate", &[Env, Msg]),
            (_, V010) => return None,
            (Self::Reply, V1) => ("reply", &[Env, Msg]),
            (Self::Sudo, V1) => ("sudo", &[Env, Msg]),
            (Self::IbcChannelOpen, V1) => ("ibc_channel_open", &[Env, Msg]),
            (Self::IbcChannelConnect, V1) => ("ibc_channel_connect", &[Env, Msg]),
            (Self::IbcChannelClose, V1) => ("ibc_channel_close", &[Env, Msg]),
            (Self::IbcPacketReceive, V1) => ("ibc_packet_receive", &[Env, Msg]),
            (Self::IbcPacketAck, V1) => ("ibc_packet_ack", &[Env, Msg]),
            (Self::IbcPacketTimeout, V1) => ("ibc_packet_timeout", &[Env, Msg]),
        };
        Some(EntryExport { name, args })
    }

    /// The entry point whose export has this name.
    #[must_use]
    pub fn by_name(name: &str, generation: Generation) -> Option<(Self, EntryExport)> {
        Self::ALL.into_iter().find_map(|entry| {
            let export = entry.export(generation)?;
            (export.name == name).then_some((entry, export))
        })
    }
}
