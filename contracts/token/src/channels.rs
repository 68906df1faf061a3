//! The channels of the token's notifications (SNIP-52), and what they hold. Names are those that clients know.

use snip::notification::{Channel, Group, Member};

/// Tokens came.
pub const RECEIVED: Channel = Channel {
    name: "recvd",
    cddl: "recvd=[amount:biguint .size 8,sender:bstr .size 20,memo_len:uint .size 1]",
};
/// Tokens went.
pub const SPENT: Channel = Channel {
    name: "spent",
    cddl: "spent=[amount:biguint .size 8,actions:uint .size 1,recipient:bstr .size 20,balance:biguint .size 8]",
};
/// Somebody gave an allowance, or changed it.
pub const ALLOWANCE: Channel = Channel {
    name: "allowance",
    cddl: "allowance=[amount:biguint .size 8,allower:bstr .size 20,expiration:uint .size 8]",
};
/// Tokens came by a batch.
pub const MANY_RECEIVED: Group = Group {
    name: "multirecvd",
    members: &[
        Member {
            label: "amount",
            kind: "uint64",
            bytes: 8,
            description: "the sum of what came",
        },
        Member {
            label: "ownerId",
            kind: "bytes8",
            bytes: 8,
            description: "the last 8 bytes of the address of whose tokens came first",
        },
        Member {
            label: "memoLength",
            kind: "uint8",
            bytes: 1,
            description: "of the first memo, in bytes",
        },
    ],
};
/// Tokens went by a batch of somebody who may spend them.
pub const MANY_SPENT: Group = Group {
    name: "multispent",
    members: &[
        Member {
            label: "amount",
            kind: "uint64",
            bytes: 8,
            description: "the sum of what went",
        },
        Member {
            label: "recipientId",
            kind: "bytes8",
            bytes: 8,
            description: "the last 8 bytes of the address that they went to first",
        },
        Member {
            label: "balance",
            kind: "uint64",
            bytes: 8,
            description: "what is left",
        },
    ],
};
/// All that tell one account.
pub const DIRECT: [Channel; 3] = [RECEIVED, SPENT, ALLOWANCE];
/// All that tell several at once.
pub const GROUPS: [Group; 2] = [MANY_RECEIVED, MANY_SPENT];
