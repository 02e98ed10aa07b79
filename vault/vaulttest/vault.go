package vaulttest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
)

// NewVault creates and opens a vault in the test's folder. When the test ends
// it is closed and [Check] must find nothing wrong.
func NewVault(t testing.TB) *vault.Vault {
	t.Helper()
	v, _ := NewVaultAt(t)
	return v
}

// NewVaultAt is [NewVault] for tests that also need the file's path.
func NewVaultAt(t testing.TB) (*vault.Vault, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatalf("failed to create vault: %v", err)
	}
	return Open(t, path), path
}

// Open opens the vault at path, and closes and checks it when the test ends.
func Open(t testing.TB, path string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(path)
	if err != nil {
		t.Fatalf("failed to open vault: %v", err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Errorf("failed to close vault: %v", err)
		}
		if err := Check(path); err != nil {
			t.Errorf("the vault is damaged: %v", err)
		}
	})
	return v
}

// Check reads a closed vault's file as FORMAT.md describes it, not through
// package vault, and returns the first invariant that does not hold: bbolt's
// own, every payload whole, nothing without an owner.
func Check(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			return err
		}
		lengths, err := payloadLengths(tx)
		if err != nil {
			return err
		}
		if err := checkSubmissions(tx, lengths); err != nil {
			return err
		}
		return checkOwners(tx, lengths)
	})
}

type item struct {
	id vault.ID
	n  uint32
}

func payloadLengths(tx *bolt.Tx) (map[item]int64, error) {
	lengths, next := map[item]int64{}, map[item]uint32{}
	chunks := tx.Bucket([]byte("chunks"))
	err := chunks.ForEachBucket(func(k []byte) error {
		if len(k) != 24 {
			return fmt.Errorf("a chunk's key has %d bytes", len(k))
		}
		i := item{vault.ID(k[:16]), binary.BigEndian.Uint32(k[16:])}
		if seq := binary.BigEndian.Uint32(k[20:]); seq != next[i] {
			return fmt.Errorf("chunk %d of item %d of %s follows chunk %d", seq, i.n, i.id, next[i])
		}
		next[i]++
		lengths[i] += int64(len(chunks.Bucket(k).Get([]byte("v"))))
		return nil
	})
	return lengths, err
}

func checkSubmissions(tx *bolt.Tx, lengths map[item]int64) error {
	return tx.Bucket([]byte("submissions")).ForEach(func(k, raw []byte) error {
		id := vault.ID(k)
		var h vault.Header
		if err := json.Unmarshal(raw, &h); err != nil {
			return err
		}
		for n, want := range h.Payloads {
			if got := lengths[item{id, uint32(n)}]; got != want {
				return fmt.Errorf("payload %d of %s has %d bytes, its header says %d", n, id, got, want)
			}
		}
		if len(tx.Bucket([]byte("envelopes")).Get(k)) == 0 {
			return fmt.Errorf("submission %s has no envelope", id)
		}
		return nil
	})
}

// checkOwners finds chunks of neither a submission nor a draft, envelopes
// without submission, and drafts that are submissions too.
func checkOwners(tx *bolt.Tx, lengths map[item]int64) error {
	submissions, drafts := tx.Bucket([]byte("submissions")), tx.Bucket([]byte("drafts"))
	for i := range lengths {
		if submissions.Get(i.id[:]) == nil && drafts.Get(i.id[:]) == nil {
			return fmt.Errorf("item %d of %s belongs to nothing", i.n, i.id)
		}
	}
	c := drafts.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if submissions.Get(k) != nil {
			return fmt.Errorf("submission %s is also a draft", vault.ID(k))
		}
	}
	return tx.Bucket([]byte("envelopes")).ForEach(func(k, _ []byte) error {
		if submissions.Get(k) == nil {
			return fmt.Errorf("envelope of %s has no submission", vault.ID(k))
		}
		return nil
	})
}
