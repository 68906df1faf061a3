package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// member is one member of a recorded document. The members of a document, and the elements of those with `lines`, stand on
// lines of their own: a difference between two recordings can be read.
type member struct {
	key   string
	value any
	lines bool
}

// document writes members in the layout of the recordings.
func document(members ...member) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("{\n")
	for i, m := range members {
		if i > 0 {
			out.WriteString(",\n")
		}
		fmt.Fprintf(&out, "%q: ", m.key)
		if !m.lines {
			text, err := spaced(m.value)
			if err != nil {
				return nil, err
			}
			out.Write(text)
			continue
		}
		compact, err := compactJSON(m.value)
		if err != nil {
			return nil, err
		}
		var elements []json.RawMessage
		if err := json.Unmarshal(compact, &elements); err != nil {
			return nil, err
		}
		out.WriteString("[")
		for i, element := range elements {
			if i > 0 {
				out.WriteByte(',')
			}
			text, err := spaced(element)
			if err != nil {
				return nil, err
			}
			out.WriteByte('\n')
			out.Write(text)
		}
		out.WriteString("\n]")
	}
	out.WriteString("\n}\n")
	return out.Bytes(), nil
}

// compactJSON encodes without escaping < > &.
func compactJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// spaced is JSON with a space after commas and colons and with every string unescaped as far as JSON allows; the order of
// members stays.
func spaced(value any) ([]byte, error) {
	text, err := compactJSON(value)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			end := i + 1
			for text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			var plain string
			if err := json.Unmarshal(text[i:end+1], &plain); err != nil {
				return nil, err
			}
			again, err := compactJSON(plain)
			if err != nil {
				return nil, err
			}
			out.Write(again)
			i = end
		case ',', ':':
			out.WriteByte(c)
			out.WriteByte(' ')
		default:
			out.WriteByte(c)
		}
	}
	return out.Bytes(), nil
}

// recording is a folder of recorded documents: gzipped where it is committed, plain where it was just made.
type recording struct{ folder string }

func (r recording) read(name string) ([]byte, error) {
	path := filepath.Join(r.folder, name)
	if plain, err := os.ReadFile(path); err == nil {
		return plain, nil
	}
	file, err := os.Open(path + ".gz")
	if err != nil {
		return nil, fmt.Errorf("%s is in %s neither plain nor gzipped", name, r.folder)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(unzipped)
}

func (r recording) decode(name string, into any) error {
	text, err := r.read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (r recording) write(name string, members ...member) error {
	text, err := document(members...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return r.writeText(name, text)
}

func (r recording) writeText(name string, text []byte) error {
	path := filepath.Join(r.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// names lists the documents below `under`, without .gz, in order.
func (r recording) names(under string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(filepath.Join(r.folder, under), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(r.folder, path)
		name := strings.TrimSuffix(filepath.ToSlash(relative), ".gz")
		if strings.HasSuffix(name, ".json") {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// gzipped is what `gzip -9n` writes: no name, no time, so that equal documents are equal files.
func gzipped(text []byte) ([]byte, error) {
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(text); err != nil {
		return nil, err
	}
	err = writer.Close()
	return out.Bytes(), err
}
