package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"sync"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

// app is the small ABCI 2.0 application of the recordings. A transaction is words with spaces; the README of the
// recordings lists them. Its answers are odd on purpose: they show how CometBFT prints what is rare.
//
// It lives in the recorder, so it outlasts a restart of its node, as an application with a disk would.
type app struct {
	mu sync.Mutex
	// initialHash: InitChain answers with an app hash. Without it the first app hash is empty.
	initialHash bool
	// refuses: ProcessProposal rejects what is proposed for this height.
	refuses int64

	values     map[string]string
	hash       []byte
	height     int64
	appVersion uint64
	retain     int64
	// decided is what the last FinalizeBlock left, in force from Commit on.
	decided struct {
		hash   []byte
		height int64
	}
}

func newApp(initialHash bool) *app {
	return &app{initialHash: initialHash, values: map[string]string{}, appVersion: 1}
}

// committed is the height of the last Commit.
func (a *app) committed() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.height
}

// handle answers one request; nil for a method that the recordings do not have.
func (a *app) handle(request *abci.Request) *abci.Response {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r := request.Value.(type) {
	case *abci.Request_Echo:
		return abci.ToResponseEcho(r.Echo.Message)
	case *abci.Request_Flush:
		return abci.ToResponseFlush()
	case *abci.Request_Info:
		return abci.ToResponseInfo(&abci.ResponseInfo{
			Data: "golden", Version: "1.0.0", AppVersion: a.appVersion,
			LastBlockHeight: a.height, LastBlockAppHash: a.hash,
		})
	case *abci.Request_InitChain:
		response := &abci.ResponseInitChain{}
		if a.initialHash {
			hash := sha256.Sum256([]byte(r.InitChain.ChainId))
			a.hash = hash[:]
			response.AppHash = a.hash
		}
		return abci.ToResponseInitChain(response)
	case *abci.Request_Query:
		return abci.ToResponseQuery(a.query(r.Query))
	case *abci.Request_CheckTx:
		return abci.ToResponseCheckTx(checkTx(r.CheckTx.Tx))
	case *abci.Request_PrepareProposal:
		return abci.ToResponsePrepareProposal(&abci.ResponsePrepareProposal{Txs: r.PrepareProposal.Txs})
	case *abci.Request_ProcessProposal:
		status := abci.ResponseProcessProposal_ACCEPT
		if r.ProcessProposal.Height == a.refuses {
			status = abci.ResponseProcessProposal_REJECT
		}
		return abci.ToResponseProcessProposal(&abci.ResponseProcessProposal{Status: status})
	case *abci.Request_FinalizeBlock:
		return abci.ToResponseFinalizeBlock(a.finalizeBlock(r.FinalizeBlock))
	case *abci.Request_Commit:
		a.hash, a.height = a.decided.hash, a.decided.height
		return abci.ToResponseCommit(&abci.ResponseCommit{RetainHeight: a.retain})
	}
	return nil
}

func (a *app) query(q *abci.RequestQuery) *abci.ResponseQuery {
	if q.Path != "/key" && q.Path != "" {
		return &abci.ResponseQuery{Code: 6, Log: "unknown query path: " + q.Path, Codespace: "sdk"}
	}
	// No history is kept: any height is answered with the present value.
	height := q.Height
	if height == 0 {
		height = a.height
	}
	value, found := a.values[string(q.Data)]
	if !found {
		return &abci.ResponseQuery{
			Code: 4, Log: "no such key", Info: "query info", Key: q.Data, Height: height, Codespace: "golden",
		}
	}
	response := &abci.ResponseQuery{Log: "found", Index: 2, Key: q.Data, Value: []byte(value), Height: height}
	if q.Prove {
		response.ProofOps = proofOps(q.Data)
	}
	return response
}

func checkTx(tx []byte) *abci.ResponseCheckTx {
	switch word, _, _ := strings.Cut(string(tx), " "); word {
	case "set", "fail", "empty", "full", "bin", "move", "big", "val", "param", "retain":
		return &abci.ResponseCheckTx{GasWanted: int64(len(tx))}
	case "reject":
		return &abci.ResponseCheckTx{
			Code: 9, Data: []byte{0, 1}, Log: "rejected on purpose: <&>", Info: "check info",
			GasWanted: 7, GasUsed: 3, Codespace: "golden",
			Events: []abci.Event{event("checked", shown("word", "reject"))},
		}
	}
	return &abci.ResponseCheckTx{Code: 1, Log: "unknown word", Codespace: "golden"}
}

func (a *app) finalizeBlock(block *abci.RequestFinalizeBlock) *abci.ResponseFinalizeBlock {
	response := &abci.ResponseFinalizeBlock{}
	if block.Height%2 == 0 {
		response.Events = append(response.Events,
			event("beat", shown("parity", "even"), shown("n", strconv.FormatInt(block.Height, 10))))
	}
	for _, m := range block.Misbehavior {
		response.Events = append(response.Events,
			event("misbehavior", shown("type", strconv.Itoa(int(m.Type)))))
	}
	hash := a.hash
	if len(block.Txs) > 0 {
		all := bytes.Clone(a.hash)
		for _, tx := range block.Txs {
			response.TxResults = append(response.TxResults, a.execute(tx, response))
			one := sha256.Sum256(tx)
			all = append(all, one[:]...)
		}
		sum := sha256.Sum256(all)
		hash = sum[:]
	}
	a.decided.hash, a.decided.height = hash, block.Height
	response.AppHash = hash
	return response
}

// execute runs one transaction; updates of validators and parameters go into the answer of the block.
func (a *app) execute(tx []byte, block *abci.ResponseFinalizeBlock) *abci.ExecTxResult {
	words := strings.SplitN(string(tx), " ", 4)
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(word(i), 10, 64)
		return n
	}
	size := int64(len(tx))
	switch word(0) {
	case "set":
		a.values[word(1)] = word(2)
		return &abci.ExecTxResult{
			Data: []byte(word(2)), Log: "stored", GasWanted: size, GasUsed: size / 2,
			Events: []abci.Event{event("set", shown("key", word(1)), hidden("value", word(2)))},
		}
	case "fail":
		return &abci.ExecTxResult{
			Code: uint32(number(1)), Data: []byte{0x0B, 0xAD}, Info: "why", GasWanted: 200, GasUsed: 150,
			Log: "failed <on> \"purpose\" & noted: größe ☃\n", Codespace: "golden",
			Events: []abci.Event{event("failed", shown("code", word(1)))},
		}
	case "full":
		return fullResult()
	case "bin":
		return &abci.ExecTxResult{
			Data: []byte{0xFF, 0x00, 0xFE}, Log: "\xff\xfelog", GasWanted: 5, GasUsed: 5,
			Events: []abci.Event{event("bin", hidden("raw", "\xc3("))},
		}
	case "move":
		return &abci.ExecTxResult{GasWanted: 80_000, GasUsed: 61_234, Events: []abci.Event{
			event("transfer", shown("sender", word(1)), shown("recipient", word(2)), shown("amount", word(3))),
			event("transfer", shown("note", "second event of one type")),
		}}
	case "big":
		return &abci.ExecTxResult{GasWanted: -1, GasUsed: size}
	case "val":
		key, _ := hex.DecodeString(word(1))
		block.ValidatorUpdates = append(block.ValidatorUpdates, abci.UpdateValidator(key, number(2), "ed25519"))
		return &abci.ExecTxResult{GasUsed: 1, Events: []abci.Event{event("val", shown("power", word(2)))}}
	case "param":
		a.appVersion = uint64(number(3))
		block.ConsensusParamUpdates = &cmtproto.ConsensusParams{
			Block:   &cmtproto.BlockParams{MaxBytes: number(1), MaxGas: number(2)},
			Version: &cmtproto.VersionParams{App: a.appVersion},
		}
		return &abci.ExecTxResult{GasWanted: math.MaxInt64}
	case "retain":
		a.retain = number(1)
	}
	return &abci.ExecTxResult{} // `empty` and `retain`
}

// fullResult has a value in every field that a result without an error has, and events of every odd kind.
func fullResult() *abci.ExecTxResult {
	data := make([]byte, 256)
	for i := range data {
		data[i] = byte(i)
	}
	return &abci.ExecTxResult{
		Data: data, Log: `[{"msg_index":0,"events":[]}]`, Info: "all fields", GasWanted: 1000, GasUsed: 999,
		Events: []abci.Event{
			event("message", shown("action", "/golden.v1.MsgFull"), shown("sender", "alice"), shown("sender", "bob")),
			event("message", shown("module", "golden"), shown("quote", `it's <b>"x"</b> & é`)),
			event("plain"),
			event("", shown("key", "no type")),
			event("blank", shown("", "empty key"), shown("empty_value", ""), hidden("hidden", "not indexed")),
		},
	}
}

func event(kind string, attributes ...abci.EventAttribute) abci.Event {
	return abci.Event{Type: kind, Attributes: attributes}
}

// shown is an attribute for the search index, hidden one that is not.
func shown(key, value string) abci.EventAttribute {
	return abci.EventAttribute{Key: key, Value: value, Index: true}
}

func hidden(key, value string) abci.EventAttribute {
	return abci.EventAttribute{Key: key, Value: value}
}
