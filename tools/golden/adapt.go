package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/privval"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	"github.com/cometbft/cometbft/types"
)

// adaptation is what stands in recorded requests and hangs on the time of a run: old and new texts in turn. The chain is the
// same chain, but its votes have real times, and so its blocks have other hashes.
type adaptation struct {
	pairs []string
	adapt *strings.Replacer
}

// learn pairs the hash of a recorded block with that of the new one, in the three forms in which requests have it.
func (a *adaptation) learn(old, new blockFile) error {
	var before, after coretypes.ResultBlock
	if err := cmtjson.Unmarshal(old.Block, &before); err != nil {
		return err
	}
	if err := cmtjson.Unmarshal(new.Block, &after); err != nil {
		return err
	}
	was, is := before.BlockID.Hash, after.BlockID.Hash
	a.pairs = append(a.pairs,
		upper(was), upper(is),
		hex.EncodeToString(was), hex.EncodeToString(is),
		base64.StdEncoding.EncodeToString(was), base64.StdEncoding.EncodeToString(is))
	return nil
}

// signAgain makes the votes of recorded evidence anew: same height and blocks, the time that this run gave to the height, and
// signatures by the test key. The result puts them in place of the old time and signatures in any request.
func signAgain(body []byte, n *node, files nodeFiles) (*strings.Replacer, error) {
	var request struct {
		Params struct{ Evidence json.RawMessage }
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	evidence, err := duplicateVotes(request.Params.Evidence)
	if err != nil {
		return nil, err
	}
	old := []string{
		evidence.Timestamp.Format(time.RFC3339Nano),
		base64.StdEncoding.EncodeToString(evidence.VoteA.Signature),
		base64.StdEncoding.EncodeToString(evidence.VoteB.Signature),
	}
	if err := evidenceOfRun(evidence, n, files); err != nil {
		return nil, err
	}
	return strings.NewReplacer(
		old[0], evidence.Timestamp.Format(time.RFC3339Nano),
		old[1], base64.StdEncoding.EncodeToString(evidence.VoteA.Signature),
		old[2], base64.StdEncoding.EncodeToString(evidence.VoteB.Signature),
	), nil
}

func duplicateVotes(text json.RawMessage) (*types.DuplicateVoteEvidence, error) {
	var recorded types.Evidence
	if err := cmtjson.Unmarshal(text, &recorded); err != nil {
		return nil, fmt.Errorf("recorded evidence: %w", err)
	}
	evidence, ok := recorded.(*types.DuplicateVoteEvidence)
	if !ok {
		return nil, fmt.Errorf("recorded evidence is %T", recorded)
	}
	return evidence, nil
}

// evidenceOfRun gives both votes the time of their height in this run and signs them.
func evidenceOfRun(evidence *types.DuplicateVoteEvidence, n *node, files nodeFiles) error {
	text, err := n.call("header", map[string]any{"height": fmt.Sprint(evidence.VoteA.Height)})
	if err != nil {
		return err
	}
	var header coretypes.ResultHeader
	if err := cmtjson.Unmarshal(text, &header); err != nil {
		return err
	}
	var key privval.FilePVKey
	if err := cmtjson.Unmarshal(files.validatorKey, &key); err != nil {
		return err
	}
	evidence.Timestamp = header.Header.Time
	for _, vote := range []*types.Vote{evidence.VoteA, evidence.VoteB} {
		vote.Timestamp = header.Header.Time
		signature, err := key.PrivKey.Sign(types.VoteSignBytes(header.Header.ChainID, vote.ToProto()))
		if err != nil {
			return err
		}
		vote.Signature = signature
	}
	return nil
}
