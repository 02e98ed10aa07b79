package parcel_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// A rotten vault is one in which bits of some submissions have flipped.
type rotten struct {
	*vault.Vault
	alice vaulttest.Key
	ids   []vault.ID // in their order
}

// newRotten makes a vault of six submissions, and flips a bit in what the buckets
// have of the n-th.
func newRotten(t *testing.T, flips map[int]string) rotten {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rotten{alice: newReviewer(t)}
	addChannel(t, v, "Nice", r.alice)
	for range 6 {
		r.ids = append(r.ids, submit(t, v, "Nice", random(9), random(100), random(300_000)))
	}
	batch(t, v)
	slices.SortFunc(r.ids, func(a, b vault.ID) int { return bytes.Compare(a[:], b[:]) })
	acknowledge(t, v, r.alice, r.ids[5])
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	for n, bucket := range flips {
		flip(t, path, bucket, r.ids[n])
	}
	if r.Vault, err = vault.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func flip(t *testing.T, path, bucket string, id vault.ID) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		k, stored := b.Cursor().Seek(id[:])
		if !bytes.HasPrefix(k, id[:]) {
			return errors.New("nothing is stored for it")
		}
		if stored == nil {
			b = b.Bucket(k)
			k, stored = b.Cursor().First()
		}
		stored = bytes.Clone(stored)
		stored[len(stored)/2] ^= 4
		return b.Put(bytes.Clone(k), stored)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// What cannot be read does not keep the rest from being carried, in whatever
// parts, for one reviewer and for all; and it is said.
func TestUnreadable(t *testing.T) {
	for name, r := range map[string]func(rotten) parcel.Request{
		"for all":   func(rotten) parcel.Request { return parcel.Request{} },
		"for Alice": func(r rotten) parcel.Request { return parcel.Request{Reviewer: fingerprint(r.alice)} },
		"in parts":  func(rotten) parcel.Request { return parcel.Request{Bytes: 400_000} },
		"one each":  func(rotten) parcel.Request { return parcel.Request{Bytes: 1} },
	} {
		v := newRotten(t, map[int]string{0: "chunks", 1: "envelopes", 3: "submissions", 4: "chunks", 5: "acks"})
		request := r(v)
		// Payloads are found out by who reads them: once is enough for all.
		whole := planned(t, v.Vault, parcel.Request{})
		if err := whole.Write(ctx, io.Discard); !errors.Is(err, parcel.ErrUnreadable) {
			t.Fatalf("%s: the first time: %v", name, err)
		}
		parts, err := parcel.Parts(ctx, v.Vault, request)
		if err != nil {
			t.Fatal(err)
		}
		var carried, unreadable []string
		for at := 0; ; at++ {
			p := planned(t, v.Vault, request)
			c := contentOf(t, bytesOf(t, p))
			c.check(t, nil)
			carried = append(carried, idsIn(p.Index())...)
			unreadable = append(unreadable, texts(p.Unreadable()...)...)
			if p.Index().Left == 0 {
				if at != len(parts)-1 {
					t.Errorf("%s: %d parcels, of %d", name, at+1, len(parts))
				}
				break
			}
			if request.After = p.Last(); request.After != parts[at+1] {
				t.Fatalf("%s: part %d ends at %s, not %s", name, at, request.After, parts[at+1])
			}
		}
		wantUnreadable := texts(v.ids[0], v.ids[1], v.ids[3], v.ids[4])
		if want := texts(v.ids[2], v.ids[5]); !slices.Equal(carried, want) || !slices.Equal(unreadable, wantUnreadable) {
			t.Errorf("%s: carried %q, unreadable %q", name, carried, unreadable)
		}
	}
}

// Nothing of a parcel is believed that broke off at an unreadable payload.
func TestUnreadableBreaksOff(t *testing.T) {
	v := newRotten(t, map[int]string{2: "chunks"})
	var b bytes.Buffer
	if _, err := parcel.Write(ctx, &b, v.Vault, fixedKey(1).secret, parcel.Request{}); !errors.Is(err, parcel.ErrUnreadable) {
		t.Fatalf("Write: %v", err)
	}
	if _, err := read(b.Bytes()); err == nil {
		t.Error("what was written until then is taken for a parcel")
	}
	index, err := parcel.Write(ctx, io.Discard, v.Vault, fixedKey(1).secret, parcel.Request{})
	if err != nil || len(index.Submissions) != 4 {
		t.Errorf("anew: %d submissions, %v", len(index.Submissions), err)
	}
}
