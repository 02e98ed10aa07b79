package program

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/proxy"
)

// Through returns the server as a visitor of its onion address sees it, over
// a tor client's SOCKS port.
func (s *Server) Through(t testing.TB, socks, onion string) *Visitor {
	t.Helper()
	dialer, err := proxy.SOCKS5("tcp", socks, nil, proxy.Direct)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialer.(proxy.ContextDialer).DialContext(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &Visitor{URL: strings.TrimSuffix(onion, "/"), Client: &http.Client{Transport: transport}}
}

// WaitReachable asks for the first page until it comes: a fresh onion service
// can be announced before this client's directories know it.
func (v *Visitor) WaitReachable(t testing.TB, patience time.Duration) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Second) {
		var response *http.Response
		if response, err = v.Client.Get(v.URL + "/"); err == nil {
			response.Body.Close()
			return
		}
	}
	t.Fatalf("the onion service cannot be reached within %s: %v", patience, err)
}
