package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/types"
	"github.com/cosmos/gogoproto/proto"
)

const negativeName = "four/negative.json"

// negativeFile is negative.json: mutated blocks and what is to be said of them.
type negativeFile struct {
	About    string         `json:"about"`
	ChainID  string         `json:"chain_id"`
	Trusting int            `json:"trusting_period_seconds"`
	Drift    int            `json:"max_clock_drift_seconds"`
	Cases    []negativeCase `json:"cases"`
}

type negativeCase struct {
	Name           string          `json:"name"`
	What           string          `json:"what"`
	Trusted        int64           `json:"trusted_height"`
	Now            time.Time       `json:"now"`
	TrustLevel     string          `json:"trust_level"`
	Expected       string          `json:"expected"`
	CometBFT       verdict         `json:"cometbft"`
	TendermintRS   verdict         `json:"tendermint_rs"`
	SignedHeader   json.RawMessage `json:"signed_header"`
	Validators     json.RawMessage `json:"validators"`
	NextValidators json.RawMessage `json:"next_validators"`
	Proto          negativeProto   `json:"proto"`
}

type negativeProto struct {
	SignedHeader     []byte `json:"signed_header"`
	ValidatorSet     []byte `json:"validator_set"`
	NextValidatorSet []byte `json:"next_validator_set"`
}

func (n negativeFile) members() []member {
	return []member{
		{key: "about", value: n.About},
		{key: "chain_id", value: n.ChainID},
		{key: "trusting_period_seconds", value: n.Trusting},
		{key: "max_clock_drift_seconds", value: n.Drift},
		{key: "cases", value: n.Cases, lines: true},
	}
}

// forgery is a block that a mutation changes. Whoever forges knows all keys.
type forgery struct {
	header  *types.Header
	commit  *types.Commit
	vals    *types.ValidatorSet
	next    *types.ValidatorSet
	trusted *types.Header
	now     time.Time
	blocks  lightBlocks
	keys    map[string]crypto.PrivKey // by address
}

// madeAgain is the same cases, each mutation made of the blocks of a recording. What is expected, and what
// tendermint-light-client-verifier said, is kept.
func (n negativeFile) madeAgain(blocks lightBlocks, keys map[string]crypto.PrivKey, now time.Time) (negativeFile, error) {
	cases := slices.Clone(n.Cases)
	for i := range cases {
		if err := cases[i].makeAgain(n, blocks, keys, now); err != nil {
			return n, fmt.Errorf("%s: %w", cases[i].Name, err)
		}
	}
	n.Cases = cases
	return n, nil
}

func (c *negativeCase) makeAgain(n negativeFile, blocks lightBlocks, keys map[string]crypto.PrivKey, now time.Time) error {
	mutate, found := mutations[c.Name]
	if !found {
		return fmt.Errorf("no mutation of this name: add it to mutations.go")
	}
	base, err := blocks.at(mutate.height)
	if err != nil {
		return err
	}
	trusted, err := blocks.at(c.Trusted)
	if err != nil {
		return err
	}
	header, commit := *base.commit.Header, base.commit.Commit.Clone()
	f := &forgery{
		header: &header, commit: commit, vals: base.validators.Copy(), next: base.next.Copy(),
		trusted: trusted.commit.Header, now: now, blocks: blocks, keys: keys,
	}
	for i := range f.commit.Signatures {
		f.commit.Signatures[i].Signature = slices.Clone(f.commit.Signatures[i].Signature)
		f.commit.Signatures[i].ValidatorAddress = slices.Clone(f.commit.Signatures[i].ValidatorAddress)
	}
	if err := mutate.apply(f); err != nil {
		return err
	}
	c.Now = f.now
	untrusted := &types.LightBlock{
		SignedHeader: &types.SignedHeader{Header: f.header, Commit: f.commit}, ValidatorSet: f.vals,
	}
	rules := lightRules{n.ChainID, c.Now, n.Trusting, n.Drift, c.TrustLevel}
	if c.CometBFT, err = rules.judge(trusted.trusted(), untrusted); err != nil {
		return err
	}
	return c.encode(untrusted.SignedHeader, f.vals, f.next)
}

func (c *negativeCase) encode(header *types.SignedHeader, vals, next *types.ValidatorSet) (err error) {
	for _, form := range []struct {
		into  *json.RawMessage
		value any
	}{{&c.SignedHeader, header}, {&c.Validators, vals.Validators}, {&c.NextValidators, next.Validators}} {
		if *form.into, err = cmtjson.Marshal(form.value); err != nil {
			return err
		}
	}
	if c.Proto.SignedHeader, err = proto.Marshal(header.ToProto()); err != nil {
		return err
	}
	for _, form := range []struct {
		into *[]byte
		set  *types.ValidatorSet
	}{{&c.Proto.ValidatorSet, vals}, {&c.Proto.NextValidatorSet, next}} {
		message, err := form.set.ToProto()
		if err != nil {
			return err
		}
		if *form.into, err = proto.Marshal(message); err != nil {
			return err
		}
	}
	return nil
}

// follow sets the block id of the commit to the forged header.
func (f *forgery) follow() { f.commit.BlockID.Hash = f.header.Hash() }

// sign makes all signatures anew.
func (f *forgery) sign(chainID string) error {
	for i := range f.commit.Signatures {
		entry := &f.commit.Signatures[i]
		if entry.BlockIDFlag == types.BlockIDFlagAbsent {
			continue
		}
		key, found := f.keys[entry.ValidatorAddress.String()]
		if !found {
			return fmt.Errorf("no key of %s", entry.ValidatorAddress)
		}
		signature, err := key.Sign(f.commit.VoteSignBytes(chainID, int32(i)))
		if err != nil {
			return err
		}
		entry.Signature = signature
	}
	return nil
}

// signed is a forged header that all validators sign.
func (f *forgery) signed() error {
	f.follow()
	return f.sign(f.header.ChainID)
}

// absent removes votes.
func (f *forgery) absent(entries ...int) {
	for _, i := range entries {
		f.commit.Signatures[i] = types.NewCommitSigAbsent()
	}
}

// flagged is the first entry with a flag.
func (f *forgery) flagged(flag types.BlockIDFlag) (int, error) {
	for i, entry := range f.commit.Signatures {
		if entry.BlockIDFlag == flag {
			return i, nil
		}
	}
	return 0, fmt.Errorf("height %d has no vote with flag %d in this recording: record it again", f.header.Height, flag)
}

// takeOver makes the block that of other validators, consistent in itself.
func (f *forgery) takeOver(validators ...*types.Validator) error {
	proposer, at := validators[0].Address, f.commit.Signatures[0].Timestamp
	f.vals = types.NewValidatorSet(validators)
	f.next = f.vals.Copy()
	f.header.ValidatorsHash, f.header.NextValidatorsHash = f.vals.Hash(), f.vals.Hash()
	f.header.ProposerAddress = proposer
	f.commit.Signatures = nil
	for _, validator := range f.vals.Validators {
		f.commit.Signatures = append(f.commit.Signatures, types.CommitSig{
			BlockIDFlag: types.BlockIDFlagCommit, ValidatorAddress: validator.Address, Timestamp: at,
		})
	}
	return f.signed()
}

// stranger is a key that no recorded validator has.
func stranger(i int) crypto.PrivKey {
	return ed25519.GenPrivKeyFromSecret(fmt.Appendf(nil, "golden stranger %d", i))
}

func (f *forgery) stranger(i int, power int64) *types.Validator {
	key := stranger(i)
	f.keys[key.PubKey().Address().String()] = key
	return types.NewValidator(key.PubKey(), power)
}

// unreduced adds the order of the group to the scalar of a signature: the same point equation, not canonical.
func unreduced(signature []byte) {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	scalar := slices.Clone(signature[32:])
	slices.Reverse(scalar)
	sum := new(big.Int).Add(new(big.Int).SetBytes(scalar), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	copy(signature[32:], sum)
}

var forgedHash = sha256.Sum256([]byte("x"))

// fourKeys are the test keys of chain `four`.
func (r recording) fourKeys() (map[string]crypto.PrivKey, error) {
	keys := map[string]crypto.PrivKey{}
	names, err := r.names("four/config")
	for _, name := range names {
		if !strings.Contains(name, "/node") {
			continue
		}
		var files map[string]json.RawMessage
		if err := r.decode(name, &files); err != nil {
			return nil, err
		}
		var key privval.FilePVKey
		if err := cmtjson.Unmarshal(files["priv_validator_key.json"], &key); err != nil {
			return nil, err
		}
		keys[key.Address.String()] = key.PrivKey
	}
	return keys, err
}
