package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const opcodeText = 1

// cut is how many frames are kept of the sessions that see every step of the consensus.
const cut = 60

// session is a document of ws/: one client of the node's WebSocket.
type session struct {
	About     string    `json:"about"`
	Handshake handshake `json:"handshake"`
	Frames    []frame   `json:"frames"`
	Closed    bool      `json:"closed_by_node"`
}

type handshake struct {
	RequestHeaders  [][2]string `json:"request_headers"`
	Status          string      `json:"status"`
	ResponseHeaders [][2]string `json:"response_headers"`
}

type frame struct {
	From   string      `json:"from"`
	After  json.Number `json:"after_s"`
	Fin    int         `json:"fin"`
	Opcode int         `json:"opcode"`
	Data   frameData   `json:"data"`
}

// frameData is text, or {"base64": …} where the bytes are no text: a close frame starts with a number.
type frameData []byte

func (d frameData) MarshalJSON() ([]byte, error) {
	if utf8.Valid(d) && !bytes.ContainsRune(d, 0) && !(len(d) == 2 && d[0] < ' ') {
		return compactJSON(string(d))
	}
	return compactJSON(map[string][]byte{"base64": d})
}

func (d *frameData) UnmarshalJSON(text []byte) error {
	var plain string
	if json.Unmarshal(text, &plain) == nil {
		*d = []byte(plain)
		return nil
	}
	var binary struct{ Base64 []byte }
	err := json.Unmarshal(text, &binary)
	*d = binary.Base64
	return err
}

func (s session) members() []member {
	return []member{
		{key: "about", value: s.About},
		{key: "handshake", value: s.Handshake},
		{key: "frames", value: s.Frames, lines: true},
		{key: "closed_by_node", value: s.Closed},
	}
}

// wsClient replays one session. A goroutine of its own reads what the node sends.
type wsClient struct {
	name       string
	script     session
	start      time.Time
	connection net.Conn
	done       chan struct{}

	mu     sync.Mutex
	result session
	ours   bool // we closed the connection
}

// connect does the recorded handshake. Seconds count from `start`.
func connect(address, name string, script session, start time.Time) (*wsClient, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("GET /websocket HTTP/1.1\r\n")
	writeHeaders(&out, script.Handshake.RequestHeaders)
	if _, err := connection.Write(out.Bytes()); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(connection)
	response, err := readResponse(reader, "GET")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &wsClient{name: name, script: script, start: start, connection: connection, done: make(chan struct{})}
	c.result = session{
		About:     script.About,
		Handshake: handshake{script.Handshake.RequestHeaders, response.Status, response.Headers},
	}
	go c.read(reader)
	return c, nil
}

func (c *wsClient) read(reader *bufio.Reader) {
	defer close(c.done)
	for {
		fin, opcode, data, err := readFrame(reader)
		c.mu.Lock()
		if err != nil {
			c.result.Closed = !c.ours
			if !c.ours && !errors.Is(err, io.EOF) {
				fmt.Fprintln(os.Stderr, c.name+":", err)
			}
			c.mu.Unlock()
			return
		}
		c.keep(frame{From: "node", Fin: fin, Opcode: opcode, Data: data})
		c.mu.Unlock()
	}
}

// keep notes a frame with its time; the lock is held.
func (c *wsClient) keep(f frame) {
	f.After = json.Number(fmt.Sprintf("%.1f", time.Since(c.start).Seconds()))
	c.result.Frames = append(c.result.Frames, f)
}

// send writes one frame, masked as a client must. The mask is zero: nobody is between us and the node.
func (c *wsClient) send(f frame) error {
	var out bytes.Buffer
	out.WriteByte(byte(f.Fin<<7 | f.Opcode))
	switch length := len(f.Data); {
	case length < 126:
		out.WriteByte(0x80 | byte(length))
	default:
		out.WriteByte(0x80 | 126)
		_ = binary.Write(&out, binary.BigEndian, uint16(length))
	}
	out.Write([]byte{0, 0, 0, 0})
	out.Write(f.Data)
	c.mu.Lock()
	c.keep(f)
	c.mu.Unlock()
	_, err := c.connection.Write(out.Bytes())
	return err
}

// finish closes the connection, if the node has not, and gives the session as it went.
func (c *wsClient) finish() session {
	c.mu.Lock()
	c.ours = true
	c.mu.Unlock()
	c.connection.Close()
	<-c.done
	if (c.name == "steps" || c.name == "more_steps") && len(c.result.Frames) > cut {
		c.result.Frames = c.result.Frames[:cut]
	}
	return c.result
}

func readFrame(reader *bufio.Reader) (fin, opcode int, data []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(reader, head[:]); err != nil {
		return
	}
	fin, opcode = int(head[0]>>7), int(head[0]&0x0F)
	length := uint64(head[1] & 0x7F)
	switch length {
	case 126:
		var short uint16
		err = binary.Read(reader, binary.BigEndian, &short)
		length = uint64(short)
	case 127:
		err = binary.Read(reader, binary.BigEndian, &length)
	}
	if err != nil {
		return
	}
	data = make([]byte, length)
	_, err = io.ReadFull(reader, data)
	return
}

// wsGroup is several clients at one node with one clock.
type wsGroup struct {
	start   time.Time
	clients []*wsClient
	turns   []turn // what is still to be sent, by time
}

type turn struct {
	client *wsClient
	frame  frame
	after  float64
}

// connectGroup opens the recorded clients of `names` (below single/ws) at once.
func connectGroup(address string, recorded recording, names ...string) (*wsGroup, error) {
	group := &wsGroup{start: time.Now()}
	for _, name := range names {
		var script session
		if err := recorded.decode("single/ws/"+name+".json", &script); err != nil {
			return nil, err
		}
		client, err := connect(address, name, script, group.start)
		if err != nil {
			return nil, err
		}
		group.clients = append(group.clients, client)
		for _, f := range script.Frames {
			if f.From != "client" {
				continue
			}
			after, err := f.After.Float64()
			if err != nil {
				return nil, err
			}
			group.turns = append(group.turns, turn{client, f, after})
		}
	}
	sort.SliceStable(group.turns, func(i, j int) bool { return group.turns[i].after < group.turns[j].after })
	return group, nil
}

// play sends the recorded frames of all clients up to a second, each at its own.
func (g *wsGroup) play(until float64) error {
	for len(g.turns) > 0 && g.turns[0].after < until {
		next := g.turns[0]
		g.turns = g.turns[1:]
		g.sleepUntil(next.after)
		if err := next.client.send(next.frame); err != nil {
			return fmt.Errorf("%s: %w", next.client.name, err)
		}
	}
	return nil
}

func (g *wsGroup) sleepUntil(seconds float64) {
	time.Sleep(time.Until(g.start.Add(time.Duration(seconds * float64(time.Second)))))
}

// waitClosed waits until the node has closed every connection.
func (g *wsGroup) waitClosed() error {
	for _, client := range g.clients {
		select {
		case <-client.done:
		case <-time.After(stopTime):
			return fmt.Errorf("%s: the node does not close the connection", client.name)
		}
	}
	return nil
}

// finish closes all clients and writes what they saw.
func (g *wsGroup) finish(out recording) error {
	for _, client := range g.clients {
		if err := out.write("single/ws/"+client.name+".json", client.finish().members()...); err != nil {
			return err
		}
	}
	return nil
}

// signaturePrint is how CometBFT prints a signature in an error: its first six bytes.
func signaturePrint(signature string) string {
	bytes, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(bytes) < 6 {
		return signature
	}
	return strings.ToUpper(fmt.Sprintf("%x", bytes[:6]))
}
