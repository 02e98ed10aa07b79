//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// older is the seeded home as version 1 would have it: no log, no slots, no
// checksums.
func older(t testing.TB, b *bench) *world {
	t.Helper()
	w, err := b.seeded.copyTo(newFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	clear(w.carried)
	w.keys, w.leaves, w.head, w.sequence, w.inFlight = nil, nil, translog.Checkpoint{}, 0, nil
	path := w.vaultPath() + ".old"
	a, err := w.open()
	if err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { return rewrite(tx, a.Vault()) })
	if err := errors.Join(err, db.Close(), a.Close()); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(copyMailboxes(w.vaultPath(), path), os.Rename(path, w.vaultPath()), os.Remove(filepath.Join(w.home, "vault.slots")))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func rewrite(tx *bolt.Tx, v *vault.Vault) error {
	for _, name := range []string{"meta", "channels", "submissions", "envelopes", "chunks", "drafts", "mailboxes", "receipts"} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	salt, err := v.Salt()
	if err != nil {
		return err
	}
	meta := tx.Bucket([]byte("meta"))
	if err := errors.Join(meta.Put([]byte("salt"), salt), meta.Put([]byte("version"), []byte{0, 0, 0, 1})); err != nil {
		return err
	}
	now, err := v.Roster(channel)
	if err != nil {
		return err
	}
	for epoch := range now.Epoch + 1 {
		if err := rewriteRoster(tx, v, epoch); err != nil {
			return err
		}
	}
	for e, err := range v.Entries() {
		if err == nil {
			err = rewriteOne(tx, v, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func rewriteRoster(tx *bolt.Tx, v *vault.Vault, epoch uint64) error {
	raw, _, err := v.RosterAt(channel, epoch)
	if err != nil {
		return err
	}
	epochs, err := tx.Bucket([]byte("channels")).CreateBucketIfNotExists([]byte(channel))
	if err != nil {
		return err
	}
	return epochs.Put(binary.BigEndian.AppendUint64(nil, epoch), raw)
}

func rewriteOne(tx *bolt.Tx, v *vault.Vault, e vault.Entry) error {
	header, err := json.Marshal(map[string]any{"channel": e.Channel, "day": e.Day, "epoch": e.Epoch, "payloads": e.Payloads})
	if err != nil {
		return err
	}
	envelope, err := v.Envelope(e.ID)
	if err != nil {
		return err
	}
	err = errors.Join(tx.Bucket([]byte("submissions")).Put(e.ID[:], header), tx.Bucket([]byte("envelopes")).Put(e.ID[:], envelope))
	for n := range e.Payloads {
		if err == nil {
			err = rewritePayload(tx, v, e, n)
		}
	}
	return err
}

func rewritePayload(tx *bolt.Tx, v *vault.Vault, e vault.Entry, n int) error {
	r, err := v.Payload(e, n)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for seq := uint32(0); len(raw) > 0; seq++ {
		key := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(bytes.Clone(e.ID[:]), uint32(n)), seq)
		chunk, err := tx.Bucket([]byte("chunks")).CreateBucket(key)
		if err != nil {
			return err
		}
		size := min(len(raw), 256<<10)
		if err := chunk.Put([]byte("v"), raw[:size]); err != nil {
			return err
		}
		raw = raw[size:]
	}
	return nil
}

// copyMailboxes copies them without their checksums.
func copyMailboxes(from, to string) error {
	source, err := bolt.Open(from, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	target, err := bolt.Open(to, 0o600, nil)
	if err != nil {
		return errors.Join(err, source.Close())
	}
	err = source.View(func(old *bolt.Tx) error {
		return target.Update(func(tx *bolt.Tx) error {
			for _, name := range []string{"mailboxes", "receipts"} {
				err := old.Bucket([]byte(name)).ForEach(func(k, stored []byte) error {
					return tx.Bucket([]byte(name)).Put(k, stored[:len(stored)-4])
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	return errors.Join(err, source.Close(), target.Close())
}

// cutOff begins an upload and stays silent after n bytes of its file; the
// returned function hangs up.
func (s *server) cutOff(t testing.TB, n int) (hangUp func()) {
	t.Helper()
	at, err := url.Parse(s.visitor.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	part := func(name, more, value string) string {
		return fmt.Sprintf("--B\r\nContent-Disposition: form-data; name=%q%s\r\n\r\n%s", name, more, value)
	}
	body := part("passphrase", "", s.words) + "\r\n" + part("channel", "", channel) + "\r\n" + part("files", `; filename="a"`, string(random(n)))
	_, err = fmt.Fprintf(c, "POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n%s", 2*len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	return func() { c.Close() }
}
