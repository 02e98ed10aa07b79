package admin

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// A running server compacts when most of the file is free, and after a week when
// anything is; not while there is nothing to gain.
func TestMaintain(t *testing.T) {
	h, err := Create(filepath.Join(t.TempDir(), "home"), nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Open(h)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	today := time.Now()
	l.now = func() time.Time { return today }
	last := today
	size := func() int64 {
		t.Helper()
		if failed := l.maintain(t.Context(), &last); failed != "" {
			t.Fatal(failed)
		}
		size, _ := l.vault.Space()
		return size
	}
	large, larger := bytesIn(t, l.vault, 2*worthwhile), bytesIn(t, l.vault, 3*worthwhile)
	if err := l.vault.Delete(t.Context(), []vault.Deletion{{ID: large, Reason: translog.ByLimit}}); err != nil {
		t.Fatal(err)
	}
	if got := size(); got < 5*worthwhile {
		t.Errorf("too early: %d bytes", got)
	}
	today = today.Add(compactAfter)
	if got := size(); got > 4*worthwhile || last != today {
		t.Errorf("after a week: %d bytes", got)
	}
	if err := l.vault.Delete(t.Context(), []vault.Deletion{{ID: larger, Reason: translog.ByLimit}}); err != nil {
		t.Fatal(err)
	}
	if got := size(); got > worthwhile {
		t.Errorf("all was deleted: %d bytes", got)
	}
}

// A small vault is compacted too, and when there is no room for it status says so,
// until there is.
func TestMaintainWithoutRoom(t *testing.T) {
	h, err := Create(filepath.Join(t.TempDir(), "home"), nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Open(h)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	last := time.Now()
	l.now = func() time.Time { return last.Add(compactAfter) }
	id := bytesIn(t, l.vault, 4<<20)
	if err := l.vault.Delete(t.Context(), []vault.Deletion{{ID: id, Reason: translog.ByLimit}}); err != nil {
		t.Fatal(err)
	}
	waits := func() bool {
		t.Helper()
		s, err := l.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(strings.Join(s.Problems, "\n"), "waits for room: another 61 MiB must be free")
	}
	l.disk = func(string) (free, size uint64, err error) { return 4 << 20, 1280 << 20, nil }
	if failed := l.maintain(t.Context(), &last); failed != "compact_without_room" || !waits() {
		t.Errorf("%q, said: %v", failed, waits())
	}
	l.disk = func(string) (free, size uint64, err error) { return 1 << 30, 1280 << 20, nil }
	if failed := l.maintain(t.Context(), &last); failed != "" || waits() {
		t.Errorf("%q, said: %v", failed, waits())
	}
	if size, _ := l.vault.Space(); size > 1<<20 {
		t.Errorf("%d bytes", size)
	}
}

// bytesIn commits a submission of that many bytes.
func bytesIn(t *testing.T, v *vault.Vault, size int) vault.ID {
	t.Helper()
	d := v.NewDraft()
	w, err := d.Item(t.Context(), 0)
	for n := 0; err == nil && n < size; n += 1 << 20 {
		_, err = w.Write(make([]byte, 1<<20))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	id, err := d.Commit(t.Context(), vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 1, Envelope: []byte("e")})
	if err != nil {
		t.Fatal(err)
	}
	return id
}
