//! The token through its entry points, as the chain calls it.

mod allowances;
mod notifications;
mod supply;
mod transfers;
mod views;

use cosmwasm_std::testing::{
    mock_dependencies, mock_env, mock_info, MockApi, MockQuerier, MockStorage,
};
use cosmwasm_std::{
    coins, from_binary, from_slice, BankMsg, Binary, CosmosMsg, OwnedDeps, Response, StdResult,
    WasmMsg,
};

use crate::msg::{ExecuteAnswer, ExecuteMsg, InstantiateMsg, QueryAnswer, QueryMsg};
use crate::{execute, instantiate, query};
use snip::padding::BLOCK;

/// A token with everything switched on: alice has 1000, admin administrates and mints.
struct Token {
    deps: OwnedDeps<MockStorage, MockApi, MockQuerier>,
    now: u64,
}

impl Token {
    fn new() -> Self {
        let mut deps = mock_dependencies();
        let config = r#"{"public_total_supply":true,"enable_deposit":true,"enable_redeem":true,
            "enable_mint":true,"enable_burn":true,"can_modify_denoms":true}"#;
        let msg = instantiate_msg(&format!(r#","config":{config}"#));
        instantiate(deps.as_mut(), mock_env(), mock_info("admin", &[]), msg).unwrap();
        Token { deps, now: 1_000 }
    }

    fn env(&self) -> cosmwasm_std::Env {
        let mut env = mock_env();
        env.block.time = cosmwasm_std::Timestamp::from_seconds(self.now);
        // As the chain writes it.
        let transaction = env.transaction.as_mut().unwrap();
        transaction.hash.make_ascii_uppercase();
        env
    }

    fn call_with(
        &mut self,
        who: &str,
        funds: &[cosmwasm_std::Coin],
        json: &str,
    ) -> StdResult<Response> {
        let msg: ExecuteMsg = from_slice(json.as_bytes()).unwrap();
        let env = self.env();
        execute(self.deps.as_mut(), env, mock_info(who, funds), msg)
    }

    fn call(&mut self, who: &str, json: &str) -> Response {
        self.call_with(who, &[], json).unwrap()
    }

    fn refused(&mut self, who: &str, json: &str) -> String {
        self.call_with(who, &[], json).unwrap_err().to_string()
    }

    fn ask(&self, json: &str) -> QueryAnswer {
        let msg: QueryMsg = from_slice(json.as_bytes()).unwrap();
        let answer = query(self.deps.as_ref(), self.env(), msg).unwrap();
        assert_eq!(
            answer.len() % BLOCK,
            0,
            "the length of an answer tells nothing"
        );
        from_binary(&answer).unwrap()
    }

    fn balance(&mut self, who: &str) -> u128 {
        self.call(who, r#"{"set_viewing_key":{"key":"k"}}"#);
        let ask = format!(r#"{{"balance":{{"address":"{who}","key":"k"}}}}"#);
        let QueryAnswer::Balance { amount } = self.ask(&ask) else {
            panic!("a balance was asked for");
        };
        amount.u128()
    }

    fn allowance(&mut self, owner: &str, spender: &str) -> u128 {
        self.call(owner, r#"{"set_viewing_key":{"key":"k"}}"#);
        let ask =
            format!(r#"{{"allowance":{{"owner":"{owner}","spender":"{spender}","key":"k"}}}}"#);
        let QueryAnswer::Allowance { allowance, .. } = self.ask(&ask) else {
            panic!("an allowance was asked for");
        };
        allowance.u128()
    }

    fn supply(&self) -> Option<u128> {
        let QueryAnswer::TokenInfo { total_supply, .. } = self.ask(r#"{"token_info":{}}"#) else {
            panic!("token info was asked for");
        };
        total_supply.map(|supply| supply.u128())
    }
}

fn instantiate_msg(more: &str) -> InstantiateMsg {
    let json = format!(
        r#"{{"name":"Secret Example","symbol":"SEXM","decimals":6,"prng_seed":"c2VlZA==",
        "initial_balances":[{{"address":"alice","amount":"1000"}}],"supported_denoms":["uscrt"]{more}}}"#
    );
    from_slice(json.as_bytes()).unwrap()
}

fn data(response: &Response) -> String {
    let data = response.data.as_ref().unwrap();
    assert_eq!(data.len() % BLOCK, 0);
    String::from_utf8(data.to_vec())
        .unwrap()
        .trim_end()
        .to_string()
}
