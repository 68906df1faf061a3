//! One attribute that many are told by (mode `bloom`): a Bloom filter, by which each account sees whether it is meant, and a packet for
//! each that only it can read.
//!
//! Filter and packets are always full: what is missing is noise, so neither length nor bits tell how many were meant. Packets are
//! sorted: who finds its own does not learn how many were named before it. The filter is the standard's example for 16 accounts.

use cosmwasm_std::{
    Addr, Api, Attribute, Binary, CanonicalAddr, Env, StdError, StdResult, Storage,
};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};

use super::{is_first, seed, ID_BYTES, SECRET};

/// Accounts that one notification can tell: it has as many packets.
pub const PACKETS: usize = 16;
/// Bits of a filter: 2 to the power of [`SLICE_BITS`], so that each slice of the hash names one.
pub(super) const FILTER_BITS: usize = 1 << SLICE_BITS;
/// Bits that an id sets, or fewer where slices are the same.
pub(super) const FILTER_HASHES: usize = 15;
const SLICE_BITS: usize = 9;
/// Bytes of an id by which an account finds its packet; the rest of the id is the packet's key.
const PACKET_ID_BYTES: usize = 8;

/// A kind of notification to several accounts at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// What a packet holds; at most 24 bytes together, what an id has left for a key.
    pub members: &'static [Member],
}

/// A value of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub label: &'static str,
    /// How it is written: `uint64`, `bytes8`, …
    pub kind: &'static str,
    /// In how many bytes.
    pub bytes: usize,
    /// What it means.
    pub description: &'static str,
}

/// What a packet holds, before it is encrypted.
#[derive(Default)]
pub struct Packet(Vec<u8>);

/// A notification that is being written.
pub struct Pending {
    group: Group,
    filter: [u8; FILTER_BITS / 8],
    packets: Vec<Vec<u8>>,
}

impl Packet {
    /// An amount in 8 bytes (`uint64`). More than they can say is the most that they can: the client asks the contract then.
    #[must_use]
    pub fn amount(mut self, amount: u128) -> Self {
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        self.0.extend(amount.to_be_bytes());
        self
    }

    /// The last 8 bytes of an address (`bytes8`), by which a client knows an account that it has seen.
    #[must_use]
    pub fn address_end(mut self, address: &CanonicalAddr) -> Self {
        let start = address.len().saturating_sub(8);
        self.0.extend(&address[start..]);
        self
    }

    /// A number in one byte (`uint8`). More than it can say is the most that it can.
    #[must_use]
    pub fn byte(mut self, number: usize) -> Self {
        self.0.push(u8::try_from(number).unwrap_or(u8::MAX));
        self
    }
}

impl Group {
    /// Bytes of a packet, without its id.
    #[must_use]
    pub fn packet_bytes(&self) -> usize {
        self.members.iter().map(|member| member.bytes).sum()
    }

    /// A notification that tells nobody yet.
    #[must_use]
    pub fn begin(self) -> Pending {
        Pending {
            group: self,
            filter: [0; FILTER_BITS / 8],
            packets: Vec::new(),
        }
    }
}

impl Pending {
    /// Whether there is no packet left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.packets.len() == PACKETS
    }

    /// Tells an account. Nothing is written outside a transaction, and nothing if the account was told of this channel in this transaction
    /// already. Fails if the notification [is full](Self::is_full), or the packet is not of the group's form.
    pub fn tell(
        &mut self,
        storage: &mut dyn Storage,
        api: &dyn Api,
        env: &Env,
        account: &Addr,
        packet: Packet,
    ) -> StdResult<()> {
        if self.is_full() || packet.0.len() != self.group.packet_bytes() {
            return Err(StdError::generic_err("a packet that has no place"));
        }
        let Some(transaction) = &env.transaction else {
            return Ok(());
        };
        let (name, tx_hash) = (self.group.name, transaction.hash.as_str());
        if is_first(storage, name, account, tx_hash)? {
            let id = seed(storage, api, account)?.id(name, tx_hash)?;
            self.write(&id, &packet.0);
        }
        Ok(())
    }

    /// The attribute, filled with noise; none outside a transaction.
    pub fn finish(mut self, storage: &dyn Storage, env: &Env) -> StdResult<Option<Attribute>> {
        let Some(transaction) = &env.transaction else {
            return Ok(None);
        };
        let random = env.block.random.as_ref().map(Binary::as_slice);
        let mut noise = [0; PACKETS * ID_BYTES];
        Hkdf::<Sha256>::new(None, &SECRET.load(storage)?)
            // No two calls of a chain have the same random bytes. No address is as long, so this is no account's seed.
            .expand_multi_info(
                &[
                    b"group noise",
                    random.unwrap_or_default(),
                    transaction.hash.as_bytes(),
                    self.group.name.as_bytes(),
                ],
                &mut noise,
            )
            .map_err(|_| StdError::generic_err("no noise"))?;
        let nothing = vec![0; self.group.packet_bytes()];
        for id in noise.chunks(ID_BYTES).skip(self.packets.len()) {
            self.write(id, &nothing);
        }
        // Each begins with a part of an id, and ids are pseudorandom.
        self.packets.sort_unstable();
        let bytes = [self.filter.as_slice(), &self.packets.concat()].concat();
        let key = format!("snip52:#{}", self.group.name);
        let value = Binary(bytes).to_base64();
        Ok(Some(Attribute::new_plaintext(key, value)))
    }

    /// Sets the bits of an id, and adds the packet, encrypted with what the id has left.
    fn write(&mut self, id: &[u8], plaintext: &[u8]) {
        for bit in bits(id) {
            // Bit 0 is the rightmost.
            self.filter[FILTER_BITS / 8 - 1 - bit / 8] |= 1 << (bit % 8);
        }
        let (packet_id, key) = id.split_at(PACKET_ID_BYTES);
        let encrypted = plaintext.iter().zip(key).map(|(byte, key)| byte ^ key);
        self.packets
            .push(packet_id.iter().copied().chain(encrypted).collect());
    }
}

/// The bits of a filter that belong to an id: adjacent slices of its hash, from the leftmost bit on.
fn bits(id: &[u8]) -> impl Iterator<Item = usize> {
    let hash = Sha256::digest(id);
    let bit = move |at: usize| usize::from(hash[at / 8] >> (7 - at % 8) & 1);
    (0..FILTER_HASHES).map(move |slice| {
        (slice * SLICE_BITS..(slice + 1) * SLICE_BITS).fold(0, |n, at| n << 1 | bit(at))
    })
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::{mock_env, MockApi, MockStorage};

    use super::*;

    const GROUP: Group = Group {
        name: "many",
        members: &[
            Member {
                label: "amount",
                kind: "uint64",
                bytes: 8,
                description: "how many",
            },
            Member {
                label: "length",
                kind: "uint8",
                bytes: 1,
                description: "of the memo",
            },
        ],
    };

    struct Scene {
        storage: MockStorage,
        env: Env,
    }

    impl Scene {
        fn new() -> Self {
            let mut storage = MockStorage::new();
            super::super::begin(&mut storage, &mock_env(), b"entropy").unwrap();
            let env = mock_env();
            Scene { storage, env }
        }

        fn id(&self, account: &str) -> Binary {
            let account = Addr::unchecked(account);
            let seed = seed(&self.storage, &MockApi::default(), &account).unwrap();
            seed.id("many", &self.env.transaction.as_ref().unwrap().hash)
                .unwrap()
        }

        fn told(&mut self, accounts: &[String]) -> Vec<u8> {
            let mut pending = GROUP.begin();
            for (at, account) in accounts.iter().enumerate() {
                let packet = Packet::default().amount(5 + at as u128).byte(300);
                let account = Addr::unchecked(account);
                let api = MockApi::default();
                pending
                    .tell(&mut self.storage, &api, &self.env, &account, packet)
                    .unwrap();
            }
            let attribute = pending.finish(&self.storage, &self.env).unwrap().unwrap();
            assert_eq!(
                (attribute.key.as_str(), attribute.encrypted),
                ("snip52:#many", false)
            );
            Binary::from_base64(&attribute.value).unwrap().0
        }
    }

    /// As a client looks for itself: in the filter, then among the packets.
    fn found(bytes: &[u8], id: &[u8]) -> Option<Vec<u8>> {
        let (filter, packets) = bytes.split_at(FILTER_BITS / 8);
        let is_set = |bit: usize| filter[63 - bit / 8] >> (bit % 8) & 1 == 1;
        if !bits(id).all(is_set) {
            return None;
        }
        let mut packets = packets.chunks(PACKET_ID_BYTES + GROUP.packet_bytes());
        let mine = packets.find(|packet| packet[..8] == id[..8])?;
        let (data, key) = (&mine[8..], &id[8..]);
        Some(data.iter().zip(key).map(|(a, b)| a ^ b).collect())
    }

    fn names(count: usize) -> Vec<String> {
        (0..count)
            .map(|number| format!("account{number}"))
            .collect()
    }

    #[test]
    fn each_account_finds_its_packet_and_others_none() {
        let mut s = Scene::new();
        let bytes = s.told(&names(PACKETS));
        for (at, name) in names(PACKETS).iter().enumerate() {
            let packet = found(&bytes, &s.id(name)).unwrap();
            assert_eq!(packet, [0, 0, 0, 0, 0, 0, 0, 5 + at as u8, 255]);
        }
        assert_eq!(found(&bytes, &s.id("somebody")), None);
    }

    #[test]
    fn slices_are_read_from_the_left_and_bit_0_is_the_rightmost() {
        // SHA-256 of nothing begins with e3 b0 c4 42 98: 111000111 011000011 000100010 000101001 …
        let expected = [0b1_1100_0111, 0b0_1100_0011, 0b0_0010_0010, 0b0_0010_1001];
        let all: Vec<usize> = bits(b"").collect();
        assert_eq!((&all[..4], all.len()), (&expected[..], FILTER_HASHES));
        let mut pending = GROUP.begin();
        pending.filter = [0; 64];
        pending.write(&[0; ID_BYTES], &[0; 9]);
        let set = pending
            .filter
            .iter()
            .map(|byte| byte.count_ones())
            .sum::<u32>();
        assert!((1..=15).contains(&set));
    }

    #[test]
    fn neither_length_nor_bits_tell_how_many_were_meant() {
        let weigh = |bytes: &[u8]| {
            bytes[..64]
                .iter()
                .map(|byte| byte.count_ones())
                .sum::<u32>()
        };
        for count in [0, 1, PACKETS] {
            let bytes = Scene::new().told(&names(count));
            assert_eq!(bytes.len(), 64 + PACKETS * (8 + 9));
            // 16 times 15 of 512 bits: about 192 of them are set.
            assert!(
                (160..230).contains(&weigh(&bytes)),
                "{count}: {}",
                weigh(&bytes)
            );
        }
    }

    #[test]
    fn the_place_of_a_packet_does_not_tell_who_was_named_first() {
        for count in [2, PACKETS] {
            let bytes = Scene::new().told(&names(count));
            let packets: Vec<&[u8]> = bytes[64..].chunks(17).collect();
            assert!(packets.is_sorted(), "{count}");
        }
    }

    #[test]
    fn an_account_is_told_once_in_a_transaction_and_noise_never_comes_again() {
        let mut s = Scene::new();
        let first = s.told(&names(1));
        let id = s.id("account0");
        assert!(found(&first, &id).is_some());
        s.env.block.random = Some(Binary(vec![9; 32]));
        let second = s.told(&names(1));
        assert_eq!(found(&second, &id), None, "key and nonce would come again");
        let packets =
            |bytes: &[u8]| -> Vec<Vec<u8>> { bytes[64..].chunks(17).map(<[u8]>::to_vec).collect() };
        let before = packets(&first);
        assert!(packets(&second)
            .iter()
            .all(|packet| !before.contains(packet)));
    }

    #[test]
    fn what_has_no_place_is_refused_and_outside_a_transaction_nobody_is_told() {
        let mut s = Scene::new();
        let (api, account) = (MockApi::default(), Addr::unchecked("account"));
        let mut pending = GROUP.begin();
        let short = Packet::default().amount(1);
        assert!(pending
            .tell(&mut s.storage, &api, &s.env, &account, short)
            .is_err());
        pending.packets = vec![Vec::new(); PACKETS];
        let packet = Packet::default().amount(1).byte(0);
        assert!(pending
            .tell(&mut s.storage, &api, &s.env, &account, packet)
            .is_err());
        s.env.transaction = None;
        let mut pending = GROUP.begin();
        let packet = Packet::default().amount(1).byte(0);
        pending
            .tell(&mut s.storage, &api, &s.env, &account, packet)
            .unwrap();
        assert_eq!(pending.finish(&s.storage, &s.env).unwrap(), None);
    }
}
