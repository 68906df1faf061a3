package main

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// copyOfSingle is a recording as a second run would make it: `changed` has the last word about each document.
func copyOfSingle(t *testing.T, changed func(name, text string) string) recording {
	t.Helper()
	again := recording{t.TempDir()}
	names, err := committed.names("single")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := committed.read(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.writeText(filepath.FromSlash(name), []byte(changed(name, string(text)))); err != nil {
			t.Fatal(err)
		}
	}
	return again
}

func differences(t *testing.T, changed func(name, text string) string) []string {
	t.Helper()
	found, err := compare(committed, copyOfSingle(t, changed), "single")
	if err != nil {
		t.Fatal(err)
	}
	return found.differences
}

// committedBlock is a block of the recordings: tests take from it what another recording would have otherwise.
func committedBlock(t *testing.T, height int64) parsed {
	t.Helper()
	var file blockFile
	if err := committed.decode(blockName("single", height), &file); err != nil {
		t.Fatal(err)
	}
	block, err := file.parse()
	if err != nil {
		t.Fatal(err)
	}
	return block
}

func (p parsed) hash() string { return p.block.BlockID.Hash.String() }

func (p parsed) time() string { return p.block.Block.Time.Format(time.RFC3339Nano) }

// What hangs on the time of a run, changed everywhere alike: the time, the hash and the signature of block 9.
func TestAnotherRunIsNotADifference(t *testing.T) {
	block := committedBlock(t, 9)
	signature := base64.StdEncoding.EncodeToString(block.commit.Commit.Signatures[0].Signature)
	later := "2027-01-01T00:00:00.123456789Z"
	replace := strings.NewReplacer(
		block.hash(), strings.Repeat("AB", 32),
		block.time(), later[:len(block.time())-1]+"Z",
		signature, strings.Repeat("B", 86)+"==",
		`"X-Server-Time", "1`, `"X-Server-Time", "2`,
	)
	for _, difference := range differences(t, func(name, text string) string {
		if strings.HasSuffix(name, "abci.json") {
			return text // protobuf: its times and hashes are not texts
		}
		return replace.Replace(text)
	}) {
		if !strings.Contains(difference, "abci.json") {
			t.Error(difference)
		}
	}
}

func TestTheNormaliserFindsAChangedValue(t *testing.T) {
	for _, change := range []struct{ name, document, old, new string }{
		{"a result", "single/blocks/003.json", `"gas_used": "150"`, `"gas_used": "151"`},
		{"a type", "single/blocks/003.json", `"code": 5,`, `"code": "5",`},
		{"null for an empty list", "single/blocks/004.json", `"txs": []`, `"txs": null`},
		{"an app hash", "single/blocks/010.json", "DB71D74E9842B036", "DB71D74E9842B037"},
		{"the hash of another block", "single/rpc/blocks.json",
			committedBlock(t, 3).hash() + `\",\"parts`, committedBlock(t, 2).hash() + `\",\"parts`},
		{"the time of another block", "single/blocks/009.json", committedBlock(t, 9).time(), committedBlock(t, 8).time()},
		{"a status", "single/rpc/http.json", "HTTP/1.1 404 Not Found", "HTTP/1.1 200 OK"},
		{"an error code", "single/rpc/envelope.json", `\"code\":-32601`, `\"code\":-32602`},
		{"the order of members", "single/rpc/info.json", `\"n_txs\":\"0\",\"total\":\"0\"`, `\"total\":\"0\",\"n_txs\":\"0\"`},
		{"a header that is missing", "single/rpc/cors_any.json", `["Vary", "Origin"], `, ``},
		{"a wrong length", "single/rpc/cors_any.json", `["Content-Length", "37"]`, `["Content-Length", "38"]`},
		{"a frame", "single/ws/events.json", `\"num_txs\":\"4\"`, `\"num_txs\":\"3\"`},
		{"who closed", "single/ws/errors.json", `"closed_by_node": true`, `"closed_by_node": false`},
		{"a message to the application", "single/abci.json", "SgIoBw==", "SgIoCA=="},
	} {
		done := false
		found := differences(t, func(name, text string) string {
			if name != change.document || done {
				return text
			}
			done = strings.Contains(text, change.old)
			return strings.Replace(text, change.old, change.new, 1)
		})
		if !done {
			t.Errorf("%s: %s has no %s", change.name, change.document, change.old)
		}
		if len(found) == 0 {
			t.Errorf("%s is not found", change.name)
		}
		for _, difference := range found {
			if !strings.HasPrefix(difference, change.document) {
				t.Errorf("%s is found where it is not: %s", change.name, difference)
			}
		}
	}
}
