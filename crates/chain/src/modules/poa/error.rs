//! Errors of poa.

crate::types::errors!("poa" {
    NOT_REGISTERED = 2 "the node is not registered",
    LAST = 3 "the last validator stays",
    POWER = 4 "power out of range",
    TOO_MANY = 5 "too many validators",
    NOT_FOUND = 6 "no such validator",
    MONIKER = 7 "moniker refused",
    BANNED = 8 "the consensus key signed two blocks at one height",
});
