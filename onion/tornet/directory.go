package tornet

import (
	"context"
	"io"
	"net/http"
	"time"
)

// documentLimit bounds what is read from a directory; six relays make about
// 30 kB.
const documentLimit = 1 << 20

const (
	knownPath     = "/tor/server/all"
	consensusPath = "/tor/status-vote/current/consensus-microdesc"
)

// fetch reads one document from an authority's directory port. No answer is an
// empty document: the authority may still be starting.
func fetch(ctx context.Context, client *http.Client, a address, path string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+loopback(a.DirPort)+path, nil)
	if err != nil {
		return ""
	}
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, documentLimit))
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(b)
}

// directoryClient speaks to directory ports and to nothing else: no proxy of
// the environment comes between.
func directoryClient() *http.Client {
	return &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	}
}
