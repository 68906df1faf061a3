package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"unicode"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
)

// longMessage: longer messages are left out of abci.json. The three parts of block 7 say nothing new there.
const longMessage = 32 << 10

const abciName = "single/abci.json"

// abciServer serves one app to one node over a socket and keeps every message. CometBFT's own server holds one lock over
// all connections; here a proposal can wait while transactions are checked.
type abciServer struct {
	app      *app
	listener net.Listener
	address  string

	mu       sync.Mutex
	messages []abciMessage
	held     map[string]chan struct{} // by method
}

type abciMessage struct {
	Method   string `json:"method"`
	Request  []byte `json:"request"`
	Response []byte `json:"response"`
}

// serve listens at a Unix socket: no port to find free.
func serve(app *app, path string) (*abciServer, error) {
	_ = os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket for the application: %w", err)
	}
	s := &abciServer{app: app, listener: listener, address: "unix://" + path, held: map[string]chan struct{}{}}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go s.answer(connection)
		}
	}()
	return s, nil
}

func (s *abciServer) close() { s.listener.Close() }

// hold lets every request of a method wait until the returned function is called.
func (s *abciServer) hold(method string) (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	s.held[method] = gate
	s.mu.Unlock()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		delete(s.held, method)
		s.mu.Unlock()
		close(gate)
	})
}

func (s *abciServer) answer(connection net.Conn) {
	defer connection.Close()
	reader, writer := bufio.NewReader(connection), bufio.NewWriter(connection)
	for {
		request := &abci.Request{}
		if err := abci.ReadMessage(reader, request); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				fmt.Fprintln(os.Stderr, "abci:", err)
			}
			return
		}
		response, err := s.handle(request)
		if err != nil {
			fmt.Fprintln(os.Stderr, "abci:", err)
			return
		}
		if abci.WriteMessage(response, writer) != nil {
			return
		}
		if _, flush := request.Value.(*abci.Request_Flush); flush && writer.Flush() != nil {
			return
		}
	}
}

func (s *abciServer) handle(request *abci.Request) (*abci.Response, error) {
	s.mu.Lock()
	gate := s.held[methodOf(request)]
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	response := s.app.handle(request)
	if response == nil {
		return nil, fmt.Errorf("the application knows no %s: extend app.go", methodOf(request))
	}
	return response, s.keep(request, response)
}

func (s *abciServer) keep(request *abci.Request, response *abci.Response) error {
	method := methodOf(request)
	if method == "flush" || method == "echo" {
		return nil
	}
	asked, err := request.Marshal()
	if err != nil {
		return err
	}
	answered, err := response.Marshal()
	if err != nil {
		return err
	}
	if len(asked) > longMessage || len(answered) > longMessage {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, abciMessage{method, asked, answered})
	return nil
}

// recorded is what was kept.
func (s *abciServer) recorded() []abciMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messages
}

// methodOf is the name of a request as in the recordings: Request_FinalizeBlock is finalize_block.
func methodOf(request *abci.Request) string {
	_, name, _ := strings.Cut(fmt.Sprintf("%T", request.Value), "_")
	var out strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

func proofOps(key []byte) *cmtcrypto.ProofOps {
	return &cmtcrypto.ProofOps{Ops: []cmtcrypto.ProofOp{{Type: "golden:proof", Key: key, Data: []byte{0x0A, 1, 2}}}}
}
