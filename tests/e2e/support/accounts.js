// The well-known accounts of a local network. Public test keys: never use them elsewhere.

export const ACCOUNTS = {
  validator: {
    address: "secret14aj08vd2ntty7dvskdmdu4zhf23mcwgtute8dz",
    mnemonic:
      "push certain add next grape invite tobacco bubble text romance again lava crater pill genius vital fresh guard great patch knee series era tonight",
  },
  a: {
    address: "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03",
    mnemonic:
      "grant rice replace explain federal release fix clever romance raise often wild taxi quarter soccer fiber love must tape steak together observe swap guitar",
  },
  b: {
    address: "secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne",
    mnemonic:
      "jelly shadow frog dirt dragon use armed praise universe win jungle close inmate rain oil canvas beauty pioneer chef soccer icon dizzy thunder meadow",
  },
  c: {
    address: "secret1ajz54hz8azwuy34qwy9fkjnfcrvf0dzswy0lqq",
    mnemonic:
      "chair love bleak wonder skirt permit say assist aunt credit roast size obtain minute throw sand usual age smart exact enough room shadow charge",
  },
  d: {
    address: "secret1ldjxljw7v4vk6zhyduywh04hpj0jdwxsmrlatf",
    mnemonic:
      "word twist toast cloth movie predict advance crumble escape whale sail such angry muffin balcony keen move employ cook valve hurt glimpse breeze brick",
  },
};

/** Given to each account by the genesis of a local network, in uscrt. */
export const GENESIS_BALANCE = 10n ** 18n;
