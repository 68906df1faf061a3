//! Somebody who sends, with what is signed next.

use crate::chain::Chain;
use crate::user::User;
use strongroom_chain::Ctx;
use strongroom_chain::modules::auth;

pub(super) struct Sender {
    pub(super) user: User,
    pub(super) number: u64,
    pub(super) sequence: u64,
}

impl Sender {
    pub(super) fn of(chain: &Chain, user: User) -> Self {
        let (number, sequence) = chain.account(user.address()).expect("an account");
        Self {
            user,
            number,
            sequence,
        }
    }

    /// Takes the sequence from the state.
    pub(super) fn look(&mut self, ctx: &mut Ctx<'_, '_>) {
        let account = auth::keeper::account(ctx, self.user.address()).expect("readable");
        self.sequence = account.expect("an account").sequence;
    }
}
