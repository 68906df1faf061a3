//! Engines behind one seam: Solo, with CometBFT v0.38 headers, commits and hashes (host).
