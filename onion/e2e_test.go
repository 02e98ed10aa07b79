//go:build e2e

package onion_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sourdine/onion"
	"sourdine/onion/tornet"
	"sourdine/vault/clientkey"
)

// SOCKS5 replies of a tor with ExtendedErrors (tor proposal 304), as Go's SOCKS client
// prints them.
const (
	keyMissing = "unknown code: 244" // 0xF4
	keyWrong   = "unknown code: 245" // 0xF5
)

// TestServices runs on one private network, which takes longer to start than
// all the rest together.
func TestServices(t *testing.T) {
	n := startNetwork(t)
	visitor := startClient(t, n, "visitor")
	dir := filepath.Join(t.TempDir(), "tor of é \"1\"")
	tor := startTor(t, onion.Config{DataDir: dir, ExtraTorrc: n.Torrc()})

	t.Run("open to all", func(t *testing.T) { testOpen(t, tor, visitor) })
	t.Run("nothing kept on disk", func(t *testing.T) { testNothingKept(t, tor, visitor, dir) })
	t.Run("clients only", func(t *testing.T) { testClientsOnly(t, n, tor, visitor) })
	t.Run("withheld", func(t *testing.T) { testWithheld(t, n, tor) })
	t.Run("most clients", func(t *testing.T) { testMostClients(t, n, tor) })
	t.Run("withdrawn", func(t *testing.T) { testWithdrawn(t, tor, visitor) })
	t.Run("attached", func(t *testing.T) { testAttached(t, n, visitor) })
	t.Run("folder in use", func(t *testing.T) {
		_, err := onion.Start(t.Context(), onion.Config{DataDir: dir, ExtraTorrc: n.Torrc()})
		if err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a second tor in one folder: %v", err)
		}
	})
	t.Run("bad configuration", testBadConfiguration)
	t.Run("killed owner", func(t *testing.T) { testKilledOwner(t, n, visitor) })
	t.Run("killed tor", func(t *testing.T) { testKilledTor(t, n) })
}

func publish(t *testing.T, tor *onion.Tor, s onion.Service) *onion.Published {
	t.Helper()
	p, err := tor.Publish(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func waitUploaded(t *testing.T, p *onion.Published) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), reachLimit)
	defer cancel()
	if err := p.WaitUploaded(ctx); err != nil {
		t.Fatal(err)
	}
}

// refused fails the test unless the client is told that it lacks a key.
func refused(t *testing.T, c *tornet.Client, address, why string) {
	t.Helper()
	got, err := get(t.Context(), c, address)
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("got %q, %v; want an error with %q", got, err, why)
	}
}

func addKey(t *testing.T, c *tornet.Client, address string, key clientkey.Private) {
	t.Helper()
	if err := c.AddClientAuth(t.Context(), address, key); err != nil {
		t.Fatal(err)
	}
}

func testOpen(t *testing.T, tor *onion.Tor, visitor *tornet.Client) {
	began := time.Now()
	key := newKey(t)
	site := onion.Service{Key: key, Socket: serveSite(t, "hello"), ProofOfWork: true}
	p := publish(t, tor, site)
	if p.Address() != key.Address() || onion.CheckAddress(p.Address()) != nil {
		t.Errorf("address %s, of the key %s", p.Address(), key.Address())
	}
	if _, err := tor.Publish(t.Context(), site); err == nil {
		t.Error("one key was published twice")
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := p.WaitUploaded(short); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "%") {
		t.Errorf("waiting for a millisecond: %v", err)
	}
	waitUploaded(t, p)
	t.Logf("from Publish to uploaded: %.1f s", time.Since(began).Seconds())
	mustGet(t, visitor, p.Address(), "hello")
	t.Logf("from Publish to first fetch: %.1f s", time.Since(began).Seconds())
	if err := p.SetClients(t.Context(), []clientkey.Public{newClientKey(t).Public()}); err == nil {
		t.Error("an open service was given clients")
	}
}

// testNothingKept: neither the key nor the address of a service that was used
// is in any file of its tor.
func testNothingKept(t *testing.T, tor *onion.Tor, visitor *tornet.Client, dir string) {
	key := newKey(t)
	p := publish(t, tor, onion.Service{Key: key, Socket: serveSite(t, "trace"), ProofOfWork: true})
	mustGet(t, visitor, p.Address(), "trace")
	blob := bytes.TrimPrefix(bytes.TrimSpace(key.Marshal()), []byte("ED25519-V3:"))
	raw, err := base64.StdEncoding.DecodeString(string(blob))
	if err != nil {
		t.Fatal(err)
	}
	traces := map[string][]byte{
		"address": []byte(strings.TrimSuffix(p.Address(), ".onion")), "key": blob, "raw key": raw[:32],
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for what, trace := range traces {
			if bytes.Contains(b, trace) {
				t.Errorf("%s is in %s", what, d.Name())
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("looked into %d files: %v", files, err)
	}
}

func testClientsOnly(t *testing.T, n *tornet.Network, tor *onion.Tor, first *tornet.Client) {
	firstKey, secondKey := newClientKey(t), newClientKey(t)
	p := publish(t, tor, onion.Service{
		Key: newKey(t), Socket: serveSite(t, "pickup"), ProofOfWork: true,
		RequireClients: true, Clients: []clientkey.Public{firstKey.Public()},
	})
	waitUploaded(t, p)
	refused(t, first, p.Address(), keyMissing)
	addKey(t, first, p.Address(), secondKey)
	refused(t, first, p.Address(), keyWrong)
	addKey(t, first, p.Address(), firstKey)
	mustGet(t, first, p.Address(), "pickup")

	second := startClient(t, n, "second")
	refused(t, second, p.Address(), keyMissing)
	addKey(t, second, p.Address(), secondKey)
	refused(t, second, p.Address(), keyWrong)
	began := time.Now()
	both := []clientkey.Public{secondKey.Public(), firstKey.Public()}
	setClients(t, p, both)
	mustGet(t, second, p.Address(), "pickup")
	t.Logf("from adding a client to its first fetch: %.1f s", time.Since(began).Seconds())
	mustGet(t, first, p.Address(), "pickup")
	t.Logf("... to that of a client from before: %.1f s", time.Since(began).Seconds())

	// A client that was removed is out although it is connected.
	setClients(t, p, both[:1])
	waitUploaded(t, p)
	for range 3 {
		if got, err := get(t.Context(), first, p.Address()); err == nil {
			t.Errorf("a removed client got %q", got)
		}
	}
	mustGet(t, second, p.Address(), "pickup")

	setClients(t, p, nil)
	if p.Live() || !errors.Is(p.WaitUploaded(t.Context()), onion.ErrWithheld) {
		t.Error("published without clients")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if got, err := get(ctx, second, p.Address()); err == nil {
		t.Errorf("the last client was removed and got %q", got)
	}
}

func setClients(t *testing.T, p *onion.Published, clients []clientkey.Public) {
	t.Helper()
	if err := p.SetClients(t.Context(), clients); err != nil {
		t.Fatal(err)
	}
}

func testWithheld(t *testing.T, n *tornet.Network, tor *onion.Tor) {
	p := publish(t, tor, onion.Service{Key: newKey(t), Socket: serveSite(t, "late"), RequireClients: true})
	if p.Live() {
		t.Fatal("announced without a client")
	}
	if err := p.WaitUploaded(t.Context()); !errors.Is(err, onion.ErrWithheld) {
		t.Errorf("err = %v", err)
	}
	reviewer, key := startClient(t, n, "reviewer"), newClientKey(t)
	addKey(t, reviewer, p.Address(), key)
	setClients(t, p, []clientkey.Public{key.Public()})
	mustGet(t, reviewer, p.Address(), "late")
}

// testMostClients: MaxClients fit into a command and into a descriptor.
func testMostClients(t *testing.T, n *tornet.Network, tor *onion.Tor) {
	var last clientkey.Private
	var clients []clientkey.Public
	for range onion.MaxClients {
		last = newClientKey(t)
		clients = append(clients, last.Public())
	}
	p := publish(t, tor, onion.Service{
		Key: newKey(t), Socket: serveSite(t, "crowd"), ProofOfWork: true, RequireClients: true, Clients: clients,
	})
	waitUploaded(t, p)
	one := startClient(t, n, "one-of-many")
	addKey(t, one, p.Address(), last)
	mustGet(t, one, p.Address(), "crowd")
}

func testWithdrawn(t *testing.T, tor *onion.Tor, visitor *tornet.Client) {
	site := onion.Service{Key: newKey(t), Socket: serveSite(t, "brief")}
	p := publish(t, tor, site)
	mustGet(t, visitor, p.Address(), "brief")
	for range 2 {
		if err := p.Withdraw(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if got, err := get(ctx, visitor, p.Address()); err == nil {
		t.Errorf("withdrawn, and got %q", got)
	}
	if p.Live() || p.WaitUploaded(t.Context()) == nil {
		t.Error("withdrawn, and live")
	}
	again := publish(t, tor, site)
	mustGet(t, visitor, again.Address(), "brief")
}

// testAttached uses a client's tor as if it were the system's.
func testAttached(t *testing.T, n *tornet.Network, visitor *tornet.Client) {
	host := startClient(t, n, "host")
	tor, err := onion.Start(t.Context(), onion.Config{ControlAddr: host.ControlAddr()})
	if err != nil {
		t.Fatal(err)
	}
	site := onion.Service{Key: newKey(t), Socket: serveSite(t, "attached"), ProofOfWork: true}
	p := publish(t, tor, site)
	waitUploaded(t, p)
	mustGet(t, visitor, p.Address(), "attached")

	other := startTor(t, onion.Config{ControlAddr: host.ControlAddr()})
	if _, err := other.Publish(t.Context(), site); err == nil || !strings.Contains(err.Error(), "hint") {
		t.Errorf("a key that this tor publishes already: %v", err)
	}
	if err := tor.Close(); err != nil {
		t.Error(err)
	}
	if tor.Err() != nil || p.WaitUploaded(t.Context()) == nil {
		t.Error("a closed tor is an error, or its services are not withdrawn")
	}
	// The services went with the connection; the tor did not.
	mustGet(t, visitor, publish(t, other, site).Address(), "attached")
}

func testBadConfiguration(t *testing.T) {
	_, err := onion.Start(t.Context(), onion.Config{DataDir: t.TempDir(), ExtraTorrc: []string{"NoSuchOption 1"}})
	if err == nil || !strings.Contains(err.Error(), "NoSuchOption") {
		t.Errorf("err = %v, want tor's own complaint", err)
	}
}

// testKilledTor: the owner learns that tor is gone.
func testKilledTor(t *testing.T, n *tornet.Network) {
	dir := filepath.Join(t.TempDir(), "victim")
	tor := startTor(t, onion.Config{DataDir: dir, ExtraTorrc: n.Torrc()})
	p := publish(t, tor, onion.Service{Key: newKey(t), Socket: serveSite(t, "x")})
	killAll(t, processesIn(t, dir))
	select {
	case <-tor.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("nobody noticed that tor is gone")
	}
	if err := tor.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("err = %v", err)
	}
	if p.WaitUploaded(t.Context()) == nil {
		t.Error("a lost service counts as uploaded")
	}
	if err := p.Withdraw(t.Context()); err != nil {
		t.Errorf("withdrawing what is gone: %v", err)
	}
}
