//! Permits from their signature to what they open, with real keys and addresses.

use bech32::Bech32;
use cosmwasm_std::testing::{MockQuerier, MockStorage};
use cosmwasm_std::{Empty, QuerierWrapper};

use super::*;

/// A private key, and the public one that belongs to it: the curve's base point, as SEC 2 has it.
const KEY: [u8; 32] = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};
const PUBLIC_KEY: &str = "Anm+Zn753LusVaBilc6HCwcCm/zbLc4o2VnygVsW+BeY";

#[derive(Default)]
struct Chain {
    storage: MockStorage,
    api: MockApi,
}

impl Chain {
    /// A permit with these contents, signed.
    fn signed(&self, change: impl Fn(&mut PermitParams<Kind>)) -> Permit {
        let mut permit = published_permit();
        permit.params.permit_name = "wallet".into();
        change(&mut permit.params);
        let document = signed(&permit.params).unwrap();
        permit.signature = PermitSignature {
            pub_key: PubKey {
                r#type: "tendermint/PubKeySecp256k1".into(),
                value: binary(PUBLIC_KEY),
            },
            signature: Binary(self.api.secp256k1_sign(&document, &KEY).unwrap()),
        };
        permit
    }

    fn account(&self) -> Addr {
        address(&account_of(&binary(PUBLIC_KEY))).unwrap()
    }

    /// Whose histories the permit opens, in a token and in another contract.
    fn opened(&self, permit: &Permit) -> [Result<Addr, String>; 2] {
        let querier = MockQuerier::<Empty>::new(&[]);
        let deps = Deps {
            storage: &self.storage,
            api: &self.api,
            querier: QuerierWrapper::new(&querier),
        };
        [true, false].map(|takes_any| {
            let verified = check(deps, &env_of(TOKEN), permit.clone(), takes_any, &address);
            let account = verified.and_then(|verified| verified.account_for(Kind::History));
            account.map_err(|refused| refused.to_string())
        })
    }
}

/// An address as the chain writes it: the library's mock takes none of 20 bytes.
fn address(account: &CanonicalAddr) -> StdResult<Addr> {
    let text = bech32::encode::<Bech32>(Hrp::parse("secret").unwrap(), account.as_slice());
    Ok(Addr::unchecked(text.unwrap()))
}

fn times(created: Option<&str>, expires: Option<&str>) -> impl Fn(&mut PermitParams<Kind>) {
    let [created, expires] = [created, expires].map(|time| time.map(str::to_string));
    move |params| {
        params.created = created.clone();
        params.expires = expires.clone();
    }
}

#[test]
fn the_published_permit_opens_for_its_account() {
    let account = Ok(Addr::unchecked(ACCOUNT));
    assert_eq!(
        Chain::default().opened(&published_permit()),
        [account.clone(), account]
    );
}

#[test]
fn a_permit_opens_until_its_end_and_for_any_token_only_tokens() {
    let chain = Chain::default();
    let account = Ok(chain.account());
    for (created, expires) in [
        (None, None),
        (Some("2023-11-14T22:13:20.000Z"), None),
        (None, Some("2023-11-14T22:13:20.001Z")),
        (Some("1970-01-01T00:00:00Z"), Some("9999-12-31T23:59:59Z")),
    ] {
        let permit = chain.signed(times(created, expires));
        assert_eq!(chain.opened(&permit), [account.clone(), account.clone()]);
    }
    let over = chain.signed(times(None, Some("2023-11-14T22:13:20.000Z")));
    assert!(chain.opened(&over).iter().all(Result::is_err));
    let any = chain.signed(|params| {
        params.allowed_tokens = vec![ANY_TOKEN.into()];
        params.created = Some("2023-11-14T22:13:20.000Z".into());
    });
    let [of_token, of_other] = chain.opened(&any);
    assert_eq!(of_token, account);
    assert!(of_other.unwrap_err().contains("doesn't apply to token"));
}

#[test]
fn a_permit_that_says_it_was_made_in_the_future_opens_only_within_what_clocks_differ_by() {
    let chain = Chain::default();
    // The block's time is 22:13:20.
    for (created, opens) in [
        ("2023-11-14T22:18:20.000Z", true),
        ("2023-11-14T22:18:20.000000001Z", false),
        ("2023-11-15T22:13:20.000Z", false),
        ("9999-12-31T23:59:59Z", false),
    ] {
        for any in [false, true] {
            let permit = chain.signed(|params| {
                params.created = Some(created.into());
                if any {
                    params.allowed_tokens = vec![ANY_TOKEN.into()];
                }
            });
            let [of_token, _] = chain.opened(&permit);
            assert_eq!(of_token.is_ok(), opens, "{created}");
            let refused = of_token.err().unwrap_or_default();
            assert!(opens || refused.contains("made in the future"), "{refused}");
        }
    }
}

#[test]
fn a_permit_that_was_revoked_does_not_open_and_who_did_not_sign_it_is_not_told() {
    let mut chain = Chain::default();
    let account = chain.account();
    revoke(&mut chain.storage, &account, "wallet").unwrap();
    let guessed = |name: &str| {
        let mut permit = chain.signed(|params| params.permit_name = name.into());
        permit.signature.signature.0[40] ^= 1;
        chain.opened(&permit).map(Result::unwrap_err)
    };
    let unsigned = "Generic error: Failed to verify signatures for the given permit";
    for name in ["wallet", "another"] {
        assert_eq!(guessed(name), [unsigned, unsigned], "{name}");
    }
    for refused in chain.opened(&chain.signed(|_| ())) {
        assert!(refused.unwrap_err().contains("\"wallet\" was revoked"));
    }
    let other = chain.signed(|params| params.permit_name = "another".into());
    assert!(chain.opened(&other).iter().all(Result::is_ok));

    blanket::revoke_all(&mut chain.storage, &account, Default::default()).unwrap();
    assert!(chain.opened(&other).iter().all(Result::is_err));
    let mut forged = other;
    forged.signature.signature.0[40] ^= 1;
    assert_eq!(
        chain.opened(&forged).map(Result::unwrap_err),
        [unsigned, unsigned]
    );
}
