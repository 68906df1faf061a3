package main

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
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

// What hangs on the time of a run, changed everywhere alike: the time, the hash and the signature of block 9.
func TestAnotherRunIsNotADifference(t *testing.T) {
	var block9 blockFile
	if err := committed.decode("single/blocks/009.json", &block9); err != nil {
		t.Fatal(err)
	}
	is, err := block9.parse()
	if err != nil {
		t.Fatal(err)
	}
	hash := is.block.BlockID.Hash.String()
	signature := base64.StdEncoding.EncodeToString(is.commit.Commit.Signatures[0].Signature)
	replace := strings.NewReplacer(
		hash, strings.Repeat("AB", 32),
		"2026-11-22T14:49:52.790867244Z", "2027-01-01T00:00:00.500000001Z",
		signature, strings.Repeat("B", 86)+"==",
		`"X-Server-Time", "179535`, `"X-Server-Time", "199535`,
		`tcp://127.0.0.1:31001`, `tcp://127.0.0.1:41001`,
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
			"50ABEA13D2430F701534C3FBC4AF24C49CFDBC3DAEC6CAD523AECBD11ED3599D\\\",\\\"parts",
			"12BB5E24FE5A4547BFC31E8993FC5C88CAF9AEDDA88E8971D5D8FBBB73FAB0F2\\\",\\\"parts"},
		{"the time of another block", "single/blocks/009.json", "2026-11-22T14:49:52.790867244Z", "2026-11-22T14:49:51.74279448Z"},
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
