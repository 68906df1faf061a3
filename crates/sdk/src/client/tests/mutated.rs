//! Answers of REST with one member that is not what it was: each member of each answer in turn.

use super::proven::recorded;
use super::*;
use core::cell::RefCell;
use std::collections::HashMap;

/// Honest answers by path and body.
type Known = RefCell<HashMap<(String, Option<String>), Response>>;

/// A node of which one answer is changed in one place.
struct Mutated<'k, T> {
    node: T,
    known: &'k Known,
    /// Answers so far.
    answers: usize,
    /// The answer that is changed, the place of the member in it, and which of the changes of such a member.
    at: [usize; 3],
    /// Whether there was such a change.
    is_changed: bool,
}

impl<T: Transport> Transport for Mutated<'_, T> {
    async fn exchange(&mut self, request: Request) -> Result<Response, Error> {
        let key = (request.path.clone(), request.body.clone());
        let known = self.known.borrow().get(&key).cloned();
        let mut response = match known {
            Some(known) => known,
            None => self.node.exchange(request).await?,
        };
        self.known.borrow_mut().insert(key, response.clone());
        let [answer, member, change] = self.at;
        if self.answers == answer {
            let mut json = response.json().unwrap();
            let mut before = member;
            if let Some(found) = member_of(&mut json, &mut before)
                && let Some(value) = changes(found).into_iter().nth(change)
            {
                *found = value;
                self.is_changed = true;
            }
            response.body = json.to_string().into_bytes();
        }
        self.answers += 1;
        Ok(response)
    }

    fn now(&self) -> Timestamp {
        self.node.now()
    }

    async fn pause(&mut self, time: Duration) {
        self.node.pause(time).await;
    }
}

/// The member with so many before it.
fn member_of<'v>(json: &'v mut Value, before: &mut usize) -> Option<&'v mut Value> {
    let children: Vec<&mut Value> = match json {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => return None,
    };
    for child in children {
        match before.checked_sub(1) {
            None => return Some(child),
            Some(left) => *before = left,
        }
        if let Some(found) = member_of(child, before) {
            return Some(found);
        }
    }
    None
}

/// Other values in the place of this one: of its kind, and of others.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) if text.parse::<u64>().is_ok() => {
            vec![json!("1"), json!("11"), json!(7)]
        }
        Value::String(_) => vec![
            json!(""),
            json!(STANDARD.encode(b"3")),
            json!("BLOCK_ID_FLAG_NIL"),
        ],
        Value::Number(_) => vec![json!(5), json!(0), json!("0")],
        Value::Array(items) => vec![
            json!([]),
            json!(items.iter().rev().collect::<Vec<_>>()),
            Value::Null,
        ],
        _ => vec![Value::Null, json!({}), json!([1])],
    }
}

#[test]
fn no_change_of_an_answer_of_rest_changes_what_is_proven() {
    let mut judged = [0_usize; 2];
    for speaks in [Speaks::Ours, Speaks::Standard] {
        let known = Known::default();
        let ask = |at| {
            let (hash, answer) = recorded("12", |_, _| ());
            let mutated = Mutated {
                node: client_of(speaks, answer).transport,
                known: &known,
                answers: 0,
                at,
                is_changed: false,
            };
            let mut client = Client::new(mutated).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
            let included = ready(client.transaction(&hash));
            let Mutated {
                answers,
                is_changed,
                ..
            } = client.transport;
            (included, answers, is_changed)
        };
        let (honest, answers, _) = ask([usize::MAX, 0, 0]);
        let honest = honest.unwrap();
        assert_eq!(honest.proven, Proven::Result);
        for answer in 0..answers {
            'members: for member in 0.. {
                for change in 0..3 {
                    let (told, _, is_changed) = ask([answer, member, change]);
                    if !is_changed {
                        break 'members;
                    }
                    judged[usize::from(told.is_ok())] += 1;
                    let Ok(told) = told else { continue };
                    // Nobody proves texts and events.
                    let proven = |of: &Included| {
                        let result = &of.result;
                        let gas = (result.gas_wanted, result.gas_used);
                        (
                            of.height,
                            of.tx.clone(),
                            result.code,
                            result.data.clone(),
                            gas,
                        )
                    };
                    if told.proven == Proven::Result {
                        assert_eq!(
                            proven(&told),
                            proven(&honest),
                            "{speaks:?} {answer} {member} {change}"
                        );
                    }
                }
            }
        }
    }
    assert!(judged.iter().all(|n| *n > 100), "{judged:?}");
}
