package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// A deletion whose keys the disk does not let overwrite says so, stays invisible,
// and is ended by Finish as soon as the disk does again.
func TestFinish(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	kept, id, other := submit(t, v, random(10)), submit(t, v, random(10)), submit(t, v, random(300_000))
	if err := v.Finish(ctx); err != nil {
		t.Fatalf("with nothing to do: %v", err)
	}
	mend := vaulttest.FailWrites(t, slotsOf(path))
	err := v.Delete(ctx, []vault.Deletion{byRetention(id)})
	if !errors.Is(err, vault.ErrNotOverwritten) || !errors.Is(err, syscall.EBADF) {
		t.Fatalf("Delete: %v", err)
	}
	gone(t, v, id)
	if err := v.Finish(ctx); !errors.Is(err, vault.ErrNotOverwritten) {
		t.Fatalf("while the disk refuses: %v", err)
	}
	err = v.Apply(ctx, func(c *vault.Change) error { return c.Delete(byRetention(other)) })
	if !errors.Is(err, vault.ErrNotOverwritten) {
		t.Fatalf("Apply: %v", err)
	}
	if u := unfinished(t, v); len(u.Keys) != 2 || u.Erasing != 2 {
		t.Fatalf("%+v", u)
	}
	slot := spentSlot(t, v, path, id)
	if bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
		t.Fatal("the slot is empty: the test tests nothing")
	}
	mend()
	if err := v.Finish(ctx); err != nil {
		t.Fatalf("when the disk is well: %v", err)
	}
	if u := unfinished(t, v); len(u.Keys)+u.Erasing+u.Uploads != 0 {
		t.Errorf("%+v", u)
	}
	if !bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
		t.Error("the slot of a deleted submission still holds a key")
	}
	if _, err := v.Envelope(kept); err != nil || vault.UsedSlots(v) != 1 {
		t.Errorf("what was not deleted: %v, %d slots in use", err, vault.UsedSlots(v))
	}
}

func unfinished(t testing.TB, v *vault.Vault) vault.Unfinished {
	t.Helper()
	u, err := v.Unfinished()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// spentSlot finds the slot of a submission that is being deleted, in a copy of the
// vault's file.
func spentSlot(t testing.TB, v *vault.Vault, path string, id vault.ID) (slot uint32) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir() + "/vault.db"
	if err := os.WriteFile(copied, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	slot, _ = slotOf(t, copied, id)
	return slot
}

// What a broken-off upload wrote goes as soon as it can.
func TestFinishErasesUploads(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	d := v.NewDraft()
	write(t, d, 0, random(600_000))
	submit(t, v, random(1)) // which the writer does after the chunks
	away := path + ".away"
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	if err := os.Rename(away, path); err != nil {
		t.Fatal(err)
	}
	if u := unfinished(t, v); u.Uploads != 1 || u.Erasing+len(u.Keys) != 0 {
		t.Fatalf("%+v", u)
	}
	if err := v.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	if s, err := v.Stats(); err != nil || s.Drafts != 0 || unfinished(t, v).Uploads != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// One key that cannot be overwritten keeps no other deletion from its end, and
// whoever ordered another does not hear of it.
func TestOneKeyRemains(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	id, other, kept := submit(t, v, random(600_000)), submit(t, v, random(10)), submit(t, v, random(10))
	sick := vault.NewID()
	if err := vault.SpendBeyond(v, sick); err != nil {
		t.Fatal(err)
	}
	slot := spentSlot(t, v, path, id)
	if err := v.Delete(ctx, []vault.Deletion{byRetention(id)}); err != nil {
		t.Errorf("Delete: %v", err)
	}
	err = v.Apply(ctx, func(c *vault.Change) error {
		return errors.Join(c.Delete(byRetention(other)), c.Reenvelope(kept, []byte("new"), 2))
	})
	if err != nil {
		t.Errorf("Apply: %v", err)
	}
	if !bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
		t.Error("the slot of a deleted submission still holds a key")
	}
	if u := unfinished(t, v); len(u.Keys) != 1 || u.Keys[0] != sick || u.Erasing != 0 {
		t.Errorf("%+v", u)
	}
	if err := v.Finish(ctx); !errors.Is(err, vault.ErrNotOverwritten) {
		t.Errorf("Finish: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	nothingOf(t, path, id)
	v = vaulttest.Open(t, path)
	if u := unfinished(t, v); len(u.Keys) != 0 {
		t.Errorf("opened anew: %+v", u)
	}
}
