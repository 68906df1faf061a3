//! Errors of the bank module.

crate::types::errors!("bank" {
    NO_INPUTS = 2 "no inputs to send transaction",
    NO_OUTPUTS = 3 "no outputs to send transaction",
    INPUT_OUTPUT_MISMATCH = 4 "sum inputs != sum outputs",
    SEND_DISABLED = 5 "send transactions are disabled",
    MULTIPLE_SENDERS = 9 "multiple senders not allowed",
});
