//! Evidence in, claims and verdict out (trusted, client).
