package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cometbft/cometbft/types"
)

const manifestName = "manifest.json"

// manifest lists every document of the recordings.
type manifest struct {
	RecordedFrom string         `json:"recorded_from"`
	Chains       []string       `json:"chains"`
	Files        []manifestFile `json:"files"`
}

type manifestFile struct {
	Path   string `json:"path"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
	About  string `json:"about"`
}

func (m manifest) members() []member {
	return []member{
		{key: "recorded_from", value: m.RecordedFrom},
		{key: "chains", value: m.Chains},
		{key: "files", value: m.Files, lines: true},
	}
}

// write puts a recording in place of the committed one; what is equal unzipped stays as it is. The manifest follows.
func (r recorder) write(chain string) error {
	names, err := r.out.names(chain)
	if err != nil {
		return fmt.Errorf("nothing recorded of %s: %w", chain, err)
	}
	missing, err := r.notRecorded(chain, names)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("not recorded: %v. They would not fit what is written", missing)
	}
	for _, name := range names {
		text, err := r.out.read(name)
		if err != nil {
			return err
		}
		if err := r.script.replace(name, text); err != nil {
			return err
		}
	}
	made, err := r.script.makeManifest()
	if err != nil {
		return err
	}
	text, err := document(made.members()...)
	if err != nil {
		return err
	}
	return r.script.replace(manifestName, text)
}

// notRecorded are the committed documents, but for the settings, that a recording lacks.
func (r recorder) notRecorded(chain string, names []string) (missing []string, err error) {
	committed, err := r.script.names(chain)
	for _, name := range committed {
		if !slices.Contains(names, name) && !strings.Contains(name, "/config/") {
			missing = append(missing, name)
		}
	}
	return missing, err
}

func (r recording) replace(name string, text []byte) error {
	if old, err := r.read(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	zipped, err := gzipped(text)
	if err != nil {
		return err
	}
	path := filepath.Join(r.folder, name)
	if _, plain := os.Stat(path); plain == nil {
		return fmt.Errorf("%s is not gzipped: it would hide what is written", path)
	}
	fmt.Println("writes", name)
	return os.WriteFile(path+".gz", zipped, 0o644)
}

// makeManifest lists the documents that are there. The line about a block follows from it, the others are kept.
func (r recording) makeManifest() (m manifest, err error) {
	if err := r.decode(manifestName, &m); err != nil {
		return m, err
	}
	about := map[string]string{}
	for _, file := range m.Files {
		about[file.Path] = file.About
	}
	names, err := r.names("")
	if err != nil {
		return m, err
	}
	m.Files = nil
	for _, name := range names {
		if name == manifestName {
			continue
		}
		text, err := r.read(name)
		if err != nil {
			return m, err
		}
		if strings.Contains(name, "/blocks/") {
			var block blockFile
			if err := r.decode(name, &block); err != nil {
				return m, err
			}
			if about[name], err = block.about(); err != nil {
				return m, err
			}
		}
		if about[name] == "" {
			return m, errors.New(name + ": the manifest says nothing about it")
		}
		hash := sha256.Sum256(text)
		m.Files = append(m.Files, manifestFile{name, len(text), hex.EncodeToString(hash[:]), about[name]})
	}
	return m, nil
}

// about says what a block shows.
func (b blockFile) about() (string, error) {
	p, err := b.parse()
	if err != nil {
		return "", err
	}
	about := fmt.Sprintf("block: %d txs", len(p.block.Block.Txs))
	if b.Hashes.PartSetTotal > 1 {
		about += fmt.Sprintf(", %d parts", b.Hashes.PartSetTotal)
	}
	if p.commit.Commit.Round > 0 {
		about += fmt.Sprintf(", round %d", p.commit.Commit.Round)
	}
	absent, none := false, false
	for _, signature := range p.commit.Commit.Signatures {
		absent = absent || signature.BlockIDFlag == types.BlockIDFlagAbsent
		none = none || signature.BlockIDFlag == types.BlockIDFlagNil
	}
	for _, shown := range []struct {
		is   bool
		text string
	}{
		{absent, ", absent vote"},
		{none, ", nil vote"},
		{len(p.block.Block.Evidence.Evidence) > 0, ", duplicate-vote evidence"},
		{!bytes.Equal(p.validators.Hash(), p.next.Hash()), ", next validators differ"},
	} {
		if shown.is {
			about += shown.text
		}
	}
	return about, nil
}
