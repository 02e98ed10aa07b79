package tornet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"sourdine/onion/internal/control"
	"sourdine/onion/internal/torproc"
	"sourdine/vault/clientkey"
)

// Client is a tor that is nobody's relay: what a visitor has. It belongs to
// its network and ends with it.
type Client struct {
	proc    *torproc.Process
	conn    *control.Conn
	control string
	socks   string
}

var clientName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// clientTorrc: ExtendedErrors lets a test, and Tor Browser, tell "no key" from
// "not there".
func clientTorrc(portFile string) []string {
	return []string{
		"SocksPort 127.0.0.1:auto ExtendedErrors",
		"ControlPort 127.0.0.1:auto",
		"ControlPortWriteToFile " + torproc.Quote(portFile),
		"CookieAuthentication 1",
	}
}

// StartClient starts a client and returns when it is connected to the network,
// after about two seconds. The name (lower-case letters, digits, hyphens) is
// its folder's; what an earlier client of that name remembered is forgotten.
func (n *Network) StartClient(ctx context.Context, name string) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if !clientName.MatchString(name) {
		return nil, fmt.Errorf("starting tor client: name %q is not made of a-z, 0-9 and hyphens", name)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errors.New("starting tor client: the network is closed")
	}
	c, err := n.startClient(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("starting tor client %s: %w", name, err)
	}
	n.clients = append(n.clients, c)
	return c, nil
}

func (n *Network) startClient(ctx context.Context, name string) (*Client, error) {
	home := filepath.Join(n.dir, "client-"+name)
	for _, other := range n.clients {
		if other.proc.Dir() == home && other.running() {
			return nil, errors.New("it runs already")
		}
	}
	if err := os.RemoveAll(home); err != nil {
		return nil, err
	}
	portFile := filepath.Join(home, "control.port")
	proc, err := torproc.Start(torproc.Spec{
		Name: "tor client " + name, Binary: n.programs.tor, Dir: home,
		Torrc: append(n.Torrc(), clientTorrc(portFile)...),
	})
	if err != nil {
		return nil, err
	}
	c := &Client{proc: proc}
	if err := c.connect(ctx, home, portFile); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// connect waits for the control port, the SOCKS port and the network.
func (c *Client) connect(ctx context.Context, home, portFile string) error {
	err := c.poll(ctx, "its control port", func() bool {
		b, err := os.ReadFile(portFile)
		address, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "PORT=")
		if err != nil || !ok {
			return false
		}
		c.control = address
		c.conn, err = control.DialCookie(ctx, address, filepath.Join(home, "control_auth_cookie"))
		return err == nil
	})
	if err != nil {
		return err
	}
	listeners, err := c.conn.Do(ctx, "GETINFO net/listeners/socks")
	if err != nil {
		return err
	}
	c.socks = strings.Trim(strings.TrimPrefix(listeners[0], "net/listeners/socks="), `"`)
	return c.poll(ctx, "the network", func() bool {
		phase, err := c.conn.Do(ctx, "GETINFO status/bootstrap-phase")
		return err == nil && strings.Contains(phase[0], "PROGRESS=100 ")
	})
}

// poll calls ready until it is true, ctx ends or the client does.
func (c *Client) poll(ctx context.Context, what string, ready func() bool) error {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for !ready() {
		select {
		case <-c.proc.Done():
			return c.proc.Failure()
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w%w", what, ctx.Err(), c.proc.Complaint())
		case <-tick.C:
		}
	}
	return nil
}

// SOCKSAddr returns the host:port of the client's SOCKS5 proxy. Names, .onion
// ones above all, must be resolved by the proxy.
func (c *Client) SOCKSAddr() string { return c.socks }

// ControlAddr returns the host:port of the client's control port, which takes
// the cookie in the client's folder.
func (c *Client) ControlAddr() string { return c.control }

// AddClientAuth gives the client a key for a service that requires clients, as
// Tor Browser does when its user pastes one. The key is kept in memory only.
func (c *Client) AddClientAuth(ctx context.Context, onionAddress string, key clientkey.Private) error {
	host := strings.TrimSuffix(onionAddress, ".onion")
	if !onionHost.MatchString(host) {
		return fmt.Errorf("adding client key: %q is not an onion address", onionAddress)
	}
	if _, err := c.conn.Do(ctx, "ONION_CLIENT_AUTH_ADD "+host+" "+key.ControlBlob()); err != nil {
		return fmt.Errorf("adding client key: %w", err)
	}
	return nil
}

var onionHost = regexp.MustCompile(`^[a-z2-7]{56}$`)

// Close ends the client before its network does. Closing twice is no error.
func (c *Client) Close() error { return c.stop() }

func (c *Client) stop() error {
	if c.conn != nil {
		_ = c.conn.Close()
	}
	return c.proc.Stop(stopLimit)
}

func (c *Client) running() bool {
	select {
	case <-c.proc.Done():
		return false
	default:
		return true
	}
}
