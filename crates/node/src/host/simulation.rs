//! Estimates of gas: here as far as no secrets are needed, the rest in the enclave where genesis lets it run calls for anybody.

use super::{At, Content, HostChain, busy, internal, not_served};
use crate::chain::ExecutionEnv;
use crate::chain::check::{Simulated, simulate, with_msg_responses};
use crate::chain::query::{QueryError, QueryStop};
use prost::Message as _;
use std::sync::Arc;
use strongroom_http::workers::Progress;
use strongroom_types::Height;
use strongroom_types::proto::cosmos::tx::v1beta1::SimulateResponse;

/// The height of the state that was asked, and the encoded answer.
type Answered = Result<(Height, Vec<u8>), QueryError>;

impl HostChain {
    /// Estimates the gas of a transaction at the newest height, after what waits in the mempool; of one with messages to contracts, where genesis
    /// lets the enclave run it, on the committed state alone: that is left to be done, and waits for its turn. Gives the height of the state, and an
    /// encoded `SimulateResponse`, or an error as `chain::check::simulate`.
    pub fn simulate(&self, tx: &[u8]) -> Progress<Answered> {
        let done = match self.simulate_here(tx) {
            Ok((height, Some(done))) => answer(height, done.into_response()),
            Ok((_, None)) => return Progress::Simulates(self.simulation(tx.to_vec())),
            Err(e) => Err(e),
        };
        Progress::Done(done)
    }

    fn simulation(&self, tx: Vec<u8>) -> Box<dyn FnOnce() -> Answered + Send> {
        let (enclave, gate) = (self.enclave.clone(), Arc::clone(&self.enclave_gate));
        Box::new(move || {
            // There each pass has a lane. It is no pass of the other gate: gas does not bound the time in which code is loaded.
            let _pass = gate.enter().map_err(busy)?;
            let (height, outcome) = enclave.simulate(tx).map_err(not_served)?;
            let response = SimulateResponse::decode(&*outcome?).map_err(|e| internal(&e))?;
            answer(height, response)
        })
    }

    fn simulate_here(&self, tx: &[u8]) -> Result<(Height, Option<Simulated>), QueryError> {
        let _pass = self.gate.enter().map_err(busy)?;
        // What waits is pending over this block and no other.
        let (block, pending) = {
            let pending = self.pending();
            (self.head(), pending.pending())
        };
        let view = self.state.view(block.height).map_err(|e| internal(&e))?;
        let content = Content(&self.content);
        let env = ExecutionEnv {
            code: &content,
            engine: &self.engine,
        };
        match simulate(&At(&view), pending, env, &block, tx) {
            Ok(done) => Ok((block.height, done)),
            Err(QueryStop::Error(e)) => Err(e),
            Err(QueryStop::Fault(fault)) => Err(internal(&fault)),
        }
    }
}

fn answer(height: Height, response: SimulateResponse) -> Answered {
    let response = with_msg_responses(response).map_err(|e| internal(&e))?;
    Ok((height, response.encode_to_vec()))
}
