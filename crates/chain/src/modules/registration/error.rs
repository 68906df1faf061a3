//! Errors of the registration module: up to 8 those of the protocol, from 101 on ours.

crate::types::errors!("register" {
    SEED_INIT_FAILED = 1 "Initialize node seed failed",
    AUTHENTICATE_FAILED = 2 "Failed to authenticate node",
    SEED_VALIDATION_FAILED = 3 "Failed to validate seed parameters",
    BOOTSTRAP_FAILED = 4 "Failed to initialize bootstrap",
    TYPE_ERROR = 5 "Type error",
    CERTIFICATE_INVALID = 6 "Certificate invalid or does not exist",
    NOT_FOUND = 7 "not found",
    INVALID = 8 "invalid",
    EVIDENCE = 101 "evidence refused",
    KEY = 102 "key refused",
    PLATFORM = 103 "the platform has another node",
    STATE = 104 "not possible in this state of the node",
    POSSESSION = 105 "the node does not hold the seed",
    FULL = 106 "too many nodes are pending",
    COLLATERAL = 107 "collateral refused",
    POLICY = 108 "policy refused",
});
