package vault_test

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

func noteRestored(t testing.TB, v *vault.Vault) translog.Restored {
	t.Helper()
	leaf, err := v.NoteRestored(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func lastRestored(t testing.TB, v *vault.Vault) (leaf translog.Restored, ok bool) {
	t.Helper()
	leaf, ok, err := v.LastRestored()
	if err != nil {
		t.Fatal(err)
	}
	return leaf, ok
}

// A restoration is the next leaf of the log, before all that waits; and the vault
// knows the last one also when it was opened anew, or compacted.
func TestNoteRestored(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	if leaf, ok := lastRestored(t, v); ok {
		t.Errorf("a new vault was restored: %+v", leaf)
	}
	empty := noteRestored(t, v)
	if got := leaves(t, v); len(got) != 1 || got[0] != translog.Leaf(empty) || empty.Size != 0 || len(empty.Mark) != 64 {
		t.Errorf("%+v in a log with %+v", empty, got)
	}
	addChannel(t, v, "Nice", vault.Member{Fingerprint: fingerprint("A")})
	batch(t, v)
	id := submit(t, v, random(10))
	first := noteRestored(t, v)
	if pending(t, v) != 1 || first.Size != 3 || first.Day != time.Now().UTC().Format(time.DateOnly) {
		t.Errorf("%+v, and %d leaves wait", first, pending(t, v))
	}
	size := batch(t, v)
	second := noteRestored(t, v)
	if second.Size != size || second.Mark == first.Mark || first.Mark == empty.Mark {
		t.Errorf("%+v after %+v, in a log of %d leaves", second, first, size)
	}
	all := leaves(t, v)
	if all[3] != translog.Leaf(first) || all[5] != translog.Leaf(second) {
		t.Errorf("the log is %+v", all)
	}
	if index, ok, err := v.LeafOf(id); err != nil || !ok || index != 4 {
		t.Errorf("what waited is leaf %d, %v, %v", index, ok, err)
	}
	if _, _, err := v.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	orFatal(t, v.Close())
	if r := verify(t, path); !r.Sound() || len(r.Unchecked) > 0 || r.Fine.Leaves != 6 {
		t.Errorf("%+v", r)
	}
	if leaf, ok := lastRestored(t, vaulttest.Open(t, path)); !ok || leaf != second {
		t.Errorf("opened anew it knows %+v, %v", leaf, ok)
	}
}

// Nothing joins the log between what a leaf says and where it stands, whoever
// writes at once. The vault is checked when the test ends.
func TestNoteRestoredWhileOthersWrite(t *testing.T) {
	v := vaulttest.NewVault(t)
	addChannel(t, v, "Nice")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { noteRestored(t, v) })
		all.Go(func() { batch(t, v) })
		all.Go(func() {
			if err := v.SetPolicy(ctx, "Nice", vault.Policy{Retention: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if leaf, ok := lastRestored(t, v); !ok || leaf.Size >= batch(t, v) {
		t.Errorf("%+v, %v", leaf, ok)
	}
}

// alter changes the file as a hand would: values have their checksums.
func alter(t *testing.T, path, bucket string, key, value []byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	orFatal(t, err)
	orFatal(t, db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		if value == nil {
			return b.Delete(key)
		}
		sum := crc32.Checksum(append(append([]byte{}, key...), value...), crc32.MakeTable(crc32.Castagnoli))
		return b.Put(key, binary.BigEndian.AppendUint32(append([]byte{}, value...), sum))
	}))
	orFatal(t, db.Close())
}

// What the vault says of restorations is held against its log.
func TestVerifyRestored(t *testing.T) {
	path := t.TempDir() + "/vault.db"
	orFatal(t, vault.Create(path))
	v, err := vault.Open(path)
	orFatal(t, err)
	addChannel(t, v, "Nice")
	batch(t, v)
	noteRestored(t, v)
	orFatal(t, v.Close())
	elsewhere, err := translog.Encode(translog.Restored{Day: "2026-12-01", Size: 77, Mark: strings.Repeat("0a", 32)})
	orFatal(t, err)
	at := func(n byte) []byte { return []byte{0, 0, 0, 0, 0, 0, 0, n} }
	key := []byte("sixteen bytes 16")
	for name, c := range map[string]struct {
		damage string
		do     func(copied string)
	}{
		"nothing": {"", func(string) {}},
		"it forgot": {"which leaf of the log is of the last restoration", func(copied string) {
			alter(t, copied, "meta", []byte("restored"), nil)
		}},
		"another leaf": {"which leaf of the log is of the last restoration", func(copied string) {
			alter(t, copied, "meta", []byte("restored"), at(0))
		}},
		"beyond the log": {"which leaf of the log is of the last restoration", func(copied string) {
			alter(t, copied, "meta", []byte("restored"), at(9))
		}},
		"no number": {"where the log tells of the last restoration is damaged", func(copied string) {
			alter(t, copied, "meta", []byte("restored"), []byte{1})
		}},
		"a leaf that waits": {"a restoration's leaf waits for the log", func(copied string) {
			alter(t, copied, "pending", key, elsewhere)
		}},
		"a leaf at another place": {"leaf 2 of the log says that a backup with 77 leaves was restored there", func(copied string) {
			alter(t, copied, "pending", key, elsewhere)
			v, err := vault.Open(copied)
			orFatal(t, err)
			batch(t, v)
			orFatal(t, v.Close())
		}},
	} {
		copied := copyOf(t, path)
		c.do(copied)
		r := verify(t, copied)
		if found := strings.Join(r.Damage, "\n"); r.Sound() != (c.damage == "") || !strings.Contains(found, c.damage) {
			t.Errorf("%s: %q", name, found)
		}
		if err := vaulttest.Check(copied); (err == nil) != (c.damage == "") {
			t.Errorf("%s: Check says %v", name, err)
		}
	}
}

// A damaged note is an error, not a vault that was never restored.
func TestLastRestoredDamaged(t *testing.T) {
	path := t.TempDir() + "/vault.db"
	orFatal(t, vault.Create(path))
	v, err := vault.Open(path)
	orFatal(t, err)
	addChannel(t, v, "Nice")
	batch(t, v)
	orFatal(t, v.Close())
	for name, value := range map[string][]byte{"another leaf": make([]byte, 8), "no leaf": {0, 0, 0, 0, 0, 0, 1, 0}, "no number": {7}} {
		copied := copyOf(t, path)
		alter(t, copied, "meta", []byte("restored"), value)
		v, err := vault.Open(copied)
		orFatal(t, err)
		if leaf, ok, err := v.LastRestored(); err == nil || ok {
			t.Errorf("%s: %+v, %v", name, leaf, err)
		}
		orFatal(t, v.Close())
	}
}
