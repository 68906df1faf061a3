//! Errors of the registration module.

crate::types::errors!("register" {
    SEED_INIT_FAILED = 1 "Initialize node seed failed",
    AUTHENTICATE_FAILED = 2 "Failed to authenticate node",
    SEED_VALIDATION_FAILED = 3 "Failed to validate seed parameters",
    BOOTSTRAP_FAILED = 4 "Failed to initialize bootstrap",
    TYPE_ERROR = 5 "Type error",
    CERTIFICATE_INVALID = 6 "Certificate invalid or does not exist",
    NOT_FOUND = 7 "not found",
    INVALID = 8 "invalid",
});
