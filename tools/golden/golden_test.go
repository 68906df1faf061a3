package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// committed are the recordings of the repository.
var committed = recording{"../../testdata/cometbft-v0.38"}

// All that is derived from an answer of the RPC comes out, byte for byte, as in the committed recordings: protobuf, hashes,
// leaves, sign bytes, and the layout of the document.
func TestEveryCommittedBlockIsDerivedAgain(t *testing.T) {
	for _, chain := range []string{"single", "four"} {
		names, err := committed.names(chain + "/blocks")
		if err != nil || len(names) < 20 {
			t.Fatal(len(names), "blocks:", err)
		}
		for _, name := range names {
			var block blockFile
			if err := committed.decode(name, &block); err != nil {
				t.Fatal(err)
			}
			if block.derived, err = block.derive(); err != nil {
				t.Fatal(name, err)
			}
			sameDocument(t, name, block.members())
		}
	}
}

func TestEveryCommittedExchangeAndSessionIsWrittenAsItWasRead(t *testing.T) {
	for _, folder := range []string{"single/rpc", "single/ws"} {
		names, err := committed.names(folder)
		if err != nil || len(names) < 11 {
			t.Fatal(len(names), "documents:", err)
		}
		for _, name := range names {
			if folder == "single/rpc" {
				var document exchanges
				if err := committed.decode(name, &document); err != nil {
					t.Fatal(err)
				}
				sameDocument(t, name, document.members())
			} else {
				var document session
				if err := committed.decode(name, &document); err != nil {
					t.Fatal(err)
				}
				sameDocument(t, name, document.members())
			}
		}
	}
}

func sameDocument(t *testing.T, name string, members []member) {
	t.Helper()
	want, err := committed.read(name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := document(members...)
	if err != nil {
		t.Fatal(name, err)
	}
	if bytes.Equal(got, want) {
		return
	}
	for i, line := range strings.Split(string(want), "\n") {
		lines := strings.Split(string(got), "\n")
		if i >= len(lines) || lines[i] != line {
			t.Fatalf("%s, line %d: %s", name, i+1, firstDifference(line, append(lines, make([]string, i+1)...)[i]))
		}
	}
}

func TestBodiesTooLongToKeepAreMadeAgainWithTheirLength(t *testing.T) {
	found := 0
	for _, name := range []string{"broadcast", "http"} {
		var document exchanges
		if err := committed.decode("single/rpc/"+name+".json", &document); err != nil {
			t.Fatal(err)
		}
		for _, one := range document.Exchanges {
			body, err := one.fullBody(one.Request.Body)
			if err != nil {
				t.Fatal(err)
			}
			for _, header := range one.Request.Headers {
				if length, _ := json.Marshal(len(body)); header[0] == "Content-Length" && header[1] != string(length) {
					t.Errorf("%s: %d bytes, recorded %s", one.Name, len(body), header[1])
				}
			}
			if one.Request.Body != nil && strings.Contains(*one.Request.Body, "…") {
				found++
			}
		}
	}
	if found != 3 {
		t.Errorf("%d bodies too long to keep, the recordings have 3", found)
	}
}

func TestTheManifestListsWhatIsThere(t *testing.T) {
	made, err := committed.makeManifest()
	if err != nil {
		t.Fatal(err)
	}
	sameDocument(t, manifestName, made.members())
}
