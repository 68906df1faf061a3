//! What admins and the authority say of contracts: mostly of their own, now and then of another's, of a code that is not there or
//! for another code.

use super::contracts::{Callee, Known, Language};
use super::messages::{bound, plain, recipient};
use super::rng::Rng;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use strongroom_chain::modules::compute::state::{CODE_CONTRACT, CODE_CONTRACTS, CODES, CONTRACTS};
use strongroom_chain::{BlockOutcome, Ctx};
use strongroom_sdk::message::Target as Binds;
use strongroom_types::proto::secret::compute::v1beta1::{
    MigrateContractInfo, MsgClearAdmin, MsgContractGovernanceProposal, MsgMigrateContract,
    MsgSetContractGovernance, MsgUpdateAdmin, MsgUpdateParams, Params, UpdateAdminInfo,
};
use strongroom_types::proto::{Any, pack};
use strongroom_types::{Address, Hash};

/// A code to which contracts migrate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) id: u64,
    pub(super) hash: Hash,
    pub(super) language: Language,
}

/// One message of `from`.
pub(super) fn message(rng: &mut Rng, known: &Known, from: &Address) -> Any {
    let contract = administered(rng, known, from).address.to_string();
    let sender = from.to_string();
    // The first user is the authority.
    let decides = known.users.first() == Some(from) && rng.once_in(2);
    match if decides { 3 } else { rng.below(12) } {
        0 => pack(&MsgUpdateAdmin {
            sender,
            new_admin: recipient(rng, known),
            contract,
            ..MsgUpdateAdmin::default()
        }),
        1 if rng.once_in(4) => pack(&MsgClearAdmin {
            sender,
            contract,
            ..MsgClearAdmin::default()
        }),
        2 if rng.once_in(4) => pack(&MsgSetContractGovernance {
            sender,
            contract_address: contract,
        }),
        3 | 4 => pack(&proposal(rng, known, from)),
        5 => pack(&MsgUpdateParams {
            authority: sender,
            params: Some(Params {
                compile_cost: rng.pick(&["800000000000000000", "0", "0.8", ""]).to_owned(),
                max_contract_size: rng.pick(&[2_097_152, 2_097_152, 300_000, 0, u64::MAX]),
            }),
        }),
        _ => pack(&migration(rng, known, sender, contract)),
    }
}

fn migration(rng: &mut Rng, known: &Known, sender: String, contract: String) -> MsgMigrateContract {
    let target = target(rng, known);
    let said = said(rng, known, target.language, 0);
    let code_id = id(rng, &target);
    let (from, to) = (sender.parse().ok(), contract.parse::<Address>().ok());
    let said = match (from, to) {
        (Some(from), Some(to)) => {
            let contract = to.as_bytes();
            bound(
                rng,
                known,
                &from,
                Binds::Migrate { contract, code_id },
                said,
            )
        }
        _ => said,
    };
    MsgMigrateContract {
        sender,
        contract,
        code_id,
        msg: known.seal(rng, &target.hash, &said),
        ..MsgMigrateContract::default()
    }
}

/// Several, so that one that is refused takes the others back.
fn proposal(rng: &mut Rng, known: &Known, from: &Address) -> MsgContractGovernanceProposal {
    let contracts = (0..rng.below(3)).map(|_| {
        let target = target(rng, known);
        MigrateContractInfo {
            address: administered(rng, known, from).address.to_string(),
            new_code_id: id(rng, &target),
        }
    });
    let contracts = contracts.collect();
    let admin_updates = (0..rng.below(3)).map(|_| UpdateAdminInfo {
        address: administered(rng, known, from).address.to_string(),
        new_admin: if rng.once_in(6) {
            String::new()
        } else {
            recipient(rng, known)
        },
    });
    let admin_updates = admin_updates.collect();
    MsgContractGovernanceProposal {
        authority: from.to_string(),
        title: "t".repeat(rng.below(100)),
        description: String::new(),
        contracts,
        admin_updates,
    }
}

/// The same as a contract says it.
pub(super) fn sub_message(rng: &mut Rng, known: &Known, depth: usize) -> String {
    let contract = known.callee(rng).address.to_string();
    match rng.below(6) {
        0 => json!({"wasm": {"update_admin": {
            "contract_addr": contract, "admin": recipient(rng, known),
        }}}),
        1 => json!({"wasm": {"clear_admin": {"contract_addr": contract}}}),
        _ => {
            let target = target(rng, known);
            let said = said(rng, known, target.language, depth);
            json!({"wasm": {"migrate": {
                "contract_addr": contract,
                "code_hash": hex::encode(target.hash),
                "code_id": id(rng, &target),
                "msg": STANDARD.encode(said),
            }}})
        }
    }
    .to_string()
}

/// Mostly a contract whose admin the sender is, if there is one.
fn administered(rng: &mut Rng, known: &Known, from: &Address) -> Callee {
    let own = known.callees.iter();
    let own: Vec<Callee> = own
        .filter(|c| c.admin.as_ref() == Some(from))
        .cloned()
        .collect();
    if own.is_empty() || rng.once_in(6) {
        known.callee(rng)
    } else {
        rng.pick(&own)
    }
}

fn target(rng: &mut Rng, known: &Known) -> Target {
    rng.pick(&known.targets)
}

fn id(rng: &mut Rng, target: &Target) -> u64 {
    if rng.once_in(15) {
        rng.below(9) as u64
    } else {
        target.id
    }
}

/// What `migrate` of a code is told.
fn said(rng: &mut Rng, known: &Known, language: Language, depth: usize) -> Vec<u8> {
    match language {
        Language::Puppet => plain(rng, known, language, depth + 1),
        Language::V010 | Language::Stock => b"{}".to_vec(),
        Language::Everything => plain(rng, known, language, depth + 1),
        Language::Probe | Language::Token => {
            let fail = rng.once_in(6).then_some("as asked");
            let said = json!({"note": "n".repeat(rng.below(50)), "fail": fail});
            said.to_string().into_bytes()
        }
    }
}

/// Contracts of users that are called, beside those that were there at first.
const CALLED_MAX: usize = 16;

impl Known {
    /// Lets contracts that were made be called: others end under a lock or without an admin. Of many the newest.
    pub(super) fn meet(&mut self, outcome: &BlockOutcome) {
        let good = outcome.tx_results.iter().filter(|result| result.code == 0);
        let made = good.flat_map(|result| &result.events);
        for event in made.filter(|event| event.kind == "instantiate") {
            let value = |key: &str| {
                let mut all = event.attributes.iter();
                all.find(|a| a.key == key).map(|a| a.value.as_str())
            };
            let address = value("contract_address").and_then(|a| a.parse().ok());
            let code_id = value("code_id").and_then(|id| id.parse::<u64>().ok());
            let code = self.targets.iter().find(|t| Some(t.id) == code_id);
            let (Some(address), Some(code)) = (address, code) else {
                continue;
            };
            if self.callees.len() >= self.first + CALLED_MAX {
                self.callees.remove(self.first);
            }
            self.callees.push(Callee {
                address,
                code_hash: code.hash,
                language: code.language,
                admin: None,
            });
        }
    }

    /// Looks again at the contracts after a block, and at the lists of the codes.
    ///
    /// # Panics
    /// If something does not hold that must.
    pub(super) fn look(&mut self, ctx: &mut Ctx<'_, '_>) {
        self.nodes.look(ctx);
        for callee in &mut self.callees {
            let record = CONTRACTS.get(ctx, &callee.address).expect("readable");
            let contract = record.expect("a contract").into_contract();
            let code = CODES.get(ctx, &contract.code_id).expect("readable");
            callee.code_hash = code.expect("a code").into_code().hash;
            let target = self.targets.iter().find(|t| t.hash == callee.code_hash);
            callee.language = target.map_or(callee.language, |t| t.language);
            callee.admin = contract.admin;
            let listed = CODE_CONTRACT.get(ctx, &(contract.code_id, contract.place));
            assert_eq!(
                listed.expect("readable").as_ref(),
                Some(&callee.address),
                "a contract is not where its record says"
            );
            let length = CODE_CONTRACTS.get(ctx, &contract.code_id);
            assert!(contract.place < length.expect("readable").expect("a list"));
        }
    }
}
