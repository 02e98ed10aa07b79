package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// The longest message taken from Firefox: a screenshot of a long page, in base64.
const maxMessage = 256 << 20

// A marionette is a connection to Firefox's remote control. A message is
// "LENGTH:JSON"; a command is [0, id, name, parameters], its reply
// [1, id, error, result]. Firefox speaks first, with its protocol's version.
type marionette struct {
	conn net.Conn
	done chan struct{} // closed when nothing more will be read
	err  error         // why; set before done is closed

	mu      sync.Mutex // also orders writes
	lastID  int
	waiting map[int]chan reply
}

type reply struct {
	failure *failure
	result  json.RawMessage
}

// A failure is an error that Firefox answered with (WebDriver, section 6.6).
type failure struct {
	Code    string `json:"error"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

func dialMarionette(ctx context.Context, addr string) (*marionette, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to marionette: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	in := bufio.NewReader(conn)
	var hello struct {
		Protocol int `json:"marionetteProtocol"`
	}
	err = readMessage(in, &hello)
	if err == nil && hello.Protocol != 3 {
		err = fmt.Errorf("protocol %d is not 3", hello.Protocol)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("greeting of marionette: %w", err)
	}
	m := &marionette{conn: conn, done: make(chan struct{}), waiting: map[int]chan reply{}}
	go m.read(in)
	return m, nil
}

// read hands replies to their callers until the connection ends.
func (m *marionette) read(in *bufio.Reader) {
	for {
		var id int
		var r reply
		if err := readMessage(in, &[]any{new(int), &id, &r.failure, &r.result}); err != nil {
			m.err = fmt.Errorf("marionette ended: %w", err)
			close(m.done)
			return
		}
		m.mu.Lock()
		if answer := m.waiting[id]; answer != nil {
			answer <- r // has room for one
			delete(m.waiting, id)
		}
		m.mu.Unlock()
	}
}

// call runs a command and decodes its result, unless result is nil.
func (m *marionette) call(ctx context.Context, command string, params, result any) error {
	id, answer, err := m.send(ctx, command, params)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	var r reply
	select {
	case r = <-answer:
	case <-m.done:
		return fmt.Errorf("%s: %w", command, m.err)
	case <-ctx.Done():
		m.mu.Lock()
		delete(m.waiting, id)
		m.mu.Unlock()
		return fmt.Errorf("%s: %w", command, ctx.Err())
	}
	if r.failure != nil {
		return fmt.Errorf("%s: %w", command, r.failure)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(r.result, result); err != nil {
		return fmt.Errorf("%s: result: %w", command, err)
	}
	return nil
}

func (m *marionette) send(ctx context.Context, command string, params any) (int, chan reply, error) {
	if params == nil {
		params = struct{}{}
	}
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastID++
	message, err := json.Marshal([]any{0, m.lastID, command, params})
	if err != nil {
		return 0, nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := m.conn.SetWriteDeadline(deadline); err != nil {
		return 0, nil, err
	}
	answer := make(chan reply, 1)
	m.waiting[m.lastID] = answer
	if _, err := fmt.Fprintf(m.conn, "%d:%s", len(message), message); err != nil {
		delete(m.waiting, m.lastID)
		return 0, nil, err
	}
	return m.lastID, answer, nil
}

func readMessage(in *bufio.Reader, v any) error {
	length := 0
	for {
		c, err := in.ReadByte()
		if err != nil {
			return err
		}
		if c == ':' {
			break
		}
		if c < '0' || c > '9' {
			return errors.New("a message without a length")
		}
		if length = length*10 + int(c-'0'); length > maxMessage {
			return fmt.Errorf("a message of more than %d bytes", maxMessage)
		}
	}
	var text bytes.Buffer // grows with what arrives, not with what is announced
	if _, err := io.CopyN(&text, in, int64(length)); err != nil {
		return err
	}
	return json.Unmarshal(text.Bytes(), v)
}
