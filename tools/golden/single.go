package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
)

const (
	// singleRest is the height at which the chain rests while most of the RPC is recorded.
	singleRest = 20
	// evidenceHeight is where the WebSocket sessions begin and false and true evidence is sent.
	evidenceHeight = 9
	// sessionsPause and sessionsEnd, in seconds: the blocks after evidenceHeight are made between, and at the end the node has
	// sent its first ping (27 s). It would hang up at 30 s, for nobody answers that.
	sessionsPause = 20.0
	sessionsEnd   = 27.7
	// settled is how long the index and the mempool may take after a commit.
	settled = 500 * time.Millisecond
)

// errProposalWon: see broadcasts.
var errProposalWon = errors.New("the held proposal won over its own timeout")

// recorder makes recordings: `script` are the committed ones, which hold every request, `out` takes the new ones.
type recorder struct {
	script, out recording
	binary      string // CometBFT
	work        string // homes of the nodes
}

// single is chain `single`: one validator, every RPC method.
func (r recorder) single(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		err := r.singleOnce(ctx)
		if !errors.Is(err, errProposalWon) || attempt == 5 {
			return err
		}
		fmt.Println("single: the proposal that was held won over its timeout (one in four does): once more")
	}
}

func (r recorder) singleOnce(ctx context.Context) error {
	var base settings
	if err := r.script.decode("single/config/settings.json", &base); err != nil {
		return err
	}
	files, err := r.singleFiles()
	if err != nil {
		return err
	}
	n, err := newNode(r.binary, r.work+"/single", files, 0, 0, newApp(true))
	if err != nil {
		return err
	}
	defer n.end()

	for _, part := range []func(context.Context, *node, settings) error{r.atRest, r.withLimits, r.pruned} {
		if err := part(ctx, n, base); err != nil {
			return err
		}
		if err := n.stop(); err != nil {
			return err
		}
	}
	return r.out.write(abciName,
		member{key: "about", value: "ABCI 2.0 messages over the socket, without their length prefixes; flush and long messages left out"},
		member{key: "messages", value: n.abci.recorded(), lines: true})
}

// atRest makes the chain, records the RPC while nothing happens, then the broadcasts, and stops the node before a client.
func (r recorder) atRest(ctx context.Context, n *node, base settings) error {
	fmt.Println("single: blocks 1 to 20, WebSocket sessions, evidence")
	if err := n.start(ctx, "node0", base); err != nil {
		return err
	}
	blocks, err := r.singleBlocks(ctx, n)
	if err != nil {
		return err
	}
	fmt.Println("single: the RPC at rest")
	for _, name := range []string{"info", "blocks", "tx", "abci", "envelope", "http"} {
		if err := r.replay(n, "single/rpc/"+name, blocks.adapt); err != nil {
			return err
		}
	}
	if err := r.broadcasts(ctx, n); err != nil {
		return err
	}
	sessions, err := connectGroup(n.rpc, r.script, "node_stops")
	if err != nil {
		return err
	}
	if err := sessions.play(sessionsPause); err != nil {
		return err
	}
	time.Sleep(settled)
	if err := n.stop(); err != nil {
		return err
	}
	if err := sessions.waitClosed(); err != nil {
		return err
	}
	return sessions.finish(r.out)
}

func (r recorder) singleFiles() (files nodeFiles, err error) {
	for name, into := range map[string]*[]byte{
		"genesis": &files.genesis, "priv_validator_key": &files.validatorKey, "node_key": &files.nodeKey,
	} {
		if *into, err = r.script.read("single/config/" + name + ".json"); err != nil {
			return
		}
	}
	return
}

// replay records one document of exchanges.
func (r recorder) replay(n *node, name string, adapt *strings.Replacer) error {
	return r.replayWith(n, name, adapt, nothing, nothing)
}

func (r recorder) replayWith(n *node, name string, adapt *strings.Replacer, before, after func(string) error) error {
	var script exchanges
	if err := r.script.decode(name+".json", &script); err != nil {
		return err
	}
	again, err := script.replay(n.rpc, adapt, before, after)
	if err != nil {
		return fmt.Errorf("%s.json: %w", name, err)
	}
	return r.out.write(name+".json", again.members()...)
}

// recordedTxs are the transactions of a recorded block.
func (r recorder) recordedTxs(chain string, height int64) ([][]byte, error) {
	var file struct {
		Block struct {
			Block struct{ Data struct{ Txs [][]byte } }
		}
	}
	err := r.script.decode(blockName(chain, height), &file)
	return file.Block.Block.Data.Txs, err
}

// singleBlocks makes the chain up to its rest: the transactions of a recorded block are sent as soon as the block before
// is committed. At evidenceHeight the WebSocket sessions and the evidence come first.
func (r recorder) singleBlocks(ctx context.Context, n *node) (adaptation, error) {
	var sessions *wsGroup
	for height := int64(2); height <= singleRest; height++ {
		if err := n.waitCommitted(ctx, height-1); err != nil {
			return adaptation{}, err
		}
		if height == evidenceHeight {
			// The first subscriptions are there before this block is, the others after it.
			time.Sleep(300 * time.Millisecond)
			var err error
			sessions, err = connectGroup(n.rpc, r.script,
				"events", "steps", "more_steps", "tx_conditions", "errors", "limits", "idle")
			if err != nil {
				return adaptation{}, err
			}
			if err := sessions.play(sessionsPause); err != nil {
				return adaptation{}, err
			}
		}
		if height == evidenceHeight+1 {
			if err := r.evidence(n); err != nil {
				return adaptation{}, err
			}
		}
		txs, err := r.recordedTxs("single", height)
		if err != nil {
			return adaptation{}, err
		}
		for _, tx := range txs {
			if err := n.send(tx); err != nil {
				return adaptation{}, fmt.Errorf("transaction for height %d: %w", height, err)
			}
		}
	}
	if err := n.waitCommitted(ctx, singleRest); err != nil {
		return adaptation{}, err
	}
	if err := sessions.play(sessionsEnd); err != nil {
		return adaptation{}, err
	}
	sessions.sleepUntil(sessionsEnd)
	if err := sessions.finish(r.out); err != nil {
		return adaptation{}, err
	}
	return r.recordBlocks(n, "single", singleRest)
}

// recordBlocks writes blocks/ and finds what must change in recorded requests.
func (r recorder) recordBlocks(n *node, chain string, last int64) (adaptation, error) {
	var found adaptation
	for height := int64(1); height <= last; height++ {
		block, err := recordBlock(n, height)
		if err != nil {
			return found, err
		}
		if err := r.out.write(blockName(chain, height), block.members()...); err != nil {
			return found, err
		}
		var old blockFile
		if err := r.script.decode(blockName(chain, height), &old); err != nil {
			return found, err
		}
		if err := found.learn(old, block); err != nil {
			return found, err
		}
	}
	found.adapt = strings.NewReplacer(found.pairs...)
	return found, nil
}

// evidence sends the recorded evidence, which two votes of this run replace.
func (r recorder) evidence(n *node) error {
	var script exchanges
	if err := r.script.decode("single/rpc/evidence.json", &script); err != nil {
		return err
	}
	var text []byte
	for _, one := range script.Exchanges {
		if one.Name == "broadcast_evidence: good, POST" {
			text = []byte(*one.Request.Body)
		}
	}
	files, err := r.singleFiles()
	if err != nil {
		return err
	}
	adapt, err := signAgain(text, n, files)
	if err != nil {
		return err
	}
	return r.replay(n, "single/rpc/evidence", adapt)
}

// broadcasts records rpc/broadcast.json. The proposal is held back until one transaction was too late for its answer, so that
// the others wait in the mempool meanwhile. By then the round has timed out, and the next one proposes all of them. CometBFT
// takes timeout and proposal in any order: where the proposal is first, its block has one transaction, and heights differ.
func (r recorder) broadcasts(ctx context.Context, n *node) error {
	fmt.Println("single: broadcasts")
	release := n.abci.hold("prepare_proposal")
	defer release()
	checks := func() {}
	defer func() { checks() }()
	before := func(name string) error {
		switch name {
		case "broadcast_tx_async: good, POST":
			// An asynchronous answer is there before the transaction is checked: hold that, or it is a race.
			checks = n.abci.hold("check_tx")
		case "broadcast_tx_async: good, 0x, URI":
			// When the mempool is asked, all but this one are in it.
			checks()
			err := n.wait(ctx, "seven transactions in the mempool", time.Minute, n.waiting(7))
			checks = n.abci.hold("check_tx")
			return err
		case "broadcast_tx_commit: not in a block in time, POST":
			checks()
		}
		return nil
	}
	after := func(name string) error {
		if name != "broadcast_tx_commit: not in a block in time, POST" {
			return nil
		}
		release()
		if err := n.waitCommitted(ctx, singleRest+2); err != nil {
			return err
		}
		time.Sleep(settled)
		text, err := n.call("block", map[string]any{"height": fmt.Sprint(singleRest + 1)})
		if err != nil {
			return err
		}
		var block coretypes.ResultBlock
		if err := cmtjson.Unmarshal(text, &block); err != nil {
			return err
		}
		if len(block.Block.Txs) == 1 {
			return errProposalWon
		}
		return nil
	}
	if err := r.replayWith(n, "single/rpc/broadcast", strings.NewReplacer(), before, after); err != nil {
		return err
	}
	if err := n.waitCommitted(ctx, singleRest+6); err != nil {
		return err
	}
	time.Sleep(settled)
	return nil
}

// withLimits records a node with small limits, CORS for anyone and the unsafe methods.
func (r recorder) withLimits(ctx context.Context, n *node, base settings) error {
	fmt.Println("single: CORS, limits, unsafe methods")
	limits := settings{
		"rpc": {
			"cors_allowed_origins": []string{"*"}, "unsafe": true,
			"max_request_batch_size": 2, "max_subscription_clients": 2,
		},
		"mempool": {"size": 2},
	}
	if err := n.start(ctx, "node0", base.with(limits)); err != nil {
		return err
	}
	for _, name := range []string{"cors_any", "limits"} {
		if err := r.replay(n, "single/rpc/"+name, strings.NewReplacer()); err != nil {
			return err
		}
	}
	sessions, err := connectGroup(n.rpc, r.script, "client_1_of_2", "client_2_of_2", "client_3_of_2")
	if err != nil {
		return err
	}
	if err := sessions.play(sessionsPause); err != nil {
		return err
	}
	time.Sleep(settled)
	if err := sessions.finish(r.out); err != nil {
		return err
	}
	// Both transactions are in blocks before the mempool is emptied.
	if err := n.waitCommitted(ctx, singleRest+9); err != nil {
		return err
	}
	return r.replay(n, "single/rpc/unsafe", strings.NewReplacer())
}

// pruned records CORS for some, lets the application give up the lowest heights, and records what is left of them.
func (r recorder) pruned(ctx context.Context, n *node, base settings) error {
	fmt.Println("single: CORS for some, pruned heights")
	some := settings{"rpc": {"cors_allowed_origins": []string{"http://localhost:3000", "https://*.example.com"}}}
	if err := n.start(ctx, "node0", base.with(some)); err != nil {
		return err
	}
	if err := r.replay(n, "single/rpc/cors_some", strings.NewReplacer()); err != nil {
		return err
	}
	if err := n.send([]byte("retain 4")); err != nil {
		return err
	}
	if err := n.waitCommitted(ctx, singleRest+11); err != nil {
		return err
	}
	time.Sleep(2 * settled)
	return r.replay(n, "single/rpc/pruned", strings.NewReplacer())
}
