//! Errors of the feegrant module.

crate::types::errors!("feegrant" {
    LIMIT_EXCEEDED = 2 "fee limit exceeded",
    EXPIRED = 3 "fee allowance expired",
    INVALID_DURATION = 4 "invalid duration",
    NO_ALLOWANCE = 5 "no allowance",
    NO_MESSAGES = 6 "allowed messages are empty",
    MESSAGE_NOT_ALLOWED = 7 "message not allowed",
});
