package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/spf13/viper"
)

const (
	// startTime is how long a node may take until its RPC answers, stopTime until it has ended after SIGTERM.
	startTime = 60 * time.Second
	stopTime  = 20 * time.Second
	pollTime  = 5 * time.Millisecond
)

// settings are sections of CometBFT's configuration, as config/settings.json has them.
type settings map[string]map[string]any

// with is these settings and others over them.
func (s settings) with(other settings) settings {
	merged := settings{}
	for _, layer := range []settings{s, other} {
		for section, values := range layer {
			if merged[section] == nil {
				merged[section] = map[string]any{}
			}
			for key, value := range values {
				merged[section][key] = value
			}
		}
	}
	return merged
}

// node is an unmodified CometBFT process with a home of its own and the application that it drives.
type node struct {
	binary   string
	home     string
	rpc, p2p string
	abci     *abciServer
	process  *exec.Cmd
	ended    chan struct{}
}

// nodeFiles are the recorded files of a home.
type nodeFiles struct{ genesis, validatorKey, nodeKey []byte }

// newNode makes the home anew and serves the application. Ports "0" are chosen free.
func newNode(binary, home string, files nodeFiles, rpcPort, p2pPort int, app *app) (*node, error) {
	if err := os.RemoveAll(home); err != nil {
		return nil, err
	}
	config.EnsureRoot(home)
	// The application's part of the genesis file reaches it as it is indented here.
	var genesis bytes.Buffer
	if err := json.Indent(&genesis, files.genesis, "", "  "); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	for name, text := range map[string][]byte{
		"config/genesis.json":            genesis.Bytes(),
		"config/priv_validator_key.json": files.validatorKey,
		"config/node_key.json":           files.nodeKey,
		"data/priv_validator_state.json": []byte(`{"height":"0","round":0,"step":0}`),
	} {
		if err := os.WriteFile(filepath.Join(home, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	n := &node{binary: binary, home: home}
	for port, address := range map[*string]int{&n.rpc: rpcPort, &n.p2p: p2pPort} {
		free, err := freeAddress(address)
		if err != nil {
			return nil, err
		}
		*port = free
	}
	var err error
	n.abci, err = serve(app, filepath.Join(home, "app.sock"))
	return n, err
}

func freeAddress(port int) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", fmt.Errorf("port %d is taken, and the recorded settings name it: end what holds it (%w)", port, err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// start writes the configuration (defaults, then the settings) and starts the process. It returns when the RPC answers.
func (n *node) start(ctx context.Context, moniker string, s settings) error {
	values := viper.New()
	for section, members := range s {
		for key, value := range members {
			values.Set(section+"."+key, value)
		}
	}
	c := config.DefaultConfig()
	if err := values.Unmarshal(c); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	c.SetRoot(n.home)
	c.Moniker, c.LogLevel = moniker, "error"
	c.ProxyApp, c.RPC.ListenAddress, c.P2P.ListenAddress = n.abci.address, "tcp://"+n.rpc, "tcp://"+n.p2p
	if err := c.ValidateBasic(); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	config.WriteConfigFile(filepath.Join(n.home, "config", "config.toml"), c)

	log, err := os.OpenFile(filepath.Join(n.home, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	n.process = exec.CommandContext(ctx, n.binary, "start", "--home", n.home)
	n.process.Stdout, n.process.Stderr = log, log
	if err := n.process.Start(); err != nil {
		return fmt.Errorf("CometBFT does not start: %w", err)
	}
	n.ended = make(chan struct{})
	go func() {
		_ = n.process.Wait()
		close(n.ended)
	}()
	return n.wait(ctx, "the RPC to answer", startTime, n.answers)
}

// stop ends the process as an operator would.
func (n *node) stop() error {
	if n.process == nil {
		return nil
	}
	_ = n.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.ended:
	case <-time.After(stopTime):
		_ = n.process.Process.Kill()
		<-n.ended
		return fmt.Errorf("%s did not stop within %s", n.home, stopTime)
	}
	n.process = nil
	return nil
}

// end stops the process, whatever happened, and the application's socket.
func (n *node) end() {
	_ = n.stop()
	n.abci.close()
}

// wait polls until the condition holds; it gives up when the time or the process ends.
func (n *node) wait(ctx context.Context, what string, limit time.Duration, holds func() bool) error {
	deadline := time.After(limit)
	for !holds() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ended:
			return fmt.Errorf("CometBFT ended while the recorder waited for %s: see %s/log", what, n.home)
		case <-deadline:
			return fmt.Errorf("waited %s in vain for %s: see %s/log", limit, what, n.home)
		case <-time.After(pollTime):
		}
	}
	return nil
}

// waitCommitted waits until the application has committed a height.
func (n *node) waitCommitted(ctx context.Context, height int64) error {
	return n.wait(ctx, fmt.Sprintf("height %d", height), time.Minute,
		func() bool { return n.abci.app.committed() >= height })
}

// rpcError is an error that CometBFT answered.
type rpcError struct{ raw json.RawMessage }

func (e *rpcError) Error() string { return "CometBFT answers: " + string(e.raw) }

// call asks the RPC; the result is as it was written.
func (n *node) call(method string, params map[string]any) (json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	response, err := http.Post("http://"+n.rpc, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var envelope struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(text, &envelope); err != nil {
		return nil, err
	}
	if envelope.Error != nil {
		return nil, &rpcError{envelope.Error}
	}
	return envelope.Result, nil
}

// answers tells whether the RPC does.
func (n *node) answers() bool {
	_, err := n.call("health", nil)
	return err == nil
}

// waiting tells whether so many transactions are in the mempool.
func (n *node) waiting(count int) func() bool {
	return func() bool {
		var answer struct {
			Total int `json:"total,string"`
		}
		text, err := n.call("num_unconfirmed_txs", nil)
		return err == nil && json.Unmarshal(text, &answer) == nil && answer.Total == count
	}
}

// send broadcasts one transaction and expects CheckTx to take it.
func (n *node) send(tx []byte) error {
	result, err := n.call("broadcast_tx_sync", map[string]any{"tx": base64.StdEncoding.EncodeToString(tx)})
	if err != nil {
		return err
	}
	var answer struct{ Code int }
	if err := json.Unmarshal(result, &answer); err != nil {
		return err
	}
	if answer.Code != 0 {
		return errors.New("CheckTx refuses a recorded transaction: " + string(result))
	}
	return nil
}
