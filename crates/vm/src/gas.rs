//! The price of running, in wasm gas (1 SDK gas = 1,000). Normative text and reasons: `docs/spec/gas.md`; a test holds
//! the two against each other. Prices of storage and of loading code are the chain's, not here.
//!
//! Calibrated (`cargo run --release -p strongroom-vm --example calibrate`) so that 10^10 wasm gas of the worst class
//! take at most 1 s on the reference engine, and the worst class costs at most 3x the mean's time per gas.

use wasmparser::Operator;

/// Wasm gas in one SDK gas.
pub const WASM_GAS_PER_SDK_GAS: u64 = 1_000;

/// `end` and `else`: no engine executes anything there.
pub const FREE: u64 = 0;
/// Constants, locals, integer arithmetic, comparisons, integer conversions, `select`, `drop`, `nop`, `block`.
pub const SIMPLE: u64 = 20;
/// Loads, stores, global variables, `memory.size`.
pub const MEMORY: u64 = 40;
/// Integer division and remainder.
pub const DIVIDE: u64 = 80;
/// Floating-point arithmetic, comparisons and conversions.
pub const FLOAT: u64 = 80;
/// `if`, `br`, `br_if`, `return`, and each pass through the head of a `loop`: gas is checked behind each of them.
pub const BRANCH: u64 = 80;
/// `br_table`.
pub const BRANCH_TABLE: u64 = 100;
/// `call`: the frame, the depth check and the gas check of the callee.
pub const CALL: u64 = 500;
/// `call_indirect`: the same, and the check of the signature.
pub const CALL_INDIRECT: u64 = 600;
/// Per parameter and declared local, at each entry of a function: copied or zeroed.
pub const LOCAL: u64 = 10;
/// `memory.copy`, `memory.fill`: before the bytes.
pub const BULK: u64 = 400;
/// Per byte of `memory.copy` and `memory.fill`, charged before they run.
pub const BULK_BYTE: u64 = 1;
/// `memory.grow`: before the pages.
pub const GROW: u64 = 400;
/// Per page of `memory.grow`, charged before it runs, for up to 192 pages; a larger wish fails and costs nothing more.
pub const GROW_PAGE: u64 = 65_536;

/// Any call of an import that has no price of its own below.
pub const HOST_CALL: u64 = 5_000;
/// Per byte that an import copies out of or into the contract's memory.
pub const HOST_BYTE: u64 = 2;
/// Per byte that an import hashes (SHA-256, SHA-512).
pub const HASH_BYTE: u64 = 40;

// What follows is above the protocol's numbers (contract-abi.md section 5) where those would buy more than 1 s of work
// with 10^10 gas: 98,304 for a secp256k1 verification would buy 14 s.

/// `check_gas`, and the floor of `gas_evaporate`: the protocol's numbers (contract-abi.md section 5).
pub const CHECK_GAS: u64 = 8_192;
/// The least that `gas_evaporate` burns.
pub const GAS_EVAPORATE_MIN: u64 = 8_000;
/// `addr_canonicalize`, `addr_humanize`, `addr_validate`.
pub const ADDRESS: u64 = 16_384;
/// `secp256k1_verify`.
pub const SECP256K1_VERIFY: u64 = 1_500_000;
/// `secp256k1_recover_pubkey`.
pub const SECP256K1_RECOVER: u64 = 3_000_000;
/// `secp256k1_sign`.
pub const SECP256K1_SIGN: u64 = 1_750_000;
/// `secp256r1_verify`.
pub const SECP256R1_VERIFY: u64 = 3_000_000;
/// `secp256r1_recover_pubkey`.
pub const SECP256R1_RECOVER: u64 = 3_000_000;
/// `bls12_381_aggregate_g1`, per point.
pub const BLS12_381_AGGREGATE_G1_EACH: u64 = 2_000_000;
/// `bls12_381_aggregate_g2`, per point.
pub const BLS12_381_AGGREGATE_G2_EACH: u64 = 4_500_000;
/// `bls12_381_pairing_equality`, before the pairs: the right side and the exponentiation.
pub const BLS12_381_PAIRING: u64 = 24_000_000;
/// `bls12_381_pairing_equality`, per pair.
pub const BLS12_381_PAIRING_EACH: u64 = 11_000_000;
/// `bls12_381_hash_to_g1`, before the bytes.
pub const BLS12_381_HASH_TO_G1: u64 = 2_000_000;
/// `bls12_381_hash_to_g2`, before the bytes.
pub const BLS12_381_HASH_TO_G2: u64 = 7_500_000;
/// `ed25519_verify`.
pub const ED25519_VERIFY: u64 = 750_000;
/// `ed25519_batch_verify`, before the signatures.
pub const ED25519_BATCH: u64 = 5_000;
/// `ed25519_batch_verify`, per signature.
pub const ED25519_BATCH_EACH: u64 = 750_000;
/// `ed25519_sign`.
pub const ED25519_SIGN: u64 = 750_000;
/// `dcap_quote_verify`.
pub const DCAP_QUOTE_VERIFY: u64 = 100_000;

/// Every price, with the name it has in `docs/spec/gas.md`.
pub const TABLE: [(&str, u64); 38] = [
    ("free", FREE),
    ("simple", SIMPLE),
    ("memory", MEMORY),
    ("divide", DIVIDE),
    ("float", FLOAT),
    ("branch", BRANCH),
    ("branch table", BRANCH_TABLE),
    ("call", CALL),
    ("call indirect", CALL_INDIRECT),
    ("local", LOCAL),
    ("bulk", BULK),
    ("bulk byte", BULK_BYTE),
    ("grow", GROW),
    ("grow page", GROW_PAGE),
    ("host call", HOST_CALL),
    ("host byte", HOST_BYTE),
    ("hash byte", HASH_BYTE),
    ("check_gas", CHECK_GAS),
    ("gas_evaporate, at least", GAS_EVAPORATE_MIN),
    ("address", ADDRESS),
    ("secp256k1_verify", SECP256K1_VERIFY),
    ("secp256k1_recover_pubkey", SECP256K1_RECOVER),
    ("secp256k1_sign", SECP256K1_SIGN),
    ("secp256r1_verify", SECP256R1_VERIFY),
    ("secp256r1_recover_pubkey", SECP256R1_RECOVER),
    ("bls12_381_aggregate_g1, each", BLS12_381_AGGREGATE_G1_EACH),
    ("bls12_381_aggregate_g2, each", BLS12_381_AGGREGATE_G2_EACH),
    ("bls12_381_pairing_equality", BLS12_381_PAIRING),
    ("bls12_381_pairing_equality, each", BLS12_381_PAIRING_EACH),
    ("bls12_381_hash_to_g1", BLS12_381_HASH_TO_G1),
    ("bls12_381_hash_to_g2", BLS12_381_HASH_TO_G2),
    ("ed25519_verify", ED25519_VERIFY),
    ("ed25519_batch_verify", ED25519_BATCH),
    ("ed25519_batch_verify, each", ED25519_BATCH_EACH),
    ("ed25519_sign", ED25519_SIGN),
    ("dcap_quote_verify", DCAP_QUOTE_VERIFY),
    ("wasm gas in one SDK gas", WASM_GAS_PER_SDK_GAS),
    ("gas of one call, at most", crate::limits::CALL_GAS_MAX),
];

/// The price of executing `op` once, or `None` if we do not accept it. For `loop`, the price of one pass through its
/// head; parts by size (bytes, pages, locals) come on top.
#[must_use]
pub fn price(op: &Operator<'_>) -> Option<u64> {
    use Operator as O;
    Some(match op {
        O::End | O::Else => FREE,

        O::Nop
        | O::Block { .. }
        | O::Unreachable
        | O::Drop
        | O::Select
        | O::TypedSelect { .. }
        | O::LocalGet { .. }
        | O::LocalSet { .. }
        | O::LocalTee { .. }
        | O::I32Const { .. }
        | O::I64Const { .. }
        | O::F32Const { .. }
        | O::F64Const { .. } => SIMPLE,

        O::I32Eqz
        | O::I32Eq
        | O::I32Ne
        | O::I32LtS
        | O::I32LtU
        | O::I32GtS
        | O::I32GtU
        | O::I32LeS
        | O::I32LeU
        | O::I32GeS
        | O::I32GeU
        | O::I64Eqz
        | O::I64Eq
        | O::I64Ne
        | O::I64LtS
        | O::I64LtU
        | O::I64GtS
        | O::I64GtU
        | O::I64LeS
        | O::I64LeU
        | O::I64GeS
        | O::I64GeU
        | O::I32Clz
        | O::I32Ctz
        | O::I32Popcnt
        | O::I32Add
        | O::I32Sub
        | O::I32Mul
        | O::I32And
        | O::I32Or
        | O::I32Xor
        | O::I32Shl
        | O::I32ShrS
        | O::I32ShrU
        | O::I32Rotl
        | O::I32Rotr
        | O::I64Clz
        | O::I64Ctz
        | O::I64Popcnt
        | O::I64Add
        | O::I64Sub
        | O::I64Mul
        | O::I64And
        | O::I64Or
        | O::I64Xor
        | O::I64Shl
        | O::I64ShrS
        | O::I64ShrU
        | O::I64Rotl
        | O::I64Rotr
        | O::I32WrapI64
        | O::I64ExtendI32S
        | O::I64ExtendI32U
        | O::I32Extend8S
        | O::I32Extend16S
        | O::I64Extend8S
        | O::I64Extend16S
        | O::I64Extend32S
        | O::I32ReinterpretF32
        | O::I64ReinterpretF64
        | O::F32ReinterpretI32
        | O::F64ReinterpretI64 => SIMPLE,

        O::I32DivS
        | O::I32DivU
        | O::I32RemS
        | O::I32RemU
        | O::I64DivS
        | O::I64DivU
        | O::I64RemS
        | O::I64RemU => DIVIDE,

        O::I32Load { .. }
        | O::I64Load { .. }
        | O::F32Load { .. }
        | O::F64Load { .. }
        | O::I32Load8S { .. }
        | O::I32Load8U { .. }
        | O::I32Load16S { .. }
        | O::I32Load16U { .. }
        | O::I64Load8S { .. }
        | O::I64Load8U { .. }
        | O::I64Load16S { .. }
        | O::I64Load16U { .. }
        | O::I64Load32S { .. }
        | O::I64Load32U { .. }
        | O::I32Store { .. }
        | O::I64Store { .. }
        | O::F32Store { .. }
        | O::F64Store { .. }
        | O::I32Store8 { .. }
        | O::I32Store16 { .. }
        | O::I64Store8 { .. }
        | O::I64Store16 { .. }
        | O::I64Store32 { .. }
        | O::GlobalGet { .. }
        | O::GlobalSet { .. }
        | O::MemorySize { .. } => MEMORY,

        O::F32Eq
        | O::F32Ne
        | O::F32Lt
        | O::F32Gt
        | O::F32Le
        | O::F32Ge
        | O::F64Eq
        | O::F64Ne
        | O::F64Lt
        | O::F64Gt
        | O::F64Le
        | O::F64Ge
        | O::F32Abs
        | O::F32Neg
        | O::F32Ceil
        | O::F32Floor
        | O::F32Trunc
        | O::F32Nearest
        | O::F32Sqrt
        | O::F32Add
        | O::F32Sub
        | O::F32Mul
        | O::F32Div
        | O::F32Min
        | O::F32Max
        | O::F32Copysign
        | O::F64Abs
        | O::F64Neg
        | O::F64Ceil
        | O::F64Floor
        | O::F64Trunc
        | O::F64Nearest
        | O::F64Sqrt
        | O::F64Add
        | O::F64Sub
        | O::F64Mul
        | O::F64Div
        | O::F64Min
        | O::F64Max
        | O::F64Copysign
        | O::I32TruncF32S
        | O::I32TruncF32U
        | O::I32TruncF64S
        | O::I32TruncF64U
        | O::I64TruncF32S
        | O::I64TruncF32U
        | O::I64TruncF64S
        | O::I64TruncF64U
        | O::I32TruncSatF32S
        | O::I32TruncSatF32U
        | O::I32TruncSatF64S
        | O::I32TruncSatF64U
        | O::I64TruncSatF32S
        | O::I64TruncSatF32U
        | O::I64TruncSatF64S
        | O::I64TruncSatF64U
        | O::F32ConvertI32S
        | O::F32ConvertI32U
        | O::F32ConvertI64S
        | O::F32ConvertI64U
        | O::F32DemoteF64
        | O::F64ConvertI32S
        | O::F64ConvertI32U
        | O::F64ConvertI64S
        | O::F64ConvertI64U
        | O::F64PromoteF32 => FLOAT,

        O::Loop { .. } | O::If { .. } | O::Br { .. } | O::BrIf { .. } | O::Return => BRANCH,
        O::BrTable { .. } => BRANCH_TABLE,
        O::Call { .. } => CALL,
        O::CallIndirect { .. } => CALL_INDIRECT,
        O::MemoryCopy { .. } | O::MemoryFill { .. } => BULK,
        O::MemoryGrow { .. } => GROW,
        _ => return None,
    })
}
