package control

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"time"

	bine "github.com/cretz/bine/control"
)

const (
	// answerLimit bounds the wait for tor's answer to one command. tor answers
	// within milliseconds, even while it is cut off from its network.
	answerLimit = 30 * time.Second
	// cancelLimit is what a cancelled caller still waits for an answer, rather
	// than to break the connection and take the onion services down with it.
	cancelLimit = 2 * time.Second
)

// ErrLost is in the chain of an error of Do after which the connection is
// closed; other errors leave it usable.
var ErrLost = errors.New("lost the control connection to tor")

// Conn is an authenticated control connection, safe for concurrent use.
type Conn struct {
	mu   sync.Mutex
	raw  net.Conn
	bine *bine.Conn
}

// Dial connects to a control address, "host:port" or "unix:/path", and
// authenticates by whatever the tor offers: nothing, or its cookie file, which
// this process must then be allowed to read.
func Dial(ctx context.Context, address string) (*Conn, error) {
	return dial(ctx, address, func(c *Conn) error {
		if err := c.bine.Authenticate(""); err != nil {
			return fmt.Errorf("authenticating to tor at %s: %w (hint: this user must be able to read tor's control cookie)", address, err)
		}
		return nil
	})
}

// DialCookie connects to a tor of our own, whose cookie file is known.
func DialCookie(ctx context.Context, address, cookieFile string) (*Conn, error) {
	return dial(ctx, address, func(c *Conn) error {
		cookie, err := os.ReadFile(cookieFile)
		if err != nil {
			return fmt.Errorf("reading tor's control cookie: %w", err)
		}
		_, err = c.Do(ctx, "AUTHENTICATE "+hex.EncodeToString(cookie))
		return err
	})
}

func dial(ctx context.Context, address string, authenticate func(*Conn) error) (*Conn, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	raw, err := (&net.Dialer{Timeout: answerLimit}).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connecting to tor's control port: %w", err)
	}
	c := &Conn{raw: raw, bine: bine.NewConn(textproto.NewConn(raw))}
	defer c.limit(ctx)()
	if err := authenticate(c); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return c, nil
}

// Do sends one command and returns the lines of tor's answer without their
// codes. An answer of 250 to 252 is success; any other is a *Refusal.
func (c *Conn) Do(ctx context.Context, command string) ([]string, error) {
	verb, _, _ := strings.Cut(command, " ")
	if strings.ContainsAny(command, "\r\n") {
		return nil, fmt.Errorf("%s: command holds a line break", verb)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", verb, err)
	}
	defer c.limit(ctx)()
	answer, err := c.bine.SendRequest("%s", command)
	if answer != nil && answer.Err != nil {
		// bine takes 252 for an error; it says "done, and noted for later".
		if code := answer.Err.Code; code >= 250 && code <= 252 {
			return answer.DataWithReply(), nil
		}
		return nil, &Refusal{Verb: verb, Code: answer.Err.Code, Reason: scrub(answer.Reply, command)}
	}
	if err == nil {
		err = errors.New("empty answer")
	}
	// What tor made of the command is unknown, so nothing may be built on it.
	_ = c.raw.Close()
	return nil, fmt.Errorf("%s: %w: %w", verb, ErrLost, err)
}

// limit bounds what is read and written until the returned function is called.
func (c *Conn) limit(ctx context.Context) func() {
	_ = c.raw.SetDeadline(time.Now().Add(answerLimit))
	stop := context.AfterFunc(ctx, func() {
		_ = c.raw.SetDeadline(time.Now().Add(cancelLimit))
	})
	return func() {
		stop()
		_ = c.raw.SetDeadline(time.Time{})
	}
}

// Subscribe asks tor for the named events, to be read with ReadEvents.
func (c *Conn) Subscribe(ctx context.Context, codes ...string) error {
	_, err := c.Do(ctx, "SETEVENTS "+strings.Join(codes, " "))
	return err
}

// ReadEvents hands over the text of each event, such as "HS_DESC UPLOADED …",
// until the connection ends, and returns why it did. It owns the connection:
// beside it only Close may be called.
func (c *Conn) ReadEvents(handle func(event string)) error {
	for {
		event, err := c.bine.ReadResponse()
		if err != nil {
			return fmt.Errorf("reading tor's events: %w", err)
		}
		handle(event.Reply)
	}
}

// Close ends the connection and with it the onion services bound to it.
func (c *Conn) Close() error { return c.raw.Close() }
