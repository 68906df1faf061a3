package main

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"regexp"
	"sort"
	"strings"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/types"
)

// comparison holds a new recording against the committed one.
type comparison struct {
	committed, recorded recording
	old, new            *normaliser
	differences         []string
	chances             []string // differences that are a matter of milliseconds
}

func compare(committed, recorded recording, chain string) (*comparison, error) {
	names, err := recorded.names(chain)
	if err != nil {
		return nil, fmt.Errorf("nothing recorded of %s (cargo xtask golden records): %w", chain, err)
	}
	c := &comparison{committed: committed, recorded: recorded}
	missing, err := recorder{script: committed}.notRecorded(chain, names)
	if err != nil {
		return nil, err
	}
	for _, name := range missing {
		c.differences = append(c.differences, name+": not recorded")
	}
	if c.old, err = normaliserOf(committed, names); err != nil {
		return nil, err
	}
	if c.new, err = normaliserOf(recorded, names); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := c.document(name); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *comparison) document(name string) error {
	switch folder := path.Base(path.Dir(name)); {
	case folder == "blocks":
		return c.blocks(name)
	case folder == "ws":
		return c.sessions(name)
	case folder == "rpc" || path.Base(name) == "rpc.json":
		return c.exchanges(name)
	case path.Base(name) == "abci.json":
		return c.abci(name)
	case name == lightName:
		return c.light(name)
	case name == negativeName:
		return c.negative(name)
	}
	return nil
}

// both decodes a document of either recording.
func (c *comparison) both(name string, old, new any) error {
	if err := c.committed.decode(name, old); err != nil {
		return err
	}
	return c.recorded.decode(name, new)
}

// same compares two texts, each with the names of its recording in place of values.
func (c *comparison) same(where, old, new string) {
	c.differ(where, c.old.text(old), c.new.text(new))
}

func (c *comparison) differ(where, old, new string) {
	if old != new {
		c.differences = append(c.differences, where+": "+firstDifference(old, new))
	}
}

// blocks compares what the RPC says. What is derived from it is not compared: it is checked, exactly, by the tests.
func (c *comparison) blocks(name string) error {
	var old, new blockFile
	if err := c.both(name, &old, &new); err != nil {
		return err
	}
	was, err := old.parse()
	if err != nil {
		return err
	}
	is, err := new.parse()
	if err != nil {
		return err
	}
	oldBlock, newBlock := string(old.Block), string(new.Block)
	oldCommit, newCommit := string(old.Commit), string(new.Commit)
	if c.byChance(name, was.commit.Commit, is.commit.Commit) {
		oldCommit, newCommit = withoutVotes(oldCommit), withoutVotes(newCommit)
	}
	if c.byChance(name+" last_commit", was.block.Block.LastCommit, is.block.Block.LastCommit) {
		oldBlock, newBlock = withoutVotes(oldBlock), withoutVotes(newBlock)
	}
	c.same(name+" block", oldBlock, newBlock)
	c.same(name+" block_results", string(old.BlockResults), string(new.BlockResults))
	c.same(name+" commit", oldCommit, newCommit)
	c.same(name+" validators", string(old.Validators), string(new.Validators))
	c.same(name+" next_validators", string(old.NextValidators), string(new.NextValidators))
	c.same(name+" consensus_params", string(old.Params), string(new.Params))
	return nil
}

// byChance tells whether a commit of several validators has other votes: who is absent or votes nil cannot be forced.
func (c *comparison) byChance(where string, old, new *types.Commit) bool {
	votes := func(commit *types.Commit) string {
		flags := ""
		for _, signature := range commit.Signatures {
			flags += fmt.Sprint(" ", signature.BlockIDFlag)
		}
		return flags
	}
	was, is := votes(old), votes(new)
	if len(old.Signatures) < 2 || len(old.Signatures) != len(new.Signatures) || was == is {
		return false
	}
	c.chances = append(c.chances, fmt.Sprintf("%s: by chance the flags of the votes are%s, committed%s", where, is, was))
	return true
}

var signatures = regexp.MustCompile(`"signatures": ?\[[^\]]*\]`)

func withoutVotes(text string) string {
	return signatures.ReplaceAllString(text, `"signatures": <by chance>`)
}

func (c *comparison) exchanges(name string) error {
	var old, new exchanges
	if err := c.both(name, &old, &new); err != nil {
		return err
	}
	c.same(name, old.About, new.About)
	if len(old.Exchanges) != len(new.Exchanges) {
		c.differences = append(c.differences,
			fmt.Sprintf("%s: %d exchanges, committed %d", name, len(new.Exchanges), len(old.Exchanges)))
		return nil
	}
	for i, was := range old.Exchanges {
		is, where := new.Exchanges[i], name+", "+was.Name
		c.same(where+", request", was.Request.shown(), is.Request.shown())
		c.same(where+", status", was.Response.Status, is.Response.Status)
		c.differ(where+", headers", c.old.headers(was.Response.Headers, was.Response.Body),
			c.new.headers(is.Response.Headers, is.Response.Body))
		c.differ(where+", body", c.old.body(was.Request.shown(), was.Response.Body),
			c.new.body(is.Request.shown(), is.Response.Body))
	}
	return nil
}

func (r httpRequest) shown() string {
	body := ""
	if r.Body != nil {
		body = *r.Body
	}
	return r.Method + " " + r.Target + "\n" + body
}

// sessions compares frames in order, by the subscription that they answer: between subscriptions there is no order.
func (c *comparison) sessions(name string) error {
	var old, new session
	if err := c.both(name, &old, &new); err != nil {
		return err
	}
	c.same(name+", handshake", fmt.Sprint(old.Handshake), fmt.Sprint(new.Handshake))
	c.same(name+", closed_by_node", fmt.Sprint(old.Closed), fmt.Sprint(new.Closed))
	// Where sessions were cut, each subscription may have come to another frame.
	both := len(old.Frames) == cut && len(new.Frames) == cut
	c.groups(name, old.bySubscription(), new.bySubscription(), both)
	return nil
}

// groups compares texts in order, group by group; `open` groups need not end at the same text.
func (c *comparison) groups(name string, was, is map[string][]string, open bool) {
	if !reflect.DeepEqual(keys(was), keys(is)) {
		c.differences = append(c.differences, fmt.Sprintf("%s: answers to %v, committed %v", name, keys(is), keys(was)))
		return
	}
	for _, group := range keys(was) {
		if len(was[group]) != len(is[group]) && !open {
			c.differences = append(c.differences,
				fmt.Sprintf("%s, %s: %d messages, committed %d", name, group, len(is[group]), len(was[group])))
		}
		for i := 0; i < min(len(was[group]), len(is[group])); i++ {
			c.same(fmt.Sprintf("%s, %s, message %d", name, group, i), was[group][i], is[group][i])
		}
	}
}

func (s session) bySubscription() map[string][]string {
	groups := map[string][]string{}
	for _, f := range s.Frames {
		var answer struct{ ID json.RawMessage }
		group := f.From
		if f.From == "node" && f.Opcode == opcodeText && json.Unmarshal(f.Data, &answer) == nil {
			group += " " + string(answer.ID)
		}
		text := eventFrame(string(f.Data))
		groups[group] = append(groups[group], fmt.Sprintf("fin %d, opcode %d: %s", f.Fin, f.Opcode, text))
	}
	return groups
}

func keys(groups map[string][]string) []string {
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// abci compares the messages as JSON, where the times and hashes in them can be named, by the connection on which they came:
// CometBFT has one for consensus, one for the mempool, one for queries, and no order between them.
func (c *comparison) abci(name string) error {
	type file struct{ Messages []abciMessage }
	var old, new file
	if err := c.both(name, &old, &new); err != nil {
		return err
	}
	was, err := byConnection(old.Messages)
	if err != nil {
		return err
	}
	is, err := byConnection(new.Messages)
	if err != nil {
		return err
	}
	c.groups(name, was, is, false)
	return nil
}

func byConnection(messages []abciMessage) (map[string][]string, error) {
	groups := map[string][]string{}
	for i, message := range messages {
		text, err := message.readable()
		if err != nil {
			return nil, fmt.Errorf("abci.json, message %d: %w", i, err)
		}
		connection := "consensus"
		switch message.Method {
		case "check_tx":
			connection = "mempool"
		case "info", "query":
			connection = "query"
		}
		groups[connection] = append(groups[connection], text)
	}
	return groups, nil
}

// power is that of the votes that a light client counted.
var power = regexp.MustCompile(`got \d+`)

func (c *comparison) light(name string) error {
	var old, new lightFile
	if err := c.both(name, &old, &new); err != nil {
		return err
	}
	if len(old.Pairs) != len(new.Pairs) {
		c.differences = append(c.differences, name+": other pairs")
		return nil
	}
	for i := range old.Pairs {
		was, is := old.Pairs[i], new.Pairs[i]
		where := fmt.Sprintf("%s, %d to %d", name, was.Trusted, was.Untrusted)
		c.same(where, power.ReplaceAllString(fmt.Sprint(was), "got <by chance>"),
			power.ReplaceAllString(fmt.Sprint(is), "got <by chance>"))
	}
	return nil
}

// negative compares verdicts. How each block is mutated is checked, exactly, by the tests.
func (c *comparison) negative(name string) error {
	var old, new negativeFile
	if err := c.both(name, &old, &new); err != nil {
		return err
	}
	if len(old.Cases) != len(new.Cases) {
		c.differences = append(c.differences, name+": other cases")
		return nil
	}
	for i, was := range old.Cases {
		is := new.Cases[i]
		c.differ(name+", "+was.Name, fmt.Sprint(was.Name, was.Trusted, was.TrustLevel, was.CometBFT.Verdict),
			fmt.Sprint(is.Name, is.Trusted, is.TrustLevel, is.CometBFT.Verdict))
	}
	return nil
}

func (m abciMessage) readable() (string, error) {
	var request abci.Request
	var response abci.Response
	if err := request.Unmarshal(m.Request); err != nil {
		return "", err
	}
	if err := response.Unmarshal(m.Response); err != nil {
		return "", err
	}
	text, err := compactJSON([]any{m.Method, request.Value, response.Value})
	return string(text), err
}

// firstDifference shows where two texts part, with some characters around it.
func firstDifference(old, new string) string {
	at := 0
	for at < len(old) && at < len(new) && old[at] == new[at] {
		at++
	}
	part := func(text string) string {
		return strings.ToValidUTF8(text[max(0, min(at-80, len(text))):min(at+120, len(text))], "")
	}
	return fmt.Sprintf("differs at %d\n    committed …%s…\n    recorded  …%s…", at, part(old), part(new))
}
