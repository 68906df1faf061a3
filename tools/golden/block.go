package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	"github.com/cometbft/cometbft/types"
	"github.com/cosmos/gogoproto/proto"
	gogotypes "github.com/cosmos/gogoproto/types"
)

// blockFile is a document blocks/NNN.json: what the RPC says about a height, and what follows from it.
type blockFile struct {
	Height         int64           `json:"height"`
	Block          json.RawMessage `json:"block"`
	BlockResults   json.RawMessage `json:"block_results"`
	Commit         json.RawMessage `json:"commit"`
	Validators     json.RawMessage `json:"validators"`
	NextValidators json.RawMessage `json:"next_validators"`
	Params         json.RawMessage `json:"consensus_params"`
	derived
}

// derived is what CometBFT's own types make of the answers.
type derived struct {
	Proto     protoForms `json:"proto"`
	Hashes    hashes     `json:"hashes"`
	Leaves    leaves     `json:"leaves"`
	SignBytes []string   `json:"sign_bytes"`
}

// protoForms are protobuf messages (base64 in JSON).
type protoForms struct {
	Block            []byte `json:"block"`
	Header           []byte `json:"header"`
	BlockID          []byte `json:"block_id"`
	LastCommit       []byte `json:"last_commit"`
	EvidenceList     []byte `json:"evidence_list"`
	SignedHeader     []byte `json:"signed_header"`
	Commit           []byte `json:"commit"`
	ValidatorSet     []byte `json:"validator_set"`
	NextValidatorSet []byte `json:"next_validator_set"`
	ConsensusParams  []byte `json:"consensus_params"`
}

// hashes by name, in upper hex.
type hashes struct {
	Header             string `json:"header"`
	PartSetHeader      string `json:"part_set_header"`
	LastCommitHash     string `json:"last_commit_hash"`
	DataHash           string `json:"data_hash"`
	ValidatorsHash     string `json:"validators_hash"`
	NextValidatorsHash string `json:"next_validators_hash"`
	ConsensusHash      string `json:"consensus_hash"`
	AppHash            string `json:"app_hash"`
	LastResultsHash    string `json:"last_results_hash"`
	EvidenceHash       string `json:"evidence_hash"`
	ResultsOfThisBlock string `json:"results_of_this_block"`
	Commit             string `json:"commit"`
	PartSetTotal       uint32 `json:"part_set_total"`
}

// leaves are the bytes that go into each Merkle tree, in upper hex.
type leaves struct {
	Header             []string `json:"header"`
	Data               []string `json:"data"`
	Validators         []string `json:"validators"`
	ResultsOfThisBlock []string `json:"results_of_this_block"`
	Commit             []string `json:"commit"`
	Consensus          string   `json:"consensus"`
	PartSizes          []int    `json:"part_sizes"`
	Evidence           []string `json:"evidence"`
}

func blockName(chain string, height int64) string {
	return fmt.Sprintf("%s/blocks/%03d.json", chain, height)
}

func (b blockFile) members() []member {
	return []member{
		{key: "height", value: b.Height},
		{key: "block", value: b.Block},
		{key: "block_results", value: b.BlockResults},
		{key: "commit", value: b.Commit},
		{key: "validators", value: b.Validators},
		{key: "next_validators", value: b.NextValidators},
		{key: "consensus_params", value: b.Params},
		{key: "proto", value: b.Proto},
		{key: "hashes", value: b.Hashes},
		{key: "leaves", value: b.Leaves},
		{key: "sign_bytes", value: b.SignBytes},
	}
}

// recordBlock asks a node about one height. `block_results` may be an error, which is then kept: an application without an
// app hash makes CometBFT forget them.
func recordBlock(n *node, height int64) (blockFile, error) {
	b := blockFile{Height: height}
	for _, question := range []struct {
		method string
		height int64
		into   *json.RawMessage
	}{
		{"block", height, &b.Block},
		{"block_results", height, &b.BlockResults},
		{"commit", height, &b.Commit},
		{"validators", height, &b.Validators},
		{"validators", height + 1, &b.NextValidators},
		{"consensus_params", height, &b.Params},
	} {
		var err error
		*question.into, err = n.call(question.method,
			map[string]any{"height": strconv.FormatInt(question.height, 10)})
		var refused *rpcError
		if errors.As(err, &refused) && question.method == "block_results" {
			b.BlockResults = []byte(`{"error":` + string(refused.raw) + `}`)
		} else if err != nil {
			return b, fmt.Errorf("%s of height %d: %w", question.method, height, err)
		}
	}
	var err error
	b.derived, err = b.derive()
	return b, err
}

// parsed are the answers of the RPC as CometBFT's types.
type parsed struct {
	block            coretypes.ResultBlock
	results          coretypes.ResultBlockResults
	commit           coretypes.ResultCommit
	validators, next *types.ValidatorSet
	params           coretypes.ResultConsensusParams
}

func (b blockFile) parse() (p parsed, err error) {
	var validators, next coretypes.ResultValidators
	for _, part := range []struct {
		text json.RawMessage
		into any
	}{
		{b.Block, &p.block}, {b.BlockResults, &p.results}, {b.Commit, &p.commit},
		{b.Validators, &validators}, {b.NextValidators, &next}, {b.Params, &p.params},
	} {
		if err = cmtjson.Unmarshal(part.text, part.into); err != nil {
			return p, fmt.Errorf("height %d: %w", b.Height, err)
		}
	}
	if p.validators, err = types.ValidatorSetFromExistingValidators(validators.Validators); err != nil {
		return p, err
	}
	p.next, err = types.ValidatorSetFromExistingValidators(next.Validators)
	return p, err
}

// derive makes everything that follows from the answers of the RPC.
func (b blockFile) derive() (d derived, err error) {
	p, err := b.parse()
	if err != nil {
		return d, err
	}
	block, commit := p.block.Block, p.commit.Commit
	parts, err := block.MakePartSet(types.BlockPartSizeBytes)
	if err != nil {
		return d, err
	}
	if d.Proto, err = p.protoForms(); err != nil {
		return d, err
	}
	results := types.NewResults(p.results.TxsResults)
	d.Hashes = hashes{
		Header:             upper(block.Header.Hash()),
		PartSetHeader:      upper(parts.Header().Hash),
		LastCommitHash:     upper(block.LastCommit.Hash()),
		DataHash:           upper(block.Data.Hash()),
		ValidatorsHash:     upper(p.validators.Hash()),
		NextValidatorsHash: upper(p.next.Hash()),
		ConsensusHash:      upper(p.params.ConsensusParams.Hash()),
		AppHash:            upper(block.AppHash),
		LastResultsHash:    upper(block.LastResultsHash),
		EvidenceHash:       upper(block.Evidence.Evidence.Hash()),
		ResultsOfThisBlock: upper(results.Hash()),
		Commit:             upper(commit.Hash()),
		PartSetTotal:       parts.Total(),
	}
	if d.Leaves, err = p.leaves(parts, results); err != nil {
		return d, err
	}
	d.SignBytes = []string{}
	for i, signature := range commit.Signatures {
		signed := ""
		if signature.BlockIDFlag != types.BlockIDFlagAbsent {
			signed = upper(commit.VoteSignBytes(block.ChainID, int32(i)))
		}
		d.SignBytes = append(d.SignBytes, signed)
	}
	return d, nil
}

func (p parsed) protoForms() (f protoForms, err error) {
	block, err := p.block.Block.ToProto()
	if err != nil {
		return f, err
	}
	validators, err := p.validators.ToProto()
	if err != nil {
		return f, err
	}
	next, err := p.next.ToProto()
	if err != nil {
		return f, err
	}
	id, params := p.block.BlockID.ToProto(), p.params.ConsensusParams.ToProto()
	for _, form := range []struct {
		into    *[]byte
		message proto.Message
	}{
		{&f.Block, block}, {&f.Header, &block.Header}, {&f.BlockID, &id}, {&f.LastCommit, block.LastCommit},
		{&f.EvidenceList, &block.Evidence}, {&f.SignedHeader, p.commit.SignedHeader.ToProto()},
		{&f.Commit, p.commit.Commit.ToProto()}, {&f.ValidatorSet, validators}, {&f.NextValidatorSet, next},
		{&f.ConsensusParams, &params},
	} {
		if *form.into, err = proto.Marshal(form.message); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (p parsed) leaves(parts *types.PartSet, results types.ABCIResults) (l leaves, err error) {
	block := p.block.Block
	if l.Header, err = headerLeaves(&block.Header); err != nil {
		return l, err
	}
	l.Data, l.Validators, l.ResultsOfThisBlock = []string{}, []string{}, []string{}
	l.Commit, l.PartSizes, l.Evidence = []string{}, []int{}, []string{}
	for _, tx := range block.Txs {
		l.Data = append(l.Data, upper(tx.Hash()))
	}
	for _, validator := range p.validators.Validators {
		l.Validators = append(l.Validators, upper(validator.Bytes()))
	}
	for _, result := range results {
		if err := appendMessage(&l.ResultsOfThisBlock, (*abci.ExecTxResult)(result)); err != nil {
			return l, err
		}
	}
	for _, signature := range p.commit.Commit.Signatures {
		if err := appendMessage(&l.Commit, signature.ToProto()); err != nil {
			return l, err
		}
	}
	hashed, err := (&cmtproto.HashedParams{
		BlockMaxBytes: p.params.ConsensusParams.Block.MaxBytes, BlockMaxGas: p.params.ConsensusParams.Block.MaxGas,
	}).Marshal()
	l.Consensus = upper(hashed)
	for i := 0; i < int(parts.Total()); i++ {
		l.PartSizes = append(l.PartSizes, len(parts.GetPart(i).Bytes))
	}
	for _, evidence := range block.Evidence.Evidence {
		l.Evidence = append(l.Evidence, upper(evidence.Bytes()))
	}
	return l, err
}

// headerLeaves are the fields of a header as they go into its tree: messages as they are, plain values wrapped.
func headerLeaves(h *types.Header) ([]string, error) {
	lastBlockID := h.LastBlockID.ToProto()
	hash := func(value []byte) proto.Message { return &gogotypes.BytesValue{Value: value} }
	time, err := gogotypes.StdTimeMarshal(h.Time)
	if err != nil {
		return nil, err
	}
	version, out := h.Version, []string{}
	for _, message := range []proto.Message{
		&version, &gogotypes.StringValue{Value: h.ChainID}, &gogotypes.Int64Value{Value: h.Height}, nil,
		&lastBlockID, hash(h.LastCommitHash), hash(h.DataHash), hash(h.ValidatorsHash), hash(h.NextValidatorsHash),
		hash(h.ConsensusHash), hash(h.AppHash), hash(h.LastResultsHash), hash(h.EvidenceHash), hash(h.ProposerAddress),
	} {
		if message == nil {
			out = append(out, upper(time))
		} else if err := appendMessage(&out, message); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func appendMessage(out *[]string, message proto.Message) error {
	bytes, err := proto.Marshal(message)
	*out = append(*out, upper(bytes))
	return err
}

func upper(bytes []byte) string { return strings.ToUpper(hex.EncodeToString(bytes)) }
