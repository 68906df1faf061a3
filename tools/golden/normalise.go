package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
)

// normaliser puts names in place of what hangs on the time of a run: "time of block 9" is the same in every recording, the
// time is not. A value in the wrong place is still found, for it has another name. What has no name stays as it is, but for
// the few things that the README calls volatile as a whole.
type normaliser struct {
	names    map[string]string
	replacer *strings.Replacer
}

// emptyTree is the hash of no leaves: many fields have it, always.
const emptyTree = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"

func (n *normaliser) name(value any, name string) {
	text, _ := value.(string)
	if text == "" || text == emptyTree {
		return
	}
	// One value may have several names (evidence has votes of a commit); the least is the same in every recording.
	if known, found := n.names[text]; !found || name < known {
		n.names[text] = name
	}
}

// learn names what it knows in a document: headers, block ids, commits, votes, wherever they stand.
func (n *normaliser) learn(value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			n.learn(element)
		}
	case map[string]any:
		n.learnMembers(value)
		for _, element := range value {
			n.learn(element)
		}
	case string:
		// The answers stand in exchanges and frames as text.
		if strings.HasPrefix(value, "{") {
			var inner any
			if json.Unmarshal([]byte(value), &inner) == nil {
				n.learn(inner)
			}
		}
	}
}

func (n *normaliser) learnMembers(object map[string]any) {
	height, _ := object["height"].(string)
	if header, ok := object["header"].(map[string]any); ok {
		n.blockID(object["block_id"], fmt.Sprint(header["height"])) // a BlockMeta
	}
	if block, ok := object["block"].(map[string]any); ok {
		if header, ok := block["header"].(map[string]any); ok {
			n.blockID(object["block_id"], fmt.Sprint(header["height"]))
		}
	}
	if _, header := object["last_commit_hash"]; header {
		n.name(object["time"], "time of block "+height)
		n.name(object["last_commit_hash"], "last_commit_hash of "+height)
		n.name(object["evidence_hash"], "evidence_hash of "+height)
		var number int
		_, _ = fmt.Sscan(height, &number)
		n.blockID(object["last_block_id"], fmt.Sprint(number-1))
	}
	if latest, status := object["latest_block_height"]; status {
		n.name(object["latest_block_hash"], fmt.Sprintf("hash of block %v", latest))
		n.name(object["latest_block_time"], fmt.Sprintf("time of block %v", latest))
	}
	if signatures, ok := object["signatures"].([]any); ok {
		n.blockID(object["block_id"], height)
		for _, one := range signatures {
			if entry, ok := one.(map[string]any); ok {
				who := fmt.Sprintf("%v at %s", entry["validator_address"], height)
				n.name(entry["signature"], "signature of "+who)
			}
		}
	}
	if signature, vote := object["signature"].(string); vote && height != "" {
		which := fmt.Sprintf("of type %v at %s by %v", object["type"], height, object["validator_address"])
		n.name(signature, "signature "+which)
		n.name(signaturePrint(signature), "print of the signature "+which)
	}
}

// learnABCI names the blocks that stand nowhere but in the messages to the application.
func (n *normaliser) learnABCI(r recording) error {
	var file struct{ Messages []abciMessage }
	if err := r.decode(abciName, &file); err != nil {
		return err
	}
	for _, message := range file.Messages {
		var request abci.Request
		if err := request.Unmarshal(message.Request); err != nil {
			return fmt.Errorf("abci.json: %w", err)
		}
		if block := request.GetFinalizeBlock(); block != nil {
			n.name(upper(block.Hash), fmt.Sprintf("hash of block %d", block.Height))
			n.name(block.Time.Format(time.RFC3339Nano), fmt.Sprintf("time of block %d", block.Height))
		}
	}
	return nil
}

func (n *normaliser) blockID(value any, height string) {
	id, _ := value.(map[string]any)
	parts, _ := id["parts"].(map[string]any)
	n.name(id["hash"], "hash of block "+height)
	n.name(parts["hash"], "parts of block "+height)
}

// ready makes the names usable, in every form in which a hash is written.
func (n *normaliser) ready() {
	var pairs []string
	for value, name := range n.names {
		pairs = append(pairs, value, "<"+name+">")
		if raw, err := hex.DecodeString(value); err == nil && len(raw) == 32 {
			pairs = append(pairs, strings.ToLower(value), "<"+name+", lower hex>")
			pairs = append(pairs, base64.StdEncoding.EncodeToString(raw), "<"+name+", base64>")
		}
	}
	n.replacer = strings.NewReplacer(pairs...)
}

// volatile as a whole, by the README. The groups stay.
var volatile = []*regexp.Regexp{
	// What evidence leaves to transactions: its times are shorter where they end in zeros.
	regexp.MustCompile(`("max_tx_bytes":)\d+(.*"misbehavior":\[\{)`),
	regexp.MustCompile(`("block_size":)"\d+"`),
	// Of four votes any may be the median that becomes the time of the next block.
	regexp.MustCompile(`("timestamp": ?)"[^"]*"`),
	regexp.MustCompile(`("(?:listen_addr|rpc_address)":)"tcp://127\.0\.0\.1:\d+"`),
	regexp.MustCompile(`("peers":)\[\{.*`),
	regexp.MustCompile(`(\(now: )[^;)]*`),
	regexp.MustCompile(`("round_state":)\{.*`),
	regexp.MustCompile(`()\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`),
}

// special is volatile only in the answer to some requests.
var special = []struct {
	request string
	pattern *regexp.Regexp
}{
	// The error quotes the first character that does not fit, of a hash.
	{"<hash of block", regexp.MustCompile(`(invalid (?:character|byte))[^"]*`)},
	{`"broadcast_evidence"`, regexp.MustCompile(`("result":\{"hash":)"[^"]*"`)},
}

// body is the body of an answer to a request.
func (n *normaliser) body(request, body string) string {
	request, body = n.text(request), n.text(body)
	for _, s := range special {
		if strings.Contains(request, s.request) {
			body = s.pattern.ReplaceAllString(body, `$1<volatile>`)
		}
	}
	return body
}

// text is a text with names in place of values.
func (n *normaliser) text(text string) string {
	text = n.replacer.Replace(text)
	for _, pattern := range volatile {
		text = pattern.ReplaceAllString(text, `$1<volatile>$2`)
	}
	return text
}

// normaliserOf learns from all documents of a recording that it has.
func normaliserOf(r recording, names []string) (*normaliser, error) {
	n := &normaliser{names: map[string]string{}}
	for _, name := range names {
		if name == negativeName {
			continue // forged headers and signatures, with heights of true ones
		}
		var document any
		if err := r.decode(name, &document); err != nil {
			return nil, err
		}
		n.learn(document)
	}
	if slices.Contains(names, abciName) {
		if err := n.learnABCI(r); err != nil {
			return nil, err
		}
	}
	n.ready()
	return n, nil
}

// headers of an answer: Date and X-Server-Time are there, with any value; Content-Length is that of the body.
func (n *normaliser) headers(headers [][2]string, body string) string {
	var out strings.Builder
	for _, header := range headers {
		value := header[1]
		switch {
		case header[0] == "Date" || header[0] == "X-Server-Time":
			value = "<volatile>"
		case header[0] == "Content-Length" && value == fmt.Sprint(len(body)):
			value = "<that of the body>"
		}
		fmt.Fprintf(&out, "%s: %s\n", header[0], n.text(value))
	}
	return out.String()
}

// eventFrame sorts the members of `events` at the end of a frame: a Go map has no order.
func eventFrame(text string) string {
	at := strings.LastIndex(text, `"events":{`)
	if at < 0 {
		return text
	}
	var events map[string][]string
	decoder := json.NewDecoder(strings.NewReader(text[at+len(`"events":`):]))
	if decoder.Decode(&events) != nil {
		return text
	}
	keys := make([]string, 0, len(events))
	for key := range events {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var out bytes.Buffer
	out.WriteString(text[:at])
	out.WriteString(`"events":{`)
	for _, key := range keys {
		values, _ := json.Marshal(events[key])
		fmt.Fprintf(&out, "%q:%s,", key, values)
	}
	out.WriteString("}" + text[at+len(`"events":`)+int(decoder.InputOffset()):])
	return out.String()
}
