package vault_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// fillAll makes a vault with something in every bucket that is read.
func fillAll(t *testing.T, path string) vault.ID {
	t.Helper()
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	addChannel(t, v, "Nice", vault.Member{Fingerprint: fingerprint("A")})
	mailbox := vault.MailboxID{1}
	if _, err := v.EnsureMailbox(ctx, mailbox, []byte("key")); err != nil {
		t.Fatal(err)
	}
	d := v.NewDraft()
	write(t, d, 0, random(600_000))
	c := commitment()
	c.Receipt = &vault.Receipt{Mailbox: mailbox, Sealed: []byte("sealed")}
	id, err := d.Commit(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	batch(t, v)
	apply(t, v, func(c *vault.Change) error {
		return errors.Join(c.Acknowledge(id, fingerprint("A")), c.MarkOpened(id), c.Reply(mailbox, []byte("reply")),
			c.PutOrder(order("x"), []byte("signed")), c.SetDesk("F", vault.DeskState{Sequence: 1}))
	})
	if err := errors.Join(v.SetPolicy(ctx, "Nice", vault.Policy{Retention: 1}), v.Close(), vaulttest.Check(path)); err != nil {
		t.Fatal(err)
	}
	return id
}

// readAll reads everything there is, and returns the first error.
func readAll(path string, id vault.ID) error {
	v, err := vault.Open(path)
	if err != nil {
		return err
	}
	defer v.Close()
	mailbox := vault.MailboxID{1}
	reads := []func() error{
		func() error { _, err := v.Salt(); return err },
		func() error { _, err := v.Channels(); return err },
		func() error { _, _, err := v.RosterAt("Nice", 0); return err },
		func() error { _, err := v.Policy("Nice"); return err },
		func() error { _, err := v.Stats(); return err },
		func() error { _, err := v.Envelope(id); return err },
		func() error { _, err := v.MailboxKey(mailbox); return err },
		func() error { _, _, err := v.Receipts(mailbox, 9); return err },
		func() error { _, _, err := v.Replies(mailbox, 9); return err },
		func() error { _, err := v.AckedByAll(id); return err },
		func() error { _, err := v.Opened(id); return err },
		func() error { _, _, err := v.Desk("F"); return err },
		func() error { _, err := v.Order(order("x")); return err },
		func() error { _, err := v.ReadHashes([]int64{0}); return err },
		func() error { _, _, err := v.LeafOf(id); return err },
		func() error { return readPayload(v, id) },
		func() error {
			for _, err := range v.Leaves(0, 1) {
				return err
			}
			return nil
		},
		func() error { _, err := v.Batch(ctx); return err },
	}
	for _, read := range reads {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

func readPayload(v *vault.Vault, id vault.ID) error {
	e, err := v.Entry(id)
	if err != nil {
		return err
	}
	r, err := v.Payload(e, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// damage changes the first value of a bucket, or of the first bucket in it.
func damage(t *testing.T, path, bucket string, change func(k, stored []byte) []byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		k, stored := b.Cursor().First()
		if stored == nil {
			b = b.Bucket(k)
			k, stored = b.Cursor().First()
		}
		return b.Put(bytes.Clone(k), change(k, bytes.Clone(stored)))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// A flipped bit in any value is an error when it is read, and says so.
func TestFlippedBits(t *testing.T) {
	sound := filepath.Join(t.TempDir(), "vault.db")
	if id := fillAll(t, sound); readAll(sound, id) != nil {
		t.Fatal(readAll(sound, id))
	}
	for _, bucket := range []string{"meta", "channels", "policies", "submissions", "envelopes", "chunks", "mailboxes", "receipts",
		"replies", "acks", "opened", "desks", "orders", "pending", "leaves", "hashes", "leafof"} {
		path := filepath.Join(t.TempDir(), "vault.db")
		id := fillAll(t, path)
		damage(t, path, bucket, func(_, stored []byte) []byte {
			stored[len(stored)/2] ^= 4
			return stored
		})
		if err := readAll(path, id); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("a flipped bit in %s: %v", bucket, err)
		}
		if err := vaulttest.Check(path); err == nil {
			t.Errorf("a flipped bit in %s was not found", bucket)
		}
		damage(t, path, bucket, func(_, _ []byte) []byte { return []byte{1} })
		if err := readAll(path, id); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("a cut value in %s: %v", bucket, err)
		}
	}
}

// A value under another's key is damage, too.
func TestExchangedChunks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	id := fillAll(t, path)
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		chunks := tx.Bucket([]byte("chunks"))
		first, _ := chunks.Cursor().First()
		a, b := chunks.Bucket(first), chunks.Bucket(append(bytes.Clone(first[:23]), 1))
		one, two := bytes.Clone(a.Get([]byte("v"))), bytes.Clone(b.Get([]byte("v")))
		return errors.Join(a.Put([]byte("v"), two), b.Put([]byte("v"), one))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := readAll(path, id); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("%v", err)
	}
}

// A damaged entry of a slot costs no submission its key, and a damaged envelope
// does not keep its submission from being deleted.
func TestDamagedSlots(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	id := fillAll(t, path)
	flip := func(_, stored []byte) []byte {
		stored[0] ^= 1
		return stored
	}
	damage(t, path, "slots", flip)
	if err := readAll(path, id); err != nil {
		t.Errorf("with a damaged entry of its slot: %v", err)
	}
	damage(t, path, "slots", flip) // right again
	slot, _ := slotOf(t, path, id)
	damage(t, path, "envelopes", flip)
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(v.Delete(ctx, []vault.Deletion{byRetention(id)}), v.Close())
	if err != nil || !bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
		t.Errorf("deleting: %v", err)
	}
	if err := vaulttest.Check(path); err != nil {
		t.Error(err)
	}
}
