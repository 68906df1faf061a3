//! The public test accounts of a local network (wire.md section 5). **Never use them elsewhere.**

/// A public test account.
#[derive(Clone, Copy, Debug)]
pub struct LocalAccount {
    /// Its name in tools.
    pub name: &'static str,
    /// Its address.
    pub address: &'static str,
    /// Its compressed public key, base64.
    pub public_key: &'static str,
    /// Its mnemonic: public knowledge.
    pub mnemonic: &'static str,
}

/// The five accounts, in the order of their account numbers.
pub const ACCOUNTS: [LocalAccount; 5] = [
    LocalAccount {
        name: "validator",
        address: "secret14aj08vd2ntty7dvskdmdu4zhf23mcwgtute8dz",
        public_key: "A/65YgnkabVwuTXgvwAjDkui0heU3JmF9cEus7NX6FwN",
        mnemonic: "push certain add next grape invite tobacco bubble text romance again lava crater pill genius \
                   vital fresh guard great patch knee series era tonight",
    },
    LocalAccount {
        name: "a",
        address: "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03",
        public_key: "A07oJJ9n4TYTnD7ZStYyiPbB3kXOZvqIMkchGmmPRAzf",
        mnemonic: "grant rice replace explain federal release fix clever romance raise often wild taxi quarter \
                   soccer fiber love must tape steak together observe swap guitar",
    },
    LocalAccount {
        name: "b",
        address: "secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne",
        public_key: "AgGQoJ1UiOfUW1PKCAnoYS+JM9efvuIUTjjmFO7/Y+MZ",
        mnemonic: "jelly shadow frog dirt dragon use armed praise universe win jungle close inmate rain oil canvas \
                   beauty pioneer chef soccer icon dizzy thunder meadow",
    },
    LocalAccount {
        name: "c",
        address: "secret1ajz54hz8azwuy34qwy9fkjnfcrvf0dzswy0lqq",
        public_key: "AvK5BGEsO3kikflW0NlfV9cdVJcxVJgLh7tgh4TGS3Cg",
        mnemonic: "chair love bleak wonder skirt permit say assist aunt credit roast size obtain minute throw sand \
                   usual age smart exact enough room shadow charge",
    },
    LocalAccount {
        name: "d",
        address: "secret1ldjxljw7v4vk6zhyduywh04hpj0jdwxsmrlatf",
        public_key: "AzBzrKqSZp3YXMzITB8ZAqYysO0YCjtV/8d0NQ1fnT8z",
        mnemonic: "word twist toast cloth movie predict advance crumble escape whale sail such angry muffin balcony \
                   keen move employ cook valve hurt glimpse breeze brick",
    },
];

/// The account with this name.
#[must_use]
pub fn account(name: &str) -> Option<&'static LocalAccount> {
    ACCOUNTS.iter().find(|a| a.name == name)
}
