//! Client library: keys, encryption, permits, transactions (client).
