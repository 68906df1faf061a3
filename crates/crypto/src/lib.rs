//! Key schedule, KDF contexts, AEAD and signatures over zeroizing secrets (trusted, client).
