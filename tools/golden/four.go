package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/types"
)

const (
	// fourLast is the last height in blocks/; one more is waited for, so that its commit is final.
	fourLast = 32
	// firstPort: node i has RPC at firstPort + 10 i and P2P one above; the recorded settings name these.
	firstPort = 31101
	// At nilHeight one votes nil, at roundHeight round 0 has no proposal, from downFrom to downUntil one is down, and one signs
	// two votes for evidenceFor.
	nilHeight, roundHeight = 4, 6
	downFrom, downUntil    = 14, 19
	evidenceFor            = 21
	// Who. The nil voter prevotes in haste: its timeout_prevote is one millisecond.
	nilVoter, slow, late, down, cheat = 3, 2, 1, 1, 4
)

// fourNodes is chain `four`: five nodes, of which four are validators at first.
type fourNodes struct {
	recorder
	nodes    []*node
	files    []nodeFiles
	settings []settings
}

// four records chain `four`. Who votes nil and who is late is a matter of milliseconds: the recorder does what makes such heights
// likely, and the recording says what happened.
func (r recorder) four(ctx context.Context) error {
	f := &fourNodes{recorder: r}
	defer func() {
		for _, n := range f.nodes {
			n.end()
		}
	}()
	if err := f.start(ctx); err != nil {
		return err
	}
	fmt.Println("four: blocks 1 to 33")
	for height := int64(2); height <= fourLast; height++ {
		if err := f.nodes[0].waitCommitted(ctx, height-1); err != nil {
			return err
		}
		if err := f.before(ctx, height); err != nil {
			return fmt.Errorf("before height %d: %w", height, err)
		}
	}
	if err := f.nodes[0].waitCommitted(ctx, fourLast+1); err != nil {
		return err
	}
	if err := r.replay(f.nodes[0], "four/rpc", strings.NewReplacer()); err != nil {
		return err
	}
	if _, err := r.recordBlocks(f.nodes[0], "four", fourLast); err != nil {
		return err
	}
	return r.light()
}

// start starts all nodes at once: each waits for the others.
func (f *fourNodes) start(ctx context.Context) error {
	genesis, err := f.script.read("four/config/genesis.json")
	if err != nil {
		return err
	}
	var all map[string]settings
	if err := f.script.decode("four/config/settings.json", &all); err != nil {
		return err
	}
	for i := range 5 {
		var keys map[string]json.RawMessage
		if err := f.script.decode(fmt.Sprintf("four/config/node%d.json", i), &keys); err != nil {
			return err
		}
		files := nodeFiles{genesis, keys["priv_validator_key.json"], keys["node_key.json"]}
		port := firstPort + 10*i
		n, err := newNode(f.binary, filepath.Join(f.work, moniker(i)), files, port, port+1, newApp(false))
		if err != nil {
			return err
		}
		f.nodes, f.files, f.settings = append(f.nodes, n), append(f.files, files), append(f.settings, all[moniker(i)])
	}
	// The nil voter's application refuses one proposal, so it prevotes nil.
	f.nodes[nilVoter].abci.app.refuses = nilHeight
	started := make(chan error)
	for i, n := range f.nodes {
		go func() { started <- n.start(ctx, moniker(i), f.settings[i]) }()
	}
	var failed error
	for range f.nodes {
		failed = errors.Join(failed, <-started)
	}
	return failed
}

func moniker(i int) string { return fmt.Sprintf("node%d", i) }

// before does what makes a height special, when the height before it is committed.
func (f *fourNodes) before(ctx context.Context, height int64) error {
	switch height {
	case nilHeight:
		// Two of three votes that it waits for, and its own nil: no majority for anything, and its patience ends. The third vote
		// makes the majority for the others.
		f.until(ctx, f.nodes[slow].abci.hold("process_proposal"), f.nodes[nilVoter], "4/0/6", "4/0/7")
	case roundHeight:
		// The proposer of round 0 has nothing to say until the others prevote nil.
		f.until(ctx, f.nodes[late].abci.hold("prepare_proposal"), f.nodes[0], "6/0/4", "6/0/5", "6/0/6", "6/1/")
	case downFrom:
		// Its vote for the height before is with the others by then.
		time.Sleep(settled)
		return f.nodes[down].stop()
	case downUntil + 1:
		return f.nodes[down].start(ctx, moniker(down), f.settings[down])
	case evidenceFor + 2:
		return f.evidence()
	}
	txs, err := f.recordedTxs("four", height)
	if err != nil {
		return err
	}
	for _, tx := range txs {
		// Every node gets it at once: any of them may be the next to propose.
		for _, n := range f.nodes {
			if err := n.send(tx); err != nil && !strings.Contains(err.Error(), "already exists in cache") {
				return err
			}
		}
	}
	return nil
}

// until calls release when a node has come to a step of the consensus, written height/round/step, or has been given time to.
func (f *fourNodes) until(ctx context.Context, release func(), n *node, steps ...string) {
	go func() {
		defer release()
		_ = n.wait(ctx, "a step", stopTime, func() bool {
			text, err := n.call("consensus_state", nil)
			for _, step := range steps {
				if err == nil && strings.Contains(string(text), `"height/round/step":"`+step) {
					return true
				}
			}
			return false
		})
	}()
}

// evidence signs two votes for one height with a test key and tells every node.
func (f *fourNodes) evidence() error {
	var recorded struct {
		Block struct {
			Block struct {
				Evidence struct{ Evidence []json.RawMessage }
			}
		}
	}
	if err := f.script.decode(blockName("four", evidenceFor+2), &recorded); err != nil {
		return err
	}
	evidence, err := duplicateVotes(recorded.Block.Block.Evidence.Evidence[0])
	if err != nil {
		return err
	}
	if err := evidenceOfRun(evidence, f.nodes[0], f.files[cheat]); err != nil {
		return err
	}
	text, err := cmtjson.Marshal(types.Evidence(evidence))
	if err != nil {
		return err
	}
	for _, n := range f.nodes {
		if _, err := n.call("broadcast_evidence", map[string]any{"evidence": json.RawMessage(text)}); err != nil {
			return err
		}
	}
	return nil
}

// light asks CometBFT's light client about the recorded pairs and mutations, of the new blocks.
func (r recorder) light() error {
	var script lightFile
	if err := r.script.decode(lightName, &script); err != nil {
		return err
	}
	blocks := lightBlocks{r.out, map[int64]parsed{}}
	last, err := blocks.at(fourLast)
	if err != nil {
		return err
	}
	script.Now = last.commit.Header.Time.Add(5 * time.Second).Truncate(time.Second)
	judged, err := script.judged(blocks)
	if err != nil {
		return err
	}
	if err := r.out.write(lightName, judged.members()...); err != nil {
		return err
	}
	var mutated negativeFile
	if err := r.script.decode(negativeName, &mutated); err != nil {
		return err
	}
	keys, err := r.script.fourKeys()
	if err != nil {
		return err
	}
	if mutated, err = mutated.madeAgain(blocks, keys, script.Now); err != nil {
		return err
	}
	return r.out.write(negativeName, mutated.members()...)
}
