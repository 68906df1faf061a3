package main

import (
	"errors"
	"fmt"
	"time"

	cmtmath "github.com/cometbft/cometbft/libs/math"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/types"
)

const lightName = "four/light.json"

// lightFile is light.json: what CometBFT's light client says of pairs of recorded blocks.
type lightFile struct {
	About    string      `json:"about"`
	ChainID  string      `json:"chain_id"`
	Now      time.Time   `json:"now"`
	Trusting int         `json:"trusting_period_seconds"`
	Drift    int         `json:"max_clock_drift_seconds"`
	Pairs    []lightPair `json:"pairs"`
}

type lightPair struct {
	Trusted    int64   `json:"trusted_height"`
	Untrusted  int64   `json:"untrusted_height"`
	TrustLevel string  `json:"trust_level"`
	CometBFT   verdict `json:"cometbft"`
}

type verdict struct {
	Verdict string `json:"verdict"`
	Error   string `json:"error,omitempty"`
}

func (l lightFile) members() []member {
	return []member{
		{key: "about", value: l.About},
		{key: "chain_id", value: l.ChainID},
		{key: "now", value: l.Now},
		{key: "trusting_period_seconds", value: l.Trusting},
		{key: "max_clock_drift_seconds", value: l.Drift},
		{key: "pairs", value: l.Pairs, lines: true},
	}
}

// lightRules are what a verdict depends on beside the blocks.
type lightRules struct {
	chainID         string
	now             time.Time
	trusting, drift int // seconds
	trustLevel      string
}

// judge is the verdict of CometBFT's light client about one step: the untrusted block must hold together, and follow from
// the header and the next validators that are trusted.
func (r lightRules) judge(trusted, untrusted *types.LightBlock) (verdict, error) {
	var level cmtmath.Fraction
	if _, err := fmt.Sscanf(r.trustLevel, "%d/%d", &level.Numerator, &level.Denominator); err != nil {
		return verdict{}, fmt.Errorf("trust level %q: %w", r.trustLevel, err)
	}
	err := untrusted.ValidateBasic(r.chainID)
	if err == nil {
		err = light.Verify(trusted.SignedHeader, trusted.ValidatorSet, untrusted.SignedHeader, untrusted.ValidatorSet,
			time.Duration(r.trusting)*time.Second, r.now, time.Duration(r.drift)*time.Second, level)
	}
	var changed light.ErrNewValSetCantBeTrusted
	switch {
	case err == nil:
		return verdict{Verdict: "accept"}, nil
	case errors.As(err, &changed):
		return verdict{"not_enough_trust", err.Error()}, nil
	}
	return verdict{"reject", err.Error()}, nil
}

// lightBlocks gives the blocks of chain `four` as the light client takes them.
type lightBlocks struct {
	from  recording
	known map[int64]parsed
}

func (b lightBlocks) at(height int64) (parsed, error) {
	if p, found := b.known[height]; found {
		return p, nil
	}
	var file blockFile
	if err := b.from.decode(blockName("four", height), &file); err != nil {
		return parsed{}, err
	}
	p, err := file.parse()
	b.known[height] = p
	return p, err
}

// trusted is a header with the validators of the next height, untrusted one with its own.
func (p parsed) trusted() *types.LightBlock {
	return &types.LightBlock{SignedHeader: &p.commit.SignedHeader, ValidatorSet: p.next}
}

func (p parsed) untrusted() *types.LightBlock {
	return &types.LightBlock{SignedHeader: &p.commit.SignedHeader, ValidatorSet: p.validators}
}

// judged is the same pairs with the verdicts about the blocks of a recording.
func (l lightFile) judged(blocks lightBlocks) (lightFile, error) {
	pairs := append([]lightPair{}, l.Pairs...)
	for i := range pairs {
		pair := &pairs[i]
		trusted, err := blocks.at(pair.Trusted)
		if err != nil {
			return l, err
		}
		untrusted, err := blocks.at(pair.Untrusted)
		if err != nil {
			return l, err
		}
		rules := lightRules{l.ChainID, l.Now, l.Trusting, l.Drift, pair.TrustLevel}
		if pair.CometBFT, err = rules.judge(trusted.trusted(), untrusted.untrusted()); err != nil {
			return l, err
		}
	}
	l.Pairs = pairs
	return l, nil
}
