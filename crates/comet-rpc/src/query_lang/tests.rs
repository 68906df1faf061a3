use super::*;
use proptest::prelude::*;

fn check(query: &str, attributes: &[(&str, &str)], expected: bool) {
    let parsed = Query::parse(query).unwrap();
    assert_eq!(
        parsed.matches(attributes.iter().copied()),
        expected,
        "{query}"
    );
}

const TX: &[(&str, &str)] = &[
    ("tm.event", "Tx"),
    ("tx.height", "11"),
    ("transfer.recipient", "bob"),
    ("transfer.amount", "50uscrt"),
    ("transfer.amount", "700uscrt"),
    ("block.time", "2026-11-22T14:50:17.255268631Z"),
];

#[test]
fn every_operator_means_what_it_says() {
    check("tm.event='Tx'", TX, true);
    check(
        "tm.event = 'Tx' AND tx.height > 10 AND tx.height<12",
        TX,
        true,
    );
    check(
        "tx.height >= 11 AND tx.height <= 11 AND tx.height = 11",
        TX,
        true,
    );
    check("tx.height = '11'", TX, true);
    check("tx.height < 11", TX, false);
    check("transfer.amount CONTAINS 'uscrt'", TX, true);
    check("transfer.amount > 600", TX, true);
    check("transfer.amount < 49.5", TX, false);
    check("transfer.note EXISTS", TX, false);
    check("transfer.recipient EXISTS", TX, true);
    check("block.time > TIME 2026-11-22T14:50:17Z", TX, true);
    check("block.time < DATE 2026-11-22", TX, false);
}

#[test]
fn conditions_may_be_met_by_different_events() {
    check(
        "transfer.recipient='bob' AND transfer.amount='700uscrt'",
        TX,
        true,
    );
}

#[test]
fn what_is_no_query_is_refused() {
    for text in [
        "",
        " ",
        "nonsense",
        "tx.height=",
        "a='b' OR c='d'",
        "a='b' AND",
        "a=5x",
        "a='b",
        "='b'",
        "a<'b'",
        "a CONTAINS 5",
        "a='b' c='d'",
        "a=-5",
        "a=TIME x",
        "a=DATE 2026-13-01",
        "a = 'b' AND AND",
    ] {
        assert!(Query::parse(text).is_err(), "{text}");
    }
    assert_eq!(Query::parse(""), Err(QueryError::End { offset: 0 }));
    assert_eq!(Query::parse("nonsense"), Err(QueryError::End { offset: 8 }));
    assert_eq!(
        Query::parse("tx.height="),
        Err(QueryError::End { offset: 10 })
    );
    assert_eq!(
        Query::parse(&format!("a='{}'", "x".repeat(MAX_QUERY_BYTES))),
        Err(QueryError::TooLong)
    );
}

#[test]
fn spaces_do_not_make_another_query() {
    assert_eq!(
        Query::parse(" tm.event = 'Lock' ").unwrap(),
        Query::parse("tm.event='Lock'").unwrap()
    );
}

#[test]
fn long_numbers_compare_exactly() {
    let query = Query::parse("a.b > 340282366920938463463374607431768211456").unwrap();
    assert!(query.matches([("a.b", "340282366920938463463374607431768211457")].into_iter()));
    assert!(!query.matches([("a.b", "340282366920938463463374607431768211456")].into_iter()));
    assert!(!query.matches([("a.b", "00099999999")].into_iter()));
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused(text in "\\PC{0,80}", value in "\\PC{0,20}") {
        if let Ok(query) = Query::parse(&text) {
            let _ = query.matches([("a", value.as_str())].into_iter());
        }
    }

    #[test]
    fn near_queries_parse_or_are_refused(
        text in "([a-z.]{1,5}( |=|<|>|<=|>=| EXISTS| CONTAINS )('[a-z]{0,3}'|[0-9.]{0,5}|TIME .{0,8}|DATE .{0,8})?( AND )?){0,5}",
    ) {
        let _ = Query::parse(&text);
    }

    #[test]
    fn numbers_order_as_numbers(a in any::<u64>(), b in any::<u64>()) {
        let (x, _) = Decimal::leading(&a.to_string()).unwrap();
        let (y, _) = Decimal::leading(&b.to_string()).unwrap();
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(x.as_u64(), Some(a));
    }
}
