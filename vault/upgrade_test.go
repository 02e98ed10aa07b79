package vault_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// checkUpgraded opens the vault and finds everything that the old one held.
func checkUpgraded(t *testing.T, path string, old v1) *vault.Vault {
	t.Helper()
	v := vaulttest.Open(t, path)
	for id, s := range old.submissions {
		for n, want := range s.payloads {
			if !bytes.Equal(payloadOf(t, v, id, n), want) {
				t.Errorf("payload %d of %d bytes came back changed", n, len(want))
			}
		}
		envelope, err := v.Envelope(id)
		if e, _ := v.Entry(id); err != nil || !bytes.Equal(envelope, s.envelope) || e.Channel != s.channel || e.Epoch != s.epoch || e.Day != "2026-11-21" {
			t.Errorf("%+v, %q, %v", e, envelope, err)
		}
	}
	salt, err := v.Salt()
	locked, noKey := v.MailboxKey(vault.MailboxID{1})
	receipts, _, noReceipt := v.Receipts(vault.MailboxID{1}, 5)
	if err := errors.Join(err, noKey, noReceipt); err != nil || !bytes.Equal(salt, old.salt) || string(locked) != "key" || len(receipts) != 1 || string(receipts[0]) != "receipt" {
		t.Errorf("%x, %q, %q, %v", salt, locked, receipts, err)
	}
	rosters, err := v.Channels()
	if err != nil || len(rosters) != 2 || rosters[0].Epoch != 2 || len(rosters[0].Members) != 2 || !bytes.Equal(rosters[0].Members[0].Certificate, old.rosters[1].Members[0].Certificate) {
		t.Errorf("Channels: %v", err)
	}
	if s, err := v.Stats(); err != nil || s.Submissions != len(old.submissions) || s.Drafts != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	return v
}

func TestUpgrade(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "vault.db")
	old := newV1()
	old.write(t, path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v := checkUpgraded(t, path, old)
	if told := v.Upgraded(); !strings.Contains(told, "vault.v1.db") || !strings.Contains(told, "remove it") {
		t.Errorf("the admin is told %q", told)
	}
	if got := names(t, dir); got != "vault.db vault.slots vault.v1.db" {
		t.Errorf("there is %s", got)
	}
	if backup, err := os.ReadFile(filepath.Join(dir, "vault.v1.db")); err != nil || !bytes.Equal(backup, before) {
		t.Errorf("the backup is not what there was: %v", err)
	}
	if n := pending(t, v); n != len(old.rosters)+len(old.submissions) {
		t.Errorf("%d leaves wait", n)
	}
	batch(t, v)
	for _, leaf := range leaves(t, v) {
		if r, ok := leaf.(translog.Roster); ok && r.Epoch == 1 && r.Day != "2026-11-20" {
			t.Errorf("the roster's day is %s", r.Day)
		}
	}
	submit(t, v, []byte("goes on"))
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if told := vaulttest.Open(t, path).Upgraded(); told != "" {
		t.Errorf("opened again: %q", told)
	}
}

// Wherever a crash stopped an upgrade, the next one starts again and ends.
func TestInterruptedUpgrade(t *testing.T) {
	for name, leave := range map[string]func(dir, spare string) error{
		"while it was built": func(dir, _ string) error {
			return errors.Join(os.WriteFile(dir+"/vault.db.upgrade", random(5000), 0o600), os.WriteFile(dir+"/vault.slots.upgrade", nil, 0o600))
		},
		"before the slots had their name": func(dir, spare string) error {
			return errors.Join(os.Link(dir+"/vault.db", dir+"/vault.v1.db"),
				os.Rename(spare+"/vault.db", dir+"/vault.db.upgrade"), os.Rename(spare+"/vault.slots", dir+"/vault.slots.upgrade"))
		},
		"before the vault had its name": func(dir, spare string) error {
			return errors.Join(os.Link(dir+"/vault.db", dir+"/vault.v1.db"),
				os.Rename(spare+"/vault.db", dir+"/vault.db.upgrade"), os.Rename(spare+"/vault.slots", dir+"/vault.slots"))
		},
	} {
		dir, spare := t.TempDir(), t.TempDir()
		old := newV1()
		for _, d := range []string{dir, spare} {
			old.write(t, d+"/vault.db")
		}
		v, err := vault.Open(spare + "/vault.db") // whose files stand for those of the interrupted upgrade
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(v.Close(), leave(dir, spare)); err != nil {
			t.Fatal(err)
		}
		checkUpgraded(t, dir+"/vault.db", old)
		if got := names(t, dir); got != "vault.db vault.slots vault.v1.db" {
			t.Errorf("%s: there is %s", name, got)
		}
	}
}

// Killed at any instant, an upgrade leaves the old vault or the new one.
func TestKilledUpgrade(t *testing.T) {
	upgraded := 0
	for round := range 12 {
		dir := t.TempDir()
		path := filepath.Join(dir, "vault.db")
		old := newV1()
		old.write(t, path)
		for range 2 {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), openEnv+"="+path)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rand.IntN(10*(round+1))) * time.Millisecond)
			cmd.Process.Kill()
			cmd.Wait()
		}
		if _, err := os.Stat(filepath.Join(dir, "vault.v1.db")); err == nil {
			upgraded++
		}
		checkUpgraded(t, path, old)
		if got := names(t, dir); got != "vault.db vault.slots vault.v1.db" {
			t.Errorf("there is %s", got)
		}
	}
	t.Logf("%d of 12 were upgraded before the last kill", upgraded)
}

// What belongs to somebody else is not touched, nor is a vault that cannot be
// upgraded.
func TestUpgradeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string) error
		says  string
	}{
		"another vault's slots": {func(dir string) error { return os.WriteFile(dir+"/vault.slots", []byte("keys"), 0o600) }, "vault.slots is there already"},
		"another backup":        {func(dir string) error { return os.WriteFile(dir+"/vault.v1.db", []byte("old"), 0o600) }, "vault.v1.db is there already"},
		"a lost envelope":       {func(dir string) error { return damageV1(dir, "envelopes") }, "its envelope is missing"},
		"lost chunks":           {func(dir string) error { return damageV1(dir, "chunks") }, "chunk 0 is missing"},
	} {
		dir := t.TempDir()
		old := newV1()
		old.write(t, dir+"/vault.db")
		if err := c.spoil(dir); err != nil {
			t.Fatal(err)
		}
		before, list := digestOf(t, dir+"/vault.db"), names(t, dir)
		v, err := vault.Open(dir + "/vault.db")
		if err == nil {
			v.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if digestOf(t, dir+"/vault.db") != before || names(t, dir) != list {
			t.Errorf("%s: changed: there is %s", name, names(t, dir))
		}
	}
}

func damageV1(dir, bucket string) error {
	db, err := bolt.Open(dir+"/vault.db", 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		return err
	}
	return errors.Join(db.Update(func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket([]byte(bucket)); err != nil {
			return err
		}
		_, err := tx.CreateBucket([]byte(bucket))
		return err
	}), db.Close())
}

func digestOf(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return digest(content)
}

func TestNewerVersionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte{0, 0, 0, 3})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(path); err == nil || err.Error() != "the vault has format version 3, this program knows 2" {
		t.Errorf("Open: %v", err)
	}
}
