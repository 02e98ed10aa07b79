package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

var errRefused = errors.New("refused")

// renewals gives each a new envelope in one change that fails, after during ran.
// It returns the slots that were taken.
func renewals(t testing.TB, v *vault.Vault, during func(), ids ...vault.ID) (slots []uint32) {
	t.Helper()
	err := v.Apply(ctx, func(c *vault.Change) error {
		for _, id := range ids {
			if err := c.Reenvelope(id, []byte("renewed"), 2); err != nil {
				return err
			}
		}
		slots = c.TakenSlots()
		during()
		return errRefused
	})
	if !errors.Is(err, errRefused) || len(slots) != len(ids) {
		t.Fatalf("%v, %d slots", err, len(slots))
	}
	return slots
}

func mustBeEmpty(t testing.TB, path string, slots ...uint32) {
	t.Helper()
	for _, slot := range slots {
		if !bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
			t.Errorf("slot %d of a change that failed still holds its key", slot)
		}
	}
}

// The key of an envelope that was not stored is overwritten: a disk that is full may
// have taken pages with that envelope already.
func TestFailedChangeLeavesNoKey(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	id, other := submit(t, v, random(10)), submit(t, v, random(10))
	var held bool
	taken := renewals(t, v, func() {}, id, other)
	mustBeEmpty(t, path, taken...)
	taken = renewals(t, v, func() { held = slotBytes(t, path, lastOf(t, path))[0] != 0 }, id)
	mustBeEmpty(t, path, taken...)
	if !held {
		t.Error("the file has no key at all: the test tests nothing")
	}
	if envelope, err := v.Envelope(id); err != nil || string(envelope) == "renewed" {
		t.Errorf("%q, %v", envelope, err)
	}
	empty := emptySlots(t, path)
	d := v.NewDraft()
	defer d.Discard()
	write(t, d, 0, random(10))
	c := commitment()
	c.Receipt = &vault.Receipt{Mailbox: vault.MailboxID{1}, Sealed: []byte("x")}
	if _, err := d.Commit(ctx, c); !errors.Is(err, vault.ErrNotFound) {
		t.Fatalf("Commit: %v", err)
	}
	if n := emptySlots(t, path); n != empty+1 {
		t.Errorf("%d slots are empty after a commit that failed, %d before", n, empty)
	}
}

// lastOf is a slot that holds a key that is ready: in a file of one page some are.
func lastOf(t testing.TB, path string) uint32 {
	t.Helper()
	for slot := range uint32(64) {
		if !bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
			return slot
		}
	}
	return 0
}

func emptySlots(t testing.TB, path string) (n int) {
	t.Helper()
	for slot := range uint32(64) {
		if bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
			n++
		}
	}
	return n
}

// Where the disk does not let that be done, no deletion of the same submission says
// that it is gone, the others do, and Finish does it as soon as it can.
func TestLooseKey(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	id, other := submit(t, v, random(10)), submit(t, v, random(10))
	var mend func()
	taken := renewals(t, v, func() { mend = vaulttest.FailWrites(t, slotsOf(path)) }, id)
	if u := unfinished(t, v); len(u.Keys) != 1 || u.Keys[0] != id {
		t.Errorf("%+v", u)
	}
	if err := v.Finish(ctx); !errors.Is(err, vault.ErrNotOverwritten) {
		t.Errorf("Finish while the disk refuses: %v", err)
	}
	if err := v.Delete(ctx, []vault.Deletion{byRetention(id)}); !errors.Is(err, vault.ErrNotOverwritten) {
		t.Errorf("Delete: %v", err)
	}
	mend()
	if err := v.Delete(ctx, []vault.Deletion{byRetention(other)}); err != nil {
		t.Errorf("another: %v", err)
	}
	mustBeEmpty(t, path, taken...)
	if u := unfinished(t, v); len(u.Keys)+u.Unnamed+u.Erasing != 0 {
		t.Errorf("%+v", u)
	}
}

// What a killed program left in slots that nothing names is overwritten before
// anything else is done; after a clean end nothing is left, also not when the disk
// did not let it be done then.
func TestOpenOverwritesLooseKeys(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	id, kept := submit(t, v, random(10)), submit(t, v, random(10))
	killed := filepath.Join(t.TempDir(), "vault.db")
	taken := renewals(t, v, func() { copyVault(t, path, killed) }, id)
	if bytes.Equal(slotBytes(t, killed, taken[0]), make([]byte, 128)) {
		t.Fatal("the copy has no key: the test tests nothing")
	}
	again := vaulttest.Open(t, killed)
	mustBeEmpty(t, killed, taken...)
	for _, id := range []vault.ID{id, kept} {
		if envelope, err := again.Envelope(id); err != nil || len(envelope) == 0 {
			t.Errorf("%q, %v", envelope, err)
		}
	}
	if n := emptySlots(t, killed); n != 62 {
		t.Errorf("%d slots are empty, want all but two", n)
	}
	submit(t, again, random(10))
}

func TestCloseKeepsLooseKeysInMind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var mend func()
	taken := renewals(t, v, func() { mend = vaulttest.FailWrites(t, slotsOf(path)) }, submit(t, v, random(10)))
	mend()
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err = vault.Open(path); err != nil {
		t.Fatal(err)
	}
	mustBeEmpty(t, path, taken...)
	ready := emptySlots(t, path)
	submit(t, v, random(10))
	if err := v.Close(); err != nil || ready != 63 {
		t.Fatalf("%d slots are empty, %v", ready, err)
	}
	before := slotBytes(t, path, lastOf(t, path))
	vaulttest.Open(t, path)
	if after := slotBytes(t, path, lastOf(t, path)); !bytes.Equal(before, after) || emptySlots(t, path) != 0 {
		t.Error("after a clean end the slots were written")
	}
}

func copyVault(t testing.TB, from, to string) {
	t.Helper()
	for _, suffix := range []func(string) string{func(p string) string { return p }, slotsOf} {
		raw, err := os.ReadFile(suffix(from))
		if err := errors.Join(err, os.WriteFile(suffix(to), raw, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
