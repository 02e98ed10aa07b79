package translog_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/translog"
)

const (
	goodID     = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	goodDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of nothing

	// The key of RFC 8032, section 7.1, test 1, under a vault's name.
	origin   = "sourdine/vault/0123abcd"
	secret   = "PRIVATE+KEY+sourdine/vault/0123abcd+dd6f810d+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
	vaultKey = "sourdine/vault/0123abcd+dd6f810d+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
)

// hashes is where a log's hashes are stored. It refuses what was not stored.
type hashes []tlog.Hash

func (s hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(s)) {
			return nil, fmt.Errorf("hash %d of %d", at, len(s))
		}
		out[i] = s[at]
	}
	return out, nil
}

// entry is the n-th leaf of the logs in these tests; the tree does not look
// into leaves.
func entry(n int64) []byte { return fmt.Appendf(nil, "leaf %d", n) }

func entries(from, to int64) [][]byte {
	var list [][]byte
	for n := from; n < to; n++ {
		list = append(list, entry(n))
	}
	return list
}

// grown returns a log of that size, stored by package tlog alone.
func grown(t testing.TB, size int64) hashes {
	t.Helper()
	var stored hashes
	for n := range size {
		more, err := tlog.StoredHashes(n, entry(n), stored)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	return stored
}

func root(t testing.TB, size int64, stored tlog.HashReader) tlog.Hash {
	t.Helper()
	h, err := translog.Root(size, stored)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func head(t testing.TB, size int64, stored tlog.HashReader) translog.Checkpoint {
	t.Helper()
	return translog.Checkpoint{Origin: origin, Size: size, Root: root(t, size, stored)}
}

func unhex(t testing.TB, digits string) tlog.Hash {
	t.Helper()
	var h tlog.Hash
	if n, err := hex.Decode(h[:], []byte(digits)); err != nil || n != len(h) {
		t.Fatalf("%q is not a hash", digits)
	}
	return h
}

// digests are n different ones, ascending.
func digests(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%064x", i)
	}
	return list
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: accepted", what)
	} else if strings.ContainsAny(err.Error(), "\n\x00") || len(err.Error()) > 120 {
		t.Errorf("%s: not a sentence: %q", what, err)
	}
}
