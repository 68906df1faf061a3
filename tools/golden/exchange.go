package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// exchangeTime is how long one answer may take; broadcast_tx_commit waits three seconds on purpose.
const exchangeTime = 30 * time.Second

// exchanges is a document of rpc/: requests and what the node answered.
type exchanges struct {
	About     string     `json:"about"`
	Exchanges []exchange `json:"exchanges"`
}

type exchange struct {
	Name     string       `json:"name"`
	Request  httpRequest  `json:"request"`
	Response httpResponse `json:"response"`
}

type httpRequest struct {
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Headers [][2]string `json:"headers"`
	Body    *string     `json:"body,omitempty"`
}

type httpResponse struct {
	Status  string      `json:"status"`
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body"`
}

func (e exchanges) members() []member {
	return []member{{key: "about", value: e.About}, {key: "exchanges", value: e.Exchanges, lines: true}}
}

// replay sends the recorded requests again, one connection each, and returns them with the new answers. `adapt` puts what
// hangs on the time of this run (hashes, signatures) in place of what hung on that of the recorded one.
func (e exchanges) replay(address string, adapt *strings.Replacer, before, after func(name string) error) (exchanges, error) {
	again := exchanges{About: e.About}
	for _, one := range e.Exchanges {
		request := one.Request.adapted(adapt)
		if err := before(one.Name); err != nil {
			return again, err
		}
		response, err := request.send(address, one)
		if err != nil {
			return again, fmt.Errorf("%q of %q: %w", one.Name, e.About, err)
		}
		again.Exchanges = append(again.Exchanges, exchange{one.Name, request, response})
		if err := after(one.Name); err != nil {
			return again, err
		}
	}
	return again, nil
}

func nothing(string) error { return nil }

func (r httpRequest) adapted(adapt *strings.Replacer) httpRequest {
	r.Target = adapt.Replace(r.Target)
	if r.Body == nil {
		return r
	}
	body := adapt.Replace(*r.Body)
	if len(body) != len(*r.Body) {
		// A time without its last digit: the length follows the body.
		headers := append([][2]string{}, r.Headers...)
		for i := range headers {
			if headers[i][0] == "Content-Length" {
				headers[i][1] = strconv.Itoa(len(body))
			}
		}
		r.Headers = headers
	}
	r.Body = &body
	return r
}

// send writes the request byte for byte as recorded and reads the answer as it stands on the wire.
func (r httpRequest) send(address string, one exchange) (httpResponse, error) {
	body, err := one.fullBody(r.Body)
	if err != nil {
		return httpResponse{}, err
	}
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return httpResponse{}, err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(exchangeTime)); err != nil {
		return httpResponse{}, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\n", r.Method, r.Target)
	writeHeaders(&out, r.Headers)
	out.WriteString(body)
	if _, err := connection.Write(out.Bytes()); err != nil {
		return httpResponse{}, err
	}
	return readResponse(bufio.NewReader(connection), r.Method)
}

func writeHeaders(out *bytes.Buffer, headers [][2]string) {
	for _, header := range headers {
		fmt.Fprintf(out, "%s: %s\r\n", header[0], header[1])
	}
	out.WriteString("\r\n")
}

// fullBody is the body of a request; those that were too long to keep are made again from their description.
func (e exchange) fullBody(body *string) (string, error) {
	if body == nil {
		return "", nil
	}
	if !strings.Contains(*body, "…") {
		return *body, nil
	}
	var count int
	if _, err := fmt.Sscanf(*body, `{… "tx": "base64 of %d bytes"}`, &count); err == nil {
		method, _, _ := strings.Cut(e.Name, ":")
		tx := "big " + strings.Repeat("x", count-len("big "))
		return fmt.Sprintf(`{"jsonrpc": "2.0", "id": 1, "method": "%s", "params": {"tx": "%s"}}`,
			method, base64.StdEncoding.EncodeToString([]byte(tx))), nil
	}
	if _, err := fmt.Sscanf(*body, `{"pad":"%d times x", …}`, &count); err == nil {
		return `{"pad": "` + strings.Repeat("x", count) + `", "jsonrpc": "2.0", "method": "health", "id": 1}`, nil
	}
	return "", fmt.Errorf("no rule to make the body %q again: add one to fullBody", *body)
}

func readResponse(reader *bufio.Reader, method string) (httpResponse, error) {
	lines := textproto.NewReader(reader)
	status, err := lines.ReadLine()
	if err != nil {
		return httpResponse{}, fmt.Errorf("no answer: %w", err)
	}
	response := httpResponse{Status: status, Headers: [][2]string{}}
	var body io.Reader = strings.NewReader("")
	for {
		line, err := lines.ReadLine()
		if err != nil {
			return response, fmt.Errorf("headers of the answer: %w", err)
		}
		if line == "" {
			break
		}
		key, value, _ := strings.Cut(line, ": ")
		response.Headers = append(response.Headers, [2]string{key, value})
		switch key {
		case "Content-Length":
			length, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return response, err
			}
			body = io.LimitReader(reader, length)
		case "Transfer-Encoding":
			body = httputil.NewChunkedReader(reader)
		}
	}
	if method == "HEAD" {
		return response, nil
	}
	text, err := io.ReadAll(body)
	response.Body = string(text)
	return response, err
}
