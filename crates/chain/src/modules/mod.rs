//! The modules of the chain, all of one shape: `msg` (what it accepts), `state` (keys and stored types; no key is spelled
//! twice), `handler`, `query`, `genesis`, `event`. A module without one of these simply lacks the file.

pub mod accounts;
pub mod auth;
pub mod bank;
pub mod compute;
pub mod consensus;
pub mod registration;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_collection_is_the_beginning_of_another() {
        let mut names: Vec<&str> = [
            auth::state::NAMES,
            bank::state::NAMES,
            consensus::state::NAMES,
            registration::state::NAMES,
            compute::state::NAMES,
        ]
        .concat();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert!(!pair[1].starts_with(pair[0]), "{:?}", pair);
        }
    }
}
