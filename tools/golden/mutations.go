package main

import (
	"slices"
	"time"

	"github.com/cometbft/cometbft/types"
)

// mutation changes a block of one height. Most are of height 24, whose five validators all voted; 16 has an absent vote, 4 a
// nil vote.
type mutation struct {
	height int64
	apply  func(*forgery) error
}

// mutations by the name of their case.
var mutations = map[string]mutation{}

func init() {
	of := func(height int64, name string, apply func(*forgery) error) { mutations[name] = mutation{height, apply} }
	plain := func(height int64, name string, apply func(*forgery)) {
		of(height, name, func(f *forgery) error { apply(f); return nil })
	}
	unchanged := func(*forgery) {}
	plain(24, "unchanged, adjacent", unchanged)
	plain(24, "unchanged, skipping", unchanged)
	plain(16, "unchanged, one absent", unchanged)
	plain(4, "unchanged, one nil vote", unchanged)
	plain(24, "same height", unchanged)
	plain(24, "lower height", unchanged)
	plain(24, "trust level 1/1, set changed", unchanged)
	for field, forge := range headerForgeries {
		plain(24, "header "+field+" forged", func(f *forgery) { forge(f.header) })
		plain(24, "header "+field+" forged, commit's block id follows", func(f *forgery) { forge(f.header); f.follow() })
	}
	for name, forge := range commitForgeries {
		plain(24, name, func(f *forgery) { forge(f.commit) })
	}
	for name, forge := range validatorForgeries {
		plain(24, name, func(f *forgery) { f.vals.Validators = forge(f.vals.Validators) })
	}
	plain(24, "signatures removed, still above 2/3", func(f *forgery) { f.absent(4) })
	plain(24, "signatures removed, not above 2/3", func(f *forgery) { f.absent(3, 4) })
	plain(24, "skipping, trusted part enough but not 2/3", func(f *forgery) { f.absent(0, 3, 4) })
	plain(24, "all absent", func(f *forgery) { f.absent(0, 1, 2, 3, 4) })
	of(24, "commit of the next height", func(f *forgery) error {
		next, err := f.blocks.at(f.header.Height + 1)
		f.commit = next.commit.Commit
		return err
	})
	ofStrangers(of)
	ofVotes(of)
	signedByAll(of)
	ofTime(of)
}

// headerForgeries change one field of the header.
var headerForgeries = map[string]func(*types.Header){
	"version.block":             func(h *types.Header) { h.Version.Block = 12 },
	"version.app":               func(h *types.Header) { h.Version.App = 2 },
	"chain_id":                  func(h *types.Header) { h.ChainID = "golden-four-2" },
	"height":                    func(h *types.Header) { h.Height++ },
	"time":                      func(h *types.Header) { h.Time = h.Time.Add(1) },
	"last_block_id":             func(h *types.Header) { h.LastBlockID.Hash = flipped(h.LastBlockID.Hash) },
	"last_block_id.parts.total": func(h *types.Header) { h.LastBlockID.PartSetHeader.Total = 2 },
	"last_commit_hash":          func(h *types.Header) { h.LastCommitHash = flipped(h.LastCommitHash) },
	"data_hash":                 func(h *types.Header) { h.DataHash = flipped(h.DataHash) },
	"validators_hash":           func(h *types.Header) { h.ValidatorsHash = flipped(h.ValidatorsHash) },
	"next_validators_hash":      func(h *types.Header) { h.NextValidatorsHash = flipped(h.NextValidatorsHash) },
	"consensus_hash":            func(h *types.Header) { h.ConsensusHash = flipped(h.ConsensusHash) },
	"app_hash":                  func(h *types.Header) { h.AppHash = flipped(h.AppHash) },
	"app_hash emptied":          func(h *types.Header) { h.AppHash = nil },
	"last_results_hash":         func(h *types.Header) { h.LastResultsHash = flipped(h.LastResultsHash) },
	"evidence_hash":             func(h *types.Header) { h.EvidenceHash = flipped(h.EvidenceHash) },
	"proposer_address":          func(h *types.Header) { h.ProposerAddress = flipped(h.ProposerAddress) },
}

// commitForgeries change a commit whose votes are all for the block.
var commitForgeries = map[string]func(*types.Commit){
	"commit height off by one":     func(c *types.Commit) { c.Height++ },
	"commit round changed":         func(c *types.Commit) { c.Round++ },
	"commit block id hash changed": func(c *types.Commit) { c.BlockID.Hash = flipped(c.BlockID.Hash) },
	"commit parts hash changed": func(c *types.Commit) {
		c.BlockID.PartSetHeader.Hash = flipped(c.BlockID.PartSetHeader.Hash)
	},
	"commit parts total changed": func(c *types.Commit) { c.BlockID.PartSetHeader.Total++ },
	"commit block id empty":      func(c *types.Commit) { c.BlockID = types.BlockID{} },
	"no signatures":              func(c *types.Commit) { c.Signatures = nil },
	"one signature too few":      func(c *types.Commit) { c.Signatures = c.Signatures[:4] },
	"one signature too many":     func(c *types.Commit) { c.Signatures = append(c.Signatures, c.Signatures[4]) },
	"first signature broken":     func(c *types.Commit) { c.Signatures[0].Signature[0] ^= 1 },
	"last signature broken":      func(c *types.Commit) { c.Signatures[4].Signature[0] ^= 1 },
	"signature of zeros":         func(c *types.Commit) { clear(c.Signatures[0].Signature) },
	"signature cut short":        func(c *types.Commit) { c.Signatures[0].Signature = c.Signatures[0].Signature[:63] },
	"signature too long": func(c *types.Commit) {
		c.Signatures[0].Signature = append(c.Signatures[0].Signature, 0)
	},
	"signature empty":              func(c *types.Commit) { c.Signatures[0].Signature = nil },
	"signature scalar not reduced": func(c *types.Commit) { unreduced(c.Signatures[0].Signature) },
	"vote time changed":            func(c *types.Commit) { c.Signatures[0].Timestamp = c.Signatures[0].Timestamp.Add(1) },
	"vote address changed":         func(c *types.Commit) { c.Signatures[0].ValidatorAddress[0] ^= 1 },
	"absent entry that carries a signature": func(c *types.Commit) {
		c.Signatures[0].BlockIDFlag = types.BlockIDFlagAbsent
	},
	"flag unknown":                     func(c *types.Commit) { c.Signatures[0].BlockIDFlag = 4 },
	"flag zero":                        func(c *types.Commit) { c.Signatures[0].BlockIDFlag = 0 },
	"vote of one validator twice":      func(c *types.Commit) { c.Signatures[1] = c.Signatures[0] },
	"signature of one validator twice": func(c *types.Commit) { c.Signatures[1].Signature = c.Signatures[0].Signature },
	"signatures swapped": func(c *types.Commit) {
		s := c.Signatures
		s[0].Signature, s[1].Signature = s[1].Signature, s[0].Signature
	},
	"entries swapped": func(c *types.Commit) { c.Signatures[0], c.Signatures[1] = c.Signatures[1], c.Signatures[0] },
}

// validatorForgeries change the set that comes with the header.
var validatorForgeries = map[string]func([]*types.Validator) []*types.Validator{
	"validator replaced": func(v []*types.Validator) []*types.Validator {
		v[0].PubKey = stranger(0).PubKey()
		v[0].Address = v[0].PubKey.Address()
		return v
	},
	"validator address wrong": func(v []*types.Validator) []*types.Validator {
		v[0].Address = stranger(0).PubKey().Address()
		return v
	},
	"validator power changed":   withPower(func(power int64) int64 { return power + 1 }),
	"validator power zero":      withPower(func(int64) int64 { return 0 }),
	"validator power negative":  withPower(func(int64) int64 { return -1 }),
	"validator left out":        func(v []*types.Validator) []*types.Validator { return v[:4] },
	"validator twice":           func(v []*types.Validator) []*types.Validator { return append(v, v[0]) },
	"validators swapped":        func(v []*types.Validator) []*types.Validator { v[0], v[1] = v[1], v[0]; return v },
	"no validators":             func([]*types.Validator) []*types.Validator { return nil },
	"proposer priority changed": func(v []*types.Validator) []*types.Validator { v[0].ProposerPriority += 7; return v },
}

func withPower(change func(int64) int64) func([]*types.Validator) []*types.Validator {
	return func(v []*types.Validator) []*types.Validator {
		v[0].VotingPower = change(v[0].VotingPower)
		return v
	}
}

type register func(height int64, name string, apply func(*forgery) error)

// ofStrangers are blocks of validators that nobody knows, and sets of other heights.
func ofStrangers(of register) {
	three := func(f *forgery) error {
		return f.takeOver(f.stranger(1, 10), f.stranger(2, 10), f.stranger(3, 10))
	}
	of(24, "strangers, adjacent", three)
	of(24, "strangers, skipping", three)
	of(24, "stranger with one known validator, skipping", func(f *forgery) error {
		known := f.vals.Validators[0].Copy()
		known.ProposerPriority = 0
		return f.takeOver(f.stranger(0, 1000), known)
	})
	of(24, "validators of another height", func(f *forgery) error {
		other, err := f.blocks.at(1)
		f.vals = other.validators
		return err
	})
	of(24, "next validators of another height", func(f *forgery) error {
		other, err := f.blocks.at(1)
		f.next = other.validators
		return err
	})
}

// ofVotes are nil votes that say they are none, and the other way round.
func ofVotes(of register) {
	allNil := func(f *forgery) {
		for i := range f.commit.Signatures {
			if f.commit.Signatures[i].BlockIDFlag == types.BlockIDFlagCommit {
				f.commit.Signatures[i].BlockIDFlag = types.BlockIDFlagNil
			}
		}
	}
	of(16, "all votes nil, signatures as recorded", func(f *forgery) error { allNil(f); return nil })
	of(16, "all votes nil, signed so", func(f *forgery) error { allNil(f); return f.sign(f.header.ChainID) })
	of(4, "nil vote passed off as commit", func(f *forgery) error {
		i, err := f.flagged(types.BlockIDFlagNil)
		f.commit.Signatures[i].BlockIDFlag = types.BlockIDFlagCommit
		return err
	})
	of(4, "nil vote with a broken signature", func(f *forgery) error {
		i, err := f.flagged(types.BlockIDFlagNil)
		f.commit.Signatures[i].Signature[0] ^= 1
		return err
	})
	of(24, "signed for another chain", func(f *forgery) error { return f.sign("golden-four-2") })
}

// signedByAll are headers that all validators forge together.
func signedByAll(of register) {
	for name, forge := range map[string]func(*types.Header){
		"another chain, consistent":       headerForgeries["chain_id"],
		"next validators forged by all":   func(h *types.Header) { h.NextValidatorsHash = forgedHash[:] },
		"app hash forged by all":          func(h *types.Header) { h.AppHash = forgedHash[:] },
		"block version 12, signed by all": headerForgeries["version.block"],
	} {
		of(24, name, func(f *forgery) error { forge(f.header); return f.signed() })
	}
}

// ofTime are true blocks at another time, and forged times.
func ofTime(of register) {
	for name, at := range map[string]func(*forgery) time.Time{
		"time equal to the trusted one":             func(f *forgery) time.Time { return f.trusted.Time },
		"time before the trusted one":               func(f *forgery) time.Time { return f.trusted.Time.Add(-time.Second) },
		"time one nanosecond after the trusted one": func(f *forgery) time.Time { return f.trusted.Time.Add(1) },
		"time within clock drift":                   func(f *forgery) time.Time { return f.now.Add(9 * time.Second) },
		"time at the clock drift":                   func(f *forgery) time.Time { return f.now.Add(10 * time.Second) },
		"time beyond clock drift":                   func(f *forgery) time.Time { return f.now.Add(11 * time.Second) },
	} {
		of(24, name, func(f *forgery) error { f.header.Time = at(f); return f.signed() })
	}
	const trusting = 14 * 24 * time.Hour
	for name, early := range map[string]time.Duration{"trusting period just over": 0, "trusting period not quite over": 1} {
		of(24, name, func(f *forgery) error { f.now = f.trusted.Time.Add(trusting - early); return nil })
	}
}

// flipped is a copy with one bit changed.
func flipped(bytes []byte) []byte {
	copied := slices.Clone(bytes)
	copied[0] ^= 1
	return copied
}
