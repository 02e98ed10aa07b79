package vault_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/slots"
)

// A stretch of the vault's file holds a chunk of a submission.
type stretch struct {
	from, to int
	id       vault.ID
}

// stretches finds where in the file the payloads are.
func stretches(t *testing.T, path string, image []byte) (found []stretch) {
	t.Helper()
	v, err := vault.Open(path)
	orFatal(t, err)
	defer v.Close()
	for e, err := range v.Entries() {
		orFatal(t, err)
		for n := range e.Payloads {
			payload := payloadOf(t, v, e.ID, n)
			for chunk := range slices.Chunk(payload, 256<<10) {
				if len(chunk) < 16 {
					continue // may be anywhere
				}
				at := bytes.Index(image, chunk)
				if at < 0 {
					t.Fatal("a chunk is not in the file")
				}
				found = append(found, stretch{at, at + len(chunk), e.ID})
			}
		}
	}
	return found
}

// flipped flips bits of one byte of a file while fn runs.
func flipped(t *testing.T, path string, at int64, mask byte, fn func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	orFatal(t, err)
	defer f.Close()
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	orFatal(t, err)
	_, err = f.WriteAt([]byte{b[0] ^ mask}, at)
	orFatal(t, err)
	fn()
	_, err = f.WriteAt(b, at)
	orFatal(t, err)
}

// One flipped byte anywhere is found, a submission suffers only if it is its
// own, and what is said to be fine can be opened.
func TestVerifyFlips(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	path, ids := verifiable(t)
	image, err := os.ReadFile(path)
	orFatal(t, err)
	chunks := stretches(t, path, image)
	keys, err := os.ReadFile(slotsOf(path))
	orFatal(t, err)
	kinds := map[string]int{}
	for n := range flips {
		file, at := path, random.IntN(len(image))
		switch n % 4 {
		case 0:
			file, at = slotsOf(path), random.IntN(len(keys))
		case 1: // where bbolt's own bytes are
			at = at/4096*4096 + random.IntN(300)
		}
		mask := byte(1 + random.IntN(255))
		flipped(t, file, int64(at), mask, func() {
			r := verify(t, path)
			name := fmt.Sprintf("byte %d of %s, by %#x", at, filepath.Base(file), mask)
			if r.Sound() {
				t.Errorf("%s: not found", name)
				return
			}
			i := slices.IndexFunc(chunks, func(s stretch) bool { return file == path && at >= s.from && at < s.to })
			if i >= 0 {
				kinds["payload"]++
				if len(r.Damage) > 0 || len(r.Submissions) != 1 || r.Submissions[0].ID != chunks[i].id.String() || r.Submissions[0].Readable {
					t.Errorf("%s, of submission %s: %+v", name, chunks[i].id, r)
				}
				return
			}
			kinds[kindOf(r)]++
			mustOpen(t, name, path, ids, r)
		})
		if t.Failed() {
			return
		}
	}
	if r := verify(t, path); !r.Sound() {
		t.Errorf("afterwards: %+v", r)
	}
	t.Log(kinds)
}

func slotsOf(path string) string { return strings.TrimSuffix(path, ".db") + ".slots" }

func kindOf(r vault.Report) string {
	switch {
	case len(r.Submissions) == 0:
		return "vault only"
	case r.Submissions[0].Readable:
		return "readable"
	case len(r.Submissions) == 1:
		return "one unreadable"
	}
	return "many unreadable"
}

// mustOpen opens, with bbolt, all that the report says nothing bad of.
func mustOpen(t *testing.T, name, path string, ids []vault.ID, r vault.Report) {
	t.Helper()
	debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(false)
	var fine []vault.ID
	listed := 0 // that cannot be read, or are not as they should be
	for _, id := range ids {
		i := slices.IndexFunc(r.Submissions, func(a vault.Affected) bool { return a.ID == id.String() })
		if i >= 0 {
			listed++
		}
		if i < 0 || r.Submissions[i].Readable {
			fine = append(fine, id)
		}
	}
	if r.Fine.Submissions+listed < len(ids) && slices.ContainsFunc(r.Damage, func(d string) bool {
		return strings.HasPrefix(d, "vault.db: nothing of submissions can be read") || strings.HasPrefix(d, "vault.db, submissions: a part cannot be read")
	}) {
		return // nobody knows any more which there were
	}
	if r.Fine.Submissions+listed != len(ids) {
		t.Errorf("%s: %d submissions were counted: %+v", name, r.Fine.Submissions+listed, r)
	}
	if err := openAll(path, fine); err != nil {
		t.Errorf("%s: was said to be fine: %v: %+v", name, err, r)
	}
}

func openAll(path string, ids []vault.ID) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	if len(ids) == 0 {
		return nil
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin(false)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	envelopes := map[vault.ID][]byte{}
	var numbers []uint32
	for _, id := range ids {
		envelopes[id] = tx.Bucket([]byte("envelopes")).Get(id[:])
		numbers = append(numbers, binary.BigEndian.Uint32(envelopes[id]))
		if err := openPayloads(tx, id); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return openEnvelopes(path, tx, envelopes, numbers)
}

func openEnvelopes(path string, tx *bolt.Tx, envelopes map[vault.ID][]byte, numbers []uint32) error {
	file, err := slots.Open(slotsOf(path), [16]byte(tx.Bucket([]byte("meta")).Get([]byte("slots"))[:16]), slices.Values(numbers))
	if err != nil {
		return err
	}
	defer file.Close()
	for id, stored := range envelopes {
		key, err := file.Key(binary.BigEndian.Uint32(stored))
		if err == nil {
			_, err = key.Unwrap(id, stored[4:len(stored)-4])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

func openPayloads(tx *bolt.Tx, id vault.ID) error {
	var h vault.Header
	if err := decode(tx.Bucket([]byte("submissions")).Get(id[:]), &h); err != nil {
		return err
	}
	for n := range h.Payloads {
		digest := sha256.New()
		chunks := tx.Bucket([]byte("chunks"))
		for left, seq := h.Payloads[n], uint32(0); left > 0; seq++ {
			key := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(id[:], uint32(n)), seq)
			stored := chunks.Bucket(key).Get([]byte("v"))
			digest.Write(stored[:len(stored)-4])
			left -= int64(len(stored) - 4)
		}
		if hex.EncodeToString(digest.Sum(nil)) != h.Digests[n] {
			return errors.New("another payload")
		}
	}
	return nil
}

func decode(stored []byte, h *vault.Header) error {
	return json.Unmarshal(stored[:max(len(stored)-4, 0)], h)
}
