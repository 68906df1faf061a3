//! Recorded attacks: headers and commits that CometBFT judged.

use super::*;

/// A header and commit, and the validator sets that came with them, as a hostile peer would send them.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) signed: Result<(Header, Commit), LightError>,
    validators: Option<ValidatorSet>,
}

impl Case {
    pub(super) fn of(json: &serde_json::Value) -> Self {
        let proto = |name: &str| base64(json["proto"][name].as_str().unwrap());
        let signed = raw::types::SignedHeader::decode(proto("signed_header").as_slice()).unwrap();
        let header = Header::from_raw(&signed.header.unwrap()).map_err(LightError::Header);
        let commit = Commit::from_raw(&signed.commit.unwrap()).map_err(LightError::Commit);
        let set = raw::types::ValidatorSet::decode(proto("validator_set").as_slice()).unwrap();
        Self {
            name: json["name"].as_str().unwrap().to_owned(),
            signed: header.and_then(|h| Ok((h, commit?))),
            validators: ValidatorSet::from_raw(&set).ok(),
        }
    }

    /// Our client tracks its validators and takes none from a peer: a set that came along must be the tracked one.
    pub(super) fn verdict(&self, state: &LightState) -> Result<LightState, LightError> {
        let (header, commit) = self.signed.as_ref().map_err(Clone::clone)?;
        if self.validators.as_ref() != Some(state.validators()) {
            return Err(LightError::ValidatorsHash);
        }
        state.follow(header, commit)
    }
}

#[test]
fn recorded_attacks_on_the_next_height_are_judged_as_expected() {
    let no_clock = [
        "time at the clock drift",
        "time beyond clock drift",
        "trusting period just over",
    ];
    let (mut firm, mut free) = (0, 0);
    for json in golden::json("four/negative.json")["cases"]
        .as_array()
        .unwrap()
    {
        let case = Case::of(json);
        let trusted = json["trusted_height"].as_u64().unwrap();
        let height = json["signed_header"]["header"]["height"].as_str().unwrap();
        if height != (trusted + 1).to_string() || no_clock.contains(&case.name.as_str()) {
            continue;
        }
        let verdict = case.verdict(&states()[usize::try_from(trusted).unwrap()]);
        match json["expected"].as_str().unwrap() {
            "accept" => assert!(verdict.is_ok(), "{}: {verdict:?}", case.name),
            "reject" => assert!(verdict.is_err(), "{}", case.name),
            "either" => free += 1,
            other => panic!("{}: {other}", case.name),
        }
        firm += 1;
    }
    assert!(firm >= 70 && free >= 6, "{firm} {free}");
}

#[test]
fn recorded_attacks_fail_at_the_check_that_is_meant_for_them() {
    let cases = golden::json("four/negative.json");
    let check = |name: &str, code: &str| {
        let json = cases["cases"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["name"] == name)
            .unwrap_or_else(|| panic!("{name}"));
        let state = &states()[usize::try_from(json["trusted_height"].as_u64().unwrap()).unwrap()];
        assert_eq!(
            Case::of(json).verdict(state).unwrap_err().code(),
            code,
            "{name}"
        );
    };
    check("header version.block forged", "light.block_protocol");
    check("block version 12, signed by all", "light.block_protocol");
    check("header version.app forged", "light.commit_block_id");
    check("header chain_id forged", "light.chain_id");
    check("another chain, consistent", "light.chain_id");
    check("signed for another chain", "light.signature");
    check("header height forged", "light.height");
    check("same height", "light.height");
    check("time equal to the trusted one", "light.time");
    check("time before the trusted one", "light.time");
    check("header last_block_id forged", "light.last_block_id");
    check("header validators_hash forged", "light.validators_hash");
    check(
        "header next_validators_hash forged",
        "light.next_validators_hash",
    );
    check("header proposer_address forged", "light.proposer");
    check("header app_hash forged", "light.commit_block_id");
    check(
        "header app_hash forged, commit's block id follows",
        "light.signature",
    );
    check("commit height off by one", "light.commit_height");
    check("commit round changed", "light.signature");
    check("commit parts hash changed", "light.signature");
    check("commit block id empty", "light.commit");
    check("no signatures", "light.commit");
    check("one signature too few", "light.commit_size");
    check("one signature too many", "light.commit_size");
    check("all absent", "light.power");
    check("signatures removed, not above 2/3", "light.power");
    check("all votes nil, signed so", "light.power");
    check("signature cut short", "light.commit");
    check("signature scalar not reduced", "light.signature");
    check("vote address changed", "light.vote_address");
    check("vote of one validator twice", "light.vote_address");
    check("entries swapped", "light.vote_address");
    check("nil vote passed off as commit", "light.signature");
    check("nil vote with a broken signature", "light.signature");
    check("last signature broken", "light.signature");
    check("absent entry that carries a signature", "light.commit");
    check("flag unknown", "light.commit");
}

#[test]
fn an_app_hash_that_all_validators_forge_is_found_by_who_executes() {
    let cases = golden::json("four/negative.json");
    let json = cases["cases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["name"] == "app hash forged by all")
        .unwrap();
    let (header, commit) = Case::of(json).signed.unwrap();
    let block = block("four", header.height);
    let own = expected(&Header::decode(&block.proto("header")).unwrap());
    let forged = DecidedBlock {
        header: header.encode(),
        commit: commit.encode(),
        ..block.decided()
    };
    let state = &states()[usize::try_from(header.height - 1).unwrap()];
    assert_eq!(
        state.verify(Untrusted::new(forged), &own).unwrap_err(),
        LightError::AppHash
    );
}
