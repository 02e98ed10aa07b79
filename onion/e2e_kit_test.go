//go:build e2e

package onion_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"sourdine/onion"
	"sourdine/onion/tornet"
	"sourdine/vault/clientkey"
)

const reachLimit = 90 * time.Second

// startNetwork brings up a private network for one test.
func startNetwork(t *testing.T) *tornet.Network {
	t.Helper()
	began := time.Now()
	report := tornet.WithLog(func(s string) { t.Logf("%.1f s  %s", time.Since(began).Seconds(), s) })
	n, err := tornet.Start(t.Context(), filepath.Join(t.TempDir(), "net"), report)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("private network: %.1f s", time.Since(began).Seconds())
	return n
}

func startClient(t *testing.T, n *tornet.Network, name string) *tornet.Client {
	t.Helper()
	c, err := n.StartClient(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func startTor(t *testing.T, cfg onion.Config) *onion.Tor {
	t.Helper()
	cfg.Log = func(s string) { t.Logf("tor: %s", s) }
	tor, err := onion.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tor.Close(); err != nil {
			t.Error(err)
		}
	})
	return tor
}

// serveSite answers every request on a unix socket with body, and returns the
// socket's path.
func serveSite(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, body)
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return path
}

func newKey(t *testing.T) onion.ServiceKey {
	t.Helper()
	k, err := onion.NewServiceKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newClientKey(t *testing.T) clientkey.Private {
	t.Helper()
	k, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// get fetches a page through a client's SOCKS port, once. It waits no longer
// than a visitor would.
func get(ctx context.Context, c *tornet.Client, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	proxy := &url.URL{Scheme: "socks5h", Host: c.SOCKSAddr()}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return "", err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(b), err
}

// mustGet tries until the page comes, and returns how long it took.
func mustGet(t *testing.T, c *tornet.Client, address, want string) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), reachLimit)
	defer cancel()
	for {
		got, err := get(ctx, c, address)
		if err == nil && got == want {
			return time.Since(began)
		}
		if ctx.Err() != nil {
			t.Fatalf("not reachable: %q %v", got, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
