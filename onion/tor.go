package onion

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"sourdine/onion/internal/control"
	"sourdine/onion/internal/torproc"
)

// stopLimit is how long a tor of our own may take to end politely.
const stopLimit = 5 * time.Second

// Config says which tor to use. One of DataDir and ControlAddr must be set.
type Config struct {
	// DataDir is the private folder of a tor that Start starts; it is made
	// with mode 0700, and taken up again when it exists.
	DataDir string
	// ControlAddr attaches to a running tor instead: "host:port" or
	// "unix:/path", on Debian "unix:/run/tor/control". Its cookie file must be
	// readable; passwords are not supported.
	ControlAddr string
	// ExtraTorrc are lines for a started tor, such as tornet's to join a
	// private network. Without them it uses the public one.
	ExtraTorrc []string
	// Log, when set, gets short English sentences about the progress of
	// connecting, one at a time. They hold no addresses, names or keys.
	Log func(event string)
}

// Tor is a tor that services can be published on.
type Tor struct {
	log    func(event string)
	proc   *torproc.Process // nil when attached
	lock   *torproc.Lock    // nil when attached
	conn   *control.Conn    // for commands; the services are bound to it
	events *control.Conn

	done chan struct{} // closed when the event connection has ended
	err  error         // why; read it after done is closed

	mu        sync.Mutex
	closed    bool
	boot      bootstrap
	published map[string]*Published // by address
}

// Available tells whether Start can start a tor, or says what to install.
func Available() error {
	_, err := torproc.Find("tor")
	return err
}

// Start starts or attaches to a tor and returns once it takes commands;
// connecting to the network goes on in the background, and Publish need not
// wait for it. It announces nothing by itself. ctx bounds the start, not the
// life, of the tor: that ends with Close or with this process.
func Start(ctx context.Context, cfg Config) (*Tor, error) {
	t := &Tor{log: cfg.Log, done: make(chan struct{}), published: make(map[string]*Published)}
	if t.log == nil {
		t.log = func(string) {}
	}
	if err := t.connect(ctx, cfg); err != nil {
		close(t.done)
		return nil, errors.Join(err, t.Close())
	}
	go t.watch()
	return t, nil
}

func (t *Tor) connect(ctx context.Context, cfg Config) error {
	switch {
	case cfg.ControlAddr != "" && len(cfg.ExtraTorrc) > 0:
		return errors.New("a tor that is already running takes no configuration lines")
	case cfg.ControlAddr != "":
		if err := t.attach(ctx, cfg.ControlAddr); err != nil {
			return fmt.Errorf("attaching to tor: %w", err)
		}
	case cfg.DataDir != "":
		if err := t.launch(ctx, cfg.DataDir, cfg.ExtraTorrc); err != nil {
			return fmt.Errorf("starting tor: %w", err)
		}
	default:
		return errors.New("starting tor: neither a data folder nor a control address is set")
	}
	if err := t.events.Subscribe(ctx, "HS_DESC", "STATUS_CLIENT"); err != nil {
		return err
	}
	// What happened before the subscription, which for an attached tor is
	// mostly everything.
	phase, err := t.conn.Do(ctx, "GETINFO status/bootstrap-phase")
	if err != nil {
		return err
	}
	t.noteBootstrap(phase[0])
	return nil
}

func (t *Tor) attach(ctx context.Context, address string) (err error) {
	if t.conn, err = control.Dial(ctx, address); err != nil {
		return err
	}
	t.events, err = control.Dial(ctx, address)
	return err
}

// watch reads tor's events until the connection ends; Close waits for it.
func (t *Tor) watch() {
	defer close(t.done)
	err := t.events.ReadEvents(t.handle)
	_ = t.conn.Close() // so that "lost" is true of the services too
	t.mu.Lock()
	closed := t.closed
	t.mu.Unlock()
	if closed {
		return
	}
	t.err = fmt.Errorf("lost tor, and with it all services: %w", err)
	if t.proc != nil {
		select {
		case <-t.proc.Done():
			t.err = fmt.Errorf("lost tor, and with it all services: %w", t.proc.Failure())
		case <-time.After(stopLimit):
		}
	}
}

// do sends a command. Losing the command connection loses the services, so the
// event connection, on which Done depends, goes with it.
func (t *Tor) do(ctx context.Context, command string) ([]string, error) {
	answer, err := t.conn.Do(ctx, command)
	if errors.Is(err, control.ErrLost) {
		_ = t.events.Close()
	}
	return answer, err
}

// Done is closed when tor is lost or closed. Its services are gone then; Start
// another one to publish them again.
func (t *Tor) Done() <-chan struct{} { return t.done }

// withdrawAll has a tor that lives on forget our services before it notices
// that we are gone, so that they can be published again at once. What fails
// here, the end of the connection does.
func (t *Tor) withdrawAll() {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	t.mu.Lock()
	all := slices.Collect(maps.Values(t.published))
	t.mu.Unlock()
	for _, p := range all {
		_ = p.Withdraw(ctx)
	}
}

func (t *Tor) lost() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// Err says why tor was lost. It is nil before Done is closed and after Close.
func (t *Tor) Err() error {
	if !t.lost() {
		return nil
	}
	return t.err
}

// Close withdraws all services and ends the tor if Start started it. It
// returns when both are done. Closing twice is no error.
func (t *Tor) Close() error {
	t.mu.Lock()
	again := t.closed
	t.closed = true
	t.mu.Unlock()
	if again {
		<-t.done
		return nil
	}
	if t.proc == nil {
		t.withdrawAll()
	}
	for _, c := range []*control.Conn{t.conn, t.events} {
		if c != nil {
			_ = c.Close() // also where tor hung up first
		}
	}
	var err error
	if t.proc != nil {
		err = t.proc.Stop(stopLimit)
	}
	if t.lock != nil {
		err = errors.Join(err, t.lock.Unlock())
	}
	<-t.done
	return err
}
